"""Whether the custom fields of a contact are what the account's properties say."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from contacts.domain.contact_input import ContactInput, validate
from contacts.domain.properties import ValueRule


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

    def rules_for(self, inputs: Iterable[ContactInput]) -> Mapping[str, ValueRule]:
        """What the custom fields of one contact or many are validated by; read at once, for all of them.

        Where no value can be wrong, nothing is read. A property that changes in this very moment may count as it was
        or as it becomes.

        Raises:
            TemporarilyUnavailable.
        """
        names = dict.fromkeys(name for given in inputs for name in given.typed_names)
        return self._rules.rules(list(names)) if names else {}

    def validate(self, given: ContactInput) -> ContactInput:
        """One contact's input, validated.

        Raises:
            TemporarilyUnavailable.
        """
        return validate(given, self.rules_for([given]))
