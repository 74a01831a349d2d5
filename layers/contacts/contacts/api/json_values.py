"""What may stand in a contact's free JSON: `custom_fields` and `metadata`."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from contacts.domain.errors import FieldError
from contacts.domain.numbers import is_storable

MAX_NESTING: Final = 20
MAX_KEY: Final = 255
"""Characters."""


def text_error(text: str) -> str | None:
    """What is wrong with a string, if anything: NUL, or half of a surrogate pair, which no UTF-8 can hold."""
    if "\0" in text:
        return "must not contain the character NUL"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "must be valid Unicode, without lone surrogates"
    return None


def json_errors(value: object, path: str, depth: int = 1) -> Iterator[FieldError]:
    """Everything in a JSON value that cannot be stored, with its path."""
    if isinstance(value, str):
        wrong = text_error(value)
        if wrong:
            yield FieldError(path, wrong)
    elif isinstance(value, dict | list):
        if depth > MAX_NESTING:
            yield FieldError(path, f"is nested more than {MAX_NESTING} levels deep")
            return
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            if isinstance(key, str):
                wrong = text_error(key) or (
                    None if 0 < len(key) <= MAX_KEY else f"must have 1 to {MAX_KEY} characters"
                )
                if wrong:
                    yield FieldError(path, f"has a key that {wrong}")
                    continue
            yield from json_errors(entry, f"{path}.{key}", depth + 1)
    elif isinstance(value, int | float | Decimal) and not is_storable(value):
        yield FieldError(path, "must be a number of at most 38 significant digits within ±9.99E125")
