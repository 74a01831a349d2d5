"""Bodies of requests about contacts: what may be sent, field by field."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from contacts.api.bodies import Draft, JsonObject, clean
from contacts.api.json_values import json_errors
from contacts.domain import violations
from contacts.domain.contact import LONGEST_TAG, MAPS, MAX_LISTS, MAX_TAGS, SLUG, distinct
from contacts.domain.errors import MAX_ERRORS_SHOWN, FieldError, InvalidInput
from contacts.domain.identity import MAX_EXTERNAL_ID, is_e164, stored_email
from contacts.domain.json_size import json_values
from contacts.domain.violations import FieldErrorCode, InvalidValue, Violation
from contacts.services.typed_fields import TypedFields


def _email(text: str) -> str:
    try:
        return stored_email(clean(text))
    except ValueError as error:
        raise InvalidValue(violations.not_an_email(str(error))) from None


_NOT_A_PHONE: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, "must be an E.164 number such as +4915112345678"
)


def _phone(text: str) -> str:
    if not is_e164(text):
        raise InvalidValue(_NOT_A_PHONE)
    return text


MAX_ENTRIES: Final = 1000
"""Of an array of tags or of lists, as it is sent: the same one may come more than once."""


def _at_most(limit: int) -> AfterValidator:
    def checked(values: list[str]) -> list[str]:
        kept = list(distinct(values))
        if len(kept) > limit:
            raise InvalidValue(violations.more_values_than(limit, len(kept)))
        return kept

    return AfterValidator(checked)


Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]
ExternalId = Annotated[str, Field(min_length=1, max_length=MAX_EXTERNAL_ID), AfterValidator(clean)]
PersonName = Annotated[str, Field(max_length=255), AfterValidator(clean)]
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG), AfterValidator(clean)]
Slug = Annotated[str, Field(pattern=f"^{SLUG}$")]
Tags = Annotated[list[Tag], Field(max_length=MAX_ENTRIES), _at_most(MAX_TAGS)]
Lists = Annotated[list[Slug], Field(max_length=MAX_ENTRIES), _at_most(MAX_LISTS)]


class OnInvalid(StrEnum):
    """What a write does with a field that cannot be taken."""

    REJECT = "reject"
    SKIP = "skip"


class ContactFields(Draft):
    """The fields of a contact that callers set."""

    external_id: ExternalId | None = None
    email: Email | None = None
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    name: PersonName | None = None
    phone: Phone | None = None
    tags: Tags | None = None
    lists: Lists | None = None
    custom_fields: JsonObject | None = None
    metadata: JsonObject | None = None
    is_active: bool | None = None
    is_unsubscribed: bool | None = None
    add_tags: Tags | None = None
    add_lists: Lists | None = None

    @classmethod
    def taken_apart(
        cls, given: Mapping[str, Any], errors: Sequence[FieldError]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        """A body without its wrong fields, and these. Of a map only the wrong keys go, or all if nothing is left, or
        if it is too much as a whole.
        """
        maps = [name for name in MAPS if isinstance(given.get(name), dict)]
        fields = given.keys() - set(maps)
        of_fields = [one for one in errors if one.field in fields or one.field.partition(".")[0] not in maps]
        kept, left_out = super().taken_apart(given, of_fields)
        for name in maps:
            if json_values((given[name],), cls.most_values) > cls.most_values:
                left_out += [error for error in errors if error.field == name]
                del kept[name]
                continue
            wrong = _wrong_keys(given[name], name)
            left_out += wrong.values()
            if wrong:
                kept |= {name: _without(given[name], wrong.keys())}
                if not kept[name]:
                    del kept[name]
        return kept, left_out

    def taken(
        self, typed: TypedFields, on_invalid: OnInvalid
    ) -> tuple[dict[str, Any], tuple[FieldError, ...] | None]:
        """The fields to write, and with `skip` what they leave out (else None).

        Raises:
            InvalidInput: something is wrong and not to be skipped, or is more than one answer names.
            TemporarilyUnavailable.
        """
        mistyped = typed.wrong(self.custom_fields or {})
        left_out = (*self.left_out, *mistyped)
        skips = on_invalid is OnInvalid.SKIP
        if left_out and (not skips or len(left_out) > MAX_ERRORS_SHOWN):
            raise InvalidInput((*self.wrong, *mistyped))
        fields = self.takeable()
        if mistyped:
            names = {field.removeprefix(_OF_CUSTOM_FIELDS) for field, _ in mistyped}
            fields["custom_fields"] = _without(fields["custom_fields"], names)
            if not fields["custom_fields"]:
                del fields["custom_fields"]
        return fields, left_out if skips else None


class NewContact(ContactFields):
    """A contact to be created. It needs an email or an external_id."""


class ContactChange(ContactFields):
    """Fields to change: absent keeps, null clears (but keeps `is_active` and `is_unsubscribed`)."""

    remove_tags: Tags | None = None
    remove_lists: Lists | None = None


_OF_CUSTOM_FIELDS: Final = "custom_fields."


def _without(entries: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if key not in keys}


def _wrong_keys(entries: Mapping[str, Any], path: str) -> dict[str, FieldError]:
    """The keys of a map that cannot be stored with their values. One that is no name itself is told of by the map's."""
    found = {}
    for key, value in entries.items():
        error = next(json_errors({key: value}, path), None)
        if error is not None:
            found[key] = FieldError(path if error.field == path else f"{path}.{key}", error.violation)
    return found
