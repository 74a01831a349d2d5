"""Cursors: where a walk through a list stands, bound to the list's query and account.

A cursor is base64url of a fingerprint of account and query (8 bytes) and of a place in the list: mostly the id of the
last thing seen, and what else it takes to go on from there. It opens nothing: the account always comes from the key.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container
from hashlib import sha256
from typing import Final
from uuid import UUID

from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.violations import FieldErrorCode, Violation

_FINGERPRINT_BYTES: Final = 8
_ID_BYTES: Final = 16
_PLACE_BYTES: Final = range(_ID_BYTES, 1529)
"""Of a place that begins with an id: a cursor has up to 2,048 characters."""
_NOT_A_CURSOR: Final = Violation(FieldErrorCode.INVALID_CURSOR, "is not a next_cursor of this API")
_OF_ANOTHER_LIST: Final = Violation(FieldErrorCode.INVALID_CURSOR, "belongs to a list with other parameters")


def fingerprint(*query: object) -> bytes:
    """What stands for a query in its cursors."""
    return sha256(repr(query).encode()).digest()[:_FINGERPRINT_BYTES]


def sealed(query: bytes, place: bytes) -> str:
    """The cursor of a place in the list of a query."""
    return urlsafe_b64encode(query + place).decode().rstrip("=")


def opened(query: bytes, cursor: str, sizes: Container[int], parameter: str = "cursor") -> bytes:
    """The place that a cursor stands for; `sizes`: how many bytes it may have, `parameter`: what the cursor came in.

    Raises:
        InvalidInput: it is no cursor of ours, or one of another query.
    """
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:  # no base64
        raise not_ours(parameter) from None
    its_query, place = content[:_FINGERPRINT_BYTES], content[_FINGERPRINT_BYTES:]
    if len(place) not in sizes or sealed(its_query, place) != cursor:
        raise not_ours(parameter)
    if its_query != query:
        raise InvalidInput([FieldError(parameter, _OF_ANOTHER_LIST)])
    return place


def to_cursor(query: bytes, last_id: str, rest: bytes = b"") -> str:
    """The cursor to go on with after the thing with an id."""
    return sealed(query, UUID(last_id).bytes + rest)


def from_cursor(query: bytes, cursor: str, parameter: str = "cursor") -> str:
    """The id of the thing to go on after; `parameter` is what the cursor came in.

    Raises:
        InvalidInput: it is no cursor of ours, or one of another query.
    """
    last_id, rest = place_from_cursor(query, cursor, parameter)
    if rest:
        raise not_ours(parameter)
    return last_id


def place_from_cursor(query: bytes, cursor: str, parameter: str = "cursor") -> tuple[str, bytes]:
    """The id of the thing to go on after, and what else the cursor holds.

    Raises:
        InvalidInput: it is no cursor of ours, or one of another query.
    """
    place = opened(query, cursor, _PLACE_BYTES, parameter)
    return str(UUID(bytes=place[:_ID_BYTES])), place[_ID_BYTES:]


def not_ours(parameter: str = "cursor") -> InvalidInput:
    """What to raise for a cursor that this API never made."""
    return InvalidInput([FieldError(parameter, _NOT_A_CURSOR)])
