"""Typed custom fields: which values a property takes.

What a contact is checked by, and no more: every function that writes contacts loads this. What a property is besides
stands in `property_definitions`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from contacts.domain import violations
from contacts.domain.violations import FieldErrorCode, Violation

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
