"""Events about imports and exports: from the end of a job to the log and the endpoints that want them."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.events.jobs import announcement_step, ended_export, ended_import
from contacts.events.model import OF_JOBS, EventType
from contacts.events.service import EventLog
from contacts.events.store import EventSource
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.imports.model import Counts, Import, ImportFile, ImportOptions, ImportProblem, ImportState
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.event_harness import ACCOUNT_ID, EventHarness, Killed, Life, webhook
from tests.support.fakes import CountingBytes
from tests.support.hypothesis_profiles import examples
from tests.support.streams import Record, delivered

JOB_ID = "019bb6e7-c040-7d15-a3c4-00000000000b"
CREATED_AT = "2026-01-15T10:30:00.000Z"
FINISHED_AT = "2026-01-15T10:31:00.000Z"
COUNTS = Counts(rows=9, created=3, updated=2, unchanged=1, skipped=1, protected=1, failed=1)
IMPORT = Import(
    id=JOB_ID,
    state=ImportState.COMPLETED_WITH_ERRORS,
    options=ImportOptions(),
    file=ImportFile(name="ada-lovelace.csv", size=100, columns=("Ada's notes",)),
    counts=COUNTS,
    created_at=CREATED_AT,
    finished_at=FINISHED_AT,
)
EXPORT = Export(
    id=JOB_ID,
    state=ExportState.COMPLETED,
    format=ExportFormat.CSV,
    filter={"search": "ada@example.com"},
    rows=7,
    bytes=512,
    created_at=CREATED_AT,
    finished_at=FINISHED_AT,
)
TOLD_IMPORT = {
    "job": {
        "id": JOB_ID,
        "state": "completed_with_errors",
        "counts": COUNTS._asdict(),
        "created_at": CREATED_AT,
        "finished_at": FINISHED_AT,
    }
}


def announced(harness: EventHarness, kind: EventType, data: Any, job_id: str = JOB_ID) -> list[Record]:
    """What the stream tells of a job that has ended."""
    harness.clock.at_ms += 1500
    table = Table(harness.client, NAME)
    step = announcement_step(table, ACCOUNT_ID, job_id, kind, data, harness.clock.at_ms, harness.randomness)
    table.write([step])
    return harness.records()


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (ImportState.COMPLETED, EventType.IMPORT_COMPLETED),
        (ImportState.COMPLETED_WITH_ERRORS, EventType.IMPORT_COMPLETED),
        (ImportState.FAILED, EventType.IMPORT_FAILED),
    ],
)
def test_an_import_tells_how_it_ended(state: ImportState, kind: EventType) -> None:
    found, data = ended_import(IMPORT.changed(state=state))
    assert found == kind
    assert data == {"job": {**TOLD_IMPORT["job"], "state": str(state)}}


def test_an_import_that_failed_says_why() -> None:
    problem = ImportProblem("header_missing", "the first row has no names of columns")
    _, data = ended_import(IMPORT.changed(state=ImportState.FAILED, problem=problem))
    assert data["job"]["problem"] == {"code": problem.code, "detail": problem.detail}


def test_nothing_that_may_name_a_person_is_told() -> None:
    told = str((ended_import(IMPORT), ended_export(EXPORT)))
    assert "ada" not in told.lower()


def test_the_end_of_an_export_is_an_event_in_the_log_and_a_message_for_who_wants_it() -> None:
    harness = EventHarness(webhook("wh_all"), webhook("wh_contacts", "contact.updated"))
    kind, data = ended_export(EXPORT)
    harness.dispatch(*announced(harness, kind, data))
    (item,) = harness.logged()
    assert (item["type"], item["data"]) == ("export.completed", data)
    (body,) = harness.bodies()
    assert (body["webhook_id"], body["event_type"]) == ("wh_all", "export.completed")


def data_of(kind: EventType) -> Any:
    return ended_export(EXPORT)[1] if kind is EventType.EXPORT_COMPLETED else TOLD_IMPORT


@pytest.mark.parametrize("kind", sorted(OF_JOBS))
def test_the_event_log_lists_it_and_finds_it_by_its_type(kind: EventType) -> None:
    harness, data = EventHarness(), data_of(kind)
    harness.dispatch(*announced(harness, kind, data))
    harness.clock.at_ms += 60_000
    (event,) = harness.request("GET", "/v1/events", query={"type": str(kind)}).body["data"]
    assert event.keys() == {"id", "type", "timestamp", "account_id", "data"}
    assert (event["type"], event["data"]) == (str(kind), data)
    others = harness.request("GET", "/v1/events", query={"type": "contact.created"}).body["data"]
    assert others == []


def test_an_event_of_a_later_release_is_listed_and_hides_no_other() -> None:
    """After a release was taken back, the log may hold types that the code does not know."""
    harness = EventHarness()
    harness.dispatch(*announced(harness, EventType.IMPORT_COMPLETED, TOLD_IMPORT))
    (item,) = harness.logged()
    later = {name: value for name, value in item.items() if name not in ("PK", "SK")}
    Table(harness.client, NAME).write_many({keys.Key.of(item): {**later, "type": "import.wished_for"}}, [])
    harness.clock.at_ms += 60_000
    log = EventLog(EventSource(Table(harness.client, NAME), ACCOUNT_ID), harness.clock)
    (event,) = log.page(None, None, 10, 1_000_000).events
    assert event["type"] == "import.wished_for"


def several(harness: EventHarness) -> list[Record]:
    """Two jobs that end and a contact that is created between them."""
    records = announced(harness, EventType.IMPORT_FAILED, TOLD_IMPORT, "019bb6e7-c040-7d15-a3c4-00000000000c")
    harness.create(email="ada@example.com")
    records += harness.records()
    return records + announced(harness, *ended_import(IMPORT))


TOLD = ["import.failed", "contact.created", "import.completed"]


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 10_000))
def test_however_the_stream_is_cut_and_repeated_it_is_told_once(seed: int) -> None:
    harness = EventHarness(webhook("wh_all"))
    first_bodies: dict[object, dict[str, object]] = {}
    for batch in delivered(several(harness), Random(seed)):
        harness.clock.at_ms += 50
        harness.dispatch(*batch)
    assert [item["type"] for item in harness.logged()] == TOLD
    for body in harness.bodies():
        assert first_bodies.setdefault(body["delivery_id"], body) == body
    assert len(first_bodies) == len(TOLD)


def test_killed_after_any_call_the_next_try_completes_it() -> None:
    def begun(life: Life) -> tuple[EventHarness, list[Record]]:
        harness = EventHarness(webhook("wh_all"), webhook("wh_imports", "import.completed"))
        records = several(harness)
        harness.life = harness.mailbox.life = life
        return harness, records

    whole, records = begun(Life())
    whole.dispatch(*records)
    assert len(whole.bodies()) == 4
    for calls in range(1, whole.life.made + 1):
        harness, records = begun(Life(calls))
        with pytest.raises(Killed):
            harness.dispatch(*records)
        harness.dispatch(*records)
        assert [item["type"] for item in harness.logged()] == TOLD, calls
        told = {(body["webhook_id"], body["event_type"]) for body in harness.bodies()}
        assert told == {(body["webhook_id"], body["event_type"]) for body in whole.bodies()}, calls


def test_two_ends_in_one_moment_are_two_events() -> None:
    """Their ids are random beside the moment."""
    table, randomness = Table(EventHarness().client, NAME), CountingBytes()
    first, second = (
        announcement_step(
            table, ACCOUNT_ID, JOB_ID, EventType.EXPORT_COMPLETED, {}, 1_768_473_000_000, randomness
        )
        for _ in range(2)
    )
    assert first.request["Item"]["SK"] != second.request["Item"]["SK"]
