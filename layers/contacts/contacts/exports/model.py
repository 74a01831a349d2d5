"""An export as a job: what it writes, how far it is, and how the API shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NotRequired, TypedDict

from contacts.book.model import ContactOut
from contacts.core.answers import Count, JsonSchema, Moment, PageOut, Uuid
from contacts.core.time import HOUR, iso, parsed

KEPT_HOURS: Final = 24
"""Hours that the file of an export is kept; and hours after which an export that is not ready has failed."""
FILES_GONE_DAYS: Final = 4
"""Days after which nothing of an export is left in the bucket. It may begin to write for a day, and the rule of `Files`
in template.yaml deletes what is two days old at the midnight that follows."""
URL_SECONDS: Final = 300
"""How long the URL in an answer leads to the file."""
LISTED_DAYS: Final = 30
"""Days that an export is listed."""
MAX_UNDER_WAY: Final = 5
"""Exports of an account that are written at the same time."""
MAX_RUNS: Final = 10
"""How often an export begins, at most. It begins again where a person was erased who may be in what is written."""
FIELDS: Final = tuple(ContactOut.__annotations__)
"""The fields of a contact, as the API shows it: what an export can write."""
KEPT_MS: Final = KEPT_HOURS * HOUR * 1000


class ExportState(StrEnum):
    """How far an export is."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    """Its file is gone: it was kept for 24 hours, or a person who may be in it was erased."""


class ExportFormat(StrEnum):
    """What an export writes."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export. Timestamps are ISO 8601 in UTC. It holds no contact's data, once it has ended.

    While it runs, `filter` has what its caller looks for, which may be an email.
    """

    id: str
    state: ExportState
    format: ExportFormat
    is_gzipped: bool = False
    filter: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The parameters of `GET /v1/contacts` by which it chooses contacts, each with its texts. Empty once it has ended.
    """
    fields: tuple[str, ...] = ()
    """The fields that it writes; empty: all."""
    rows: int = 0
    """Contacts that are written, and will not be written again."""
    total: int | None = None
    """Contacts that there were when it began, if that is known."""
    bytes: int = 0
    """Of the parts that are uploaded."""
    cursor: str | None = None
    """The id of the last contact that is written; None: none is."""
    upload_id: str | None = None
    """Of the multipart upload."""
    etags: tuple[str, ...] = ()
    """Of the parts that are uploaded."""
    rest: int | None = None
    """The number of the object with what is written since the last part (`exports.files.SLOTS`); None: nothing is."""
    is_read: bool = False
    """Whether all parts are uploaded: only the file is to be put together."""
    run: int = 1
    """How often it has begun."""
    began_at: str | None = None
    """When this run began to read contacts; None: it has not."""
    leased_by: str | None = None
    """A token of the invocation that writes it."""
    leased_until: int = 0
    """Seconds since the epoch until which no other invocation writes it."""
    created_at: str
    finished_at: str | None = None
    key_id: str | None = None
    version: int = 1

    def changed(self, **changes: Any) -> "Export":
        """The export after a change, with the next version."""
        return replace(self, version=self.version + 1, **changes)

    def begun_again(self) -> "Export":
        """The export with its progress reset and one more run counted."""
        return self.changed(**_NOTHING_WRITTEN, run=self.run + 1)

    def ended(self, state: ExportState, at: str) -> "Export":
        """The export when nothing more is to be written. What its caller looked for goes."""
        return self.changed(
            state=state,
            finished_at=at,
            filter={},
            cursor=None,
            upload_id=None,
            etags=(),
            rest=None,
            leased_by=None,
            leased_until=0,
        )

    @property
    def file_name(self) -> str:
        """The name under which its file is downloaded."""
        return f"contacts-{self.created_at[:10]}{self.suffix}"

    @property
    def suffix(self) -> str:
        """How the name of its file ends."""
        return f".{self.format}.gz" if self.is_gzipped else f".{self.format}"

    @property
    def expires_at(self) -> str | None:
        """When its file goes; None: there is none."""
        if self.state is not ExportState.COMPLETED or self.finished_at is None:
            return None
        return iso(parsed(self.finished_at) + KEPT_MS)

    def state_at(self, now_ms: int) -> ExportState:
        """Its state at a moment (ms since the epoch): a file goes, and an export fails, by time alone."""
        if self.state is ExportState.COMPLETED and parsed(self.expires_at or "") <= now_ms:
            return ExportState.EXPIRED
        if self.state is ExportState.RUNNING and parsed(self.created_at) + KEPT_MS <= now_ms:
            return ExportState.FAILED
        return self.state

    @property
    def progress(self) -> float | None:
        """From 0 to 1; None: how many contacts there are is not known."""
        if self.state is ExportState.COMPLETED:
            return 1.0
        if self.total is None:
            return None
        return round(min(self.rows / self.total, 1.0), 3) if self.total else 0.0


_NOTHING_WRITTEN: Final[Mapping[str, Any]] = {
    "rows": 0,
    "total": None,
    "bytes": 0,
    "cursor": None,
    "upload_id": None,
    "etags": (),
    "rest": None,
    "is_read": False,
    "began_at": None,
}


class ExportOut(TypedDict):
    """Contacts as a file."""

    id: Uuid
    state: Annotated[str, ExportState]
    format: Annotated[str, ExportFormat]
    gzip: bool
    rows: Count
    """Contacts that are written."""
    bytes: Count
    """Of the file."""
    progress: Annotated[float, JsonSchema(minimum=0, maximum=1)] | None
    """Null where it is not known how many contacts there are."""
    created_at: Moment
    finished_at: Moment | None
    expires_at: Moment | None
    """When the file goes. It goes earlier where a contact of the account is erased for good."""
    url: NotRequired[str]
    """Where the file is, for five minutes; each look makes a new URL. It needs no key: keep it to yourself."""
    url_expires_at: NotRequired[Moment]
    test_mode: NotRequired[Literal[True]]


class ExportPageOut(PageOut):
    """A page of exports, the newest first, without their URLs."""

    data: list[ExportOut]


def export_out(export: Export, now_ms: int) -> ExportOut:
    """An export as callers see it at a moment (ms since the epoch), without a URL."""
    return {
        "id": export.id,
        "state": str(export.state_at(now_ms)),
        "format": str(export.format),
        "gzip": export.is_gzipped,
        "rows": export.rows,
        "bytes": export.bytes,
        "progress": export.progress,
        "created_at": export.created_at,
        "finished_at": export.finished_at,
        "expires_at": export.expires_at,
    }
