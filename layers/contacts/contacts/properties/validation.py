"""The fields of a contact as a request sent them: those that can be written, and what is wrong with the others."""

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
    """What a request's body asks to write of a contact. Its body has been read; `validate` does the rest."""

    accepted: Mapping[str, Any]
    """The fields that can be written, as they are stored."""
    rejected: tuple[FieldError, ...] = ()
    """The fields that cannot, each once: a key of `custom_fields` or `metadata` counts as a field."""
    errors: tuple[FieldError, ...] = ()
    """Everything that is wrong with the rejected fields, by its path: `custom_fields.size.0`."""

    @property
    def typed_names(self) -> list[str]:
        """The custom fields whose values a property of the account may refuse. A value of None clears: it never is."""
        custom_fields = self.accepted.get(_CUSTOM_FIELDS) or {}
        return [name for name, value in custom_fields.items() if value is not None and is_property_name(name)]

    def resolve(self, on_invalid: OnInvalid) -> tuple[Mapping[str, Any], tuple[FieldError, ...] | None]:
        """The fields to write, and the rejected ones to leave out; None in place of these where none may be.

        Raises:
            InvalidInput: a field is rejected and not to be skipped, or more are than one answer names.
        """
        skips = on_invalid is OnInvalid.SKIP
        if self.rejected and (not skips or len(self.rejected) > MAX_ERRORS_SHOWN):
            raise InvalidInput(self.errors)
        return self.accepted, self.rejected if skips else None


def validate(given: ContactInput, rules: Mapping[str, ValueRule]) -> ContactInput:
    """The input held against the properties of its account: custom fields of a wrong type are rejected as well.

    `rules`: by the names of custom fields, at least for `given.typed_names` as far as properties have these names. A
    custom field that has none takes any JSON.
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
