"""The timeline of a contact: what changed about it, and what its account recorded of it.

Entries are in the order of their ids, each a UUID version 7 of the moment it tells of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.events import IN_TIMELINE_DAYS, EventType
from contacts.domain.identity import uuid7
from contacts.domain.timestamps import DAY, iso
from contacts.domain.violations import FieldErrorCode, Violation

MAX_NAME: Final = 100
"""Characters of a custom event's name."""
MAX_DATA_BYTES: Final = 32 * 1024
"""Of a custom event's `data`, as DynamoDB counts it: in the event log it lies beside a contact of up to 350 KB."""
MAX_DATA_VALUES: Final = 2_000
"""JSON values in a custom event's `data`, as `json_size.json_values` counts them."""
MAX_AHEAD_MS: Final = 5 * 60 * 1000
"""How far ahead of ours the clock of a caller may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEvent:
    """Something that a caller recorded of a contact. Timestamps are ISO 8601 in UTC with milliseconds and `Z`."""

    id: str
    name: str
    data: Mapping[str, object]
    recorded_at: str
    occurred_at: str | None
    """When it happened, where that was said; else it happened when it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An entry as the native API shows it; what does not belong to its type is None."""

    id: str
    type: str
    timestamp: str
    """When it happened."""
    name: str | None = None
    data: Mapping[str, object] | None = None
    changed: Sequence[str] | None = None
    """Names of the fields that changed."""
    merged_id: str | None = None
    """The contact that was merged into this one."""

    def shown(self) -> dict[str, Any]:
        """The entry in an answer."""
        body: dict[str, Any] = {"id": self.id, "type": self.type, "timestamp": self.timestamp}
        more = {"name": self.name, "data": self.data, "changed": self.changed, "merged_id": self.merged_id}
        return body | {member: value for member, value in more.items() if value is not None}


def custom_event(
    name: str, data: Mapping[str, object], occurred_ms: int | None, now_ms: int, random: bytes
) -> CustomEvent:
    """A new event of now, or of the moment at which it occurred (ms since the epoch).

    `random`: 10 bytes, for its id.

    Raises:
        InvalidInput: it would lie in the future by more than 5 minutes, or further back than 90 days.
    """
    happened_ms = now_ms if occurred_ms is None else occurred_ms
    if happened_ms > now_ms + MAX_AHEAD_MS:
        raise InvalidInput(
            [FieldError("occurred_at", Violation(FieldErrorCode.OUT_OF_RANGE, "lies in the future"))]
        )
    if happened_ms < now_ms - IN_TIMELINE_DAYS * DAY * 1000:
        message = f"lies more than {IN_TIMELINE_DAYS} days back"
        raise InvalidInput([FieldError("occurred_at", Violation(FieldErrorCode.OUT_OF_RANGE, message))])
    return CustomEvent(
        id=uuid7(happened_ms, random),
        name=name,
        data=data,
        recorded_at=iso(now_ms),
        occurred_at=None if occurred_ms is None else iso(occurred_ms),
    )


def entry_of(event: CustomEvent) -> TimelineEntry:
    """What the timeline shows of a custom event."""
    return TimelineEntry(
        id=event.id,
        type=EventType.CUSTOM,
        timestamp=event.occurred_at or event.recorded_at,
        name=event.name,
        data=event.data,
    )
