"""A store for a small collection: at most some hundred things of one kind that belong to one account.

Each thing is one item. All things of a collection lie in one partition, under their ids. An id begins with the time at
which the thing was made, so a query returns the oldest first. A request's Idempotency-Key is recorded in the
transaction that carries the request out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from contacts.book.model import Outcome
from contacts.core.errors import ContactsError
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.core.ids import is_uuid
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.keys import Key
from contacts.table.records import write_recorded


class HasId(Protocol):
    """A thing that a collection can hold."""

    @property
    def id(self) -> str:
        """Unique in its collection."""
        ...


Thing = TypeVar("Thing", bound=HasId)


def uuid_in_key(given: str) -> str | None:
    """A UUID from a request as keys have it, which is in lower case; None: the text is no UUID."""
    return given.lower() if is_uuid(given) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many things an account may have. An item counts them, so the limit is exact under concurrent creates."""

    key: Callable[[str], Key]
    """The key of the counting item, for an account's id. Its attribute `n` is the number of things."""
    maximum: int
    exceeded: Callable[[], ContactsError]
    """Makes the error to raise at the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSpec(Generic[Thing]):
    """How one kind of thing is stored."""

    name: str
    """The name of the step that writes a thing."""
    key: Callable[[str, str], Key]
    """The key of a thing, for an account's id and the thing's."""
    id_in_key: Callable[[str], str | None] = uuid_in_key
    """An id from a request as keys have it; None: no thing has such an id, so the table is not read."""
    to_item: Callable[[Thing], Mapping[str, object]]
    """A thing's attributes, without its key. Attributes that are None are not stored."""
    from_item: Callable[[str, Item], Thing]
    """The thing, for an account's id and an item."""
    not_found: Callable[[], ContactsError]
    """Makes the error to raise where the account has no such thing."""
    compared: Sequence[str] = ("version",)
    """The attributes that must still be as they were read when a change is written."""
    limit: Limit | None = None


class Collection(Generic[Thing]):
    """The things of one kind of one account."""

    def __init__(self, table: Table, account_id: str, spec: CollectionSpec[Thing]) -> None:
        self._table = table
        self._account = account_id
        self._spec = spec
        self._count_step = f"{spec.name} count"

    def get(self, thing_id: str) -> Thing | None:
        """The thing with an id. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        own_id = self._spec.id_in_key(thing_id)
        item = None if own_id is None else self._table.get(self._key(own_id))
        return None if item is None else self._from(item)

    def existing(self, thing_id: str) -> Thing:
        """The thing with an id. One GetItem, strongly consistent.

        Raises:
            ContactsError: the spec's `not_found`.
            TemporarilyUnavailable.
        """
        thing = self.get(thing_id)
        if thing is None:
            raise self._spec.not_found()
        return thing

    def all(self) -> list[Thing]:
        """All things, the oldest first. One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        return [self._from(item) for item in self._table.all_of(self._partition())]

    def page(
        self, after_id: str | None, at_most: int, only: Mapping[str, object] | None = None
    ) -> tuple[list[Thing], str | None]:
        """The next up to `at_most` things, the oldest first, and the id to go on after (None: those were the last).

        Queries, strongly consistent. `only`: attributes and the values that the things must have.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._partition()
        for attribute, value in (only or {}).items():
            expression.keep(expression.equals(attribute, value))
        start = None if after_id is None else self._key(after_id)
        things: list[Thing] = []
        while True:
            # One more than asked for tells whether this page is the last.
            items, start = self._table.query(expression, start=start, limit=at_most + 1)
            things.extend(map(self._from, items))
            if len(things) > at_most:
                return things[:at_most], things[at_most - 1].id
            if start is None:
                return things, None

    def add(
        self, new: Thing, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> Outcome:
        """Write a new thing and count it. Returns the outcome.

        Raises:
            ContactsError: the spec's `limit.exceeded`.
            AlreadyRecorded: the request was carried out before.
            ConditionsFailed: another step's condition did not hold.
            Contention, TemporarilyUnavailable.
        """
        free = Expression()
        free.require(free.is_free())
        steps = [self._put_step(new, free), *self._steps_with(new, is_new=True)]
        limit = self._spec.limit
        if limit is not None:
            counted = Expression()
            counted.count_up("n", limit.maximum)
            steps.append(self._table.update_step(self._count_step, limit.key(self._account), counted))
        try:
            return self._write(steps, outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            raise self._error_of_add(failed) from None

    def change(
        self,
        before: Thing,
        after: Thing,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> Outcome:
        """Replace a thing, if it is still as it was read. Returns the outcome.

        Raises:
            ConcurrentModification: it is no longer as it was read; nothing was written.
            AlreadyRecorded: the request was carried out before.
            Contention, TemporarilyUnavailable.
        """
        steps = [self._put_step(after, self.as_read(before)), *self._steps_with(after, is_new=False)]
        return self._write_change(steps, outcome, idempotency_key, at_ms)

    def replace(self, before: Thing, after: Thing, further: Sequence[Step] = ()) -> None:
        """Replace a thing, if it is still as it was read; with further steps in one transaction. For no request.

        Raises:
            ConcurrentModification: it is no longer as it was read; nothing was written.
            Contention, TemporarilyUnavailable.
        """
        try:
            self._table.write([self._put_step(after, self.as_read(before)), *further])
        except ConditionsFailed:
            raise ConcurrentModification from None

    def update(
        self,
        before: Thing,
        update: Expression,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> Outcome:
        """Update attributes of a thing: for items of which other writers change other attributes meanwhile.

        `update`: what to set, on the condition `as_read(before)`.

        Raises: as `change`.
        """
        step = self._table.update_step(self._spec.name, self._key(before.id), update)
        return self._write_change([step], outcome, idempotency_key, at_ms)

    def remove(
        self, thing_id: str, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> Outcome:
        """Delete the thing with an id. Returns the outcome.

        Raises:
            ContactsError: the spec's `not_found`.
            AlreadyRecorded: the request was carried out before.
            Contention, TemporarilyUnavailable.
        """
        own_id = self._spec.id_in_key(thing_id)
        if own_id is None:
            raise self._spec.not_found()
        there = Expression()
        there.require(there.is_there())
        step = self._table.delete_step(self._spec.name, self._key(own_id), there)
        try:
            return self._write([step], outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            if failed.is_repetition:  # The SDK repeated the call and found what it had deleted itself.
                return outcome
            raise self._spec.not_found() from None

    def as_read(self, before: Thing) -> Expression:
        """The condition that a thing is still as it was read: its `compared` attributes have the same values."""
        item = self._spec.to_item(before)
        expression = Expression()
        for attribute in self._spec.compared:
            expression.require(expression.equals(attribute, item[attribute]))
        return expression

    def _steps_with(self, thing: Thing, *, is_new: bool) -> list[Step]:
        """Further steps of the transaction that writes a thing. A store with more than one item a thing adds them."""
        return []

    def _error_of_add(self, failed: ConditionsFailed) -> Exception:
        """The error to raise when conditions of `add` did not hold."""
        limit = self._spec.limit
        return limit.exceeded() if limit is not None and self._count_step in failed.items else failed

    def _put_step(self, thing: Thing, condition: Expression) -> Step:
        item = self._spec.to_item(thing)
        return self._table.put_step(self._spec.name, self._key(thing.id), item, condition)

    def _write_change(
        self, steps: Sequence[Step], outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> Outcome:
        try:
            return self._write(steps, outcome, idempotency_key, at_ms)
        except ConditionsFailed:
            raise ConcurrentModification from None

    def _write(
        self, steps: Sequence[Step], outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> Outcome:
        write_recorded(self._table, steps, self._account, idempotency_key, outcome, None, at_ms)
        return outcome

    def _key(self, thing_id: str) -> Key:
        return self._spec.key(self._account, thing_id)

    def _partition(self) -> Expression:
        return Expression.of_partition(self._key("").PK)

    def _from(self, item: Item) -> Thing:
        return self._spec.from_item(self._account, item)
