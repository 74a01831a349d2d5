"""What an operation did: the thing an Idempotency-Key remembers and a replay repeats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from contacts.book.model import Contact
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Name
from contacts.core.time import iso


class Action(StrEnum):
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

    action: Action
    contact: Contact | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_replay: bool = False
    secrets: Mapping[str, object] = field(default_factory=dict)
    """Shown once in the first answer, never recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two live contacts as they were read, and what becomes of the one that stays."""

    winner: Contact
    loser: Contact
    after: Contact
    at_ms: int
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Preconditions:
    """If-Match and Idempotency-Key of a request.

    `versions`: the versions a change may be applied to (empty: any); `receipt`: carry it out once.
    """

    versions: Sequence[int] = ()
    idempotency_key: IdempotencyKey | None = None


UNCONDITIONAL: Final = Preconditions()


class ContactState(StrEnum):
    """Where a contact stands."""

    LIVE = "live"
    DELETED = "deleted"
    """In the trash; comes back with restore, or leaves when its days are over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a name. `expires_at` (seconds since the epoch) only where the contact is in the trash."""

    contact_id: str
    state: ContactState
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A contact going from one state to another together with everything that must change with it.

    `before` None: there was none; `after` None: it is erased.
    """

    before: Contact | None
    was: ContactState | None
    after: Contact | None
    becomes: ContactState | None
    at_ms: int
    lost: frozenset[Name] = frozenset()
    """Names of a contact in the trash that other contacts have taken since."""
    spares_trashed: frozenset[Name] = frozenset()
    """Names that are not to be taken from a contact in the trash."""
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None

    @property
    def taken_emails(self) -> frozenset[str]:
        """The addresses that the contact did not have before."""
        had = frozenset[str]() if self.before is None else self.before.without(self.lost).emails
        return frozenset() if self.after is None else self.after.emails - had

    def opted_out(self) -> "Transition":
        """The move with a contact that has opted out afterwards."""
        assert self.after is not None, "only a contact can opt out"
        after = self.after.opted_out(iso(self.at_ms))
        outcome = self.outcome if self.outcome.contact is None else replace(self.outcome, contact=after)
        return replace(self, after=after, outcome=outcome)


class NamesNotFree(Exception):
    """Raised by a store when claims stand in the way of a move; nothing was written."""

    def __init__(self, claims: Mapping[Name, Claim | None]) -> None:
        super().__init__("names not free")
        self.claims = dict(claims)

    def live_owners(self) -> list[tuple[str, str]]:
        """Each kind of name that a live contact has, with the contact's id."""
        return sorted(
            (str(name.kind), claim.contact_id)
            for name, claim in self.claims.items()
            if claim is not None and claim.state is ContactState.LIVE
        )


class VersionDiffers(Exception):
    """Raised by a store when the contact has another version than the caller asked for; nothing was written."""


class Absent(Exception):
    """Raised by a store when no live contact has that id (or no longer that name); nothing was written."""


class NotInPlace(Exception):
    """Raised by a store when a change cannot be made without reading first; nothing was written."""
