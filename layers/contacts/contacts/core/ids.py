"""How contacts are named: ids, emails, external ids, and what a `{ref}` in a path may mean."""

import re
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, Protocol

from contacts.core.text import spellings


class Randomness(Protocol):
    """A source of bytes nobody can guess."""

    def __call__(self, count: int, /) -> bytes:
        """That many bytes."""
        ...


MAX_EMAIL = 254
"""Characters; RFC 5321 §4.5.3.1.3 allows 256 for the path with its angle brackets."""

MAX_EXTERNAL_ID = 255
"""Characters: at most 1,020 bytes, so that it fits the range key of an index (1,024 bytes)."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PLAIN_EMAIL = re.compile(
    r"(?=.{1,64}@)[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]{1,63}\.|[a-z0-9]{1,30}-[a-z0-9]{1,30}\.)+[a-z]{2,63}"
)
_SPECIAL_USE = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
"""Top-level domains that no deliverable address has (IANA, "Special-Use Domain Names")."""
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")

_VERSION_7 = 0x7000
_VERSION_8 = 0x8000
_VARIANT = 0x8000_0000_0000_0000


class NameKind(StrEnum):
    """What kind of name leads to a contact."""

    EMAIL = "email"
    EXTERNAL_ID = "external_id"
    ALIAS = "alias"
    """The id of a contact that was merged into this one."""
    GATE = "gate"
    """The id of a channel and what the contact is called there, with a colon between them (`book.model`)."""


class Name(NamedTuple):
    """A name unique within its account, in the one form in which it is stored."""

    kind: NameKind
    value: str


class RefKind(StrEnum):
    """What a `{ref}` may be read as; natively `?by=` names one of them."""

    ID = "id"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"


class Ref(NamedTuple):
    """How a request names a contact, and what the name may be read as."""

    value: str
    by: tuple[RefKind, ...] = tuple(RefKind)
    """Every other reading is ruled out. An email always has an `@`, an id is always a UUID."""


def named(value: str, by: str | None) -> Ref:
    """How a request names a contact, by what it has as `by`: a `RefKind`, or nothing."""
    return Ref(value) if by is None else Ref(value, (RefKind(by),))


def uuid7(at_ms: int, random: bytes) -> str:
    """A UUID version 7 (RFC 9562 §5.7) for a moment in ms since the epoch, from 10 random bytes.

    Ids made later sort later, to the millisecond. (`uuid.uuid7` is in the standard library from 3.14 only.)
    """
    return _uuid(_VERSION_7, at_ms, random)


def derived_id(owner_id: str, text: str) -> str:
    """An id of something that belongs to the owner of a UUID version 7: for the same text always the same.

    A UUID version 8 (RFC 9562 §5.8) with the owner's time, so that it sorts as if it had been made with them.
    """
    return _uuid(_VERSION_8, made_at_ms(owner_id), sha256(f"{owner_id} {text}".encode()).digest()[:10])


def made_at_ms(some_id: str) -> int:
    """When a UUID version 7, or an id derived from one, was made, in ms since the epoch."""
    return int(some_id.replace("-", "")[:12], 16)


def _uuid(version: int, at_ms: int, random: bytes) -> str:
    bits = int.from_bytes(random, "big")
    high = (at_ms << 16) | version | (bits & 0x0FFF)
    low = _VARIANT | ((bits >> 12) & 0x3FFF_FFFF_FFFF_FFFF)
    digits = f"{(high << 64) | low:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def first_uuid7(at_ms: int) -> str:
    """The lowest id of a millisecond: every id of that moment or later sorts at or after it."""
    return uuid7(at_ms, bytes(10))


def last_uuid7(at_ms: int) -> str:
    """The highest id of a millisecond: every id of a later moment sorts after it."""
    return uuid7(at_ms, b"\xff" * 10)


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID of any version in its usual form."""
    return _UUID.fullmatch(text) is not None


def is_e164(text: str) -> bool:
    """Whether a text is an E.164 number: a plus and 2–15 digits, the first not 0."""
    return _E164.fullmatch(text) is not None


def stored_email(email: str) -> str:
    """An email in the form in which it is stored and compared: lower-case, its domain as `xn--`.

    Raises:
        ValueError: the syntax is wrong, the local part is not ASCII, or a letter of the domain would become ASCII; the
            message says what.
    """
    # Before anything is folded: KELVIN SIGN is k in lower case, GREEK VARIA a backquote in NFC.
    if not email.rpartition("@")[0].isascii():
        raise ValueError("Internationalized characters before the @-sign are not supported.")
    if email.isascii():
        if "@" not in email and "<" not in email:
            # What email-validator says, without its import.
            raise ValueError("An email address must have an @-sign.")
        if is_plain_email(plain := email.lower()):
            return plain
    return _validated(email)


def is_plain_email(email: str) -> bool:
    """Whether a lower-case email is so plain that email-validator would return it as it is.

    Most are, and need not wait for its import (30 ms of a cold start). A test holds this against the library.
    """
    return (
        len(email) <= MAX_EMAIL
        and _PLAIN_EMAIL.fullmatch(email) is not None
        and email.rpartition(".")[2] not in _SPECIAL_USE
    )


def _validated(email: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    for letter in dict.fromkeys(email.rpartition("@")[2]):
        if not letter.isascii() and _becomes_ascii(letter):
            raise ValueError(
                f"The part after the @-sign has {letter}, which only looks like an ASCII letter."
            )
    try:
        # test_environment admits `.test`, reserved for tests by RFC 2606; a domain still needs its dot.
        # strict: at most 64 characters before the @ (RFC 5321 §4.5.3.1.1).
        valid = validate_email(
            email, allow_smtputf8=False, check_deliverability=False, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    if valid.ascii_domain is None or "." not in valid.ascii_domain:
        raise ValueError("The part after the @-sign needs a dot.")
    stored = f"{valid.local_part}@{valid.ascii_domain}".lower()
    if len(stored) > MAX_EMAIL:
        raise ValueError(f"An email address has at most {MAX_EMAIL} characters.")
    return stored


def _becomes_ascii(letter: str) -> bool:
    """Whether domain names read a letter that is not ASCII as one that is (UTS 46): KELVIN SIGN as k."""
    from idna import IDNAError, uts46_remap

    try:
        return any(part.isascii() and part.isalnum() for part in uts46_remap(letter, std3_rules=False))
    except IDNAError:
        return False  # No domain may have it.


def looked_up_email(email: str) -> str | None:
    """The stored form of an email that is only looked up, or None if no stored email can equal it."""
    if email.isascii():
        return email.lower()
    try:
        return stored_email(email)
    except ValueError:
        return None


def possible_names(ref: Ref) -> Iterator[Name]:
    """The names a `{ref}` may stand for besides a contact's id, in the order in which they are tried."""
    value, by = ref
    if RefKind.ID in by and is_uuid(value):
        yield Name(NameKind.ALIAS, value.lower())
    if RefKind.EMAIL in by and "@" in value:
        email = looked_up_email(value)
        if email is not None and len(email) <= MAX_EMAIL:
            yield Name(NameKind.EMAIL, email)
    if RefKind.EXTERNAL_ID in by and 0 < len(value) <= MAX_EXTERNAL_ID:
        for spelling in spellings(value):
            yield Name(NameKind.EXTERNAL_ID, spelling)


def possible_id(ref: Ref) -> str | None:
    """The contact's id that a `{ref}` may be, if it can be one."""
    return ref.value.lower() if RefKind.ID in ref.by and is_uuid(ref.value) else None
