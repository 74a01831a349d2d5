"""Requests are written as botocore itself writes them, only quicker; and so are maps that nobody looked into."""

import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.serialize import JSONSerializer
from hypothesis import given
from hypothesis import strategies as some

from contacts.core.json import same_json
from contacts.table.aws import AsGiven
from contacts.table.expressions import (
    StoredMap,
    from_attribute,
    from_item,
    item_size,
    same_value,
    to_attribute,
    to_item,
)
from tests.support.counting import calls_made

MODEL = ServiceModel(Loader().load_service_model("dynamodb", "service-2"))
ATTRIBUTES: dict[str, Any] = {
    "S": {"S": "ü"}, "N": {"N": "1e125"}, "true": {"BOOL": True}, "null": {"NULL": True}, "SS": {"SS": ["a", "b"]},
    "M": {"M": {"S": {"S": ""}, "M": {"M": {}}}}, "L": {"L": [{"N": "0"}, {"L": [{"BOOL": False}]}]},
}  # fmt: skip
KEY = {"PK": {"S": "a"}, "SK": {"S": "b"}}
GUARD = {"ConditionExpression": "#0 = :0", "ExpressionAttributeValues": {":0": ATTRIBUTES["M"]}}
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("GetItem", {"TableName": "t", "Key": KEY, "ConsistentRead": True}),
    ("PutItem", {"TableName": "t", "Item": ATTRIBUTES, **GUARD}),
    ("UpdateItem", {"TableName": "t", "Key": KEY, "UpdateExpression": "SET #0 = :0", **GUARD}),
    ("DeleteItem", {"TableName": "t", "Key": KEY}),
    ("Query", {"TableName": "t", "ExclusiveStartKey": KEY, "Limit": 5, "ExpressionAttributeValues": ATTRIBUTES}),
    ("BatchGetItem", {"RequestItems": {"t": {"Keys": [KEY, KEY], "ConsistentRead": False}}}),
    ("BatchWriteItem",
     {"RequestItems": {"t": [{"PutRequest": {"Item": ATTRIBUTES}}, {"DeleteRequest": {"Key": KEY}}]}}),
    ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t", "Item": ATTRIBUTES, **GUARD}}],
                            "ClientRequestToken": "x"}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_"), REQUESTS, ids=[name for name, _ in REQUESTS])
def test_a_request_is_the_same_on_the_wire(operation: str, request_: dict[str, Any]) -> None:
    own, botocores = (
        serializer.serialize_to_request(request_, MODEL.operation_model(operation))
        for serializer in (AsGiven(), JSONSerializer())
    )
    assert json.loads(own.pop("body")) == json.loads(botocores.pop("body"))
    assert own == botocores


def test_what_a_request_takes_does_not_grow_with_its_values() -> None:
    def written(values: int) -> None:
        item = {"of": {"L": [{"M": {}}] * values}}
        AsGiven().serialize_to_request({"TableName": "t", "Item": item}, MODEL.operation_model("PutItem"))

    written(1)  # botocore's model is read piece by piece.
    assert calls_made(lambda: written(10_000)) == calls_made(lambda: written(10))


VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**20), 10**20)
    | some.sampled_from([0.1, 1e125, 1.0])
    | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
MAPS = some.dictionaries(some.text(max_size=3), VALUES, max_size=4)


@given(one=MAPS, another=MAPS, wanted=some.booleans())
def test_a_stored_map_is_the_map_it_stores(
    one: dict[str, Any], another: dict[str, Any], wanted: bool
) -> None:
    another = one if wanted else another
    stored, other = StoredMap(to_attribute(one)), StoredMap(to_attribute(another))
    assert to_attribute(stored) == to_attribute(one)
    assert same_value(stored, other) == same_json(
        from_attribute(stored.attribute), from_attribute(other.attribute)
    )
    assert same_value(stored, other) == same_json(one, another)
    assert (len(stored), stored) == (len(one), from_attribute(to_attribute(one)))
    plain = from_item(to_item({"of": one}))
    assert item_size(from_item(to_item({"of": one}), ["of"])) >= item_size(plain)
    assert dict(stored) == plain["of"]


def test_numbers_that_are_written_in_two_ways_are_one_value() -> None:
    one, another = ({"M": {"n": {"L": [{"N": text}, {"S": "x"}]}}} for text in ("1", "1.0"))
    assert same_value(StoredMap(one), StoredMap(another))
    assert not same_value(StoredMap({"M": {"n": {"N": "1"}}}), StoredMap({"M": {"n": {"BOOL": True}}}))


def test_only_maps_are_kept_as_they_are() -> None:
    item = from_item({"of": {"S": "text"}, "m": {"M": {"k": {"N": "1"}}}, "other": {"M": {}}}, ["of", "m"])
    assert (item["of"], item["other"]) == ("text", {})
    assert isinstance(item["m"], StoredMap)
    assert item["m"]["k"] == 1
