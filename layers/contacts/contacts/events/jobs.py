"""Events about imports and exports. They are about no contact: their entries stand under the id of the job.

    step = announcement_step(table, account_id, job.id, *ended_import(job), at_ms, randomness)
    table.write([step_that_ends_the_job, step])

The entry commits together with the end of the job, which happens once. The dispatcher makes an event of it, as of the
entry of a custom event, and sends that to the endpoints that want it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NotRequired, TypedDict

from contacts.core.answers import Moment, Uuid
from contacts.core.ids import Randomness, uuid7
from contacts.core.time import DAY, iso
from contacts.events.model import IN_TIMELINE_DAYS, EventType
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Step

if TYPE_CHECKING:
    from contacts.exports.model import Export
    from contacts.imports.model import Import

ANNOUNCEMENT: Final = "announcement"
"""The name of the step."""


class RowCountsOut(TypedDict):
    """How many rows the file has, and what came of them: those after `rows` add up to it, unless the import failed."""

    rows: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    protected: int
    failed: int


class JobProblemOut(TypedDict):
    """Why it failed."""

    code: str
    detail: str


class EndedImportOut(TypedDict):
    """An import that has ended: see `GET /v1/imports/{id}`."""

    id: Uuid
    state: str
    """`completed`, `completed_with_errors` or `failed`."""
    counts: RowCountsOut
    created_at: Moment
    finished_at: Moment | None
    problem: NotRequired[JobProblemOut]


class EndedExportOut(TypedDict):
    """An export whose file is there: see `GET /v1/exports/{id}`, whose answer leads to it."""

    id: Uuid
    format: str
    rows: int
    bytes: int
    created_at: Moment
    finished_at: Moment | None


class ImportEndedDataOut(TypedDict):
    """The import that has ended."""

    job: EndedImportOut


class ExportEndedDataOut(TypedDict):
    """The export that has ended."""

    job: EndedExportOut


def announcement_step(
    table: Table,
    account_id: str,
    job_id: str,
    kind: EventType,
    data: Mapping[str, object],
    at_ms: int,
    randomness: Randomness,
) -> Step:
    """The step that lets an event about a job follow: for the transaction that ends the job, on its condition.

    `kind`: one of `OF_JOBS`. `data`: JSON without personal data, as endpoints get it. `at_ms`: when the job ended, in
    ms since the epoch. A process needs to put items in `ACCOUNT#<a>#CONTACT#*`.
    """
    key = keys.timeline_entry(account_id, job_id, uuid7(at_ms, randomness(10)))
    expires_at = at_ms // 1000 + IN_TIMELINE_DAYS * DAY
    entry = {"type": str(kind), "timestamp": iso(at_ms), "data": data, "ttl": expires_at}
    return table.put_step(ANNOUNCEMENT, key, entry)


def ended_import(job: "Import") -> tuple[EventType, ImportEndedDataOut]:
    """The event of an import that is completed, with or without errors, or has failed, and its data.

    Neither the file's name nor its columns are in it: they may name a person.
    """
    told: EndedImportOut = {
        "id": job.id,
        "state": str(job.state),
        "counts": {
            "rows": job.counts.rows,
            "created": job.counts.created,
            "updated": job.counts.updated,
            "unchanged": job.counts.unchanged,
            "skipped": job.counts.skipped,
            "protected": job.counts.protected,
            "failed": job.counts.failed,
        },
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
    if job.problem is not None:
        told["problem"] = {"code": job.problem.code, "detail": job.problem.detail}
    has_failed = job.state == "failed"
    return EventType.IMPORT_FAILED if has_failed else EventType.IMPORT_COMPLETED, {"job": told}


def ended_export(job: "Export") -> tuple[EventType, ExportEndedDataOut]:
    """The event of an export that is completed, and its data."""
    told: EndedExportOut = {
        "id": job.id,
        "format": str(job.format),
        "rows": job.rows,
        "bytes": job.bytes,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
    }
    return EventType.EXPORT_COMPLETED, {"job": told}
