"""What DynamoDB refuses and moto takes: the sizes of expressions, items, keys and requests.

From "Quotas in Amazon DynamoDB" and "Condition and filter expressions, operators, and functions" in its developer
guide.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

MAX_EXPRESSION: Final = 4096
"""Bytes of the text as it is sent, placeholders and all."""
MAX_OPERATORS: Final = 300
"""Of one expression; functions count as well."""
MAX_OPERANDS_OF_IN: Final = 100
MAX_PLACEHOLDERS: Final = 2 << 20
"""Bytes of all names and values of a request's expressions."""
MAX_PLACEHOLDER: Final = 255
MAX_ITEM: Final = 400 * 1024
MAX_NESTING: Final = 32
MAX_PARTITION_KEY: Final = 2048
MAX_SORT_KEY: Final = 1024
MAX_STEPS: Final = 100
MAX_TRANSACTION: Final = 4 << 20
MAX_KEYS: Final = 100
MAX_WRITES: Final = 25
MAX_BATCH_READ: Final = 16 << 20
MAX_REQUEST: Final = 16 << 20

_EXPRESSIONS: Final = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)
_OPERATOR: Final = re.compile(r"<>|<=|>=|=|<|>|\+|-|\b(?:AND|OR|NOT|IN|BETWEEN)\b|\b[a-z_]+ ?(?=\()")
_PLACEHOLDER: Final = re.compile(r"[#:]\w+")
_IN: Final = re.compile(r"\bIN ?\(([^)]*)\)")
_INDEXED: Final = ("email", "external_id", "updated_at")
Typed = Mapping[str, Any]


class TooMuch(Exception):
    """Raised where DynamoDB would answer ValidationException."""


def check(method: str, request: Mapping[str, Any]) -> None:
    """
    Raises:
        TooMuch: a request is beyond what DynamoDB takes.
    """
    for part in _parts(method, request):
        _check_expressions(part)
        if "Item" in part:
            check_item(part["Item"])
        if "Key" in part:
            _check_key(part["Key"])
    _check_numbers(method, request)


def check_item(item: Typed) -> None:
    """
    Raises:
        TooMuch: an item is one that DynamoDB does not keep.
    """
    size = item_bytes(item)
    _hold(size <= MAX_ITEM, f"Item size {size} has exceeded the maximum allowed size")
    _check_key(item)
    for name in _INDEXED:
        if name in item:
            _hold(0 < len(item[name].get("S", "").encode()) <= MAX_SORT_KEY, f"{name} is no key of an index")
    _hold(max(map(_depth, item.values())) <= MAX_NESTING, "Nesting Levels have exceeded supported limits")


def item_bytes(item: Typed) -> int:
    """What DynamoDB counts for an item ("DynamoDB item sizes and formats"), exactly."""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _parts(method: str, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if method == "transact_write_items":
        for step in request["TransactItems"]:
            yield from step.values()
    elif method == "batch_write_item":
        for writes in request["RequestItems"].values():
            for write in writes:
                yield from write.values()
    elif method == "batch_get_item":
        yield from request["RequestItems"].values()
        for read in request["RequestItems"].values():
            yield from ({"Key": key} for key in read["Keys"])
    else:
        yield request


def _check_expressions(request: Mapping[str, Any]) -> None:
    for kind in _EXPRESSIONS:
        text = request.get(kind)
        if text is not None:
            _check_expression(kind, text)
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    size = sum(len(name.encode()) for name in names.values()) + sum(map(_bytes, values.values()))
    _hold(size <= MAX_PLACEHOLDERS, "the expressions' names and values have more than 2 MB")
    if not (names or values):
        return
    used = frozenset[str]().union(*(_placeholders(request.get(kind) or "") for kind in _EXPRESSIONS))
    for placeholder in (*names, *values):
        _hold(len(placeholder) <= MAX_PLACEHOLDER, "a placeholder is too long")
        _hold(
            placeholder in used,
            f"Value provided in expression attributes unused in expressions: {placeholder}",
        )


@lru_cache(4096)
def _placeholders(expression: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(expression))


@lru_cache(4096)
def _check_expression(kind: str, text: str) -> None:
    _hold(bool(text.strip()), f"Invalid {kind}: The expression can not be empty;")
    size = len(text.encode())
    _hold(size <= MAX_EXPRESSION, f"Invalid {kind}: Expression size has exceeded the maximum; size: {size}")
    operators = len(_OPERATOR.findall(text))
    _hold(operators <= MAX_OPERATORS, f"Invalid {kind}: too many operators; operator count: {operators}")
    for operands in _IN.findall(text):
        _hold(operands.count(",") < MAX_OPERANDS_OF_IN, f"Invalid {kind}: too many operands for IN")


def _check_numbers(method: str, request: Mapping[str, Any]) -> None:
    if method == "transact_write_items":
        _hold(0 < len(request["TransactItems"]) <= MAX_STEPS, "a transaction has at most 100 steps")
    elif method == "batch_get_item":
        keys = [str(key) for read in request["RequestItems"].values() for key in read["Keys"]]
        _hold(0 < len(keys) <= MAX_KEYS, "a BatchGetItem has at most 100 keys")
        _hold(len(set(keys)) == len(keys), "Provided list of item keys contains duplicates")
    elif method == "batch_write_item":
        count = sum(map(len, request["RequestItems"].values()))
        _hold(0 < count <= MAX_WRITES, "a BatchWriteItem has at most 25 writes")


def _check_key(key: Typed) -> None:
    for name, most in (("PK", MAX_PARTITION_KEY), ("SK", MAX_SORT_KEY)):
        if name in key:
            _hold(0 < len(key[name]["S"].encode()) <= most, f"{name} has no size of a key")


def _bytes(attribute: Typed) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_bytes(value)
        case "M":
            return 3 + sum(1 + len(key.encode()) + _bytes(entry) for key, entry in value.items())
        case "L":
            return 3 + sum(1 + _bytes(entry) for entry in value)
        case "SS":
            return sum(len(entry.encode()) for entry in value)
        case _:
            return 1


def _number_bytes(text: str) -> int:
    """A byte for two significant digits, and one; a sign is one more."""
    digits = text.lower().partition("e")[0].lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _depth(attribute: Typed) -> int:
    ((kind, value),) = attribute.items()
    inner = value.values() if kind == "M" else value if kind == "L" else ()
    return (kind in "ML") + max(map(_depth, inner), default=0)


def _hold(holds: bool, message: str) -> None:
    if not holds:
        raise TooMuch(message)
