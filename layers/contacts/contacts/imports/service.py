"""What callers do with imports: make, list, read, start, cancel and undo them, and fetch the rows that failed.

A step that another function is to carry out must not get lost when this one ends half-way. So the service (1) sends a
message with a delay of 30 seconds, longer than a function of the API may run, (2) writes the change, (3) sends a
message without delay. A message that finds nothing to do is dropped.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from contacts.accounts.model import Caller
from contacts.book.model import Action, Outcome
from contacts.core.errors import (
    FieldError,
    ImportEnded,
    ImportNotFinished,
    ImportNotReady,
    ImportNotUndoable,
    InvalidInput,
    TemporarilyUnavailable,
    TooManyImports,
)
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso
from contacts.core.violations import FieldErrorCode, Violation
from contacts.imports.columns import corrected_mapping, is_mappable
from contacts.imports.files import ImportFiles
from contacts.imports.model import (
    UNDO_WITHIN_DAYS,
    Counts,
    Import,
    ImportErrorsOut,
    ImportFile,
    ImportOptions,
    ImportOut,
    ImportState,
    ImportStep,
    ImportTask,
    Undo,
    UndoState,
    import_out,
)
from contacts.imports.store import ImportStore

MAX_UNDER_WAY: Final = 20
"""Imports of an account that have not ended. Concurrent creates may exceed it."""
_LOOKED_AT: Final = 100
"""The newest imports are looked at to count those under way: what is older and still runs is not counted."""
DELAYED_MESSAGE_S: Final = 30
"""Delay of the first message, in seconds: longer than a function of the API may run (20 s)."""
_NOT_MAPPABLE: Final = Violation(
    FieldErrorCode.UNREACHABLE, "leads no column to email or external_id, by which a contact is found"
)


class ImportList:
    """Lists the imports of one account."""

    def __init__(self, store: ImportStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def page(self, after_id: str | None, at_most: int) -> tuple[list[ImportOut], str | None]:
        """Up to `at_most` imports, the newest first, and the id to go on after (None: that was all).

        Raises:
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        found, further = self._store.newest(after_id, at_most)
        return [import_out(one.as_of(now), now) for one in found], further


class ImportService:
    """The imports of one account: make and read them."""

    def __init__(self, store: ImportStore, files: ImportFiles, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._randomness = randomness

    def add(
        self,
        caller: Caller,
        file: ImportFile,
        options: ImportOptions,
        mapping: Mapping[str, str | None],
        idempotency_key: IdempotencyKey | None,
    ) -> Outcome:
        """Make an import that awaits its file. The outcome says where to put it; a repetition, too.

        A test key's import is kept nowhere, so it has no upload.

        Raises:
            TooManyImports: 20 of the account have not ended.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        new = Import(
            id=uuid7(now, self._randomness(10)),
            state=ImportState.AWAITING_UPLOAD,
            options=options,
            file=file,
            mapping=mapping,
            created_at=iso(now),
            key_id=caller.key.id,
        )
        made = Outcome(action=Action.CREATED, details=import_out(new, now))

        def write() -> Outcome:
            under_way = sum(not one.as_of(now).has_ended for one in self._store.newest(None, _LOOKED_AT)[0])
            if under_way >= MAX_UNDER_WAY:
                raise TooManyImports(
                    f"{MAX_UNDER_WAY} imports of this account are under way; cancel one, or wait until one has ended."
                )
            return self._store.add(new, made, idempotency_key, now)

        # Only now is it known under which id a repeated request was carried out. No record holds the URL.
        outcome = run_idempotent(write, idempotency_key, self._clock, self._randomness)
        if caller.is_test:
            return outcome
        upload = self._files.presigned_upload(caller.account_id, str(outcome.details["id"]), file.size)
        return replace(outcome, secrets={"upload": upload})

    def one(self, caller: Caller, import_id: str) -> ImportOut:
        """One import; while it awaits its file, with a new URL; when a dry run is over, with what it found.

        Whoever may not read contacts is not shown those of a dry run: they may be there already.

        Raises:
            ImportNotFound: the account has none with that id.
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        job = self._store.existing(import_id).as_of(now)
        shown = import_out(job, now)
        if job.state is ImportState.AWAITING_UPLOAD:
            shown["upload"] = self._files.presigned_upload(caller.account_id, job.id, job.file.size)
        if job.state is ImportState.READY:
            preview: Any = self._files.preview(caller.account_id, job.id)
            if preview is not None:
                contacts = preview["contacts"] if caller.may_read_contacts else []
                shown["preview"] = {"contacts": contacts, "errors": preview["errors"]}
        return shown

    def errors(self, caller: Caller, import_id: str) -> ImportErrorsOut:
        """Where the rows are that failed.

        Raises:
            ImportNotFound: the account has none with that id.
            ImportNotFinished: it is under way.
            TemporarilyUnavailable.
        """
        job = self._store.existing(import_id).as_of(self._clock.now_ms())
        if not job.has_ended:
            raise ImportNotFinished(
                f"The import is {_told(job.state)}; the rows that failed can be fetched when it has ended."
            )
        shown: ImportErrorsOut = {"url": None, "expires_at": None, "rows": job.counts.failed}
        named = (caller.account_id, job.id)
        if job.counts.failed and job.file.format and self._files.has_errors(*named, job.file.format):
            url, expires_at = self._files.presigned_errors(*named, job.file.name, job.file.format)
            shown["url"], shown["expires_at"] = url, expires_at
        return shown


class ImportControl:
    """Starts, cancels and undoes the imports of one account."""

    def __init__(
        self,
        store: ImportStore,
        account_id: str,
        reading: MessageQueue,
        steps: MessageQueue,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`reading`: the queue of the planner; `steps`: the one of whoever carries out parts."""
        self._store = store
        self._account = account_id
        self._reading = reading
        self._steps = steps
        self._clock = clock
        self._randomness = randomness

    def start(
        self, import_id: str, mapping: Mapping[str, str | None], idempotency_key: IdempotencyKey | None
    ) -> Outcome:
        """Carry out the rows of an import that waits for it. `mapping`: columns that are to be read in another way.

        Raises:
            ImportNotFound: the account has none with that id.
            ImportNotReady: it does not wait for this.
            InvalidInput: the mapping names a column or a field that there is not, or leads nothing to a contact.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def started(job: Import, now: int) -> Import:
            if job.state is not ImportState.READY:
                raise ImportNotReady(
                    f"The import is {_told(job.state)}; only one that is ready can be started."
                )
            complete = corrected_mapping(
                job.file.columns, job.mapping, mapping, may_have_more=job.file.has_objects
            )
            if not is_mappable(complete):
                raise InvalidInput([FieldError("mapping", _NOT_MAPPABLE)])
            return job.changed(
                state=ImportState.RUNNING,
                mapping=complete,
                counts=Counts(rows=job.counts.rows),
                next_part=1,
                problem=None,
                started_at=iso(now),
            )

        message = self._step(import_id, ImportTask.WRITE, 1)
        return self._changed(import_id, started, self._steps, lambda _: message, idempotency_key)

    def cancel(self, import_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """End an import before its end. What is written stays written, and may be undone.

        Raises:
            ImportNotFound: the account has none with that id.
            ImportEnded: it has ended.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def cancelled(job: Import, now: int) -> Import:
            if job.as_of(now).has_ended:
                raise ImportEnded(f"The import is {_told(job.as_of(now).state)} already.")
            return job.changed(state=ImportState.CANCELLED, finished_at=iso(now))

        body = {"account_id": self._account, "import_id": import_id.lower()}
        message = Outgoing(body=body, group=self._account)
        # Only the delayed one: whoever is at a part writes errors of it until it sees that the import has ended.
        return self._changed(
            import_id, cancelled, self._reading, lambda _: message, idempotency_key, is_urgent=False
        )

    def undo(self, import_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Take an import back: what it created goes to the trash, what it changed gets its values back.

        Raises:
            ImportNotFound: the account has none with that id.
            ImportNotUndoable: it has not ended, has written nothing, was undone, or is older than seven days.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """

        def undone(job: Import, now: int) -> Import:
            if not job.as_of(now).can_be_undone(now):
                raise ImportNotUndoable(_why_not_undone(job.as_of(now)))
            # Of the part in which it ended, some rows may be carried out.
            last = min(job.parts, job.next_part)
            return job.changed(undo=Undo(state=UndoState.RUNNING, next_part=last, started_at=iso(now)))

        def last_part(job: Import) -> Outgoing:
            assert job.undo is not None
            return self._step(import_id, ImportTask.UNDO, job.undo.next_part)

        return self._changed(import_id, undone, self._steps, last_part, idempotency_key)

    def _step(self, import_id: str, task: ImportTask, part: int) -> Outgoing:
        step = ImportStep(self._account, import_id.lower(), task, part)
        return Outgoing(body=step.message(), group=self._account)

    def _changed(
        self,
        import_id: str,
        change: Callable[[Import, int], Import],
        queue: MessageQueue,
        message_for: Callable[[Import], Outgoing],
        idempotency_key: IdempotencyKey | None,
        *,
        is_urgent: bool = True,
    ) -> Outcome:
        """Read an import and write what `change` makes of it; after a conflict with another writer, again.

        `message_for`: what lets the other function go on, for the import after the change. `is_urgent`: whether it is
        also to come without delay.
        """
        written: Import | None = None

        def attempt() -> Outcome:
            nonlocal written
            now = self._clock.now_ms()
            job = self._store.existing(import_id)
            # After a write whose answer got lost, what was written is read here.
            after = job if job == written else change(job, now)
            outcome = Outcome(action=Action.QUEUED, details=import_out(after, now))
            message = message_for(after)
            if after is not job:
                queue.send([replace(message, delay_s=DELAYED_MESSAGE_S)])
                written = after
                self._store.change(job, after, outcome, idempotency_key, now)
            if is_urgent:
                with suppress(TemporarilyUnavailable):  # The delayed one comes.
                    queue.send([message])
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)


def _told(state: ImportState) -> str:
    """A state as people read it."""
    return state.replace("_", " ")


def _why_not_undone(job: Import) -> str:
    if not job.has_ended:
        return f"The import is {_told(job.state)}; cancel it first."
    if job.undo is not None:
        return "The import was taken back already, or is just being taken back."
    if job.started_at is None or not job.may_have_written:
        return "The import has written nothing."
    return f"An import can be undone for {UNDO_WITHIN_DAYS} days after it began to write."
