"""Chooses the items that counts are added to, see `search.count_items`."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from contacts.core.ids import Randomness
from contacts.search.count_items import (
    CARRIED_BYTES,
    ROOM_TAKEN,
    SHARD_COUNT,
    SHARDS,
    carried_bytes,
    carried_change,
    counts_of,
)
from contacts.search.query import ALL_CONTACTS, PostingList
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression, Item, Step

COUNTS: Final = "counts"
"""The name of the step that changes the carried counts."""
_REMEMBERED: Final = 10_000
"""Accounts that a process remembers at most."""
_CONFLICTS_IN_A_ROW: Final = 3
"""Transactions of an account that conflict one after another before its counts are spread."""


@dataclass(frozen=True, slots=True)
class Places:
    """What a process remembers of the item that carries an account's counts."""

    carried: frozenset[PostingList]
    room: int
    """Bytes for further carried counts."""
    shards: int = 1
    conflicts: int = 0
    """Transactions in a row that conflicted."""


class CountSteps(NamedTuple):
    """Steps of a transaction, and what is true of the account's counts once it is carried out."""

    steps: list[Step]
    then: Places


class CountPlaces:
    """Makes the steps that change counts.

    What it remembers of an account may be out of date: the steps hold only where it is right, and the item that refuses
    them is learned from.
    """

    def __init__(self, table: Table, randomness: Randomness) -> None:
        self._table = table
        self._randomness = randomness
        self._remembered: dict[str, Places] = {}

    def steps(self, account_id: str, longer: Mapping[PostingList, int]) -> CountSteps:
        """Returns the steps that make counts longer by so much: no more steps than counts.

        One GetItem where the account is not remembered.
        """
        places = self._remembered.get(account_id)
        if places is None:
            places = self.learn(account_id, self._table.get(keys.count(account_id, ALL_CONTACTS)))
        new: list[PostingList] = []
        room = places.room
        for one in longer:
            size = carried_bytes(one)
            if one != ALL_CONTACTS and one not in places.carried and size <= room:
                new.append(one)
                room -= size
        carried = places.carried.union(new)
        together = {one: by for one, by in longer.items() if one == ALL_CONTACTS or one in carried}
        steps = [_own_step(account_id, one, longer[one]) for one in longer if one not in together]
        if not together:
            return CountSteps(steps, replace(places, conflicts=0))
        spreads = places.shards == 1 and places.conflicts >= _CONFLICTS_IN_A_ROW
        shard = 0 if new or spreads or places.shards == 1 else self._randomness(1)[0] % places.shards
        expression = _carried_changes(together, new, are_expected=shard == 0)
        if new:
            _take_room(expression, places.room - room)
        if spreads:
            expression.set(SHARD_COUNT, SHARDS)
        steps.append(Table.update_step(COUNTS, keys.count_shard(account_id, shard), expression))
        return CountSteps(steps, Places(carried, room, SHARDS if spreads else places.shards))

    def remember(self, account_id: str, places: Places) -> None:
        """Remember what is true of an account's counts."""
        if len(self._remembered) >= _REMEMBERED:
            self._remembered.clear()
        self._remembered[account_id] = places

    def learn(self, account_id: str, of_all: Item | None) -> Places:
        """Remember what the item says that counts all contacts; None: there is none."""
        carried = frozenset(counts_of([of_all]) if of_all else ()) - {ALL_CONTACTS}
        item = of_all or {}
        places = Places(carried, CARRIED_BYTES - item.get(ROOM_TAKEN, 0), item.get(SHARD_COUNT, 1))
        self.remember(account_id, places)
        return places

    def conflicted(self, account_id: str) -> None:
        """Note that a transaction of an account conflicted with another one."""
        places = self._remembered.get(account_id)
        if places is not None:
            self._remembered[account_id] = replace(places, conflicts=places.conflicts + 1)


def _carried_changes(
    together: Mapping[PostingList, int], new: Container[PostingList], *, are_expected: bool
) -> Expression:
    """The changes of counts that one item holds. `are_expected`: whether it has to hold all that are not new."""
    expression = Expression()
    for one, by in together.items():
        if one == ALL_CONTACTS:
            expression.add("n", by)
            expression.add("changes", 1)
            continue
        name = keys.carried_name(one)
        expression.add(name, carried_change(by))
        if one in new:
            expression.require(expression.equals(name, None))
        elif are_expected:
            expression.require(expression.has(name))
    return expression


def _take_room(expression: Expression, size: int) -> None:
    """Take so many bytes for new carried counts, on condition that they are there."""
    expression.add(ROOM_TAKEN, size)
    is_empty = expression.equals(ROOM_TAKEN, None)
    most = expression.value(CARRIED_BYTES - size)
    expression.require(f"({is_empty} OR {expression.name(ROOM_TAKEN)} <= {most})")


def _own_step(account_id: str, posting_list: PostingList, by: int) -> Step:
    expression = Expression()
    expression.add("n", by)
    expression.add("changes", 1)
    return Table.update_step("count", keys.count(account_id, posting_list), expression)
