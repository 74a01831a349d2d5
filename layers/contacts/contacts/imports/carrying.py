"""Carries imports out, part after part: checks their rows, writes them, or takes them back.

A message names a part. Its rows are carried out a hundred at a time, each in a transaction of its own with its receipt.
Then one conditional write of the import says that the part is done and adds its counts, and a message for the next part
follows. So wherever a function is killed, the message comes again, finds the receipts and goes on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any, Final, NamedTuple, NoReturn

from contacts.accounts.model import Account
from contacts.book.batch import Item, lanes
from contacts.book.model import contact_out
from contacts.book.schemas import NewContact
from contacts.book.store import OptOuts
from contacts.book.weight import items_of
from contacts.core import observability
from contacts.core.errors import Contention, InvalidInput, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Name, NameKind
from contacts.core.time import parsed
from contacts.imports.ending import RUNNING_OR_PAUSED, completed, has_done_all_rows, put_files_away
from contacts.imports.mapping.values import ReadRow, typed_names
from contacts.imports.model import (
    DELAYED_MESSAGE_S,
    NO_ROWS,
    PREVIEWED_CONTACTS,
    PREVIEWED_ERRORS,
    ROWS_AT_ONCE,
    Counts,
    Import,
    ImportProblem,
    ImportState,
    ImportStep,
    ImportTask,
    PartMissing,
    Row,
    RowError,
    RowResult,
)
from contacts.imports.rows import (
    ERASED_SINCE,
    CheckingRowStore,
    Known,
    RowOutcome,
    RowRules,
    WritingRowStore,
    carry_out_row,
    receipt_key,
    recorded_outcome,
)
from contacts.imports.steps import (
    BEGUN_WITHIN_S,
    JOINS_S,
    LOOKS_AGAIN_S,
    NEXT_SENT_WITHIN_S,
    TRIES,
    CarrierServices,
    StepRun,
    Stop,
    most_rows_of_part,
    never,
    patiently,
    rules_of,
    run_in_lanes,
)
from contacts.imports.store import ImportStore
from contacts.imports.undoing import UndoRun
from contacts.properties.model import ContactInput, ValueRule, validate
from contacts.properties.typed_fields import ValueRules

_PART_MISSING: Final = ImportProblem("part_missing", "A part of the file was gone before it was carried out.")
_NOT_CARRIED_OUT: Final = RowError(None, "not carried out: an error of ours, five times; send the row again")
_HELD_UP: Final = RowError(
    None, "not carried out: the contact was being changed all the time; send the row again"
)
_BLANK: Final = RowOutcome(RowResult.SKIPPED, (RowError(None, "the row is blank"),))
_FAILED_BEFORE: Final = RowError(None, "failed when it was carried out; send the row again if it is right")
ASKED_AGAIN_AFTER_S: Final = DELAYED_MESSAGE_S - 5
"""Seconds after the start of an import before which its second message does not come."""
_LETTERS: Final = {
    RowResult.UNCHANGED: "u",
    RowResult.PROTECTED: "p",
    RowResult.SKIPPED: "s",
    RowResult.FAILED: "f",
}
"""In `Import.unwritten`."""
_RESULTS: Final = {letter: result for result, letter in _LETTERS.items()}


class ImportCarrier:
    """Carries out what messages of the import queue ask for."""

    def __init__(self, services: CarrierServices) -> None:
        self._services = services
        NewContact.prepare()

    def handle(self, step: ImportStep, times_received: int) -> int | None:
        """Do what a message asks for. Returns after how many seconds it has to come again; None: it is done.

        Raises:
            TemporarilyUnavailable: not even a message for later could be sent.
            Exception: an error of ours; the message comes again.
        """
        store = ImportStore(self._services.table, step.account_id)
        kind = UndoRun if step.task is ImportTask.UNDO else PartRun
        return kind(self._services, store, step, times_received).handle()


class _Prepared(NamedTuple):
    """A row that can be carried out."""

    number: int
    given: ContactInput
    says_subscribed: bool
    weight: int

    @property
    def names(self) -> frozenset[Name]:
        """The names that lead to its contact."""
        kinds = (NameKind.EMAIL, NameKind.EXTERNAL_ID)
        accepted = self.given.accepted
        return frozenset(Name(kind, accepted[kind]) for kind in kinds if accepted.get(kind))


@dataclass(slots=True)
class _Part:
    """The rows of a part and what came of them."""

    rows: Sequence[Row]
    outcomes: dict[int, RowOutcome] = field(default_factory=dict)
    """By the number of the row in the part."""
    written: int = 0
    """Number of rows that this invocation wrote and whose receipts exist."""
    error: Exception | None = None
    """An unexpected exception that kept a row from being processed; the message must be retried."""
    failed: set[int] = field(default_factory=set)
    """Rows that failed in an earlier run. They are not carried out again; it is looked up why they fail."""

    def chunks(self) -> Iterator[range]:
        """The numbers of the rows, a hundred at a time."""
        for start in range(0, len(self.rows), ROWS_AT_ONCE):
            yield range(start, min(start + ROWS_AT_ONCE, len(self.rows)))

    def unwritten(self) -> str:
        """`Import.unwritten`."""
        letters = ["-"] * len(self.rows)
        for number in self.failed:
            letters[number] = _LETTERS[RowResult.FAILED]
        for number, outcome in self.outcomes.items():
            if not outcome.has_receipt and outcome.result in _LETTERS:
                letters[number] = _LETTERS[outcome.result]
        return "".join(letters).rstrip("-")

    def take_over(self, unwritten: str) -> None:
        """Note what came of rows in earlier runs that have written nothing."""
        for number, letter in enumerate(unwritten[: len(self.rows)]):
            if letter == _LETTERS[RowResult.FAILED]:
                self.failed.add(number)
            elif letter in _RESULTS:
                self.outcomes[number] = RowOutcome(_RESULTS[letter])

    def has_written(self, number: int) -> bool:
        """Whether a row has written something."""
        return number in self.outcomes and self.outcomes[number].has_receipt

    def counts(self) -> Counts:
        """How many rows of each result there are."""
        return _counted(self.outcomes.values())

    def errors(self) -> list[tuple[Row, Sequence[RowError]]]:
        """The rows that failed."""
        return [
            (self.rows[number], outcome.errors)
            for number, outcome in sorted(self.outcomes.items())
            if outcome.result is RowResult.FAILED
        ]


class PartRun(StepRun):
    """A message about a part that is to be checked or written."""

    def __init__(
        self, services: CarrierServices, store: ImportStore, step: ImportStep, times_received: int
    ) -> None:
        super().__init__(services, store, step, times_received)
        self._value_rules: dict[str, ValueRule | None] = {}

    def _carry_out(self, job: Import) -> int | None:
        return self._check(job) if self._step.task is ImportTask.CHECK else self._write(job)

    # Writing

    def _write(self, job: Import) -> int | None:
        """Read the rows of a part, write them in chunks, and count the part. Returns what `handle` returns.

        Before the part is counted, its errors are put into a file. After that the next message is sent; after the last
        part, `_finish` ends the import. A part that another worker has counted is not written.

        Raises:
            Stop, TemporarilyUnavailable, Exception.
        """
        part_number = self._step.part
        if job.state is ImportState.CANCELLED:
            self._count_cancelled(job)
            return None
        if job.state not in RUNNING_OR_PAUSED:
            return None
        if has_done_all_rows(job):
            self._finish()
            return None
        if part_number != job.next_part:
            return self._go_on_where_it_stands_still(job.next_part, part_number + 1)
        part = self._read_part(job)
        for chunk in part.chunks():
            job, account = self._reload_or_stop()
            if job.next_part != part_number:
                return NEXT_SENT_WITHIN_S
            if chunk.start == 0:
                self._take_over(job, part)
            try:
                self._write_chunk(job, account, part, chunk)
            finally:
                self._remember(job, part)
        self._items.give_back()
        assert job.file.format is not None, "the file is cut"
        self._files.put_errors(*self._named, part_number, part.errors(), job.file.columns, job.file.format)
        if not self._count_part(part_number, part.counts()):
            return NEXT_SENT_WITHIN_S
        if part_number >= job.parts:
            self._finish()
        else:
            self._next(part_number + 1)
        return None

    def _take_over(self, job: Import, part: _Part) -> None:
        """Note what came of rows of the part that were carried out before.

        By another message, too: the first part is asked for by two (`imports.control`).
        """
        if job.unwritten_of == self._step.part:
            part.take_over(job.unwritten)
        since_ms = self._clock.now_ms() - parsed(job.started_at or job.created_at)
        is_asked_again = self._step.part == 1 and since_ms >= ASKED_AGAIN_AFTER_S * 1000
        if self._times_received > 1 or self._step.tries or part.unwritten() or is_asked_again:
            for chunk in part.chunks():
                self._read_recorded_outcomes(job, part, chunk)

    def _remember(self, job: Import, part: _Part) -> None:
        """Write down what came of rows that have written nothing, so that they are not carried out behind later ones.

        `job`: as it was read before the rows.

        Raises:
            Contention, TemporarilyUnavailable.
        """

        def with_part(job: Import) -> Import | None:
            if job.next_part != self._step.part:
                return None
            known = job.unwritten if job.unwritten_of == self._step.part else ""
            unwritten = _merged(known, part.unwritten())
            if unwritten == known:
                return None
            return job.changed(unwritten=unwritten, unwritten_of=self._step.part)

        after = with_part(job)
        if after is None:
            return
        try:
            self._store.replace(job, after)
        except ConcurrentModification:
            self._replaced(with_part)

    def _write_chunk(self, job: Import, account: Account, part: _Part, numbers: Sequence[int]) -> None:
        """Carry out up to a hundred rows, as far as they were not carried out before."""
        rows = self._prepared(job, part, [number for number in numbers if number not in part.outcomes])
        while rows:
            fitting = self._room_for(job, account, [row.weight for row in rows])
            if job.state is ImportState.PAUSED:
                job = self._changed(
                    job, lambda one: one.changed(state=ImportState.RUNNING), ImportState.PAUSED
                )
            now, rows = rows[:fitting], rows[fitting:]
            self._write_rows(job, account, part, now)
            # What is unchanged, skipped or failed has written nothing.
            self._items.use(sum(row.weight for row in now if part.has_written(row.number)))
            if any(row.number not in part.outcomes for row in now):
                self._put_off(part)
        if part.error is not None:
            self._put_off(part)
        # Somebody else may have carried them out since: then that is what came of them.
        self._read_recorded_outcomes(
            job,
            part,
            [one for one in numbers if one in part.outcomes and not part.outcomes[one].has_receipt],
        )

    def _write_rows(self, job: Import, account: Account, part: _Part, rows: Sequence[_Prepared]) -> None:
        opt_outs = OptOuts(self._table, account.id, account.secret)
        now_s = self._clock.now_ms() // 1000
        known, rules = Known(self._table, account.id, opt_outs, now_s), rules_of(job.options)
        known.read_ahead(name for row in rows for name in row.names)
        for row in rows:
            if row.number in part.failed:
                part.outcomes[row.number] = self._failed_before(row, account, rules)
        rows = [row for row in rows if row.number not in part.outcomes]
        begun_until = self._clock.now_ms() + BEGUN_WITHIN_S * 1000
        is_stopped = False

        by_number = {row.number: row for row in rows}
        # Rows that lead to the same contact follow each other, as in the file.
        items = [
            Item(row.number, frozenset({*row.names, *known.owners(row.names)}), (), never) for row in rows
        ]
        followed = {one.number for lane in lanes(items) for one in lane[:-1]}

        def carry_out(number: int) -> bool:
            nonlocal is_stopped
            if is_stopped or self._clock.now_ms() > begun_until:
                return False
            row = by_number[number]
            store = WritingRowStore(
                self._table,
                account.id,
                opt_outs,
                self._randomness,
                now_s,
                known,
                rules,
                says_subscribed=row.says_subscribed,
                leaves_record=number in followed,
            )
            key = receipt_key(job.id, self._step.part, number)
            carrying = partial(carry_out_row, store, row.given, rules, key, self._clock, self._randomness)
            try:
                part.outcomes[number] = patiently(carrying, self._clock, self._randomness)
                part.written += part.outcomes[number].has_receipt
            except Contention as error:
                if not self._waits_no_longer:
                    return False  # This person's rows alone have to wait.
                self._give_up(part, number, error, _HELD_UP)
            except TemporarilyUnavailable:
                is_stopped = True
            except Exception as error:  # noqa: BLE001 (other rows go on; the message comes again)
                self._note_our_error(part, number, error)
            return number in part.outcomes

        run_in_lanes(items, carry_out, self._services.at_once)

    def _failed_before(self, row: _Prepared, account: Account, rules: RowRules) -> RowOutcome:
        """What is said of a row that failed in an earlier run: why it would fail now. Nothing is written."""
        opt_outs = OptOuts(self._table, account.id, account.secret)
        known = Known(self._table, account.id, opt_outs, self._clock.now_ms() // 1000)
        try:
            outcome = self._checked(row, account, opt_outs, known, rules)
        except TemporarilyUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 (it has failed already; other rows go on)
            observability.record_failure(error, {"import_id": self._step.import_id})
        else:
            if outcome.result is RowResult.FAILED:
                return outcome
        return RowOutcome(RowResult.FAILED, (_FAILED_BEFORE,))

    def _checked(
        self, row: _Prepared, account: Account, opt_outs: OptOuts, known: Known, rules: RowRules
    ) -> RowOutcome:
        """What would come of a row. Nothing is written, and what is known becomes as if it were.

        Raises: as `carry_out_row`.
        """
        store = CheckingRowStore(
            self._table,
            account.id,
            opt_outs,
            self._randomness,
            self._clock.now_ms() // 1000,
            known,
            rules,
            says_subscribed=row.says_subscribed,
        )
        key = receipt_key(self._step.import_id, self._step.part, row.number)
        return carry_out_row(store, row.given, rules, key, self._clock, self._randomness)

    def _note_our_error(self, part: _Part, number: int, error: Exception) -> None:
        if self._times_received < TRIES:
            part.error = error
            return
        self._give_up(part, number, error, _NOT_CARRIED_OUT)

    def _give_up(self, part: _Part, number: int, error: Exception, reason: RowError) -> None:
        observability.record_failure(error, {"import_id": self._step.import_id})
        part.outcomes[number] = RowOutcome(RowResult.FAILED, (reason,))

    def _put_off(self, part: _Part) -> NoReturn:
        """
        Raises:
            Stop: rows are left; a message for later is sent.
            Exception: rows are left by an error of ours.
        """
        if part.error is not None:
            raise part.error
        self._later(has_progressed=part.written > 0)
        raise Stop

    def _read_recorded_outcomes(self, job: Import, part: _Part, numbers: Iterable[int]) -> None:
        """Set what came of rows that were carried out before, by their receipts. BatchGetItem: a unit for each row."""
        for number, record in self._receipts(job, numbers).items():
            known = record.outcome
            part.outcomes[number] = ERASED_SINCE if known is None else recorded_outcome(known.details)

    # Reading rows

    def _read_part(self, job: Import) -> _Part:
        """
        Raises:
            PartMissing: the file is gone; it comes again.
            Stop: it was missing several times: the import has failed.
        """
        try:
            return _Part(self._files.part(*self._named, self._step.part, job.file.etag))
        except PartMissing:
            if self._times_received < TRIES:
                raise
            self._fail(job, _PART_MISSING)
            raise Stop from None

    def _prepared(self, job: Import, part: _Part, numbers: Sequence[int]) -> list[_Prepared]:
        """The rows that can be carried out; what came of the others is noted."""
        options = job.options
        needed = list(typed_names(job.mapping))
        reader = self._services.reader_of(job.file.columns, job.mapping, options, self._rules_for(needed))
        drafts: list[tuple[int, ContactInput, bool, dict[str, Any]]] = []
        for number in numbers:
            try:
                read = reader.read(part.rows[number])
                if read.is_refused or (read.errors and not options.skips_invalid):
                    part.outcomes[number] = RowOutcome(RowResult.FAILED, tuple(read.errors))
                elif read.is_blank:
                    part.outcomes[number] = _BLANK
                else:
                    body = _body(read)
                    drafts.append((number, NewContact.draft(body).to_input(), read.says_subscribed, body))
            except InvalidInput as error:
                errors = tuple(RowError(one.field, one.message) for one in error.errors)
                part.outcomes[number] = RowOutcome(RowResult.FAILED, errors)
            except Exception as error:  # noqa: BLE001 (other rows go on; the message comes again)
                self._note_our_error(part, number, error)
        rules = self._rules_for({name for _, given, *_ in drafts for name in given.typed_names})
        prepared: list[_Prepared] = []
        for number, given, says_subscribed, body in drafts:
            try:
                prepared.append(_Prepared(number, validate(given, rules), says_subscribed, items_of(body)))
            except Exception as error:  # noqa: BLE001
                self._note_our_error(part, number, error)
        return prepared

    def _rules_for(self, names: Iterable[str]) -> Mapping[str, ValueRule]:
        """The rules of the account's properties with these names; each is read once for a part."""
        wanted = [name for name in dict.fromkeys(names) if name not in self._value_rules]
        if wanted:
            found = ValueRules(self._table, self._step.account_id).rules(wanted)
            self._value_rules.update({name: found.get(name) for name in wanted})
        return {name: rule for name, rule in self._value_rules.items() if rule is not None}

    # What is written of the import

    def _count_part(self, part_number: int, counts: Counts) -> bool:
        """Add the counts of a part to the import, and make the next part its next one. Returns whether it wrote that.

        Nothing is written if another worker has counted the part. A part that was checked is counted only while the
        import is `reading`: the import may be started before all who check have ended.
        """
        is_checked = self._step.task is ImportTask.CHECK
        states = {ImportState.READING} if is_checked else {*RUNNING_OR_PAUSED, ImportState.CANCELLED}

        def with_part(job: Import) -> Import | None:
            if job.next_part != part_number or job.state not in states:
                return None
            return job.changed(
                next_part=part_number + 1, counts=_sum(job.counts, counts), unwritten="", unwritten_of=0
            )

        return self._replaced(with_part) is not None

    def _count_cancelled(self, job: Import) -> None:
        """Count what the rows of the part had done in which an import was cancelled, by their receipts."""
        if job.next_part != self._step.part or job.next_part > job.parts:
            return
        part = _Part(())
        self._read_recorded_outcomes(job, part, range(most_rows_of_part(job)))
        self._count_part(self._step.part, part.counts())

    def _finish(self) -> None:
        """The last part is done: make one error file, delete what is not needed any more, and say so."""
        job = self._store.get(self._step.import_id)
        if job is None or not has_done_all_rows(job):
            return
        if self._has_large_error_file(job):
            # Whatever comes of the message to the planner, this one looks whether the import has ended.
            self._send(self._begun(), LOOKS_AGAIN_S)
            self._hand_over()
        elif job.counts.failed and not self._services.has_time_left(JOINS_S):
            self._send(self._begun())
        else:
            put_files_away(self._files, self._step.account_id, job)
            self._end(completed(job))

    # Checking

    def _check(self, job: Import) -> int | None:
        """Say what would come of a part. Nothing is written to contacts.

        Rows of one person see each other within a part, not across parts.
        """
        part_number = self._step.part
        if job.state is not ImportState.READING:
            return None
        if job.next_part > job.parts:
            self._be_ready(job)
            return None
        if part_number != job.next_part:
            return self._go_on_where_it_stands_still(job.next_part, part_number + 1)
        part = self._read_part(job)
        known: Known | None = None
        for numbers in part.chunks():
            job, account = self._reload_or_stop()
            opt_outs = OptOuts(self._table, account.id, account.secret)
            now_s = self._clock.now_ms() // 1000
            known = known or Known(self._table, account.id, opt_outs, now_s)
            self._check_chunk(job, account, opt_outs, part, numbers, known)
        if part.error is not None:
            raise part.error
        self._preview(part)
        if not self._count_part(part_number, part.counts()):
            return NEXT_SENT_WITHIN_S
        if part_number >= job.parts:
            self._be_ready(job)
        else:
            self._next(part_number + 1)
        return None

    def _check_chunk(
        self,
        job: Import,
        account: Account,
        opt_outs: OptOuts,
        part: _Part,
        numbers: Sequence[int],
        known: Known,
    ) -> None:
        rows = self._prepared(job, part, numbers)
        known.make_room()
        emails = (name.value for row in rows for name in row.names if name.kind is NameKind.EMAIL)
        known.read_ahead((name for row in rows for name in row.names), emails)
        rules = rules_of(job.options)
        for row in rows:
            try:
                part.outcomes[row.number] = self._checked(row, account, opt_outs, known, rules)
            except TemporarilyUnavailable as error:
                if not (isinstance(error, Contention) and self._waits_no_longer):
                    raise
                self._give_up(part, row.number, error, _HELD_UP)
            except Exception as error:  # noqa: BLE001 (other rows are checked; the message comes again)
                self._note_our_error(part, row.number, error)

    def _preview(self, part: _Part) -> None:
        """Keep the first contacts as they would be, and the first errors."""
        shown = self._files.preview(*self._named) if self._step.part > 1 else None
        preview: dict[str, Any] = shown or {"contacts": [], "errors": [], "parts": 0}
        contacts, errors = preview["contacts"], preview["errors"]
        if preview["parts"] >= self._step.part:
            return  # Written before this function was killed.
        if len(contacts) >= PREVIEWED_CONTACTS and len(errors) >= PREVIEWED_ERRORS:
            return
        for number, outcome in sorted(part.outcomes.items()):
            if outcome.contact is not None and len(contacts) < PREVIEWED_CONTACTS:
                contacts.append(contact_out(outcome.contact))
            if outcome.result is RowResult.FAILED:
                line = part.rows[number].line
                errors += [{"line": line, "field": one.field, "reason": one.reason} for one in outcome.errors]
        preview["parts"] = self._step.part
        self._files.put_preview(*self._named, {**preview, "errors": errors[:PREVIEWED_ERRORS]})

    def _be_ready(self, job: Import) -> None:
        """The dry run is over: the import waits for `start`, which begins with the first part."""
        self._changed(job, lambda one: one.changed(state=ImportState.READY, next_part=1), ImportState.READING)


def _body(read: ReadRow) -> dict[str, Any]:
    """The body of a row without `is_unsubscribed: false`: no row may subscribe anybody."""
    body = dict(read.body)
    if body.get("is_unsubscribed") is False:
        del body["is_unsubscribed"]
    return body


def _counted(outcomes: Iterable[RowOutcome]) -> Counts:
    numbers = dict.fromkeys(RowResult, 0)
    for outcome in outcomes:
        numbers[outcome.result] += 1
    return NO_ROWS._replace(**{str(result): number for result, number in numbers.items()})


def _merged(some: str, others: str) -> str:
    """`Import.unwritten` of what two functions know of a part."""
    return "".join(
        one if one != "-" else other for one, other in zip_longest(some, others, fillvalue="-")
    ).rstrip("-")


def _sum(one: Counts, another: Counts) -> Counts:
    return Counts(*(left + right for left, right in zip(one, another, strict=True)))
