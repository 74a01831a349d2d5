"""Read and write units by DynamoDB's rules, from the sizes of items: the second way beside what the table reports.

The rules: "Read/write capacity mode", "Item sizes and formats", "Considerations for using global secondary indexes" and
"Amazon DynamoDB Transactions: How it works" in DynamoDB's developer guide. A write takes a unit for each KB of the
larger of the item before and after, in a transaction twice as much; each index whose entry appears, goes or moves takes
units of its own, once. A write whose condition fails takes what the item that is there would take.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contacts.table.expressions import from_item, item_size

KB: Final = 1024
READ_UNIT: Final = 4 * KB
INDEXES: Final = ("email", "external_id", "updated_at")
"""The table's indexes, by their names, which are the attributes that they are sorted by; they hold keys only."""
SINGLE: Final = {"put_item": "Put", "update_item": "Update", "delete_item": "Delete"}
WRITES: Final = frozenset({*SINGLE, "batch_write_item", "transact_write_items"})
READS: Final = frozenset({"get_item", "batch_get_item", "query", "transact_get_items"})

Typed = Mapping[str, Any]
"""An item, or a key, in typed JSON."""
ItemKey = tuple[str, str]
"""PK and SK."""


@dataclass(frozen=True, slots=True)
class Written:
    """Units of one step of a write, by where they are taken from."""

    partition: str
    """The partition key."""
    index: str | None
    """None: the table itself."""
    units: float


def key_of(item: Typed) -> ItemKey:
    """An item's PK and SK."""
    return item["PK"]["S"], item["SK"]["S"]


def steps_of(method: str, request: Mapping[str, Any]) -> Iterator[tuple[str, ItemKey]]:
    """What a call does to which item: `("Put", (PK, SK))`, `("ConditionCheck", …)`."""
    if method == "transact_write_items":
        steps: Sequence[Mapping[str, Any]] = request["TransactItems"]
    elif method == "batch_write_item":
        steps = [step for steps in request["RequestItems"].values() for step in steps]
    else:
        steps = [{SINGLE[method]: request}]
    for step in steps:
        for kind, part in step.items():
            yield kind.removesuffix("Request"), key_of(part.get("Key") or part["Item"])


def written(
    method: str,
    request: Mapping[str, Any],
    before: Mapping[ItemKey, Typed | None],
    after: Mapping[ItemKey, Typed | None],
) -> list[Written]:
    """The units of a write. `before`, `after`: the items that it names; equal where it failed."""
    factor = 2 if method == "transact_write_items" else 1
    found = []
    for _, key in steps_of(method, request):
        old, new = before.get(key), after.get(key)
        size = max(size_of(old), size_of(new))
        found.append(Written(key[0], None, factor * max(1, -(-size // KB))))
        for index in INDEXES:
            was, is_ = _entry(old, index), _entry(new, index)
            if was != is_:
                found.append(Written(key[0], index, (was is not None) + (is_ is not None)))
    return found


def read(method: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """The units of a read. What is not there costs the least that there is."""
    if method == "get_item":
        return _weight(request) * _blocks(size_of(answer.get("Item")))
    if method == "transact_get_items":
        return sum(2.0 * _blocks(size_of(one.get("Item"))) for one in answer["Responses"])
    if method == "batch_get_item":
        units = 0.0
        for name, wanted in request["RequestItems"].items():
            items = answer["Responses"].get(name, [])
            missing = len(wanted["Keys"]) - len(items)
            units += _weight(wanted) * (missing + sum(_blocks(size_of(item)) for item in items))
        return units
    items = answer.get("Items", [])
    if not items:  # nothing, or a count: an entry of a list has about 100 bytes
        return _weight(request) * _blocks(100 * int(answer.get("ScannedCount", 0)))
    # What a filter left out was read as well, and is taken for as large as what it kept.
    size = sum(map(size_of, items)) * answer["ScannedCount"] / len(items)
    return _weight(request) * _blocks(int(size))


def size_of(item: Typed | None) -> int:
    """The bytes of an item; 0 where there is none."""
    return 0 if item is None else item_size(from_item(dict(item)))


def _entry(item: Typed | None, index: str) -> str | None:
    return None if item is None or index not in item else str(item[index].get("S"))


def _weight(request: Mapping[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead", False) else 0.5


def _blocks(size: int) -> int:
    return max(1, -(-size // READ_UNIT))
