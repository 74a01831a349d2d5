"""Which deliveries of an account are in flight, and which wait for their turn.

An account has a few slots: so many of its deliveries are attempted at once, whatever its endpoints are and however
slow they answer. A worker takes a slot before it attempts a delivery, and gives the slot back afterwards. All slots of
an account are in one item, as a set of texts `<lease end>.<token>`. The slot of a worker that died is free again when
its lease has ended.

A delivery that finds no slot free waits in the table, and the item is marked. The mark has a new value whenever one
more delivery waits. Whoever takes a slot or gives it back is told the mark.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item
from contacts.webhooks.model import WAITING_KEPT, DeliveryRef

_SLOTS: Final = "slots"
"""The attribute with the slots that are taken."""
_WAITING: Final = "waiting"
"""The attribute with the mark: it is there while deliveries may wait."""
_LOOKED_AT: Final = "looked_at"
"""The attribute with the time of the next look, of an account whose deliveries were stopped."""
_STEP: Final = "in flight"


class NoSlotFree(Exception):
    """Raised where an account has as many deliveries in flight as it may have; nothing was written."""


class Waiting(NamedTuple):
    """An attempt that waits."""

    ref: DeliveryRef
    attempt: int


class Rested(NamedTuple):
    """What is noted of an account whose deliveries are stopped."""

    mark: str
    looked_at: int
    """When a message comes that looks whether they may go on, in s since the epoch; 0: none is to come."""


class SlotStore:
    """The slots of all accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, account_id: str, slot: str, at_most: int, now_s: int) -> str | None:
        """Take a slot of an account that has `at_most`. Returns the mark. One UpdateItem.

        `slot`: `<end of the lease, in s since the epoch>.<token>`. Three UpdateItems where leases have ended.

        Raises:
            NoSlotFree, TemporarilyUnavailable.
        """
        for _ in range(2):
            try:
                return self._take(account_id, slot, at_most)
            except ConditionsFailed as failed:
                taken: frozenset[str] = (failed.items[_STEP] or {}).get(_SLOTS, frozenset())
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            if slot in taken:
                return None
            ended = frozenset(other for other in taken if int(other.partition(".")[0]) <= now_s)
            if not ended:
                break
            self._discard(account_id, ended)
        raise NoSlotFree

    def release(self, account_id: str, slot: str) -> str | None:
        """Give a slot back. Returns the mark. One UpdateItem. Safe to repeat.

        Raises:
            TemporarilyUnavailable.
        """
        return self._discard(account_id, frozenset({slot})).get(_WAITING)

    def mark(self, account_id: str, mark: str, at_most: int) -> bool:
        """Note that one more delivery waits, if all slots are taken. Returns whether they are. One UpdateItem.

        So whoever gives a slot back after this call is told of the delivery.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.has_at_least(_SLOTS, at_most))
        expression.set(_WAITING, mark)
        return self._is_written(account_id, expression)

    def mark_rested(self, account_id: str, mark: str) -> Rested:
        """Note that one more delivery waits, whether slots are taken or not. One UpdateItem.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.set(_WAITING, mark)
        item = self._table.update(_STEP, keys.deliveries_in_flight(account_id), expression)
        return Rested(mark, item.get(_LOOKED_AT, 0))

    def look_at(self, account_id: str, at_s: int) -> None:
        """Note when a message comes that looks whether stopped deliveries may go on. One UpdateItem.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.set(_LOOKED_AT, at_s)
        self._table.write([self._table.update_step(_STEP, keys.deliveries_in_flight(account_id), expression)])

    def unmark(self, account_id: str, mark: str) -> bool:
        """Note that no delivery waits, unless one more waits than at the time of `mark`. One UpdateItem.

        Returns False where the mark is another one by now.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(expression.equals(_WAITING, mark))
        expression.remove(_WAITING)
        return self._is_written(account_id, expression)

    def mark_of(self, account_id: str) -> str | None:
        """The mark. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        item = self._table.get(keys.deliveries_in_flight(account_id)) or {}
        return item.get(_WAITING)

    def _take(self, account_id: str, slot: str, at_most: int) -> str | None:
        expression = Expression()
        expression.require(expression.has_fewer(_SLOTS, at_most))
        expression.add(_SLOTS, frozenset({slot}))
        item = self._table.update(_STEP, keys.deliveries_in_flight(account_id), expression)
        return item.get(_WAITING)

    def _discard(self, account_id: str, slots: frozenset[str]) -> Item:
        expression = Expression()
        expression.discard(_SLOTS, slots)
        return self._table.update(_STEP, keys.deliveries_in_flight(account_id), expression)

    def _is_written(self, account_id: str, expression: Expression) -> bool:
        try:
            step = self._table.update_step(_STEP, keys.deliveries_in_flight(account_id), expression)
            self._table.write([step])
        except ConditionsFailed:
            return False
        return True


class WaitingStore:
    """The deliveries of all accounts that wait: for a slot of the account, or for their endpoint.

    `webhook_id`: the endpoint they wait for; None: they wait for a slot.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, waiting: Waiting, webhook_id: str | None, now_s: int) -> None:
        """Let an attempt wait. One UpdateItem. Safe to repeat.

        Raises:
            TemporarilyUnavailable.
        """
        ref = waiting.ref
        expression = Expression()
        attributes: Mapping[str, Any] = {**ref.message(waiting.attempt), "ttl": now_s + WAITING_KEPT}
        for attribute, value in attributes.items():
            if attribute not in ("account_id", "delivery_id"):
                expression.assign(attribute, value)
        key = keys.waiting_delivery(ref.account_id, webhook_id, ref.delivery_id)
        self._table.write([self._table.update_step("waiting", key, expression)])

    def first(self, account_id: str, webhook_id: str | None, at_most: int) -> list[Waiting]:
        """The attempts that wait, those of the oldest events first. One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.waiting_delivery(account_id, webhook_id, "").PK)
        items, _ = self._table.query(expression, limit=at_most)
        return [_waiting_from(account_id, item) for item in items]

    def remove(self, ref: DeliveryRef, webhook_id: str | None) -> None:
        """Let an attempt wait no longer. One DeleteItem. Safe to repeat.

        Raises:
            TemporarilyUnavailable.
        """
        key = keys.waiting_delivery(ref.account_id, webhook_id, ref.delivery_id)
        self._table.write([self._table.delete_step("waiting", key)])


def _waiting_from(account_id: str, item: Item) -> Waiting:
    ref = DeliveryRef(
        account_id=account_id,
        webhook_id=item["webhook_id"],
        delivery_id=keys.delivery_id(keys.Key.of(item)),
        event_id=item["event_id"],
        event_type=item["event_type"],
        appended_at=item.get("appended_at"),
    )
    return Waiting(ref, item["attempt"])
