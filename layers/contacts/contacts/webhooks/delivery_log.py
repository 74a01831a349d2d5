"""What an account's callers do with deliveries: list them, send one again, send a test.

A request for an attempt must not get lost when the function ends half-way. So the service (1) sends a message with a
delay of 30 seconds, longer than the function may run, (2) writes the change, (3) sends a message without delay. If the
function ends before the write, the delayed message finds nothing to do. If the function ends after the write, the
delayed message makes the attempt. Otherwise the delayed message finds the attempt made, like any repeated message.
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

DELAYED_MESSAGE_S: Final = 30
"""Delay of the first message, in seconds: longer than a function of the API may run (20 s)."""
MAX_CANDIDATES: Final = 1000
"""Deliveries that one request reads at most. Then the page ends, with a cursor."""


class DeliveryLog:
    """Lists the deliveries to an endpoint."""

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
        """The next up to `limit` deliveries to an endpoint, the newest first, and the id to go on after.

        `status`: only deliveries with this status.

        Raises:
            WebhookNotFound, TemporarilyUnavailable.
        """
        webhook = self._webhooks.existing(caller.account_id, webhook_id)
        now_s = self._clock.now_ms() // 1000
        found, further = self._deliveries.newest_first(
            *(caller.account_id, webhook_id, status, after_id, now_s), at_most=limit, evaluate=MAX_CANDIDATES
        )
        return [as_due(delivery, webhook, now_s) for delivery in found], further


class DeliveryService:
    """Sends deliveries again, and tests."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        deliveries: DeliveryStore,
        queue: MessageQueue,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`queue`: the delivery queue."""
        self._webhooks = webhooks
        self._events = events
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock
        self._randomness = randomness

    def redeliver(
        self, caller: Caller, webhook_id: str, delivery_id: str, idempotency_key: IdempotencyKey | None
    ) -> Outcome:
        """Send a delivery again, with the same `webhook-id`: at once, and after failures on the whole schedule.

        A delivery that waits for its next attempt is sent at once.

        Raises:
            WebhookNotFound, DeliveryNotFound.
            NotDeliverable: the webhook is inactive, the event is erased or no longer kept, or 100 attempts were made.
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
            outcome = _queued_outcome(again)
            self._send_delayed(again)
            self._deliveries.begin_again(delivery, again, outcome, idempotency_key, now_ms)
            self._send(again)
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def test(self, caller: Caller, webhook_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Send a `webhook.test` event to an endpoint, active or not. There is one attempt.

        Raises:
            WebhookNotFound, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        webhook = self._webhooks.existing(caller.account_id, webhook_id)
        now_ms = self._clock.now_ms()
        delivery = _test_delivery(webhook, now_ms, self._randomness)
        outcome = _queued_outcome(delivery)
        self._send_delayed(delivery)

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
        # An event that is erased after this read is not sent either: the delivery worker reads it again.
        event = self._events.event(ref.account_id, ref.appended_at, ref.event_id)
        if event is None:
            raise NotDeliverable("The event is no longer kept.")
        if event.is_erased or delivery.status is DeliveryStatus.ERASED:
            raise NotDeliverable("The person this event was about has been erased.")

    def _send_delayed(self, delivery: Delivery) -> None:
        self._queue.send([_attempt_message(delivery, DELAYED_MESSAGE_S)])

    def _send(self, delivery: Delivery) -> None:
        # If this message cannot be sent, the delayed one makes the attempt.
        with suppress(TemporarilyUnavailable):
            self._queue.send([_attempt_message(delivery, 0)])


def as_due(delivery: Delivery, webhook: Webhook, now_s: int) -> Delivery:
    """A delivery whose next attempt is due no earlier than the one of the delivery that its endpoint is tried with."""
    if delivery.next_attempt_at is None or not webhook.is_parked(now_s):
        return delivery
    return replace(delivery, next_attempt_at=max(delivery.next_attempt_at, iso(webhook.probe_due * 1000)))


def _queued_outcome(delivery: Delivery) -> Outcome:
    """The outcome of a request for an attempt, without the endpoint's earlier responses.

    Responses may repeat personal data, and erasure does not find the Idempotency-Key records of deliveries.
    """
    attempts = tuple(replace(attempt, response=None) for attempt in delivery.attempts)
    return Outcome(action=Action.QUEUED, details=delivery_out(replace(delivery, attempts=attempts)))


def _test_delivery(webhook: Webhook, at_ms: int, randomness: Randomness) -> Delivery:
    """A delivery of a new `webhook.test` event, which is in no log."""
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


def _attempt_message(delivery: Delivery, delay_s: int) -> Outgoing:
    """The message that requests a delivery's next attempt."""
    ref = delivery.ref
    return Outgoing(body=ref.message(delivery.done + 1), group=ref.account_id, delay_s=delay_s)
