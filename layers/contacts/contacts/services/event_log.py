"""The event log of an account, in pages, for those who would rather ask than be called."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from contacts.domain.events import KEPT_DAYS, WITHHELD_MS, Event, EventType
from contacts.domain.json_text import to_json
from contacts.domain.timestamps import DAY
from contacts.services.ports import Clock

MAX_CANDIDATES: Final = 1000
"""How many events one request looks at; then it answers what it has, and where to go on."""
MAX_READS: Final = 50
"""How often it reads, which is at least once for each of the last 30 days: a read ends after 1 MB, too."""
MAX_FULL_READS: Final = 8
"""How many of these may end after 1 MB."""
_DAY_MS: Final = DAY * 1000


class Position(NamedTuple):
    """A place in the log: right after an event, or else before all that is appended at that moment."""

    at_ms: int
    event_id: str = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in the log."""

    position: Position
    expires_at: int
    """Seconds since the epoch."""
    event: Event


class EventSource(Protocol):
    """The event log of one account."""

    def of_day(
        self, after: Position, until: Position, at_most: int
    ) -> tuple[Sequence[Logged], Position | None]:
        """Up to `at_most` events of the day that `after` lies in, in their order, as of the latest write.

        The second value is the position to go on from; None when the day has no more before `until`.

        Raises:
            TemporarilyUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events as they are shown, and the position to go on from: at once, or later when that was all."""

    events: list[dict[str, Any]]
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
        shown: list[dict[str, Any]] = []
        left, full = MAX_CANDIDATES, 0
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
                    payload = logged.event.payload()
                    max_bytes -= len(to_json(payload).encode()) + 1
                    if len(shown) == limit or (max_bytes < 0 and shown):
                        return EventPage(shown, position, has_more=True)
                    shown.append(payload)
                position = logged.position
            position = further or min(end, Position((position.at_ms // _DAY_MS + 1) * _DAY_MS))
        return EventPage(shown, position, has_more=position < end)
