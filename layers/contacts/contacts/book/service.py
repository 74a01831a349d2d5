"""The contact book: create, read, update, delete and restore one contact.

Every operation ends in exactly one conditional write. If another operation changes the contact in between, the
condition fails, and the operation reads again and decides anew. So the outcomes are always those of some sequential
order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from contacts.book.model import (
    UNCONDITIONAL,
    Absent,
    Action,
    Change,
    Claim,
    Contact,
    ContactState,
    NamesNotFree,
    NotInPlace,
    Outcome,
    Preconditions,
    Transition,
    VersionDiffers,
    is_same,
    new_contact,
    unreachable,
)
from contacts.book.store import ContactStore
from contacts.core.errors import (
    ContactNotFound,
    DuplicateContact,
    FieldError,
    InvalidInput,
    MergedAway,
    NamesTaken,
    StaleVersion,
)
from contacts.core.idempotency import ConcurrentModification, retry_on_conflict, run_idempotent
from contacts.core.ids import Name, NameKind, Randomness, Ref, possible_id, possible_names, uuid7
from contacts.core.text import composed
from contacts.core.time import Clock, iso

if TYPE_CHECKING:
    from contacts.properties.model import ContactInput, OnInvalid

Details = Mapping[str, object]

MAX_MAP_KEYS_IN_PLACE: Final = 50
"""Most keys of maps in one update expression, which DynamoDB limits to 4 KB."""


class OnConflict(StrEnum):
    """What a create does if the contact exists already."""

    REJECT = "reject"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class _Found:
    contact: Contact
    named: Name | None
    """The name by which it was found; None if by its id."""


class _MergedWithNameOwner(Exception):
    """Raised when the contact was merged, during this update, with the owner of a name that the update had skipped."""


class ContactBook:
    """Creates, reads and changes the contacts of one account."""

    def __init__(self, store: ContactStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def get(self, ref: Ref) -> Contact:
        """Returns the live contact that `ref` names, strongly consistent.

        Raises:
            ContactNotFound: there is no such live contact.
        """
        return retry_on_conflict(lambda: self._find(ref).contact, self._clock, self._randomness)

    def get_kept(self, ref: Ref) -> Contact:
        """Returns the contact that `ref` names, strongly consistent: the live one, or else the one in the trash.

        Raises:
            ContactNotFound: there is no such contact.
        """

        def find() -> Contact:
            try:
                return self._find(ref).contact
            except ContactNotFound:
                return self._find_trashed(ref).contact

        try:
            return retry_on_conflict(find, self._clock, self._randomness)
        except ContactNotFound:
            raise ContactNotFound from None

    def create(
        self,
        given: Mapping[str, object],
        on_conflict: OnConflict = OnConflict.REJECT,
        preconditions: Preconditions = UNCONDITIONAL,
        skipped: Sequence[FieldError] | None = None,
    ) -> Outcome:
        """Creates a contact from a validated body; if its email is that of a contact in the trash, restores that one.

        `skipped`: the fields that the caller has already left out as invalid; None: an invalid field fails the create.
        If not None, further fields that turn out to be impossible are left out, too, and the outcome lists them all.
        With `reject`, a name that a live contact has is never left out: the create fails.

        Raises:
            InvalidInput: the contact would have neither email nor external_id; or, with `skipped` None, too many tags
                or lists.
            DuplicateContact: a live contact has the email or external_id, with `reject`; or, with `skipped` None, an
                upsert has names of two contacts.
            ContactTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        if skipped is None:
            return self._create(given, on_conflict, preconditions, {})
        _must_be_reachable(given, skipped)
        try:
            return self._create(given, on_conflict, preconditions, _skipped_details(skipped))
        except (DuplicateContact, InvalidInput) as error:
            if isinstance(error, DuplicateContact) and on_conflict is OnConflict.REJECT:
                raise
            errors = error.field_errors
            fields = {field for field, _ in errors}
            rest = {key: value for key, value in given.items() if key not in fields}
            if len(rest) == len(given):
                raise
            return self.create(rest, on_conflict, preconditions, (*skipped, *errors))

    def _create(
        self,
        given: Mapping[str, object],
        on_conflict: OnConflict,
        preconditions: Preconditions,
        details: Details,
    ) -> Outcome:
        now = self._clock.now_ms()
        contact = new_contact(uuid7(now, self._randomness(10)), given, iso(now))
        emails = frozenset(name for name in contact.names if name.kind is NameKind.EMAIL)

        def attempt() -> Outcome:
            if preconditions.versions:  # A contact that does not exist has no version, so no If-Match holds.
                claims = {name: self._store.claim(name) for name in contact.names}
                if not any(claim and claim.state is ContactState.LIVE for claim in claims.values()):
                    raise StaleVersion
                return self._create_over(given, claims, on_conflict, preconditions, details)
            outcome = Outcome(action=Action.CREATED, contact=contact, details=details)
            try:
                return self._store.apply(
                    Transition(
                        before=None,
                        was=None,
                        after=contact,
                        becomes=ContactState.LIVE,
                        at_ms=now,
                        spares_trashed=emails,
                        outcome=outcome,
                        idempotency_key=preconditions.idempotency_key,
                    )
                )
            except NamesNotFree as error:
                return self._create_over(given, error.claims, on_conflict, preconditions, details)

        return self._once(attempt, preconditions)

    def create_from(
        self,
        given: "ContactInput",
        on_conflict: OnConflict,
        on_invalid: "OnInvalid",
        preconditions: Preconditions,
    ) -> Outcome:
        """Create a contact from validated input. With `skip` the rejected fields are left out and listed.

        Raises: as `ContactInput.resolve` and `create`.
        """
        accepted, rejected = given.resolve(on_invalid)
        return self.create(accepted, on_conflict, preconditions, rejected)

    def update_from(
        self, ref: Ref, given: "ContactInput", on_invalid: "OnInvalid", preconditions: Preconditions
    ) -> Outcome:
        """Change a contact by validated input. With `skip` the rejected fields are left out and listed.

        Raises: as `ContactInput.resolve` and `update`.
        """
        accepted, rejected = given.resolve(on_invalid)
        return self.update(ref, Change.of(accepted), preconditions, rejected)

    def update(
        self,
        ref: Ref,
        change: Change,
        preconditions: Preconditions = UNCONDITIONAL,
        skipped: Sequence[FieldError] | None = None,
    ) -> Outcome:
        """Changes fields of a contact.

        `skipped`: as in `create`. A name that another contact has is left out, too.

        Raises:
            ContactNotFound, StaleVersion, ContactTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
            DuplicateContact, InvalidInput: only with `skipped` None.
        """
        if skipped is None:
            return self._once(lambda: self._update(ref, change, preconditions, {}), preconditions)
        remaining, left_out, owners = change, tuple(skipped), frozenset[str]()
        while True:
            try:
                return self._once(
                    partial(self._update, ref, remaining, preconditions, _skipped_details(left_out), owners),
                    preconditions,
                )
            except _MergedWithNameOwner:
                remaining, left_out, owners = change, tuple(skipped), frozenset()
            except (DuplicateContact, InvalidInput) as error:
                rest = remaining.without(*(field for field, _ in error.field_errors))
                if rest == remaining:
                    raise
                remaining, left_out = rest, (*left_out, *error.field_errors)
                if isinstance(error, DuplicateContact):
                    owners |= {owner for _, owner in error.taken}

    def delete(
        self, ref: Ref, *, permanent: bool = False, preconditions: Preconditions = UNCONDITIONAL
    ) -> Outcome:
        """Moves a contact to the trash for 30 days, or erases it; a contact in the trash can be erased, too.

        Raises:
            MergedAway: `ref` is a name that came with a merge. The caller may mean the contact that had it before,
                without knowing of the winner.
            ContactNotFound, StaleVersion, IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def attempt() -> Outcome:
            try:
                found, was = self._find(ref), ContactState.LIVE
            except ContactNotFound:
                if not permanent:
                    raise
                found, was = self._find_in_trash_only(ref), ContactState.DELETED
            contact = found.contact
            if found.named in contact.merged_names:
                raise MergedAway(contact.id)
            _check_version(contact, preconditions)
            outcome = Outcome(action=Action.DELETED, details={"id": contact.id, "permanent": permanent})
            self._take_away(contact, was, None if permanent else ContactState.DELETED, outcome, preconditions)
            return outcome

        return self._once(attempt, preconditions)

    def restore(self, ref: Ref, preconditions: Preconditions = UNCONDITIONAL) -> Outcome:
        """Restores a contact from the trash, without the names that other contacts have taken meanwhile.

        Raises:
            ContactNotFound: the trash does not contain the contact, or no longer.
            NamesTaken: other contacts have all of its names.
            StaleVersion, IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def attempt() -> Outcome:
            found = self._find_trashed(ref)
            _check_version(found.contact, preconditions)
            return self._bring_back(found, Change(), Action.RESTORED, preconditions, {})

        return self._once(attempt, preconditions)

    def bring_back(
        self,
        contact_id: str,
        named: Name,
        outcome_of: Callable[[Contact], Outcome],
        preconditions: Preconditions,
    ) -> Outcome:
        """Tries once to restore a contact from the trash, because an operation needs one of its names.

        `outcome_of`: returns the outcome to record and return, for the contact as restored.

        Raises:
            ConcurrentModification: the contact is not in the trash any more, or has lost the name.
            AlreadyRecorded, TemporarilyUnavailable.
        """
        trashed = self._store.trashed(contact_id)
        if trashed is None:
            raise ConcurrentModification
        return self._bring_back(
            _Found(trashed, named), Change(), Action.RESTORED, preconditions, {}, outcome_of
        )

    # Reads

    def _find(self, ref: Ref) -> _Found:
        contact_id = possible_id(ref)
        if contact_id is not None:
            contact = self._store.by_id(contact_id)
            if contact is not None:
                return _Found(contact, None)
        for name in possible_names(ref):
            found = self._named(name)
            if found is not None:
                return _Found(found, name)
        raise ContactNotFound

    def _named(self, name: Name) -> Contact | None:
        """Returns the live contact with a name, or None."""
        claim = self._store.claim(name)
        if claim is None or claim.state is not ContactState.LIVE:
            return None
        contact = self._store.by_id(claim.contact_id)
        if contact is None or name not in contact.names:
            raise ConcurrentModification  # The name moved to another contact between the two reads.
        return contact

    def _find_trashed(self, ref: Ref) -> _Found:
        contact_id = possible_id(ref)
        if contact_id is not None:
            contact = self._store.trashed(contact_id)
            if contact is not None:
                return _Found(contact, None)
        for name in possible_names(ref):
            claim = self._store.claim(name)
            if claim is not None and claim.state is ContactState.DELETED:
                contact = self._store.trashed(claim.contact_id)
                if contact is None:
                    raise ConcurrentModification
                return _Found(contact, name)
        raise ContactNotFound("No such contact is in the trash.")

    def _find_in_trash_only(self, ref: Ref) -> _Found:
        """Returns a contact in the trash. If it was restored between two reads, raises `ConcurrentModification`."""
        try:
            return self._find_trashed(ref)
        except ContactNotFound:
            self._find(ref)
            raise ConcurrentModification from None

    # Creates of contacts that exist

    def _create_over(
        self,
        given: Mapping[str, object],
        claims: Mapping[Name, Claim | None],
        on_conflict: OnConflict,
        preconditions: Preconditions,
        details: Details,
    ) -> Outcome:
        """A create whose names belong to other contacts: it becomes an upsert, a restore, or a conflict."""
        change = Change.of_create(given)
        live = {name: claim for name, claim in claims.items() if claim and claim.state is ContactState.LIVE}
        if live and on_conflict is OnConflict.REJECT:
            raise _duplicate(live)
        for name in sorted(live, key=lambda name: name.kind):  # an email before an external_id
            contact = self._store.by_id(live[name].contact_id)
            if contact is None or name not in contact.names:
                raise ConcurrentModification
            others = {other: claim for other, claim in live.items() if claim.contact_id != contact.id}
            if name in contact.merged_names and others:
                raise _duplicate(others)
            try:
                return self._change_read(
                    _Found(contact, name), _renaming_nothing(change, contact, name), preconditions, details
                )
            except DuplicateContact as error:
                if any(kind not in {name.kind for name in live} for kind, _ in error.taken):
                    # A name that was free has been taken: read all claims again.
                    raise ConcurrentModification from None
                raise
        for name, claim in claims.items():
            trashed = claim and self._store.trashed(claim.contact_id)
            if trashed:
                return self._bring_back(
                    _Found(trashed, name), change, Action.RECREATED, preconditions, details
                )
        raise ConcurrentModification

    def _bring_back(
        self,
        found: _Found,
        change: Change,
        action: Action,
        preconditions: Preconditions,
        details: Details,
        outcome_of: Callable[[Contact], Outcome] | None = None,
    ) -> Outcome:
        """Restores a contact with a change applied. If others took some of its names, it tries again without these.

        Raises:
            ConcurrentModification: others took the name by which the contact was found, or a name in the change.
            NamesTaken: others took all names of the contact.
        """
        trashed, now = found.contact, self._clock.now_ms()
        lost: frozenset[Name] = frozenset()
        while True:
            kept = trashed.without(lost)
            if not kept.is_reachable and not change.touches_names:
                raise NamesTaken
            after = _renaming_nothing(change, kept, found.named).applied_to(kept, iso(now))
            outcome = (
                outcome_of(after) if outcome_of else Outcome(action=action, contact=after, details=details)
            )
            try:
                return self._store.apply(
                    Transition(
                        before=trashed,
                        was=ContactState.DELETED,
                        after=after,
                        becomes=ContactState.LIVE,
                        at_ms=now,
                        lost=lost,
                        outcome=outcome,
                        idempotency_key=preconditions.idempotency_key,
                    )
                )
            except NamesNotFree as error:
                newly_lost = {name for name in error.claims if name in trashed.names and name not in lost}
                if not newly_lost or found.named in newly_lost or error.has_live_owner(change.names):
                    raise ConcurrentModification from None
                lost |= newly_lost

    # Updates

    def _update(
        self,
        ref: Ref,
        change: Change,
        preconditions: Preconditions,
        details: Details,
        owners: frozenset[str] = frozenset(),
    ) -> Outcome:
        """`owners`: ids of the contacts that have the names which this update skips.

        Raises:
            _MergedWithNameOwner: the contact is one of `owners`, or one of them was merged into it.
        """
        if change.is_empty and preconditions.idempotency_key is None:
            contact = self._find(ref).contact
            _check_version(contact, preconditions)
            return Outcome(action=Action.UPDATED, contact=contact, details=details)
        if not _fits_in_place(change) or preconditions.idempotency_key is not None or owners:
            found = self._find(ref)
            if not owners.isdisjoint((found.contact.id, *found.contact.merged_ids)):
                raise _MergedWithNameOwner
            return self._change_read(found, change, preconditions, details)
        contact_id = possible_id(ref)
        if contact_id is not None:
            try:
                return self._change_in_place(contact_id, None, change, preconditions, details)
            except Absent:
                pass  # No live contact has this id. It may be the id of a merged contact, or an external_id.
        for name in possible_names(ref):
            claim = self._store.claim(name)
            if claim is not None and claim.state is ContactState.LIVE:
                try:
                    return self._change_in_place(claim.contact_id, name, change, preconditions, details)
                except Absent:
                    raise ConcurrentModification from None
        raise ContactNotFound

    def _change_in_place(
        self,
        contact_id: str,
        named: Name | None,
        change: Change,
        preconditions: Preconditions,
        details: Details,
    ) -> Outcome:
        """Changes a contact by one write without a read before it; reads it first if the store demands that.

        Raises:
            Absent: no live contact has the id, or that contact lacks the name `named`.
            StaleVersion, and the errors of `_change_read`.
        """
        now = self._clock.now_ms()
        try:
            contact = self._store.change_in_place(
                contact_id, change, now, named=named, versions=preconditions.versions
            )
        except VersionDiffers:
            raise StaleVersion from None
        except NotInPlace:
            read = self._store.by_id(contact_id)
            if read is None:
                raise ConcurrentModification from None
            return self._change_read(_Found(read, named), change, preconditions, details)
        return Outcome(action=Action.UPDATED, contact=contact, details=details)

    def _change_read(
        self, found: _Found, change: Change, preconditions: Preconditions, details: Details
    ) -> Outcome:
        before, now = found.contact, self._clock.now_ms()
        if found.named is not None and found.named not in before.names:
            raise ConcurrentModification
        _check_version(before, preconditions)
        after = before if change.is_empty else change.applied_to(before, iso(now))
        if is_same(before, after):
            after = before
        outcome = Outcome(action=Action.UPDATED, contact=after, details=details)
        if after is before and preconditions.idempotency_key is None:
            return outcome
        try:
            return self._store.apply(
                Transition(
                    before=before,
                    was=ContactState.LIVE,
                    after=after,
                    becomes=ContactState.LIVE,
                    at_ms=now,
                    outcome=outcome,
                    idempotency_key=preconditions.idempotency_key,
                )
            )
        except NamesNotFree as error:
            raise _duplicate(error.claims) from None

    def _take_away(
        self,
        contact: Contact,
        was: ContactState,
        becomes: ContactState | None,
        outcome: Outcome,
        preconditions: Preconditions,
    ) -> None:
        lost: frozenset[Name] = frozenset()
        while True:
            try:
                self._store.apply(
                    Transition(
                        before=contact,
                        was=was,
                        after=contact if becomes else None,
                        becomes=becomes,
                        at_ms=self._clock.now_ms(),
                        lost=lost,
                        outcome=outcome,
                        idempotency_key=preconditions.idempotency_key,
                    )
                )
            except NamesNotFree as error:
                if was is ContactState.LIVE or not error.claims.keys() - lost:
                    raise ConcurrentModification from None
                lost |= error.claims.keys()
            else:
                return

    def _once(self, attempt: Callable[[], Outcome], preconditions: Preconditions) -> Outcome:
        return run_idempotent(attempt, preconditions.idempotency_key, self._clock, self._randomness)


def _fits_in_place(change: Change) -> bool:
    return (
        not change.touches_names and not change.edits_sequences and change.map_keys <= MAX_MAP_KEYS_IN_PLACE
    )


def _renaming_nothing(change: Change, contact: Contact, named: Name | None) -> Change:
    """Returns the change that a create makes to a contact that it has found by a name, without other names for it.

    A merged name does not become the contact's own email or external_id. If it was a merged name that led here, the
    create means the contact that was merged away: then neither of its names replaces one of this contact.
    """
    if named in contact.merged_names:
        names = {kind for kind in (NameKind.EMAIL, NameKind.EXTERNAL_ID) if kind in change.fields}
    else:
        names = {
            name.kind
            for name in contact.merged_names
            if change.fields.get(name.kind) in (name.value, composed(name.value))
        }
    return change.without(*(kind for kind in names if getattr(contact, kind) is not None))


def _skipped_details(skipped: Sequence[FieldError]) -> Details:
    """Returns the member of the response that lists the skipped fields."""
    return {"skipped": [{"field": error.field, "reason": error.message} for error in skipped]}


def _must_be_reachable(given: Mapping[str, object], skipped: Sequence[FieldError]) -> None:
    """
    Raises:
        InvalidInput: without the skipped fields the contact has neither email nor external_id. It lists all errors.
    """
    if any(given.get(name) is not None for name in ("email", "external_id")):
        return
    skipped_fields = {field for field, _ in skipped}
    raise InvalidInput([*skipped, *(error for error in unreachable() if error.field not in skipped_fields)])


def _check_version(contact: Contact, preconditions: Preconditions) -> None:
    if preconditions.versions and contact.version not in preconditions.versions:
        raise StaleVersion


def _duplicate(claims: Mapping[Name, Claim | None]) -> Exception:
    """Returns the conflict with the live contacts among `claims`; if none is live, `ConcurrentModification`."""
    taken = [
        (str(name.kind), claim.contact_id)
        for name, claim in claims.items()
        if claim is not None and claim.state is ContactState.LIVE
    ]
    return DuplicateContact(sorted(taken)) if taken else ConcurrentModification()
