"""What may stand in a contact's free JSON: `custom_fields` and `metadata`."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from contacts.domain import violations
from contacts.domain.errors import FieldError
from contacts.domain.numbers import is_storable
from contacts.domain.violations import FieldErrorCode, Violation

MAX_NESTING: Final = 20
MAX_KEY: Final = 255
"""Characters."""
_TOO_DEEP: Final = Violation(
    FieldErrorCode.TOO_DEEP, f"is nested more than {MAX_NESTING} levels deep", MAX_NESTING
)
_NOT_STORABLE: Final = Violation(
    FieldErrorCode.OUT_OF_RANGE, "must be a number of at most 38 significant digits within ±9.99E125"
)


def text_violation(text: str) -> Violation | None:
    """What is wrong with a string, if anything: NUL, or half of a surrogate pair, which no UTF-8 can hold."""
    if "\0" in text:
        return violations.HAS_NUL
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return violations.NOT_UNICODE
    return None


def json_errors(value: object, path: str, depth: int = 1) -> Iterator[FieldError]:
    """Everything in a JSON value that cannot be stored, with its path."""
    if isinstance(value, str):
        wrong = text_violation(value)
        if wrong:
            yield FieldError(path, wrong)
    elif isinstance(value, dict | list):
        if depth > MAX_NESTING:
            yield FieldError(path, _TOO_DEEP)
            return
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            if isinstance(key, str):
                wrong = text_violation(key) or (
                    None if 0 < len(key) <= MAX_KEY else violations.wrong_length(key, MAX_KEY)
                )
                if wrong:
                    message = f"has a key that {wrong.message}"
                    yield FieldError(path, Violation(FieldErrorCode.INVALID_KEY, message))
                    continue
            yield from json_errors(entry, f"{path}.{key}", depth + 1)
    elif isinstance(value, int | float | Decimal) and not is_storable(value):
        yield FieldError(path, _NOT_STORABLE)
