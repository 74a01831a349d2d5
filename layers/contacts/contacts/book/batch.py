"""Batches: many requests in one, each standing alone.

Items that name the same contact are carried out in their order, each seeing what the one before it left; all others
side by side. Names are compared as they are written: that an id and an email belong to one contact cannot be known
without looking, and nobody looks. Two such items come in some order, and each is still carried out whole or not at all.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from contacts.book.model import Outcome, Preconditions
from contacts.core.errors import ContactsError, IdempotencyKeyReused
from contacts.core.idempotency import AlreadyRecorded, IdempotencyKey, IdempotencyRecord, replay
from contacts.core.time import Clock
from contacts.table.records import RecordStore
from contacts.web.entrypoint import replay_or_raise

MAX_ITEMS: Final = 100
AT_ONCE: Final = 8
"""Items under way at the same time. The SDK keeps ten connections open; and while one item waits some ten milliseconds
for the table, a function with half a processor is done with what the others need of it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One request of a batch."""

    number: int
    """Its place in the batch, from 0."""
    names: frozenset[Hashable]
    """Whatever may lead to the contact it is about, now or when it is done."""
    versions: Sequence[int]
    """The versions it may be applied to (empty: any)."""
    ask: Callable[[Preconditions], Outcome]
    """Carries it out."""


Told = Callable[[int, Outcome | Exception], None]
"""Is told of each item, by its number, what it did or why it did not, as soon as that is known; by several threads."""


class BatchService:
    """Carries out the batches of one account."""

    def __init__(self, records: RecordStore, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._records = records
        self._clock = clock
        self._at_once = at_once

    def carry_out(self, items: Sequence[Item], idempotency_key: IdempotencyKey | None, tell: Told) -> None:
        """Carry out the items of a batch, each once, however often the batch is sent.

        Item i is recorded under `<key>:<i>`, with the hash of the whole batch; one that is refused leaves no record.
        Before them a record of the key itself says which batch it is for: so another one with this key is
        refused before anything of it is done, and only a batch that was sent before looks for what was done of it.

        Raises:
            IdempotencyKeyReused: the key was used for another request; nothing was written.
            TemporarilyUnavailable: nothing was written.
        """
        idempotency_keys = {item.number: _receipt_of(item, idempotency_key) for item in items}
        done = (
            self._done_before(idempotency_key, idempotency_keys.values()) if idempotency_key and items else {}
        )

        def carry_out(item: Item) -> None:
            own = idempotency_keys[item.number]
            try:
                outcome = self._outcome(item, own, done.get(own.key) if own else None)
            except Exception as error:  # noqa: BLE001 (whatever befalls one item, the others go on)
                tell(item.number, error)
            else:
                tell(item.number, outcome)

        side_by_side(lanes(items), carry_out, self._at_once)

    def _done_before(
        self, idempotency_key: IdempotencyKey, of_items: Iterable[IdempotencyKey | None]
    ) -> dict[str, IdempotencyRecord[Outcome]]:
        try:
            self._records.begin(idempotency_key, self._clock.now_ms())
        except AlreadyRecorded as already:
            if already.record.request_hash != idempotency_key.request_hash:
                raise IdempotencyKeyReused from None
            return self._records.recorded_under(own.key for own in of_items if own)
        return {}

    def _outcome(
        self, item: Item, idempotency_key: IdempotencyKey | None, record: IdempotencyRecord[Outcome] | None
    ) -> Outcome:
        """What an item does, or did.

        Raises:
            ContactsError
        """
        if record is not None:
            return replay(record, idempotency_key)
        try:
            return item.ask(Preconditions(versions=item.versions, idempotency_key=idempotency_key))
        except ContactsError as error:
            return replay_or_raise(error, idempotency_key, self._records)


def _receipt_of(item: Item, of_batch: IdempotencyKey | None) -> IdempotencyKey | None:
    return (
        None if of_batch is None else IdempotencyKey(f"{of_batch.key}:{item.number}", of_batch.request_hash)
    )


def lanes(items: Iterable[Item]) -> list[list[Item]]:
    """The items in lanes: those that share a name, also by way of others, stand in one, in their order.

    The longest lane comes first, so that it is not the one that all the others have to wait for.
    """
    lane_of: dict[Hashable, list[Item]] = {}
    found: dict[int, list[Item]] = {}
    for item in items:
        joined = {id(lane): lane for name in item.names if (lane := lane_of.get(name)) is not None}
        lane = [item]
        for other in joined.values():
            del found[id(other)]
            lane += other
        lane.sort(key=lambda one: one.number)
        found[id(lane)] = lane
        for one in lane:
            lane_of.update(dict.fromkeys(one.names, lane))
    return sorted(found.values(), key=len, reverse=True)


def side_by_side(lanes: Sequence[Sequence[Item]], carry_out: Callable[[Item], None], at_once: int) -> None:
    """Carry out what stands in each lane one after the other, and so many lanes at the same time; wait for all."""

    def along(lane: Sequence[Item]) -> None:
        for item in lane:
            carry_out(item)

    threads = min(at_once, len(lanes))
    if threads <= 1:
        for lane in lanes:
            along(lane)
        return
    with ThreadPoolExecutor(threads) as pool:
        for lane_done in [pool.submit(along, lane) for lane in lanes]:
            lane_done.result()
