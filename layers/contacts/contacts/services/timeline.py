"""The timeline of a contact: reading it, and recording in it what the contact did.

A custom event is recorded in one transaction, which looks whether the contact lives. What is to come of it, a
place in the event log and deliveries, follows from the entry (`webhook_dispatch`).
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from contacts.domain.contact import Contact
from contacts.domain.events import EventType
from contacts.domain.identity import Name, Ref, possible_id, possible_names
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.timeline import CustomEvent, TimelineEntry, custom_event, entry_of
from contacts.services.contact_book import ContactBook
from contacts.services.once import once
from contacts.services.ports import Clock, Moved, Randomness

MAX_CANDIDATES: Final = 1000
"""How many entries one request looks at; then it answers what it has, with a cursor."""


class TimelineStore(Protocol):
    """The timelines of one account's contacts."""

    def record(
        self,
        contact_id: str,
        named: Name | None,
        event: CustomEvent,
        outcome: Outcome,
        receipt: Receipt | None,
        at_ms: int,
    ) -> None:
        """Write an entry, and the request's record with it, while the contact lives.

        `named`: only while the contact has this name.

        Raises:
            Moved: it does not, or no longer has it; nothing was written.
            EventTooLarge, AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        ...

    def newest_first(
        self,
        contact_ids: Sequence[str],
        kind: EventType | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """Up to `at_most` entries of a type (None: of any), looking at no more than `evaluate` under each id.

        `contact_ids`: of a contact, and of those merged into it. The second value is the id to go on after; None when
        there are no more.
        """
        ...


class Timeline:
    """The timelines of one account's contacts, as its callers see them."""

    def __init__(
        self, contacts: ContactBook, entries: TimelineStore, clock: Clock, randomness: Randomness
    ) -> None:
        self._contacts = contacts
        self._entries = entries
        self._clock = clock
        self._randomness = randomness

    def record(
        self,
        ref: Ref,
        name: str,
        data: Mapping[str, object],
        occurred_ms: int | None,
        receipt: Receipt | None,
    ) -> Outcome:
        """Record what a contact did, now or at `occurred_ms` (since the epoch).

        Raises:
            InvalidInput: it is to have happened in the future, or longer ago than timelines go back.
            ContactNotFound, EventTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now_ms = self._clock.now_ms()
        event = custom_event(name, data, occurred_ms, now_ms, self._randomness(10))
        outcome = Outcome(did=Did.RECORDED, details=entry_of(event).shown())

        def attempt() -> Outcome:
            contact = self._contacts.get(ref)
            self._entries.record(contact.id, _named(ref, contact), event, outcome, receipt, now_ms)
            return outcome

        return once(attempt, receipt, self._clock, self._randomness)

    def contact(self, ref: Ref) -> Contact:
        """The live contact that a ref names.

        Raises:
            ContactNotFound, TemporarilyUnavailable.
        """
        return self._contacts.get(ref)

    def page(
        self, contact: Contact, kind: EventType | None, after_id: str | None, limit: int
    ) -> tuple[list[TimelineEntry], str | None]:
        """The next up to `limit` entries, the newest first, and the id to go on after.

        They are of the contact and of all that were merged into it.

        Raises:
            TemporarilyUnavailable.
        """
        now_s = self._clock.now_ms() // 1000
        contact_ids = (contact.id, *contact.merged_ids)
        return self._entries.newest_first(
            *(contact_ids, kind, after_id, now_s), at_most=limit, evaluate=MAX_CANDIDATES
        )


def _named(ref: Ref, contact: Contact) -> Name | None:
    """The name by which a ref led to a contact; None where its id did.

    Raises:
        Moved: it has none of those that the ref may mean.
    """
    if possible_id(ref) == contact.id:
        return None
    for name in possible_names(ref):
        if name in contact.names:
            return name
    raise Moved
