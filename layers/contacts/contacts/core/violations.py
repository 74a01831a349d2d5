"""What can be wrong with a value: a code for programs, and a message for people.

A message goes on after the name of its field: `email` + `is required`. Messages are shown by the native API and by
some dialects, so a changed word is a changed API. Codes are internal: the native API does not show them, dialects map
them to what their vendor says.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple


class FieldErrorCode(StrEnum):
    """Why a value is refused. `dialects/artamail.py` has a word for each, and a test sees to that."""

    REQUIRED = "required"
    """It is missing, or null where it must not be."""
    UNKNOWN = "unknown"
    """The request has no field or parameter of that name."""
    MISPLACED = "misplaced"
    """It does not go with what else was sent."""
    WRONG_TYPE = "wrong_type"
    """It is of another JSON type."""
    NOT_JSON = "not_json"
    """The body is not a JSON document in UTF-8."""
    INVALID_FORMAT = "invalid_format"
    """A text of the right type is not written as it should be: a slug, a timestamp, an ETag."""
    INVALID_EMAIL = "invalid_email"
    INVALID_URL = "invalid_url"
    """It cannot be a webhook's URL."""
    INVALID_CURSOR = "invalid_cursor"
    """It is no cursor of this list."""
    INVALID_CHARACTERS = "invalid_characters"
    """It holds characters that cannot be stored."""
    INVALID_KEY = "invalid_key"
    """An object has a key that cannot be stored."""
    NOT_ALLOWED = "not_allowed"
    """It is none of the values to choose from."""
    OUT_OF_RANGE = "out_of_range"
    """A number or a moment is too small or too large."""
    OFFSET_TOO_LARGE = "offset_too_large"
    """A page begins further on than one request may go. `limit`: contacts."""
    TOO_LONG = "too_long"
    """`limit`: characters, bytes or words, as the message says."""
    TOO_SHORT = "too_short"
    TOO_MANY = "too_many"
    """An array, an object or a contact has more entries than `limit`."""
    TOO_FEW = "too_few"
    TOO_DEEP = "too_deep"
    """JSON is nested in more than `limit` levels."""
    DUPLICATE = "duplicate"
    """It is given more than once."""
    IMMUTABLE = "immutable"
    """It never changes."""
    RESERVED = "reserved"
    """The name already means something else."""
    TAKEN = "taken"
    """The value belongs to another contact."""
    UNREACHABLE = "unreachable"
    """Without it no name leads to the contact."""
    NOT_FOUND = "not_found"
    """It names something that does not exist."""
    OTHER = "other"
    """Anything else."""


class Violation(NamedTuple):
    """What is wrong with a value, whatever its field is called."""

    code: FieldErrorCode
    message: str
    limit: int | None = None
    """The bound that it exceeds, where dialects have words for that."""


class InvalidValue(ValueError):
    """Raised when a value cannot be read; its text is the message of its violation."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.message)
        self.violation = violation


REQUIRED: Final = Violation(FieldErrorCode.REQUIRED, "is required")
BODY_MISSING: Final = Violation(FieldErrorCode.REQUIRED, "is missing; a JSON object is expected")
BODY_NOT_OBJECT: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be a JSON object")
BODY_NOT_UTF8: Final = Violation(FieldErrorCode.NOT_JSON, "is not UTF-8")
BODY_TOO_DEEP: Final = Violation(FieldErrorCode.NOT_JSON, "is nested too deeply")

UNKNOWN_FIELD: Final = Violation(FieldErrorCode.UNKNOWN, "is no field of this request")

NOT_STRING: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be a string")
NOT_NUMBER: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be a number")
NOT_WHOLE_NUMBER: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be a whole number")
NOT_BOOLEAN: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be true or false")
NOT_OBJECT: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be an object")
NOT_ARRAY: Final = Violation(FieldErrorCode.WRONG_TYPE, "must be an array")

NOT_SLUG: Final = Violation(
    FieldErrorCode.INVALID_FORMAT, "must be a slug: lower-case letters, digits, - and _, 1 to 100 characters"
)
NOT_UNICODE: Final = Violation(
    FieldErrorCode.INVALID_CHARACTERS, "must be valid Unicode, without lone surrogates"
)
HAS_NUL: Final = Violation(FieldErrorCode.INVALID_CHARACTERS, "must not contain the character NUL")

GIVEN_TWICE: Final = Violation(FieldErrorCode.DUPLICATE, "is given more than once")
KEY_GIVEN_TWICE: Final = Violation(FieldErrorCode.DUPLICATE, "is given twice in one object")
TAKEN: Final = Violation(FieldErrorCode.TAKEN, "belongs to another contact")
UNREACHABLE: Final = Violation(FieldErrorCode.UNREACHABLE, "a contact needs an email or an external_id")
NO_ACCOUNT: Final = Violation(FieldErrorCode.NOT_FOUND, "no account has this id")


def not_json(why: str) -> Violation:
    """A body that no JSON parser reads."""
    return Violation(FieldErrorCode.NOT_JSON, f"is not JSON: {why}")


def not_an_email(why: str) -> Violation:
    """An email with wrong syntax; `why`: a sentence, for people."""
    return Violation(FieldErrorCode.INVALID_EMAIL, f"is not an email address: {why}")


def not_one_of(values: Iterable[str]) -> Violation:
    """A value that is none of those to choose from."""
    return Violation(FieldErrorCode.NOT_ALLOWED, f"must be one of {', '.join(values)}")


def less_than(least: int) -> Violation:
    """A number below its lower bound, which is allowed itself."""
    return Violation(FieldErrorCode.OUT_OF_RANGE, f"must be at least {least}")


def more_than(most: int) -> Violation:
    """A number above its upper bound, which is allowed itself."""
    return Violation(FieldErrorCode.OUT_OF_RANGE, f"must be at most {most}", most)


def longer_than(most: int, unit: str = "characters") -> Violation:
    """A text with more characters (bytes, words) than it may have."""
    return Violation(FieldErrorCode.TOO_LONG, f"must have at most {most} {unit}", most)


def wrong_length(text: str, most: int) -> Violation:
    """A text that is empty, or has more characters than it may have."""
    return Violation(
        FieldErrorCode.TOO_LONG if text else FieldErrorCode.TOO_SHORT,
        f"must have 1 to {most} characters",
        most,
    )


def more_values_than(most: int, count: int, what: str = "kept") -> Violation:
    """An array of `count` values; `what` happens to the first `most` of them at most."""
    return Violation(FieldErrorCode.TOO_MANY, f"has {count:,} values; at most {most:,} are {what}", most)


def more_json_than(most: int) -> Violation:
    """A JSON object that holds more values than it may, those inside others counted."""
    return Violation(
        FieldErrorCode.TOO_MANY, f"has more than {most:,} values, those inside others counted", most
    )


def contact_with_more_than(most: int, what: str) -> Violation:
    """Tags or lists to add to a contact that would have too many then."""
    return Violation(FieldErrorCode.TOO_MANY, f"the contact would have more than {most} {what}", most)


def never_changes(value: str) -> Violation:
    """Another value for a field that keeps the one it has."""
    return Violation(FieldErrorCode.IMMUTABLE, f"never changes: it is {value}")


def another_beginning(other: str) -> Violation:
    """A second parameter that says where a page begins, besides `other`."""
    return Violation(FieldErrorCode.MISPLACED, f"says where to begin, and so does {other}: send one of them")


def offset_beyond(most: int) -> Violation:
    """An offset that would skip more contacts than one request may."""
    message = f"must be at most {most:,}; go further with cursor, or page by page"
    return Violation(FieldErrorCode.OFFSET_TOO_LARGE, message, most)


def text_violation(text: str) -> Violation | None:
    """What is wrong with a string, if anything: NUL, or half of a surrogate pair, which no UTF-8 can hold."""
    if "\0" in text:
        return HAS_NUL
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return NOT_UNICODE
    return None
