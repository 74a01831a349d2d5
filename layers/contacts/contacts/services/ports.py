"""What the use cases need from the outside; `adapters` provides it, `tests/fakes.py` stands in for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from contacts.domain.accounts import Account, ApiKey
from contacts.domain.contact import Change, Contact
from contacts.domain.identity import Name
from contacts.domain.outcome import Outcome, Receipt, RecordedRequest
from contacts.domain.timestamps import iso


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Randomness(Protocol):
    """A source of bytes nobody can guess."""

    def __call__(self, count: int, /) -> bytes:
        """That many bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a queue: ids and numbers, never personal data."""

    body: Mapping[str, object]
    group: str | None = None
    """Messages of one group wait for each other's share of the consumers (SQS fair queues)."""
    delay_s: int = 0
    """Seconds until it can be received, at most 900."""


class MessageQueue(Protocol):
    """A queue that messages are put on; at least once, in any order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Put messages on the queue.

        Raises:
            TemporarilyUnavailable: some may be on it, some not.
        """
        ...


class Standing(StrEnum):
    """Where a contact stands."""

    LIVE = "live"
    DELETED = "deleted"
    """In the trash; comes back with restore, or leaves when its days are over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has a name. `expires_at` (seconds since the epoch) only where the contact is in the trash."""

    contact_id: str
    standing: Standing
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A contact going from one state to another together with everything that must change with it.

    `before` None: there was none; `after` None: it is erased.
    """

    before: Contact | None
    was: Standing | None
    after: Contact | None
    becomes: Standing | None
    at_ms: int
    lost: frozenset[Name] = frozenset()
    """Names of a contact in the trash that other contacts have taken since."""
    spares_trashed: frozenset[Name] = frozenset()
    """Names that are not to be taken from a contact in the trash."""
    outcome: Outcome
    receipt: Receipt | None = None

    @property
    def taken_emails(self) -> frozenset[str]:
        """The addresses that the contact did not have before."""
        had = frozenset[str]() if self.before is None else self.before.without(self.lost).emails
        return frozenset() if self.after is None else self.after.emails - had

    def opted_out(self) -> "Move":
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
            if claim is not None and claim.standing is Standing.LIVE
        )


class Moved(Exception):
    """Raised by a store when the contact is no longer as it was read; nothing was written."""


class VersionDiffers(Exception):
    """Raised by a store when the contact has another version than the caller asked for; nothing was written."""


class Absent(Exception):
    """Raised by a store when no live contact has that id (or no longer that name); nothing was written."""


class NotInPlace(Exception):
    """Raised by a store when a change cannot be made without reading first; nothing was written."""


class AlreadyRecorded(Exception):
    """Raised by a store when the Idempotency-Key has a record already; nothing was written."""

    def __init__(self, record: RecordedRequest) -> None:
        super().__init__("already recorded")
        self.record = record


class KeysMoved(Moved):
    """Raised by a store when keys are no longer as they were listed; nothing was written."""


class MakerRevoked(Exception):
    """Raised by a store when the key that makes another one has been revoked; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Keys that are revoked together, as they were listed, and what must hold for it."""

    keys: Sequence[ApiKey]
    needed: Sequence[ApiKey]
    """Those that must still be live."""
    adopted: ApiKey | None = None
    """The key that stays although one of its makers goes, with its new `made_by`."""


class ContactStore(Protocol):
    """The contacts of one account."""

    def by_id(self, contact_id: str) -> Contact | None:
        """The live contact with that id."""
        ...

    def trashed(self, contact_id: str) -> Contact | None:
        """The contact with that id in the trash, unless its days are over."""
        ...

    def claim(self, name: Name) -> Claim | None:
        """Who has a name, unless its days are over."""
        ...

    def move(self, move: Move) -> Outcome:
        """Carry out a move, all of it or nothing, and give back its outcome.

        Every write that may give a contact an email goes through here. Where the contact takes an address that has
        opted out, the contact has opted out as well: in the table, and in the outcome.

        Raises:
            NamesNotFree, Moved, AlreadyRecorded, ContactTooLarge, TemporarilyUnavailable.
        """
        ...

    def change_in_place(
        self, contact_id: str, change: Change, at_ms: int, *, named: Name | None, versions: Sequence[int]
    ) -> Contact:
        """Change fields without reading first, and give back the contact as it then is.

        `named`: only while the contact has this name; `versions`: only while it has one of these (empty: any).

        Raises:
            Absent, VersionDiffers, NotInPlace, TemporarilyUnavailable.
        """
        ...


class RecordStore(Protocol):
    """What Idempotency-Keys of one account stand for."""

    def recorded(self, idempotency_key: str) -> RecordedRequest | None:
        """What a request with this key did, unless it is over 7 days old."""
        ...


class AccountStore(Protocol):
    """Accounts, keys and usage."""

    def account(self, account_id: str) -> Account | None:
        """An account."""
        ...

    def api_key(self, key_hash: str) -> ApiKey | None:
        """The key with that SHA-256 (hex)."""
        ...

    def count_request(self, account: Account, key_id: str, at_ms: int) -> int | None:
        """Count one request of this hour and say how many there are now; None when the limit is used up."""
        ...

    def suspend(self, account_id: str, at: str | None, reason: str | None) -> Account | None:
        """Note since when an account is suspended, unless it is already; `at` None: it is not any longer.

        Gives back the account as it then is; None where there is none.
        """
        ...

    def open_account(self, account: Account, first_keys: Sequence[ApiKey]) -> None:
        """Write a new account and its first keys, all or none."""
        ...

    def api_keys(self, account_id: str) -> list[ApiKey]:
        """The account's keys, oldest first."""
        ...

    def hours_of_use(self, account_id: str) -> Mapping[str, str]:
        """By key id, the latest hour (`2026-01-15T10`) of the last 30 days in which it was used."""
        ...

    def add_api_key(self, key: ApiKey, outcome: Outcome, receipt: Receipt | None, at_ms: int) -> None:
        """Write a new key, if the one that makes it is live.

        Raises:
            MakerRevoked, AlreadyRecorded, TemporarilyUnavailable.
        """
        ...

    def revoke_api_keys(
        self, revocation: Revocation, outcome: Outcome, receipt: Receipt | None, at_ms: int
    ) -> None:
        """Have keys be revoked ones, known but not listed: all of them or none.

        Raises:
            KeysMoved: one of them was revoked, or has made another one, or what is needed is no longer live.
            AlreadyRecorded, TemporarilyUnavailable.
        """
        ...
