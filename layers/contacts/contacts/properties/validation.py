"""The fields of a contact in a request: the ones that can be written, and the errors of the others."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from contacts.core.errors import MAX_ERRORS_SHOWN, FieldError, InvalidInput
from contacts.properties.model import ValueRule, is_property_name, objection

_CUSTOM_FIELDS: Final = "custom_fields"


class OnInvalid(StrEnum):
    """What a write does with a field that cannot be written."""

    REJECT = "reject"
    SKIP = "skip"


class ContactInput(NamedTuple):
    """A contact's fields from a parsed request body. `validate` also checks the types of custom fields."""

    accepted: Mapping[str, Any]
    """The fields that can be written, as they are stored."""
    rejected: tuple[FieldError, ...] = ()
    """The fields that cannot be written, each once. A key of `custom_fields` or `metadata` counts as a field."""
    errors: tuple[FieldError, ...] = ()
    """All errors of the rejected fields, each with its path: `custom_fields.size.0`."""

    @property
    def typed_names(self) -> list[str]:
        """The custom fields that may have a rule: a property may have such a name, and the value is not None."""
        custom_fields = self.accepted.get(_CUSTOM_FIELDS) or {}
        return [name for name, value in custom_fields.items() if value is not None and is_property_name(name)]

    def resolve(self, on_invalid: OnInvalid) -> tuple[Mapping[str, Any], tuple[FieldError, ...] | None]:
        """The fields to write, and the rejected fields that are skipped; None: rejected fields are not skipped.

        Raises:
            InvalidInput: a field is rejected and may not be skipped, or more fields are rejected than an answer names.
        """
        skips = on_invalid is OnInvalid.SKIP
        if self.rejected and (not skips or len(self.rejected) > MAX_ERRORS_SHOWN):
            raise InvalidInput(self.errors)
        return self.accepted, self.rejected if skips else None


def validate(given: ContactInput, rules: Mapping[str, ValueRule]) -> ContactInput:
    """The input, with the custom fields rejected that violate their rule.

    `rules`: the rules of the account's properties by name, at least those of `given.typed_names`. A custom field
    without a rule takes any JSON.
    """
    custom_fields = given.accepted.get(_CUSTOM_FIELDS) or {}
    objections = {
        name: objection(custom_fields[name], rules[name]) for name in given.typed_names if name in rules
    }
    wrong = {name: violation for name, violation in objections.items() if violation is not None}
    if not wrong:
        return given
    kept = {name: value for name, value in custom_fields.items() if name not in wrong}
    accepted = {**given.accepted, _CUSTOM_FIELDS: kept}
    if not kept:
        del accepted[_CUSTOM_FIELDS]
    mistyped = [FieldError(f"{_CUSTOM_FIELDS}.{name}", violation) for name, violation in wrong.items()]
    return ContactInput(accepted, (*given.rejected, *mistyped), (*given.errors, *mistyped))
