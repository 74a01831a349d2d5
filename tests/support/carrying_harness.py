"""Imports whose files are cut already, carried out in this process: on a table and a bucket in memory.

Rows are objects of NDJSON, each the body that it means, so that nothing depends on how files are read.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contacts.accounts.store import AccountStore
from contacts.accounts.switches import SwitchBoard
from contacts.book.model import Contact, contact_from
from contacts.core.ids import uuid7
from contacts.core.queue import Outgoing
from contacts.core.time import iso
from contacts.imports.carrying import ImportCarrier
from contacts.imports.files import ImportFiles
from contacts.imports.mapping.values import ReadRow, RowReader
from contacts.imports.model import (
    Counts,
    FileFormat,
    Import,
    ImportFile,
    ImportOptions,
    ImportState,
    ImportStep,
    ImportTask,
    Row,
    RowError,
    Undo,
    UndoState,
    step_from,
)
from contacts.imports.planning import Planner
from contacts.imports.steps import CarrierServices
from contacts.imports.store import ImportStore
from contacts.table.client import Table
from contacts.table.expressions import Expression, from_item
from local.table import NAME
from tests.support.app import ACCOUNT_ID, ListedQueue, caller_of
from tests.support.bucket import FakeBucket
from tests.support.fakes import CountingBytes, FakeClock, OneAtATime
from tests.support.import_harness import open_lines
from tests.support.in_process_api import InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.permissions import Held

Body = Mapping[str, Any]


class Killed(BaseException):
    """The function ends in the middle of whatever it does."""


class ObjectReader:
    """Reads rows that are the bodies they mean; `is_unsubscribed: false` asks for a subscription."""

    def read(self, row: Row) -> ReadRow:
        assert isinstance(row.cells, Mapping)
        if row.error is not None or row.cells.get("unclear"):
            return ReadRow({}, errors=(row.error or RowError("status", "is unclear"),), is_refused=True)
        if not row.cells:
            return ReadRow({}, is_blank=True)
        body = {key: value for key, value in row.cells.items() if key not in ("is_unsubscribed", "wrong")}
        if row.cells.get("is_unsubscribed"):
            body["is_unsubscribed"] = True
        wrong = row.cells.get("wrong")
        errors = () if wrong is None else (RowError(wrong, "cannot be read"),)
        return ReadRow(body, row.cells.get("is_unsubscribed") is False, errors)


class CarryingHarness:
    """One account and its imports."""

    def __init__(
        self,
        table: MotoTable | None = None,
        account_id: str = ACCOUNT_ID,
        *,
        at_once: int = 1,
        **account: Any,
    ) -> None:
        self.table = table or MotoTable()
        self.account_id = account_id
        self.clock = FakeClock()
        self.randomness = CountingBytes(10**9)
        self.at_once = at_once
        self.mapping: Mapping[str, str | None] = {}
        """Of the next imports. Where there is one, rows are read as those of a file are."""
        self.bucket = FakeBucket()
        self.queue, self.reading = ListedQueue(), ListedQueue()
        self.api = InProcessApi(OneAtATime(self.table.client()), account_id, self.clock, CountingBytes())
        self.account = replace(caller_of(account_id).account, **account)
        AccountStore(Table(self.table.client(), NAME), CountingBytes()).open_account(self.account, [])
        self.store = ImportStore(Table(self.table.client(), NAME), account_id)
        self.files = ImportFiles(lambda: self.bucket, "files", lambda: self.bucket, self.clock)

    def carrier(self, client: Any = None, bucket: Any = None) -> ImportCarrier:
        """What a new process of the function has."""
        table = Table(Held(client or OneAtATime(self.table.client()), "carry_out_import"), NAME)
        accounts = AccountStore(table)
        services = CarrierServices(
            table=table,
            board=SwitchBoard(accounts, self.clock),
            accounts=accounts,
            files=ImportFiles(lambda: bucket or self.bucket, "files", lambda: self.bucket, self.clock),
            queue=self.queue,
            reading=self.reading,
            clock=self.clock,
            randomness=self.randomness,
            has_time_left=lambda _: True,
            reader_of=self._reader_of,
            at_once=self.at_once,
        )
        return ImportCarrier(services)

    def _reader_of(self, *given: Any) -> Any:
        return RowReader(*given) if self.mapping else ObjectReader()

    def plan(self, bucket: Any = None, times_received: int = 1) -> None:
        """Let the planner do what messages to it ask for, until there are none. Delays pass at once."""
        table = Table(Held(OneAtATime(self.table.client()), "plan_import"), NAME)
        planner = Planner(
            table,
            ImportFiles(lambda: bucket or self.bucket, "files", lambda: self.bucket, self.clock),
            open_lines,
            self.reading,
            self.queue,
            lambda _: (),
            self.clock,
            self.randomness,
            lambda _: True,
        )
        while self.reading.sent:
            message = self.reading.sent.pop(0)
            self.clock.at_ms += message.delay_s * 1000
            planner.handle(message.body, times_received)

    def cut(self, *parts: Sequence[Body], task: ImportTask = ImportTask.WRITE, **options: Any) -> str:
        """The id of an import whose file is cut into parts; the first message is sent."""
        now = self.clock.now_ms()
        import_id = uuid7(now, self.randomness(10))
        line = 1
        for number, part in enumerate(parts, 1):
            rows = []
            for body in part:
                line += 1
                is_long = isinstance(body, Mapping) and body.get("unreadable")
                rows.append(Row(line, body, RowError(None, "too long") if is_long else None))
            self.files.put_part(self.account_id, import_id, number, rows)
        state = ImportState.RUNNING if task is ImportTask.WRITE else ImportState.READING
        job = Import(
            id=import_id,
            state=state,
            options=ImportOptions(**options),
            file=ImportFile(
                name="people.ndjson", size=1, format=FileFormat.NDJSON, columns=tuple(self.mapping)
            ),
            mapping=self.mapping,
            counts=Counts(rows=sum(map(len, parts))),
            parts=len(parts),
            created_at=iso(now),
            started_at=iso(now),
            key_id="k",
        )
        self.store._table.write([self.store._put_step(job, Expression())])
        self.send(import_id, task, 1)
        return import_id

    def send(self, import_id: str, task: ImportTask, part: int) -> None:
        step = ImportStep(self.account_id, import_id, task, part)
        self.queue.send([Outgoing(body=step.message(), group=self.account_id)])

    def job(self, import_id: str) -> Import:
        return self.store.existing(import_id)

    def work(self, carrier: ImportCarrier | None = None, most: int = 1000) -> None:
        """Carry out what messages ask for until there are none. Delays pass at once. The planner is faster."""
        carrier = carrier or self.carrier()
        for _ in range(most):
            self.plan()
            if not self.queue.sent:
                return
            message = self.queue.sent.pop(0)
            self.clock.at_ms += message.delay_s * 1000
            wait_s = carrier.handle(step_from(message.body), 1)
            assert wait_s is None, "nobody else is at it"
        raise AssertionError("it never ends")

    def run(self, *parts: Sequence[Body], **options: Any) -> Import:
        """An import that is carried out to its end."""
        import_id = self.cut(*parts, **options)
        self.work()
        job = self.job(import_id)
        assert sum(job.counts[1:]) == job.counts.rows, job.counts
        return job

    def check(self, *parts: Sequence[Body], **options: Any) -> Import:
        """A dry run, to its end."""
        import_id = self.cut(*parts, task=ImportTask.CHECK, **options)
        self.work()
        return self.job(import_id)

    def undo(self, import_id: str, work: Callable[[], None] | None = None) -> Undo:
        """Take an import back."""
        job = self.job(import_id)
        last = min(job.parts, job.next_part)
        undo = Undo(state=UndoState.RUNNING, next_part=last, started_at=iso(self.clock.now_ms()))
        self.store.replace(job, job.changed(undo=undo))
        self.send(import_id, ImportTask.UNDO, last)
        (work or self.work)()
        after = self.job(import_id).undo
        assert after is not None
        assert after.state is UndoState.COMPLETED
        return after

    def contacts(self) -> dict[str, Contact]:
        """The live contacts by id."""
        items = map(from_item, self.table.items())
        return {item["id"]: contact_from(item) for item in items if item.get("kind") == "contact"}

    def by_email(self) -> dict[str | None, Contact]:
        return {one.email: one for one in self.contacts().values()}

    def trashed(self) -> dict[str, Contact]:
        snapshots = (item["snapshot"] for item in map(from_item, self.table.items()) if "snapshot" in item)
        return {snapshot["id"]: contact_from(snapshot) for snapshot in snapshots}

    def failures(self, import_id: str) -> list[dict[str, Any]]:
        """The rows of the error file."""
        text = self.bucket.objects.get(f"errors/{self.account_id}/{import_id}/errors.ndjson", b"")
        return [json.loads(line) for line in text.decode().splitlines()]


def bodies(count: int, first: int = 0, **more: Any) -> list[Body]:
    """People that differ."""
    return [{"email": f"p{number}@example.com", **more} for number in range(first, first + count)]
