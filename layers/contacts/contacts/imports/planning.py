"""The planner: reads an upload as a stream and cuts it into parts, then has the first one checked or carried out.

Whatever a message says, the planner looks at the import and at the upload as they are now, so a message may come twice,
late, or after another. The same bytes make the same parts. The import is saved every so many parts with the place where
reading goes on; a planner that was killed cuts the parts since then once more, into the same objects.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from contacts.core import observability
from contacts.core.errors import InvalidInput, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Randomness
from contacts.core.queue import MessageQueue, Outgoing, delay_of_busy
from contacts.core.time import Clock, iso, parsed
from contacts.events.jobs import announcement_step, ended_import
from contacts.imports.ending import completed, delete_files, end_import, has_done_all_rows, put_files_away
from contacts.imports.files import ImportFiles, Upload, ids_in
from contacts.imports.mapping.columns import complete_mapping, is_mappable
from contacts.imports.model import (
    MAX_PART_BYTES,
    NO_ROWS,
    ROWS_OF_PART,
    Counts,
    FileFormat,
    FileReplaced,
    Import,
    ImportFile,
    ImportOptions,
    ImportProblem,
    ImportState,
    ImportStep,
    ImportTask,
    Row,
    Unreadable,
)
from contacts.imports.store import ImportStore
from contacts.table.client import Table
from contacts.table.expressions import Step

PARTS_BETWEEN_SAVES: Final = 20
"""Parts between two saves. A planner that was killed repeats at most this many."""
ENDS_S: Final = 60
"""Seconds in which a part is cut and the import saved, however long its rows are."""
GIVES_UP_AFTER: Final = 5
"""Times SQS delivers a message. Then the file counts as unreadable, so that nobody waits for it."""
MOST_TRIES: Final = 100
"""Number of times in a row that nothing could be saved (a day) before the file counts as unreadable."""
ENDED_FOR_S: Final = 20
"""Seconds for which a function may still write rows of an import that was cancelled or has failed: it looks before each
hundred rows. (`imports.control` and `imports.steps` send the message that clears up with a delay of 30.)"""
MAX_NAMES_BYTES: Final = 100_000
"""Bytes of all columns' names together: the item of an import has them twice, and 400 KB."""

_TOLD: Final = 10
"""Wrong columns of a mapping, and columns of a file, that a problem names."""
_TOLD_CHARACTERS: Final = 100

_NO_MAPPING: Final = ImportProblem(
    "mapping_needed",
    "No column is an email or an external_id, by which contacts are found. Start it with a mapping that says which is.",
)

_GONE: Final = ImportProblem(
    "file_gone", "The file was deleted before it was read to its end. Nothing was written."
)
_GIVEN_UP: Final = ImportProblem(
    "reading_failed",
    "The file could not be read, and that is our fault; we have been told. Nothing was written.",
)


class Opened(Protocol):
    """A file that is being read: `imports.reading.opening.OpenFile`."""

    @property
    def format(self) -> FileFormat:
        """What it is."""
        ...

    @property
    def is_gzipped(self) -> bool:
        """Whether it had to be unpacked."""
        ...

    @property
    def encoding(self) -> str | None:
        """Python's name; None: it is no text."""
        ...

    @property
    def delimiter(self) -> str | None:
        """Between cells; None: it has no lines of cells."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, each once."""
        ...

    @property
    def read_bytes(self) -> int:
        """How much of the file is read."""
        ...

    def rows(self) -> Iterator[Row]:
        """The rows, from where it was opened.

        Raises:
            FileReplaced, Unreadable, TemporarilyUnavailable.
        """
        ...

    def checkpoint(self) -> Sequence[int]:
        """Where to go on after the last row that `rows` gave."""
        ...


Opens = Callable[[Upload, str, ImportOptions, Sequence[int] | None], Opened]
"""Opens a file, by its name and options, at a checkpoint or its beginning. Raises what `Opened.rows` raises."""


class Planner:
    """Cuts uploads of all accounts into parts."""

    def __init__(
        self,
        table: Table,
        files: ImportFiles,
        open_file: Opens,
        reading: MessageQueue,
        steps: MessageQueue,
        properties: Callable[[str], Sequence[str]],
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
    ) -> None:
        """`reading`: the planner's own queue; `steps`: the one of whoever carries out parts.

        `properties`: the names of an account's contact properties, by its id. `has_time_left`: whether so many seconds
        are left of this invocation.
        """
        self._table = table
        self._files = files
        self._open = open_file
        self._reading = reading
        self._steps = steps
        self._properties = properties
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._has_saved = False
        """Whether this message has got its import further."""

    def handle(self, body: Mapping[str, Any], times_received: int) -> None:
        """Do what a message asks for: a notification of S3 that a file came, or one of ours that reading goes on.

        A message about an import whose rows are all done ends it; about one that has ended, it deletes its files.

        Raises:
            TemporarilyUnavailable: not even a message for later could be sent; this one has to come again.
        """
        gives_up = times_received >= GIVES_UP_AFTER
        if "import_id" in body:
            self._try(body["account_id"], body["import_id"], int(body.get("tries", 0)), gives_up=gives_up)
        for record in body.get("Records", ()):  # `s3:TestEvent`, which S3 sends at first, has none.
            ids = ids_in(record["s3"]["object"]["key"])
            if ids is not None:
                self._try(*ids, 0, gives_up=gives_up)

    def _try(self, account_id: str, import_id: str, tries: int, *, gives_up: bool) -> None:
        """Go on with an import. Where a service is busy, a new message goes on later.

        So `times_received` of a message counts crashes alone. No import ends because a service was busy for a while.

        Raises:
            TemporarilyUnavailable: no message could be sent, or not even giving up was possible.
        """
        self._has_saved = False
        try:
            self._go_on(account_id, import_id, gives_up=gives_up or tries >= MOST_TRIES)
        except TemporarilyUnavailable:
            before = 0 if self._has_saved else tries
            if before >= MOST_TRIES:
                raise
            self._send_on(account_id, import_id, before + 1, delay_of_busy(before))

    def _go_on(self, account_id: str, import_id: str, *, gives_up: bool) -> None:
        store = ImportStore(self._table, account_id)
        job = store.get(import_id)
        if job is None or job.as_of(self._clock.now_ms()).has_ended:
            self._clear(account_id, import_id, job)
            return
        if not job.is_cut:
            try:
                if gives_up:
                    self._fail(account_id, job, _GIVEN_UP)
                    return
                cut = self._cut_into_parts(account_id, job)
            except ConcurrentModification:
                # Another invocation reads it. Or it was cancelled, and the message that lets its files be deleted may
                # have come before the last parts were put.
                now = store.get(import_id)
                if now is not None and now.has_ended:
                    self._clear(account_id, import_id, now)
                return
            if cut is None:
                return
            job = cut
        if has_done_all_rows(job):
            self._finish(account_id, job, gives_up=gives_up)
            return
        self._send_first_step(account_id, job)
        # The parts hold all of it; what was put there since is not read.
        self._files.delete_upload(account_id, import_id)

    def _cut_into_parts(self, account_id: str, job: Import) -> Import | None:
        """The import when its whole file is cut; None: it is not, or it has failed.

        Raises:
            ConcurrentModification: somebody else has changed the import.
            TemporarilyUnavailable.
        """
        upload = self._files.uploaded(account_id, job.id)
        if upload is None:
            if job.state is not ImportState.AWAITING_UPLOAD:
                self._fail(account_id, job, _GONE)
            return None
        etag, size = upload
        if size != job.file.size:
            detail = f"The file has {size:,} bytes; {job.file.size:,} were announced. Nothing was written."
            self._fail(account_id, job, ImportProblem("wrong_size", detail))
            return None
        if job.file.etag != etag:
            # It comes for the first time, or another one came while the first was read: of that nothing is written.
            file = ImportFile(name=job.file.name, size=job.file.size, etag=etag)
            begun = job.changed(
                state=ImportState.READING,
                file=file,
                parts=0,
                counts=NO_ROWS,
                read_bytes=0,
                checkpoint=None,
            )
            job = self._replace(account_id, job, begun)
        source = self._files.source(account_id, job.id, etag, size)
        try:
            return self._read(account_id, job, source)
        except FileReplaced:
            # A message about the other one comes, or has come: that one is then read from its beginning.
            self._send_on(account_id, job.id)
            return None
        except Unreadable as error:
            # It was saved meanwhile.
            now = ImportStore(self._table, account_id).get(job.id)
            if now is not None and now.state is ImportState.READING and now.file.etag == etag:
                self._fail(account_id, now, ImportProblem(error.code, error.detail))
            return None

    def _read(self, account_id: str, job: Import, source: Upload) -> Import | None:
        """Put the parts from the checkpoint on.

        Raises:
            FileReplaced, Unreadable.
            ConcurrentModification, TemporarilyUnavailable.
        """
        opened = self._open(source, job.file.name, job.options, job.checkpoint)
        parts, rows = job.parts, job.counts.rows
        for part in parts_of(opened.rows()):
            parts, rows = parts + 1, rows + len(part)
            self._files.put_part(account_id, job.id, parts, part, job.file.etag)
            has_time = self._has_time_left(ENDS_S)
            if has_time and parts - job.parts < PARTS_BETWEEN_SAVES:
                continue
            further = job.changed(
                file=_as_found(job.file, opened),
                parts=parts,
                counts=Counts(rows=rows),
                read_bytes=opened.read_bytes,
                checkpoint=tuple(opened.checkpoint()),
            )
            job = self._replace(account_id, job, further)
            if not has_time:
                self._send_on(account_id, job.id)
                return None
        if not rows:
            raise Unreadable("no_rows", "The file has no rows. Nothing was written.")
        file = _as_found(job.file, opened)
        cut = job.changed(
            file=file, parts=parts, counts=Counts(rows=rows), read_bytes=job.file.size, checkpoint=None
        )
        return self._replace(account_id, job, replace(cut, **self._outlook(account_id, cut)))

    def _outlook(self, account_id: str, job: Import) -> dict[str, Any]:
        """How an import goes on whose file is cut: its mapping, its state, and why it waits, if it does."""
        columns, has_objects = job.file.columns, job.file.has_objects
        properties = self._properties(account_id)
        try:
            mapping = complete_mapping(columns, job.mapping, properties, may_have_more=has_objects)
        except InvalidInput as error:
            wrong = {one.field.removeprefix("mapping.") for one in error.errors}
            # The mapping as a whole may be too long.
            all_of_it = job.mapping if "mapping" not in wrong else {}
            right = {column: text for column, text in all_of_it.items() if column not in wrong}
            kept = complete_mapping(columns, right, properties, may_have_more=has_objects)
            return {"mapping": kept, "state": ImportState.READY, "problem": _mapping_wrong(error, columns)}
        if not is_mappable(mapping):
            return {"mapping": mapping, "state": ImportState.READY, "problem": _NO_MAPPING}
        if job.options.dry_run:
            return {"mapping": mapping}
        now = iso(self._clock.now_ms())
        return {"mapping": mapping, "state": ImportState.RUNNING, "started_at": now}

    def _fail(self, account_id: str, job: Import, problem: ImportProblem) -> None:
        """End an import whose file cannot be read, tell of it, and delete its files.

        Raises:
            ConcurrentModification, TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        failed = job.changed(state=ImportState.FAILED, problem=problem, finished_at=iso(now))
        told = ended_import(failed)
        announcement = announcement_step(self._table, account_id, job.id, *told, now, self._randomness)
        self._replace(account_id, job, failed, [announcement])
        ids = {"account_id": account_id, "import_id": job.id}
        # What its caller has to mend is no error of ours.
        log = observability.logger.error if problem is _GIVEN_UP else observability.logger.info
        log("import ended", extra={**ids, "state": str(failed.state), "code": problem.code})
        self._clear(account_id, job.id, failed)

    def _replace(self, account_id: str, job: Import, after: Import, further: Sequence[Step] = ()) -> Import:
        """Write an import, if it is still as it was read. Returns it as it is then.

        Raises:
            ConcurrentModification: somebody else has changed it; nothing was written.
            TemporarilyUnavailable.
        """
        store = ImportStore(self._table, account_id)
        try:
            store.replace(job, after, further)
        except ConcurrentModification:
            # After a write whose answer got lost, what was written is read here.
            if store.get(job.id) != after:
                raise
        self._has_saved = True
        return after

    def _send_on(self, account_id: str, import_id: str, tries: int = 0, delay_s: int = 0) -> None:
        body: dict[str, object] = {"account_id": account_id, "import_id": import_id}
        if tries:
            body["tries"] = tries
        self._reading.send([Outgoing(body=body, group=account_id, delay_s=delay_s)])

    def _send_first_step(self, account_id: str, job: Import) -> None:
        """Have the first part checked or carried out, unless that was done."""
        task = {ImportState.READING: ImportTask.CHECK, ImportState.RUNNING: ImportTask.WRITE}.get(job.state)
        if task is not None and job.next_part == 1 and not job.counts.done:
            step = ImportStep(account_id, job.id, task, 1)
            self._steps.send([Outgoing(body=step.message(), group=account_id)])

    def _finish(self, account_id: str, job: Import, *, gives_up: bool) -> None:
        """Make the error file of an import whose rows are all done, and end the import.

        The carrier does that itself unless the file is large (`imports.steps.MOST_JOINED_PARTS`).

        `gives_up`: the error file could not be made, again and again. Then the import ends without it.

        Raises:
            TemporarilyUnavailable.
        """
        if gives_up:
            ids = {"account_id": account_id, "import_id": job.id}
            observability.logger.error("import without error file", extra=ids)
            delete_files(self._files, account_id, job.id)
        else:
            put_files_away(self._files, account_id, job)
        end_import(self._table, account_id, job.id, completed(job), None, self._clock, self._randomness)

    def _clear(self, account_id: str, import_id: str, job: Import | None) -> None:
        """Delete the files of an import that has ended, but for its error file, which is made of what is there.

        Where it has just ended amid its rows, a carrier may still write errors: then only the upload is deleted, and a
        message for the rest is sent.

        Raises:
            TemporarilyUnavailable.
        """
        if job is None or not job.has_ended_amid_rows:
            delete_files(self._files, account_id, import_id)
            return
        self._files.delete_upload(account_id, import_id)
        if self._clock.now_ms() < parsed(job.finished_at or job.created_at) + ENDED_FOR_S * 1000:
            self._send_on(account_id, import_id, delay_s=ENDED_FOR_S)
        else:
            put_files_away(self._files, account_id, job)


def _mapping_wrong(error: InvalidInput, columns: Sequence[str]) -> ImportProblem:
    """Says what is wrong with a mapping, and how the columns are called."""
    wrong = "; ".join(f"{_shortened(one.field)} {one.message}" for one in error.errors[:_TOLD])
    named = ", ".join(map(_shortened, columns[:_TOLD])) + (", …" if len(columns) > _TOLD else "")
    detail = f"{wrong}. The columns are: {named}. Start it; a mapping may say again what these are."
    return ImportProblem("mapping_wrong", detail)


def _shortened(name: str) -> str:
    return name if len(name) <= _TOLD_CHARACTERS else f"{name[:_TOLD_CHARACTERS]}…"


def parts_of(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in parts of a thousand, or fewer where they are long."""
    part: list[Row] = []
    size = 0
    for row in rows:
        part.append(row)
        size += len(repr(row.cells))
        if len(part) == ROWS_OF_PART or size >= MAX_PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _as_found(file: ImportFile, opened: Opened) -> ImportFile:
    """What reading has found of a file.

    Raises:
        Unreadable: the names of its columns are too long.
    """
    if sum(len(column.encode("utf-8", "surrogatepass")) for column in opened.columns) > MAX_NAMES_BYTES:
        detail = f"The names of the columns have more than {MAX_NAMES_BYTES:,} bytes. Nothing was written."
        raise Unreadable("too_many_columns", detail)
    return replace(
        file,
        format=opened.format,
        is_gzipped=opened.is_gzipped,
        encoding=opened.encoding,
        delimiter=opened.delimiter,
        columns=opened.columns,
    )
