"""The table, and the meter every request passes."""

import hashlib
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.event_handler.exceptions import ServiceError, UnauthorizedError
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])

HOURLY_LIMIT = 10_000


def count_request(headers: dict[str, str]) -> str:
    """Find the caller's account and count the request, in one conditional update.

    Raises:
        UnauthorizedError: there is no key.
        ServiceError: the hour's requests are used up (429).
    """
    key = headers.get("x-api-key")
    if not key:
        raise UnauthorizedError("An API key is required.")
    key_hash = hashlib.sha256(key.encode()).hexdigest()
    try:
        usage: dict[str, Any] = table.update_item(
            Key={"PK": f"KEY#{key_hash}", "SK": f"USAGE#{datetime.now(UTC):%Y-%m-%dT%H}"},
            UpdateExpression="ADD #used :one",
            ConditionExpression="attribute_not_exists(#used) OR #used < :limit",
            ExpressionAttributeNames={"#used": "used"},
            ExpressionAttributeValues={":one": 1, ":limit": HOURLY_LIMIT},
            ReturnValues="ALL_NEW",
        )["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            raise ServiceError(429, "The hourly limit is reached.") from error
        raise
    return str(usage["account_id"])
