"""botocore's DynamoDB client and the two calls of a read by id, nothing else: the least the SDK costs."""

import os
from typing import Any

import botocore.session

client: Any = botocore.session.get_session().create_client("dynamodb")
table = os.environ["TABLE_NAME"]


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Count, read, answer."""
    client.update_item(
        TableName=table,
        Key={"PK": {"S": "ACCOUNT#a#USAGE"}, "SK": {"S": "2026-01-15T10"}},
        UpdateExpression="ADD #used :one",
        ExpressionAttributeNames={"#used": "used"},
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    )
    client.get_item(
        TableName=table, Key={"PK": {"S": "ACCOUNT#a#0"}, "SK": {"S": "CONTACT#c"}}, ConsistentRead=True
    )
    return {"statusCode": 200, "body": "{}"}
