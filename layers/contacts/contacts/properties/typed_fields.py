"""Typed custom fields: reads the rules of an account's properties, and validates the input of contacts by them.

Every function that writes contacts loads this module, and needs nothing of `properties.service` or `properties.store`.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from contacts.properties.model import ContactInput, PropertyType, ValueRule, validate
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression, Item

MAX_LOOKED_UP: Final = 100
"""Names that one BatchGetItem takes. For more names it is cheaper to query all properties (500 at most)."""


class TypedFields:
    """Validates the custom fields of one account's contacts."""

    def __init__(self, rules: "ValueRules") -> None:
        self._rules = rules

    def rules_for(self, inputs: Iterable[ContactInput]) -> Mapping[str, ValueRule]:
        """The rules for the custom fields of one contact or many, by the names of the fields. One read for all of them.

        Without typed fields, nothing is read. A property that changes at the same moment may count as it was or as it
        becomes.

        Raises:
            TemporarilyUnavailable.
        """
        names = dict.fromkeys(name for given in inputs for name in given.typed_names)
        return self._rules.rules(list(names)) if names else {}

    def validate(self, given: ContactInput) -> ContactInput:
        """One contact's input, with the custom fields of a wrong type rejected.

        Raises:
            TemporarilyUnavailable.
        """
        return validate(given, self.rules_for([given]))


class ValueRules:
    """The rules of one account's properties in the table, by the properties' names."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def rules(self, names: Collection[str]) -> Mapping[str, ValueRule]:
        """The rules of the properties that have these names; names without a property are left out.

        Strongly consistent. One BatchGetItem, which costs a unit a name; for over 100 names, one Query of all
        properties.

        Raises:
            TemporarilyUnavailable.
        """
        if len(names) > MAX_LOOKED_UP:
            expression = Expression.of_partition(keys.property_(self._account, "").PK)
            asked_for = frozenset(names)
            return {
                item["name"]: rule_from(item)
                for item in self._table.all_of(expression)
                if item["name"] in asked_for
            }
        by_key = {keys.property_name(self._account, name): name for name in names}
        return {by_key[key]: rule_from(item) for key, item in self._table.get_many(by_key).items()}


def rule_values(rule: ValueRule) -> dict[str, object]:
    """A rule as attributes of an item."""
    return {"type": rule.type, "options": list(rule.options) or None, "archived": rule.is_archived}


def rule_from(item: Item) -> ValueRule:
    """The rule that an item holds."""
    return ValueRule(PropertyType(item["type"]), tuple(item.get("options", ())), item["archived"])
