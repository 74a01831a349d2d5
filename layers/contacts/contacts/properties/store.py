"""The properties of one account in the table.

A property is two items, always written in one transaction. One item is the property, under its id. The other item lies
under the property's name: it makes the name unique, and has the rule that values are validated by. No attribute is
called `updated_at`: an index uses that name, for contacts.
"""

from typing import Final

from contacts.core.errors import DuplicateProperty, PropertyNotFound, TooManyProperties
from contacts.properties.model import MAX_PROPERTIES, Property
from contacts.properties.typed_fields import rule_from, rule_values
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.collection import Collection, CollectionSpec, Limit
from contacts.table.expressions import Expression, Item, Step

_NAME_STEP: Final = "property name"


class PropertyStore(Collection[Property]):
    """The properties of one account: 500 at most, archived ones included.

    `add` also raises `DuplicateProperty`, where the account has a property of that name.
    """

    def __init__(self, table: Table, account_id: str) -> None:
        super().__init__(table, account_id, _SPEC)

    def _steps_with(self, thing: Property, *, is_new: bool) -> list[Step]:
        """The step that writes the item under the property's name."""
        condition = Expression()
        condition.require(condition.is_free() if is_new else condition.equals("property_id", thing.id))
        item = {"property_id": thing.id, **rule_values(thing.rule)}
        return [
            self._table.put_step(_NAME_STEP, keys.property_name(self._account, thing.name), item, condition)
        ]

    def _error_of_add(self, failed: ConditionsFailed) -> Exception:
        taken = failed.items.get(_NAME_STEP)
        if taken is not None:
            return DuplicateProperty(taken["property_id"], is_archived=taken["archived"])
        return super()._error_of_add(failed)


def _to_item(one: Property) -> dict[str, object]:
    return {
        "name": one.name,
        "label": one.label,
        "description": one.description,
        "created_at": one.created_at,
        "changed_at": one.updated_at,
        "version": one.version,
        **rule_values(one.rule),
    }


def _from_item(_account_id: str, item: Item) -> Property:
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


_SPEC: Final = CollectionSpec(
    name="property",
    key=keys.property_,
    to_item=_to_item,
    from_item=_from_item,
    not_found=PropertyNotFound,
    limit=Limit(
        key=keys.property_count,
        maximum=MAX_PROPERTIES,
        exceeded=lambda: TooManyProperties(
            f"An account has at most {MAX_PROPERTIES} contact properties, archived ones included."
        ),
    ),
)
