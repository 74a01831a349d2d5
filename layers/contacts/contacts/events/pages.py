"""Pages of the event log and of a timeline: their parameters, their cursors, their responses."""

from typing import Final
from uuid import UUID

from contacts.core.errors import FieldError, InvalidInput
from contacts.core.ids import Ref
from contacts.core.violations import not_one_of
from contacts.events.model import SUBSCRIBABLE, EventPageOut, EventType, timeline_entry_out
from contacts.events.service import EventLog, Timeline
from contacts.events.store import Position
from contacts.web.pagination import (
    PageSize,
    fingerprint,
    from_cursor,
    opened,
    sealed,
    shown_page,
    to_cursor,
)
from contacts.web.response import MAX_ANSWER_BYTES, Answer


def logged_type(kind: str | None) -> EventType | None:
    """The type of event in a query; None: any.

    Raises:
        InvalidInput: logs and timelines have no such type.
    """
    if kind is None:
        return None
    if kind not in SUBSCRIBABLE:
        raise InvalidInput([FieldError("type", not_one_of(SUBSCRIBABLE))])
    return EventType(kind)


_ENVELOPE_BYTES: Final = 200
_MOMENT_BYTES: Final = 6
_POSITION_BYTES: Final = _MOMENT_BYTES + 16
"""A position in a cursor: when an event was appended (ms), and the event's id."""


def event_page(
    log: EventLog, account_id: str, kind: str | None, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of events, the oldest first. One that would exceed 5 MB ends earlier.

    `kind`: only events of this type.

    Raises:
        InvalidInput: there is no such type, or the cursor is of another list.
        TemporarilyUnavailable.
    """
    only = logged_type(kind)
    query = fingerprint(account_id, "events", kind)
    after = None if cursor is None else _from_cursor(query, cursor)
    found = log.page(after, only, limit, MAX_ANSWER_BYTES - _ENVELOPE_BYTES)
    next_cursor = _to_cursor(query, found.position)
    body: EventPageOut = {"data": found.events, "has_more": found.has_more, "next_cursor": next_cursor}
    return Answer(200, body)


def _to_cursor(query: bytes, position: Position) -> str:
    return sealed(query, position.at_ms.to_bytes(_MOMENT_BYTES) + UUID(position.event_id).bytes)


def _from_cursor(query: bytes, cursor: str) -> Position:
    position = opened(query, cursor, {_POSITION_BYTES})
    moment, event_id = position[:_MOMENT_BYTES], position[_MOMENT_BYTES:]
    return Position(int.from_bytes(moment), str(UUID(bytes=event_id)))


def timeline_cursor(account_id: str, contact_id: str, after_id: str) -> str:
    """The cursor of `timeline_page` that goes on after an entry, for entries of all types."""
    return to_cursor(_timeline(account_id, contact_id, None), after_id)


def _timeline(account_id: str, contact_id: str, kind: str | None) -> bytes:
    return fingerprint(account_id, "timeline", contact_id, kind)


def timeline_page(
    timeline: Timeline, account_id: str, ref: Ref, kind: str | None, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of a contact's timeline, the newest first. One that would exceed 5 MB ends earlier, with a cursor.

    `kind`: only entries of this type. A cursor belongs to the contact, whichever of its names the request uses.

    Raises:
        InvalidInput: there is no such type, or the cursor is of another timeline.
        ContactNotFound, TemporarilyUnavailable.
    """
    only = logged_type(kind)
    contact = timeline.contact(ref)
    query = _timeline(account_id, contact.id, kind)
    after_id = None if cursor is None else from_cursor(query, cursor)
    entries, next_after = timeline.page(contact, only, after_id, limit)
    return shown_page(map(timeline_entry_out, entries), next_after, query)
