"""What becomes of two contacts that turn out to be one person: the rules of a merge.

One of them, the winner, stays, with everything it has; the other fills its gaps and ceases to be a contact of its own.
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
from contacts.core.time import Clock, iso
from contacts.core.violations import FieldErrorCode, Violation

MAX_ABSORBED: Final = 40
"""Names of others that a contact may have: each is a claim in every transaction that deletes, restores or erases it."""


def merged_contact(winner: Contact, loser: Contact, at: str) -> Contact:
    """The winner after a merge, one version on.

    - Fields without value are filled, in `custom_fields` and `metadata` key by key; tags and lists are united, the
      winner's first.
    - Consent is never raised: who has unsubscribed, as whichever of the two, is unsubscribed, since the earlier time.
    - `is_active` is no consent but the account's own switch, and always has a value: the winner's. A duplicate is often
      switched off before it is merged, and must not take the contact with it; nor does a merge switch one on.
    - A verdict belongs to the email it was given for.
    - All names of the loser lead to the winner: its gates, and an email or external_id that fills a gap, become its
      own, the others are absorbed, the loser's id before those that it had absorbed itself.

    Raises:
        MergeTooLarge: it would have more tags, lists or absorbed names than a contact may have.
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
        tags=distinct((*winner.tags, *loser.tags)),
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
    """A map with the entries of another where it has none, or null."""
    gaps = {key: value for key, value in others.items() if entries.get(key) is None}
    return {**entries, **gaps}


def _person_name(winner: Contact, loser: Contact) -> tuple[str | None, str | None, str | None]:
    """First name, last name, and the name as it was given alone.

    A whole name that gets a part it lacked is no longer as it was given: it is composed of its parts.
    """
    if winner.name is None and winner.first_name is None and winner.last_name is None:
        return loser.first_name, loser.last_name, loser.name
    first_name = _first(winner.first_name, loser.first_name)
    last_name = _first(winner.last_name, loser.last_name)
    is_as_given = (first_name, last_name) == (winner.first_name, winner.last_name)
    return first_name, last_name, winner.name if is_as_given else None


def _beyond_limits(contact: Contact) -> list[FieldError]:
    """What a contact has more of than it may have."""
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
    """Merges contacts of one account."""

    def __init__(
        self, contacts: ContactBook, store: MergeStore, clock: Clock, randomness: Randomness
    ) -> None:
        self._contacts = contacts
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def merge(self, ref: Ref, source: Ref, preconditions: Preconditions = UNCONDITIONAL) -> Outcome:
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
            if preconditions.versions and winner.version not in preconditions.versions:
                raise StaleVersion
            if loser.id == winner.id:
                raise SameContact(winner.id)
            now = self._clock.now_ms()
            after = merged_contact(winner, loser, iso(now))
            outcome = Outcome(action=Action.MERGED, contact=after)
            merge = Merge(
                winner=winner,
                loser=loser,
                after=after,
                at_ms=now,
                outcome=outcome,
                idempotency_key=preconditions.idempotency_key,
            )
            try:
                self._store.merge(merge)
            except ContactTooLarge as error:
                raise MergeTooLarge(
                    [FieldError("from", Violation(FieldErrorCode.TOO_MANY, error.detail))]
                ) from None
            return outcome

        return run_idempotent(attempt, preconditions.idempotency_key, self._clock, self._randomness)

    def _source(self, source: Ref, ref: Ref) -> Contact:
        try:
            return self._contacts.get(source)
        except ContactNotFound:
            self._contacts.get(ref)  # If that one has gone as well by now, it is what the answer is about.
            raise ContactNotFound("There is no such contact to be merged.", field="from") from None
