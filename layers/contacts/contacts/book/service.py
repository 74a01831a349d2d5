"""The contact book: what can be done with one contact, and the rules of doing it.

Every operation ends in exactly one conditional write. Where others get in between, it looks again and decides
anew, so each outcome is one that some order of the operations, one after the other, would have had.
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
from contacts.core.time import Clock, iso

if TYPE_CHECKING:
    from contacts.properties.model import ContactInput, OnInvalid

Details = Mapping[str, object]

MAX_MAP_KEYS_IN_PLACE: Final = 50
"""More keys of maps than this would crowd an update expression (4 KB)."""


class OnConflict(StrEnum):
    """What a create does where the contact exists already."""

    REJECT = "reject"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class _Found:
    contact: Contact
    named: Name | None
    """The name that led to it; None where its id did."""


class _TheSameByNow(Exception):
    """Raised where a contact and one whose names it was not to take were merged while it was being changed."""


class ContactBook:
    """The contacts of one account."""

    def __init__(self, store: ContactStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def get(self, ref: Ref) -> Contact:
        """The live contact that a ref names, as of the latest write.

        Raises:
            ContactNotFound: there is none.
        """
        return retry_on_conflict(lambda: self._find(ref).contact, self._clock, self._randomness)

    def create(
        self,
        given: Mapping[str, object],
        on_conflict: OnConflict = OnConflict.REJECT,
        preconditions: Preconditions = UNCONDITIONAL,
        skipped: Sequence[FieldError] | None = None,
    ) -> Outcome:
        """Create a contact from a validated body; an email in the trash restores its contact instead.

        `skipped`: not None where fields that cannot be taken are to be left out and told of, and then those
        that were left out already. It leaves out no name of a contact that is to be made: that the contact exists
        already is for `on_conflict` to deal with.

        Raises:
            InvalidInput: the contact would have neither email nor external_id; where nothing is skipped also too
                many tags or lists.
            DuplicateContact: email or external_id belong to a live contact (only with `reject`, or where
                an upsert would need the names of two contacts and nothing is skipped).
            ContactTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        if skipped is None:
            return self._create(given, on_conflict, preconditions, {})
        _must_be_reachable(given, skipped)
        try:
            return self._create(given, on_conflict, preconditions, _told(skipped))
        except (DuplicateContact, InvalidInput) as error:
            if isinstance(error, DuplicateContact) and on_conflict is OnConflict.REJECT:
                raise
            wrong = error.field_errors
            fields = {field for field, _ in wrong}
            rest = {key: value for key, value in given.items() if key not in fields}
            if len(rest) == len(given):
                raise
            return self.create(rest, on_conflict, preconditions, (*skipped, *wrong))

    def _create(
        self,
        given: Mapping[str, object],
        on_conflict: OnConflict,
        preconditions: Preconditions,
        details: Details,
    ) -> Outcome:
        now = self._clock.now_ms()
        at = iso(now)
        contact = new_contact(uuid7(now, self._randomness(10)), given, at)
        spared = frozenset(name for name in contact.names if name.kind is NameKind.EMAIL)

        def attempt() -> Outcome:
            if preconditions.versions:  # A contact that is not there has no version.
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
                        spares_trashed=spared,
                        outcome=outcome,
                        idempotency_key=preconditions.idempotency_key,
                    )
                )
            except NamesNotFree as taken:
                return self._create_over(given, taken.claims, on_conflict, preconditions, details)

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
        """Change fields of a contact.

        `skipped`: not None where fields that cannot be taken are to be left out and told of, and then those
        that were left out already.

        Raises:
            ContactNotFound, StaleVersion, ContactTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
            DuplicateContact, InvalidInput: only where nothing is skipped.
        """
        if skipped is None:
            return self._once(lambda: self._update(ref, change, preconditions, {}), preconditions)
        wanted, left_out, owners = change, tuple(skipped), frozenset[str]()
        while True:
            try:
                return self._once(
                    partial(self._update, ref, wanted, preconditions, _told(left_out), apart_from=owners),
                    preconditions,
                )
            except _TheSameByNow:
                wanted, left_out, owners = change, tuple(skipped), frozenset()
            except (DuplicateContact, InvalidInput) as error:
                rest = wanted.without(*(field for field, _ in error.field_errors))
                if rest == wanted:
                    raise
                wanted, left_out = rest, (*left_out, *error.field_errors)
                if isinstance(error, DuplicateContact):
                    owners |= {owner for _, owner in error.taken}

    def delete(
        self, ref: Ref, *, permanent: bool = False, preconditions: Preconditions = UNCONDITIONAL
    ) -> Outcome:
        """Move a contact to the trash for 30 days, or erase it; what is in the trash can be erased too.

        Raises:
            MergedAway: the name is one that came with a merge: who means the contact that it named then may not know
                of the other.
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
            self._move_out(contact, was, None if permanent else ContactState.DELETED, outcome, preconditions)
            return outcome

        return self._once(attempt, preconditions)

    def restore(self, ref: Ref, preconditions: Preconditions = UNCONDITIONAL) -> Outcome:
        """Bring a contact back from the trash with those of its names that are still its own.

        Raises:
            ContactNotFound: the trash has none, or no longer.
            NamesTaken: others have all of its names.
            StaleVersion, IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def attempt() -> Outcome:
            found = self._find_trashed(ref)
            _check_version(found.contact, preconditions)
            return self._bring_back(found, Change(), Action.RESTORED, preconditions, {})

        return self._once(attempt, preconditions)

    def bring_back(
        self, contact_id: str, named: Name, told: Callable[[Contact], Outcome], preconditions: Preconditions
    ) -> Outcome:
        """Try once to bring a contact back from the trash as it was, because somebody asked for one of its names.

        `told`: what is answered, and remembered, of the contact as it then is.

        Raises:
            Moved: it is not in the trash any more, or has lost the name.
            AlreadyRecorded, TemporarilyUnavailable.
        """
        trashed = self._store.trashed(contact_id)
        if trashed is None:
            raise ConcurrentModification
        return self._bring_back(_Found(trashed, named), Change(), Action.RESTORED, preconditions, {}, told)

    # Finding

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
        """The live contact with a name."""
        claim = self._store.claim(name)
        if claim is None or claim.state is not ContactState.LIVE:
            return None
        contact = self._store.by_id(claim.contact_id)
        if contact is None or name not in contact.names:
            raise ConcurrentModification  # Between the two reads the name went elsewhere.
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
        """A contact that is in the trash and not live: it may be restored between a look here and a look there."""
        try:
            return self._find_trashed(ref)
        except ContactNotFound:
            self._find(ref)
            raise ConcurrentModification from None

    # Creating over what exists

    def _create_over(
        self,
        given: Mapping[str, object],
        claims: Mapping[Name, Claim | None],
        on_conflict: OnConflict,
        preconditions: Preconditions,
        details: Details,
    ) -> Outcome:
        """A create whose names belong to others: an upsert, a restore, or a conflict."""
        change = Change.of_create(given)
        live = {name: claim for name, claim in claims.items() if claim and claim.state is ContactState.LIVE}
        if live and on_conflict is OnConflict.REJECT:
            raise _duplicate(live)
        for name in sorted(live, key=lambda name: name.kind):  # an email before an external_id
            contact = self._store.by_id(live[name].contact_id)
            if contact is None or name not in contact.names:
                raise ConcurrentModification
            try:
                return self._change_read(
                    _Found(contact, name), _renaming_none(change, contact), preconditions, details
                )
            except DuplicateContact as error:
                if any(kind not in {name.kind for name in live} for kind, _ in error.taken):
                    raise ConcurrentModification from None  # The name was free a moment ago: look at all of them again.
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
        told: Callable[[Contact], Outcome] | None = None,
    ) -> Outcome:
        """Restore a contact with a change applied. Names that others took meanwhile turn up as it tries.

        Raises:
            Moved: the name that led to it is among these, or one that the change asks for is taken.
        """
        trashed, now = found.contact, self._clock.now_ms()
        lost: frozenset[Name] = frozenset()
        while True:
            kept = trashed.without(lost)
            if not kept.is_reachable and not change.touches_names:
                raise NamesTaken
            after = _renaming_none(change, kept).applied_to(kept, iso(now))
            outcome = told(after) if told else Outcome(action=action, contact=after, details=details)
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
            except NamesNotFree as taken:
                newly_lost = {name for name in taken.claims if name in trashed.names and name not in lost}
                if not newly_lost or found.named in newly_lost:
                    raise ConcurrentModification from None
                lost |= newly_lost

    # Changing

    def _update(
        self,
        ref: Ref,
        change: Change,
        preconditions: Preconditions,
        details: Details,
        apart_from: frozenset[str] = frozenset(),
    ) -> Outcome:
        """`apart_from`: the ids of contacts who have the names that were left out because others have them.

        Raises:
            _TheSameByNow: the contact is one of these, or one of these has become it.
        """
        if change.is_empty and preconditions.idempotency_key is None:
            contact = self._find(ref).contact
            _check_version(contact, preconditions)
            return Outcome(action=Action.UPDATED, contact=contact, details=details)
        if not _fits_in_place(change) or preconditions.idempotency_key is not None or apart_from:
            found = self._find(ref)
            if not apart_from.isdisjoint((found.contact.id, *found.contact.merged_ids)):
                raise _TheSameByNow
            return self._change_read(found, change, preconditions, details)
        contact_id = possible_id(ref)
        if contact_id is not None:
            try:
                return self._change_in_place(contact_id, None, change, preconditions, details)
            except Absent:
                pass  # Not the id of a contact: it may be that of a merged one, or an external_id.
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
        """One write without a read before it, where the stored contact lets it.

        Raises:
            Absent, StaleVersion, and whatever `_change_read` raises.
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
        outcome = Outcome(action=Action.UPDATED, contact=after, details=details)
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
        except NamesNotFree as taken:
            raise _duplicate(taken.claims) from None

    def _move_out(
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
            except NamesNotFree as taken:
                if was is ContactState.LIVE or not taken.claims.keys() - lost:
                    raise ConcurrentModification from None
                lost |= taken.claims.keys()
            else:
                return

    def _once(self, attempt: Callable[[], Outcome], preconditions: Preconditions) -> Outcome:
        return run_idempotent(attempt, preconditions.idempotency_key, self._clock, self._randomness)


def _fits_in_place(change: Change) -> bool:
    return (
        not change.touches_names and not change.edits_sequences and change.map_keys <= MAX_MAP_KEYS_IN_PLACE
    )


def _renaming_none(change: Change, contact: Contact) -> Change:
    """What a create changes about a contact that exists: a name that came with a merge led to it, as before, and is not
    to take the place of its own.
    """
    return change.without(
        *(
            name.kind
            for name in contact.merged_names
            if change.fields.get(name.kind) == name.value and getattr(contact, name.kind) is not None
        )
    )


def _told(skipped: Sequence[FieldError]) -> Details:
    """What an answer says of fields that were left out."""
    return {"skipped": [{"field": error.field, "reason": error.message} for error in skipped]}


def _must_be_reachable(given: Mapping[str, object], skipped: Sequence[FieldError]) -> None:
    """
    Raises:
        InvalidInput: without what is skipped nothing leads to the contact, so all that was wrong is told.
    """
    if any(given.get(name) is not None for name in ("email", "external_id")):
        return
    told = {field for field, _ in skipped}
    raise InvalidInput([*skipped, *(error for error in unreachable() if error.field not in told)])


def _check_version(contact: Contact, preconditions: Preconditions) -> None:
    if preconditions.versions and contact.version not in preconditions.versions:
        raise StaleVersion


def _duplicate(claims: Mapping[Name, Claim | None]) -> Exception:
    """The conflict that claims of live contacts make; where they are none, things have moved on."""
    taken = [
        (str(name.kind), claim.contact_id)
        for name, claim in claims.items()
        if claim is not None and claim.state is ContactState.LIVE
    ]
    return DuplicateContact(sorted(taken)) if taken else ConcurrentModification()
