"""The restorer: brings contacts of one account back from a table that a backup was restored to.

Others go on writing meanwhile. So every write is conditional on what was read, and what has changed since is decided
anew. Nothing is announced: what is written has the mark `quiet`, which the event source mappings leave out, until its
next ordinary write. Postings, words and counts follow by `reindex_account`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from contacts.accounts.model import Account
from contacts.accounts.operator_requests import Restoring
from contacts.accounts.store import AccountStore
from contacts.book.model import (
    Action,
    Claim,
    Contact,
    ContactState,
    NamesNotFree,
    Outcome,
    Quiet,
    Transition,
    is_same,
)
from contacts.book.store import ContactStore, OptOuts
from contacts.core.errors import ContactTooLarge, Contention, FieldError, InvalidInput, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification, tries
from contacts.core.ids import Name, NameKind, Randomness
from contacts.core.threads import side_by_side
from contacts.core.time import Clock, iso, parsed
from contacts.core.violations import NO_ACCOUNT
from contacts.restoring.model import (
    VERSIONS_LEFT_FREE,
    Fate,
    Journal,
    Plan,
    Present,
    Report,
    differs,
    with_verdict_of,
)
from contacts.restoring.store import PresentStore, RestoredTable
from contacts.table.client import Table

AT_ONCE: Final = 8
"""Contacts that are written at a time."""
LARGEST_REPORT: Final = 4_000_000
"""Bytes after which a run ends. An invocation's answer may have 6 MB, and 50 contacts add some tens of KB at most."""
OwnerByName = Mapping[Name, str]
"""By a name that is another contact's: the id of that contact."""


class Restorer:
    """Brings contacts back."""

    def __init__(
        self,
        table: Table,
        restored: Callable[[str], Table],
        accounts: AccountStore,
        journal: Journal,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[], bool],
    ) -> None:
        """`restored`: the table with a name. `has_time_left`: whether the invocation has the time for 50 contacts."""
        self._table = table
        self._restored = restored
        self._accounts = accounts
        self._journal = journal
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left

    def restore(self, command: Restoring) -> Report:
        """Bring contacts back, as far as the time allows. The report says where to go on.

        Raises:
            InvalidInput: there is no such account or table.
            TemporarilyUnavailable: before anything was done.
        """
        account = self._accounts.account(command.account_id)
        if account is None:
            raise InvalidInput([FieldError("account_id", NO_ACCOUNT)])
        source = RestoredTable(self._restored(command.table), command.account_id)
        run = _Run(self._table, account, command, self._journal, self._clock, self._randomness)
        report = Report(command.account_id, command.dry_run)
        after = command.resume
        while True:
            try:
                contacts, after_these = source.contacts(after)
                plans = run.restore_page(contacts)
            except TemporarilyUnavailable:
                if not report.read:
                    raise
                report.resume = after
                return report
            for plan in plans:
                report.note(plan)
            after = after_these
            if after is None:
                return report
            if report.size >= LARGEST_REPORT or not self._has_time_left():
                report.resume = after
                return report


class _Run:
    """One invocation for one account."""

    def __init__(
        self,
        table: Table,
        account: Account,
        command: Restoring,
        journal: Journal,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._command = command
        self._erased = journal.erased(account.id)
        self._noted_opt_outs = journal.opted_out_since(account.id, 0)
        self._clock = clock
        self._randomness = randomness
        self._now_s = clock.now_ms() // 1000
        self._opt_outs = OptOuts(table, account.id, account.secret)
        self._present = PresentStore(table, account.id)
        self._store = ContactStore(table, account.id, self._opt_outs, randomness, self._now_s)

    def restore_page(self, contacts: Sequence[Contact]) -> list[Plan]:
        """Decide on contacts, and write what was decided, unless it is a dry run. Returns the plan of each.

        Raises:
            TemporarilyUnavailable: some are written, others not. Done again, those are found as they are.
        """
        plans = self._decide(contacts)
        if self._command.dry_run:
            return plans
        return side_by_side(
            lambda one: self._write_plan(*one), list(zip(contacts, plans, strict=True)), AT_ONCE
        )

    def _write_plan(self, backup: Contact, plan: Plan) -> Plan:
        """Write what was decided on a contact; where others were faster, decide anew."""
        taken: OwnerByName = {}
        try:
            for _ in tries(self._clock, self._randomness):
                if plan.transition is None:
                    return plan
                try:
                    self._store.apply(plan.transition)
                    return plan
                except NamesNotFree as names:
                    taken = {**taken, **_look_alikes(backup, names)}
                except (ConcurrentModification, Contention):
                    pass
                except ContactTooLarge:
                    return Plan(contact_id=backup.id, fate=Fate.TOO_LARGE)
                (plan,) = self._decide([backup], taken)
        except Contention:
            pass
        return Plan(contact_id=backup.id, fate=Fate.BUSY)

    # Deciding

    def _decide(self, contacts: Sequence[Contact], taken: OwnerByName | None = None) -> list[Plan]:
        """Reads the present state of some contacts, and who has their names. Returns the plan of each contact.

        `taken`: names that are known to be others'.
        """
        present = self._present.present([contact.id for contact in contacts], self._now_s)
        fates = [self._fate(contact, present[contact.id]) for contact in contacts]
        wanted = {
            name
            for contact, (_, after) in zip(contacts, fates, strict=True)
            if after is not None
            for name in (*after.names, *_names_of(present[contact.id].trashed))
        }
        claims = self._present.claims(wanted) if wanted else {}
        return [
            Plan(contact_id=contact.id, fate=fate)
            if after is None
            else self._plan(fate, contact, after, present[contact.id], claims, taken or {})
            for contact, (fate, after) in zip(contacts, fates, strict=True)
        ]

    def _fate(self, backup: Contact, now: Present) -> tuple[Fate, Contact | None]:
        """What becomes of a contact, and as what it is to be written, with all the names that it had."""
        if now.is_erased or backup.id in self._erased:
            return Fate.ERASED, None
        if now.is_merged:
            return Fate.MERGED, None
        contact = now.contact
        if contact is None:
            return Fate.LOST, replace(backup, version=backup.version + VERSIONS_LEFT_FREE)
        if now.live is not None:
            return self._fate_of_live(backup, now.live)
        if not self._command.covers(now.deleted_at_ms):
            return Fate.DELETED_LATER, None
        if self._may_overwrite(backup, contact):
            contact = self._overwritten(backup, contact)
        return Fate.DELETED, contact

    def _fate_of_live(self, backup: Contact, live: Contact) -> tuple[Fate, Contact | None]:
        if not differs(backup, live):
            return Fate.SAME, None
        if not self._command.overwrite:
            return Fate.CHANGED, None
        if live.merged_ids != backup.merged_ids:
            return Fate.MERGED, None
        if not self._may_overwrite(backup, live):
            return Fate.CHANGED, None
        return Fate.OVERWRITTEN, self._overwritten(backup, live)

    def _may_overwrite(self, backup: Contact, contact: Contact) -> bool:
        is_covered = self._command.overwrite and self._command.covers(parsed(contact.updated_at))
        return is_covered and contact.merged_ids == backup.merged_ids

    @staticmethod
    def _overwritten(backup: Contact, contact: Contact) -> Contact:
        """A contact with the values of the restored table. Its gates stay as they are."""
        return replace(
            backup,
            version=contact.version,
            gates=contact.gates,
            is_unsubscribed=backup.is_unsubscribed or contact.is_unsubscribed,
            unsubscribed_at=contact.unsubscribed_at or backup.unsubscribed_at,
        )

    def _plan(
        self,
        fate: Fate,
        backup: Contact,
        after: Contact,
        now: Present,
        claims: Mapping[Name, Claim],
        known: OwnerByName,
    ) -> Plan:
        """The plan for a contact that is to be written, without the names that are others' now."""
        taken = {name: owner for name in after.names if (owner := self._owner(name, after, claims, known))}
        after = _without(after, taken, now.live)
        if not after.is_reachable:
            return Plan(contact_id=backup.id, fate=Fate.NAMELESS, taken=taken)
        after = with_verdict_of(after, now.contact)
        at_ms = self._clock.now_ms()
        if not after.is_unsubscribed and self._has_opted_out(fate, backup, after):
            after = after.opted_out(iso(at_ms))
        stays_opted_out = after.is_unsubscribed and not backup.is_unsubscribed
        if now.live is not None and is_same(after, now.live):
            return Plan(contact_id=backup.id, fate=Fate.SAME, taken=taken, stays_opted_out=stays_opted_out)
        after = replace(after, version=after.version + 1, updated_at=iso(at_ms))
        transition = Transition(
            before=now.contact,
            was=now.state,
            after=after,
            becomes=ContactState.LIVE,
            at_ms=at_ms,
            lost=frozenset(
                name for name in _names_of(now.trashed) if not _is_kept(claims.get(name), backup.id)
            ),
            spares_trashed=frozenset(after.names),
            outcome=Outcome(action=Action.RESTORED, contact=after),
            quiet=Quiet.ALL,
        )
        return Plan(
            contact_id=backup.id,
            fate=fate,
            transition=transition,
            taken=taken,
            stays_opted_out=stays_opted_out,
        )

    def _has_opted_out(self, fate: Fate, backup: Contact, after: Contact) -> bool:
        """Whether one of a contact's addresses has opted out.

        Where nothing is left of a contact, the opt-outs of its addresses may be lost, too. The journal has those since
        the contact was changed last, and subscribing again changes it.
        """
        if self._opt_outs.include_any_of(after.emails):
            return True
        noted = map(self._noted_opt_outs.get, map(self._opt_outs.hmac_of, after.emails))
        changed_ms = parsed(backup.updated_at)
        return fate is Fate.LOST and any(at_ms is not None and at_ms >= changed_ms for at_ms in noted)

    def _owner(
        self, name: Name, contact: Contact, claims: Mapping[Name, Claim], known: OwnerByName
    ) -> str | None:
        """The id of the other contact, live or in the trash, that has a name; None: the contact may have it."""
        claim = claims.get(name)
        if claim is None or claim.contact_id == contact.id:
            return known.get(name)
        has_expired = claim.expires_at is not None and claim.expires_at <= self._now_s
        return None if has_expired else claim.contact_id


def _names_of(contact: Contact | None) -> Iterable[Name]:
    return () if contact is None else contact.names


def _is_kept(claim: Claim | None, contact_id: str) -> bool:
    """Whether the claim of a contact in the trash is still its own."""
    return claim is not None and claim.contact_id == contact_id and claim.state is ContactState.DELETED


def _without(after: Contact, taken: Iterable[Name], live: Contact | None) -> Contact:
    """A contact without names that are others'. A live one keeps its current email or external_id instead."""
    left = after.without(taken)
    if live is None:
        return left
    return replace(
        left,
        email=live.email if left.email is None and after.email is not None else left.email,
        external_id=live.external_id
        if left.external_id is None and after.external_id is not None
        else left.external_id,
    ).owning_its_names()


def _look_alikes(backup: Contact, names: NamesNotFree) -> OwnerByName:
    """The external_id of a contact, if another live contact has it in another spelling."""
    own = partial(Name, NameKind.EXTERNAL_ID)
    return {
        own(backup.external_id): claim.contact_id
        for name, claim in names.claims.items()
        if backup.external_id is not None
        and claim is not None
        and name.kind is NameKind.EXTERNAL_ID
        and name.value != backup.external_id
    }
