"""Every key of the table: the only file with a `#` in a string.

Account and contact ids are UUIDs and hold no `#`; a name stands last in its key, so it may hold anything.
`docs/data-model.md` shows each key with a literal example; a test holds the examples against this file.
"""

from typing import NamedTuple

from contacts.domain.identity import Name

EXPRESSION_NAME = "#"
"""What a placeholder for an attribute name begins with in an expression."""

_CONTACT = "CONTACT#"


class Key(NamedTuple):
    """The primary key of one item."""

    PK: str
    SK: str


def account(account_id: str) -> Key:
    """`ACCOUNT#<a>` / `ACCOUNT`: an account."""
    return Key(f"ACCOUNT#{account_id}", "ACCOUNT")


def api_key(key_hash: str) -> Key:
    """`KEY#<sha256>` / `KEY`: an API key, found by the hash of what the caller sent."""
    return Key(f"KEY#{key_hash}", "KEY")


def listed_api_key(account_id: str, key_id: str) -> Key:
    """`ACCOUNT#<a>#KEYS` / `<key id>`: the same key in its account's listing."""
    return Key(f"ACCOUNT#{account_id}#KEYS", key_id)


def usage(account_id: str, hour: str) -> Key:
    """`ACCOUNT#<a>#USAGE` / `2026-01-15T10`: the requests of one hour."""
    return Key(f"ACCOUNT#{account_id}#USAGE", hour)


def contacts(account_id: str) -> str:
    """`ACCOUNT#<a>#0`: the partition of an account's contacts."""
    return f"ACCOUNT#{account_id}#0"


def contact(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#0` / `CONTACT#<c>`: a contact."""
    return Key(contacts(account_id), f"{_CONTACT}{contact_id}")


def contact_id(key: Key) -> str:
    """The id of the contact a key belongs to."""
    return key.SK.removeprefix(_CONTACT)


def claim(account_id: str, name: Name) -> Key:
    """`ACCOUNT#<a>#EMAIL#<email>`, `…#EXTERNAL_ID#<id>`, `…#ALIAS#<merged id>` / `CLAIM`: who has a name."""
    return Key(f"ACCOUNT#{account_id}#{name.kind.upper()}#{name.value}", "CLAIM")


def trash(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#TRASH` / `CONTACT#<c>`: a deleted contact that can come back."""
    return Key(f"ACCOUNT#{account_id}#TRASH", f"{_CONTACT}{contact_id}")


def tombstone(account_id: str, contact_id: str) -> Key:
    """`ACCOUNT#<a>#TRASH` / `ERASED#<c>`: a contact was erased; no personal data."""
    return Key(f"ACCOUNT#{account_id}#TRASH", f"ERASED#{contact_id}")


def idempotency(account_id: str, idempotency_key: str) -> Key:
    """`ACCOUNT#<a>#IDEMPOTENCY#<key>` / `REQUEST`: what a request with this Idempotency-Key did."""
    return Key(f"ACCOUNT#{account_id}#IDEMPOTENCY#{idempotency_key}", "REQUEST")


def idempotency_pointer(account_id: str, contact_id: str, idempotency_key: str) -> Key:
    """`ACCOUNT#<a>#CONTACT#<c>` / `IDEMPOTENCY#<key>`: leads erasure to the records that hold a contact."""
    return Key(f"ACCOUNT#{account_id}#{_CONTACT}{contact_id}", f"IDEMPOTENCY#{idempotency_key}")
