"""The log of deliveries in the table: each delivery one item, with all of its attempts.

Whoever makes an attempt claims it first (`begun`, `claimed_by`, `lease_until`) and then records it (`done`); both are
conditional, so of two messages for one attempt only one is carried out, and neither undoes an erasure.
"""

from typing import Any, Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item
from contacts.adapters.expressions import Expression
from contacts.adapters.records import write_recorded
from contacts.adapters.table import ConditionsFailed, Table
from contacts.domain.identity import is_uuid
from contacts.domain.outcome import Outcome, Receipt
from contacts.domain.timestamps import DAY
from contacts.domain.webhooks import (
    DELIVERIES_KEPT_DAYS,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
)
from contacts.services.ports import Moved
from contacts.services.webhook_delivery import DeliveryMoved, NotOpen

_DELIVERY: Final = "delivery"
"""The name of a delivery's step."""


class DynamoDeliveryStore:
    """`Deliveries` of `services.webhook_delivery` and of `services.delivery_log` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def delivery(self, account_id: str, webhook_id: str, delivery_id: str, now_s: int) -> Delivery | None:
        """One GetItem, strongly consistent."""
        if not is_uuid(delivery_id):
            return None
        item = self._table.get(keys.delivery(account_id, webhook_id, delivery_id))
        if item is None or item["ttl"] <= now_s:
            return None
        return _delivery_from(item, account_id, webhook_id)

    def newest_first(
        self,
        account_id: str,
        webhook_id: str,
        status: DeliveryStatus | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[Delivery], str | None]:
        """Queries on the endpoint's partition, backwards: ids begin with the time of their event."""
        expression = Expression.of_partition(keys.delivery(account_id, webhook_id, "").PK)
        expression.keep(f"{expression.name('ttl')} > {expression.value(now_s)}")
        if status is not None:
            expression.keep(expression.equals("status", status))
        start = None if after_id is None else keys.delivery(account_id, webhook_id, after_id)
        items, further = self._table.newest_of(
            expression, start, at_most=at_most, evaluate=evaluate, are_few=status is not None
        )
        found = [_delivery_from(item, account_id, webhook_id) for item in items]
        return found, None if further is None else keys.delivery_id(further)

    def claim(self, ref: DeliveryRef, attempt: int, token: str, at_ms: int, lease_s: int) -> Delivery:
        """One conditional UpdateItem, which also makes the item of a first attempt.

        Raises:
            NotOpen, TemporarilyUnavailable.
        """
        now_s = at_ms // 1000
        expression = _open(ref, attempt, now_s)
        expression.set("status", DeliveryStatus.PENDING)
        expression.set("begun", attempt)
        expression.set("claimed_by", token)
        expression.set("lease_until", now_s + lease_s)
        try:
            item = self._table.update(_DELIVERY, _key(ref), expression)
        except ConditionsFailed as failed:
            there = failed.items[_DELIVERY]
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            if there is None or there.get("claimed_by") != token:
                raise NotOpen(_found(there, ref)) from None
            item = there
        return _delivery_from(item, ref.account_id, ref.webhook_id)

    def record(self, before: Delivery, after: Delivery) -> None:
        """One conditional UpdateItem.

        Raises:
            DeliveryMoved, Contention, TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.equals("claimed_by", before.claim))
        expression.require(expression.equals("done", before.done))
        expression.require(expression.equals("status", before.status))
        expression.require(expression.equals("round_began_after", before.round_began_after))
        expression.set("status", after.status)
        expression.set("done", after.done)
        expression.set("attempts", [_attempt_item(attempt) for attempt in after.attempts])
        expression.assign("next_attempt_at", after.next_attempt_at)
        try:
            self._table.write([self._table.update_step(_DELIVERY, _key(before.ref), expression)])
        except ConditionsFailed as failed:
            raise DeliveryMoved(_found(failed.items[_DELIVERY], before.ref)) from None

    def end(self, ref: DeliveryRef, attempt: int, status: DeliveryStatus, at_ms: int) -> None:
        """One conditional UpdateItem.

        Raises:
            NotOpen, TemporarilyUnavailable.
        """
        expression = _open(ref, attempt, at_ms // 1000)
        expression.set("status", status)
        expression.set_once("begun", 0)
        expression.remove("next_attempt_at")
        try:
            self._table.write([self._table.update_step(_DELIVERY, _key(ref), expression)])
        except ConditionsFailed as failed:
            raise NotOpen(_found(failed.items[_DELIVERY], ref)) from None

    def begin_again(
        self,
        before: Delivery,
        after: Delivery,
        outcome: Outcome,
        receipt: Receipt | None,
        at_ms: int,
    ) -> None:
        """One conditional UpdateItem; with an Idempotency-Key a transaction, together with the request's record."""
        expression = Expression()
        expression.require(expression.equals("status", before.status))
        expression.require(expression.equals("done", before.done))
        expression.set("status", after.status)
        expression.set("round_began_after", after.round_began_after)
        expression.set("ttl", _ttl(at_ms))
        expression.assign("next_attempt_at", after.next_attempt_at)
        step = self._table.update_step(_DELIVERY, _key(before.ref), expression)
        try:
            write_recorded(self._table, [step], before.ref.account_id, receipt, outcome, None, at_ms)
        except ConditionsFailed:
            raise Moved from None

    def add(self, delivery: Delivery, outcome: Outcome, receipt: Receipt | None, at_ms: int) -> None:
        """One PutItem; with an Idempotency-Key a transaction, together with the request's record."""
        expression = Expression()
        expression.require(expression.is_free())
        ref = delivery.ref
        item: dict[str, object] = {
            "event_id": ref.event_id,
            "event_type": ref.event_type,
            "appended_at": ref.appended_at,
            "status": delivery.status,
            "begun": delivery.begun,
            "done": delivery.done,
            "round_began_after": delivery.round_began_after,
            "next_attempt_at": delivery.next_attempt_at,
            "attempts": [],
            "payload": delivery.payload,
            "ttl": _ttl(at_ms),
        }
        step = self._table.put_step(_DELIVERY, _key(ref), item, expression)
        try:
            write_recorded(self._table, [step], ref.account_id, receipt, outcome, None, at_ms)
        except ConditionsFailed:
            # Nobody else makes a delivery of this id: the SDK repeated the call, and found what it had written itself.
            return


def _open(ref: DeliveryRef, attempt: int, now_s: int) -> Expression:
    """An update of a delivery on condition that an attempt can be begun now.

    What the item has from its message is set wherever it is missing: the item may be made by this very update.
    """
    expression = Expression()
    begun, lease = expression.name("begun"), expression.name("lease_until")
    is_open = (
        f"{expression.equals('status', DeliveryStatus.PENDING)}"
        f" AND {expression.equals('done', attempt - 1)}"
        f" AND ({begun} < {expression.value(attempt)} OR {lease} <= {expression.value(now_s)})"
    )
    if attempt == 1 and not ref.is_test:
        is_open = f"{expression.is_free()} OR ({is_open})"
    expression.require(f"({is_open})")
    expression.set_once("event_id", ref.event_id)
    expression.set_once("event_type", ref.event_type)
    if ref.appended_at is not None:
        expression.set_once("appended_at", ref.appended_at)
    expression.set_once("done", 0)
    expression.set_once("round_began_after", 0)
    expression.set_once("attempts", [])
    expression.set_once("ttl", _ttl(now_s * 1000))
    return expression


def _key(ref: DeliveryRef) -> keys.Key:
    return keys.delivery(ref.account_id, ref.webhook_id, ref.delivery_id)


def _ttl(at_ms: int) -> int:
    return at_ms // 1000 + DELIVERIES_KEPT_DAYS * DAY


def _attempt_item(attempt: Attempt) -> dict[str, Any]:
    item = {
        "at": attempt.at,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
        "response": attempt.response,
    }
    return {name: value for name, value in item.items() if value is not None}


def _found(item: Item | None, ref: DeliveryRef) -> Delivery | None:
    return None if item is None else _delivery_from(item, ref.account_id, ref.webhook_id)


def _delivery_from(item: Item, account_id: str, webhook_id: str) -> Delivery:
    ref = DeliveryRef(
        account_id=account_id,
        webhook_id=webhook_id,
        delivery_id=keys.delivery_id(keys.Key.of(item)),
        event_id=item["event_id"],
        event_type=item["event_type"],
        appended_at=item.get("appended_at"),
    )
    return Delivery(
        ref=ref,
        status=DeliveryStatus(item["status"]),
        next_attempt_at=item.get("next_attempt_at"),
        attempts=tuple(
            Attempt(
                at=attempt["at"],
                status_code=attempt.get("status_code"),
                error=attempt.get("error"),
                duration_ms=attempt["duration_ms"],
                response=attempt.get("response"),
            )
            for attempt in item.get("attempts", ())
        ),
        begun=item.get("begun", 0),
        done=item.get("done", 0),
        round_began_after=item.get("round_began_after", 0),
        payload=item.get("payload"),
        claim=item.get("claimed_by"),
        lease_until=item.get("lease_until", 0),
    )
