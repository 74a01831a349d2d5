"""Time: the clock, the deadline of a request, and timestamps as the API writes them: `2026-01-15T10:30:00.000Z`."""

import time
from datetime import UTC, datetime, timedelta
from math import inf
from time import monotonic
from typing import Final, Protocol

from contacts.core.violations import FieldErrorCode, InvalidValue, Violation


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


HOUR: Final = 3600
"""Seconds."""
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

_NOT_TIMESTAMP: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, "must be an ISO 8601 timestamp such as 2026-01-15T10:30:00Z"
)
_WITHOUT_ZONE: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, "needs a time zone, such as the Z in 2026-01-15T10:30:00Z"
)
_BEFORE_1970: Final = Violation(FieldErrorCode.OUT_OF_RANGE, "must not be before 1970")


def iso(at_ms: int) -> str:
    """A moment in ms since the epoch as ISO 8601 in UTC, with milliseconds."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def hour_of(at_ms: int) -> str:
    """The hour a moment lies in: `2026-01-15T10`."""
    return iso(at_ms)[:13]


def seconds_left_in_hour(at_ms: int) -> int:
    """Whole seconds until the next hour begins, at least 1."""
    return HOUR - (at_ms // 1000) % HOUR


def parsed(text: str) -> int:
    """The moment of an ISO 8601 timestamp with a zone, in ms since the epoch, rounded up.

    A finer timestamp (`…00.0004Z`) is rounded up, because as a bound it excludes the whole ms before it.

    Raises:
        InvalidValue: it is no timestamp, has no zone, or lies outside 1970–9999.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(_NOT_TIMESTAMP) from None
    if moment.tzinfo is None:
        raise InvalidValue(_WITHOUT_ZONE)
    since_epoch = moment - _EPOCH
    if since_epoch < timedelta():
        raise InvalidValue(_BEFORE_1970)
    return -(-since_epoch // _MILLISECOND)


class SystemClock:
    """`core.time.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Deadline:
    """When the request that is being served must be answered; a process serves one at a time."""

    def __init__(self) -> None:
        self._ends = inf
        self.begun = 0
        """How many requests have begun in this process: the number of the one that is being served."""

    def begin(self, seconds: float) -> None:
        """Set the deadline of the request that begins now, in seconds from now."""
        self._ends = monotonic() + seconds
        self.begun += 1

    def has_time_left(self, seconds: float) -> bool:
        """Whether at least `seconds` are left until the deadline."""
        return monotonic() + seconds <= self._ends
