"""The items that hold the counts of posting lists.

A count has an item of its own, or it is carried: then it is an attribute of the item that counts all contacts, and has
the name of its list. A new contact changes the counts of all its lists at once; of those that are carried, one write
changes all. The item carries as many as keep it below the 1 KB that a write unit pays for.

Where the transactions of an account conflict at that item, more such items (shards) stand beside it, and each
transaction adds to any one of them. A count is the sum of all that the items say.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from contacts.search.query import PostingKind, PostingList
from contacts.table import keys
from contacts.table.expressions import Item
from contacts.table.keys import Key

CARRIED_BYTES: Final = 700
"""What the carried counts of an account take at most of its item, which has 1 KB without costing more."""
SHARDS: Final = 4
"""The items among which the counts of a busy account are spread."""
SHARD_COUNT: Final = "shards"
"""The attribute of the first of these items that says how many there are; absent where there is one."""
ROOM_TAKEN: Final = "room_taken"
"""The attribute of the first of these items that says how many bytes its carried counts take."""

_ONE_CHANGE: Final = 10**12
"""A carried count is one number, the number of changes times this plus the count: one ADD changes both."""
_NUMBER_BYTES: Final = 12
"""Bytes that the number takes at most, up to 10^9 changes ("Item sizes and formats", DynamoDB developer guide)."""


class Count(NamedTuple):
    """A count: the stored length of a posting list, and how often it was changed."""

    n: int | None
    changes: int | None
    """None only where the item was not written by this service."""

    def plus(self, other: "Count") -> "Count":
        """Returns the sum of both; where one is unknown, so is the sum."""
        if None in (self.n, other.n):
            return Count(None, None)
        return Count((self.n or 0) + (other.n or 0), (self.changes or 0) + (other.changes or 0))


def carried_change(by: int) -> int:
    """Returns what is added to a carried count that changes once, by `by`."""
    return _ONE_CHANGE + by


def carried_bytes(posting_list: PostingList) -> int:
    """Returns the bytes that a carried count takes at most."""
    return len(keys.carried_name(posting_list).encode()) + _NUMBER_BYTES


def counts_of(items: Iterable[Item]) -> dict[PostingList, Count]:
    """Returns the counts that some items hold, which may be of any lists; several of one list are added up."""
    found: dict[PostingList, Count] = {}
    for item in items:
        for posting_list, count in _counts_in(item):
            found[posting_list] = found[posting_list].plus(count) if posting_list in found else count
    return found


def further_shards(account_id: str, of_all: Item | None) -> list[Key]:
    """Returns the keys of the items that stand beside the one that counts all contacts."""
    number = 1 if of_all is None else of_all.get(SHARD_COUNT, 1)
    return [keys.count_shard(account_id, shard) for shard in range(1, number)]


def _counts_in(item: Mapping[str, object]) -> Iterator[tuple[PostingList, Count]]:
    key = Key.of(item)
    own = keys.counted(key)
    if own is not None and ("n" in item or not keys.is_count_shard(key)):
        yield PostingList(PostingKind(own[0]), own[1]), Count(_number(item, "n"), _number(item, "changes"))
    for name in item:
        carried = keys.carried(name)
        if carried is not None:
            number = _number(item, name) or 0
            changes = (number + _ONE_CHANGE // 2) // _ONE_CHANGE
            count = Count(number - changes * _ONE_CHANGE, changes)
            yield PostingList(PostingKind(carried[0]), carried[1]), count


def _number(item: Mapping[str, object], name: str) -> int | None:
    value = item.get(name)
    return value if isinstance(value, int) else None
