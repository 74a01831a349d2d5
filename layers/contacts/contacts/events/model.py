"""Events: of changes of contacts and recorded by callers, in the event log, in timelines, and for webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, Literal, NotRequired, TypedDict

from contacts.core.answers import Json, Moment, PageOut, Uuid
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.core.violations import FieldErrorCode, Violation

KEPT_DAYS: Final = 30
"""Days that the event log keeps an event."""
IN_TIMELINE_DAYS: Final = 90
WITHHELD_MS: Final = 10_000
"""The event log does not list younger events yet: an append in progress must not end up behind a cursor.

Longer than it takes until an event is put after its claim, or cannot be put there any more (`store.PUT_WITHIN_MS`).
"""


LONGEST_DISPATCH: Final = 120
"""Seconds that an invocation of the dispatcher may take (`DispatchWebhooks` in template.yaml)."""


class EventType(StrEnum):
    """What happened."""

    CREATED = "contact.created"
    UPDATED = "contact.updated"
    UNSUBSCRIBED = "contact.unsubscribed"
    RESUBSCRIBED = "contact.resubscribed"
    DELETED = "contact.deleted"
    RESTORED = "contact.restored"
    MERGED = "contact.merged"
    """Another contact was merged into this one."""
    VALIDATED = "contact.validated"
    CUSTOM = "contact.event"
    """What a caller recorded of a contact."""
    IMPORT_COMPLETED = "import.completed"
    """An import is done, with or without rows that failed."""
    IMPORT_FAILED = "import.failed"
    """The file of an import could not be read."""
    EXPORT_COMPLETED = "export.completed"
    """The file of an export is there."""
    TEST = "webhook.test"
    """Only sent where it is asked for; not in the log, and nothing to subscribe to."""


SUBSCRIBABLE: Final = tuple(kind for kind in EventType if kind is not EventType.TEST)
OF_JOBS: Final = frozenset({EventType.IMPORT_COMPLETED, EventType.IMPORT_FAILED, EventType.EXPORT_COMPLETED})
"""Events about no contact. Their entries stand under the id of the job, as if that were a contact's."""
ENTERED: Final = OF_JOBS | {EventType.CUSTOM}
"""Events whose entry in a timeline is there before they are appended: whoever causes them puts it there."""
EVERYTHING: Final = "*"
"""Stands for all events but those that are told only to who names them."""
ONLY_BY_NAME: Final = frozenset({EventType.VALIDATED})
"""Events that `*` does not include. They are in the log only where an endpoint of the account names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. Its id is a UUID version 7 of the moment at which it happened.

    `timestamp` is the same moment, except for a custom event: there it is when the event was recorded, maybe later.
    """

    id: str
    type: str
    """An `EventType`; of an event that a later release has appended, any text."""
    timestamp: str
    account_id: str
    contact_id: str | None
    """Whose timeline has the entry. Of an event about a job (`OF_JOBS`): the job's id."""
    data: Mapping[str, object]
    """`contact` as the native API shows it, and by type: `changed`, `previous`, `permanent`, `merged_id`, `name` and
    `data`; of a job what `events.jobs` says.
    """
    is_erased: bool = False
    """The person was erased, and `data` with them."""

    @property
    def tells_of_erasure(self) -> bool:
        """Whether the event says that a contact was erased. An endpoint's response to it may identify the person."""
        return self.data.get("permanent") is True


class EventOut(TypedDict):
    """Something that happened. `data` depends on the type: see the webhooks of this document."""

    id: Uuid
    type: Annotated[str, EventType]
    timestamp: Moment
    account_id: Uuid
    data: Json


class ErasedEventOut(TypedDict):
    """An event about a person who has been erased since."""

    id: Uuid
    type: Annotated[str, EventType]
    erased: Literal[True]


class EventPageOut(TypedDict):
    """A page of events, oldest first."""

    data: list[EventOut | ErasedEventOut]
    has_more: bool
    """Whether more can be fetched at once."""
    next_cursor: str
    """What to go on with, now or later: there always is one."""


def event_out(event: Event) -> EventOut | ErasedEventOut:
    """An event as receivers of webhooks and `GET /v1/events` see it."""
    if event.is_erased:
        return {"id": event.id, "type": str(event.type), "erased": True}
    return {
        "id": event.id,
        "type": str(event.type),
        "timestamp": event.timestamp,
        "account_id": event.account_id,
        "data": dict(event.data),
    }


def event_id(record_id: str, kind: EventType, at_ms: int) -> str:
    """The id of the event of a stream record: the same each time the record is delivered."""
    return uuid7(at_ms, sha256(f"{record_id} {kind}".encode()).digest()[:10])


def event_at(
    record_id: str,
    kind: EventType,
    at_ms: int,
    account_id: str,
    contact_id: str | None,
    data: Mapping[str, object],
) -> Event:
    """The event of a stream record. `at_ms`: when it happened, in ms since the epoch."""
    return Event(
        id=event_id(record_id, kind, at_ms),
        type=kind,
        timestamp=iso(at_ms),
        account_id=account_id,
        contact_id=contact_id,
        data=data,
    )


MAX_NAME: Final = 100
"""Characters of a custom event's name."""
MAX_DATA_BYTES: Final = 32 * 1024
"""Bytes of a custom event's `data`, as DynamoDB counts it. An item of the event log also has a contact of 350 KB."""
MAX_DATA_VALUES: Final = 2_000
"""JSON values in a custom event's `data`, as `core.json.json_values` counts them."""
MAX_AHEAD_MS: Final = 5 * 60 * 1000
"""How far a caller's clock may be ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomEvent:
    """Something that a caller recorded of a contact. Timestamps are ISO 8601 in UTC with milliseconds and `Z`."""

    id: str
    name: str
    data: Mapping[str, object]
    recorded_at: str
    occurred_at: str | None
    """When it happened; None: when it was recorded."""


class TimelineEntryOut(TypedDict):
    """Something that happened to a contact, or that it did."""

    id: Uuid
    type: Annotated[str, EventType]
    timestamp: Moment
    name: NotRequired[str]
    """Of a custom event."""
    data: NotRequired[Json]
    """Of a custom event."""
    changed: NotRequired[list[str]]
    """Names of the fields that an update changed."""
    merged_id: NotRequired[Uuid]
    """Of a merge: the contact that is none of its own any more."""


class RecordedEventOut(TimelineEntryOut):
    """A custom event as it stands in the timeline."""

    test_mode: NotRequired[Literal[True]]


class TimelinePageOut(PageOut):
    """A page of a timeline, newest first."""

    data: list[TimelineEntryOut]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """An entry of a timeline; a member that does not belong to its type is None."""

    id: str
    type: str
    timestamp: str
    """When it happened."""
    name: str | None = None
    data: Json | None = None
    changed: list[str] | None = None
    """Names of the fields that changed."""
    merged_id: str | None = None
    """The contact that was merged into this one."""


def timeline_entry_out(entry: TimelineEntry) -> TimelineEntryOut:
    """An entry as callers see it: what does not belong to its type is absent."""
    shown: TimelineEntryOut = {"id": entry.id, "type": entry.type, "timestamp": entry.timestamp}
    if entry.name is not None:
        shown["name"] = entry.name
    if entry.data is not None:
        shown["data"] = entry.data
    if entry.changed is not None:
        shown["changed"] = entry.changed
    if entry.merged_id is not None:
        shown["merged_id"] = entry.merged_id
    return shown


def custom_event(
    name: str, data: Mapping[str, object], occurred_ms: int | None, now_ms: int, random: bytes
) -> CustomEvent:
    """A new custom event that happened at `occurred_ms` (ms since the epoch; None: now).

    `random`: 10 bytes, for its id.

    Raises:
        InvalidInput: `occurred_ms` is more than 5 minutes ahead, or more than 90 days ago.
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
    """The timeline entry of a custom event."""
    return TimelineEntry(
        id=event.id,
        type=EventType.CUSTOM,
        timestamp=event.occurred_at or event.recorded_at,
        name=event.name,
        data=dict(event.data),
    )
