"""Bodies of requests about contacts: what may be sent, field by field."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from contacts.book.model import LONGEST_TAG, MAPS, MAX_LISTS, MAX_TAGS, SLUG, distinct
from contacts.core import violations
from contacts.core.errors import MAX_ERRORS_SHOWN, FieldError
from contacts.core.ids import MAX_EXTERNAL_ID, Ref, is_e164, named, stored_email
from contacts.core.json import json_values
from contacts.core.text import composed, look_alikes
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.properties.model import ContactInput
from contacts.web.bodies import COMPOSED, Body, Draft, JsonObject, clean, json_errors


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
"""Entries in an array of tags or lists as the caller sends it, repetitions included."""


def _at_most(limit: int) -> AfterValidator:
    def checked(values: list[str]) -> list[str]:
        kept = list(distinct(values))
        if len(kept) > limit:
            raise InvalidValue(violations.more_values_than(limit, len(kept)))
        return kept

    return AfterValidator(checked)


Email = Annotated[str, AfterValidator(_email)]
Phone = Annotated[str, AfterValidator(_phone)]
ExternalId = Annotated[str, Field(min_length=1, max_length=MAX_EXTERNAL_ID), AfterValidator(clean), COMPOSED]
PersonName = Annotated[str, Field(max_length=255), AfterValidator(clean), COMPOSED]
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG), AfterValidator(clean), COMPOSED]
Slug = Annotated[str, Field(pattern=f"^{SLUG}$")]
Tags = Annotated[list[Tag], Field(max_length=MAX_ENTRIES), _at_most(MAX_TAGS)]
Lists = Annotated[list[Slug], Field(max_length=MAX_ENTRIES), _at_most(MAX_LISTS)]


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
    def joint_errors(cls, given: Mapping[str, object]) -> list[FieldError]:
        """The keys of a map that look like another key of it."""
        maps = ((name, given[name]) for name in MAPS if name in given)
        found = (error for name, one in maps if isinstance(one, dict) for error in _twice(one, name).values())
        return list(islice(found, MAX_ERRORS_SHOWN + 1))

    @classmethod
    def split(
        cls, given: Mapping[str, Any], errors: Sequence[FieldError]
    ) -> tuple[dict[str, Any], list[FieldError]]:
        """Returns the valid fields of a body, and the errors of the others.

        Of a map only the invalid keys are rejected; the whole map if it has no valid key or too many values.
        """
        maps = [name for name in MAPS if isinstance(given.get(name), dict)]
        fields = given.keys() - set(maps)
        of_fields = [one for one in errors if one.field in fields or one.field.partition(".")[0] not in maps]
        accepted, rejected = super().split(given, of_fields)
        for name in maps:
            if json_values((given[name],), cls.most_values) > cls.most_values:
                rejected += [error for error in errors if error.field == name]
                del accepted[name]
                continue
            wrong = _wrong_keys(given[name], name)
            rejected += wrong.values()
            if wrong:
                accepted[name] = {key: value for key, value in given[name].items() if key not in wrong}
                if not accepted[name]:
                    del accepted[name]
        return accepted, rejected

    def to_input(self) -> ContactInput:
        """What the body asks to write, still to be validated by the account's properties."""
        accepted = self.accepted
        accepted |= {name: _with_composed_keys(accepted[name]) for name in MAPS if accepted.get(name)}
        return ContactInput(accepted, self.rejected, self.errors)


class NewContact(ContactFields):
    """A contact to be created. It needs an email or an external_id."""


class ContactChange(ContactFields):
    """Fields to change: absent keeps, null clears (but keeps `is_active` and `is_unsubscribed`)."""

    remove_tags: Tags | None = None
    remove_lists: Lists | None = None


def _twice(entries: Mapping[str, Any], path: str) -> dict[str, FieldError]:
    """Returns the keys of a map that are spelled in another way than a key before them and look the same."""
    keys = (key for key in entries if violations.text_violation(key) is None)
    return {key: FieldError(f"{path}.{key}", violations.KEY_GIVEN_TWICE) for key in look_alikes(keys)}


def _with_composed_keys(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the map with its keys composed. A key that was sent in another spelling is to be removed in that one."""
    found: dict[str, Any] = {}
    for key, value in entries.items():
        if (form := composed(key)) != key:
            found[key] = None
        found[form] = value
    return found


def _wrong_keys(entries: Mapping[str, Any], path: str) -> dict[str, FieldError]:
    """Returns the keys of a map that cannot be stored, with their errors.

    If a key cannot be shown, the error names the map.
    """
    found = _twice(entries, path)
    for key, value in entries.items():
        error = next(json_errors({key: value}, path), None)
        if error is not None:
            found[key] = FieldError(path if error.field == path else f"{path}.{key}", error.violation)
    return found


class MergeSource(Body):
    """Which contact is to be merged into the one of the path; `by` says how `from` is to be read."""

    from_: Annotated[str, Field(min_length=1, alias="from"), AfterValidator(clean)]
    by: Literal["id", "email", "external_id"] | None = None

    @property
    def ref(self) -> Ref:
        """The name of the contact to merge, as `by` reads it."""
        return named(self.from_, self.by)
