"""Contact properties (typed custom fields): their types, the values they take, and how the API shows them.

Every function that writes contacts loads this module.
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
from contacts.core.errors import FieldError
from contacts.core.violations import FieldErrorCode, Violation, never_changes

MAX_NAME: Final = 64
"""Characters."""
_OPTIONS_NAMED: Final = 20
"""A refusal names the options of an enum up to so many."""


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
    """One of the property's options, letter by letter."""
    OBJECT = "object"
    ARRAY = "array"


class ValueRule(NamedTuple):
    """What the values of a property are checked by."""

    type: PropertyType
    options: tuple[str, ...] = ()
    """Of an enum."""
    is_archived: bool = False
    """The values of an archived property are no longer checked."""


def is_property_name(name: str) -> bool:
    """Whether a property may have the name: 1 to 64 ASCII letters, digits, `_` and `-`, the first a letter.

    No dot, so that `custom_fields.<name>` means one thing in an error. A key that cannot be a name is never looked up.
    """
    return (
        0 < len(name) <= MAX_NAME
        and name.isascii()
        and name[0].isalpha()
        and name.replace("_", "0").replace("-", "0").isalnum()
    )


def objection(value: object, rule: ValueRule) -> Violation | None:
    """Why a property does not take a value, or None where it does. None, which clears, is always taken."""
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
            return isinstance(value, str) and value in rule.options
        case PropertyType.OBJECT:
            return isinstance(value, Mapping)
        case PropertyType.ARRAY:
            return isinstance(value, list | tuple)


def _is_day(text: str) -> bool:
    # `fromisoformat` takes 20260115 and 2026-W03-4 as well.
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    # `fromisoformat` takes any character between day and time, and from Python 3.14 on the hour 24.
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
"""Of an account, archived ones included: their names stay taken. Exact, whoever creates at the same moment."""
MAX_LABEL: Final = 255
"""Characters."""
MAX_DESCRIPTION: Final = 500
"""Characters."""
MAX_OPTIONS: Final = 250
"""Of an enum: as many as there are countries."""
MAX_OPTION: Final = 100
"""Characters. All options of a property together stay far below an item's 400 KB."""

CORE_FIELDS: Final = frozenset({*STORED_FIELDS, *ContactOut.__annotations__, *EDITS})
"""Names of a contact's own fields, as shown, stored or sent. No property has such a name, whatever its case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A typed custom field. Name and type never change. Its id is a UUID version 7 of the moment it was made."""

    id: str
    name: str
    """Its key in a contact's `custom_fields`."""
    label: str
    type: PropertyType
    options: tuple[str, ...] = ()
    """Of an enum, in the order in which they are offered."""
    description: str | None = None
    archived: bool = False
    created_at: str
    updated_at: str
    version: int = 1
    """How often it was written: of two writers at the same moment, one reads again."""

    @property
    def rule(self) -> ValueRule:
        """The rule by which its values are checked."""
        return ValueRule(self.type, self.options, self.archived)

    def changed(self, given: Mapping[str, Any], at: str) -> "Property":
        """The property after a change that has no `objections`: absent keeps, None clears.

        A label that is cleared is the name again.
        """
        changes = {key: value for key, value in given.items() if key not in ("name", "type")}
        if "label" in changes:
            changes["label"] = changes["label"] or self.name
        if "options" in changes:
            changes["options"] = tuple(changes["options"] or ())
        after = replace(self, **changes)
        return replace(after, updated_at=self.updated_at if after == self else at, version=self.version + 1)

    def objections(self, given: Mapping[str, Any]) -> list[FieldError]:
        """The errors of a change that this property does not allow: another name or type, options its type lacks."""
        errors = [
            FieldError(field, never_changes(getattr(self, field)))
            for field in ("name", "type")
            if field in given and given[field] != getattr(self, field)
        ]
        wrong = wrong_options(self.type, given["options"]) if "options" in given else None
        return errors if wrong is None else [*errors, FieldError("options", wrong)]


def name_objection(name: str) -> Violation | None:
    """Why a property cannot have a well-formed name, if it cannot."""
    if name.lower() not in CORE_FIELDS:
        return None
    return Violation(FieldErrorCode.RESERVED, f"cannot be {name}: every contact has a field of that name")


def wrong_options(kind: PropertyType, options: Sequence[str] | None) -> Violation | None:
    """What is wrong with options, or the lack of them, for a type, if anything is."""
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
