"""What the steps of an import have in common: whether it goes on, what it may write, and what is written of it.

The same message may come twice, and two functions may carry out the same part at once. The receipts let each row happen
once, and the import's version lets each part be counted once. Whoever finds that somebody else has counted the part
waits a minute, and sends the next message only if no later part is counted. So chains of messages that run side by
side become one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

from contacts.accounts.model import Account
from contacts.accounts.store import AccountStore
from contacts.accounts.switches import SwitchBoard
from contacts.book.batch import AT_ONCE, Item, lanes
from contacts.book.model import (
    Outcome,
    Quiet,
)
from contacts.core import observability
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.idempotency import (
    IdempotencyRecord,
    retry_on_conflict,
)
from contacts.core.ids import Randomness
from contacts.core.queue import LONGEST_DELAY_S, MessageQueue, Outgoing, delay_of_busy
from contacts.core.threads import side_by_side
from contacts.core.time import DAY, Clock, parsed, seconds_left_in_hour
from contacts.imports.ending import RUNNING_OR_PAUSED, end_import, put_files_away
from contacts.imports.files import ImportFiles
from contacts.imports.mapping.values import ReadRow, RowReader
from contacts.imports.metering import WrittenItems
from contacts.imports.model import (
    ENDS_WITHIN_DAYS,
    ROWS_OF_PART,
    Import,
    ImportEvents,
    ImportOptions,
    ImportProblem,
    ImportState,
    ImportStep,
    ImportTask,
    Row,
)
from contacts.imports.rows import (
    RowRules,
    receipt_key,
)
from contacts.imports.store import ImportStore
from contacts.properties.model import OnInvalid, ValueRule
from contacts.table.client import Table
from contacts.table.records import RecordStore

Value = TypeVar("Value")

TRIES: Final = 5
"""How often a part is received before the rows that still fail by an error of ours go to the error file."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 2.0
"""Seconds that a row waits for a busy table, before it is put off."""
SUSPENDED_S: Final = 300
"""Seconds until it is looked again whether an account is suspended, or a switch off."""
NEXT_SENT_WITHIN_S: Final = 60
"""Seconds until somebody else who has counted the part has certainly sent the next message."""
BEGUN_WITHIN_S: Final = 20
"""Seconds in which rows of a group may be begun. The rest waits for a new message."""
ENDS_S: Final = 15
"""A hundred rows usually take less. If less time is left, the run stops and sends a message that continues the part.
Rows that take longer are left to that message as well: with less than ten seconds left, the table is not asked."""
JOINS_S: Final = 60
"""Seconds in which the errors of `MOST_JOINED_PARTS` parts become one file."""
MOST_JOINED_PARTS: Final = 100
"""Parts of an import whose error file is made here: 100,000 rows. A larger one may take minutes, and is made by the
planner, which has fifteen."""
LOOKS_AGAIN_S: Final = LONGEST_DELAY_S
"""Seconds until it is looked again whether the planner has ended an import."""
HANDED_OVER_S: Final = 30
"""Delay of a message to the planner about an import that ends just now: whoever else is at a part sees it meanwhile."""
_MOST_TRIES: Final = 10
"""Number of times a part is postponed without progress (about an hour) before a row whose contact is always being
changed fails."""
_ACCOUNT_GONE: Final = ImportProblem("account_gone", "The account was deleted while the import ran.")
_OUT_OF_TIME: Final = ImportProblem(
    "out_of_time",
    f"Not all rows were carried out within {ENDS_WITHIN_DAYS} days. What was written stays. Rows are carried out in "
    "the order of the file: send those after the ones that are counted as a new import.",
)


class ReadsRows(Protocol):
    """Reads the rows of a file: `imports.mapping.values.RowReader`."""

    def read(self, row: Row) -> ReadRow:
        """What a row says."""
        ...


ReaderOf = Callable[
    [Sequence[str], Mapping[str, str | None], ImportOptions, Mapping[str, ValueRule]], ReadsRows
]
"""Makes the reader for columns, their mapping, options, and the rules of typed fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierServices:
    """What carrying out imports needs."""

    table: Table
    board: SwitchBoard
    accounts: AccountStore
    files: ImportFiles
    queue: MessageQueue
    reading: MessageQueue
    """The queue of the planner, which makes large error files."""
    clock: Clock
    randomness: Randomness
    has_time_left: Callable[[float], bool]
    """Whether the invocation has so many seconds."""
    reader_of: ReaderOf = RowReader
    at_once: int = AT_ONCE
    """Rows that are written at a time."""


class Stop(Exception):
    """Raised to end the run of this message. The messages that have to follow are sent."""


class StepRun:
    """One message."""

    def __init__(
        self, services: CarrierServices, store: ImportStore, step: ImportStep, times_received: int
    ) -> None:
        self._services = services
        self._table = services.table
        self._files = services.files
        self._clock = services.clock
        self._randomness = services.randomness
        self._store = store
        self._step = step
        self._times_received = times_received
        self._named = (step.account_id, step.import_id)
        self._items = WrittenItems(services.accounts, services.clock)

    def handle(self) -> int | None:
        """Do what the message asks for. Returns after how many seconds it has to come again; None: it is done.

        Raises:
            TemporarilyUnavailable: not even a message for later could be sent.
            Exception: an error of ours; the message comes again.
        """
        try:
            job = self._store.get(self._step.import_id)
            return None if job is None else self._carry_out(job)
        except Stop:
            return None
        except TemporarilyUnavailable:
            self._later()
            return None
        finally:
            self._items.give_back()

    def _carry_out(self, job: Import) -> int | None:
        """Do what the message asks for, of an import as it is.

        Raises:
            Stop, TemporarilyUnavailable, Exception.
        """
        raise NotImplementedError

    def _count_cancelled(self, job: Import) -> None:
        """Count what was done of the part in which the import was cancelled."""

    # Messages

    def _later(self, *, has_progressed: bool = False) -> None:
        """Send a message that tries again, after longer and longer as long as there is no progress."""
        tries = 0 if has_progressed else self._step.tries
        self._send(replace(self._step, tries=min(tries + 1, _MOST_TRIES)), delay_of_busy(tries))

    @property
    def _waits_no_longer(self) -> bool:
        """Whether a row fails now because other writers kept changing its contact."""
        return self._step.tries >= _MOST_TRIES

    def _send(self, step: ImportStep, delay_s: int = 0) -> None:
        self._services.queue.send([Outgoing(body=step.message(), group=step.account_id, delay_s=delay_s)])

    def _log(self, message: str, more: Mapping[str, object]) -> None:
        ids = {"account_id": self._step.account_id, "import_id": self._step.import_id}
        observability.logger.info(message, extra={**ids, **more})

    # What rows have done

    def _receipts(self, job: Import, numbers: Iterable[int]) -> dict[int, IdempotencyRecord[Outcome]]:
        by_key = {receipt_key(job.id, self._step.part, number).key: number for number in numbers}
        found = self._records().recorded_under(by_key) if by_key else {}
        return {by_key[key]: record for key, record in found.items()}

    def _records(self) -> RecordStore:
        return RecordStore(self._table, self._step.account_id, self._clock.now_ms() // 1000)

    # Whether it goes on

    def _reload_or_stop(self) -> tuple[Import, Account]:
        """Read the import and its account anew. Returns them if the step may go on now.

        If the import was cancelled, a write counts what was done of its part. If the account is gone, or the import's
        days are over (which does not end an undo), the import fails. If too little time is left, sends a message that
        continues the part. If the account is suspended, or a switch is off, pauses a write or an undo, and sends a
        message for later; a check goes on.

        Raises:
            Stop: the step does not go on, or not now.
            Contention, TemporarilyUnavailable.
        """
        job, task = self._store.get(self._step.import_id), self._step.task
        if job is None:
            raise Stop
        if task is ImportTask.WRITE and job.state is ImportState.CANCELLED:
            self._count_cancelled(job)
            raise Stop
        if task is ImportTask.WRITE and job.state not in RUNNING_OR_PAUSED:
            raise Stop
        if task is ImportTask.CHECK and job.state is not ImportState.READING:
            raise Stop
        if task is not ImportTask.UNDO and self._is_out_of_time(job):
            self._fail(job, _OUT_OF_TIME)
            raise Stop
        account = self._services.board.account(self._step.account_id)
        if account is None:
            self._fail(job, _ACCOUNT_GONE)
            raise Stop
        if not self._services.has_time_left(ENDS_S):
            self._send(self._begun())
            raise Stop
        if task is ImportTask.CHECK:
            return job, account
        switches = self._services.board.switches
        if account.suspended_at is not None or not (switches.writes and switches.imports):
            self._pause(job, SUSPENDED_S)
            raise Stop
        return job, account

    def _is_out_of_time(self, job: Import) -> bool:
        """Whether an import ends now, so that it does not vanish unfinished when its item expires."""
        return self._clock.now_ms() >= parsed(job.created_at) + ENDS_WITHIN_DAYS * DAY * 1000

    def _room_for(self, job: Import, account: Account, weights: Sequence[int]) -> int:
        """Count the written items of as many of the first rows as this hour has room for. Returns how many rows.

        Raises:
            Stop: it has room for none; a message for later is sent.
        """
        rows = self._items.room_for(account, job.key_id, weights)
        if not rows:
            self._pause(job, seconds_left_in_hour(self._clock.now_ms()))
            raise Stop
        return rows

    def _pause(self, job: Import, seconds: int) -> None:
        """Let the import, or its undo, wait, and a message come after some seconds."""
        if job.state is ImportState.RUNNING:
            self._changed(job, lambda one: one.changed(state=ImportState.PAUSED), ImportState.RUNNING)
            self._log("import paused", {"seconds": seconds})
        self._send(self._begun(), min(seconds, LONGEST_DELAY_S))

    def _begun(self) -> ImportStep:
        """The step with `tries` of at least 1, so that the next run reads the receipts first."""
        return replace(self._step, tries=max(self._step.tries, 1))

    def _go_on_where_it_stands_still(self, stands_at: int, follows: int) -> int | None:
        """Handle a message about a part that is counted already.

        The worker that counted it may have died, or failed, before it sent the next message. If no later part is
        counted and this message came before, this sends the next one. `stands_at`: the part that is to be done next.
        `follows`: the part that the next message is about. Returns after how many seconds the message has to come
        again; None: it is done.
        """
        if stands_at != follows:
            return None
        if self._times_received > 1:
            # Somebody may be at that part: its receipts are read first.
            self._send(ImportStep(*self._named, self._step.task, follows, tries=1))
        elif self._step.tries:
            return NEXT_SENT_WITHIN_S
        return None

    def _next(self, part: int) -> None:
        self._send(ImportStep(*self._named, self._step.task, part))

    # What is written of the import

    def _changed(self, job: Import, change: Callable[[Import], Import], while_in: ImportState) -> Import:
        """Change the import while it is in a state. Returns it as it is then.

        Raises:
            Stop: it is gone.
            Contention, TemporarilyUnavailable.
        """
        found: list[Import] = [job]

        def attempt() -> Import:
            before = found.pop() if found else self._store.get(job.id)
            if before is None:
                raise Stop
            if before.state is not while_in:
                return before
            after = change(before)
            self._store.replace(before, after)
            return after

        return retry_on_conflict(attempt, self._clock, self._randomness)

    def _replaced(self, change: Callable[[Import], Import | None]) -> Import | None:
        """Write what `change` makes of the import as it is now, and return that; None: there is nothing to write.

        Raises:
            Contention, TemporarilyUnavailable.
        """

        def attempt() -> Import | None:
            before = self._store.get(self._step.import_id)
            after = None if before is None else change(before)
            if before is not None and after is not None:
                self._store.replace(before, after)
            return after

        return retry_on_conflict(attempt, self._clock, self._randomness)

    def _fail(self, job: Import, problem: ImportProblem) -> None:
        """End an import that cannot go on. What it has written stays written."""
        if job.has_ended:
            return  # Its undo cannot go on.
        if self._has_large_error_file(job):
            # Sent before the write, so that the files are cleared wherever this function is killed.
            self._hand_over(HANDED_OVER_S)
        else:
            put_files_away(self._files, self._step.account_id, job)
        self._end(ImportState.FAILED, problem)

    def _has_large_error_file(self, job: Import) -> bool:
        """Whether the planner has to make its error file."""
        return job.counts.failed > 0 and job.parts > MOST_JOINED_PARTS

    def _hand_over(self, delay_s: int = 0) -> None:
        """Have the planner make the error file, and end the import if it has not ended."""
        account_id, import_id = self._named
        body = {"account_id": account_id, "import_id": import_id}
        self._services.reading.send([Outgoing(body=body, group=account_id, delay_s=delay_s)])

    def _end(self, state: ImportState, problem: ImportProblem | None = None) -> None:
        end_import(self._table, *self._named, state, problem, self._clock, self._randomness)


def rules_of(options: ImportOptions) -> RowRules:
    """What rows may do, by the options of their import."""
    return RowRules(
        options.mode,
        options.restore_trashed,
        OnInvalid.SKIP if options.skips_invalid else OnInvalid.REJECT,
        Quiet.EVENTS if options.events is ImportEvents.SUMMARY else None,
    )


def most_rows_of_part(job: Import) -> int:
    """How many rows a part has at most; each other one has at least one row. The files that would tell may be gone."""
    return max(0, min(ROWS_OF_PART, job.counts.rows - job.parts + 1))


def never(_: object) -> Outcome:
    """What `book.batch` would run of an item: an import runs its rows itself."""
    raise AssertionError("the items of an import are carried out by the import")


def run_in_lanes(items: Sequence[Item], carry_out: Callable[[int], bool], at_once: int) -> None:
    """Carry out items, several at a time, those with a common name one after the other.

    `carry_out`: is given the number of an item. Where it returns False, those that follow in the lane are left, too.
    """

    def run_lane(lane: Sequence[Item]) -> None:
        for item in lane:
            if not carry_out(item.number):
                return

    side_by_side(run_lane, lanes(items), at_once)


def patiently(attempt: Callable[[], Value], clock: Clock, randomness: Randomness) -> Value:
    """Returns what `attempt` returns. While the table is busy, it tries again after random pauses.

    The pauses take at most 0.5, 1 and 2 seconds, and at least half of that.

    An account's own contacts take some 330 creates a second: an import is soon throttled, for a moment.

    Raises:
        TemporarilyUnavailable: it was busy four times. What `attempt` raises.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            return attempt()
        except Contention:
            raise
        except TemporarilyUnavailable:
            if pause > LONGEST_PAUSE_S:
                raise
        clock.sleep(pause * (0.5 + randomness(1)[0] / 510))
        pause *= 2
