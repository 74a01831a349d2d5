"""The log of deliveries as an account's callers see it: listing, sending again, trying an endpoint out.

What is to be sent is promised before it is written: first goes a message that comes half a minute later, when this
function is surely over, then the change is written, then goes a message for now. Ended before the write, the promised
message finds nothing to do and is dropped. Ended after it, the promised message does what was asked for. If all went
well, it finds its attempt made, like any message that comes twice.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from contacts.accounts.model import Caller
from contacts.book.model import Action, Outcome
from contacts.core.errors import DeliveryNotFound, NotDeliverable, TemporarilyUnavailable
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso
from contacts.events.model import Event, EventType, event_out
from contacts.events.store import EventStore
from contacts.webhooks.model import (
    MAX_ATTEMPTS_EVER,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    Webhook,
    delivery_id,
    delivery_out,
    sent_again,
)
from contacts.webhooks.store import DeliveryStore, WebhookStore

PROMISED_AFTER: Final = 30
"""Seconds until the promised message comes: longer than a function that answers requests may run (20 s)."""
MAX_CANDIDATES: Final = 1000
"""How many deliveries one request looks at; then it answers what it has, with a cursor."""


class DeliveryLog:
    """The deliveries to the endpoints of accounts."""

    def __init__(self, webhooks: WebhookStore, deliveries: DeliveryStore, clock: Clock) -> None:
        self._webhooks = webhooks
        self._deliveries = deliveries
        self._clock = clock

    def page(
        self,
        caller: Caller,
        webhook_id: str,
        status: DeliveryStatus | None,
        after_id: str | None,
        limit: int,
    ) -> tuple[list[Delivery], str | None]:
        """The next up to `limit` deliveries of an endpoint, the newest first, and the id to go on after.

        Raises:
            WebhookNotFound, TemporarilyUnavailable.
        """
        self._webhooks.existing(caller.account_id, webhook_id)
        now_s = self._clock.now_ms() // 1000
        return self._deliveries.newest_first(
            *(caller.account_id, webhook_id, status, after_id, now_s), at_most=limit, evaluate=MAX_CANDIDATES
        )


class DeliveryService:
    """Where callers ask for deliveries."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        deliveries: DeliveryStore,
        queue: MessageQueue,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`queue`: on which attempts are asked for."""
        self._webhooks = webhooks
        self._events = events
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock
        self._randomness = randomness

    def redeliver(
        self, caller: Caller, webhook_id: str, delivery_id: str, idempotency_key: IdempotencyKey | None
    ) -> Outcome:
        """Send a delivery again, with the same `webhook-id`, at once and if need be on the whole schedule.

        One that waits for its next attempt is sent now.

        Raises:
            WebhookNotFound, DeliveryNotFound.
            NotDeliverable: the endpoint is inactive, the event erased or no longer kept, or it was tried too often.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def attempt() -> Outcome:
            webhook = self._webhooks.existing(caller.account_id, webhook_id)
            now_ms = self._clock.now_ms()
            delivery = self._deliveries.delivery(caller.account_id, webhook_id, delivery_id, now_ms // 1000)
            if delivery is None:
                raise DeliveryNotFound
            self._must_be_deliverable(delivery, webhook)
            again = sent_again(delivery, now_ms)
            outcome = _queued(again)
            self._promise(again)
            self._deliveries.begin_again(delivery, again, outcome, idempotency_key, now_ms)
            self._send(again)
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def test(self, caller: Caller, webhook_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Send an endpoint, active or not, a `webhook.test`, once.

        Raises:
            WebhookNotFound, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        webhook = self._webhooks.existing(caller.account_id, webhook_id)
        now_ms = self._clock.now_ms()
        delivery = _test_delivery(webhook, now_ms, self._randomness)
        outcome = _queued(delivery)
        self._promise(delivery)

        def attempt() -> Outcome:
            self._deliveries.add(delivery, outcome, idempotency_key, now_ms)
            self._send(delivery)
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def _must_be_deliverable(self, delivery: Delivery, webhook: Webhook) -> None:
        """
        Raises:
            NotDeliverable
        """
        if delivery.done >= MAX_ATTEMPTS_EVER:
            raise NotDeliverable(f"A delivery is attempted at most {MAX_ATTEMPTS_EVER} times.")
        ref = delivery.ref
        if ref.appended_at is None:
            return
        if not webhook.is_active:
            raise NotDeliverable("The webhook is not active; set is_active to true first.")
        # An event that is erased after this look is not sent either: whoever is to send it looks again.
        event = self._events.event(ref.account_id, ref.appended_at, ref.event_id)
        if event is None:
            raise NotDeliverable("The event is no longer kept.")
        if event.is_erased or delivery.status is DeliveryStatus.ERASED:
            raise NotDeliverable("The person this event was about has been erased.")

    def _promise(self, delivery: Delivery) -> None:
        self._queue.send([_request(delivery, PROMISED_AFTER)])

    def _send(self, delivery: Delivery) -> None:
        # Where even that fails, the promised message comes.
        with suppress(TemporarilyUnavailable):
            self._queue.send([_request(delivery, 0)])


def _queued(delivery: Delivery) -> Outcome:
    """The outcome of asking for an attempt: without what the endpoint answered to earlier ones.

    Endpoints may repeat what they were sent, and what an Idempotency-Key remembers is out of an erasure's reach.
    """
    attempts = tuple(replace(attempt, response=None) for attempt in delivery.attempts)
    return Outcome(action=Action.QUEUED, details=delivery_out(replace(delivery, attempts=attempts)))


def _test_delivery(webhook: Webhook, at_ms: int, randomness: Randomness) -> Delivery:
    """A delivery of an event that is made for it alone."""
    event = Event(
        id=uuid7(at_ms, randomness(10)),
        type=EventType.TEST,
        timestamp=iso(at_ms),
        account_id=webhook.account_id,
        contact_id=None,
        data={},
    )
    ref = DeliveryRef(
        account_id=webhook.account_id,
        webhook_id=webhook.id,
        delivery_id=delivery_id(event.id, webhook.id, at_ms),
        event_id=event.id,
        event_type=event.type,
        appended_at=None,
    )
    return Delivery(
        ref=ref,
        status=DeliveryStatus.PENDING,
        next_attempt_at=iso(at_ms),
        attempts=(),
        payload=event_out(event),
    )


def _request(delivery: Delivery, delay_s: int) -> Outgoing:
    """The message that asks for a delivery's next attempt."""
    ref = delivery.ref
    return Outgoing(body=ref.message(delivery.done + 1), group=ref.webhook_id, delay_s=delay_s)
