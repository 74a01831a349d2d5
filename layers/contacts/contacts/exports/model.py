"""An export as a job: what it writes, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

KEPT_HOURS: Final = 24
"""Hours that the file of an export is kept."""
URL_SECONDS: Final = 300
"""How long the URL in an answer leads to the file."""


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
    """An export. Timestamps are ISO 8601 in UTC. It holds no contact's data."""

    id: str
    state: ExportState
    format: ExportFormat
    is_gzipped: bool = False
    filter: Mapping[str, str] = field(default_factory=dict)
    """The parameters of `GET /v1/contacts` by which it chooses contacts."""
    fields: tuple[str, ...] = ()
    """The fields that it writes; empty: all."""
    rows: int = 0
    total: int | None = None
    """Contacts that there were when it began, if that is known."""
    bytes: int = 0
    cursor: str | None = None
    """Where it goes on; None: at the beginning."""
    upload_id: str | None = None
    """Of the multipart upload."""
    etags: tuple[str, ...] = ()
    """Of the parts that are uploaded."""
    created_at: str
    finished_at: str | None = None
    key_id: str | None = None
    version: int = 1

    def changed(self, **changes: Any) -> "Export":
        """The export after a change, with the next version."""
        return replace(self, version=self.version + 1, **changes)
