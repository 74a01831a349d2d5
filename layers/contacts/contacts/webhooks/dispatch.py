"""From changes of contacts to events: each once in the account's log, and on its way to whoever asked to be told."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from contacts.book.store import ContactReader
from contacts.core.idempotency import retry_on_conflict
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso, parsed
from contacts.events.changes import (
    ChangeKind,
    StreamChange,
    event_of_erasure,
    event_of_recording,
    event_of_trashing,
    events_of_change,
)
from contacts.events.model import CustomEvent, Event
from contacts.events.store import Appended, EventStore
from contacts.webhooks.model import DeliveryRef, Webhook, delivery_id, subscribed
from contacts.webhooks.store import WebhookStore

_AppendCall = Callable[[Event, str, Sequence[str]], Appended | None]


class Dispatcher:
    """Turns changes of contacts into events.

    It may be given the same changes again, all or some of them: an event that is in the log is not appended once more;
    only its messages are sent again, to the endpoints that were subscribed when it was appended. A delivery has its id
    from the event and the endpoint, so whoever gets two messages knows them for the same delivery.
    """

    def __init__(
        self,
        webhooks: WebhookStore,
        contacts: ContactReader,
        events: EventStore,
        deliveries: MessageQueue,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._webhooks = webhooks
        self._contacts = contacts
        self._events = events
        self._deliveries = deliveries
        self._clock = clock
        self._randomness = randomness

    def handle(self, changes: Sequence[StreamChange]) -> None:
        """Append the events of changes, in their order, and ask for their deliveries.

        Raises:
            TemporarilyUnavailable: some may be done; all are to come again.
        """
        batch = _Batch(self._webhooks, self._clock)
        messages: list[Outgoing] = []
        for change in changes:
            for event, appended in self._append_events(change, batch):
                if appended is not None:
                    messages.extend(_delivery_messages(event, appended))
        if messages:
            self._deliveries.send(messages)

    def _append_events(
        self, change: StreamChange, batch: "_Batch"
    ) -> Iterator[tuple[Event, Appended | None]]:
        """The events of a change, each with its place once it has one."""
        if change.recorded is not None:
            yield self._append_recorded(change, change.recorded, batch)
            return
        append = self._events.append_last if change.kind is ChangeKind.ERASED else self._events.append
        for event in _events_of(change):
            yield event, self._append(append, event, batch)

    def _append_recorded(
        self, change: StreamChange, recorded: CustomEvent, batch: "_Batch"
    ) -> tuple[Event, Appended | None]:
        """The event of something that was recorded of a contact, if the contact is still there to be told of."""
        contact = self._contacts.contact(change.account_id, change.contact_id)
        event = event_of_recording(change.account_id, change.contact_id, recorded, contact)
        if contact is None:
            # Of a batch that comes again, it may have been appended while the contact was there.
            return event, self._events.appended(event)
        return event, self._append(self._events.append_recorded, event, batch)

    def _append(self, append: _AppendCall, event: Event, batch: "_Batch") -> Appended | None:
        webhook_ids = batch.subscribers(event)

        def attempt() -> Appended | None:
            # At its own moment each time: nothing may turn up in the log behind a cursor that has passed it.
            return append(event, iso(batch.next_moment()), webhook_ids)

        return retry_on_conflict(attempt, self._clock, self._randomness)


class _Batch:
    """What is remembered for as long as one batch is worked on."""

    def __init__(self, webhooks: WebhookStore, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._of_accounts: dict[str, list[Webhook]] = {}
        self._latest_ms = 0

    def subscribers(self, event: Event) -> list[str]:
        """The ids of the endpoints that are to be told of an event."""
        if event.account_id not in self._of_accounts:
            self._of_accounts[event.account_id] = self._webhooks.webhooks(event.account_id)
        return [webhook.id for webhook in subscribed(self._of_accounts[event.account_id], event.type)]

    def next_moment(self) -> int:
        """The present, but never a moment a second time: the log is in the order in which events are appended."""
        self._latest_ms = max(self._clock.now_ms(), self._latest_ms + 1)
        return self._latest_ms


def _events_of(change: StreamChange) -> Iterable[Event]:
    """The events a change stands for, in their order."""
    at = (change.record_id, change.at_ms, change.account_id)
    match change.kind:
        case ChangeKind.CHANGED if change.after is not None:
            return events_of_change(*at, change.before, change.after)
        case ChangeKind.TRASHED if change.after is not None:
            return (event_of_trashing(*at, change.after),)
        case ChangeKind.ERASED:
            return (event_of_erasure(*at, change.contact_id, change.version),)
        case _:  # It left its place; what it left behind tells for where.
            return ()


def _delivery_messages(event: Event, appended: Appended) -> Iterator[Outgoing]:
    """The messages that ask for an event's deliveries."""
    at_ms = parsed(event.timestamp)
    for webhook_id in appended.webhook_ids:
        ref = DeliveryRef(
            account_id=event.account_id,
            webhook_id=webhook_id,
            delivery_id=delivery_id(event.id, webhook_id, at_ms),
            event_id=event.id,
            event_type=event.type,
            appended_at=appended.appended_at,
        )
        yield Outgoing(body=ref.message(attempt=1), group=webhook_id)
