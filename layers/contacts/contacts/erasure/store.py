"""Finds and removes what is stored about a contact: items in its partition (traces), and items that they lead to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contacts.book.model import Action, merged_tombstone_item, tombstone_item
from contacts.core.errors import Contention
from contacts.core.time import DAY
from contacts.events.store import blocking_item
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.webhooks.model import DELIVERIES_KEPT_DAYS, DeliveryRef, DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedEvent:
    """An event in a contact's timeline."""

    id: str
    type: str
    timestamp: str
    appended_at: str
    """When it was appended, which is part of its key in the log."""
    webhook_ids: tuple[str, ...]
    """The webhooks that it was or will be delivered to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedRequest:
    """A request about a contact that has an Idempotency-Key record."""

    digest: str
    """The SHA-256 of its key (hex)."""
    expires_at: int
    """Seconds since the epoch. A record with another `ttl` belongs to a later request with the same key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An item in a contact's partition, with what it leads to."""

    key: keys.Key
    request: TracedRequest | None = None
    event: TracedEvent | None = None
    is_unappended: bool = False
    """Whether it is the timeline entry of a custom event that is not in the log yet."""
    has_content: bool = False
    """Whether it is a timeline entry that holds what the account said of the person."""


_STEP: Final = "trace"
_CONTENT: Final = ("name", "data", "occurred_at")
"""What the entry of a custom event holds of what the account said of the person."""


class TraceStore:
    """The traces of all accounts' contacts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def bury(
        self, account_id: str, contact_id: str, version: int, at_ms: int, merged_ids: Sequence[str]
    ) -> bool:
        """Write a contact's tombstone, unless there is one. Returns whether there was none. One PutItem."""
        return self._bury(account_id, contact_id, tombstone_item(version, at_ms, merged_ids))

    def bury_merged(self, account_id: str, contact_id: str, winner_id: str, at_ms: int) -> bool:
        """Write the tombstone of a contact that had been merged into `winner_id`, unless there is one. One PutItem."""
        return self._bury(account_id, contact_id, merged_tombstone_item(winner_id, at_ms))

    def _bury(self, account_id: str, contact_id: str, tombstone: Mapping[str, object]) -> bool:
        expression = Expression()
        expression.require(expression.is_free())
        key = keys.tombstone(account_id, contact_id)
        return self._write_if(self._table.put_step(_STEP, key, tombstone, expression))

    def traces(
        self, account_id: str, contact_id: str, start: keys.Key | None
    ) -> tuple[list[Trace], keys.Key | None]:
        """A page of a contact's traces, and where the next one starts (None: no more). A tombstone is no trace.

        One Query, strongly consistent, of at most 1 MB.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.about_contact(account_id, contact_id))
        items, further = self._table.query(expression, start=start)
        return [_trace(item) for item in items if "erased_at" not in item], further

    def strip_record(self, account_id: str, request: TracedRequest) -> None:
        """Remove the outcome from a record, if the record belongs to the request. One UpdateItem.

        A key may be used again after seven days for another contact, while DynamoDB has not yet removed the pointer.
        """
        expression = Expression()
        expression.require(expression.equals("ttl", request.expires_at))
        expression.require(f"{expression.name('did')} <> {expression.value(Action.DELETED)}")
        expression.set("erased", value=True)
        for attribute in ("contact", "did", "details"):
            expression.remove(attribute)
        key = keys.idempotency(account_id, request.digest)
        self._write_if(self._table.update_step(_STEP, key, expression))

    def strip_event(self, account_id: str, appended_at: str, event_id: str, *, may_come: bool = True) -> None:
        """Remove the data of an event in the log. One UpdateItem where it is there, two where it is not.

        `may_come`: whether the dispatcher may be about to put it there. Then its place is blocked, by one PutItem.

        Raises:
            Contention: the event was put at the same moment.
        """
        own = keys.event(account_id, appended_at, event_id)
        for key in (own, keys.earlier_event(account_id, appended_at, event_id)):
            expression = Expression()
            expression.require(expression.is_there())
            expression.set("erased", value=True)
            for attribute in ("timestamp", "contact_id", "data"):
                expression.remove(attribute)
            if self._write_if(self._table.update_step(_STEP, key, expression)):
                return
        if not may_come:
            return
        is_free = Expression()
        is_free.require(is_free.is_free())
        if not self._write_if(self._table.put_step(_STEP, own, blocking_item(appended_at), is_free)):
            raise Contention

    def strip_entry(self, trace: Trace) -> None:
        """Remove from a timeline entry all but what leads to the event and its deliveries. One UpdateItem."""
        expression = Expression()
        expression.require(expression.is_there())
        for attribute in _CONTENT:
            expression.remove(attribute)
        self._write_if(self._table.update_step(_STEP, trace.key, expression))

    def deliveries(self, refs: Sequence[DeliveryRef]) -> list[Item | None]:
        """The item of each delivery; None: it has none. BatchGetItem, a hundred at a time, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        found = self._table.get_many(map(_delivery_key, refs))
        return [found.get(_delivery_key(ref)) for ref in refs]

    def strip_ended(self, deliveries: Iterable[Item]) -> None:
        """Remove the endpoints' responses from deliveries that have ended. BatchWriteItem, 25 at a time.

        Without a condition: only a redelivery changes such a delivery. If one begins at this very moment it is undone,
        as its event is erased and cannot be sent.

        Raises:
            TemporarilyUnavailable: some may be written, others not.
        """
        self._table.write_many({keys.Key.of(item): _without_responses(item) for item in deliveries})

    def strip_delivery(self, delivery: DeliveryRef, at_ms: int, there: Item | None = None) -> bool:
        """End a delivery and remove the endpoint's responses. Returns whether anything was to be written.

        `there`: its item, as it was read. One UpdateItem where it is to be changed. Where there is none, one PutItem
        writes the delivery as ended, so no worker begins it. If the item has changed since, it is read again.

        Raises:
            Contention: an attempt was recorded at the same moment.
        """
        is_read = there is not None
        if there is None:
            there = self._begun(delivery, at_ms)
            if there is None:
                return True
        if is_stripped(there):
            return False
        if self._write_if(self._table.update_step(_STEP, _delivery_key(delivery), _stripped(there))):
            return True
        if is_read:
            return self.strip_delivery(delivery, at_ms)
        raise Contention

    def _begun(self, delivery: DeliveryRef, at_ms: int) -> Item | None:
        """Write a delivery as ended, if it has not begun; returns its item, if it has."""
        expression = Expression()
        expression.require(expression.is_free())
        ended: dict[str, object] = {
            "event_id": delivery.event_id,
            "event_type": delivery.event_type,
            "appended_at": delivery.appended_at,
            "status": DeliveryStatus.ERASED,
            "begun": 0,
            "done": 0,
            "round_began_after": 0,
            "attempts": [],
            "ttl": at_ms // 1000 + DELIVERIES_KEPT_DAYS * DAY,
        }
        try:
            self._table.write([self._table.put_step(_STEP, _delivery_key(delivery), ended, expression)])
        except ConditionsFailed as failed:
            return failed.items[_STEP]
        return None

    def remove(self, traces: Iterable[Trace]) -> None:
        """Delete traces. BatchWriteItem, 25 at a time.

        Raises:
            TemporarilyUnavailable: some may be deleted, others not.
        """
        self._table.write_many({}, [trace.key for trace in traces])

    def _write_if(self, step: Step) -> bool:
        """Write a step. Returns False where its condition did not hold; then nothing was written."""
        try:
            self._table.write([step])
        except ConditionsFailed:
            return False
        return True


def _trace(item: Item) -> Trace:
    key = keys.Key.of(item)
    digest, event_id = keys.pointed_digest(key), keys.timeline_event_id(key)
    return Trace(
        key=key,
        request=None if digest is None else TracedRequest(digest=digest, expires_at=item["ttl"]),
        event=_traced_event(event_id, item) if event_id is not None and "appended_at" in item else None,
        is_unappended=event_id is not None and "appended_at" not in item,
        has_content=event_id is not None and any(name in item for name in _CONTENT),
    )


def _traced_event(event_id: str, entry: Item) -> TracedEvent:
    return TracedEvent(
        id=event_id,
        type=entry["type"],
        timestamp=entry["timestamp"],
        appended_at=entry["appended_at"],
        webhook_ids=tuple(entry["webhooks"]),
    )


def _delivery_key(delivery: DeliveryRef) -> keys.Key:
    return keys.delivery(delivery.account_id, delivery.webhook_id, delivery.delivery_id)


def has_ended(delivery: Item) -> bool:
    """Whether no attempt at a delivery is to come, unless somebody asks for one."""
    return bool(delivery["status"] != DeliveryStatus.PENDING)


def is_stripped(delivery: Item) -> bool:
    """Whether a delivery has ended and holds no response."""
    attempts = delivery.get("attempts", ())
    return has_ended(delivery) and all(attempt.get("response") is None for attempt in attempts)


def _stripped(delivery: Item) -> Expression:
    """The update that removes the responses from a delivery, and ends a pending one, if it is as it was read."""
    expression = Expression()
    for attribute in ("status", "done"):
        expression.require(expression.equals(attribute, delivery.get(attribute)))
    expression.set("attempts", _without_responses(delivery)["attempts"])
    if not has_ended(delivery):
        expression.set("status", DeliveryStatus.ERASED)
        expression.remove("next_attempt_at")
    return expression


def _without_responses(delivery: Item) -> Item:
    attempts = [
        {name: value for name, value in attempt.items() if name != "response"}
        for attempt in delivery.get("attempts", ())
    ]
    return {**delivery, "attempts": attempts}
