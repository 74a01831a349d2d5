"""The properties of one account in the table.

A property is two items, always written in one transaction: itself under its id, and under its name what values are
checked by, which makes the name unique as well. No attribute is called `updated_at`: that one is a contact's, and in an
index.
"""

from collections.abc import Collection, Mapping
from typing import Final

from contacts.book.model import Outcome
from contacts.core.errors import DuplicateProperty, TooManyProperties
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.properties.model import MAX_PROPERTIES, Property, PropertyType, ValueRule
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.records import write_recorded

_PROPERTY: Final = "property"
_NAME: Final = "property name"
_COUNT: Final = "property count"
"""The names of the steps."""


class PropertyStore:
    """`properties.store.PropertyStore` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def by_id(self, property_id: str) -> Property | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(keys.property_(self._account, property_id))
        return None if item is None else _property_from(item)

    def in_order(
        self, after_id: str | None, *, archived_too: bool, at_most: int
    ) -> tuple[list[Property], str | None]:
        """Queries, strongly consistent; ids begin with the time they were made. There are 500 at most."""
        expression = Expression.of_partition(keys.property_(self._account, "").PK)
        if not archived_too:
            expression.keep(expression.equals("archived", value=False))
        start = None if after_id is None else keys.property_(self._account, after_id)
        found: list[Property] = []
        while True:
            # One more than wanted, so that the last page is known to be it.
            items, start = self._table.query(expression, start=start, limit=at_most + 1)
            found.extend(_property_from(item) for item in items)
            if len(found) > at_most:
                return found[:at_most], found[at_most - 1].id
            if start is None:
                return found, None

    def add(
        self, new: Property, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        """One transaction over the property, its name, the account's count of properties and the request's record.

        Raises:
            DuplicateProperty, TooManyProperties.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        fresh, room = Expression(), Expression()
        fresh.require(fresh.is_free())
        room.count_up("n", MAX_PROPERTIES)
        count = self._table.update_step(_COUNT, keys.property_count(self._account), room)
        try:
            self._write([*self._steps(new, fresh, fresh), count], outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            taken = failed.items.get(_NAME)
            if taken is not None:
                raise DuplicateProperty(taken["property_id"], is_archived=taken["archived"]) from None
            if _COUNT in failed.items:
                raise TooManyProperties(
                    f"An account has at most {MAX_PROPERTIES} contact properties, archived ones included."
                ) from None
            raise

    def change(
        self,
        before: Property,
        after: Property,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> None:
        """One transaction over the property, its name and the request's record.

        Raises:
            Moved: it is no longer as it was read; nothing was written.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        as_read, own = Expression(), Expression()
        as_read.require(as_read.equals("version", before.version))
        own.require(own.equals("property_id", before.id))
        try:
            self._write(self._steps(after, as_read, own), outcome, idempotency_key, at_ms)
        except ConditionsFailed:
            raise ConcurrentModification from None

    def _steps(self, one: Property, if_property: Expression, if_name: Expression) -> list[Step]:
        """Both items of a property."""
        rule = rule_values(one.rule)
        item = {
            "name": one.name,
            "label": one.label,
            "description": one.description,
            "created_at": one.created_at,
            "changed_at": one.updated_at,
            "version": one.version,
            **rule,
        }
        name = {"property_id": one.id, **rule}
        return [
            self._table.put_step(_PROPERTY, keys.property_(self._account, one.id), item, if_property),
            self._table.put_step(_NAME, keys.property_name(self._account, one.name), name, if_name),
        ]

    def _write(
        self, steps: list[Step], outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        write_recorded(self._table, steps, self._account, idempotency_key, outcome, None, at_ms)


def _property_from(item: Item) -> Property:
    rule = rule_from(item)
    return Property(
        id=item["SK"],
        name=item["name"],
        label=item["label"],
        type=rule.type,
        options=rule.options,
        description=item.get("description"),
        archived=rule.is_archived,
        created_at=item["created_at"],
        updated_at=item["changed_at"],
        version=item["version"],
    )


MAX_LOOKED_UP: Final = 100
"""Names, as many as one BatchGetItem takes. For more it is cheaper to read all there are (at most 500)."""


def rule_values(rule: ValueRule) -> dict[str, object]:
    """A rule as attributes."""
    return {"type": rule.type, "options": list(rule.options) or None, "archived": rule.is_archived}


def rule_from(item: Item) -> ValueRule:
    """The rule that an item holds."""
    return ValueRule(PropertyType(item["type"]), tuple(item.get("options", ())), item["archived"])


class ValueRules:
    """`properties.store.ValueRules` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def rules(self, names: Collection[str]) -> Mapping[str, ValueRule]:
        """One BatchGetItem, strongly consistent, of a unit for each name; of over 100 names one Query of all there are.

        Raises:
            TemporarilyUnavailable.
        """
        if len(names) > MAX_LOOKED_UP:
            expression = Expression.of_partition(keys.property_(self._account, "").PK)
            wanted = frozenset(names)
            return {
                item["name"]: rule_from(item)
                for item in self._table.all_of(expression)
                if item["name"] in wanted
            }
        by_key = {keys.property_name(self._account, name): name for name in names}
        return {by_key[key]: rule_from(item) for key, item in self._table.get_many(by_key).items()}
