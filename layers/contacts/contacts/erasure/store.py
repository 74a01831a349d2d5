"""Finds and removes what is stored about a contact: items in its partition (traces), and items that they lead to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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

    name: str
    """Its sort key."""
    request: TracedRequest | None = None
    event: TracedEvent | None = None


_STEP: Final = "trace"


class TraceStore:
    """The traces of all accounts' contacts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def bury(
        self, account_id: str, contact_id: str, version: int, at_ms: int, merged_ids: Sequence[str]
    ) -> None:
        """Write a contact's tombstone, unless there is one. One PutItem."""
        self._bury(account_id, contact_id, tombstone_item(version, at_ms, merged_ids))

    def bury_merged(self, account_id: str, contact_id: str, winner_id: str, at_ms: int) -> None:
        """Write the tombstone of a contact that had been merged into `winner_id`, unless there is one. One PutItem."""
        self._bury(account_id, contact_id, merged_tombstone_item(winner_id, at_ms))

    def _bury(self, account_id: str, contact_id: str, tombstone: Mapping[str, object]) -> None:
        expression = Expression()
        expression.require(expression.is_free())
        key = keys.tombstone(account_id, contact_id)
        self._write_if(self._table.put_step(_STEP, key, tombstone, expression))

    def traces(self, account_id: str, contact_id: str) -> Iterator[Trace]:
        """All traces of a contact. Queries, strongly consistent."""
        expression = Expression.of_partition(keys.about_contact(account_id, contact_id))
        return map(_trace, self._table.all_of(expression))

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

    def strip_event(self, account_id: str, appended_at: str, event_id: str) -> None:
        """Remove the data of an event in the log. One UpdateItem where it is there.

        Where it is not (two more writes), its place is blocked: the dispatcher may be about to put it there.

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
        is_free = Expression()
        is_free.require(is_free.is_free())
        if not self._write_if(self._table.put_step(_STEP, own, blocking_item(appended_at), is_free)):
            raise Contention

    def strip_delivery(self, delivery: DeliveryRef, at_ms: int) -> None:
        """End a delivery and remove the endpoint's responses. One PutItem; where the delivery is there, one UpdateItem.

        A delivery that has not begun is written as ended, so no worker begins it.

        Raises:
            Contention: an attempt was recorded at the same moment.
        """
        key = keys.delivery(delivery.account_id, delivery.webhook_id, delivery.delivery_id)
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
            self._table.write([self._table.put_step(_STEP, key, ended, expression)])
        except ConditionsFailed as failed:
            there = failed.items[_STEP]
            if there is None or not self._write_if(self._table.update_step(_STEP, key, _stripped(there))):
                raise Contention from None

    def remove(self, account_id: str, contact_id: str, trace: Trace) -> None:
        """Delete a trace. One DeleteItem."""
        key = keys.Key(keys.about_contact(account_id, contact_id), trace.name)
        self._table.write([self._table.delete_step(_STEP, key)])

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
        name=key.SK,
        request=None if digest is None else TracedRequest(digest=digest, expires_at=item["ttl"]),
        # A custom event that is not in the log leads to nothing: its contact has a tombstone, so it is never appended.
        event=_traced_event(event_id, item) if event_id is not None and "appended_at" in item else None,
    )


def _traced_event(event_id: str, entry: Item) -> TracedEvent:
    return TracedEvent(
        id=event_id,
        type=entry["type"],
        timestamp=entry["timestamp"],
        appended_at=entry["appended_at"],
        webhook_ids=tuple(entry["webhooks"]),
    )


def _stripped(delivery: Item) -> Expression:
    """The update that removes the responses from a delivery, and ends a pending one, if it is as it was read."""
    expression = Expression()
    for attribute in ("status", "done"):
        expression.require(expression.equals(attribute, delivery.get(attribute)))
    attempts = delivery.get("attempts", ())
    expression.set("attempts", [_without_response(attempt) for attempt in attempts])
    if delivery["status"] == DeliveryStatus.PENDING:
        expression.set("status", DeliveryStatus.ERASED)
        expression.remove("next_attempt_at")
    return expression


def _without_response(attempt: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attempt.items() if name != "response"}
