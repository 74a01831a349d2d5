"""What callers do with imports that are there: start, cancel and undo them.

A step that another function is to carry out must not get lost when this one ends half-way. So the service (1) sends a
message with a delay of 30 seconds, longer than a function of the API may run, (2) writes the change, (3) sends a
message without delay. A message that finds nothing to do is dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from contacts.book.model import Action, Outcome
from contacts.core.errors import (
    FieldError,
    ImportEnded,
    ImportNotReady,
    ImportNotUndoable,
    InvalidInput,
    TemporarilyUnavailable,
)
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import Clock, iso
from contacts.core.violations import FieldErrorCode, Violation
from contacts.imports.mapping.columns import corrected_mapping, is_mappable
from contacts.imports.model import (
    DELAYED_MESSAGE_S,
    UNDO_WITHIN_DAYS,
    Counts,
    Import,
    ImportState,
    ImportStep,
    ImportTask,
    Undo,
    UndoState,
    import_out,
    told,
)
from contacts.imports.store import ImportStore

_NOT_MAPPABLE: Final = Violation(
    FieldErrorCode.UNREACHABLE, "leads no column to email or external_id, by which a contact is found"
)


class ImportControl:
    """Starts, cancels and undoes the imports of one account."""

    def __init__(
        self,
        store: ImportStore,
        account_id: str,
        reading: MessageQueue,
        steps: MessageQueue,
        properties: Callable[[str], Sequence[str]],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`reading`: the queue of the planner; `steps`: the one of whoever carries out parts.

        `properties`: the names of an account's contact properties, by its id. A start with a mapping asks for them.
        """
        self._store = store
        self._account = account_id
        self._reading = reading
        self._steps = steps
        self._properties = properties
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
                    f"The import is {told(job.state)}; only one that is ready can be started."
                )
            # A column whose field another one takes is guessed anew.
            properties = self._properties(self._account) if mapping else ()
            complete = corrected_mapping(
                job.file.columns, job.mapping, mapping, properties, may_have_more=job.file.has_objects
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
                raise ImportEnded(f"The import is {told(job.as_of(now).state)} already.")
            # What a dry run has counted would have come of the rows, and does not.
            counts = Counts(rows=job.counts.rows) if job.started_at is None else job.counts
            return job.changed(state=ImportState.CANCELLED, counts=counts, finished_at=iso(now))

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
        """Read an import, send a delayed message, write what `change` makes of the import, and send a prompt message.

        After a conflict with another writer, all of that is done again. `message_for`: the message for the import after
        the change. `is_urgent`: whether the prompt message is sent; if that fails, the delayed one comes.
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


def _why_not_undone(job: Import) -> str:
    if not job.has_ended:
        return f"The import is {told(job.state)}; cancel it first."
    if job.undo is not None:
        return "The import was taken back already, or is just being taken back."
    if job.started_at is None or not job.may_have_written:
        return "The import has written nothing."
    return f"An import can be undone for {UNDO_WITHIN_DAYS} days after it began to write."
