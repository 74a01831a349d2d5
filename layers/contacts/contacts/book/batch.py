"""Batches: up to 100 operations on contacts in one request, each of which succeeds or fails on its own.

Items with a common name run one after the other, in the order of the batch; all others run in parallel. Names are
compared as the caller wrote them: if one item names a contact by its id and another by its email, they run in any
order. Each item is still carried out completely or not at all.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from contacts.book.model import Outcome, Preconditions
from contacts.core.errors import ContactsError, IdempotencyKeyReused
from contacts.core.idempotency import AlreadyRecorded, IdempotencyKey, IdempotencyRecord, replay
from contacts.core.threads import side_by_side
from contacts.core.time import Clock
from contacts.table.records import RecordStore
from contacts.web.entrypoint import replay_or_raise

MAX_ITEMS: Final = 100
AT_ONCE: Final = 8
"""Items that run in parallel. The SDK keeps ten connections open. While one item waits about 10 ms for the table, a
function with half a processor finishes its work for the other items."""


@dataclass(frozen=True, slots=True)
class Item:
    """One operation of a batch."""

    number: int
    """Position in the batch, from 0."""
    names: frozenset[Hashable]
    """Every name by which the operation may find its contact."""
    versions: Sequence[int]
    """The contact's version must be one of these (empty: any)."""
    run: Callable[[Preconditions], Outcome]
    """Carries the operation out."""


Report = Callable[[int, Outcome | Exception], None]
"""Receives the number of an item and its outcome, or its error, as soon as it is done. Several threads call it."""


class BatchService:
    """Carries out the batches of one account."""

    def __init__(self, records: RecordStore, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._records = records
        self._clock = clock
        self._at_once = at_once

    def carry_out(
        self, items: Sequence[Item], idempotency_key: IdempotencyKey | None, report: Report
    ) -> None:
        """Carries out the items of a batch, each once for an idempotency key, however often the batch is sent.

        Item i is recorded under `<key>:<i>`, with the hash of the whole batch; an item that fails leaves no record.
        Before the items, a record of the key itself is written with the hash. So another batch with the same key is
        refused before any of its items runs, and only a batch that was sent before reads the records of its items.

        Raises:
            IdempotencyKeyReused: the key was used for another request; nothing was written.
            TemporarilyUnavailable: nothing was written.
        """
        idempotency_keys = {item.number: _item_key(item, idempotency_key) for item in items}
        done = (
            self._done_before(idempotency_key, idempotency_keys.values()) if idempotency_key and items else {}
        )

        def carry_out(item: Item) -> None:
            own = idempotency_keys[item.number]
            try:
                outcome = self._outcome(item, own, done.get(own.key) if own else None)
            except Exception as error:  # noqa: BLE001 (an item that fails must not stop the others)
                report(item.number, error)
            else:
                report(item.number, outcome)

        run_in_parallel(lanes(items), carry_out, self._at_once)

    def has_begun(self, idempotency_key: IdempotencyKey) -> bool:
        """Returns whether this batch was sent before with this idempotency key. One GetItem."""
        record = self._records.recorded(idempotency_key.key)
        return record is not None and record.is_of(idempotency_key)

    def _done_before(
        self, idempotency_key: IdempotencyKey, item_keys: Iterable[IdempotencyKey | None]
    ) -> dict[str, IdempotencyRecord[Outcome]]:
        try:
            self._records.begin(idempotency_key, self._clock.now_ms())
        except AlreadyRecorded as already:
            if not already.record.is_of(idempotency_key):
                raise IdempotencyKeyReused from None
            return self._records.recorded_under(own.key for own in item_keys if own)
        return {}

    def _outcome(
        self, item: Item, idempotency_key: IdempotencyKey | None, record: IdempotencyRecord[Outcome] | None
    ) -> Outcome:
        """Runs an item, or returns its recorded outcome.

        Raises:
            ContactsError: the item failed.
        """
        if record is not None:
            return replay(record, idempotency_key)
        try:
            return item.run(Preconditions(versions=item.versions, idempotency_key=idempotency_key))
        except ContactsError as error:
            return replay_or_raise(error, idempotency_key, self._records)


def _item_key(item: Item, batch_key: IdempotencyKey | None) -> IdempotencyKey | None:
    return None if batch_key is None else replace(batch_key, key=f"{batch_key.key}:{item.number}")


def lanes(items: Iterable[Item]) -> list[list[Item]]:
    """Groups the items into lanes. Items with a common name, directly or through other items, share a lane, in order.

    The longest lane comes first, so that it does not run alone at the end.
    """
    lane_of: dict[Hashable, list[Item]] = {}
    lanes_by_id: dict[int, list[Item]] = {}
    for item in items:
        joined = {id(lane): lane for name in item.names if (lane := lane_of.get(name)) is not None}
        lane = [item]
        for other in joined.values():
            del lanes_by_id[id(other)]
            lane += other
        lane.sort(key=lambda one: one.number)
        lanes_by_id[id(lane)] = lane
        for one in lane:
            lane_of.update(dict.fromkeys(one.names, lane))
    return sorted(lanes_by_id.values(), key=len, reverse=True)


def run_in_parallel(lanes: Sequence[Sequence[Item]], carry_out: Callable[[Item], None], at_once: int) -> None:
    """Runs the items of each lane one after the other, and up to `at_once` lanes in parallel.

    Returns when all are done.
    """

    def run_lane(lane: Sequence[Item]) -> None:
        for item in lane:
            carry_out(item)

    side_by_side(run_lane, lanes, at_once)
