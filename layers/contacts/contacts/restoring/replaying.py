"""The replayer: does again, on a table that a backup was restored to, what the journal has noted since the backup.

Who was erased is erased, and who opted out has opted out. Nothing is announced. Whatever is done again is found done
the next time, so a run may end anywhere and be repeated.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Final

from contacts.accounts.model import Account
from contacts.accounts.operator_requests import Replaying
from contacts.accounts.store import AccountStore
from contacts.book.model import Action, Contact, ContactState, NamesNotFree, Outcome, Quiet, Transition
from contacts.book.store import ContactStore, OptOuts
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification, tries
from contacts.core.ids import Name, Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.threads import side_by_side
from contacts.core.time import Clock, iso
from contacts.erasure.model import Erasure
from contacts.restoring.model import Journal, Place, Replayed, Stage
from contacts.restoring.store import AT_ONCE, PresentStore, refused_as_named
from contacts.table.client import Table

_WRITTEN_AT_ONCE: Final = 8
"""Contacts that are written at a time."""
_PageAfter = Callable[[str | None], tuple[list[Contact], str | None]]
"""Some contacts after the one with an id, and the id after which the next come (None: no more)."""


class Replayer:
    """Replays the journal."""

    def __init__(
        self,
        table: Table,
        restored: Callable[[str], Table],
        journal: Journal,
        to_erase: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[], bool],
    ) -> None:
        """`table`: the one in use; `restored`: the one with a name. `has_time_left`: whether there is time for 50
        contacts.
        """
        self._table = table
        self._restored = restored
        self._journal = journal
        self._to_erase = to_erase
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left

    def replay(self, command: Replaying) -> Replayed:
        """Replay the journal, as far as the time allows. The report says where to go on.

        Raises:
            InvalidInput: there is no such table.
            TemporarilyUnavailable: before anything was done.
        """
        table = self._table if command.table is None else self._restored(command.table)
        report = Replayed(command.dry_run)
        accounts = self._journal.accounts() if command.account_id is None else [command.account_id]
        begins = Place("") if command.resume is None else Place.of(command.resume)
        for account_id in accounts:
            if account_id < begins.account_id:
                continue
            place = begins if account_id == begins.account_id else Place(account_id)
            with nullcontext() if command.table is None else refused_as_named():
                account = AccountStore(table).account(account_id)
            if account is None:
                report.unknown_accounts += 1
                continue
            run = _Run(
                table,
                account,
                command,
                place,
                report,
                self._journal,
                self._to_erase if command.table is None else None,
                self._clock,
                self._randomness,
                self._has_time_left,
            )
            try:
                is_done = run.replay()
            except TemporarilyUnavailable:
                if run.place == place and not report.accounts:
                    raise
                is_done = False
            if not is_done:
                report.resume = run.place.text
                break
            report.accounts += 1
        return report


class _Run:
    """The replay for one account."""

    def __init__(
        self,
        table: Table,
        account: Account,
        command: Replaying,
        place: Place,
        report: Replayed,
        journal: Journal,
        to_erase: MessageQueue | None,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[], bool],
    ) -> None:
        """`place`: where to begin. `to_erase`: asks for the traces of contacts to be removed; None: the table is not in
        use yet.
        """
        self._account = account.id
        self._command = command
        self.place = place
        """Where to go on."""
        self._report = report
        self._journal = journal
        self._to_erase = to_erase
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._now_s = self._clock.now_ms() // 1000
        self._opt_outs = OptOuts(table, account.id, account.secret)
        self._present = PresentStore(table, account.id)
        self._store = ContactStore(table, account.id, self._opt_outs, self._randomness, self._now_s)

    def replay(self) -> bool:
        """Do again what was done since, from `place` on. Returns whether the time was enough.

        Raises:
            TemporarilyUnavailable: `place` is where to go on.
        """
        steps = {
            Stage.ERASED: self._erase,
            Stage.OPTED_OUT: self._note_opt_outs,
            Stage.LIVE: self._opt_out_live,
            Stage.TRASHED: self._opt_out_trashed,
        }
        begins = self.place
        for stage in list(steps)[list(steps).index(begins.stage) :]:
            self.place = begins if stage is begins.stage else Place(self._account, stage)
            if not steps[stage]():
                return False
        return True

    def _some_of(self, entries: Iterable[str]) -> Iterator[list[str]]:
        """Entries of the journal that are left, some at a time, each some of them done when the next are asked for."""
        left = sorted(one for one in entries if one > self.place.after)
        for start in range(0, len(left), AT_ONCE):
            some = left[start : start + AT_ONCE]
            yield some
            self.place = self.place._replace(after=some[-1])

    # Erasures

    def _erase(self) -> bool:
        for some in self._some_of(self._journal.erased_since(self._account, self._command.since_ms)):
            if not self._has_time_left():
                return False
            self._report.erasures += len(some)
            self._erase_some(some)
        return True

    def _erase_some(self, contact_ids: Sequence[str]) -> None:
        present = self._present.present(contact_ids, self._now_s)
        found = [one for one in contact_ids if present[one].contact is not None]
        self._report.erased_again += len(found)
        if self._command.dry_run:
            return
        side_by_side(self._erase_again, contact_ids, _WRITTEN_AT_ONCE)
        if self._to_erase is None:
            return
        erasures = (
            Erasure(
                account_id=self._account,
                contact_id=one,
                merged_ids=() if (contact := present[one].contact) is None else contact.merged_ids,
            )
            for one in contact_ids
        )
        self._to_erase.send([Outgoing(body=one.message(), group=self._account) for one in erasures])

    def _erase_again(self, contact_id: str) -> None:
        lost: frozenset[Name] = frozenset()
        for _ in tries(self._clock, self._randomness):
            now = self._present.present([contact_id], self._now_s)[contact_id]
            contact = now.contact
            if contact is None:
                self._present.bury(contact_id, self._clock.now_ms())
                return
            try:
                self._store.apply(self._transition(contact, now.state, None, lost))
                return
            except NamesNotFree as names:
                lost |= names.claims.keys()
            except (ConcurrentModification, Contention):
                continue

    # Opt-outs

    @cached_property
    def _hmacs(self) -> frozenset[str]:
        """The addresses that have opted out."""
        return frozenset(self._journal.opted_out_since(self._account, self._command.since_ms))

    def _note_opt_outs(self) -> bool:
        for some in self._some_of(self._hmacs):
            if not self._has_time_left():
                return False
            self._report.opt_outs += len(some)
            if not self._command.dry_run:
                self._present.opt_out(some)
        return True

    def _opt_out_live(self) -> bool:
        return self._opt_out(self._present.contacts, self._opt_out_again)

    def _opt_out_trashed(self) -> bool:
        return self._opt_out(
            self._present.trashed,
            lambda contact: self._present.opt_out_in_trash(contact, iso(self._clock.now_ms())),
        )

    def _opt_out(self, page_after: _PageAfter, opt_out: Callable[[Contact], None]) -> bool:
        """The journal has no addresses, so every contact of an account where somebody opted out is looked at."""
        while self._hmacs:
            if not self._has_time_left():
                return False
            contacts, further = page_after(self.place.after or None)
            concerned = [one for one in contacts if self._is_concerned(one)]
            self._report.opted_out_again += len(concerned)
            if not self._command.dry_run:
                side_by_side(opt_out, concerned, _WRITTEN_AT_ONCE)
            if further is None:
                break
            self.place = self.place._replace(after=further)
        return True

    def _is_concerned(self, contact: Contact) -> bool:
        hmacs = map(self._opt_outs.hmac_of, contact.emails)
        return not contact.is_unsubscribed and not self._hmacs.isdisjoint(hmacs)

    def _opt_out_again(self, contact: Contact) -> None:
        now: Contact | None = contact
        for _ in tries(self._clock, self._randomness):
            if now is None or now.is_unsubscribed:
                return
            at = iso(self._clock.now_ms())
            after = replace(now.opted_out(at), version=now.version + 1, updated_at=at)
            try:
                self._store.apply(self._transition(now, ContactState.LIVE, after))
                return
            except (ConcurrentModification, Contention):
                now = self._store.by_id(contact.id)

    def _transition(
        self,
        before: Contact,
        was: ContactState | None,
        after: Contact | None,
        lost: frozenset[Name] = frozenset(),
    ) -> Transition:
        """A quiet change of a contact that is live afterwards, or erased (`after` None)."""
        return Transition(
            before=before,
            was=was,
            after=after,
            becomes=None if after is None else ContactState.LIVE,
            at_ms=self._clock.now_ms(),
            lost=lost,
            outcome=Outcome(action=Action.DELETED if after is None else Action.UPDATED, contact=after),
            quiet=Quiet.ALL,
        )
