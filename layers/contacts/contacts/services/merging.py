"""Merging two contacts into one."""

from dataclasses import dataclass
from typing import Protocol

from contacts.domain.contact import Contact
from contacts.domain.errors import (
    ContactNotFound,
    ContactTooLarge,
    FieldError,
    MergeTooLarge,
    SameContact,
    StaleVersion,
)
from contacts.domain.identity import Ref
from contacts.domain.merging import merged_contact
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.timestamps import iso
from contacts.domain.violations import FieldErrorCode, Violation
from contacts.services.contact_book import ContactBook
from contacts.services.once import once
from contacts.services.ports import Clock, Randomness
from contacts.services.terms import UNCONDITIONAL, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two live contacts as they were read, and what becomes of the one that stays."""

    winner: Contact
    loser: Contact
    after: Contact
    at_ms: int
    outcome: Outcome
    receipt: Receipt | None = None


class MergeStore(Protocol):
    """Where merges of one account's contacts are written."""

    def merge(self, merge: Merge) -> None:
        """Carry out a merge, all of it or nothing: both contacts, and every name of the one that goes.

        Raises:
            Moved: one of them is no longer as it was read.
            AlreadyRecorded, ContactTooLarge, Contention, TemporarilyUnavailable.
        """
        ...


class Merger:
    """Merges contacts of one account."""

    def __init__(
        self, contacts: ContactBook, store: MergeStore, clock: Clock, randomness: Randomness
    ) -> None:
        self._contacts = contacts
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def merge(self, ref: Ref, source: Ref, terms: Terms = UNCONDITIONAL) -> Outcome:
        """Merge the contact that `source` names into the one that `ref` names.

        What follows by name (requests, custom events, gates) finds the winner from then on; what is kept under the
        loser's id stays there, and belongs to the winner by its `merged_ids`.

        Raises:
            ContactNotFound: one of them is not there, or in the trash.
            SameContact: both are the same one. (A conflict, not bad input: which contact a name leads to is for the
                moment to tell.)
            MergeTooLarge: they have more than one contact may have.
            StaleVersion, IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def attempt() -> Outcome:
            winner = self._contacts.get(ref)
            loser = self._source(source, ref)
            if terms.versions and winner.version not in terms.versions:
                raise StaleVersion
            if loser.id == winner.id:
                raise SameContact(winner.id)
            now = self._clock.now_ms()
            after = merged_contact(winner, loser, iso(now))
            outcome = Outcome(did=Did.MERGED, contact=after)
            merge = Merge(
                winner=winner, loser=loser, after=after, at_ms=now, outcome=outcome, receipt=terms.receipt
            )
            try:
                self._store.merge(merge)
            except ContactTooLarge as error:
                raise MergeTooLarge(
                    [FieldError("from", Violation(FieldErrorCode.TOO_MANY, error.detail))]
                ) from None
            return outcome

        return once(attempt, terms.receipt, self._clock, self._randomness)

    def _source(self, source: Ref, ref: Ref) -> Contact:
        try:
            return self._contacts.get(source)
        except ContactNotFound:
            self._contacts.get(ref)  # If that one has gone as well by now, it is what the answer is about.
            raise ContactNotFound("There is no such contact to be merged.", field="from") from None
