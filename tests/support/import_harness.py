"""Imports in this process: the planner and the operations, on a table and a bucket in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contacts.imports.files import ImportFiles, Upload
from contacts.imports.model import FileFormat, Import, ImportOptions, Row, Unreadable
from contacts.imports.planning import Planner
from contacts.imports.store import ImportStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression
from local.table import NAME
from tests.support.app import ACCOUNT_ID, App, ListedQueue, Reply
from tests.support.bucket import FakeBucket
from tests.support.fakes import CountingBytes, FakeClock


class Lines:
    """`imports.planning.Opened` of a plain CSV without quotes, which is read a few bytes at a time."""

    format = FileFormat.CSV
    is_gzipped = False
    encoding = "utf-8"
    delimiter = ","

    def __init__(self, source: Upload, start: Sequence[int] | None) -> None:
        self._source = source
        self.at_once = 4096
        header = self._line(0)
        if not header.strip():
            raise Unreadable("empty_file", "The file is empty.")
        self.columns = tuple(header.decode().strip().split(","))
        self.read_bytes, self._number = start or (len(header), 1)

    def _line(self, offset: int) -> bytes:
        line = b""
        while b"\n" not in line:
            more = self._source.read(offset + len(line), self.at_once)
            if not more:
                return line
            line += more
        return line[: line.index(b"\n") + 1]

    def rows(self) -> Iterator[Row]:
        while line := self._line(self.read_bytes):
            self.read_bytes += len(line)
            self._number += 1
            if line.startswith(b"%"):
                raise Unreadable("not_text", "The file is no text.")
            yield Row(self._number, tuple(line.decode().strip().split(",")))

    def checkpoint(self) -> Sequence[int]:
        return self.read_bytes, self._number


def open_lines(source: Upload, name: str, options: ImportOptions, start: Sequence[int] | None) -> Lines:
    return Lines(source, start)


class PlannerHarness:
    """A planner, with what surrounds it. `time_left`: how often it is asked until its time is over."""

    account_id = ACCOUNT_ID

    def __init__(self, client: Any, bucket: Any = None) -> None:
        self.bucket = FakeBucket() if bucket is None else bucket
        self.clock = FakeClock()
        self.reading, self.steps = ListedQueue(), ListedQueue()
        self.properties: list[str] = []
        self.time_left = 1_000_000
        self.use(client, self.bucket)

    def use(self, client: Any, bucket: Any, steps: Any = None, reading: Any = None) -> None:
        """From here on the planner calls these."""
        table = self.table = Table(client, NAME)
        self.store = ImportStore(table, self.account_id)
        self.files = ImportFiles(lambda: bucket, "files", lambda: bucket, self.clock)
        self.planner = Planner(
            table,
            self.files,
            open_lines,
            reading or self.reading,
            steps or self.steps,
            lambda _: self.properties,
            self.clock,
            CountingBytes(),
            self._has_time_left,
        )

    def _has_time_left(self, seconds: float) -> bool:
        self.time_left -= 1
        return self.time_left > 0

    def key(self, import_id: str) -> str:
        return f"uploads/{self.account_id}/{import_id}"

    def uploaded(self, import_id: str, content: bytes) -> dict[str, Any]:
        """Put a file; returns the notification of S3."""
        self.bucket.objects[self.key(import_id)] = content
        return notification(self.key(import_id))

    def handle(self, body: Any, times_received: int = 1) -> None:
        self.planner.handle(body, times_received)

    def go_on(self) -> None:
        """Handle the planner's own messages until there are none. Delays pass at once."""
        while self.reading.sent:
            message = self.reading.sent.pop(0)
            self.clock.at_ms += message.delay_s * 1000
            self.handle(message.body)

    def job(self, import_id: str) -> Import:
        return self.store.existing(import_id)

    def announced(self, import_id: str) -> list[str]:
        """The types of the events that are to be told."""
        told = Expression.of_partition(keys.about_contact(self.account_id, import_id))
        return [entry["type"] for entry in self.table.all_of(told)]

    def rows(self, import_id: str) -> list[Row]:
        """The rows of all parts, in their order."""
        job = self.job(import_id)
        parts = range(1, job.parts + 1)
        return [
            row for part in parts for row in self.files.part(self.account_id, import_id, part, job.file.etag)
        ]


def notification(key: str) -> dict[str, Any]:
    """What S3 sends when an object was put."""
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "files"}, "object": {"key": key, "size": 1, "eTag": "0"}},
            }
        ]
    }


class ImportApp(App):
    """The operations of imports, with a bucket in memory."""

    def __init__(self, client: Any, bucket: Any = None) -> None:
        super().__init__(client, randomness=CountingBytes())
        self.bucket = bucket or self.bucket
        self.files = self.import_files()

    def ask(self, function: str, *request: Any, **more: Any) -> Reply:
        """As `App.ask`; the function is held to its policies."""
        self.__dict__.pop("table", None)
        try:
            return self._held(function, lambda: super(ImportApp, self).ask(function, *request, **more))
        finally:
            self.__dict__.pop("table", None)

    def planner(self) -> Planner:
        """Held to the policies of its function, too."""
        self.__dict__.pop("table", None)
        try:
            return self._held("plan_import", super().planner)
        finally:
            self.__dict__.pop("table", None)

    @property
    def store(self) -> ImportStore:
        """The imports of the caller's account."""
        return ImportStore(self.table, self.caller.account_id)

    def create(self, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        return self.ask("create_import", "POST", "/v1/imports", body=body, headers=headers)

    def list(self, **query: str) -> Reply:
        return self.ask("list_imports", "GET", "/v1/imports", query=query)

    def get(self, import_id: str, below: str = "") -> Reply:
        function = "get_import_errors" if below else "get_import"
        return self.ask(function, "GET", f"/v1/imports/{{id}}{below}", {"id": import_id})

    def act(self, what: str, import_id: str, body: Any = None) -> Reply:
        """Start, cancel or undo an import."""
        return self.ask(f"{what}_import", "POST", f"/v1/imports/{{id}}/{what}", {"id": import_id}, body=body)
