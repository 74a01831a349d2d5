"""A function that does nothing: what Lambda's runtime itself costs."""

from typing import Any


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer."""
    return {"statusCode": 200, "body": "{}"}
