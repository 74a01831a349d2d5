"""The event log of an account, in pages, for those who would rather ask than be called."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from contacts.events.store import EventSource, Position, TimelineStore

MAX_EVENTS_READ: Final = 1000
"""How many events one request looks at; then it answers what it has, and where to go on."""
MAX_READS: Final = 50
"""How often it reads, which is at least once for each of the last 30 days: a read ends after 1 MB, too."""
MAX_FULL_READS: Final = 8
"""How many of these may end after 1 MB."""
_DAY_MS: Final = DAY * 1000


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events as they are shown, and the position to go on from: at once, or later when that was all."""

    events: list[EventOut | ErasedEventOut]
    position: Position
    has_more: bool


class EventLog:
    """The log of one account: the last 30 days, but for the newest 10 seconds."""

    def __init__(self, source: EventSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock

    def page(self, after: Position | None, kind: EventType | None, limit: int, max_bytes: int) -> EventPage:
        """The next up to `limit` events in the order in which they were appended, the oldest first.

        `after`: where to go on, None from the beginning; `kind`: only events of this type; `max_bytes`: of the page
        as JSON, though one event always fits. Where nothing is left, the position is the end of what can be told by
        now: who asks again from there reads no more than what has come since.

        Raises:
            TemporarilyUnavailable.
        """
        now_ms = self._clock.now_ms()
        end = Position(now_ms - WITHHELD_MS)
        # Where another machine's clock is ahead of this one's, the walk may be past the end already.
        position = max(after or Position(0), Position(now_ms - KEPT_DAYS * _DAY_MS))
        shown: list[EventOut | ErasedEventOut] = []
        left, full = MAX_EVENTS_READ, 0
        for _ in range(MAX_READS):
            if position >= end or not left or full >= MAX_FULL_READS:
                break
            # One more than wanted, so that the last page is known to be it. Of one type there may be few.
            wanted = (limit + 1 - len(shown)) * (1 if kind is None else 4)
            found, further = self._source.of_day(position, end, min(left, wanted))
            full += further is not None and len(found) < min(left, wanted)
            left -= len(found)
            for logged in found:
                if logged.expires_at > now_ms // 1000 and kind in (None, logged.event.type):
                    payload = event_out(logged.event)
                    max_bytes -= len(to_json(payload).encode()) + 1
                    if len(shown) == limit or (max_bytes < 0 and shown):
                        return EventPage(shown, position, has_more=True)
                    shown.append(payload)
                position = logged.position
            position = further or min(end, Position((position.at_ms // _DAY_MS + 1) * _DAY_MS))
        return EventPage(shown, position, has_more=position < end)


MAX_ENTRIES_READ: Final = 1000
"""How many entries one request looks at; then it answers what it has, with a cursor."""


class Timeline:
    """The timelines of one account's contacts, as its callers see them."""

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
        """Record what a contact did, now or at `occurred_ms` (since the epoch).

        Raises:
            InvalidInput: it is to have happened in the future, or longer ago than timelines go back.
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

        They are of the contact and of all that were merged into it.

        Raises:
            TemporarilyUnavailable.
        """
        now_s = self._clock.now_ms() // 1000
        contact_ids = (contact.id, *contact.merged_ids)
        return self._entries.newest_first(
            *(contact_ids, kind, after_id, now_s), at_most=limit, evaluate=MAX_ENTRIES_READ
        )


def _named(ref: Ref, contact: Contact) -> Name | None:
    """The name by which a ref led to a contact; None where its id did.

    Raises:
        Moved: it has none of those that the ref may mean.
    """
    if possible_id(ref) == contact.id:
        return None
    for name in possible_names(ref):
        if name in contact.names:
            return name
    raise ConcurrentModification
