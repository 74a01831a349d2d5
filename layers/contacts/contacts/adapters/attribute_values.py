"""Between Python values and DynamoDB's typed JSON.

Our own, because boto3's serializer needs all of boto3 (60 ms of a cold start), knows numbers as Decimal only
and refuses floats. Sets of strings are Python frozensets; None is NULL.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contacts.domain.numbers import exact_number

AttributeValue = dict[str, Any]
Item = dict[str, Any]
"""Plain Python values by attribute name."""


def to_attribute(value: object) -> AttributeValue:
    """The typed JSON of a value.

    Raises:
        TypeError: DynamoDB has no type for it.
    """
    match value:
        case str():
            return {"S": str(value)}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case Mapping():
            return {"M": {key: to_attribute(entry) for key, entry in value.items()}}
        case list() | tuple():
            return {"L": [to_attribute(entry) for entry in value]}
        case frozenset():
            return {"SS": sorted(value)}
        case _:
            raise TypeError(f"no DynamoDB type for {type(value).__name__}")


def from_attribute(attribute: AttributeValue) -> Any:
    """The value that typed JSON stands for."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return exact_number(value)
        case "M":
            return {key: from_attribute(entry) for key, entry in value.items()}
        case "L":
            return [from_attribute(entry) for entry in value]
        case "SS":
            return frozenset(value)
        case "NULL":
            return None
        case _:
            raise TypeError(f"an attribute of type {kind} is none of ours")


def to_item(values: Mapping[str, object]) -> dict[str, AttributeValue]:
    """An item in typed JSON; attributes that are None are left out."""
    return {key: to_attribute(value) for key, value in values.items() if value is not None}


def from_item(item: Mapping[str, AttributeValue]) -> Item:
    """An item in plain values."""
    return {key: from_attribute(value) for key, value in item.items()}


def item_size(values: Mapping[str, object]) -> int:
    """An upper bound of the bytes DynamoDB counts for an item ("Item sizes and formats", developer guide)."""
    return sum(len(key.encode()) + _size(value) for key, value in values.items() if value is not None)


def entry_size(key: str, value: object) -> int:
    """An upper bound of what one attribute, or one key of a map, adds to an item."""
    return len(key.encode()) + 1 + _size(value)


def _size(value: object) -> int:
    match value:
        case str():
            return len(value.encode())
        case bool() | None:
            return 1
        case int() | float() | Decimal():
            # One byte for two digits and at most three more for exponent and sign.
            return min(21, len(str(value)) // 2 + 4)
        case Mapping():
            return 3 + sum(entry_size(key, entry) for key, entry in value.items())
        case list() | tuple() | frozenset():
            return 3 + sum(1 + _size(entry) for entry in value)
        case _:
            raise TypeError(f"no DynamoDB type for {type(value).__name__}")
