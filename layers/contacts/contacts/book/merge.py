"""Merges two contacts of one person: `merged_contact` has the rules, `Merger` carries a merge out.

The winner stays, with every value it has. The loser fills the winner's gaps and is no contact of its own any more.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from contacts.book.model import (
    MAX_GATES,
    MAX_LISTS,
    MAX_TAGS,
    UNCONDITIONAL,
    Action,
    Contact,
    Merge,
    Outcome,
    Preconditions,
    distinct,
)
from contacts.book.service import ContactBook
from contacts.book.store import MergeStore
from contacts.core.errors import (
    ContactNotFound,
    ContactTooLarge,
    FieldError,
    MergeTooLarge,
    SameContact,
    StaleVersion,
)
from contacts.core.idempotency import run_idempotent
from contacts.core.ids import Name, NameKind, Randomness, Ref
from contacts.core.text import composed
from contacts.core.time import Clock, iso
from contacts.core.violations import FieldErrorCode, Violation

MAX_ABSORBED: Final = 40
"""Merged names that a contact may have. Each is a claim in every transaction that deletes, restores or erases it."""


def merged_contact(winner: Contact, loser: Contact, at: str) -> Contact:
    """Returns the winner after a merge, with the next version.

    - The loser's values fill the winner's empty fields, in `custom_fields` and `metadata` key by key. Tags and lists
      are united, the winner's first.
    - A merge never subscribes: if either contact is unsubscribed, the result is, since the earlier time.
    - `is_active` stays the winner's. It is the account's own switch, not consent: a duplicate is often switched off
      before its merge, which must not switch off the winner, nor switch it on.
    - A validation result stays with the email that it is about.
    - All names of the loser lead to the winner. The loser's gates, and an email or external_id that fills a gap, become
      the winner's own. The others become merged names: the loser's id first, then the loser's merged names.

    Raises:
        MergeTooLarge: the contact would have more tags, lists, gates or merged names than the limits.
    """
    first_name, last_name, name = _person_name(winner, loser)
    after = replace(
        winner,
        version=winner.version + 1,
        updated_at=at,
        email=_first(winner.email, loser.email),
        first_name=first_name,
        last_name=last_name,
        name=name,
        external_id=_first(winner.external_id, loser.external_id),
        phone=_first(winner.phone, loser.phone),
        tags=distinct(map(composed, (*winner.tags, *loser.tags))),
        lists=distinct((*winner.lists, *loser.lists)),
        gates=(*winner.gates, *loser.gates),
        custom_fields=_filled(winner.custom_fields, loser.custom_fields),
        metadata=_filled(winner.metadata, loser.metadata),
        is_unsubscribed=winner.is_unsubscribed or loser.is_unsubscribed,
        unsubscribed_at=min(filter(None, (winner.unsubscribed_at, loser.unsubscribed_at)), default=None),
    )
    if after.email != winner.email:
        after = replace(
            after, validation_status=loser.validation_status, validation_reason=loser.validation_reason
        )
    own = frozenset(replace(after, merged_names=()).names)
    its_id = Name(NameKind.ALIAS, loser.id)
    names = (*replace(loser, merged_names=()).names, its_id, *loser.merged_names)
    merged_names = tuple(one for one in dict.fromkeys((*winner.merged_names, *names)) if one not in own)
    after = replace(after, merged_names=merged_names)
    errors = list(_beyond_limits(after))
    if errors:
        raise MergeTooLarge(errors)
    return after


def _first(value: str | None, otherwise: str | None) -> str | None:
    return otherwise if value is None else value


def _filled(entries: Mapping[str, object], others: Mapping[str, object]) -> dict[str, object]:
    """Returns `entries`, with values of `others` for keys that are missing or null."""
    there = {composed(key) for key, value in entries.items() if value is not None}
    gaps = {key: value for key, value in others.items() if value is not None and composed(key) not in there}
    return {**entries, **gaps}


def _person_name(winner: Contact, loser: Contact) -> tuple[str | None, str | None, str | None]:
    """Returns first name, last name, and `name` as the caller gave it.

    If the winner's `name` gains a first or last name, `name` becomes None: it is composed of its parts from then on.
    """
    if winner.name is None and winner.first_name is None and winner.last_name is None:
        return loser.first_name, loser.last_name, loser.name
    first_name = _first(winner.first_name, loser.first_name)
    last_name = _first(winner.last_name, loser.last_name)
    is_as_given = (first_name, last_name) == (winner.first_name, winner.last_name)
    return first_name, last_name, winner.name if is_as_given else None


def _beyond_limits(contact: Contact) -> list[FieldError]:
    """Returns an error for each limit that the contact exceeds."""
    limits = (
        ("tags", len(contact.tags), MAX_TAGS, "tags"),
        ("lists", len(contact.lists), MAX_LISTS, "lists"),
        ("from", len(contact.merged_names), MAX_ABSORBED, "names of contacts merged into it"),
        ("from", len(contact.gates), MAX_GATES, "gates"),
    )
    return [
        FieldError(
            field,
            Violation(
                FieldErrorCode.TOO_MANY,
                f"the contact would have {number} {what}; at most {limit} are kept",
                limit,
            ),
        )
        for field, number, limit, what in limits
        if number > limit
    ]


class Merger:
    """Merges two contacts of one account."""

    def __init__(
        self, contacts: ContactBook, store: MergeStore, clock: Clock, randomness: Randomness
    ) -> None:
        self._contacts = contacts
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def merge(
        self, ref: Ref, source: Ref, preconditions: Preconditions = UNCONDITIONAL, *, dry_run: bool = False
    ) -> Outcome:
        """Merges the contact that `source` names (the loser) into the contact that `ref` names (the winner).

        From then on all names of the loser lead to the winner. Items stored under the loser's id stay there; the
        winner's `merged_ids` lead to them.

        `dry_run`: goes the same way as far as the write, and writes nothing, no record of an Idempotency-Key either.

        Raises:
            ContactNotFound: one of the contacts does not exist, or is in the trash.
            SameContact: both names lead to the same contact. It is a conflict, not bad input, as names can move.
            MergeTooLarge: the result would exceed a limit of a contact.
            StaleVersion, IdempotencyKeyReused, TemporarilyUnavailable.
        """

        carry_out = self._store.check if dry_run else self._store.merge
        # A key that comes with a dry run stands for nothing, and stays free for the merge.
        key = None if dry_run else preconditions.idempotency_key

        def attempt() -> Outcome:
            winner = self._contacts.get(ref)
            loser = self._source(source, ref)
            if preconditions.versions and winner.version not in preconditions.versions:
                raise StaleVersion
            if loser.id == winner.id:
                raise SameContact(winner.id)
            now = self._clock.now_ms()
            after = merged_contact(winner, loser, iso(now))
            outcome = Outcome(action=Action.PREVIEWED if dry_run else Action.MERGED, contact=after)
            merge = Merge(
                winner=winner,
                loser=loser,
                after=after,
                at_ms=now,
                outcome=outcome,
                idempotency_key=key,
            )
            try:
                carry_out(merge)
            except ContactTooLarge as error:
                raise MergeTooLarge(
                    [FieldError("from", Violation(FieldErrorCode.TOO_MANY, error.detail))]
                ) from None
            return outcome

        return run_idempotent(attempt, key, self._clock, self._randomness)

    def _source(self, source: Ref, ref: Ref) -> Contact:
        try:
            return self._contacts.get(source)
        except ContactNotFound:
            self._contacts.get(
                ref
            )  # Raises if the winner is missing, too: the error is then about the winner.
            raise ContactNotFound("There is no such contact to be merged.", field="from") from None
