"""Numbers and JSON values keep their value on the way to DynamoDB and back."""

import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from contacts.core.json import exact_number, is_storable, to_json
from contacts.table.expressions import from_attribute, item_size, to_attribute
from contacts.web.bodies import json_errors

DIGITS = st.text("0123456789", min_size=1, max_size=38)
STORABLE = st.builds(
    lambda sign, digits, exponent: f"{sign}{int(digits)}e{exponent}",
    st.sampled_from(["", "-"]),
    DIGITS,
    st.integers(-90, 87),
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | TEXTS | STORABLE.map(exact_number),
    lambda values: (
        st.lists(values, max_size=4)
        | st.dictionaries(TEXTS.filter(lambda key: 0 < len(key) < 99), values, max_size=4)
    ),
    max_leaves=20,
)


@given(STORABLE)
def test_a_storable_number_keeps_its_value(literal: str) -> None:
    number = exact_number(literal)
    assert is_storable(number)
    assert Decimal(repr(number) if isinstance(number, float) else number) == Decimal(literal)
    assert from_attribute(to_attribute(number)) == number


@pytest.mark.parametrize(
    "literal",
    [
        *("1e400", "-1e400", "1e126", "1e-131", "1" * 39, "0." + "123456789" * 5, "9" * 4400),
        # The second kind of exponent is beyond what even Decimal holds.
        *("1e999999999", "1e99999999999999999999", "-1e-99999999999999999999"),
    ],
)
def test_a_number_dynamodb_would_change_is_not_storable(literal: str) -> None:
    assert not is_storable(exact_number(literal))
    assert [error.field for error in json_errors({"n": exact_number(literal)}, "custom_fields")] == [
        "custom_fields.n"
    ]


@pytest.mark.parametrize(
    "literal", ["0", "-0", "0.0", "1e125", "9.99e125", "1e-130", "9" * 38, "1" + "0" * 100]
)
def test_numbers_at_the_edge_are_storable(literal: str) -> None:
    assert is_storable(exact_number(literal))


@given(JSON)
def test_json_survives_the_table_and_the_wire(value: Any) -> None:
    assert not [*json_errors(value, "v")]
    stored = from_attribute(to_attribute(value))
    assert stored == value
    sent = json.loads(to_json({"v": stored}), parse_float=exact_number, parse_int=exact_number)
    assert sent == {"v": value}


@given(
    st.recursive(st.none() | st.booleans() | TEXTS | st.integers(-(10**37), 10**37), st.lists, max_leaves=8)
)
def test_typed_json_is_what_boto3_writes(value: Any) -> None:
    assert to_attribute({"v": value}) == TypeSerializer().serialize({"v": value})


@pytest.mark.parametrize(("value", "field"), [
    ({"a": {"b": "x\0y"}}, "f.a.b"),
    ({"a": ["ok", "\ud800"]}, "f.a.1"),
    ({"": 1}, "f"),
    ({"k" * 256: 1}, "f"),
    ({"bad\0key": 1}, "f"),
])  # fmt: skip
def test_what_cannot_be_stored_is_named_by_its_path(value: Any, field: str) -> None:
    assert [error.field for error in json_errors(value, "f")] == [field]


def test_twenty_levels_are_taken_and_twenty_one_are_not() -> None:
    value: Any = 1
    for _ in range(20):
        value = {"k": value}
    assert not [*json_errors(value, "f")]
    assert [error.message for error in json_errors({"k": value}, "f")] == [
        "is nested more than 20 levels deep"
    ]


@pytest.mark.parametrize(("item", "at_least"), [
    # Worked by hand from "Item sizes and formats" in DynamoDB's developer guide.
    ({"PK": "a", "SK": "b"}, 6),
    ({"tags": ["vip"]}, 4 + 3 + 1 + 3),
    ({"flag": True}, 4 + 1),
    ({"name": "Ünï"}, 4 + 5),
    ({"map": {"k": "v"}}, 3 + 3 + 1 + 1 + 1),
])  # fmt: skip
def test_an_items_size_is_bounded_from_above_and_closely(item: dict[str, Any], at_least: int) -> None:
    assert at_least <= item_size(item) <= at_least + 4


def test_absent_attributes_take_no_room() -> None:
    assert item_size({"a": None}) == 0
