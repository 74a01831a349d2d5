"""Exports in this process: contacts in a table in memory, files in a bucket in memory, an invocation at a time."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import md5
from typing import Any

from contacts.book.model import Contact, new_contact
from contacts.book.store import contact_item
from contacts.core.ids import uuid7
from contacts.core.time import iso
from contacts.exports.erasing import ExportEraser
from contacts.exports.files import ExportFiles
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.exports.store import ExportStore
from contacts.exports.writing import ExportWriter, Sources
from contacts.properties.store import PropertyStore
from contacts.search.index import Bookmarks, ContactIndex
from contacts.search.service import Finder
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Step
from local.table import NAME
from tests.support.app import ACCOUNT_ID, ListedQueue
from tests.support.bucket import FakeBucket, _refusal
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.moto_table import MotoTable

SMALLEST_PART = 300
"""Bytes that the bucket of the tests wants of each part but the last: S3's 5 MB would take long."""


class ExportBucket(FakeBucket):
    """A bucket that knows its uploads, and takes small parts."""

    def upload_part(
        self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes
    ) -> dict[str, Any]:
        if UploadId not in self.uploads:
            raise _refusal("NoSuchUpload", 404, "UploadPart")
        self.uploads[UploadId][PartNumber] = bytes(Body)
        return {"ETag": _etag(Body)}

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any]
    ) -> dict[str, Any]:
        if UploadId not in self.uploads:
            raise _refusal("NoSuchUpload", 404, "CompleteMultipartUpload")
        parts, asked = self.uploads[UploadId], MultipartUpload["Parts"]
        assert [one["PartNumber"] for one in asked] == list(range(1, len(asked) + 1))
        assert asked
        contents = [parts[one["PartNumber"]] for one in asked]
        if any(one["ETag"] != _etag(content) for one, content in zip(asked, contents, strict=True)):
            raise _refusal("InvalidPart", 400, "CompleteMultipartUpload")
        assert all(len(content) >= SMALLEST_PART for content in contents[:-1])
        del self.uploads[UploadId]
        self.objects[Key] = b"".join(contents)
        return {}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> dict[str, Any]:
        if UploadId not in self.uploads:
            raise _refusal("NoSuchUpload", 404, "AbortMultipartUpload")
        del self.uploads[UploadId]
        return {}


def _etag(content: bytes) -> str:
    return f'"{md5(content, usedforsecurity=False).hexdigest()}"'


@dataclass
class ExportHarness:
    """An account with contacts, its exports and their files."""

    moto: MotoTable = field(default_factory=MotoTable)
    bucket: ExportBucket = field(default_factory=ExportBucket)
    clock: FakeClock = field(default_factory=FakeClock)
    randomness: CountingBytes = field(default_factory=CountingBytes)
    queue: ListedQueue = field(default_factory=ListedQueue)
    announced: list[tuple[str, str]] = field(default_factory=list)
    page: int = 2

    def __post_init__(self) -> None:
        self.client = self.moto.client()

    def store(self, client: Any = None) -> ExportStore:
        return ExportStore(Table(client or self.client, NAME), ACCOUNT_ID)

    def contact(self, number: int, **fields: Any) -> Contact:
        """A contact that was created `number` ms after the clock's beginning."""
        at_ms = self.clock.at_ms - 10_000_000 + number
        given = {"email": f"person{number}@example.com", **fields}
        one = new_contact(uuid7(at_ms, number.to_bytes(10)), given, iso(at_ms))
        self.put(one)
        return one

    def put(self, contact: Contact) -> None:
        claims = {
            keys.claim(ACCOUNT_ID, name): {"contact_id": contact.id, "state": "live"}
            for name in contact.names
        }
        key = keys.contact(ACCOUNT_ID, contact.id)
        Table(self.client, NAME).write_many({key: contact_item(contact, "c"), **claims})

    def erase(self, contact: Contact) -> None:
        """Take a contact away for good, and what exports hold of it."""
        Table(self.client, NAME).write_many({}, [keys.contact(ACCOUNT_ID, contact.id)])
        self.clock.at_ms += 1
        self.eraser().remove(ACCOUNT_ID, self.clock.now_ms())

    def begin(self, format_: ExportFormat = ExportFormat.NDJSON, **values: Any) -> Export:
        self.clock.at_ms += 1
        export = Export(
            id=uuid7(self.clock.at_ms, self.randomness(10)),
            state=ExportState.RUNNING,
            format=format_,
            created_at=iso(self.clock.at_ms),
            **values,
        )
        Table(self.client, NAME).write_many({keys.export(ACCOUNT_ID, export.id): dict(_item(export))})
        return export

    def files(self, bucket: Any = None) -> ExportFiles:
        return ExportFiles(lambda: bucket or self.bucket, "files", lambda: self.bucket)

    def eraser(self) -> ExportEraser:
        return ExportEraser(partial(ExportStore, Table(self.client, NAME)), self.files(), self.clock)

    def writer(
        self,
        client: Any = None,
        bucket: Any = None,
        has_time_left: Callable[[float], bool] = lambda seconds: True,
    ) -> ExportWriter:
        table = Table(client or self.client, NAME)

        def sources(account_id: str) -> Sources:
            finder = Finder(ContactIndex(table, account_id), Bookmarks(table, account_id, self.clock))
            return Sources(ExportStore(table, account_id), finder, PropertyStore(table, account_id))

        return ExportWriter(
            sources,
            self.files(bucket),
            self.queue,
            self.clock,
            self.randomness,
            has_time_left,
            self._announce,
            part_bytes=SMALLEST_PART,
            page=self.page,
        )

    def _announce(self, account_id: str, export: Export, at_ms: int) -> Sequence[Step]:
        self.announced.append((account_id, export.id))
        return ()

    def run(self, export: Export, writer: ExportWriter | None = None) -> Export:
        """Handle a message for an export, and all that follow from it. Returns the export as it is then."""
        self.queue.sent.clear()
        bodies: list[Mapping[str, Any]] = [{"account_id": ACCOUNT_ID, "export_id": export.id}]
        while bodies:
            wait_s = (writer or self.writer()).handle(bodies[0])
            if wait_s is not None:
                self.clock.at_ms += wait_s * 1000
                continue
            bodies = [*bodies[1:], *self.queue.bodies]
            self.queue.sent.clear()
        return self.now(export)

    def now(self, export: Export) -> Export:
        return self.store().existing(export.id)

    def content(self, export: Export) -> bytes:
        """The file of an export, unpacked."""
        (key,) = [key for key in self.bucket.objects if export.id in key]
        content = self.bucket.objects[key]
        return gzip.decompress(content) if key.endswith(".gz") else content

    def emails(self, export: Export) -> list[str]:
        """Whose rows are in an export."""
        text = self.content(export).decode("utf-8-sig")
        if export.format is ExportFormat.CSV:
            return [row["email"] for row in csv.DictReader(io.StringIO(text, newline=""))]
        return [json.loads(line)["email"] for line in text.splitlines()]


def _item(export: Export) -> Mapping[str, Any]:
    from contacts.exports.store import EXPORTS

    return {name: value for name, value in EXPORTS.to_item(export).items() if value is not None}
