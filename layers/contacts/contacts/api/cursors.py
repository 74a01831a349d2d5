"""Cursors: where a walk through a list stands, bound to the list's query and account.

A cursor is base64url of 24 bytes or more: a fingerprint of account and query, the id of the last thing seen, and what
else it takes to go on from there. It holds no secret and opens nothing: the account always comes from the key.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import UUID

from contacts.domain.errors import FieldError, InvalidInput

_FINGERPRINT_BYTES: Final = 8
_ID_BYTES: Final = 16
_CURSOR = re.compile(r"[A-Za-z0-9_-]{32,2048}")


def fingerprint(*query: object) -> bytes:
    """What stands for a query in its cursors."""
    return sha256(repr(query).encode()).digest()[:_FINGERPRINT_BYTES]


def to_cursor(query: bytes, last_id: str, rest: bytes = b"") -> str:
    """The cursor to go on with after the thing with an id."""
    return urlsafe_b64encode(query + UUID(last_id).bytes + rest).decode().rstrip("=")


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
    if not _CURSOR.fullmatch(cursor) or len(cursor) % 4 == 1:
        raise not_ours(parameter)
    content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    if content[:_FINGERPRINT_BYTES] != query:
        raise InvalidInput([FieldError(parameter, "belongs to a list with other parameters")])
    end = _FINGERPRINT_BYTES + _ID_BYTES
    return str(UUID(bytes=content[_FINGERPRINT_BYTES:end])), content[end:]


def not_ours(parameter: str) -> InvalidInput:
    """What to raise for a cursor that this API never made."""
    return InvalidInput([FieldError(parameter, "is not a next_cursor of this API")])
