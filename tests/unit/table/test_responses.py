"""DynamoDB's answers are read as botocore's own parser reads them, only quicker."""

import json
from functools import partial
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory

from contacts.table.aws import ResponseParsers
from tests.support.counting import calls_made

MODEL = ServiceModel(Loader().load_service_model("dynamodb", "service-2"))
ATTRIBUTES: dict[str, Any] = {
    "S": {"S": "ü"}, "N": {"N": "1e125"}, "true": {"BOOL": True}, "false": {"BOOL": False}, "null": {"NULL": True},
    "SS": {"SS": ["a", "b"]}, "M": {"M": {"S": {"S": ""}, "M": {"M": {}}, "SDK_UNKNOWN_MEMBER": {"L": []}}},
    "L": {"L": [{"N": "0"}, {"L": [{"BOOL": False}]}]},
}  # fmt: skip
ANSWERS: list[tuple[str, dict[str, Any]]] = [
    ("GetItem", {"Item": ATTRIBUTES}),
    ("GetItem", {}),
    (
        "Query",
        {"Items": [ATTRIBUTES, {}], "Count": 2, "ScannedCount": 3, "LastEvaluatedKey": {"PK": {"S": "a"}}},
    ),
    ("UpdateItem", {"Attributes": ATTRIBUTES}),
    (
        "BatchGetItem",
        {"Responses": {"t": [ATTRIBUTES]}, "UnprocessedKeys": {"t": {"Keys": [{"PK": {"S": "a"}}]}}},
    ),
    ("BatchWriteItem", {"UnprocessedItems": {"t": [{"PutRequest": {"Item": ATTRIBUTES}}]}}),
    ("TransactWriteItems", {}),
]
REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("UpdateItem", {"__type": "a#ConditionalCheckFailedException", "message": "no", "Item": ATTRIBUTES}),
    (
        "TransactWriteItems",
        {
            "__type": "a#TransactionCanceledException",
            "Message": "no",
            "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": ATTRIBUTES}],
        },
    ),
    ("Query", {"__type": "a#ThrottlingException", "message": "later"}),
]  # fmt: skip


def parsed(factory: ResponseParserFactory, operation: str, answer: Any, status: int) -> Any:
    response = {
        "body": json.dumps(answer).encode(),
        "headers": {"x-amzn-requestid": "r"},
        "status_code": status,
    }
    return factory.create_parser("json").parse(response, MODEL.operation_model(operation).output_shape)


@pytest.mark.parametrize(
    ("operation", "answer", "status"),
    [*((name, answer, 200) for name, answer in ANSWERS), *((name, answer, 400) for name, answer in REFUSALS)],
)
def test_an_answer_reads_as_botocore_reads_it(operation: str, answer: Any, status: int) -> None:
    ours, theirs = (
        parsed(factory, operation, answer, status) for factory in (ResponseParsers(), ResponseParserFactory())
    )
    assert ours == theirs


def test_other_protocols_use_the_parser_of_botocore() -> None:
    assert type(ResponseParsers().create_parser("query")) is type(
        ResponseParserFactory().create_parser("query")
    )


def test_values_are_not_walked_through() -> None:
    answer = {"Item": {f"k{number}": {"N": str(number)} for number in range(1_000)}}
    ours, theirs = (
        calls_made(partial(parsed, factory, "GetItem", answer, 200))
        for factory in (ResponseParsers(), ResponseParserFactory())
    )
    assert ours < 500 < 1_000 < theirs
