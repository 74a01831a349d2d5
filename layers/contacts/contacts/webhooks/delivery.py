"""The delivery worker: it attempts deliveries of events to endpoints, records the attempts, and asks for further ones.

`signed_headers` signs what is sent, after Standard Webhooks.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol

import standardwebhooks

from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import tries
from contacts.core.ids import Randomness
from contacts.core.json import to_json
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import DAY, Clock, iso, parsed
from contacts.events.model import KEPT_DAYS, Event, event_out
from contacts.events.store import EventStore
from contacts.webhooks.model import (
    DISABLED_AFTER,
    GONE,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    Reply,
    Webhook,
    after_attempt,
)
from contacts.webhooks.store import UNGROUPED, DeliveryModified, DeliveryStore, NotOpen, WebhookStore


def signed_headers(message_id: str, at_s: int, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """The headers by which an endpoint verifies that a body comes from this service, and is recent.

    `message_id`: the event's id, the same in every attempt. `at_s`: when this attempt is made, in seconds since the
    epoch (endpoints refuse what is older than five minutes). `secrets`: all valid secrets, the newest first.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    signatures = (standardwebhooks.Webhook(secret).sign(message_id, at, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }


LEASE: Final = 60
"""Seconds for which an attempt belongs to the worker that claimed it: longer than the function may run (40 s)."""
RECHECK_AFTER: Final = 3600
"""Seconds until a delivery of a suspended account is checked again."""
USER_AGENT: Final = "Contacts-Webhooks/1"
_TIME_NEEDED: Final = 33.0
"""Seconds that an attempt takes at most: to claim it, to send, and to record it (9 + 15 + 9)."""
_TIME_TO_STORE_FAILURE: Final = 18.0
"""Seconds that must be left to store a failure of the endpoint before the attempt is recorded (9 + 9)."""


class Sender(Protocol):
    """Sends requests to endpoints."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a body. Returns within 15 seconds; the reply says what went wrong, if anything did."""
        ...


class Schedule(Protocol):
    """Requests attempts for a later time, by messages on the delivery queue."""

    def request(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Request an attempt in `delay_s` seconds. A request made twice may come twice.

        Raises:
            TemporarilyUnavailable.
        """
        ...

    def recheck(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Request the same attempt once more in `delay_s` seconds (over 15 minutes). It can be requested repeatedly.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class DeliveryWorker:
    """Handles the messages of the delivery queue: each asks for one attempt at one delivery."""

    def __init__(
        self,
        webhooks: WebhookStore,
        events: EventStore,
        deliveries: DeliveryStore,
        sender: Sender,
        schedule: Schedule,
        dead_letters: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
        is_suspended: Callable[[str], bool],
    ) -> None:
        """`has_time_left`: whether the invocation has so many seconds left. `is_suspended`: whether the account with
        an id is suspended.
        """
        self._webhooks = webhooks
        self._events = events
        self._deliveries = deliveries
        self._sender = sender
        self._schedule = schedule
        self._dead_letters = dead_letters
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._is_suspended = is_suspended

    def handle(self, body: Mapping[str, object]) -> int | None:
        """Make the attempt that a message asks for. Returns what `attempt` returns.

        A message without its group is sent again, with its group: SQS counts each message without a group as a tenant
        of its own, so the messages of an endpoint that hangs could delay those of all others.

        Raises:
            KeyError, TypeError, ValueError: the body is no message of the delivery queue.
            TemporarilyUnavailable: the message has to come again.
        """
        fields = {name: value for name, value in body.items() if name != UNGROUPED}
        ref, attempt = DeliveryRef.of_message(fields)
        if UNGROUPED not in body:
            return self.attempt(ref, attempt)
        self._schedule.request(ref, attempt, 0)
        return None

    def attempt(self, ref: DeliveryRef, attempt: int) -> int | None:
        """Make an attempt (1 is the first), unless it was made already or the delivery has ended.

        While the account is suspended, no attempt is made and none is used up: the message comes again every hour.

        Returns None; or, where another worker is making the attempt, in how many seconds the message has to come again.

        Raises:
            TemporarilyUnavailable: the message has to come again.
        """
        webhook = self._webhooks.webhook(ref.account_id, ref.webhook_id)
        if webhook is None:
            return None
        event = self._event(ref)
        final = _final_status(ref, webhook, event)
        if final is None and self._is_suspended(ref.account_id):
            if _can_wait(ref, self._clock.now_ms()):
                self._schedule.recheck(ref, attempt, RECHECK_AFTER)
                return None
            final = DeliveryStatus.FAILED
        if not self._has_time_left(_TIME_NEEDED):
            raise TemporarilyUnavailable
        now_ms = self._clock.now_ms()
        try:
            if final is not None:
                self._deliveries.end(ref, attempt, final, now_ms)
                return None
            token = self._randomness(8).hex()
            delivery = self._deliveries.claim(ref, attempt, token, now_ms, LEASE)
        except NotOpen as refused:
            return self._resume(webhook, refused.delivery, attempt)
        payload = delivery.payload if event is None else event_out(event)
        assert payload is not None, "a test has its payload with it"
        made = self._sent(webhook, ref.event_id, payload)
        if event is not None and event.tells_of_erasure:
            made = replace(made, response=None)
        if not (ref.is_test or made.is_success):
            webhook = self._with_failure(webhook, made.at)
        recorded = self._record(delivery, made)
        if recorded is not None:
            self._follow_up(webhook, recorded)
        return None

    def _event(self, ref: DeliveryRef) -> Event | None:
        """The event of a delivery; None for a test, which has its payload in the delivery."""
        if ref.appended_at is None:
            return None
        return self._events.event(ref.account_id, ref.appended_at, ref.event_id)

    def _resume(self, webhook: Webhook, delivery: Delivery | None, attempt: int) -> int | None:
        """Handle a message whose attempt cannot be claimed. Returns what `attempt` returns."""
        if delivery is None or delivery.status is DeliveryStatus.ERASED:
            return None
        is_pending = delivery.status is DeliveryStatus.PENDING
        if is_pending and delivery.done == attempt - 1 and delivery.begun == attempt:
            return max(1, delivery.lease_until - self._clock.now_ms() // 1000)
        if delivery.done == attempt:
            # The worker that recorded the attempt may have ended before it requested the next one.
            self._follow_up(webhook, delivery)
        return None

    def _sent(self, webhook: Webhook, event_id: str, payload: Mapping[str, object]) -> Attempt:
        at_ms = self._clock.now_ms()
        body = to_json(payload)
        signed = signed_headers(event_id, at_ms // 1000, body, webhook.secrets_at(at_ms // 1000))
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
        reply = self._sender.post(webhook.url, headers, body.encode())
        return Attempt(
            at=iso(at_ms),
            status_code=reply.status_code,
            error=reply.error,
            duration_ms=reply.duration_ms,
            response=reply.response,
        )

    def _with_failure(self, webhook: Webhook, at: str) -> Webhook:
        """The webhook with its first failure since the last success; stored before the attempt is recorded.

        If the failure cannot be stored, the next failure counts as the first.
        """
        if self._has_time_left(_TIME_TO_STORE_FAILURE):
            with suppress(TemporarilyUnavailable):
                self._webhooks.note_failure(webhook, at)
        return replace(webhook, failing_since=webhook.failing_since or at)

    def _record(self, delivery: Delivery, attempt: Attempt) -> Delivery | None:
        """Record an attempt. Returns the delivery after it; None where another worker has claimed the delivery since.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        random_byte, made = self._randomness(1)[0], delivery.begun
        for _ in tries(self._clock, self._randomness):
            after = after_attempt(delivery, attempt, self._clock.now_ms(), random_byte)
            try:
                self._deliveries.record(delivery, after)
            except Contention:
                continue
            except DeliveryModified as moved:
                # The delivery was erased or redelivered while the endpoint was answering.
                if moved.delivery is None or moved.delivery.claim != delivery.claim:
                    return None
                delivery = moved.delivery
                if delivery.done == made:
                    return delivery  # The SDK repeated the call, and found what it had written itself.
                continue
            return after
        raise Contention

    def _follow_up(self, webhook: Webhook, delivery: Delivery) -> None:
        """Update the webhook, and request the next attempt or report a failed delivery. Safe to repeat."""
        if not delivery.ref.is_test:
            self._update_webhook(webhook, delivery)
        if delivery.status is DeliveryStatus.PENDING and delivery.next_attempt_at is not None:
            delay_ms = parsed(delivery.next_attempt_at) - self._clock.now_ms()
            self._schedule.request(delivery.ref, delivery.done + 1, max(0, delay_ms) / 1000)
        elif delivery.status is DeliveryStatus.FAILED and not delivery.ref.is_test and delivery.has_run_out:
            self._dead_letters.send([Outgoing(body=delivery.ref.message(delivery.done))])

    def _update_webhook(self, webhook: Webhook, delivery: Delivery) -> None:
        """End the webhook's failures, or disable the webhook, as the latest attempt demands.

        The attempt is ignored where the webhook has no failures, or where they began after the attempt: then this
        message is late, and the endpoint has accepted an event since, or its owner has activated it again.
        """
        failing_since = webhook.failing_since
        if not delivery.attempts or failing_since is None or failing_since > delivery.attempts[-1].at:
            return
        if delivery.attempts[-1].is_success:
            self._webhooks.note_success(webhook)
        elif delivery.attempts[-1].status_code == GONE:
            self._webhooks.disable(webhook, DisabledReason.GONE)
        elif self._is_long_ago(failing_since):
            self._webhooks.disable(webhook, DisabledReason.FAILING)

    def _is_long_ago(self, failing_since: str) -> bool:
        return self._clock.now_ms() - parsed(failing_since) >= DISABLED_AFTER * 1000


def _can_wait(ref: DeliveryRef, now_ms: int) -> bool:
    """Whether a delivery of a suspended account can wait: it is no test, and its event is kept (for 30 days)."""
    return ref.appended_at is not None and now_ms - parsed(ref.appended_at) < KEPT_DAYS * DAY * 1000


def _final_status(ref: DeliveryRef, webhook: Webhook, event: Event | None) -> DeliveryStatus | None:
    """The status with which a delivery ends without an attempt; None: the attempt has to be made.

    A test is also sent to an inactive endpoint: its owner wants to know whether the endpoint works.
    """
    if ref.is_test:
        return None
    if event is not None and event.is_erased:
        return DeliveryStatus.ERASED
    if event is None or not webhook.is_active:
        return DeliveryStatus.FAILED
    return None
