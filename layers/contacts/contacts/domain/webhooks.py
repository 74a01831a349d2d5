"""Webhooks: endpoints that are told of events, and the deliveries on their way to them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from contacts.domain.events import EVERYTHING
from contacts.domain.identity import uuid7
from contacts.domain.timestamps import DAY, HOUR

MAX_WEBHOOKS: Final = 100
"""Of an account (those made at the same moment may exceed it)."""
MAX_URL: Final = 2048
"""Characters."""
DELIVERIES_KEPT_DAYS: Final = 30
SECRET_OVERLAP: Final = DAY
"""Seconds for which both secrets sign after a rotation."""
DISABLED_AFTER: Final = 5 * DAY
"""Seconds of failures, without a success between them, after which an endpoint is no longer tried."""
MAX_ATTEMPTS_EVER: Final = 100
"""Of one delivery, all its rounds of redelivering together: they are kept in one item."""
RESPONSE_KEPT: Final = 1024
"""Bytes of an endpoint's answer that the log shows."""

RETRY_DELAYS: Final = (0, 5, 30, 120, 600, 1800, HOUR, 2 * HOUR, 5 * HOUR, 10 * HOUR, *[12 * HOUR] * 5)
"""Seconds before each of the 15 attempts, each counted from the one before: 3.3 days in all."""
JITTER: Final = 0.1
"""The share by which a delay may be longer or shorter."""


def retry_delay(attempt: int, random_byte: int) -> float | None:
    """Seconds to wait before an attempt (1 is the first) of a round; None after the last.

    `random_byte` (0 to 255) chooses within ± 10 %.
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
    """Types of events, or `*` alone."""
    description: str | None
    is_active: bool
    disabled_reason: str | None
    created_at: str
    secret: str
    """`whsec_…`; never listed, never logged."""
    previous_secret: str | None = None
    previous_secret_until: int = 0
    """Seconds since the epoch until which the previous secret signs, too."""
    failing_since: str | None = None
    """The first failure since the last success."""

    def wants(self, kind: str) -> bool:
        """Whether it is to be told of events of a type."""
        return self.is_active and (EVERYTHING in self.events or kind in self.events)

    def secrets_at(self, now_s: int) -> tuple[str, ...]:
        """The secrets that sign at a moment, the newest first."""
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
        """Whether the endpoint took it."""
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRef:
    """Which delivery of which event to which endpoint: what messages on the delivery queue carry, and nothing more."""

    account_id: str
    webhook_id: str
    delivery_id: str
    event_id: str
    event_type: str
    appended_at: str | None
    """When the event was appended to the log, which is where it lies there; None for a test, which lies nowhere."""

    def message(self, attempt: int) -> dict[str, object]:
        """The body of the message that asks for an attempt (counted over all rounds, 1 is the first)."""
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
        """The delivery and the attempt a message asks for.

        Raises:
            KeyError, TypeError, ValueError: it is no such message.
        """
        fields = {key: value for key, value in body.items() if key != "attempt"}
        return cls(**fields), int(body["attempt"])  # type: ignore[arg-type, call-overload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint."""

    ref: DeliveryRef
    status: DeliveryStatus
    created_at: str
    next_attempt_at: str | None
    attempts: tuple[Attempt, ...]
    begun: int = 0
    """Attempts begun, over all rounds."""
    done: int = 0
    """Attempts whose end is known."""
    round_began_after: int = 0
    """How many attempts had been made when the schedule began (again)."""
    payload: Mapping[str, object] | None = None
    """Of a test, which is in no log."""


def delivery_id(event_id: str, webhook_id: str, at_ms: int) -> str:
    """The id of the delivery of an event to an endpoint: always the same. `at_ms`: when the event happened."""
    return uuid7(at_ms, sha256(f"{event_id} {webhook_id}".encode()).digest()[:10])


def described(webhook: Webhook) -> dict[str, object]:
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


def subscribed(webhooks: Collection[Webhook], kind: str) -> list[Webhook]:
    """The endpoints that are to be told of events of a type."""
    return [webhook for webhook in webhooks if webhook.wants(kind)]
