"""What a restore makes of each contact, and the report of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, Self

from contacts.book.model import Contact, ContactState, Transition, contact_out, is_same
from contacts.core.ids import Name

VERSIONS_LEFT_FREE: Final = 1_000
"""Added to the version of a contact of which nothing is left: it may have had later versions than the restored table
has. Receivers of webhooks take an event with a lower version for an old one, and an ETag must not come twice."""


class Journal(Protocol):
    """What is kept outside the table about who was erased and who has opted out; `erasure.journal.Journal`."""

    def accounts(self) -> list[str]:
        """The ids of the accounts with entries."""
        ...

    def erased(self, account_id: str) -> frozenset[str]:
        """The ids of the contacts of an account that were erased."""
        ...

    def erased_since(self, account_id: str, since_ms: int) -> list[str]:
        """The ids of the contacts that were erased since a moment (ms since the epoch)."""
        ...

    def opted_out_since(self, account_id: str, since_ms: int) -> Mapping[str, int]:
        """The addresses that have opted out since a moment: when (ms since the epoch), by their HMACs."""
        ...


class Fate(StrEnum):
    """What becomes of a contact that the restored table has. First what is written, then what is left as it is."""

    LOST = "lost"
    """Brought back: nothing was left of it."""
    DELETED = "deleted"
    """Brought back from the trash."""
    OVERWRITTEN = "overwritten"
    """It has the values of the restored table again."""
    SAME = "same"
    """It is as it was."""
    CHANGED = "changed"
    """It has changed since, and is left so."""
    DELETED_LATER = "deleted_later"
    """It was deleted after the moment that the operator named, and stays in the trash."""
    ERASED = "erased"
    """It was erased for good, or its days in the trash are over. It stays erased."""
    MERGED = "merged"
    """It was merged into another contact, or another one into it. Both stay as they are."""
    NAMELESS = "nameless"
    """Other contacts have all of its names."""
    TOO_LARGE = "too_large"
    """It would exceed a limit of contacts that is younger than it."""
    BUSY = "busy"
    """Others wrote to it in each of eight tries. A further run finds it."""


class Stage(StrEnum):
    """What a replay does for an account, in this order."""

    ERASED = "erased"
    """Erases contacts again."""
    OPTED_OUT = "opted_out"
    """Writes that addresses have opted out."""
    LIVE = "live"
    """Opts out the live contacts that have such an address."""
    TRASHED = "trashed"
    """Opts out those in the trash."""


class Place(NamedTuple):
    """How far a replay has come."""

    account_id: str
    stage: Stage = Stage.ERASED
    after: str = ""
    """The last one that is done: the id of a contact, or the HMAC of an address in `OPTED_OUT`; "": none is."""

    @classmethod
    def of(cls, resume: str) -> Self:
        """The place that a report has named; the id of an account alone: its beginning."""
        account_id, _, rest = resume.partition(":")
        if not rest:
            return cls(account_id)
        stage, _, after = rest.partition(":")
        return cls(account_id, Stage(stage), after)

    @property
    def text(self) -> str:
        """The place as reports name it."""
        return self.account_id if self == Place(self.account_id) else ":".join(self)


@dataclass(slots=True)
class Replayed:
    """What a run found in the journal, and did. Numbers only."""

    dry_run: bool
    accounts: int = 0
    unknown_accounts: int = 0
    """Accounts that the table does not have: they were opened after the backup."""
    erasures: int = 0
    """Contacts that the journal says were erased."""
    erased_again: int = 0
    """Those of them that the table had, live or in the trash."""
    opt_outs: int = 0
    """Addresses that the journal says have opted out."""
    opted_out_again: int = 0
    """Contacts that had one of them and were subscribed."""
    resume: str | None = None

    def as_json(self) -> dict[str, object]:
        """The report as JSON."""
        report: dict[str, object] = {
            "dry_run": self.dry_run,
            "accounts": self.accounts,
            "unknown_accounts": self.unknown_accounts,
            "erasures": self.erasures,
            "erased_again": self.erased_again,
            "opt_outs": self.opt_outs,
            "opted_out_again": self.opted_out_again,
            "finished": self.resume is None,
        }
        return report if self.resume is None else report | {"resume": self.resume}


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What there is of a contact now."""

    live: Contact | None = None
    trashed: Contact | None = None
    deleted_at_ms: int = 0
    """When the contact in the trash was put there."""
    is_erased: bool = False
    is_merged: bool = False
    """Whether it was merged into another contact."""

    @property
    def contact(self) -> Contact | None:
        """The contact, live or in the trash."""
        return self.live or self.trashed

    @property
    def state(self) -> ContactState | None:
        """The state of the contact; None: there is none."""
        if self.live is not None:
            return ContactState.LIVE
        return None if self.trashed is None else ContactState.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done with a contact."""

    contact_id: str
    fate: Fate
    transition: Transition | None = None
    taken: Mapping[Name, str] = field(default_factory=dict)
    """Names that it had, and the ids of the contacts that have them now."""
    stays_opted_out: bool = False
    """Whether it was subscribed in the restored table and has opted out since."""


def differs(backup: Contact, present: Contact) -> bool:
    """Whether a contact has changed since, apart from a verdict on its email."""
    judged = with_verdict_of(backup, present)
    return not is_same(judged, present) or contact_out(judged)["email"] != contact_out(present)["email"]


def with_verdict_of(contact: Contact, present: Contact | None) -> Contact:
    """Returns a contact with the verdict that there is on the same email now."""
    if present is None or present.email != contact.email:
        return contact
    return replace(
        contact, validation_status=present.validation_status, validation_reason=present.validation_reason
    )


_ID_BYTES: Final = 40
"""An id in the report's JSON, with quotes, comma and space."""
_TAKEN_BYTES: Final = 140
"""A name in it that was taken, at most."""


@dataclass(slots=True)
class Report:
    """What a run did, or in a dry run would do. Ids and kinds of names, never personal data."""

    account_id: str
    dry_run: bool
    read: int = 0
    """Contacts of the restored table."""
    same: int = 0
    ids: dict[Fate, list[str]] = field(default_factory=dict)
    names_taken: list[dict[str, str]] = field(default_factory=list)
    opted_out: list[str] = field(default_factory=list)
    """Contacts that were subscribed in the restored table and stay opted out."""
    resume: str | None = None

    @property
    def size(self) -> int:
        """An upper bound of its bytes as JSON, but for the numbers."""
        ids = sum(map(len, self.ids.values())) + len(self.opted_out)
        return ids * _ID_BYTES + len(self.names_taken) * _TAKEN_BYTES

    def note(self, plan: Plan) -> None:
        """Note what became of a contact."""
        self.read += 1
        if plan.fate is Fate.SAME:
            self.same += 1
        else:
            self.ids.setdefault(plan.fate, []).append(plan.contact_id)
        self.names_taken += [
            {"contact_id": plan.contact_id, "name": str(name.kind), "taken_by": owner}
            for name, owner in sorted(plan.taken.items())
        ]
        if plan.stays_opted_out:
            self.opted_out.append(plan.contact_id)

    def as_json(self) -> dict[str, object]:
        """The report as JSON."""
        numbers = {str(fate): len(self.ids.get(fate, ())) for fate in Fate if fate is not Fate.SAME}
        report: dict[str, object] = {
            "account_id": self.account_id,
            "dry_run": self.dry_run,
            "contacts": self.read,
            "same": self.same,
            **numbers,
            "ids": {str(fate): ids for fate, ids in self.ids.items()},
            "names_taken": self.names_taken,
            "stay_opted_out": self.opted_out,
            "finished": self.resume is None,
        }
        return report if self.resume is None else report | {"resume": self.resume}
