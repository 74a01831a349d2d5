"""What an erasure does with exports: no file that may hold the person is left, nor comes of what is being written."""

from collections.abc import Callable
from typing import Final

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.idempotency import TRIES, ConcurrentModification
from contacts.core.time import Clock, iso, parsed
from contacts.exports.files import ExportFiles
from contacts.exports.model import MAX_RUNS, Export, ExportState
from contacts.exports.store import ExportStore

CLOCKS_DIFFER_MS: Final = 5_000
"""Milliseconds by which the clocks of two functions may differ."""


class ExportEraser:
    """`erasure.service.AccountFiles` for exports."""

    def __init__(self, store: Callable[[str], ExportStore], files: ExportFiles, clock: Clock) -> None:
        """`store`: of an account, by its id."""
        self._store = store
        self._files = files
        self._clock = clock

    def remove(self, account_id: str, erased_at_ms: int) -> None:
        """Take away each file of an account that was read before a moment (ms since the epoch).

        A completed export expires; one that is being written begins again, without the person. One Query where the
        account had no export within four days.

        Raises:
            TemporarilyUnavailable: some may be left.
        """
        store = self._store(account_id)
        for export in store.with_files(self._clock.now_ms()):
            self._take_away(store, account_id, export, erased_at_ms)

    def _take_away(self, store: ExportStore, account_id: str, export: Export, erased_at_ms: int) -> None:
        read: Export | None = export
        for _ in range(TRIES):
            if read is None or not _may_hold(read, erased_at_ms):
                return
            # First the upload and the file, then the item: whoever is stopped between the two does both again. Of an
            # upload that is given up no file can come. What was put together just before is deleted here, or is in the
            # item, which then is no longer as it was read.
            self._files.delete(account_id, read)
            try:
                store.replace(read, _without_file(read, iso(self._clock.now_ms())))
            except ConcurrentModification:
                read = store.get(read.id)
            else:
                return
        raise TemporarilyUnavailable


def _may_hold(export: Export, erased_at_ms: int) -> bool:
    """Whether contacts were read for an export before a moment."""
    if export.state not in (ExportState.RUNNING, ExportState.COMPLETED):
        return False
    return export.began_at is not None and parsed(export.began_at) <= erased_at_ms + CLOCKS_DIFFER_MS


def _without_file(export: Export, at: str) -> Export:
    if export.state is ExportState.COMPLETED:
        return export.changed(state=ExportState.EXPIRED)
    return export.ended(ExportState.FAILED, at) if export.run >= MAX_RUNS else export.begun_again()
