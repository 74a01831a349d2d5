"""Signatures of what is sent to endpoints, after Standard Webhooks."""

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
    """The headers by which an endpoint can tell that a body is ours, and new.

    `message_id`: the same however often it is sent; `at_s`: seconds since the epoch, of this very attempt (endpoints
    refuse what is older than five minutes); `secrets`: all that sign, the newest first.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    signatures = (standardwebhooks.Webhook(secret).sign(message_id, at, body) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signatures),
    }


LEASE: Final = 60
"""Seconds for which an attempt that was begun is left to whoever began it: longer than the function may run (40 s)."""
RECHECK_AFTER: Final = 3600
"""Seconds after which a delivery of a suspended account is looked at again."""
USER_AGENT: Final = "Contacts-Webhooks/1"
_TIME_NEEDED: Final = 33.0
"""Seconds that must be left before an attempt is begun: to claim it, to send, and to record it (9 + 15 + 9)."""
_TIME_TO_STORE_FAILURE: Final = 18.0
"""Seconds that must be left to do more than to record an attempt (9 + 9)."""


class Sender(Protocol):
    """Calls endpoints."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send a body; whatever goes wrong is in the reply, after 15 seconds at most."""
        ...


class Schedule(Protocol):
    """Asks for attempts."""

    def request(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Have an attempt made after so many seconds; asked for twice, it may be asked for twice.

        Raises:
            TemporarilyUnavailable.
        """
        ...

    def recheck(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Have an attempt looked at again after so many seconds (over 15 minutes), which may be said time and again.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class DeliveryWorker:
    """Takes events to endpoints."""

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
        """Do what a message on the delivery queue asks for (`attempt`).

        One without its group goes on the queue once more, with it: SQS takes every message without a group for
        somebody else's, so an endpoint that hangs could hold up all others with those.

        Raises:
            KeyError, TypeError, ValueError: it is no such message.
            TemporarilyUnavailable: it is to come again.
        """
        fields = {name: value for name, value in body.items() if name != UNGROUPED}
        ref, attempt = DeliveryRef.of_message(fields)
        if UNGROUPED not in body:
            return self.attempt(ref, attempt)
        self._schedule.request(ref, attempt, 0)
        return None

    def attempt(self, ref: DeliveryRef, attempt: int) -> int | None:
        """Make an attempt that a message asks for, unless it has been made or is no longer to be made.

        While the account is suspended no attempt is made, and none is used up: the message comes again every hour.

        Gives back None; or, where somebody else is making it, in how many seconds to ask again.

        Raises:
            TemporarilyUnavailable: the message is to come again.
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
        """The event that a delivery is of; a test is of none."""
        if ref.appended_at is None:
            return None
        return self._events.event(ref.account_id, ref.appended_at, ref.event_id)

    def _resume(self, webhook: Webhook, delivery: Delivery | None, attempt: int) -> int | None:
        """Deal with a message whose attempt cannot be begun."""
        if delivery is None or delivery.status is DeliveryStatus.ERASED:
            return None
        is_pending = delivery.status is DeliveryStatus.PENDING
        if is_pending and delivery.done == attempt - 1 and delivery.begun == attempt:
            return max(1, delivery.lease_until - self._clock.now_ms() // 1000)
        if delivery.done == attempt:
            # To record it may have been the last thing that its maker did.
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
        """The endpoint with a failure noted, which comes before the record: what follows from that relies on it."""
        # Where that cannot be done, the next failure is the first one that is known.
        if self._has_time_left(_TIME_TO_STORE_FAILURE):
            with suppress(TemporarilyUnavailable):
                self._webhooks.note_failure(webhook, at)
        return replace(webhook, failing_since=webhook.failing_since or at)

    def _record(self, delivery: Delivery, attempt: Attempt) -> Delivery | None:
        """Write down an attempt; None where it is no longer ours to do so."""
        random_byte, made = self._randomness(1)[0], delivery.begun
        for _ in tries(self._clock, self._randomness):
            after = after_attempt(delivery, attempt, self._clock.now_ms(), random_byte)
            try:
                self._deliveries.record(delivery, after)
            except Contention:
                continue
            except DeliveryModified as moved:
                # Erased, or asked for again, while the endpoint was answering.
                if moved.delivery is None or moved.delivery.claim != delivery.claim:
                    return None
                delivery = moved.delivery
                if delivery.done == made:
                    return delivery  # The SDK repeated the call, and found what it had written itself.
                continue
            return after
        raise Contention

    def _follow_up(self, webhook: Webhook, delivery: Delivery) -> None:
        """Ask for all that follows from a delivery as it stands after an attempt; may be asked for again."""
        if not delivery.ref.is_test:
            self._update_webhook(webhook, delivery)
        if delivery.status is DeliveryStatus.PENDING and delivery.next_attempt_at is not None:
            delay_ms = parsed(delivery.next_attempt_at) - self._clock.now_ms()
            self._schedule.request(delivery.ref, delivery.done + 1, max(0, delay_ms) / 1000)
        elif delivery.status is DeliveryStatus.FAILED and not delivery.ref.is_test and delivery.has_run_out:
            self._dead_letters.send([Outgoing(body=delivery.ref.message(delivery.done))])

    def _update_webhook(self, webhook: Webhook, delivery: Delivery) -> None:
        """Have the endpoint no longer failing, or no longer active, where the latest attempt says so.

        Not where it is older than the latest beginning of failures, nor where there are none: since that attempt the
        endpoint has taken something, or its owner has switched it on again, and this message comes late.
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
    """Whether a delivery can wait: a test tells of nothing that could be lost, and events are kept for 30 days."""
    return ref.appended_at is not None and now_ms - parsed(ref.appended_at) < KEPT_DAYS * DAY * 1000


def _final_status(ref: DeliveryRef, webhook: Webhook, event: Event | None) -> DeliveryStatus | None:
    """As what a delivery ends without an attempt; None where it is to be made.

    A test is sent to an inactive endpoint as well: its owner wants to know whether it works.
    """
    if ref.is_test:
        return None
    if event is not None and event.is_erased:
        return DeliveryStatus.ERASED
    if event is None or not webhook.is_active:
        return DeliveryStatus.FAILED
    return None
