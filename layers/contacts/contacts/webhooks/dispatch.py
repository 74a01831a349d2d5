"""The dispatcher: it appends an event for each change of a contact, and requests the event's deliveries."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from contacts.book.store import ContactReader
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.idempotency import retry_on_conflict
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso, parsed
from contacts.events.changes import (
    ChangeKind,
    PartlyHandled,
    StreamChange,
    event_of_erasure,
    event_of_recording,
    event_of_trashing,
    events_of_change,
)
from contacts.events.model import CustomEvent, Event
from contacts.events.store import Appended, EventStore
from contacts.webhooks.model import DeliveryRef, Webhook, delivery_id, is_told, subscribed
from contacts.webhooks.store import WebhookStore

MESSAGES_AT_ONCE: Final = 10
"""What SQS takes in one call."""

_AppendCall = Callable[[Event, str, Sequence[str]], Appended | None]


class Dispatcher:
    """Turns changes of contacts into events.

    The stream may deliver changes again. An event that is in the log is not appended again; only its messages are sent
    again, to the endpoints that were subscribed when it was appended. The id of a delivery follows from the event and
    the endpoint, so two messages for the same delivery have the same id.
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
        """Append the events of changes, in their order, and request their deliveries.

        Raises:
            PartlyHandled: the table or the queue was busy, or the time was over.
        """
        batch = _Batch(self._webhooks, self._clock)
        requested, handled = 0, len(changes)
        messages: list[Outgoing] = []
        for number, change in enumerate(changes):
            try:
                messages += self._requests(change, batch)
            except TemporarilyUnavailable:
                handled = number
                break
            if len(messages) >= MESSAGES_AT_ONCE:
                self._send(messages, requested)
                requested, messages = number + 1, []
        self._send(messages, requested)
        if handled < len(changes):
            raise PartlyHandled(handled)

    def _send(self, messages: Sequence[Outgoing], requested: int) -> None:
        """Send messages. `requested`: the changes before these whose messages were sent."""
        try:
            if messages:
                self._deliveries.send(messages)
        except TemporarilyUnavailable:
            raise PartlyHandled(requested) from None

    def _requests(self, change: StreamChange, batch: "_Batch") -> list[Outgoing]:
        """Append the events of a change. Returns the messages that request their deliveries."""
        return [
            message
            for event, appended in self._append_events(change, batch)
            if appended is not None
            for message in _delivery_messages(event, appended)
        ]

    def _append_events(
        self, change: StreamChange, batch: "_Batch"
    ) -> Iterator[tuple[Event, Appended | None]]:
        """Append the events of a change. Yields each with where it was appended; None: it was not."""
        if change.recorded is not None:
            yield self._append_recorded(change, change.recorded, batch)
            return
        append = self._events.append_last if change.kind is ChangeKind.ERASED else self._events.append
        for event in _events_of(change):
            if batch.is_told(event):
                yield event, self._append(append, event, batch)

    def _append_recorded(
        self, change: StreamChange, recorded: CustomEvent, batch: "_Batch"
    ) -> tuple[Event, Appended | None]:
        """Append a custom event, unless its contact is no longer live."""
        contact = self._contacts.contact(change.account_id, change.contact_id)
        event = event_of_recording(change.account_id, change.contact_id, recorded, contact)
        if contact is None:
            # An earlier run may have appended the event, while the contact was live.
            return event, self._events.appended(event)
        return event, self._append(self._events.append_recorded, event, batch)

    def _append(self, append: _AppendCall, event: Event, batch: "_Batch") -> Appended | None:
        webhook_ids = batch.subscribers(event)

        def attempt() -> Appended | None:
            # Each try takes a new time: an event must not appear in the log behind a cursor that has passed it.
            return append(event, iso(batch.next_moment()), webhook_ids)

        return retry_on_conflict(attempt, self._clock, self._randomness)


class _Batch:
    """The webhooks and the clock of one batch of changes."""

    def __init__(self, webhooks: WebhookStore, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._of_accounts: dict[str, list[Webhook]] = {}
        self._latest_ms = 0

    def subscribers(self, event: Event) -> list[str]:
        """The ids of the webhooks that are subscribed to an event's type. The webhooks are read once a batch."""
        return [webhook.id for webhook in subscribed(self._of(event.account_id), event.type)]

    def is_told(self, event: Event) -> bool:
        """Whether an event is logged and sent: a verdict only where a webhook of the account names verdicts."""
        return is_told(self._of(event.account_id), event.type)

    def _of(self, account_id: str) -> list[Webhook]:
        if account_id not in self._of_accounts:
            self._of_accounts[account_id] = self._webhooks.webhooks(account_id)
        return self._of_accounts[account_id]

    def next_moment(self) -> int:
        """The present in ms, or a ms after the last moment: no two events of a batch are appended at the same time."""
        self._latest_ms = max(self._clock.now_ms(), self._latest_ms + 1)
        return self._latest_ms


def _events_of(change: StreamChange) -> Iterable[Event]:
    """The events of a change, in their order."""
    at = (change.record_id, change.at_ms, change.account_id)
    match change.kind:
        case ChangeKind.CHANGED if change.after is not None:
            return events_of_change(*at, change.before, change.after)
        case ChangeKind.TRASHED if change.after is not None:
            return (event_of_trashing(*at, change.after),)
        case ChangeKind.ERASED:
            return (event_of_erasure(*at, change.contact_id, change.version),)
        case (
            _
        ):  # The contact was removed: the record of its trash item or of its tombstone becomes the event.
            return ()


def _delivery_messages(event: Event, appended: Appended) -> Iterator[Outgoing]:
    """The messages that request the first attempts of an event's deliveries."""
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
        yield Outgoing(body=ref.message(attempt=1), group=event.account_id)
