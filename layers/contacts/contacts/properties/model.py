"""Contact properties: typed custom fields.

First the rules by which the values of contacts are validated, then the definition of a property.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from contacts.book.model import EDITS, STORED_FIELDS, ContactOut
from contacts.core import violations
from contacts.core.answers import Moment, PageOut, Uuid
from contacts.core.errors import MAX_ERRORS_SHOWN, FieldError, InvalidInput
from contacts.core.text import composed
from contacts.core.violations import FieldErrorCode, Violation, never_changes

MAX_NAME: Final = 64
"""Characters."""
_OPTIONS_NAMED: Final = 20
"""An error names the options of an enum, up to this many."""


class PropertyType(StrEnum):
    """What the values of a property are."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    """`2026-01-15`, a day that exists."""
    DATETIME = "datetime"
    """ISO 8601 with a time zone: `2026-01-15T10:30:00Z`."""
    ENUM = "enum"
    """One of the property's options, in any spelling of its letters."""
    OBJECT = "object"
    ARRAY = "array"


class ValueRule(NamedTuple):
    """The rule by which a property's values are validated."""

    type: PropertyType
    options: tuple[str, ...] = ()
    """The options of an enum."""
    is_archived: bool = False
    """The values of an archived property are not validated."""


def is_property_name(name: str) -> bool:
    """Whether a property may have the name: 1 to 64 ASCII letters, digits, `_` and `-`, the first a letter.

    A name has no dot, so `custom_fields.<name>` is unambiguous in an error. Other keys of custom fields are never read.
    """
    return (
        0 < len(name) <= MAX_NAME
        and name.isascii()
        and name[0].isalpha()
        and name.replace("_", "0").replace("-", "0").isalnum()
    )


def objection(value: object, rule: ValueRule) -> Violation | None:
    """The violation of a value; None: the value is valid. None, which clears a field, is always valid."""
    if value is None or rule.is_archived or _is_taken(value, rule):
        return None
    if rule.type is PropertyType.ENUM:
        return _none_of(rule.options)
    return _VIOLATIONS[rule.type]


def _is_taken(value: object, rule: ValueRule) -> bool:
    match rule.type:
        case PropertyType.STRING:
            return isinstance(value, str)
        case PropertyType.NUMBER:
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case PropertyType.BOOLEAN:
            return isinstance(value, bool)
        case PropertyType.DATE:
            return isinstance(value, str) and _is_day(value)
        case PropertyType.DATETIME:
            return isinstance(value, str) and _is_moment(value)
        case PropertyType.ENUM:
            return isinstance(value, str) and composed(value) in map(composed, rule.options)
        case PropertyType.OBJECT:
            return isinstance(value, Mapping)
        case PropertyType.ARRAY:
            return isinstance(value, list | tuple)


def _is_day(text: str) -> bool:
    # `fromisoformat` also accepts 20260115 and 2026-W03-4.
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    # `fromisoformat` also accepts any character between day and time, and from Python 3.14 on the hour 24.
    if text[10:11] != "T" or text[11:13] == "24" or not _is_day(text[:10]):
        return False
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _none_of(options: Sequence[str]) -> Violation:
    if len(options) > _OPTIONS_NAMED:
        message = f"must be one of the {len(options)} options of this property"
        return Violation(FieldErrorCode.NOT_ALLOWED, message)
    return violations.not_one_of(options)


_VIOLATIONS: Final = {
    PropertyType.STRING: violations.NOT_STRING,
    PropertyType.NUMBER: violations.NOT_NUMBER,
    PropertyType.BOOLEAN: violations.NOT_BOOLEAN,
    PropertyType.DATE: Violation(FieldErrorCode.INVALID_FORMAT, "must be a day such as 2026-01-15"),
    PropertyType.DATETIME: Violation(
        FieldErrorCode.INVALID_FORMAT,
        "must be an ISO 8601 timestamp with a time zone, such as 2026-01-15T10:30:00Z",
    ),
    PropertyType.OBJECT: violations.NOT_OBJECT,
    PropertyType.ARRAY: violations.NOT_ARRAY,
}

MAX_PROPERTIES: Final = 500
"""Properties of an account, archived ones included: their names stay taken. Exact under concurrent creates."""
MAX_LABEL: Final = 255
"""Characters."""
MAX_DESCRIPTION: Final = 500
"""Characters."""
MAX_OPTIONS: Final = 250
"""Options of an enum: enough for all countries."""
MAX_OPTION: Final = 100
"""Characters of an option. All options together stay far below an item's 400 KB."""

CORE_FIELDS: Final = frozenset({*STORED_FIELDS, *ContactOut.__annotations__, *EDITS})
"""Fields that every contact has, in responses, items or requests. No property has such a name, in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A typed custom field. Name and type never change. Its id is a UUID version 7 of the time it was made."""

    id: str
    name: str
    """Its key in a contact's `custom_fields`."""
    label: str
    type: PropertyType
    options: tuple[str, ...] = ()
    """The options of an enum, in the account's order."""
    description: str | None = None
    archived: bool = False
    created_at: str
    updated_at: str
    version: int = 1
    """How often it was written. A change checks that the version is still as it was read."""

    @property
    def rule(self) -> ValueRule:
        """The rule by which its values are validated."""
        return ValueRule(self.type, self.options, self.archived)

    def changed(self, given: Mapping[str, Any], at: str) -> "Property":
        """The property after a change without `objections`: absent fields keep their values, None clears.

        A cleared label is the name again. `at`: now, ISO.
        """
        changes = {key: value for key, value in given.items() if key not in ("name", "type")}
        if "label" in changes:
            changes["label"] = changes["label"] or self.name
        if "options" in changes:
            changes["options"] = tuple(changes["options"] or ())
        after = replace(self, **changes)
        return replace(after, updated_at=self.updated_at if after == self else at, version=self.version + 1)

    def objections(self, given: Mapping[str, Any]) -> list[FieldError]:
        """The errors of a change: another name or type, or options that its type does not have."""
        errors = [
            FieldError(field, never_changes(getattr(self, field)))
            for field in ("name", "type")
            if field in given and given[field] != getattr(self, field)
        ]
        wrong = wrong_options(self.type, given["options"]) if "options" in given else None
        return errors if wrong is None else [*errors, FieldError("options", wrong)]


def name_objection(name: str) -> Violation | None:
    """The violation of a well-formed name; None: a property may have it."""
    if name.lower() not in CORE_FIELDS:
        return None
    return Violation(FieldErrorCode.RESERVED, f"cannot be {name}: every contact has a field of that name")


def wrong_options(kind: PropertyType, options: Sequence[str] | None) -> Violation | None:
    """The violation of a type's options, or of their absence; None: they are valid."""
    if kind is PropertyType.ENUM:
        if options:
            return None
        return Violation(FieldErrorCode.REQUIRED, "an enum needs at least one option")
    if options is None:
        return None
    message = f"only an enum has options, and this is a property of type {kind}"
    return Violation(FieldErrorCode.MISPLACED, message)


class PropertyOut(TypedDict):
    """A typed custom field."""

    id: Uuid
    name: str
    """Its key in `custom_fields`; it never changes."""
    label: str
    type: Annotated[str, PropertyType]
    options: NotRequired[list[str]]
    """Of an enum only."""
    description: str | None
    archived: bool
    """Whether its values are no longer checked."""
    created_at: Moment
    updated_at: Moment
    test_mode: NotRequired[Literal[True]]


class ArchivedPropertyOut(TypedDict):
    """A property that is checked no longer; its values stay."""

    deleted: Literal[True]
    id: Uuid
    archived: Literal[True]


class PropertyPageOut(PageOut):
    """A page of properties, oldest first."""

    data: list[PropertyOut]


def property_out(one: Property) -> PropertyOut:
    """A property as callers see it; only an enum has `options`."""
    shown: PropertyOut = {
        "id": one.id,
        "name": one.name,
        "label": one.label,
        "type": str(one.type),
        "options": list(one.options),
        "description": one.description,
        "archived": one.archived,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
    if one.type is not PropertyType.ENUM:
        del shown["options"]
    return shown


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
