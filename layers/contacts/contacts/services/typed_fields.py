"""Whether the custom fields of a contact are what the account's properties say."""

from collections.abc import Collection, Iterable, Mapping
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

    def knowing(self, many: Iterable[Mapping[str, object]]) -> "TypedFields":
        """The same for the custom fields of many contacts, whose rules are read at once.

        Raises:
            TemporarilyUnavailable.
        """
        names = {name for custom_fields in many for name in _looked_up(custom_fields)}
        return TypedFields(_Known(self._rules.rules(sorted(names)) if names else {}))

    def wrong(self, custom_fields: Mapping[str, object]) -> list[FieldError]:
        """Every value that its property does not take, as `custom_fields.<name>`, in the order given.

        A value of None clears and is always taken; a key that no property has takes any JSON. Where no value can be
        wrong, nothing is read. A property that changes in this very moment may count as it was or as it becomes.

        Raises:
            TemporarilyUnavailable.
        """
        looked_up = _looked_up(custom_fields)
        if not looked_up:
            return []
        rules = self._rules.rules(looked_up)
        objections = {
            name: objection(custom_fields[name], rules[name]) for name in looked_up if name in rules
        }
        return [
            FieldError(f"custom_fields.{name}", violation)
            for name, violation in objections.items()
            if violation
        ]


class _Known:
    """`ValueRules` that have been read."""

    def __init__(self, rules: Mapping[str, ValueRule]) -> None:
        self._rules = rules

    def rules(self, names: Collection[str]) -> Mapping[str, ValueRule]:
        """Those of some names."""
        return {name: self._rules[name] for name in names if name in self._rules}


def _looked_up(custom_fields: Mapping[str, object]) -> list[str]:
    """The names whose values can be wrong."""
    return [name for name, value in custom_fields.items() if value is not None and is_property_name(name)]
