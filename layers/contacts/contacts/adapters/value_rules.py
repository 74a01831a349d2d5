"""What the values of properties are checked by, by name, in the table.

Apart from the store of properties, so that a function that writes contacts loads no more than this.
"""

from collections.abc import Collection, Mapping
from typing import Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item
from contacts.adapters.expressions import Expression
from contacts.adapters.table import Table
from contacts.domain.properties import PropertyType, ValueRule

MAX_LOOKED_UP: Final = 100
"""Names, as many as one BatchGetItem takes. For more it is cheaper to read all there are (at most 500)."""


def rule_values(rule: ValueRule) -> dict[str, object]:
    """A rule as attributes."""
    return {"type": rule.type, "options": list(rule.options) or None, "archived": rule.is_archived}


def rule_from(item: Item) -> ValueRule:
    """The rule that an item holds."""
    return ValueRule(PropertyType(item["type"]), tuple(item.get("options", ())), item["archived"])


class DynamoValueRules:
    """`services.typed_fields.ValueRules` on the table."""

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
