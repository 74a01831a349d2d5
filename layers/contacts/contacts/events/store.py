"""Events in the table: the event log of an account, and the timelines of its contacts.

The event log has a few shards, each in the order in which events were appended. A timeline lies in
its contact's partition, in the order of the entries' ids, which begin with when the events happened.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, NamedTuple

from contacts.book.model import Outcome
from contacts.book.store import has_name
from contacts.core.errors import Contention, EventTooLarge
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.core.ids import Name
from contacts.core.time import DAY, iso, parsed
from contacts.events.model import (
    ENTERED,
    IN_TIMELINE_DAYS,
    KEPT_DAYS,
    MAX_DATA_BYTES,
    WITHHELD_MS,
    CustomEvent,
    Event,
    EventType,
    TimelineEntry,
)
from contacts.table import keys
from contacts.table.client import LONGEST_BRIEF_CALL, ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, entry_size, item_size
from contacts.table.records import write_recorded


class Position(NamedTuple):
    """A position in the log: after an event; with the default id, before all events appended at that moment."""

    at_ms: int
    event_id: str = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Logged:
    """An item of the log."""

    position: Position
    expires_at: int
    """Seconds since the epoch."""
    event: Event | None
    """None: the item only keeps an event from being put there."""


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

    def of_shard(
        self, shard: int, after: Position, until: Position, at_most: int
    ) -> tuple[list[Logged], Position | None]:
        """Up to `at_most` items of a shard, after a position, and the position to go on from (None: no more).

        One Query, strongly consistent. `until`: the last position to read.

        Raises:
            TemporarilyUnavailable.
        """
        first, last = (
            keys.log_position(self._account, shard, iso(end.at_ms), end.event_id) for end in (after, until)
        )
        return self._between(first, last, at_most)

    def of_day(self, after: Position, until: Position, at_most: int) -> tuple[list[Logged], Position | None]:
        """Up to `at_most` items that an earlier release has put, of the day of a position and after the position.

        As `of_shard`. `until` may lie on a later day.
        """
        first, last = (
            keys.earlier_event(self._account, iso(end.at_ms), end.event_id) for end in (after, until)
        )
        return self._between(first, last, at_most)

    def _between(self, first: keys.Key, last: keys.Key, at_most: int) -> tuple[list[Logged], Position | None]:
        items, further = self._table.query(Expression.of_span(first, last), start=first, limit=at_most)
        return [self._logged(item) for item in items], None if further is None else _position(further)

    def _logged(self, item: Item) -> Logged:
        position = _position(keys.Key.of(item))
        event = event_from(item, self._account, iso(position.at_ms)) if _is_event(item) else None
        return Logged(position, item["ttl"], event)


def _is_event(item: Item | None) -> bool:
    """Whether an item of the log is an event. The others only keep an event from being put there."""
    return item is not None and "type" in item


def event_from(item: Item, account_id: str, appended_at: str) -> Event:
    """The event of an item of the log. After erasure, only its id, type and `is_erased`."""
    return Event(
        id=item["id"],
        type=item["type"],
        timestamp=item.get("timestamp", appended_at),
        account_id=account_id,
        contact_id=item.get("contact_id"),
        data=item.get("data", {}),
        is_erased=item.get("erased", False),
    )


def event_or_none(item: Item | None, account_id: str, appended_at: str) -> Event | None:
    """The event of what lies in a place of the log; None: there is none."""
    return event_from(item, account_id, appended_at) if item is not None and _is_event(item) else None


def _position(key: keys.Key) -> Position:
    appended_at, event_id = keys.event_position(key)
    return Position(parsed(appended_at), event_id)


MAX_EVENT_BYTES: Final = 380 * 1024
"""Bytes of an event's item, which may have 400 KB. A contact has up to 350 KB, and `previous` may add as much."""
PUT_WITHIN_MS: Final = WITHHELD_MS - round(LONGEST_BRIEF_CALL * 1000) - 2000
"""How long after its claim an event may be put (4 s). The call takes up to 4 s, and clocks differ by up to two: all of
that has to be over before the log lists the place."""
SHARDS: Final = keys.LOG_SHARDS
"""Shards of the log."""
_PROOF: Final = "proof"
_PLACE: Final = "place"
_BLOCKED_FOR: Final = DAY
"""Seconds for which an item keeps an event from being put in its place. No dispatcher lives for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPlace:
    """The place of an event in the log, as the event's proof says it. The event may be there, or not yet.

    The proof is the entry in the contact's timeline; of an erasure, the tombstone.
    """

    event: Event
    appended_at: str
    webhook_ids: tuple[str, ...]
    """The webhooks that were subscribed when the event was claimed first."""
    is_new: bool
    """Whether whoever has this claim made it."""
    is_open: bool = False
    """Whether anybody may put the event there. Of other claims, which an earlier release made, only who made it may."""
    is_put: bool = False
    """Whether the event is known to be there."""
    open_since: str | None = None
    """When an earlier event of the contact was claimed that was to be put first; None: there was none.

    Who comes too late for that one moves it behind this place. So it is too late for this one as well.
    """

    @property
    def good_from(self) -> str:
        """The moment from which the time runs in which the event may be put."""
        return self.open_since or self.appended_at

    @property
    def appended(self) -> Appended:
        """Where the event was appended, and for whom."""
        return Appended(self.appended_at, self.webhook_ids)


class EventStore:
    """Writes and reads single events of the log, and the proofs that they are there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def event(self, account_id: str, appended_at: str, event_id: str) -> Event | None:
        """An event of the log; None: there is none, or it was removed after its 30 days.

        One GetItem; another one where the event is missing, because an earlier release may have put it elsewhere.

        Raises:
            TemporarilyUnavailable.
        """
        item = self._table.get(keys.event(account_id, appended_at, event_id))
        if item is None:
            item = self._table.get(keys.earlier_event(account_id, appended_at, event_id))
        return event_or_none(item, account_id, appended_at)

    def events(self, account_id: str, placed: Sequence[tuple[str, str]], now_s: int) -> Iterator[Event]:
        """Events of the log by when they were appended and their ids, in that order, as many as there are.

        BatchGetItem, as many at a time as memory holds; once more for those that an earlier release may have put
        elsewhere.

        Raises:
            TemporarilyUnavailable.
        """
        places = {keys.event(account_id, *place): place for place in placed}
        for turn in self._table.get_in_turns(places):
            missing = [places[key] for key in turn.keys if key not in turn.items]
            elsewhere = {place: keys.earlier_event(account_id, *place) for place in missing}
            earlier = self._table.get_many(elsewhere.values()) if elsewhere else {}
            for key in turn.keys:
                place = places[key]
                item = turn.items.get(key) or earlier.get(elsewhere.get(place, key))
                event = event_or_none(item, account_id, place[0])
                if event is not None and item is not None and item["ttl"] > now_s:
                    yield event

    def claim(
        self, event: Event, appended_at: str, webhook_ids: Sequence[str], open_since: str | None = None
    ) -> ClaimedPlace | None:
        """Write into an event's proof that it is appended at a moment, for webhooks; or return what the proof says.

        None: the proof of an erasure, or an entry that was there before, is gone, and so is the contact. One write.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        place = _place(appended_at, webhook_ids) | ({} if open_since is None else {_SINCE: open_since})
        expression = Expression()
        if event.tells_of_erasure:
            expression.set("event", {"event_id": event.id, **place})
            expression.require(expression.is_there())
            expression.require(expression.equals("event", None))
            step = self._table.update_step(_PROOF, _tombstone_key(event), expression)
        elif event.type in ENTERED:
            for attribute, value in place.items():
                expression.set(attribute, value)
            expression.require(expression.is_there())
            expression.require(expression.equals("appended_at", None))
            step = self._table.update_step(_PROOF, _timeline_key(event), expression)
        else:
            expression.require(expression.is_free())
            entry = {**_entry(event), **place, "ttl": _ttl(appended_at, IN_TIMELINE_DAYS)}
            step = self._table.put_step(_PROOF, _timeline_key(event), entry, expression)
        try:
            self._table.write([step])
        except ConditionsFailed as failed:
            return _claim(event, failed.items[_PROOF], own=place if failed.is_repetition else None)
        return ClaimedPlace(
            event=event,
            appended_at=appended_at,
            webhook_ids=tuple(webhook_ids),
            is_new=True,
            is_open=True,
            open_since=open_since,
        )

    def claimed(self, event: Event) -> ClaimedPlace | None:
        """What an event's proof says; None: nothing. One GetItem."""
        return _claim(event, self._table.get(_proof_key(event)))

    def claims_of(self, events: Sequence[Event]) -> dict[str, ClaimedPlace]:
        """What the proofs of events say, by the events' ids; those that are not claimed are missing.

        One BatchGetItem for a hundred events, strongly consistent. Where several are claimed, another one says of each
        whether it is in its place.

        Raises:
            TemporarilyUnavailable.
        """
        proofs = self._table.get_many(map(_proof_key, events))
        found = [claim for event in events if (claim := _claim(event, proofs.get(_proof_key(event))))]
        if len(found) > 1:
            places = self._table.get_many(map(_event_key, found))
            found = [
                replace(claim, is_put=claim.is_put or _is_event(places.get(_event_key(claim))))
                for claim in found
            ]
        return {claim.event.id: claim for claim in found}

    def move(self, claim: ClaimedPlace, appended_at: str) -> ClaimedPlace:
        """Claim another place for an event that is not in the log. Nobody can put it at the former place any more.

        Two writes; one of a claim that only who made it may use.

        Raises:
            Contention: the event is there after all, or another run has moved it, or the contact is erased.
            TemporarilyUnavailable.
        """
        if claim.is_open or not claim.is_new:
            self._block(claim)
        expression = Expression()
        path = ("event",) if claim.event.tells_of_erasure else ()
        for attribute in ("appended_at", _OPEN):
            expression.set((*path, attribute), appended_at)
        if claim.open_since is not None:
            expression.remove(*path, _SINCE)
        expression.require(f"{expression.name(*path, 'appended_at')} = {expression.value(claim.appended_at)}")
        try:
            self._table.write([self._table.update_step(_PROOF, _proof_key(claim.event), expression)])
        except ConditionsFailed:
            raise Contention from None
        return replace(claim, appended_at=appended_at, is_new=True, is_open=True, open_since=None)

    def _block(self, claim: ClaimedPlace) -> None:
        """Put an item that is no event in an event's place, unless there is one.

        Raises:
            Contention: the event is there.
        """
        expression = Expression()
        expression.require(expression.is_free())
        step = self._table.put_step(_PLACE, _event_key(claim), blocking_item(claim.appended_at), expression)
        try:
            self._table.write([step])
        except ConditionsFailed as failed:
            if _is_event(failed.items[_PLACE]):
                raise Contention from None

    def is_appended(self, claim: ClaimedPlace) -> bool:
        """Whether the event is in its place, or was, before its data was erased. One GetItem, strongly consistent."""
        return claim.is_put or _is_event(self._table.get(_event_key(claim)))

    def append(self, claim: ClaimedPlace) -> None:
        """Put an event in its place. If it is there already, nothing is written. One PutItem.

        Raises:
            Contention: nothing may be put there any more, because the event was moved, or its contact erased.
            TemporarilyUnavailable: the event may be there, or come.
        """
        expression = Expression()
        expression.require(expression.is_free())
        item = _event_item(claim.event, claim.appended_at)
        try:
            self._table.write([self._table.put_step(_PLACE, _event_key(claim), item, expression)])
        except ConditionsFailed as failed:
            if not _is_event(failed.items[_PLACE]):
                raise Contention from None

    def drop(self, claim: ClaimedPlace) -> None:
        """Remove the timeline entry of an event that is not in the log: its contact is erased.

        One PutItem, so that nobody puts the event there later, and one DeleteItem. An entry that leads to an event
        stays for the eraser, and so does one that another run has moved: it may have put the event there before the
        erasure.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        if claim.is_put:
            return
        if claim.is_open or not claim.is_new:
            try:
                self._block(claim)
            except Contention:
                return
        expression = Expression()
        expression.require(expression.equals("appended_at", claim.appended_at))
        with suppress(ConditionsFailed):
            self._table.write([self._table.delete_step(_PROOF, _timeline_key(claim.event), expression)])

    def erased_of(self, events: Iterable[Event]) -> frozenset[tuple[str, str]]:
        """The account's and the contact's id of each contact of the events that is erased.

        One BatchGetItem for a hundred contacts, strongly consistent: a read unit for each.

        Raises:
            TemporarilyUnavailable.
        """
        tombstones = {_tombstone_key(event) for event in events}
        return frozenset(map(keys.owner, self._table.get_many(tombstones)))


def blocking_item(appended_at: str) -> dict[str, object]:
    """An item for a place of the log that keeps an event from being put there: it is no event itself."""
    return {"erased": True, "ttl": parsed(appended_at) // 1000 + _BLOCKED_FOR}


def _entry(event: Event) -> dict[str, object]:
    """What the timeline says of a change."""
    return {
        "type": event.type,
        "timestamp": event.timestamp,
        "version": _version(event),
        "changed": event.data.get("changed"),
        "merged_id": event.data.get("merged_id"),
    }


_OPEN: Final = "open_at"
"""The attribute of a proof by which a claim is open: while it equals `appended_at`. A release that keeps its claims to
itself does not set it, and moves `appended_at` alone."""
_SINCE: Final = "open_since"
"""The attribute of a proof that holds `ClaimedPlace.open_since`."""


def _place(appended_at: str, webhook_ids: Sequence[str]) -> dict[str, object]:
    """What a proof says. Without `shards`, an earlier release has written it together with the event."""
    webhooks = list(webhook_ids)
    return {"appended_at": appended_at, "webhooks": webhooks, "shards": keys.LOG_SHARDS, _OPEN: appended_at}


def _claim(event: Event, proof: Item | None, own: Mapping[str, object] | None = None) -> ClaimedPlace | None:
    """What a proof says; None: nothing. `own`: the place that this very call may have written."""
    place = (proof or {}).get("event") if event.tells_of_erasure else proof
    if place is None or "appended_at" not in place:
        return None
    is_new = own is not None and place["appended_at"] == own["appended_at"]
    return ClaimedPlace(
        event=event,
        appended_at=place["appended_at"],
        webhook_ids=tuple(place["webhooks"]),
        is_new=is_new,
        is_open=place.get(_OPEN) == place["appended_at"],
        is_put="shards" not in place,
        open_since=place.get(_SINCE),
    )


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


def _event_key(claim: ClaimedPlace) -> keys.Key:
    return keys.event(claim.event.account_id, claim.appended_at, claim.event.id)


def _proof_key(event: Event) -> keys.Key:
    return _tombstone_key(event) if event.tells_of_erasure else _timeline_key(event)


def _tombstone_key(event: Event) -> keys.Key:
    assert event.contact_id is not None, "a tombstone is a contact's"
    return keys.tombstone(event.account_id, event.contact_id)


def _version(event: Event) -> object:
    contact = event.data["contact"]
    assert isinstance(contact, Mapping)
    return contact["version"]


def _ttl(appended_at: str, days: int) -> int:
    return parsed(appended_at) // 1000 + days * DAY


_CONTACT: Final = "contact"
_ENTRY: Final = "timeline entry"
LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""The greatest id."""


_PAGES_OF_ENTRIES: Final = 5
"""Pages of a query (1 MB each) that are read at most of a contact's timeline when all of it is asked for."""


class PlacedEntry(NamedTuple):
    """An entry of a timeline, and where its event is."""

    entry: TimelineEntry
    happened_ms: int
    """When the event was recorded, in ms since the epoch. Ids of deliveries begin with it."""
    appended_at: str | None
    """When it was appended, which is part of its key in the log; None: it is not in the log."""
    webhook_ids: tuple[str, ...]
    """The webhooks that it was or will be delivered to."""

    @property
    def id(self) -> str:
        """The event's id."""
        return self.entry.id


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
        found, down_to = self._placed(contact_ids, kind, after_id, now_s, at_most=at_most, evaluate=evaluate)
        return [one.entry for one in found], down_to

    def placed_newest_first(
        self, contact_ids: Sequence[str], now_s: int, *, at_most: int, after_id: str | None = None
    ) -> tuple[list[PlacedEntry], str | None]:
        """Up to `at_most` entries of all the contacts, the newest first, and the id to go on after (None: none).

        As `newest_first`, of all types, with where their events are.

        Raises:
            TemporarilyUnavailable.
        """
        return self._placed(
            contact_ids, None, after_id, now_s, at_most=at_most, evaluate=_PAGES_OF_ENTRIES * at_most
        )

    def _placed(
        self,
        contact_ids: Sequence[str],
        kind: EventType | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[PlacedEntry], str | None]:
        found: list[PlacedEntry] = []
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
    ) -> tuple[list[PlacedEntry], str | None]:
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
        entries = [_placed_from(item) for item in items]
        return entries, None if further is None else keys.timeline_event_id(further)


def _placed_from(item: Item) -> PlacedEntry:
    return PlacedEntry(
        entry=_entry_from(item),
        happened_ms=parsed(item["timestamp"]),
        appended_at=item.get("appended_at"),
        webhook_ids=tuple(item.get("webhooks", ())),
    )


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
