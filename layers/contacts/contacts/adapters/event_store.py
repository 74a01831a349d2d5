"""The event logs of accounts in the table, and the timelines of their contacts.

The log is in the order in which events were appended, a partition for each day. An event's place in it is when it was
appended and its id; its contact's timeline (for an erasure: its tombstone) remembers the place, and that it is taken.
A custom event is in the timeline before it is in the log: of that the place itself is the proof.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item, item_size
from contacts.adapters.event_source import event_from
from contacts.adapters.expressions import Expression
from contacts.adapters.table import ConditionsFailed, Step, Table
from contacts.domain.events import IN_TIMELINE_DAYS, KEPT_DAYS, Event
from contacts.domain.timestamps import DAY, parsed
from contacts.services.webhook_dispatch import Appended

MAX_EVENT_BYTES: Final = 380 * 1024
"""Of an event's item, which may have 400 KB: a contact has at most 350, but `previous` may hold as much again."""
_TIMELINE: Final = "timeline entry"
_TOMBSTONE: Final = "tombstone"


class DynamoEventStore:
    """`services.webhook_dispatch.EventSink` on the table, and single events by their place in the log."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def event(self, account_id: str, appended_at: str, event_id: str) -> Event | None:
        """One GetItem; None where nothing was ever there, or its 30 days are over and DynamoDB has removed it."""
        item = self._table.get(keys.event(account_id, appended_at, event_id))
        return None if item is None else event_from(item, account_id, appended_at)

    def append(self, event: Event, appended_at: str, webhook_ids: Sequence[str]) -> Appended | None:
        """One transaction: the event, its timeline entry, and a look whether the person has been erased."""
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
        """One transaction: the event, and its place on the tombstone."""
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
        """One transaction: the event, its place on its timeline entry, a look whether the person has been erased."""
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
        """One GetItem of its timeline entry, and one of the tombstone."""
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
    """Where and for whom an event was appended before, as its timeline or tombstone remembers."""
    assert place is not None, "it stood in the way, so it is there"
    return Appended(place["appended_at"], tuple(place["webhooks"]))


def _ttl(appended_at: str, days: int) -> int:
    return parsed(appended_at) // 1000 + days * DAY
