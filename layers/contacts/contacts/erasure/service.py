"""Erasure: removes what is stored about a contact that is deleted for good. Only a tombstone stays.

Claims are deleted in the transaction that erases a contact, and postings by the projection. The eraser removes the
rest: the records of Idempotency-Keys, the timeline, and through the timeline the logged events and their deliveries.
"""

from collections.abc import Callable, Sequence
from functools import partial

from contacts.core.idempotency import retry_on_conflict
from contacts.core.ids import Randomness
from contacts.core.time import Clock, parsed
from contacts.erasure.store import Trace, TracedEvent, TraceStore
from contacts.webhooks.model import DeliveryRef, delivery_id


class Eraser:
    """Erases what is stored about contacts.

    A run may end anywhere and be repeated: a trace is removed after everything that it leads to.
    """

    def __init__(self, store: TraceStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def erase(
        self, account_id: str, contact_id: str, version: int = 0, merged_ids: Sequence[str] = ()
    ) -> None:
        """Erase what is stored about a contact that is deleted for good.

        `version`: the contact's last version, for its tombstone, which is missing where its days in the trash ran out.
        `merged_ids`: the contacts that had been merged into it. What was stored about them before is erased as well.

        Raises:
            Contention, TemporarilyUnavailable: a part is done; the erasure has to be repeated.
        """
        at_ms = self._clock.now_ms()
        self._until_done(lambda: self._store.bury(account_id, contact_id, version, at_ms, merged_ids))
        for merged_id in merged_ids:
            bury = partial(self._store.bury_merged, account_id, merged_id, contact_id, at_ms)
            self._until_done(bury)
        for erased_id in (contact_id, *merged_ids):
            for trace in self._store.traces(account_id, erased_id):
                self._erase(account_id, erased_id, trace)

    def _erase(self, account_id: str, contact_id: str, trace: Trace) -> None:
        store, request, event = self._store, trace.request, trace.event
        if request is not None:
            self._until_done(lambda: store.strip_record(account_id, request))
        if event is not None:
            # The event first: then none of its deliveries can send its data any more.
            self._until_done(lambda: store.strip_event(account_id, event.appended_at, event.id))
            for webhook_id in event.webhook_ids:
                self._end_delivery(account_id, event, webhook_id)
        self._until_done(lambda: store.remove(account_id, contact_id, trace))

    def _end_delivery(self, account_id: str, event: TracedEvent, webhook_id: str) -> None:
        delivery = DeliveryRef(
            account_id=account_id,
            webhook_id=webhook_id,
            delivery_id=delivery_id(event.id, webhook_id, parsed(event.timestamp)),
            event_id=event.id,
            event_type=event.type,
            appended_at=event.appended_at,
        )
        self._until_done(lambda: self._store.strip_delivery(delivery, self._clock.now_ms()))

    def _until_done(self, step: Callable[[], None]) -> None:
        retry_on_conflict(step, self._clock, self._randomness)
