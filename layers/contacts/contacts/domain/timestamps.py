"""Moments as the API writes them: `2026-01-15T10:30:00.000Z`."""

from datetime import UTC, datetime, timedelta
from typing import Final

from contacts.domain.violations import FieldErrorCode, InvalidValue, Violation

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

    Up, because a bound of finer grain (`…00.0004Z`) lies after every moment of the ms it falls in.

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
