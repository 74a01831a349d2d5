"""Whether the custom fields of a contact are what the account's properties say."""

from collections.abc import Collection, Mapping
from typing import Protocol

from contacts.domain.errors import FieldError
from contacts.domain.properties import ValueRule, is_property_name, objection


class ValueRules(Protocol):
    """What values are checked by in one account."""

    def rules(self, names: Collection[str]) -> Mapping[str, ValueRule]:
        """The rules of those names that are a property's, as of the latest write.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class TypedFields:
    """The custom fields of one account's contacts."""

    def __init__(self, rules: ValueRules) -> None:
        self._rules = rules

    def wrong(self, custom_fields: Mapping[str, object]) -> list[FieldError]:
        """Every value that its property does not take, as `custom_fields.<name>`, in the order given.

        A value of None clears and is always taken; a key that no property has takes any JSON. Where no value can be
        wrong, nothing is read. A property that changes in this very moment may count as it was or as it becomes.

        Raises:
            TemporarilyUnavailable.
        """
        looked_up = [
            name for name, value in custom_fields.items() if value is not None and is_property_name(name)
        ]
        if not looked_up:
            return []
        rules = self._rules.rules(looked_up)
        objections = {
            name: objection(custom_fields[name], rules[name]) for name in looked_up if name in rules
        }
        return [FieldError(f"custom_fields.{name}", why) for name, why in objections.items() if why]
