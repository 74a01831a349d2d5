"""The end of an import: one file of the rows that failed, nothing else left, and its event."""

from typing import Final

from contacts.core import observability
from contacts.core.idempotency import retry_on_conflict
from contacts.core.ids import Randomness
from contacts.core.time import Clock, iso
from contacts.events.jobs import announcement_step, ended_import
from contacts.imports.files import ImportFiles
from contacts.imports.model import Import, ImportProblem, ImportState
from contacts.imports.store import ImportStore
from contacts.table.client import Table

RUNNING_OR_PAUSED: Final = frozenset({ImportState.RUNNING, ImportState.PAUSED})


def has_done_all_rows(job: Import) -> bool:
    """Whether an import has only to be ended."""
    return job.state in RUNNING_OR_PAUSED and job.is_cut and job.next_part > job.parts


def put_files_away(files: ImportFiles, account_id: str, job: Import) -> None:
    """Make one error file of the rows that failed, and delete all other files.

    Raises:
        TemporarilyUnavailable: some are left.
    """
    # Of an import that ended within a part, nobody may have counted the rows of that part.
    if job.file.format is not None and (job.counts.failed or job.has_ended):
        files.join_errors(account_id, job.id, job.file.columns, job.file.format)
    delete_files(files, account_id, job.id)


def delete_files(files: ImportFiles, account_id: str, import_id: str) -> None:
    """Delete all files but the error file.

    Raises:
        TemporarilyUnavailable: some are left.
    """
    files.delete_error_parts(account_id, import_id)
    files.delete_parts(account_id, import_id)
    files.delete_upload(account_id, import_id)
    files.delete_preview(account_id, import_id)


def completed(job: Import) -> ImportState:
    """The state in which an import ends whose rows are all done."""
    return ImportState.COMPLETED_WITH_ERRORS if job.counts.failed else ImportState.COMPLETED


def end_import(
    table: Table,
    account_id: str,
    import_id: str,
    state: ImportState,
    problem: ImportProblem | None,
    clock: Clock,
    randomness: Randomness,
) -> None:
    """End an import that has not ended, and let its event follow, in one transaction.

    Raises:
        Contention, TemporarilyUnavailable.
    """
    store, now = ImportStore(table, account_id), clock.now_ms()

    def attempt() -> Import | None:
        before = store.get(import_id)
        if before is None or before.has_ended:
            return None
        after = before.changed(state=state, problem=problem, finished_at=iso(now))
        told = ended_import(after)
        store.replace(
            before, after, [announcement_step(table, account_id, import_id, *told, now, randomness)]
        )
        return after

    after = retry_on_conflict(attempt, clock, randomness)
    if after is not None:
        ids = {"account_id": account_id, "import_id": import_id}
        counts = after.counts._asdict()
        observability.logger.info("import ended", extra={**ids, "state": str(state), "counts": counts})
