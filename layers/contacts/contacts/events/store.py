"""Events in the table: the event log of an account, and the timelines of its contacts.

The event log has a partition for each day, in the order in which events were appended. A timeline lies in
its contact's partition, in the order of the entries' ids, which begin with when the events happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple

from contacts.book.model import Outcome
from contacts.book.store import has_name
from contacts.core.errors import EventTooLarge
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.core.ids import Name
from contacts.core.time import DAY, iso, parsed
from contacts.events.model import (
    IN_TIMELINE_DAYS,
    KEPT_DAYS,
    MAX_DATA_BYTES,
    CustomEvent,
    Event,
    EventType,
    TimelineEntry,
)
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step, entry_size, item_size
from contacts.table.records import write_recorded


class Position(NamedTuple):
    """A position in the log: after an event; with the default id, before all events appended at that moment."""

    at_ms: int
    event_id: str = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in the log."""

    position: Position
    expires_at: int
    """Seconds since the epoch."""
    event: Event


@dataclass(frozen=True, slots=True)
class Appended:
    """When an event was first appended to the log, and the webhooks that were subscribed to it then."""

    appended_at: str
    webhook_ids: tuple[str, ...]


class EventSource:
    """Reads the event log of one account."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def of_day(self, after: Position, until: Position, at_most: int) -> tuple[list[Logged], Position | None]:
        """Up to `at_most` events of one day, after a position, and the position to go on from (None: the day is read).

        One Query. `until`: the last position to read, which may lie on a later day.

        Raises:
            TemporarilyUnavailable.
        """
        first, last = self._key(after), self._key(until)
        items, further = self._table.query(Expression.of_span(first, last), start=first, limit=at_most)
        return [self._logged(item) for item in items], None if further is None else _position(further)

    def _key(self, position: Position) -> keys.Key:
        return keys.event(self._account, iso(position.at_ms), position.event_id)

    def _logged(self, item: Item) -> Logged:
        position = _position(keys.Key.of(item))
        return Logged(position, item["ttl"], event_from(item, self._account, iso(position.at_ms)))


def event_from(item: Item, account_id: str, appended_at: str) -> Event:
    """The event of an item of the log. After erasure, only its id, type and `is_erased`."""
    return Event(
        id=item["id"],
        type=EventType(item["type"]),
        timestamp=item.get("timestamp", appended_at),
        account_id=account_id,
        contact_id=item.get("contact_id"),
        data=item.get("data", {}),
        is_erased=item.get("erased", False),
    )


def _position(key: keys.Key) -> Position:
    appended_at, event_id = keys.event_position(key)
    return Position(parsed(appended_at), event_id)


MAX_EVENT_BYTES: Final = 380 * 1024
"""Bytes of an event's item, which may have 400 KB. A contact has up to 350 KB, and `previous` may add as much."""
_TIMELINE: Final = "timeline entry"
_TOMBSTONE: Final = "tombstone"


class EventStore:
    """Appends events to the log and to timelines, and reads single events of the log."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def event(self, account_id: str, appended_at: str, event_id: str) -> Event | None:
        """An event of the log; None: there is none, or it was removed after its 30 days. One GetItem.

        Raises:
            TemporarilyUnavailable.
        """
        item = self._table.get(keys.event(account_id, appended_at, event_id))
        return None if item is None else event_from(item, account_id, appended_at)

    def append(self, event: Event, appended_at: str, webhook_ids: Sequence[str]) -> Appended | None:
        """Append an event to the log and to its contact's timeline. Returns where it was appended first.

        None: the contact is erased, so nothing was written. One transaction that also checks the tombstone.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        entry: dict[str, object] = {
            "type": event.type,
            "timestamp": event.timestamp,
            "version": _version(event),
            "changed": event.data.get("changed"),
            "merged_id": event.data.get("merged_id"),
            "appended_at": appended_at,
            "webhooks": list(webhook_ids),
            "ttl": _ttl(appended_at, IN_TIMELINE_DAYS),
        }
        is_first, nobody_erased = Expression(), Expression()
        is_first.require(is_first.is_free())
        nobody_erased.require(nobody_erased.is_free())
        try:
            self._table.write(
                [
                    self._table.put_step(_TIMELINE, _timeline_key(event), entry, is_first),
                    self._log_step(event, appended_at),
                    self._table.check_step(_TOMBSTONE, _tombstone_key(event), nobody_erased),
                ]
            )
        except ConditionsFailed as failed:
            if _TOMBSTONE in failed.items:
                return None
            return _appended(failed.items[_TIMELINE])
        return Appended(appended_at, tuple(webhook_ids))

    def append_last(self, event: Event, appended_at: str, webhook_ids: Sequence[str]) -> Appended | None:
        """Append the event of an erasure to the log. Returns where it was appended first; None: no tombstone is left.

        One transaction that also writes onto the tombstone where the event was appended.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        place = {"event_id": event.id, "appended_at": appended_at, "webhooks": list(webhook_ids)}
        expression = Expression()
        expression.set("event", place)
        expression.require(expression.is_there())
        expression.require(expression.equals("event", None))
        try:
            self._table.write(
                [
                    self._log_step(event, appended_at),
                    self._table.update_step(_TOMBSTONE, _tombstone_key(event), expression),
                ]
            )
        except ConditionsFailed as failed:
            existing = failed.items[_TOMBSTONE]
            return None if existing is None else _appended(existing["event"])
        return Appended(appended_at, tuple(webhook_ids))

    def append_recorded(self, event: Event, appended_at: str, webhook_ids: Sequence[str]) -> Appended | None:
        """Append a custom event, which is in the timeline, to the log. Returns where it was appended first.

        None: the contact is erased, so nothing was written. One transaction that also writes onto the timeline entry
        where the event was appended, and checks the tombstone.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        place, nobody_erased = Expression(), Expression()
        place.set("appended_at", appended_at)
        place.set("webhooks", list(webhook_ids))
        place.require(place.is_there())
        place.require(place.equals("appended_at", None))
        nobody_erased.require(nobody_erased.is_free())
        try:
            self._table.write(
                [
                    self._table.update_step(_TIMELINE, _timeline_key(event), place),
                    self._log_step(event, appended_at),
                    self._table.check_step(_TOMBSTONE, _tombstone_key(event), nobody_erased),
                ]
            )
        except ConditionsFailed as failed:
            existing = failed.items.get(_TIMELINE)
            return None if _TOMBSTONE in failed.items or existing is None else _appended(existing)
        return Appended(appended_at, tuple(webhook_ids))

    def appended(self, event: Event) -> Appended | None:
        """Where an event was appended; None: it was not, or its contact is erased. Two GetItems at most.

        Raises:
            TemporarilyUnavailable.
        """
        entry = self._table.get(_timeline_key(event))
        if entry is None or "appended_at" not in entry or self._table.get(_tombstone_key(event)) is not None:
            return None
        return _appended(entry)

    def _log_step(self, event: Event, appended_at: str) -> Step:
        key = keys.event(event.account_id, appended_at, event.id)
        return self._table.put_step("event", key, _event_item(event, appended_at))


def _event_item(event: Event, appended_at: str) -> Mapping[str, object]:
    item: dict[str, object] = {
        "id": event.id,
        "type": event.type,
        "timestamp": event.timestamp,
        "contact_id": event.contact_id,
        "data": event.data,
        "ttl": _ttl(appended_at, KEPT_DAYS),
    }
    if item_size(item) > MAX_EVENT_BYTES:
        item["data"] = {key: value for key, value in event.data.items() if key != "previous"}
    return item


def _timeline_key(event: Event) -> keys.Key:
    assert event.contact_id is not None, "a timeline is a contact's"
    return keys.timeline_entry(event.account_id, event.contact_id, event.id)


def _tombstone_key(event: Event) -> keys.Key:
    assert event.contact_id is not None, "a tombstone is a contact's"
    return keys.tombstone(event.account_id, event.contact_id)


def _version(event: Event) -> object:
    contact = event.data["contact"]
    assert isinstance(contact, Mapping)
    return contact["version"]


def _appended(place: Item | None) -> Appended:
    """Where an event was appended, from its timeline entry or from the `event` of a tombstone."""
    assert place is not None, "the condition failed for this item, so it is there"
    return Appended(place["appended_at"], tuple(place["webhooks"]))


def _ttl(appended_at: str, days: int) -> int:
    return parsed(appended_at) // 1000 + days * DAY


_CONTACT: Final = "contact"
_ENTRY: Final = "timeline entry"
LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""The greatest id."""


class TimelineStore:
    """The timelines of one account's contacts."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def record(
        self,
        contact_id: str,
        named: Name | None,
        event: CustomEvent,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> None:
        """Write a custom event into a contact's timeline. One transaction that also checks the contact.

        `named`: a name that the contact must still have. The entry is kept for 90 days after `at_ms`, whenever the
        event happened: erasure finds the event in the log through the entry.

        Raises:
            EventTooLarge.
            ConcurrentModification: the contact is no longer live, or no longer has the name.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        size = entry_size("data", event.data)
        if size > MAX_DATA_BYTES:
            raise EventTooLarge(size, MAX_DATA_BYTES)
        is_first, lives = Expression(), Expression()
        is_first.require(is_first.is_free())
        lives.require(lives.is_there())
        if named is not None:
            lives.require(has_name(lives, named))
        entry = {
            "type": EventType.CUSTOM,
            "timestamp": event.recorded_at,
            "occurred_at": event.occurred_at,
            "name": event.name,
            "data": event.data,
            "ttl": at_ms // 1000 + IN_TIMELINE_DAYS * DAY,
        }
        key = keys.timeline_entry(self._account, contact_id, event.id)
        steps = [
            self._table.put_step(_ENTRY, key, entry, is_first),
            self._table.check_step(_CONTACT, keys.contact(self._account, contact_id), lives),
        ]
        try:
            write_recorded(self._table, steps, self._account, idempotency_key, outcome, contact_id, at_ms)
        except ConditionsFailed as failed:
            if _CONTACT in failed.items:
                raise ConcurrentModification from None
            raise

    def newest_first(
        self,
        contact_ids: Sequence[str],
        kind: EventType | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """Up to `at_most` entries of all the contacts, the newest first, and the id to go on after (None: none).

        Queries one contact after the other, each only back to where the page is known to end. A contact that was
        merged away rarely has entries that new, so it mostly costs one call and one read unit.

        Raises:
            TemporarilyUnavailable.
        """
        found: list[TimelineEntry] = []
        down_to: str | None = None
        for contact_id in contact_ids:
            more, further = self._newest_of(
                *(contact_id, kind, after_id, down_to, now_s), at_most=at_most, evaluate=evaluate
            )
            # Entries that are older than what was read of every contact belong to the next page.
            down_to = max(filter(None, (down_to, further)), default=None)
            found = sorted((*found, *more), key=attrgetter("id"), reverse=True)
            found = [entry for entry in found if down_to is None or entry.id >= down_to]
            if len(found) > at_most:
                found = found[:at_most]
                down_to = found[-1].id
        return found, down_to

    def _newest_of(
        self,
        contact_id: str,
        kind: EventType | None,
        after_id: str | None,
        down_to: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """The entries of one contact, the newest first: ids begin with the time.

        `down_to`: the id of the oldest entry to read.
        """
        if down_to is None:
            expression = Expression.of_beginning(keys.timeline_entry(self._account, contact_id, ""))
        else:
            expression = Expression.of_span(
                *(keys.timeline_entry(self._account, contact_id, end) for end in (down_to, LAST_ID))
            )
        expression.keep(f"{expression.name('ttl')} > {expression.value(now_s)}")
        if kind is not None:
            expression.keep(expression.equals("type", kind))
        start = None if after_id is None else keys.timeline_entry(self._account, contact_id, after_id)
        items, further = self._table.newest_of(
            expression, start, at_most=at_most, evaluate=evaluate, are_few=kind is not None
        )
        entries = [_entry_from(item) for item in items]
        return entries, None if further is None else keys.timeline_event_id(further)


def _entry_from(item: Item) -> TimelineEntry:
    event_id = keys.timeline_event_id(keys.Key.of(item))
    assert event_id is not None, "only entries of timelines were asked for"
    return TimelineEntry(
        id=event_id,
        type=item["type"],
        timestamp=item.get("occurred_at") or item["timestamp"],
        name=item.get("name"),
        data=item.get("data"),
        changed=item.get("changed"),
        merged_id=item.get("merged_id"),
    )
