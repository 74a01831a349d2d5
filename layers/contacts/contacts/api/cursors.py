"""Cursors: where a walk through a list stands, bound to the list's query and account.

A cursor is 24 bytes in base64url: a fingerprint of account and query, and the id of the last contact seen. It
holds no secret and opens nothing: the account always comes from the key.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import UUID

from contacts.domain.errors import FieldError, InvalidInput

_FINGERPRINT_BYTES: Final = 8
_CURSOR = re.compile(r"[A-Za-z0-9_-]{32}")


def fingerprint(*query: object) -> bytes:
    """What stands for a query in its cursors."""
    return sha256(repr(query).encode()).digest()[:_FINGERPRINT_BYTES]


def to_cursor(query: bytes, contact_id: str) -> str:
    """The cursor to go on with after a contact."""
    return urlsafe_b64encode(query + UUID(contact_id).bytes).decode()


def from_cursor(query: bytes, cursor: str, parameter: str = "cursor") -> str:
    """The id of the contact to go on after; `parameter` is what the cursor came in.

    Raises:
        InvalidInput: it is no cursor of ours, or one of another query.
    """
    if not _CURSOR.fullmatch(cursor):
        raise InvalidInput([FieldError(parameter, "is not a next_cursor of this API")])
    content = urlsafe_b64decode(cursor)
    if content[:_FINGERPRINT_BYTES] != query:
        raise InvalidInput([FieldError(parameter, "belongs to a list with other parameters")])
    return str(UUID(bytes=content[_FINGERPRINT_BYTES:]))
