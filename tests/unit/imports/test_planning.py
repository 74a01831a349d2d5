"""The planner: an upload becomes parts, whatever comes between, and every row is in one of them."""

import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from contacts.book.model import Action, Outcome
from contacts.core.errors import TemporarilyUnavailable
from contacts.imports import planning
from contacts.imports.model import (
    FileFormat,
    Import,
    ImportFile,
    ImportOptions,
    ImportState,
    Row,
    RowError,
    Undo,
    UndoState,
)
from contacts.imports.planning import parts_of
from tests.support.import_harness import ImportApp, PlannerHarness, notification
from tests.support.moto_table import MotoTable

IMPORT = "01941f29-7c00-7aaa-8000-000000000001"
CREATED = "2026-01-15T10:30:00.000Z"


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> PlannerHarness:
    monkeypatch.setattr(planning, "ROWS_OF_PART", 3)
    monkeypatch.setattr(planning, "PARTS_BETWEEN_SAVES", 2)
    return PlannerHarness(MotoTable().client())


def content(rows: int, header: str = "email,name") -> bytes:
    return "\n".join([header, *(f"p{n}@x.test,{'n' * (n % 40)}" for n in range(rows)), ""]).encode()


def expected(rows: int) -> list[Row]:
    return [Row(n + 2, (f"p{n}@x.test", "n" * (n % 40))) for n in range(rows)]


def made(harness: PlannerHarness, size: int, **changes: Any) -> Import:
    """An import that awaits its file, or is as `changes` say."""
    fields = {"state": ImportState.AWAITING_UPLOAD, "options": ImportOptions(), "created_at": CREATED}
    file = ImportFile(name="people.csv", size=size)
    job = Import(**{"id": IMPORT, "file": file, **fields, **changes})
    harness.store.add(job, Outcome(action=Action.CREATED), None, harness.clock.now_ms())
    return job


def write(part: int = 1) -> dict[str, object]:
    return {"account_id": PlannerHarness.account_id, "import_id": IMPORT, "task": "write", "part": part}


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
def test_an_upload_is_cut_and_its_first_part_is_carried_out(rows: int, harness: PlannerHarness) -> None:
    file = content(rows)
    made(harness, len(file))
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert (job.state, job.counts.rows, job.parts) == (ImportState.RUNNING, rows, -(-rows // 3))
    assert (job.mapping, job.file.columns) == ({"email": "email", "name": "name"}, ("email", "name"))
    assert (job.is_cut, job.read_bytes, job.started_at) == (True, len(file), "2026-01-15T10:30:00.000Z")
    assert harness.rows(IMPORT) == expected(rows)
    assert harness.steps.bodies == [write()]
    assert harness.steps.sent[0].group == harness.account_id
    assert harness.key(IMPORT) not in harness.bucket.objects


def test_a_dry_run_is_checked(harness: PlannerHarness) -> None:
    file = content(4)
    made(harness, len(file), options=ImportOptions(dry_run=True))
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert (job.state, job.is_cut, job.started_at) == (ImportState.READING, True, None)
    assert harness.steps.bodies == [{**write(), "task": "check"}]


@pytest.mark.parametrize(
    ("header", "mapping", "code"),
    [
        ("who,name", {}, "mapping_needed"),
        ("email,name", {"email": None}, "mapping_needed"),
        ("email,name", {"mail": "email"}, "mapping_wrong"),
        ("email,name", {"name": "email", "email": "email"}, "mapping_wrong"),
    ],
)
def test_what_cannot_be_mapped_waits_for_its_caller(
    header: str, mapping: dict[str, str | None], code: str, harness: PlannerHarness
) -> None:
    file = content(4, header)
    made(harness, len(file), mapping=mapping)
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert job.problem is not None
    assert (job.state, job.problem.code, job.parts) == (ImportState.READY, code, 2)
    assert set(job.mapping) == set(header.split(","))
    assert not harness.steps.sent
    assert harness.key(IMPORT) not in harness.bucket.objects


def test_of_a_wrong_mapping_what_is_right_is_kept_and_what_is_wrong_is_named(harness: PlannerHarness) -> None:
    file = content(4, "email,name,Notes")
    made(harness, len(file), mapping={"Mail": "email", "Notes": None, "Firma": "custom_fields.company"})
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert job.mapping == {"email": "email", "name": "name", "Notes": None}
    assert job.problem is not None
    assert job.problem.detail == (
        "mapping.Mail is no column of the file; mapping.Firma is no column of the file. "
        "The columns are: email, name, Notes. Start it; a mapping may say again what these are."
    )


@pytest.mark.parametrize(
    ("file", "announced", "code"),
    [
        (b"", 1, "wrong_size"),
        (content(4), 5, "wrong_size"),
        (b"\n", 1, "empty_file"),
        (b"email,name\n", 11, "no_rows"),
        (content(8) + b"%PNG\n", None, "not_text"),
        (b"x" * 100_001 + b"\na@x.test\n", None, "too_many_columns"),
    ],
    ids=["shorter", "longer", "empty", "header only", "broken", "long names"],
)
def test_what_cannot_be_read_fails_and_leaves_nothing(
    file: bytes, announced: int | None, code: str, harness: PlannerHarness
) -> None:
    made(harness, len(file) if announced is None else announced)
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert job.problem is not None
    assert (job.state, job.problem.code) == (ImportState.FAILED, code)
    assert job.problem.detail.endswith(".")
    assert job.finished_at == "2026-01-15T10:30:00.000Z"
    assert not harness.bucket.objects
    assert not harness.steps.sent


def test_a_failed_import_tells_of_itself(harness: PlannerHarness) -> None:
    made(harness, 1)
    harness.handle(harness.uploaded(IMPORT, b"\n"))
    table = harness.store._table
    from contacts.table.expressions import Expression

    told = list(table.all_of(Expression.of_partition(f"ACCOUNT#{harness.account_id}#CONTACT#{IMPORT}")))
    assert [entry["type"] for entry in told] == ["import.failed"]
    harness.handle(notification(harness.key(IMPORT)))
    assert (
        len(list(table.all_of(Expression.of_partition(f"ACCOUNT#{harness.account_id}#CONTACT#{IMPORT}"))))
        == 1
    )


def test_reading_goes_on_in_another_invocation(harness: PlannerHarness) -> None:
    file = content(20)
    made(harness, len(file))
    harness.time_left = 2
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    assert (job.state, job.parts, job.counts.rows, job.is_cut) == (ImportState.READING, 2, 6, False)
    assert 0 < job.read_bytes < len(file)
    assert not harness.steps.sent
    harness.time_left = 3
    harness.handle(harness.reading.sent.pop().body)
    assert harness.job(IMPORT).parts == 5
    harness.time_left = 1_000_000
    harness.go_on()
    assert harness.job(IMPORT).state is ImportState.RUNNING
    assert harness.rows(IMPORT) == expected(20)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": ImportState.CANCELLED, "finished_at": "2026-01-15T10:29:30.000Z"},
        {"state": ImportState.COMPLETED},
        {"state": ImportState.FAILED},
        {"created_at": "2026-01-14T10:30:00.000Z"},
    ],
    ids=lambda changes: next(iter(changes.values())),
)
def test_a_file_of_an_import_that_has_ended_is_deleted(
    changes: dict[str, Any], harness: PlannerHarness
) -> None:
    before = made(harness, 30, **changes)
    harness.files.put_part(harness.account_id, IMPORT, 1, expected(1))
    harness.handle(harness.uploaded(IMPORT, content(1)))
    assert harness.job(IMPORT) == before
    assert not harness.bucket.objects
    assert not harness.steps.sent


def test_a_file_of_nobody_is_deleted_and_a_test_event_ignored(harness: PlannerHarness) -> None:
    harness.handle({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "files"})
    harness.handle(harness.uploaded(IMPORT, b"email\n"))
    harness.handle(notification("errors/a/b"))
    assert not harness.bucket.objects


@pytest.mark.parametrize("state", [ImportState.READY, ImportState.RUNNING, ImportState.PAUSED])
def test_a_file_that_comes_after_the_first_was_read_is_not(
    state: ImportState, harness: PlannerHarness
) -> None:
    file = content(4)
    made(harness, len(file))
    harness.handle(harness.uploaded(IMPORT, file))
    job = harness.job(IMPORT)
    later = replace(job, state=state, next_part=2, version=job.version + 1)
    harness.store.replace(job, later)
    harness.steps.sent.clear()
    harness.handle(harness.uploaded(IMPORT, file.replace(b"p0", b"qq")))
    assert harness.job(IMPORT) == later
    assert harness.rows(IMPORT) == expected(4)
    assert harness.key(IMPORT) not in harness.bucket.objects
    assert not harness.steps.sent


def test_a_file_that_is_replaced_while_it_is_read_is_read_from_its_beginning(harness: PlannerHarness) -> None:
    file = content(20)
    other = file.replace(b"p0", b"qq")
    made(harness, len(file))
    harness.time_left = 2
    harness.handle(harness.uploaded(IMPORT, file))
    harness.time_left = 1_000_000
    first_etag = harness.job(IMPORT).file.etag
    harness.handle(harness.uploaded(IMPORT, other))
    assert harness.rows(IMPORT) == [Row(2, ("qq@x.test", "")), *expected(20)[1:]]
    assert harness.job(IMPORT).file.etag != first_etag
    # Whoever still read the first one is told by its message; nothing is read or put any more.
    harness.go_on()
    assert harness.rows(IMPORT)[0] == Row(2, ("qq@x.test", ""))


def test_a_file_that_is_replaced_between_two_reads(harness: PlannerHarness) -> None:
    file = content(20)
    other = file.replace(b"p0", b"qq")
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    put = harness.bucket.put_object

    def replacing(**request: Any) -> Any:
        harness.bucket.objects[harness.key(IMPORT)] = other
        return put(**request)

    harness.bucket.put_object = replacing
    harness.handle(note)
    harness.bucket.put_object = put
    assert harness.job(IMPORT).state is ImportState.READING
    harness.go_on()
    assert harness.rows(IMPORT) == [Row(2, ("qq@x.test", "")), *expected(20)[1:]]


def test_a_file_that_is_gone_while_it_is_read_fails(harness: PlannerHarness) -> None:
    file = content(20)
    made(harness, len(file))
    harness.time_left = 2
    harness.handle(harness.uploaded(IMPORT, file))
    del harness.bucket.objects[harness.key(IMPORT)]
    harness.go_on()
    job = harness.job(IMPORT)
    assert job.problem is not None
    assert (job.state, job.problem.code) == (ImportState.FAILED, "file_gone")
    assert not harness.bucket.objects


def test_a_message_that_fails_again_and_again_ends_the_import(harness: PlannerHarness) -> None:
    file = content(2)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    harness.handle(note, planning.GIVES_UP_AFTER)
    job = harness.job(IMPORT)
    assert job.problem is not None
    assert (job.state, job.problem.code) == (ImportState.FAILED, "reading_failed")
    assert not harness.bucket.objects


def test_an_import_that_is_cancelled_while_it_is_read_leaves_no_part(harness: PlannerHarness) -> None:
    file = content(9)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    put_object = harness.bucket.put_object

    def put_while_it_is_cancelled(**request: Any) -> Any:
        answer = put_object(**request)
        if request["Key"].endswith("000002"):
            job = harness.job(IMPORT)
            harness.store.replace(job, job.changed(state=ImportState.CANCELLED, finished_at=CREATED))
            harness.clock.at_ms += 30_000
            harness.handle({"account_id": harness.account_id, "import_id": IMPORT})
            put_object(**request)
        return answer

    harness.bucket.put_object = put_while_it_is_cancelled  # type: ignore[method-assign]
    harness.handle(note)
    assert harness.job(IMPORT).state is ImportState.CANCELLED
    assert not harness.bucket.objects


def test_a_cancelled_import_keeps_its_failed_rows(harness: PlannerHarness) -> None:
    file = ImportFile(name="a.csv", size=30, format=FileFormat.CSV, columns=("email",))
    made(harness, 30, state=ImportState.CANCELLED, file=file, finished_at=CREATED)
    where, as_in, wrong = (
        (harness.account_id, IMPORT),
        (("email",), FileFormat.CSV),
        [RowError("email", "no")],
    )
    harness.files.put_errors(*where, 1, [(Row(2, ("x",)), wrong)], *as_in)
    message = {"account_id": harness.account_id, "import_id": IMPORT}
    harness.handle(message)
    # Whoever is at a part has not seen it yet.
    harness.files.put_errors(*where, 2, [(Row(9, ("y",)), wrong)], *as_in)
    harness.clock.at_ms += 30_000
    harness.handle(message)
    harness.handle(message)
    assert b"".join(harness.bucket.objects.values()).count(b"\r\n") == 3
    assert list(harness.bucket.objects) == [f"errors/{harness.account_id}/{IMPORT}/errors.csv"]


class Killed(BaseException):
    """The process ends here."""


class Mortal:
    """A client that dies at the n-th call of all clients that share a count; before the call, or after it."""

    def __init__(self, client: Any, count: list[int], at: int, *, is_late: bool) -> None:
        self._client, self._count, self._at, self._is_late = client, count, at, is_late

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, *arguments: Any, **request: Any) -> Any:
        self._count[0] += 1
        dies = self._count[0] == self._at
        if dies and not self._is_late:
            raise Killed
        answer = getattr(self._client, method)(*arguments, **request)
        if dies:
            raise Killed
        return answer


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("kind", ["plain", "dry", "broken", "unmapped"])
def test_killed_anywhere_the_same_message_comes_to_the_same(
    kind: str,
    is_late: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "ROWS_OF_PART", 3)
    monkeypatch.setattr(planning, "PARTS_BETWEEN_SAVES", 2)
    file = content(14, "who,name" if kind == "unmapped" else "email,name")
    file += b"%\n" if kind == "broken" else b""
    options = ImportOptions(dry_run=kind == "dry")
    table = MotoTable()
    empty = table.snapshot()
    at, is_over = 0, False
    while not is_over:
        at += 1
        table.bring_back(empty)
        harness = PlannerHarness(table.client())
        made(harness, len(file), options=options)
        note = harness.uploaded(IMPORT, file)
        bucket, count = harness.bucket, [0]
        mortal = partial(Mortal, count=count, at=at, is_late=is_late)
        steps, reading = harness.steps, harness.reading
        harness.use(mortal(table.client()), mortal(bucket), mortal(steps), mortal(reading))
        with suppress(Killed):
            harness.handle(note)
            is_over = True
        harness.use(table.client(), bucket, steps, reading)
        if not is_over:
            harness.handle(note, 2)
        harness.go_on()
        job = harness.job(IMPORT)
        if kind == "broken":
            assert (job.state, dict(bucket.objects)) == (ImportState.FAILED, {})
            continue
        states = {"plain": ImportState.RUNNING, "dry": ImportState.READING, "unmapped": ImportState.READY}
        assert (job.state, job.is_cut, job.counts.rows) == (states[kind], True, 14)
        assert harness.rows(IMPORT) == expected(14)
        sent = {"plain": write(), "dry": {**write(), "task": "check"}}.get(kind)
        assert bool(steps.sent) == (sent is not None)
        assert all(body == sent for body in steps.bodies)
    assert at > 10


def test_a_busy_service_lets_a_message_for_later_go_on(harness: PlannerHarness) -> None:
    file = content(4)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    harness.steps.fails = True
    harness.handle(note)
    harness.handle(harness.reading.sent.pop().body)
    (later,) = harness.reading.sent
    assert (later.group, later.delay_s) == (harness.account_id, 10)
    harness.steps.fails = False
    harness.go_on()
    assert harness.steps.bodies == [write()]


def test_a_busy_service_and_a_queue_that_is_away_let_the_message_come_again(harness: PlannerHarness) -> None:
    file = content(4)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    harness.steps.fails = harness.reading.fails = True
    with pytest.raises(TemporarilyUnavailable):
        harness.handle(note)
    harness.steps.fails = harness.reading.fails = False
    harness.handle(note, 2)
    assert harness.steps.bodies == [write()]


@pytest.mark.parametrize("refused", [{1, 2, 3}, {7}, {5, 9, 13, 17, 21, 25}, set(range(4, 60, 4))])
def test_however_often_the_bucket_is_busy_a_long_file_is_read(
    refused: set[int], harness: PlannerHarness
) -> None:
    """Five times would end it, if each were a receipt of one message."""
    file = content(60)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    delays, puts = [], 0
    put_object = harness.bucket.put_object

    def put(**request: Any) -> Any:
        nonlocal puts
        puts += 1
        if puts in refused:
            raise TemporarilyUnavailable
        return put_object(**request)

    harness.bucket.put_object = put  # type: ignore[method-assign]
    harness.handle(note)
    while harness.reading.sent:
        delays.append(harness.reading.sent[0].delay_s)
        harness.handle(harness.reading.sent.pop(0).body)
    assert harness.job(IMPORT).state is ImportState.RUNNING
    assert harness.rows(IMPORT) == expected(60)
    assert delays == ([5, 10, 20] if refused == {1, 2, 3} else [5] * len(delays))


def test_a_bucket_that_is_busy_for_a_day_ends_the_import(harness: PlannerHarness) -> None:
    file = content(4)
    made(harness, len(file))
    note = harness.uploaded(IMPORT, file)
    put_object = harness.bucket.put_object

    def busy(**request: Any) -> Any:
        raise TemporarilyUnavailable

    harness.bucket.put_object = busy  # type: ignore[method-assign]
    began = harness.clock.at_ms
    harness.handle(note)
    harness.go_on()
    harness.bucket.put_object = put_object  # type: ignore[method-assign]
    job = harness.job(IMPORT)
    assert job.problem is not None
    assert (job.state, job.problem.code) == (ImportState.FAILED, "reading_failed")
    assert not harness.bucket.objects
    assert 23 < (harness.clock.at_ms - began) / 3_600_000 < 25


def test_what_cannot_even_be_given_up_goes_to_the_dead_letters(harness: PlannerHarness) -> None:
    made(harness, 30, state=ImportState.COMPLETED)

    def busy(**request: Any) -> Any:
        raise TemporarilyUnavailable

    harness.bucket.delete_objects = busy  # type: ignore[method-assign]
    message = {"account_id": harness.account_id, "import_id": IMPORT, "tries": planning.MOST_TRIES}
    harness.uploaded(IMPORT, b"late")
    with pytest.raises(TemporarilyUnavailable):
        harness.handle(message)
    assert not harness.reading.sent


def test_parts_of_long_rows_have_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MAX_PART_BYTES", 100)
    rows = [Row(n, ("x" * n,)) for n in (10, 90, 200, 3, 3)]
    assert [len(part) for part in parts_of(rows)] == [2, 1, 2]
    assert list(parts_of([])) == []


def test_all_of_an_import_is_stored(harness: PlannerHarness) -> None:
    undo = Undo(state=UndoState.RUNNING, next_part=3, trashed=1, started_at=CREATED)
    job = made(
        harness, 5, checkpoint=(1, 2), undo=undo, started_at=CREATED, mapping={"a": None, "b": "email"}
    )
    assert harness.job(IMPORT) == job


@pytest.mark.parametrize(
    ("name", "file", "format_", "columns"),
    [
        ("a.csv", b"\xef\xbb\xbfE-Mail;Vorname\r\nada@x.test;Ada\r\n", FileFormat.CSV, ("E-Mail", "Vorname")),
        ("a.csv.gz", gzip.compress(b"email\nada@x.test\n"), FileFormat.CSV, ("email",)),
        ("a.tsv", b"email\tname\nada@x.test\tAda\n", FileFormat.TSV, ("email", "name")),
        ("a.ndjson", b'{"email": "ada@x.test", "tags": ["x"]}\n', FileFormat.NDJSON, ("email", "tags")),
        ("a.json", b'{"data": [{"email": "ada@x.test"}]}', FileFormat.JSON, ("email",)),
    ],
    ids=["csv", "gzip", "tsv", "ndjson", "json"],
)
def test_every_format_is_read_where_the_function_is_deployed(
    name: str, file: bytes, format_: FileFormat, columns: tuple[str, ...]
) -> None:
    app = ImportApp(MotoTable().client())
    import_id = app.create({"file_name": name, "size": len(file)}).body["id"]
    key = f"uploads/{app.caller.account_id}/{import_id}"
    app.bucket.objects[key] = file
    record = {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": json.dumps(notification(key)),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 900_000)
    assert app.handler("plan_import")({"Records": [record]}, context) == {"batchItemFailures": []}
    shown = app.get(import_id).body
    assert (shown["state"], shown["counts"]["rows"]) == ("running", 1), shown
    assert (shown["file"]["format"], shown["file"]["columns"]) == (format_, list(columns))
    assert "email" in shown["mapping"].values()
    assert app.queue("IMPORT").bodies[0]["task"] == "write"


def test_a_picture_is_none_of_the_formats() -> None:
    app = ImportApp(MotoTable().client())
    import_id = app.create({"file_name": "people.csv", "size": 16}).body["id"]
    app.bucket.objects[f"uploads/{app.caller.account_id}/{import_id}"] = b"\x89PNG\r\n\x1a\n" + bytes(8)
    app.planner().handle({"account_id": app.caller.account_id, "import_id": import_id}, 1)
    shown = app.get(import_id).body
    assert (shown["state"], shown["problem"]["code"]) == ("failed", "not_text")
    assert not app.bucket.objects
