"""Pages of events: what may be asked for, and the answer.

Every page has a `next_cursor`, also where nothing is left for now: who keeps the latest one and comes back with it gets
each event once. A cursor holds when the last event that was looked at had been appended (6 bytes, ms since the epoch),
and its id.
"""

from typing import Final
from uuid import UUID

from contacts.api.answers import MAX_ANSWER_BYTES, Answer
from contacts.api.cursors import fingerprint, opened, sealed
from contacts.api.event_types import logged_type
from contacts.api.listing import PageSize
from contacts.services.event_log import EventLog, Position

_ENVELOPE_BYTES: Final = 200
_MOMENT_BYTES: Final = 6
_PLACE_BYTES: Final = _MOMENT_BYTES + 16
"""When an event was appended, and its id."""


def event_page(
    log: EventLog, account_id: str, kind: str | None, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of events, the oldest first. One that would exceed 5 MB ends earlier.

    `kind`: only events of this type.

    Raises:
        InvalidInput: there is no such type, or the cursor is none of this list's.
    """
    only = logged_type(kind)
    query = fingerprint(account_id, "events", kind)
    after = None if cursor is None else _from_cursor(query, cursor)
    found = log.page(after, only, limit, MAX_ANSWER_BYTES - _ENVELOPE_BYTES)
    next_cursor = _to_cursor(query, found.position)
    return Answer(200, {"data": found.events, "has_more": found.has_more, "next_cursor": next_cursor})


def _to_cursor(query: bytes, position: Position) -> str:
    return sealed(query, position.at_ms.to_bytes(_MOMENT_BYTES) + UUID(position.event_id).bytes)


def _from_cursor(query: bytes, cursor: str) -> Position:
    place = opened(query, cursor, {_PLACE_BYTES})
    moment, event_id = place[:_MOMENT_BYTES], place[_MOMENT_BYTES:]
    return Position(int.from_bytes(moment), str(UUID(bytes=event_id)))
