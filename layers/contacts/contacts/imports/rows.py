"""One row on the contact book: what it may do, what is remembered of it, and what would come of it.

A row is carried out as an upsert by `ContactBook` is, on a store that adds the rules of its import: no contact is
created with `update`, none leaves the trash without `restore_trashed`, nothing is written where nothing changes. A dry
run uses the same book on a store that writes nothing, so that both decide alike.

What a row did is recorded in the transaction of its change, under a key that no client can have, with what taking it
back needs. A row that changes nothing leaves no record, unless a later row of the hundred may be about its contact: to
carry it out again after that one would turn the file's order round.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, NamedTuple

from contacts.book.model import (
    MAPS,
    SCALARS,
    SEQUENCES,
    Claim,
    Contact,
    ContactState,
    NamesNotFree,
    Outcome,
    Preconditions,
    Quiet,
    Transition,
    contact_from,
    contact_values,
)
from contacts.book.service import ContactBook, OnConflict
from contacts.book.store import ContactStore, OptOuts, contact_item
from contacts.core.errors import (
    ContactNotFound,
    ContactsError,
    Contention,
    DuplicateContact,
    TemporarilyUnavailable,
)
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.core.ids import Name, Randomness
from contacts.core.json import canonical, same_json
from contacts.core.time import Clock
from contacts.imports.model import ImportMode, RowError, RowResult
from contacts.properties.model import ContactInput, OnInvalid
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import from_attribute, item_size, to_attribute

LARGEST_RECEIPT: Final = 380_000
"""Bytes. An item may have 400 KB; where a receipt would be larger, the row cannot be taken back."""
MAX_KNOWN_BYTES: Final = 64 << 20
"""On the wire. A thousand contacts of 350 KB each would not fit the memory."""
_NOT_IN_PRINT: Final = frozenset(
    {
        *("id", "version", "created_at", "updated_at", "validation_status", "validation_reason"),
        *("is_unsubscribed", "unsubscribed_at"),
    }
)
"""Fields ignored when undo asks whether a created contact was edited. An opt-out does not count as an edit: undo still
trashes the contact, and the opt-out stays."""


class RowSkipped(Exception):
    """Raised when a row is not to be carried out by the rules of its import. The text says why."""


ABSENT: Final = "there is no such contact, and mode is update"
TRASHED: Final = "the contact is in the trash; restore_trashed brings it back"
PRESENT: Final = "the contact exists, and mode is create"


class RowRules(NamedTuple):
    """What the rows of an import may do."""

    mode: ImportMode
    restores_trashed: bool
    on_invalid: OnInvalid
    quiet: Quiet | None


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What came of a row."""

    result: RowResult
    errors: tuple[RowError, ...] = ()
    """Why it failed or was skipped."""
    contact: Contact | None = None
    """As the row has left it; None: it failed, was skipped, or was carried out before."""
    has_receipt: bool = False


# Receipts


def receipt_key(import_id: str, part: int, number: int) -> IdempotencyKey:
    """The key under which it is recorded what a row did. No client can have it: theirs are printable.

    `number`: of the row in its part, from 0. Rows are not named by their lines, so that all receipts of a part can be
    found when the file is gone.
    """
    key = f"\x00import:{import_id}:{part}:{number}"
    return IdempotencyKey(key, sha256(key.encode()).hexdigest())


def undo_key(import_id: str, part: int, number: int) -> IdempotencyKey:
    """The key under which it is recorded that a row was taken back."""
    key = f"\x00import:{import_id}:{part}:{number}:undo"
    return IdempotencyKey(key, sha256(key.encode()).hexdigest())


def digest(value: object) -> str:
    """What stands for a value that a row has written: enough to tell whether it is still there."""
    stored = from_attribute(to_attribute(value))
    return sha256(canonical(stored).encode()).hexdigest()[:16]


def print_of(contact: Contact) -> str:
    """What stands for all that callers can change of a contact, but for its consent."""
    values = contact_values(contact)
    return digest({name: value for name, value in values.items() if name not in _NOT_IN_PRINT})


def receipt_of(transition: Transition, result: RowResult) -> dict[str, object]:
    """What is remembered of a row: what it did to which contact, and what its fields were before.

    Of a row that changed nothing both versions are the same. `was`: the old values; `now`: a digest of each new one (of
    tags and lists themselves). Of a map only the keys that changed. `print`: what `print_of` returns for the contact as
    the row left it, if the row created or restored it.
    """
    before, after = transition.before, transition.after
    assert after is not None, "no row erases a contact"
    receipt: dict[str, object] = {"result": str(result), "id": after.id, "version": after.version}
    if transition.was is not ContactState.LIVE:
        receipt["print"] = print_of(after)
    if before is None:
        return receipt
    was, now = _changes(before, after)
    full = {**receipt, "before_version": before.version, "was": was, "now": now}
    return full if item_size(full) <= LARGEST_RECEIPT else receipt


def changed_nothing(receipt: Mapping[str, Any]) -> bool:
    """Whether a row has left its contact as it was, by its receipt."""
    return bool(receipt.get("before_version") == receipt["version"])


def _changes(before: Contact, after: Contact) -> tuple[dict[str, object], dict[str, object]]:
    was: dict[str, object] = {}
    now: dict[str, object] = {}
    for name in SCALARS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            was[name], now[name] = old, digest(new)
    for name in SEQUENCES:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            was[name], now[name] = list(old), list(new)
    for name in MAPS:
        old, new = getattr(before, name), getattr(after, name)
        changed = [key for key in {**old, **new} if not same_json(old.get(key), new.get(key))]
        if changed:
            was[name] = {key: old.get(key) for key in changed}
            now[name] = {key: digest(new.get(key)) for key in changed}
    return was, now


# What is known of the contacts of some rows


class Known:
    """What is known of the contacts that some rows lead to: read ahead, and what the rows have made of it since.

    Reading a hundred names takes two calls, where a hundred rows would take two each. What is known may be stale: every
    write checks that the contact is as it was read, and a row whose write fails reads anew.
    """

    def __init__(self, table: Table, account_id: str, opt_outs: OptOuts, now_s: int) -> None:
        self._table = table
        self._account = account_id
        self._opt_outs = opt_outs
        self._now_s = now_s
        self.claims: dict[Name, Claim | None] = {}
        self.live: dict[str, Contact | None] = {}
        self.trashed: dict[str, Contact | None] = {}
        self.opted_out: dict[str, bool] = {}
        """By email."""
        self._noted: set[str] = set()
        self._bytes = 0

    def read_ahead(self, names: Iterable[Name], emails: Iterable[str] = ()) -> None:
        """Read the claims of names and the contacts that have them; and whether `emails` have opted out.

        BatchGetItem, strongly consistent: a unit for each name, 4 KB of a contact, and email.

        Raises:
            TemporarilyUnavailable.
        """
        claims = {keys.claim(self._account, name): name for name in names if name not in self.claims}
        hmacs = {
            keys.opt_out(self._account, self._opt_outs.hmac_of(email)): email
            for email in emails
            if email not in self.opted_out
        }
        found = self._table.get_many([*claims, *hmacs])
        self.opted_out.update({email: key in found for key, email in hmacs.items()})
        self.claims.update({name: self._claim(found.get(key)) for key, name in claims.items()})
        self.read_contacts(
            (claim.contact_id, claim.state)
            for name in claims.values()
            if (claim := self.claims[name]) is not None
        )

    def read_contacts(self, wanted: Iterable[tuple[str, ContactState]]) -> None:
        """Read contacts that are live or in the trash, by their ids. BatchGetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        places: dict[keys.Key, tuple[str, ContactState]] = {}
        for contact_id, state in wanted:
            if state is ContactState.LIVE and contact_id not in self.live:
                places[keys.contact(self._account, contact_id)] = contact_id, state
            elif state is ContactState.DELETED and contact_id not in self.trashed:
                places[keys.trash(self._account, contact_id)] = contact_id, state
        found: dict[keys.Key, Any] = {}
        for turn in self._table.get_in_turns(places):
            found |= turn.items
            self._bytes += turn.size
        for key, (contact_id, state) in places.items():
            item = found.get(key)
            if state is ContactState.LIVE:
                self.live[contact_id] = None if item is None else contact_from(item)
            else:
                is_there = item is not None and item["ttl"] > self._now_s
                self.trashed[contact_id] = contact_from(item["snapshot"]) if item and is_there else None

    def note(self, transition: Transition) -> None:
        """Take over what a row has made of a contact that is live now."""
        after = transition.after
        assert after is not None, "no row erases a contact"
        had = () if transition.before is None else transition.before.without(transition.lost).names
        self.claims.update({name: None for name in had if name not in after.names})
        self.claims.update(dict.fromkeys(after.names, Claim(after.id, ContactState.LIVE)))
        self._noted.add(after.id)
        self.live[after.id] = after
        self.trashed[after.id] = None
        if after.is_unsubscribed:
            self.opted_out.update(dict.fromkeys(after.emails, True))

    def make_room(self) -> None:
        """Forget contacts that no row has changed, where they are too many to be kept. They are read again."""
        if self._bytes > MAX_KNOWN_BYTES:
            for contacts in (self.live, self.trashed):
                for contact_id in contacts.keys() - self._noted:
                    del contacts[contact_id]
            self._bytes = 0

    def owners(self, names: Iterable[Name]) -> set[str]:
        """The ids of the contacts that have these names."""
        return {claim.contact_id for name in names if (claim := self.claims.get(name)) is not None}

    def _claim(self, item: Mapping[str, Any] | None) -> Claim | None:
        if item is None:
            return None
        claim = Claim(item["contact_id"], ContactState(item["state"]), item.get("ttl"))
        has_expired = claim.expires_at is not None and claim.expires_at <= self._now_s
        return None if has_expired else claim


# Stores


class RowStore(ContactStore):
    """The contacts of an account, for one row: it keeps the rules of the import."""

    def __init__(
        self,
        table: Table,
        account_id: str,
        opt_outs: OptOuts,
        randomness: Randomness,
        now_s: int,
        known: Known,
        rules: RowRules,
        *,
        says_subscribed: bool,
        leaves_record: bool = False,
    ) -> None:
        """`says_subscribed`: the row asks for a subscription. `leaves_record`: also where it changes nothing."""
        super().__init__(table, account_id, opt_outs, randomness, now_s)
        self._known = known
        self._rules = rules
        self._says_subscribed = says_subscribed
        self._leaves_record = leaves_record
        self._goes_by_known = True
        self.outcome: RowOutcome | None = None
        """What came of the row, once `apply` has returned."""

    def by_id(self, contact_id: str) -> Contact | None:
        """Returns the live contact with an id: what was read ahead, if anything, else the table's."""
        if self._goes_by_known and contact_id in self._known.live:
            return self._known.live[contact_id]
        return super().by_id(contact_id)

    def trashed(self, contact_id: str) -> Contact | None:
        """Returns the contact with an id from the trash: what was read ahead, if anything, else the table's."""
        if self._goes_by_known and contact_id in self._known.trashed:
            return self._known.trashed[contact_id]
        return super().trashed(contact_id)

    def claim(self, name: Name) -> Claim | None:
        """Returns the claim on a name, unless it has expired: what was read ahead, if anything, else the table's."""
        if self._goes_by_known and name in self._known.claims:
            return self._known.claims[name]
        return super().claim(name)

    def apply(self, transition: Transition) -> Outcome:
        """Carries a transition out, if the import may make it.

        Raises:
            RowSkipped: it may not.
            NamesNotFree, ConcurrentModification, AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        after = transition.after
        assert after is not None, "no row erases a contact"
        transition = replace(transition, quiet=self._rules.quiet)
        if transition.before is None:
            # No name is taken from a contact in the trash: its person may have opted out.
            transition = replace(transition, spares_trashed=frozenset(after.names))
            self._refuse_taken_names(transition)
            if self._rules.mode is ImportMode.UPDATE:
                raise RowSkipped(ABSENT)
        elif transition.was is ContactState.DELETED:
            if not self._rules.restores_trashed:
                raise RowSkipped(TRASHED)
        elif transition.before is after and not self._leaves_record:
            self.outcome = RowOutcome(self._result(transition), contact=after)
            return transition.outcome
        try:
            written = self._carry_out(transition)
        except (ConcurrentModification, Contention):
            self._look_again()
            raise
        self._known.note(written)
        self.outcome = RowOutcome(self._result(written), contact=written.after, has_receipt=True)
        return written.outcome

    @abstractmethod
    def _carry_out(self, transition: Transition) -> Transition:
        """Carries a transition out; returns it as it was carried out, with the opt-outs of its addresses.

        Raises: as `apply`.
        """

    def _look_again(self) -> None:
        """Go by the table from here on, for this row: what is known is stale."""
        self._goes_by_known = False

    def _refuse_taken_names(self, transition: Transition) -> None:
        """Look at the names of a new contact first: a transaction that fails costs as much as one that does not.

        Raises:
            NamesNotFree: others have some of the names, also in the trash.
        """
        if self.outcome is None and self._tried:
            self._look_again()
        self._tried = True
        assert transition.after is not None
        taken = {name: claim for name in transition.after.names if (claim := self.claim(name)) is not None}
        if taken:
            raise NamesNotFree(taken)

    _tried = False
    """Whether a create was decided on before: then somebody else was faster."""

    def _result(self, transition: Transition) -> RowResult:
        assert transition.after is not None
        if self._says_subscribed and transition.after.is_unsubscribed:
            return RowResult.PROTECTED
        if transition.was is not ContactState.LIVE:
            return RowResult.CREATED
        return RowResult.UNCHANGED if transition.before is transition.after else RowResult.UPDATED


class WritingRowStore(RowStore):
    """Writes what a row does, with its receipt."""

    _written: Transition | None = None

    def _carry_out(self, transition: Transition) -> Transition:
        super(RowStore, self).apply(transition)
        assert self._written is not None, "a write is recorded"
        return self._written

    def _to_record(self, transition: Transition) -> Outcome:
        """The receipt: not the contact, which nobody is answered with."""
        self._written = transition
        receipt = receipt_of(transition, self._result(transition))
        return Outcome(action=transition.outcome.action, details=receipt)


class CheckingRowStore(RowStore):
    """Writes nothing: it refuses what a write would be refused, and what is known becomes as if it were written."""

    def _carry_out(self, transition: Transition) -> Transition:
        after = transition.after
        assert after is not None
        is_subscribed = not after.is_unsubscribed
        if is_subscribed and (
            any(map(self._has_opted_out, sorted(transition.taken_emails)))
            or any(map(self._had_opted_out, self._left_behind(transition)))
        ):
            transition = transition.opted_out()
        claims = dict(self._claim_steps(transition))
        self._check_look_alikes(transition, claims)
        assert transition.after is not None
        contact_item(transition.after, "", transition.before)
        had = () if transition.before is None else transition.before.without(transition.lost).names
        refused = {
            name: self.claim(name) for name in after.names if not self._may_have(name, transition, had)
        }
        if refused:
            raise NamesNotFree(refused)
        return transition

    def _look_again(self) -> None:
        pass

    def _has_opted_out(self, email: str) -> bool:
        if email not in self._known.opted_out:
            self._known.opted_out[email] = self._opt_outs.include_any_of([email])
        return self._known.opted_out[email]

    def _left_behind(self, transition: Transition) -> Iterable[str]:
        """The ids of contacts in the trash from which the transition takes names."""
        assert transition.after is not None
        had = () if transition.before is None else transition.before.without(transition.lost).names
        for name in transition.after.names:
            claim = None if name in had or name in transition.spares_trashed else self.claim(name)
            if claim is not None and claim.state is ContactState.DELETED:
                yield claim.contact_id

    def _had_opted_out(self, contact_id: str) -> bool:
        contact = self.trashed(contact_id)
        return contact is not None and contact.is_unsubscribed

    def _may_have(self, name: Name, transition: Transition, had: Iterable[Name]) -> bool:
        """Whether the condition would hold under which a write gives a contact a name."""
        assert transition.after is not None
        if name in had and transition.was is ContactState.LIVE:
            return True
        claim = self.claim(name)
        is_own = claim is not None and claim.contact_id == transition.after.id
        if name in had:
            return is_own and claim is not None and claim.state is ContactState.DELETED
        if claim is None or is_own:
            return True
        return claim.state is ContactState.DELETED and name not in transition.spares_trashed


def carry_out_row(
    store: RowStore,
    given: ContactInput,
    rules: RowRules,
    key: IdempotencyKey,
    clock: Clock,
    randomness: Randomness,
) -> RowOutcome:
    """Carry a row out on its store. Returns what came of it, now or when it was carried out before.

    Raises:
        TemporarilyUnavailable: nothing was written, or nobody knows.
    """
    book = ContactBook(store, clock, randomness)
    on_conflict = OnConflict.REJECT if rules.mode is ImportMode.CREATE else OnConflict.UPDATE
    try:
        outcome = book.create_from(given, on_conflict, rules.on_invalid, Preconditions(idempotency_key=key))
    except RowSkipped as skipped:
        return RowOutcome(RowResult.SKIPPED, (RowError(None, str(skipped)),))
    except ContactNotFound:
        return ERASED_SINCE
    except TemporarilyUnavailable:
        raise
    except DuplicateContact as error:
        if rules.mode is ImportMode.CREATE:
            return RowOutcome(RowResult.SKIPPED, (RowError(None, PRESENT),))
        return failed(error)
    except ContactsError as error:
        return failed(error)
    if outcome.is_replay:
        return recorded_outcome(outcome.details)
    assert store.outcome is not None, "a book that returns has applied a transition"
    return store.outcome


ERASED_SINCE: Final = RowOutcome(RowResult.UPDATED, has_receipt=True)
"""Of a row whose contact was erased after it, and its receipt with it: it was carried out, whatever it did."""


def recorded_outcome(receipt: Mapping[str, Any]) -> RowOutcome:
    """What came of a row that was carried out before."""
    return RowOutcome(RowResult(receipt["result"]), has_receipt=True)


def failed(error: ContactsError) -> RowOutcome:
    """The outcome of a row that was refused."""
    errors = tuple(RowError(one.field, one.message) for one in error.field_errors)
    return RowOutcome(RowResult.FAILED, errors or (RowError(error.field, error.detail),))
