"""An import as a job: its options, states, counts and file, and the rows that a file has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple, NotRequired, TypedDict

from contacts.core.answers import Count, Json, JsonSchema, Moment, PageOut, Uuid
from contacts.core.time import DAY, HOUR, iso, parsed

FILE_KEPT_DAYS: Final = 30
"""Days after which an upload or a part is gone from the bucket in any case."""
ENDS_WITHIN_DAYS: Final = 29
"""Days after which an import that still has rows ends as failed, before its parts are gone."""
UPLOAD_WITHIN_HOURS: Final = 24
"""An import without a file expires after so many hours."""
UNDO_WITHIN_DAYS: Final = 7
"""An import can be undone as long as the records of its rows are kept (`table.records.KEPT_DAYS`). So long its error
file stays."""
KEPT_DAYS: Final = ENDS_WITHIN_DAYS + UNDO_WITHIN_DAYS + 2
"""Days that an import is listed: as long as its error file may be there, which an erasure has to find."""
DELAYED_MESSAGE_S: Final = 30
"""Delay of the first message, in seconds: longer than a function of the API may run (20 s)."""
ROWS_OF_PART: Final = 1000
"""Rows of a part: what one message asks for."""
ROWS_AT_ONCE: Final = 100
"""Rows between two looks at whether the import goes on."""
MAX_FILE_BYTES: Final = 5 * 1024**3
"""What S3 takes in one PUT."""
MAX_COLUMNS: Final = 1000
MAX_ROW_BYTES: Final = 1024 * 1024
"""A longer row is an error of its own."""
MAX_PART_BYTES: Final = 4 * 1024**2
"""A part has fewer rows where they are long: it ends with the row that takes it over so many bytes of JSON."""
MAX_ROWS: Final = 10_000_000
"""Rows of a file."""
ERROR_COLUMNS: Final = ("import_line", "import_field", "import_reason")
"""Of an error file: beside the columns of the import's own file. An import ignores them."""
ERROR_TEXT: Final = "import_text"
"""The member of an NDJSON error file with what was no object. An import reads the object that it has been mended to."""
PREVIEWED_CONTACTS: Final = 20
PREVIEWED_ERRORS: Final = 100


class ImportState(StrEnum):
    """How far an import is."""

    AWAITING_UPLOAD = "awaiting_upload"
    READING = "reading"
    """The file is cut into parts; of a dry run, its rows are checked."""
    READY = "ready"
    """It waits for `start`: a dry run is over, or the columns could not be mapped."""
    RUNNING = "running"
    PAUSED = "paused"
    """It waits by itself: the account has used up its written items of this hour, or it is suspended."""
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    """The file could not be read; nothing was written. Or the account or a part of the file is gone, or its 29 days are
    over: what was written before that stays."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """No file came within 24 hours."""


ENDED: Final = frozenset(
    {
        ImportState.COMPLETED,
        ImportState.COMPLETED_WITH_ERRORS,
        ImportState.FAILED,
        ImportState.CANCELLED,
        ImportState.EXPIRED,
    }
)
"""States that no import leaves."""


def told(state: ImportState) -> str:
    """A state as people read it."""
    return state.replace("_", " ")


class ImportMode(StrEnum):
    """What a row may do."""

    UPSERT = "upsert"
    CREATE = "create"
    """Rows whose contact exists are skipped."""
    UPDATE = "update"
    """Rows whose contact does not exist are skipped."""


class Blanks(StrEnum):
    """What an empty cell does to a field."""

    KEEP = "keep"
    CLEAR = "clear"


class ImportEvents(StrEnum):
    """Who hears of the rows."""

    SUMMARY = "summary"
    """One event when the import ends."""
    EACH = "each"
    """An event for each contact, as if each row were a request."""


class FileFormat(StrEnum):
    """What a file is, after it was unpacked."""

    CSV = "csv"
    """Also with another delimiter than the comma."""
    TSV = "tsv"
    NDJSON = "ndjson"
    JSON = "json"
    """One document: an array of objects, or an object with one array of objects, as list operations answer."""
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the caller of an import chose."""

    mode: ImportMode = ImportMode.UPSERT
    dry_run: bool = False
    restore_trashed: bool = False
    """Whether a row brings its contact back from the trash. If not, such a row is skipped."""
    blanks: Blanks = Blanks.KEEP
    add_tags: tuple[str, ...] = ()
    add_lists: tuple[str, ...] = ()
    events: ImportEvents = ImportEvents.SUMMARY
    skips_invalid: bool = False
    """`on_invalid=skip`: invalid fields are left out and the row is carried out. If not, the row fails."""
    default_country: str | None = None
    """ISO 3166 code of the country of phone numbers without one: `DE`."""
    encoding: str | None = None
    """As the caller says it; None: it is found out."""
    delimiter: str | None = None
    """As the caller says it; None: it is found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFile:
    """The file of an import: first what the caller said, then what reading found."""

    name: str
    size: int
    """Bytes, as announced; the upload must have exactly so many."""
    etag: str | None = None
    """Of the upload that is read."""
    format: FileFormat | None = None
    is_gzipped: bool = False
    encoding: str | None = None
    """Python's name: `utf-8`, `cp1252`, `utf-16-le`."""
    delimiter: str | None = None
    columns: tuple[str, ...] = ()
    """Names as in the header, each once (`Email`, `Email (2)`); of NDJSON the members of its objects."""

    @property
    def has_objects(self) -> bool:
        """Whether its rows are objects, which may have members that the first ones lack."""
        return self.format in (FileFormat.NDJSON, FileFormat.JSON)


class Counts(NamedTuple):
    """How many rows there are and what came of them. Those after `rows` add up to the rows that are done."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    protected: int = 0
    """Rows that would have subscribed again somebody who has opted out: they were applied without that."""
    failed: int = 0

    @property
    def done(self) -> int:
        """Rows that something came of."""
        return sum(self[1:])


NO_ROWS: Final = Counts()


class RowResult(StrEnum):
    """What came of a row: the names of `Counts` after `rows`."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    PROTECTED = "protected"
    FAILED = "failed"


class RowError(NamedTuple):
    """Why a row, or a field of it, was refused."""

    field: str | None
    """The field or column; None: the row as a whole."""
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file."""

    line: int
    """Where it begins in the file; the first line is 1. Of a spreadsheet: the row's number; of a JSON document, which
    may be one line: the object's. No two rows of a file have the same."""
    cells: tuple[str, ...] | Mapping[str, Any]
    """Texts, one for each column at most; of NDJSON and JSON the object. With an `error`: what there is, as it came."""
    error: RowError | None = None
    """Why it cannot be read: it is too long, no JSON, or has more cells than there are columns."""


class ImportProblem(NamedTuple):
    """Why an import failed, or cannot go on without its caller."""

    code: str
    detail: str


class Unreadable(Exception):
    """Raised when a file cannot be read: it is none of the formats, too large, or broken."""

    def __init__(self, code: str, detail: str) -> None:
        """`code`: for programs (`empty_file`); `detail`: for people, a whole sentence.

        The event of the import tells both: no name, column or cell of the file is in them.
        """
        super().__init__(detail)
        self.code = code
        self.detail = detail


class FileReplaced(Exception):
    """Raised when an upload is another one than the one that is being read, or gone."""


class PartMissing(Exception):
    """Raised when there is no such part."""


class UndoState(StrEnum):
    """How far the undo of an import is."""

    RUNNING = "running"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """An import that is taken back, the last part first."""

    state: UndoState
    next_part: int
    """The part to be taken back next; 0: all are."""
    trashed: int = 0
    """Contacts that the import had created."""
    restored: int = 0
    """Rows whose previous values are back."""
    kept: int = 0
    """Rows whose contact was changed since, in a field that the row had written, or is gone: nothing was undone."""
    started_at: str
    finished_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import. Timestamps are ISO 8601 in UTC. It holds no contact's data: previews and errors are files."""

    id: str
    state: ImportState
    options: ImportOptions
    file: ImportFile
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    """Field by column; None: the column is ignored. As given, until the file is read; then complete."""
    counts: Counts = NO_ROWS
    parts: int = 0
    """Parts that are cut. While the state is `reading`, further ones may follow."""
    next_part: int = 1
    """The part to be checked or carried out next."""
    read_bytes: int = 0
    """How much of the file is read."""
    checkpoint: tuple[int, ...] | None = None
    """Where reading goes on after the parts cut (`imports.reading.opening.Checkpoint`); None: at the beginning."""
    created_at: str
    started_at: str | None = None
    """When the import was started. No row may be written yet."""
    finished_at: str | None = None
    problem: ImportProblem | None = None
    undo: Undo | None = None
    key_id: str | None = None
    """The API key that made it."""
    version: int = 1
    """How often it was written. Each write checks that it is still as it was read."""
    unwritten: str = ""
    """What came of rows of a part that have written nothing, a letter a row in their order: `u` unchanged, `p`
    protected, `s` skipped, `f` failed; `-` of any other. They have no receipts, and are not carried out again."""
    unwritten_of: int = 0
    """That part."""

    def changed(self, **changes: Any) -> "Import":
        """The import after a change, with the next version."""
        return replace(self, version=self.version + 1, **changes)

    @property
    def has_ended(self) -> bool:
        """Whether its state stays as it is."""
        return self.state in ENDED

    @property
    def is_cut(self) -> bool:
        """Whether the whole file is cut into parts."""
        return self.parts > 0 and self.checkpoint is None

    def as_of(self, now_ms: int) -> "Import":
        """The import as it is now: without a file it expires, and nobody writes that."""
        waits = self.state is ImportState.AWAITING_UPLOAD
        if waits and parsed(self.created_at) + UPLOAD_WITHIN_HOURS * HOUR * 1000 <= now_ms:
            return replace(self, state=ImportState.EXPIRED)
        return self

    @property
    def may_have_written(self) -> bool:
        """Whether it may have changed a contact. Nobody may count the rows of the part in which it was ended."""
        counts = self.counts
        has_counted = counts.created + counts.updated + counts.protected > 0
        return self.started_at is not None and (has_counted or (self.has_ended_amid_rows and self.parts > 0))

    @property
    def has_ended_amid_rows(self) -> bool:
        """Whether somebody may have been at a part of it when it was ended."""
        return self.state is ImportState.CANCELLED or (
            self.state is ImportState.FAILED and self.started_at is not None
        )

    def can_be_undone(self, now_ms: int) -> bool:
        """Whether it may be taken back: it has ended, may have written something, and was not taken back before.

        The records of its rows are kept for seven days, so the days count from its first row.
        """
        if not self.has_ended or self.undo is not None or not self.may_have_written:
            return False
        return now_ms < parsed(self.started_at or "") + UNDO_WITHIN_DAYS * DAY * 1000


class ImportTask(StrEnum):
    """What a message asks for. (`carry_out_import` reads them.)"""

    CHECK = "check"
    """Of a dry run: say what would come of a part; nothing is written."""
    WRITE = "write"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class ImportStep:
    """A message of the import queue: what is to be done with which part."""

    account_id: str
    import_id: str
    task: ImportTask
    part: int
    tries: int = 0
    """How often it was put off before without progress; of a part that was begun before, at least 1."""

    def message(self) -> dict[str, object]:
        """The body of the message."""
        body: dict[str, object] = {
            "account_id": self.account_id,
            "import_id": self.import_id,
            "task": str(self.task),
            "part": self.part,
        }
        return body | {"tries": self.tries} if self.tries else body


def step_from(body: Mapping[str, Any]) -> ImportStep:
    """The step that a message asks for."""
    task, part, tries = ImportTask(body["task"]), int(body["part"]), int(body.get("tries", 0))
    return ImportStep(body["account_id"], body["import_id"], task, part, tries)


READING_SHARE: Final = 0.1
"""Of the progress of an import. (Writing a row takes some hundred times as long as reading it.)"""


class UploadOut(TypedDict):
    """Where the file is to be sent."""

    method: str
    """`PUT`"""
    url: str
    """Good for an hour; `GET /v1/imports/{id}` makes a new one, for a key that may make imports."""
    headers: Json
    """To be sent as they are."""
    expires_at: Moment


class ImportOptionsOut(TypedDict):
    """What the caller chose."""

    dry_run: bool
    restore_trashed: bool
    blanks: Annotated[str, Blanks]
    add_tags: list[str]
    add_lists: list[str]
    events: Annotated[str, ImportEvents]
    on_invalid: str
    """`reject` or `skip`."""
    default_country: str | None
    encoding: str | None
    delimiter: str | None


class ImportFileOut(TypedDict):
    """The file: what the caller said of it, and what reading found."""

    name: str
    size: Count
    """Bytes."""
    format: Annotated[str, FileFormat] | None
    """Null until it is read, as the members below."""
    is_gzipped: bool
    encoding: str | None
    delimiter: str | None
    columns: list[str]


class ImportCountsOut(TypedDict):
    """How many rows there are, and what came of them. Those after `rows` add up to the rows that are done."""

    rows: Count
    created: Count
    updated: Count
    unchanged: Count
    skipped: Count
    protected: Count
    """Applied, but for a subscription that somebody had ended."""
    failed: Count


class ImportProblemOut(TypedDict):
    """Why it failed, or why it waits for `start`."""

    code: str
    detail: str


class RowErrorOut(TypedDict):
    """What is wrong with a row."""

    line: Count
    field: str | None
    reason: str


class PreviewOut(TypedDict):
    """What would come of it: the first contacts, and the first errors."""

    contacts: list[Json]
    errors: list[RowErrorOut]


class UndoOut(TypedDict):
    """How far taking it back is."""

    state: Annotated[str, UndoState]
    trashed: Count
    """Contacts that it had created, and that are in the trash now."""
    restored: Count
    """Contacts whose previous values are back."""
    kept: Count
    """Contacts that were changed since, or are gone: nothing was undone."""
    started_at: Moment
    finished_at: Moment | None


class ImportOut(TypedDict):
    """An import."""

    id: Uuid
    state: Annotated[str, ImportState]
    mode: Annotated[str, ImportMode]
    options: ImportOptionsOut
    file: ImportFileOut
    mapping: Json
    """By column: the field that it fills, or null. As given until the file is read; then complete."""
    counts: ImportCountsOut
    progress: Annotated[float, JsonSchema(minimum=0, maximum=1)]
    """Of reading the file and carrying out its rows."""
    rows_per_second: float | None
    """Since its first row; null before."""
    created_at: Moment
    started_at: Moment | None
    """When its first row was carried out."""
    expected_end: Moment | None
    """While it runs, if it goes on as fast as until now."""
    finished_at: Moment | None
    problem: NotRequired[ImportProblemOut]
    preview: NotRequired[PreviewOut]
    """Of a dry run that waits for `start`."""
    upload: NotRequired[UploadOut]
    """While the file is awaited, for a live key that may make imports."""
    undo: NotRequired[UndoOut]
    test_mode: NotRequired[Literal[True]]


class ImportPageOut(PageOut):
    """A page of imports, the newest first, without `preview` and `upload`."""

    data: list[ImportOut]


class ImportErrorsOut(TypedDict):
    """Where the rows that failed are, as they came, each with what is wrong with it."""

    url: str | None
    """Good for five minutes. Null where no row failed, or the file is gone: it is kept for seven days."""
    expires_at: Moment | None
    rows: Count
    """Rows that failed."""


def import_out(job: Import, now_ms: int) -> ImportOut:
    """An import as callers see it, without `preview` and `upload`. `now_ms`: the moment, in ms since the epoch."""
    options, file, counts = job.options, job.file, job.counts
    shown: ImportOut = {
        "id": job.id,
        "state": str(job.state),
        "mode": str(options.mode),
        "options": {
            "dry_run": options.dry_run,
            "restore_trashed": options.restore_trashed,
            "blanks": str(options.blanks),
            "add_tags": list(options.add_tags),
            "add_lists": list(options.add_lists),
            "events": str(options.events),
            "on_invalid": "skip" if options.skips_invalid else "reject",
            "default_country": options.default_country,
            "encoding": options.encoding,
            "delimiter": options.delimiter,
        },
        "file": {
            "name": file.name,
            "size": file.size,
            "format": None if file.format is None else str(file.format),
            "is_gzipped": file.is_gzipped,
            "encoding": file.encoding,
            "delimiter": file.delimiter,
            "columns": list(file.columns),
        },
        "mapping": dict(job.mapping),
        "counts": {
            "rows": counts.rows,
            "created": counts.created,
            "updated": counts.updated,
            "unchanged": counts.unchanged,
            "skipped": counts.skipped,
            "protected": counts.protected,
            "failed": counts.failed,
        },
        "progress": progress_of(job),
        "rows_per_second": None,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "expected_end": None,
        "finished_at": job.finished_at,
    }
    if job.started_at is not None:
        until_ms = now_ms if job.finished_at is None else parsed(job.finished_at)
        seconds = max(until_ms - parsed(job.started_at), 1) / 1000
        shown["rows_per_second"] = round(counts.done / seconds, 1)
        if job.finished_at is None and counts.done:
            left_s = (counts.rows - counts.done) * seconds / counts.done
            shown["expected_end"] = iso(now_ms + int(left_s * 1000))
    if job.problem is not None:
        shown["problem"] = {"code": job.problem.code, "detail": job.problem.detail}
    if job.undo is not None:
        undo = job.undo
        shown["undo"] = {
            "state": str(undo.state),
            "trashed": undo.trashed,
            "restored": undo.restored,
            "kept": undo.kept,
            "started_at": undo.started_at,
            "finished_at": undo.finished_at,
        }
    return shown


def progress_of(job: Import) -> float:
    """How much of an import is done, from 0 to 1. It falls when a dry run that has checked all rows is started."""
    if job.state in (ImportState.COMPLETED, ImportState.COMPLETED_WITH_ERRORS):
        return 1.0
    read = 1.0 if job.is_cut else min(job.read_bytes / job.file.size, 1.0)
    done = job.counts.done / job.counts.rows if job.counts.rows and job.is_cut else 0.0
    return round(READING_SHARE * read + (1 - READING_SHARE) * done, 4)
