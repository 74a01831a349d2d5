"""Webhooks, deliveries of events to their endpoints, and the schedule by which deliveries are retried."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, Literal, NamedTuple, NotRequired, TypedDict

from contacts.core.answers import Count, Moment, PageOut, Uuid
from contacts.core.ids import uuid7
from contacts.core.time import DAY, HOUR, iso, parsed
from contacts.events.model import EVERYTHING, ONLY_BY_NAME, EventType

LONGEST_ATTEMPT: Final = 15.0
"""Seconds for connecting, sending and reading the answer together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The result of a request to an endpoint: a status code, or an error without one."""

    status_code: int | None
    error: str | None
    duration_ms: int
    response: str | None
    """The first KB of the response's body."""


MAX_URL: Final = 2048
"""Characters."""
DELIVERIES_KEPT_DAYS: Final = 30
WAITING_KEPT: Final = DELIVERIES_KEPT_DAYS * DAY
"""Seconds for which an attempt may wait in the table."""
SECRET_OVERLAP: Final = DAY
"""Seconds for which both secrets sign after a rotation."""
DISABLED_AFTER: Final = 5 * DAY
"""Seconds of failures without a success, after which a webhook is disabled."""
PARKED_AFTER: Final = 3
"""Failed attempts at a delivery after which the other deliveries to its endpoint wait."""
TRIED_EVERY: Final = 600
"""Seconds without an attempt at an endpoint after which a delivery that comes does not wait: one of all that come."""
PROBE_OVERDUE: Final = HOUR
"""Seconds after which an attempt that is due is taken for lost."""
MAX_ATTEMPTS_EVER: Final = 100
"""Attempts at one delivery, all redeliveries included: one item holds them."""
RESPONSE_KEPT: Final = 1024
"""Bytes of an endpoint's response that the log shows."""
GONE: Final = 410
"""The status with which an endpoint unsubscribes for good (RFC 9110 §15.5.11)."""

RETRY_DELAYS: Final = (0, 5, 30, 120, 600, 1800, HOUR, 2 * HOUR, 5 * HOUR, 10 * HOUR, *[12 * HOUR] * 5)
"""Seconds between each of the 15 attempts and the one before: 3.3 days in all."""
JITTER: Final = 0.1
"""Fraction by which a delay may be longer or shorter."""


def retry_delay(attempt: int, random_byte: int) -> float | None:
    """Seconds to wait before an attempt (1 is the first) of a schedule; None after the last one.

    `random_byte` (0 to 255) selects a delay within ± 10 %.
    """
    if attempt > len(RETRY_DELAYS):
        return None
    return RETRY_DELAYS[attempt - 1] * (1 - JITTER + 2 * JITTER * random_byte / 255)


class DisabledReason(StrEnum):
    """Why an endpoint is not active, where its owner did not do it."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It failed for five days without a success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint of an account."""

    id: str
    account_id: str
    url: str
    events: tuple[str, ...]
    """Types of events, or `*`; beside `*` only those that `*` does not include."""
    description: str | None
    is_active: bool
    disabled_reason: str | None
    created_at: str
    secret: str = field(repr=False)
    """`whsec_…`; never listed, never logged."""
    previous_secret: str | None = field(default=None, repr=False)
    previous_secret_until: int = 0
    """Seconds since the epoch until which the previous secret signs, too."""
    failing_since: str | None = None
    """The first failure since the last success."""
    probe: str | None = None
    """The id of the delivery that is attempted while the endpoint fails; the others wait."""
    probe_due: int = 0
    """Seconds since the epoch: when the next attempt of that delivery is due."""
    tried_at: int = 0
    """Seconds since the epoch: when an attempt was made, or begun, while the others waited."""
    waiting: str | None = None
    """There while deliveries may wait for the endpoint, with a new value whenever one more waits."""

    def is_parked(self, now_s: int) -> bool:
        """Whether deliveries wait until the one that is attempted succeeds.

        Where that one is overdue, its message may have been lost: then the next delivery is attempted.
        """
        is_probed = self.probe is not None and now_s < self.probe_due + PROBE_OVERDUE
        return self.is_active and self.failing_since is not None and is_probed

    def wants(self, kind: str) -> bool:
        """Whether the webhook is active and subscribed to a type of event."""
        return self.is_active and self.names(kind)

    def names(self, kind: str) -> bool:
        """Whether `events` includes a type of event. `*` includes all but those of `ONLY_BY_NAME`."""
        return kind in self.events or (EVERYTHING in self.events and kind not in ONLY_BY_NAME)

    def secrets_at(self, now_s: int) -> tuple[str, ...]:
        """The secrets that are valid at a moment (seconds since the epoch), the newest first."""
        if self.previous_secret is not None and now_s < self.previous_secret_until:
            return (self.secret, self.previous_secret)
        return (self.secret,)


class DeliveryStatus(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    ERASED = "erased"
    """The person the event was about has been erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at delivering."""

    at: str
    status_code: int | None
    error: str | None
    duration_ms: int
    response: str | None
    """The first KB of the answer."""

    @property
    def is_success(self) -> bool:
        """Whether the endpoint accepted the event: a 2xx status."""
        return self.status_code is not None and 200 <= self.status_code < 300


class Place(NamedTuple):
    """A place in the list of deliveries about a contact: that of a delivery of an event."""

    event_id: str
    delivery_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRef:
    """Identifies a delivery, its event and its webhook. Messages of the delivery queue hold nothing else."""

    account_id: str
    webhook_id: str
    delivery_id: str
    event_id: str
    event_type: str
    appended_at: str | None
    """When the event was appended to the log, which is part of its key there; None for a test, which is in no log."""

    @property
    def place(self) -> Place:
        """Where it stands among the deliveries about a contact."""
        return Place(self.event_id, self.delivery_id)

    @property
    def is_test(self) -> bool:
        """Whether the event is a `webhook.test`."""
        return self.appended_at is None

    def message(self, attempt: int) -> dict[str, object]:
        """The body of the message that requests an attempt (1 is the first, redeliveries go on counting)."""
        return {
            "account_id": self.account_id,
            "webhook_id": self.webhook_id,
            "delivery_id": self.delivery_id,
            "event_id": self.event_id,
            "event_type": self.event_type,
            "appended_at": self.appended_at,
            "attempt": attempt,
        }

    @classmethod
    def of_message(cls, body: Mapping[str, object]) -> tuple["DeliveryRef", int]:
        """The delivery and the attempt that a message requests.

        Raises:
            KeyError, TypeError, ValueError: the body is no message of the delivery queue.
        """
        fields = {key: value for key, value in body.items() if key != "attempt"}
        return cls(**fields), int(body["attempt"])  # type: ignore[arg-type, call-overload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint."""

    ref: DeliveryRef
    status: DeliveryStatus
    next_attempt_at: str | None
    attempts: tuple[Attempt, ...]
    begun: int = 0
    """Attempts that were claimed, redeliveries included."""
    done: int = 0
    """Attempts that were recorded, redeliveries included."""
    round_began_after: int = 0
    """`done` when the schedule began, or began again by a redelivery."""
    payload: Mapping[str, object] | None = None
    """The payload of a test, which is in no log; else None."""
    claim: str | None = None
    """The token of the worker that claimed the latest attempt."""
    lease_until: int = 0
    """Seconds since the epoch until which no other worker claims that attempt."""

    @property
    def created_at(self) -> str:
        """When the event happened, from the delivery's id. Deliveries are listed in this order."""
        return iso(int(self.ref.delivery_id.replace("-", "")[:12], 16))

    @property
    def has_run_out(self) -> bool:
        """Whether the schedule has no further attempt."""
        return _next_delay(self, 0) is None


def first_attempt_of(ref: DeliveryRef, claim: str) -> Delivery:
    """A delivery whose first attempt is being made, by the worker that a token identifies."""
    return Delivery(
        ref=ref, status=DeliveryStatus.PENDING, next_attempt_at=None, attempts=(), begun=1, claim=claim
    )


def after_attempt(delivery: Delivery, attempt: Attempt, at_ms: int, random_byte: int) -> Delivery:
    """The delivery after an attempt.

    After a success it is delivered. After a 410, or after the last attempt of the schedule, it has failed. Otherwise
    the next attempt is due when its delay is over. If the person was erased meanwhile, the response is not kept.

    `at_ms`: now, in ms since the epoch. `random_byte`: as in `retry_delay`.
    """
    done = delivery.done + 1
    if delivery.status is DeliveryStatus.ERASED:
        kept = replace(attempt, response=None)
        return replace(delivery, done=done, attempts=(*delivery.attempts, kept), next_attempt_at=None)
    made = replace(delivery, done=done, attempts=(*delivery.attempts, attempt), next_attempt_at=None)
    if attempt.is_success:
        return replace(made, status=DeliveryStatus.DELIVERED)
    delay = None if attempt.status_code == GONE else _next_delay(made, random_byte)
    if delay is None:
        return replace(made, status=DeliveryStatus.FAILED)
    return replace(made, status=DeliveryStatus.PENDING, next_attempt_at=iso(at_ms + round(delay * 1000)))


def is_asked_for(delivery: Delivery, attempt: int, now_ms: int) -> bool:
    """Whether a caller has asked for an attempt by a redelivery, so that it must not wait."""
    if attempt == 1:
        return delivery.next_attempt_at is not None and parsed(delivery.next_attempt_at) <= now_ms
    return delivery.round_began_after == attempt - 1


def sent_again(delivery: Delivery, at_ms: int) -> Delivery:
    """The delivery after a redelivery was requested: its schedule begins again, with an attempt at `at_ms`."""
    return replace(
        delivery,
        status=DeliveryStatus.PENDING,
        round_began_after=delivery.done,
        next_attempt_at=iso(at_ms),
    )


def _next_delay(delivery: Delivery, random_byte: int) -> float | None:
    """Seconds before the next attempt; None where no attempt follows. A test has one attempt."""
    if delivery.done >= MAX_ATTEMPTS_EVER:
        return None
    in_round = delivery.done - delivery.round_began_after
    if delivery.ref.is_test:
        return None if in_round else 0
    return retry_delay(in_round + 1, random_byte)


def delivery_id(event_id: str, webhook_id: str, at_ms: int) -> str:
    """The id of the delivery of an event to a webhook, always the same. `at_ms`: when the event happened."""
    return uuid7(at_ms, sha256(f"{event_id} {webhook_id}".encode()).digest()[:10])


class WebhookOut(TypedDict):
    """An endpoint that is told of events."""

    id: str
    url: str
    events: list[str]
    """Types of events. `*` stands for all but `contact.validated`, which may stand beside it."""
    description: str | None
    is_active: bool
    disabled_reason: Annotated[str, DisabledReason] | None
    """Why we switched it off."""
    created_at: Moment


class WebhookWithSecretOut(WebhookOut):
    """An endpoint with its secret, which is shown in this answer only (and not where a request is repeated)."""

    secret: NotRequired[str]
    """`whsec_…`: what verifies signatures (Standard Webhooks)."""
    test_mode: NotRequired[Literal[True]]


class WebhookPageOut(PageOut):
    """All webhooks, oldest first."""

    data: list[WebhookOut]


class AttemptOut(TypedDict):
    """One attempt at delivering."""

    at: Moment
    status_code: int | None
    """What the endpoint answered; null where it did not."""
    error: str | None
    """Why there was no answer."""
    duration_ms: Count
    response: str | None
    """The first KB of the answer."""


class DeliveryOut(TypedDict):
    """One event on its way to one endpoint."""

    id: Uuid
    webhook_id: str
    event_id: Uuid
    event_type: Annotated[str, EventType]
    status: Annotated[str, DeliveryStatus]
    created_at: Moment
    """When the event happened."""
    next_attempt_at: Moment | None
    attempts: list[AttemptOut]


class QueuedDeliveryOut(DeliveryOut):
    """A delivery that is attempted in a moment."""

    test_mode: NotRequired[Literal[True]]


class DeliveryPageOut(PageOut):
    """A page of deliveries, newest first."""

    data: list[DeliveryOut]


def webhook_out(webhook: Webhook) -> WebhookOut:
    """A webhook as callers may see it: without its secret."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "description": webhook.description,
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "created_at": webhook.created_at,
    }


def delivery_out(delivery: Delivery) -> DeliveryOut:
    """A delivery as callers may see it."""
    return {
        "id": delivery.ref.delivery_id,
        "webhook_id": delivery.ref.webhook_id,
        "event_id": delivery.ref.event_id,
        "event_type": delivery.ref.event_type,
        "status": str(delivery.status),
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "attempts": [
            {
                "at": attempt.at,
                "status_code": attempt.status_code,
                "error": attempt.error,
                "duration_ms": attempt.duration_ms,
                "response": attempt.response,
            }
            for attempt in delivery.attempts
        ],
    }


def is_told(webhooks: Collection[Webhook], kind: str) -> bool:
    """Whether events of a type are logged and sent, for an account with these webhooks.

    A type that `*` does not include is told where a webhook names it, also one that is not active: its owner reads the
    log. All other types are always told.
    """
    return kind not in ONLY_BY_NAME or any(webhook.names(kind) for webhook in webhooks)


def subscribed(webhooks: Collection[Webhook], kind: str) -> list[Webhook]:
    """The active webhooks that are subscribed to a type of event."""
    return [webhook for webhook in webhooks if webhook.wants(kind)]
