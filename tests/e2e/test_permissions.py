"""The stack holds functions to the keys that their policies name. A user with the policies of a role stands for it."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from contacts.core.ids import Name, NameKind
from contacts.table import keys
from contacts.table.keys import Key
from local.deployment import STACK_NAME
from local.environment import REGION

ACCOUNT = "01941f29-0000-7000-8000-0000000000e2"
CONTACT = keys.contact(ACCOUNT, "01941f29-7c00-7aaa-8000-000000000001")
USAGE = keys.usage(ACCOUNT, "2026-01-15T10")
FORGED = keys.claim(ACCOUNT, Name(NameKind.EXTERNAL_ID, "crm\n1#USAGE"))


@pytest.fixture(scope="module")
def as_function(stack: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """A DynamoDB client with the permissions of a function."""

    def client(service: str, key: str = "test", secret: str = "test") -> Any:
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=stack["endpoint_url"],
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    iam, formation = client("iam"), client("cloudformation")

    def of(function: str) -> Any:
        role = formation.describe_stack_resource(StackName=STACK_NAME, LogicalResourceId=f"{function}Role")
        attached = iam.list_attached_role_policies(
            RoleName=role["StackResourceDetail"]["PhysicalResourceId"]
        )["AttachedPolicies"]
        iam.create_user(UserName=function)
        for policy in attached:
            if ":aws:policy/" not in policy["PolicyArn"]:
                iam.attach_user_policy(UserName=function, PolicyArn=policy["PolicyArn"])
        made = iam.create_access_key(UserName=function)["AccessKey"]
        return client("dynamodb", made["AccessKeyId"], made["SecretAccessKey"])

    yield of
    for key in (CONTACT, USAGE, FORGED):
        client("dynamodb").delete_item(TableName=stack["table"], Key=typed(key))


def typed(key: Key) -> dict[str, Any]:
    return {name: {"S": value} for name, value in key._asdict().items()}


def test_a_reader_counts_its_request_and_writes_nothing_else(
    stack: dict[str, Any], as_function: Callable[[str], Any]
) -> None:
    table = as_function("GetContact")

    def count(key: Key) -> None:
        table.update_item(
            TableName=stack["table"],
            Key=typed(key),
            UpdateExpression="ADD used :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    count(USAGE)
    assert "Item" not in table.get_item(TableName=stack["table"], Key=typed(FORGED))
    for key in (FORGED, CONTACT, keys.api_key(f"{ACCOUNT}#USAGE")):
        with pytest.raises(ClientError, match="AccessDenied"):
            count(key)
    with pytest.raises(ClientError, match="AccessDenied"):
        table.get_item(TableName=stack["table"], Key=typed(keys.webhook(ACCOUNT, "wh_1")))


def test_each_step_of_a_transaction_and_each_key_of_a_batch_is_held_to_them(
    stack: dict[str, Any], as_function: Callable[[str], Any]
) -> None:
    table, batches = as_function("CreateContact"), as_function("BatchContacts")

    def put(*items: Key) -> None:
        steps = [{"Put": {"TableName": stack["table"], "Item": typed(key)}} for key in items]
        table.transact_write_items(TransactItems=steps)

    def get(*items: Key) -> None:
        batches.batch_get_item(RequestItems={stack["table"]: {"Keys": [typed(key) for key in items]}})

    listed_key, record = keys.listed_api_key(ACCOUNT, "key_1"), keys.idempotency(ACCOUNT, "0" * 64)
    put(CONTACT, FORGED)
    get(record)
    for forbidden in (lambda: put(CONTACT, listed_key), lambda: get(record, listed_key)):
        with pytest.raises(ClientError, match="AccessDenied"):
            forbidden()
