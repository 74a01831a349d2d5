"""Which deliveries of an account are in flight, and which wait for their turn.

An account has a few slots: so many of its deliveries are attempted at once, whatever its endpoints are and however
slow they answer. A worker takes a slot before it attempts a delivery, and gives the slot back afterwards. All slots of
an account are in one item, as a set of texts `<lease end>.<token>`. A slot for one delivery names it, so that no other
worker attempts it meanwhile. The slot of a worker that died is free again when its lease has ended.

A delivery that finds no slot free waits in the table, and the item is marked. The mark has a new value whenever one
more delivery waits. Whoever takes a slot or gives it back is told the mark. Deliveries that rest wait there, too: then
the item also says when they are looked at.
"""

from collections.abc import Mapping
from contextlib import suppress
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
"""The attribute with the time of the next look: it is there while deliveries that have rested may wait."""
_STEP: Final = "in flight"


class NoSlotFree(Exception):
    """Raised where an account has as many deliveries in flight as it may have; nothing was written."""


class AlreadyInFlight(Exception):
    """Raised where another worker has a slot for the same delivery; no slot is taken."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"for {seconds} s")
        self.seconds = seconds
        """Until the other worker's lease ends, at least 1."""


class Taken(NamedTuple):
    """What there was when a slot was taken."""

    mark: str | None
    slots: frozenset[str]
    """All that were taken, the own one included."""
    is_resting: bool
    """Whether what waits has rested, if anything does."""


def slot_text(until_s: int, token: str, delivery_id: str | None) -> str:
    """A slot: `<end of the lease, in s since the epoch>.<token>`, and `.<end of the delivery's id>` of one delivery."""
    return f"{until_s}.{token}" if delivery_id is None else f"{until_s}.{token}.{delivery_id[-12:]}"


def ended(slots: frozenset[str], now_s: int) -> frozenset[str]:
    """Those of some slots whose lease has ended."""
    return frozenset(slot for slot in slots if _until(slot) <= now_s)


def _until(slot: str) -> int:
    return int(slot.partition(".")[0])


def _of(slot: str) -> str | None:
    """Which delivery a slot is of; None: of none that is known."""
    return slot.split(".")[2] if slot.count(".") == 2 else None


class Waiting(NamedTuple):
    """An attempt that waits."""

    ref: DeliveryRef
    attempt: int


class SlotStore:
    """The slots of all accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, account_id: str, slot: str, at_most: int, now_s: int) -> Taken:
        """Take a slot (`slot_text`) of an account that has `at_most`. One UpdateItem; three where leases have ended.

        Raises:
            AlreadyInFlight: another worker has a slot for the same delivery.
            NoSlotFree, TemporarilyUnavailable.
        """
        for _ in range(2):
            try:
                item = self._take(account_id, slot, at_most)
            except ConditionsFailed as failed:
                item = failed.items[_STEP] or {}
            taken = Taken(item.get(_WAITING), item.get(_SLOTS, frozenset()), _LOOKED_AT in item)
            # The SDK repeats a call whose answer got lost, and then finds what it has written itself.
            is_taken = slot in taken.slots
            seconds = _seconds_of_another(slot, taken.slots, now_s)
            if seconds:
                if is_taken:
                    self._discard(account_id, frozenset({slot}))
                raise AlreadyInFlight(seconds)
            if is_taken:
                return taken
            over = ended(taken.slots, now_s)
            if not over:
                break
            self._discard(account_id, over)
        raise NoSlotFree

    def release(self, account_id: str, slots: frozenset[str]) -> str | None:
        """Give slots back. Returns the mark. One UpdateItem. Safe to repeat.

        Raises:
            TemporarilyUnavailable.
        """
        return self._discard(account_id, slots).get(_WAITING)

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

    def mark_always(self, account_id: str, mark: str) -> int:
        """Note that one more delivery waits, whether slots are free or not. One UpdateItem.

        Returns when the next look at the account is to come, or the last one was, in s since the epoch; 0: there is
        none.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.set(_WAITING, mark)
        item = self._table.update(_STEP, keys.deliveries_in_flight(account_id), expression)
        return int(item.get(_LOOKED_AT, 0))

    def look_at(self, account_id: str, at_s: int) -> None:
        """Note when a message comes that looks whether deliveries that rest may go on. One UpdateItem.

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
        expression.remove(_LOOKED_AT)
        return self._is_written(account_id, expression)

    def looked_at(self, account_id: str) -> int:
        """What `mark_always` returns. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        item = self._table.get(keys.deliveries_in_flight(account_id)) or {}
        return int(item.get(_LOOKED_AT, 0))

    def _take(self, account_id: str, slot: str, at_most: int) -> Item:
        expression = Expression()
        expression.require(expression.has_fewer(_SLOTS, at_most))
        expression.add(_SLOTS, frozenset({slot}))
        return self._table.update(_STEP, keys.deliveries_in_flight(account_id), expression)

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


def _seconds_of_another(slot: str, slots: frozenset[str], now_s: int) -> int:
    """Seconds until the lease of another slot for the same delivery ends; 0: there is none."""
    own = _of(slot)
    if own is None:
        return 0
    left = [_until(other) - now_s for other in slots - {slot} if _of(other) == own]
    return max([0, *left])


class WaitingStore:
    """The deliveries of all accounts that wait: for a slot of the account, or for their endpoint.

    `webhook_id`: the endpoint they wait for; None: they wait for a slot.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, waiting: Waiting, webhook_id: str | None, now_s: int) -> None:
        """Let an attempt wait, unless a later one of its delivery does. One UpdateItem. Safe to repeat.

        So a message that comes late does not take the place of the one after it.

        Raises:
            TemporarilyUnavailable.
        """
        ref = waiting.ref
        expression = Expression()
        attributes: Mapping[str, Any] = {**ref.message(waiting.attempt), "ttl": now_s + WAITING_KEPT}
        for attribute, value in attributes.items():
            if attribute not in ("account_id", "delivery_id"):
                expression.assign(attribute, value)
        expression.require(_is_no_later(expression, waiting))
        key = keys.waiting_delivery(ref.account_id, webhook_id, ref.delivery_id)
        with suppress(ConditionsFailed):
            self._table.write([self._table.update_step("waiting", key, expression)])

    def first(self, account_id: str, webhook_id: str | None, at_most: int) -> list[Waiting]:
        """The attempts that wait, those of the oldest events first. One Query, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.waiting_delivery(account_id, webhook_id, "").PK)
        items, _ = self._table.query(expression, limit=at_most)
        return [_waiting_from(account_id, item) for item in items]

    def remove(self, waiting: Waiting, webhook_id: str | None) -> None:
        """Let an attempt wait no longer; a later one of its delivery waits on. One DeleteItem. Safe to repeat.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.require(_is_no_later(expression, waiting))
        key = keys.waiting_delivery(waiting.ref.account_id, webhook_id, waiting.ref.delivery_id)
        with suppress(ConditionsFailed):
            self._table.write([self._table.delete_step("waiting", key, expression)])


def _is_no_later(expression: Expression, waiting: Waiting) -> str:
    """The condition that no later attempt of the delivery waits."""
    name = expression.name("attempt")
    return f"(attribute_not_exists({name}) OR {name} <= {expression.value(waiting.attempt)})"


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
