"""What an operation did: the thing an Idempotency-Key remembers and a replay repeats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from contacts.domain.contact import Contact


class Did(StrEnum):
    """What was done."""

    CREATED = "created"
    UPDATED = "updated"
    RESTORED = "restored"
    RECREATED = "recreated"
    """A create found its email in the trash and brought that contact back."""
    DELETED = "deleted"
    FOUND = "found"
    """What was to be made was there already; nothing changed."""
    MERGED = "merged"
    QUEUED = "queued"
    """It will be done in a moment, by another function."""
    RECORDED = "recorded"
    """An event of a contact is in its timeline; it goes out in a moment."""
    BEGUN = "begun"
    """A batch was begun; each of its items has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an operation on one thing.

    `contact` is the contact as it then was; `details` what else the answer says (for things that are no
    contact: all of it, without secrets).
    """

    did: Did
    contact: Contact | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_replay: bool = False
    secrets: Mapping[str, object] = field(default_factory=dict)
    """Shown once in the first answer, never recorded."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request that is to be carried out once: its Idempotency-Key and the hash of what it asks (hex)."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What an Idempotency-Key already stands for."""

    request_hash: str
    outcome: Outcome | None
    """None where the person it was about has been erased since, and the answer with them."""
