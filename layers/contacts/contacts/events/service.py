"""What callers do with events: read the account's event log, read a contact's timeline, record a custom event."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from typing import Final

from contacts.book.model import Action, Contact, Outcome
from contacts.book.service import ContactBook
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey, run_idempotent
from contacts.core.ids import Name, Randomness, Ref, possible_id, possible_names
from contacts.core.json import to_json
from contacts.core.time import DAY, Clock
from contacts.events.model import (
    KEPT_DAYS,
    WITHHELD_MS,
    ErasedEventOut,
    EventOut,
    EventType,
    TimelineEntry,
    custom_event,
    entry_of,
    event_out,
    timeline_entry_out,
)
from contacts.events.store import SHARDS, EventSource, Logged, Position, TimelineStore

MAX_EVENTS_READ: Final = 1000
"""Events that one request reads at most. Then the page ends, with a position to go on from."""
MAX_READS: Final = 60
"""Queries of one request: one for each shard, one for each of the last 30 days (what an earlier release has appended),
and some more: a query also ends after 1 MB.
"""
MAX_FULL_READS: Final = 8
"""Queries of one request that end after 1 MB."""
_DAY_MS: Final = DAY * 1000
_MORE_OF_A_SHARD: Final = 3
"""Events that are read of a shard besides its share of a page: the shards are not equally long."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in their response form, and the position to go on from: at once if `has_more`, else later."""

    events: list[EventOut | ErasedEventOut]
    position: Position
    has_more: bool


class EventLog:
    """The event log of one account: the last 30 days without the last 10 seconds."""

    def __init__(self, source: EventSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def page(self, after: Position | None, kind: EventType | None, limit: int, max_bytes: int) -> EventPage:
        """The next up to `limit` events in the order in which they were appended, the oldest first.

        `after`: where to go on; None: at the beginning. `kind`: only events of this type. `max_bytes`: of the page as
        JSON; a page has at least one event, whatever its size. If no event is left, the page's position is the end of
        what is listed by now, so a request from there reads newer events only.

        Raises:
            TemporarilyUnavailable.
        """
        now_ms = self._clock.now_ms()
        end = Position(now_ms - WITHHELD_MS)
        # The position may be past the end, if it comes from a machine whose clock is ahead.
        position = max(after or Position(0), Position(now_ms - KEPT_DAYS * _DAY_MS))
        if position >= end:
            return EventPage([], position, has_more=False)
        shown: list[EventOut | ErasedEventOut] = []
        # One more than the limit tells whether this page is the last. Of one type there may be few.
        reading = _Reading(self._source, end, (limit + 1) * (1 if kind is None else 4))
        try:
            for logged in reading.after(position):
                event = logged.event
                if event is not None and logged.expires_at > now_ms // 1000 and kind in (None, event.type):
                    payload = event_out(event)
                    max_bytes -= len(to_json(payload).encode()) + 1
                    if len(shown) == limit or (max_bytes < 0 and shown):
                        return EventPage(shown, position, has_more=True)
                    shown.append(payload)
                position = logged.position
        except _EnoughRead:
            return EventPage(shown, position, has_more=True)
        return EventPage(shown, end, has_more=False)


class _EnoughRead(Exception):
    """Raised where one request would read more than it may."""


_Read = Callable[[Position, int], tuple[list[Logged], Position | None]]
"""Reads up to so many items after a position. Returns them and the position to go on from (None: no more)."""


class _Reading:
    """Reads the log of one account up to a position, and no more of it than one request may."""

    def __init__(self, source: EventSource, end: Position, wanted: int) -> None:
        self._source = source
        self._end = end
        self._of_a_shard = -(-wanted // SHARDS) + _MORE_OF_A_SHARD
        self._events, self._reads, self._full = MAX_EVENTS_READ, MAX_READS, MAX_FULL_READS

    def after(self, position: Position) -> Iterator[Logged]:
        """Every item of the log after a position, in the order of their positions.

        Each shard is in that order, and has more items read as soon as the one before is used up.

        Raises:
            _EnoughRead, TemporarilyUnavailable.
        """
        shards = (self._of_shard(shard, position) for shard in range(SHARDS))
        return merge(*shards, self._of_earlier_days(position), key=attrgetter("position"))

    def _of_shard(self, shard: int, position: Position) -> Iterator[Logged]:
        def read(after: Position, at_most: int) -> tuple[list[Logged], Position | None]:
            return self._source.of_shard(shard, after, self._end, at_most)

        return self._all(read, position)

    def _of_earlier_days(self, position: Position) -> Iterator[Logged]:
        """What an earlier release has appended. It has a partition for each day."""

        def read(after: Position, at_most: int) -> tuple[list[Logged], Position | None]:
            return self._source.of_day(after, self._end, at_most)

        while position < self._end:
            yield from self._all(read, position)
            position = Position((position.at_ms // _DAY_MS + 1) * _DAY_MS)

    def _all(self, read: _Read, position: Position | None) -> Iterator[Logged]:
        while position is not None:
            at_most = min(self._of_a_shard, self._events)
            if not at_most or not self._reads or not self._full:
                raise _EnoughRead
            found, position = read(position, at_most)
            self._events -= len(found)
            self._reads -= 1
            self._full -= position is not None and len(found) < at_most
            yield from found


MAX_ENTRIES_READ: Final = 1000
"""Entries that one request reads at most. Then the page ends, with a cursor."""


class Timeline:
    """The timelines of one account's contacts."""

    def __init__(
        self, contacts: ContactBook, entries: TimelineStore, clock: Clock, randomness: Randomness
    ) -> None:
        self._contacts = contacts
        self._entries = entries
        self._clock = clock
        self._randomness = randomness

    def record(
        self,
        ref: Ref,
        name: str,
        data: Mapping[str, object],
        occurred_ms: int | None,
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Record a custom event of a contact, which happened at `occurred_ms` (ms since the epoch; None: now).

        Raises:
            InvalidInput: `occurred_ms` is in the future, or more than 90 days ago.
            ContactNotFound, EventTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now_ms = self._clock.now_ms()
        event = custom_event(name, data, occurred_ms, now_ms, self._randomness(10))
        outcome = Outcome(action=Action.RECORDED, details=timeline_entry_out(entry_of(event)))

        def attempt() -> Outcome:
            contact = self._contacts.get(ref)
            self._entries.record(contact.id, _named(ref, contact), event, outcome, idempotency_key, now_ms)
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def contact(self, ref: Ref) -> Contact:
        """The live contact that a ref names.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        return self._contacts.get(ref)

    def page(
        self, contact: Contact, kind: EventType | None, after_id: str | None, limit: int
    ) -> tuple[list[TimelineEntry], str | None]:
        """The next up to `limit` entries, the newest first, and the id to go on after.

        Includes the entries of all contacts that were merged into this one. `kind`: only entries of this type.

        Raises:
            TemporarilyUnavailable.
        """
        now_s = self._clock.now_ms() // 1000
        contact_ids = (contact.id, *contact.merged_ids)
        return self._entries.newest_first(
            *(contact_ids, kind, after_id, now_s), at_most=limit, evaluate=MAX_ENTRIES_READ
        )


def _named(ref: Ref, contact: Contact) -> Name | None:
    """The name by which a ref led to a contact; None: its id did.

    Raises:
        ConcurrentModification: the contact no longer has a name that the ref may mean.
    """
    if possible_id(ref) == contact.id:
        return None
    for name in possible_names(ref):
        if name in contact.names:
            return name
    raise ConcurrentModification
