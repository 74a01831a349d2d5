"""What the book's services and stores exchange: operations, outcomes, and a store's refusals. No input or output.

In this order: outcomes (an idempotency record stores one, and a replay returns it), preconditions of a request, states
and claims, the transitions and merges that a store writes, and the exceptions that a store raises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from contacts.book.model import Contact
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Name
from contacts.core.time import iso


class Action(StrEnum):
    """What an operation did. Idempotency records store the values."""

    CREATED = "created"
    UPDATED = "updated"
    RESTORED = "restored"
    RECREATED = "recreated"
    """A create found its email in the trash and brought that contact back."""
    DELETED = "deleted"
    FOUND = "found"
    """The thing to create existed already; nothing changed."""
    MERGED = "merged"
    QUEUED = "queued"
    """Another function does it in a moment."""
    RECORDED = "recorded"
    """A custom event is in the contact's timeline; webhooks receive it in a moment."""
    BEGUN = "begun"
    """A batch has begun. Each of its items has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of an operation.

    `contact`: the contact as it was after the operation. `details`: the other members of the response; if the operation
    is not about a contact, all of them, without secrets.
    """

    action: Action
    contact: Contact | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_replay: bool = False
    secrets: Mapping[str, object] = field(default_factory=dict)
    """Shown in the first response only, and never recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge to be written: both contacts as they were read, and `after`, the winner after the merge."""

    winner: Contact
    loser: Contact
    after: Contact
    at_ms: int
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Preconditions:
    """If-Match and Idempotency-Key of a request.

    `versions`: the contact's version must be one of these (empty: any). `idempotency_key`: the operation runs once for
    it.
    """

    versions: Sequence[int] = ()
    idempotency_key: IdempotencyKey | None = None


UNCONDITIONAL: Final = Preconditions()


class ContactState(StrEnum):
    """The state of a contact. Claims store the values."""

    LIVE = "live"
    DELETED = "deleted"
    """In the trash: it can be restored for 30 days."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The contact that a name belongs to. `expires_at` (seconds since the epoch): only while it is in the trash."""

    contact_id: str
    state: ContactState
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A contact that goes from one state to another, with everything that must be written in the same transaction.

    `before` None: the contact is created. `after` None: it is erased. `was` and `becomes` are the states.
    """

    before: Contact | None
    was: ContactState | None
    after: Contact | None
    becomes: ContactState | None
    at_ms: int
    lost: frozenset[Name] = frozenset()
    """Names that other contacts have taken while this contact was in the trash."""
    spares_trashed: frozenset[Name] = frozenset()
    """Names that the contact may not take from a contact in the trash."""
    outcome: Outcome
    idempotency_key: IdempotencyKey | None = None

    @property
    def taken_emails(self) -> frozenset[str]:
        """The emails that the contact did not have before."""
        had = frozenset[str]() if self.before is None else self.before.without(self.lost).emails
        return frozenset() if self.after is None else self.after.emails - had

    def opted_out(self) -> "Transition":
        """Returns the transition with the contact unsubscribed after it."""
        assert self.after is not None, "only a contact can opt out"
        after = self.after.opted_out(iso(self.at_ms))
        outcome = self.outcome if self.outcome.contact is None else replace(self.outcome, contact=after)
        return replace(self, after=after, outcome=outcome)


class NamesNotFree(Exception):
    """Raised by a store when other contacts have names that a transition needs; nothing was written."""

    def __init__(self, claims: Mapping[Name, Claim | None]) -> None:
        super().__init__("names not free")
        self.claims = dict(claims)

    def live_owners(self) -> list[tuple[str, str]]:
        """Returns the kind of each name that a live contact has, with that contact's id."""
        return sorted(
            (str(name.kind), claim.contact_id)
            for name, claim in self.claims.items()
            if claim is not None and claim.state is ContactState.LIVE
        )


class VersionDiffers(Exception):
    """Raised by a store when the contact has none of the versions that the caller asked for; nothing was written."""


class Absent(Exception):
    """Raised by a store when no live contact has the id, or that contact lacks the name; nothing was written."""


class NotInPlace(Exception):
    """Raised by a store when a change requires reading the contact first; nothing was written."""
