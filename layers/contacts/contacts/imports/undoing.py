"""Takes imports back, the last part first, and in it the last row first."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from typing import Any

from contacts.accounts.model import Account
from contacts.book.batch import Item
from contacts.book.model import (
    Action,
    Contact,
    ContactState,
    NamesNotFree,
    Outcome,
    Quiet,
    Transition,
)
from contacts.book.store import ContactStore, OptOuts
from contacts.core import observability
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import (
    AlreadyRecorded,
    ConcurrentModification,
    retry_on_conflict,
)
from contacts.core.ids import Name, NameKind
from contacts.core.time import Clock, iso, parsed
from contacts.imports.model import (
    ROWS_AT_ONCE,
    Import,
    Undo,
    UndoState,
)
from contacts.imports.rows import (
    Known,
    changed_nothing,
    undo_key,
)
from contacts.imports.steps import (
    BEGUN_WITHIN_S,
    ENDS_S,
    NEXT_SENT_WITHIN_S,
    TRIES,
    StepRun,
    Stop,
    most_rows_of_part,
    never,
    patiently,
    rules_of,
    run_in_lanes,
)
from contacts.imports.undo_plan import UndoPlan, UndoResult, undo_plan


class UndoRun(StepRun):
    """A message about a part that is to be taken back."""

    def _carry_out(self, job: Import) -> int | None:
        """Take a part back, its last row first."""
        part, undo = self._step.part, job.undo
        if undo is None or undo.state is not UndoState.RUNNING:
            return None
        if undo.next_part == 0:
            self._count_part_undone(0, {})
            return None
        if part != undo.next_part:
            return self._go_on_where_it_stands_still(undo.next_part, part - 1)
        wait_s = self._until_rows_have_ended(job)
        if wait_s:
            self._send(self._step, wait_s)
            return None
        results: dict[int, UndoResult] = {}
        for start in reversed(range(0, most_rows_of_part(job), ROWS_AT_ONCE)):
            job, account = self._reload_or_stop()
            if job.undo is None or job.undo.next_part != part:
                return NEXT_SENT_WITHIN_S
            end = min(start + ROWS_AT_ONCE, most_rows_of_part(job))
            self._undo_chunk(job, account, range(start, end), results)
        self._items.give_back()
        if not self._count_part_undone(part, results):
            return NEXT_SENT_WITHIN_S
        if part > 1:
            self._next(part - 1)
        return None

    def _until_rows_have_ended(self, job: Import) -> int:
        """Seconds until nobody carries out rows any more that were begun before the import was ended amid them."""
        if not job.has_ended_amid_rows or job.finished_at is None:
            return 0
        since_ms = self._clock.now_ms() - parsed(job.finished_at)
        return max(0, BEGUN_WITHIN_S + ENDS_S - since_ms // 1000)

    def _undo_chunk(
        self, job: Import, account: Account, numbers: Sequence[int], results: dict[int, UndoResult]
    ) -> None:
        receipts = self._receipts(job, numbers)
        if not receipts:
            return
        for number, record in receipts.items():
            if record.outcome is None:
                results[number] = UndoResult.KEPT  # The person was erased.
        rows = {
            number: record.outcome.details
            for number, record in receipts.items()
            if record.outcome is not None and not changed_nothing(record.outcome.details)
        }
        undo_keys = {undo_key(job.id, self._step.part, number).key: number for number in rows}
        before = {undo_keys[key]: record for key, record in self._records().recorded_under(undo_keys).items()}
        for number, record in before.items():
            details = {} if record.outcome is None else record.outcome.details
            results[number] = UndoResult(str(details.get("undo", UndoResult.KEPT)))
        # Kept rows leave no record. If an earlier row of the same contact is undone already, an earlier run decided to
        # keep this row.
        decided = {rows[number]["id"]: number for number in sorted(before, reverse=True)}
        for number, receipt in rows.items():
            if number not in results and decided.get(receipt["id"], number) < number:
                results[number] = UndoResult.KEPT
        left = sorted((number for number in rows if number not in results), reverse=True)
        while left:
            fitting = self._room_for(job, account, [1] * len(left))
            now, left = left[:fitting], left[fitting:]
            written = self._undo_rows(job, account, {number: rows[number] for number in now}, results)
            self._items.use(len(written))
            if any(number not in results for number in now):
                # A row that is kept as a whole leaves no record, and is decided on again.
                self._later(has_progressed=bool(written))
                raise Stop

    def _undo_rows(
        self,
        job: Import,
        account: Account,
        rows: Mapping[int, Mapping[str, Any]],
        results: dict[int, UndoResult],
    ) -> set[int]:
        """Take rows back, by their number. Returns those of which a record is left: something was written."""
        opt_outs = OptOuts(self._table, account.id, account.secret)
        now_s = self._clock.now_ms() // 1000
        store = ContactStore(self._table, account.id, opt_outs, self._randomness, now_s)
        known = Known(self._table, account.id, opt_outs, now_s)
        known.read_contacts((str(receipt["id"]), ContactState.LIVE) for receipt in rows.values())
        quiet = rules_of(job.options).quiet
        is_stopped = False
        written: set[int] = set()

        def take_back(negative: int) -> bool:
            nonlocal is_stopped
            if is_stopped:
                return False
            number = -negative
            key = undo_key(job.id, self._step.part, number)
            taking = partial(
                _taken_back, store, known.live, rows[number], quiet=quiet, key=key, clock=self._clock
            )
            try:
                plan = patiently(
                    partial(retry_on_conflict, taking, self._clock, self._randomness),
                    self._clock,
                    self._randomness,
                )
                results[number] = plan.result
                if plan.after is not None:
                    written.add(number)
            except AlreadyRecorded as already:
                written.add(number)
                recorded = already.record.outcome
                results[number] = UndoResult(recorded.details["undo"]) if recorded else UndoResult.KEPT
            except Contention as error:
                if not self._waits_no_longer:
                    return False  # This contact's rows alone have to wait.
                observability.record_failure(error, {"import_id": self._step.import_id})
                results[number] = UndoResult.KEPT
            except TemporarilyUnavailable:
                is_stopped = True
            except Exception as error:
                if self._times_received < TRIES:
                    raise
                observability.record_failure(error, {"import_id": self._step.import_id})
                results[number] = UndoResult.KEPT
            return number in results

        items = [Item(-number, _touched(receipt, known.live), (), never) for number, receipt in rows.items()]
        run_in_lanes(items, take_back, self._services.at_once)
        return written

    def _count_part_undone(self, part: int, results: Mapping[int, UndoResult]) -> bool:
        """Write that a part is taken back. Returns whether it was still to be."""
        counts = {kind: sum(result is kind for result in results.values()) for kind in UndoResult}

        def undone(job: Import) -> Import | None:
            undo = job.undo
            if undo is None or undo.state is not UndoState.RUNNING or undo.next_part != part:
                return None
            is_last = part <= 1
            after = Undo(
                state=UndoState.COMPLETED if is_last else UndoState.RUNNING,
                next_part=max(part - 1, 0),
                trashed=undo.trashed + counts[UndoResult.TRASHED],
                restored=undo.restored + counts[UndoResult.RESTORED],
                kept=undo.kept + counts[UndoResult.KEPT],
                started_at=undo.started_at,
                finished_at=iso(self._clock.now_ms()) if is_last else None,
            )
            return job.changed(undo=after)

        return self._replaced(undone) is not None


def _touched(receipt: Mapping[str, Any], live: Mapping[str, Contact | None]) -> frozenset[Hashable]:
    """A row's contact, its names, and those it had before: a name goes back once the row that took it is taken back."""
    contact = live.get(receipt["id"])
    names = () if contact is None else contact.names
    was = receipt.get("was", {})
    kinds = (NameKind.EMAIL, NameKind.EXTERNAL_ID)
    return frozenset({receipt["id"], *names, *(Name(kind, was[kind]) for kind in kinds if was.get(kind))})


def _taken_back(
    store: ContactStore,
    read: dict[str, Contact | None],
    receipt: Mapping[str, Any],
    *,
    quiet: Quiet | None,
    key: Any,
    clock: Clock,
) -> UndoPlan:
    """Try once to take a row back. `read`: contacts by id, as they were read; what changes is read anew.

    Returns what was done.

    Raises:
        ConcurrentModification: the contact has changed since it was read.
        AlreadyRecorded, Contention, TemporarilyUnavailable.
    """
    contact_id = str(receipt["id"])
    contact = read.pop(contact_id) if contact_id in read else store.by_id(contact_id)
    now = clock.now_ms()
    spared: frozenset[str] = frozenset()
    while True:
        plan: UndoPlan = undo_plan(receipt, contact, iso(now), spared)
        if plan.after is None:
            read[contact_id] = contact
            return plan
        transition = Transition(
            before=contact,
            was=ContactState.LIVE,
            after=plan.after,
            becomes=plan.becomes,
            at_ms=now,
            outcome=Outcome(action=Action.UPDATED, details={"undo": str(plan.result), "id": contact_id}),
            idempotency_key=key,
            quiet=quiet,
        )
        try:
            store.apply(transition)
        except NamesNotFree as taken:
            names = {str(name.kind) for name in taken.claims}
            if names <= spared:
                raise ConcurrentModification from None
            spared |= names
        else:
            return plan
