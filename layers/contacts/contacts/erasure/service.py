"""Erasure: of a person who has been deleted for good nothing stays but that there was somebody.

Claims go in the transaction that erases a contact, postings with the projection. This goes through what is kept about
the contact besides: answers to requests, its timeline, and from there the event log and the deliveries.
"""

from collections.abc import Callable, Sequence
from functools import partial

from contacts.core.idempotency import retry_on_conflict
from contacts.core.ids import Randomness
from contacts.core.time import Clock, parsed
from contacts.erasure.store import Trace, TracedEvent, TraceStore
from contacts.webhooks.model import DeliveryRef, delivery_id


class Eraser:
    """Erases what is kept about contacts.

    It may be ended anywhere and begun again: a trace is removed only when everything it leads to is gone.
    """

    def __init__(self, store: TraceStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def erase(
        self, account_id: str, contact_id: str, version: int = 0, merged_ids: Sequence[str] = ()
    ) -> None:
        """Erase what is kept about a contact that is gone for good.

        `version`: its last one, for its tombstone: it has none yet where its days in the trash ran out; `merged_ids`:
        of those that had been merged into it, about whom is kept what was before.

        Raises:
            TemporarilyUnavailable: a part is done; it is to be asked for again.
        """
        at_ms = self._clock.now_ms()
        self._until_done(lambda: self._store.bury(account_id, contact_id, version, at_ms, merged_ids))
        for merged_id in merged_ids:
            bury = partial(self._store.bury_merged, account_id, merged_id, contact_id, at_ms)
            self._until_done(bury)
        for kept_under in (contact_id, *merged_ids):
            for trace in self._store.traces(account_id, kept_under):
                self._erase(account_id, kept_under, trace)

    def _erase(self, account_id: str, contact_id: str, trace: Trace) -> None:
        store, request, event = self._store, trace.request, trace.event
        if request is not None:
            self._until_done(lambda: store.strip_record(account_id, request))
        if event is not None:
            # The event before its deliveries: nothing of it can be sent again from then on.
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
