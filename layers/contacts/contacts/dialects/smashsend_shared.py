"""What both versions of SMASHSEND's API share: how ids are written, and the refusal of the other version's bodies.

An id is a prefix and the UUID as 22 digits to the base of 62: like native ids, these ids sort by time of creation.
"""

import re
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final
from uuid import UUID

from contacts.core.errors import FieldError, InvalidInput
from contacts.core.violations import FieldErrorCode, Violation

_DIGITS: Final = digits + ascii_uppercase + ascii_lowercase
"""In the order of their ASCII codes."""
_LENGTH: Final = 22
"""Digits: 62 to the power of 22 is more than 2 to the power of 128."""
_NUMBER: Final = re.compile(f"[0-9A-Za-z]{{{_LENGTH}}}")


def id_out(prefix: str, native: str) -> str:
    """Returns a UUID as SMASHSEND writes ids."""
    number, written = UUID(native).int, ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return prefix + written


def id_in(prefix: str, theirs: str) -> str | None:
    """Returns the UUID of an id; None if `id_out` never returns such an id."""
    written = theirs.removeprefix(prefix)
    if len(written) == len(theirs) or not _NUMBER.fullmatch(written):
        return None
    number = 0
    for digit in written:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return str(UUID(int=number)) if number < 1 << 128 else None


def other_version(field: str, *, pinned: str, needed: str) -> InvalidInput:
    """The refusal of a body that only the other version's clients send.

    `field`: the field that shows it. `pinned`: the dialect of the key. `needed`: the dialect that has such bodies.
    """
    message = f"is of another version of this API: this key is pinned {pinned}, such a body needs one pinned {needed}"
    return InvalidInput([FieldError(field, Violation(FieldErrorCode.MISPLACED, message))])
