"""An import as a job: its options, states, counts and file, and the rows that a file has."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

KEPT_DAYS: Final = 30
"""Days that an import is listed."""
UPLOAD_WITHIN_HOURS: Final = 24
"""An import without a file expires after so many hours."""
UNDO_WITHIN_DAYS: Final = 7
"""An import can be undone as long as the records of its rows are kept (`table.records.KEPT_DAYS`)."""
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
    """The file could not be read; nothing was written. Or the account is gone."""
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
    """Where it begins in the file; the first line is 1. Of a spreadsheet: the row's number."""
    cells: tuple[str, ...] | Mapping[str, Any]
    """Texts, one for each column at most; of NDJSON and JSON the object."""
    error: RowError | None = None
    """Why it cannot be read: it is too long, no JSON, or has more cells than there are columns."""


class ImportProblem(NamedTuple):
    """Why an import failed, or cannot go on without its caller."""

    code: str
    detail: str


class Unreadable(Exception):
    """Raised when a file cannot be read: it is none of the formats, too large, or broken."""

    def __init__(self, code: str, detail: str) -> None:
        """`code`: for programs (`empty_file`); `detail`: for people, a whole sentence."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class FileReplaced(Exception):
    """Raised when an upload is another one than the one that is being read, or gone."""


class PartMissing(Exception):
    """Raised when there is no such part."""


class UndoState(StrEnum):
    """How far an undo is."""

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
    """Where reading goes on (`imports.reading.Checkpoint`), after the parts that are cut; None: at the beginning."""
    created_at: str
    started_at: str | None = None
    """When the first row was carried out."""
    finished_at: str | None = None
    problem: ImportProblem | None = None
    undo: Undo | None = None
    key_id: str | None = None
    """The API key that made it."""
    version: int = 1
    """How often it was written. Each write checks that it is still as it was read."""

    def changed(self, **changes: Any) -> "Import":
        """The import after a change, with the next version."""
        return replace(self, version=self.version + 1, **changes)

    @property
    def has_ended(self) -> bool:
        """Whether its state stays as it is."""
        return self.state in ENDED


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

    def message(self) -> dict[str, object]:
        """The body of the message."""
        return {
            "account_id": self.account_id,
            "import_id": self.import_id,
            "task": str(self.task),
            "part": self.part,
        }


def step_from(body: Mapping[str, Any]) -> ImportStep:
    """The step that a message asks for."""
    return ImportStep(body["account_id"], body["import_id"], ImportTask(body["task"]), int(body["part"]))
