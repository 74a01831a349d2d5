"""Writes exports: the worker behind the export queue.

Contacts are read a page at a time, the oldest first, and uploaded as the parts of one file. After each part the item of
the export says where to go on: an invocation that is killed, or has no time left, is followed by another one, which
begins where the item says. A contact that is there all the time is in the file exactly once.

One invocation at a time writes an export, by a lease in its item. Each write of the item is on condition that it is as
it was read. Where an erasure has set the export back (`exports.erasing`), the write fails, and the invocation begins
again, without the person.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Randomness, is_uuid
from contacts.core.queue import MessageQueue
from contacts.core.time import Clock, iso
from contacts.exports.files import ExportFiles, UploadGone
from contacts.exports.filters import query_of
from contacts.exports.model import MAX_RUNS, Export, ExportFormat, ExportState
from contacts.exports.rows import RowWriter, row_writer
from contacts.exports.service import export_message
from contacts.exports.store import ExportStore
from contacts.properties.store import PropertyStore
from contacts.search.query import Continuation, Order, SortField, SortPosition
from contacts.search.service import BEGINNING, ContactPage, Finder
from contacts.table.expressions import Step

PART_BYTES: Final = 8 << 20
"""Bytes of each part but the last, at least. S3 wants 5 MB, and takes 10,000 parts: 80 GB."""
PAGE: Final = 1000
"""Contacts that are read at a time; 6 MB of them at most."""
OLDEST_FIRST: Final = Order(SortField.CREATED_AT, descending=False)
TURN_S: Final = 120
"""Seconds after which an invocation ends, so that other exports have a turn. What it has written since the last part
is kept, however little: of ten million contacts a filter may choose three."""
ENDS_S: Final = 60
"""Seconds before the end of the invocation at which it reads no further page."""
LEASE_S: Final = 900
"""Seconds that an invocation may take (`WriteExport` in template.yaml)."""
_PAUSE: Final = 5
"""Seconds until an export that the table or the bucket held up goes on."""
_LONGEST_PAUSE: Final = 300
_PAGE_TRIES: Final = 4

Announce = Callable[[str, Export, int], Sequence[Step]]
"""The steps that tell of a completed export: of which account, the export, and when (ms since the epoch)."""


class Sources(NamedTuple):
    """What an export of one account is made of."""

    store: ExportStore
    finder: Finder
    properties: PropertyStore


class ExportWriter:
    """Handles the messages of the export queue."""

    def __init__(
        self,
        sources: Callable[[str], Sources],
        files: ExportFiles,
        queue: MessageQueue,
        clock: Clock,
        randomness: Randomness,
        has_time_left: Callable[[float], bool],
        announce: Announce,
        part_bytes: int = PART_BYTES,
        page: int = PAGE,
    ) -> None:
        """`sources`: of an account, by its id. `has_time_left`: whether the invocation has so many seconds left."""
        self._sources = sources
        self._files = files
        self._queue = queue
        self._clock = clock
        self._randomness = randomness
        self._has_time_left = has_time_left
        self._announce = announce
        self._part_bytes = part_bytes
        self._page = page

    def handle(self, body: Mapping[str, Any], times_received: int = 1) -> int | None:
        """Write the export that a message names, as far as one invocation gets, and ask for the rest.

        Returns None: the message is done; or the seconds after which it has to come again.

        Raises:
            KeyError, ValueError: the body is no message of the export queue.
        """
        account_id, export_id = body["account_id"], body["export_id"]
        if not is_uuid(account_id) or not is_uuid(export_id):
            raise ValueError("no ids of an account and its export")
        job = _Job(account_id, export_id, self._sources(account_id), self._randomness(8).hex())
        try:
            return self._write(job)
        except TemporarilyUnavailable:
            wait_s = int(min(_PAUSE * 2 ** (times_received - 1), _LONGEST_PAUSE))
            if not job.has_saved:
                with suppress(TemporarilyUnavailable, ConcurrentModification):
                    self._release(job)
                return wait_s
        # Something was written, so this is no failure that the queue should count.
        with suppress(TemporarilyUnavailable, ConcurrentModification):
            self._release(job)
        self._queue.send([export_message(account_id, export_id, _PAUSE)])
        return None

    def _write(self, job: "_Job") -> int | None:
        wait_s = self._take(job)
        if wait_s is not None or not job.is_leased:
            return wait_s
        while True:
            try:
                is_done = self._go_on(job)
            except ConcurrentModification:
                if not self._read_again(job):
                    return None
            except UploadGone:
                self._begin_again(job)
                if not job.is_leased:
                    return None
            else:
                if not is_done:
                    self._queue.send([export_message(job.account_id, job.export_id)])
                return None

    # Who writes it

    def _take(self, job: "_Job") -> int | None:
        """Take the lease, unless there is nothing to be written. Returns the seconds to wait where another has it."""
        export, now_ms = job.sources.store.get(job.export_id), self._clock.now_ms()
        if export is None or export.state is not ExportState.RUNNING:
            return None
        job.export = export
        if export.state_at(now_ms) is ExportState.FAILED:
            self._fail(job)
            return None
        now_s = now_ms // 1000
        if export.leased_until > now_s:
            return export.leased_until - now_s
        try:
            self._save(job, leased_by=job.token, leased_until=now_s + LEASE_S)
        except ConcurrentModification:
            return 1
        job.is_leased, job.has_saved = True, False
        return None

    def _read_again(self, job: "_Job") -> bool:
        """Read the item again, which another has changed. Returns whether it is still for this one to write."""
        export = job.sources.store.get(job.export_id)
        job.is_leased = (
            export is not None and export.state is ExportState.RUNNING and export.leased_by == job.token
        )
        if export is not None:
            job.export = export
        return job.is_leased

    def _begin_again(self, job: "_Job") -> None:
        if not self._read_again(job):
            return
        if job.export.run >= MAX_RUNS:
            self._fail(job)
            job.is_leased = False
            return
        old = job.export
        with suppress(ConcurrentModification):
            self._replace(job, old.begun_again())
            self._log(job, "export begins again")
            self._files.delete(job.account_id, old)

    def _release(self, job: "_Job") -> None:
        if job.is_leased:
            self._save(job, leased_by=None, leased_until=0)

    def _fail(self, job: "_Job") -> None:
        """End an export that is not ready and will not be."""
        old = job.export
        self._files.delete(job.account_id, old)
        with suppress(ConcurrentModification):
            self._replace(job, old.ended(ExportState.FAILED, self._now()))
            self._log(job, "export failed")

    # What is written

    def _go_on(self, job: "_Job") -> bool:
        """Write until all is written, or the time is over. Returns whether all is.

        Raises:
            ConcurrentModification: another has changed the item.
            UploadGone, TemporarilyUnavailable.
        """
        if not job.export.is_read:
            if job.export.upload_id is None:
                self._begin(job)
            if not self._write_parts(job):
                return False
        self._finish(job)
        return True

    def _begin(self, job: "_Job") -> None:
        # First the moment and the upload, then contacts: an erasure that comes later finds both.
        began_at = self._now()
        upload_id = self._files.begin(job.account_id, job.export)
        total = job.sources.finder.list_contacts(
            query_of(job.export.filter), OLDEST_FIRST, 1, with_total=True
        ).total
        self._save(job, began_at=began_at, upload_id=upload_id, total=total)

    def _write_parts(self, job: "_Job") -> bool:
        """Read the contacts that are still to be read, and upload parts. Returns whether no contact is left."""
        kept = self._files.rest(job.account_id, job.export)
        if kept is None:
            raise UploadGone
        writer = self._writer(job)
        written = _Written(bytearray(kept), job.export.rows, job.export.cursor)
        if written.cursor is None:
            written.add(self._encoded(job, writer.head()), 0, None)
        ends_ms = self._clock.now_ms() + TURN_S * 1000
        for page in self._pages(job, written.cursor):
            last = page.next_start and page.next_start.after
            text = writer.rows(page.contacts)
            written.add(self._encoded(job, text), len(page.contacts), last.contact_id if last else None)
            if page.next_start is None:
                self._end_parts(job, written)
                return True
            is_late = self._clock.now_ms() >= ends_ms or not self._has_time_left(ENDS_S)
            if len(written.content) >= self._part_bytes:
                self._upload(job, written)
            elif is_late:
                self._keep(job, written)
            if is_late:
                self._release(job)
                return False
        raise AssertionError("pages end with one that has no next")

    def _pages(self, job: "_Job", cursor: str | None) -> Iterator[ContactPage]:
        query, finder = query_of(job.export.filter), job.sources.finder
        start = BEGINNING if cursor is None else Continuation(after=SortPosition(None, cursor))
        while True:
            page = self._page_from(partial(finder.list_contacts, query, OLDEST_FIRST, self._page, start))
            yield page
            if page.next_start is None:
                return
            start = page.next_start

    def _page_from(self, read: Callable[[], ContactPage]) -> ContactPage:
        for pause in range(1, _PAGE_TRIES):
            try:
                return read()
            except TemporarilyUnavailable:
                if not self._has_time_left(ENDS_S):
                    raise
                self._clock.sleep(pause)
        return read()

    def _writer(self, job: "_Job") -> RowWriter:
        """The writer of a run: its columns stay the same, whichever properties are defined meanwhile."""
        export = job.export
        if export.format is not ExportFormat.CSV:
            return row_writer(export.format, export.fields, ())
        began_at = export.began_at or ""
        properties = [one for one in job.sources.properties.all() if one.created_at < began_at]
        return row_writer(export.format, export.fields, properties)

    @staticmethod
    def _encoded(job: "_Job", text: str) -> bytes:
        """A piece of the file. Of a gzipped one each piece is a member (RFC 1952), so it can end anywhere."""
        content = text.encode()
        return gzip.compress(content, 6, mtime=0) if job.export.is_gzipped and content else content

    def _upload(self, job: "_Job", written: "_Written", **changes: Any) -> None:
        old = job.export
        etag = self._files.put_part(job.account_id, old, bytes(written.content))
        self._save(
            job,
            etags=(*old.etags, etag),
            bytes=old.bytes + len(written.content),
            rows=written.rows,
            cursor=written.cursor,
            rest=None,
            **changes,
        )
        written.content.clear()

    def _keep(self, job: "_Job", written: "_Written") -> None:
        old = job.export
        slot = 1 if old.rest == 0 else 0
        self._files.put_rest(job.account_id, old, slot, bytes(written.content))
        try:
            self._save(job, rows=written.rows, cursor=written.cursor, rest=slot)
        except ConcurrentModification:
            # Whoever has changed the item may have done so to erase a person, and did not see this object.
            self._files.delete_rest(job.account_id, old)
            raise

    def _end_parts(self, job: "_Job", written: "_Written") -> None:
        if written.content or not job.export.etags:
            # S3 takes one part without content, which an NDJSON file without contacts is.
            self._upload(job, written, is_read=True)
        else:
            self._save(job, rows=written.rows, cursor=written.cursor, is_read=True)

    def _finish(self, job: "_Job") -> None:
        try:
            self._files.join(job.account_id, job.export)
        except UploadGone:
            # An earlier invocation has put it together; if not, the parts are lost.
            if not self._files.is_there(job.account_id, job.export):
                raise
        self._files.delete_rest(job.account_id, job.export)
        now_ms = self._clock.now_ms()
        ended = job.export.ended(ExportState.COMPLETED, iso(now_ms))
        self._replace(job, ended, self._announce(job.account_id, ended, now_ms))
        self._log(job, "export completed")

    def _save(self, job: "_Job", **changes: Any) -> None:
        self._replace(job, job.export.changed(**changes))

    def _replace(self, job: "_Job", after: Export, besides: Sequence[Step] = ()) -> None:
        job.sources.store.replace(job.export, after, besides)
        job.export = after
        job.has_saved = True

    @staticmethod
    def _log(job: "_Job", message: str) -> None:
        ids = {"account_id": job.account_id, "export_id": job.export_id}
        numbers = {"rows": job.export.rows, "bytes": job.export.bytes, "run": job.export.run}
        observability.logger.info(message, extra={**ids, **numbers})

    def _now(self) -> str:
        return iso(self._clock.now_ms())


@dataclass(slots=True)
class _Written:
    """What is written since the last part, and where all that is written ends."""

    content: bytearray
    rows: int
    cursor: str | None

    def add(self, content: bytes, rows: int, cursor: str | None) -> None:
        self.content += content
        self.rows += rows
        self.cursor = cursor or self.cursor


@dataclass(slots=True)
class _Job:
    """An export that this invocation writes."""

    account_id: str
    export_id: str
    sources: Sources
    token: str
    is_leased: bool = False
    has_saved: bool = False
    """Whether anything was written since the lease was taken."""
    _export: list[Export] = field(default_factory=list)

    @property
    def export(self) -> Export:
        """The export, as this invocation has read or written it last."""
        return self._export[-1]

    @export.setter
    def export(self, export: Export) -> None:
        self._export[:] = [export]
