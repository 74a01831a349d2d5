"""Imports are carried out row by row, to an end that accounts for every row."""

from typing import Any

import pytest

from contacts.imports.model import Counts, ImportMode, ImportState
from contacts.properties.model import PropertyType
from contacts.properties.service import CreateProperty, PropertyService
from contacts.properties.store import PropertyStore
from contacts.table.client import Table
from local.table import NAME
from tests.support.carrying_harness import CarryingHarness, bodies
from tests.support.fakes import CountingBytes
from tests.support.invariants import violations
from tests.support.table_costs import CountedClient


@pytest.fixture
def world() -> CarryingHarness:
    return CarryingHarness()


def test_rows_become_contacts_and_the_files_go(world: CarryingHarness) -> None:
    job = world.run(bodies(3), bodies(2, 3), add_tags=())
    assert job.state is ImportState.COMPLETED
    assert job.counts == Counts(rows=5, created=5)
    assert set(world.by_email()) == {f"p{number}@example.com" for number in range(5)}
    assert world.bucket.objects == {}
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


KNOWN = {"email": "ada@example.com", "external_id": "crm-1", "first_name": "Ada"}

ROWS: list[Any] = [
    # id, contacts before, state of ada, row, options, expected
    pytest.param({"email": "new@example.com"}, {}, "created", None, id="a new one"),
    pytest.param({"email": "ada@example.com", "first_name": "Bea"}, {}, "updated", None, id="a known one"),
    pytest.param({"email": "ADA@example.com", "first_name": "Ada"}, {}, "unchanged", None, id="as it is"),
    pytest.param(
        {"external_id": "crm-1", "phone": "+4915112345678"}, {}, "updated", None, id="by external_id"
    ),
    pytest.param({"email": "ada@example.com"}, {"mode": ImportMode.CREATE}, "skipped", None, id="create"),
    pytest.param({"email": "n@example.com"}, {"mode": ImportMode.CREATE}, "created", None, id="create, new"),
    pytest.param(
        {"email": "n@example.com"}, {"mode": ImportMode.UPDATE}, "skipped", None, id="update, unknown"
    ),
    pytest.param(
        {"email": "n@example.com", "external_id": "crm-1"},
        {"mode": ImportMode.UPDATE},
        "updated",
        None,
        id="update, by the other name",
    ),
    pytest.param({"email": "gone@example.com"}, {}, "skipped", None, id="in the trash"),
    pytest.param({"email": "gone@example.com"}, {"restore_trashed": True}, "created", None, id="restored"),
    pytest.param({"external_id": "gone-1"}, {}, "skipped", None, id="in the trash, by external_id"),
    pytest.param(
        {"external_id": "gone-1", "email": "n@example.com"}, {}, "skipped", None, id="in the trash, new email"
    ),
    pytest.param(
        {"external_id": "gone-1"}, {"mode": ImportMode.CREATE}, "skipped", None, id="in the trash, create"
    ),
    pytest.param(
        {"external_id": "gone-1"}, {"mode": ImportMode.UPDATE}, "skipped", None, id="in the trash, update"
    ),
    pytest.param(
        {"external_id": "gone-1"}, {"restore_trashed": True}, "created", None, id="restored, by external_id"
    ),
    pytest.param(
        {"external_id": "gone-1", "is_unsubscribed": False},
        {"restore_trashed": True},
        "protected",
        None,
        id="restored, and stays opted out",
    ),
    pytest.param(
        {"external_id": "gone-1", "email": "n@example.com"},
        {"restore_trashed": True},
        "created",
        None,
        id="restored, new email",
    ),
    pytest.param(
        {"email": "bea@example.com", "external_id": "crm-1"}, {}, "failed", "external_id", id="of two"
    ),
    pytest.param({"email": "no email"}, {}, "failed", "email", id="no email"),
    pytest.param({"first_name": "Nobody"}, {}, "failed", "email", id="no name"),
    pytest.param({"email": "n@example.com", "wrong": "phone"}, {}, "failed", "phone", id="a cell"),
    pytest.param(
        {"email": "n@example.com", "wrong": "phone"},
        {"skips_invalid": True},
        "created",
        None,
        id="a cell, skipped",
    ),
    pytest.param(
        {"email": "n@example.com", "phone": "12"},
        {"skips_invalid": True},
        "created",
        None,
        id="a field, skipped",
    ),
    pytest.param({"unreadable": True}, {"skips_invalid": True}, "failed", None, id="unreadable"),
    pytest.param(
        {"email": "out@example.com", "is_unsubscribed": False}, {}, "protected", None, id="resubscribes"
    ),
    pytest.param(
        {"email": "left@example.com", "is_unsubscribed": False}, {}, "protected", None, id="address"
    ),
    pytest.param({"email": "left@example.com"}, {}, "created", None, id="an address that says nothing"),
    pytest.param(
        {"email": "ada@example.com", "is_unsubscribed": True}, {}, "updated", None, id="unsubscribes"
    ),
    pytest.param(
        {"email": "ada@example.com", "is_unsubscribed": False}, {}, "unchanged", None, id="subscribed"
    ),
]


def peopled(world: CarryingHarness) -> CarryingHarness:
    """An account with people of every kind."""
    for body in (
        KNOWN,
        {"email": "bea@example.com"},
        {"email": "gone@example.com", "first_name": "Gone"},
        {"email": "out@example.com", "is_unsubscribed": True},
        {"email": "left@example.com", "is_unsubscribed": True},
        {"external_id": "gone-1", "is_unsubscribed": True},
    ):
        assert world.api.request("POST", "/v1/contacts", body=body).status == 201
    erased = {"permanent": "true"}
    for ref, query in (("gone@example.com", {}), ("gone-1", {}), ("left@example.com", erased)):
        assert world.api.request("DELETE", "/v1/contacts/{ref}", ref, query=query).status == 200
    return world


@pytest.mark.parametrize(("row", "options", "result", "field"), ROWS)
@pytest.mark.parametrize("task", ["write", "check"])
def test_what_comes_of_a_row(task: str, row: Any, options: Any, result: str, field: str | None) -> None:
    world = peopled(CarryingHarness())
    before, trashed = world.contacts(), world.trashed()
    job = (world.run if task == "write" else world.check)([row], **options)
    assert job.counts == Counts(rows=1)._replace(**{result: 1})
    after = world.contacts()
    if task == "check":
        assert (job.state, after, job.next_part) == (ImportState.READY, before, 1)
        preview = world.files.preview(world.account_id, job.id)
        assert preview is not None
        assert len(preview["contacts"]) == (result not in ("skipped", "failed"))
        assert [error["field"] for error in preview["errors"]] in (
            [field],
            [field] * 2,
            [field, "external_id"],
        ) or (result != "failed" and not preview["errors"])
        return
    for contact_id, then in {**before, **trashed}.items():
        if contact_id in after:
            assert after[contact_id].is_unsubscribed >= then.is_unsubscribed
    assert before.keys() <= after.keys()
    assert "gone-1" not in {one.external_id for one in after.values() if one.id not in trashed}
    if result in ("unchanged", "skipped", "failed"):
        assert after == before
    failed = world.failures(job.id)
    assert bool(failed) == (result == "failed")
    if failed:
        assert failed[0]["import_line"] == 2
        assert failed[0]["import_field"].startswith(field or "")
    assert job.state == ("completed_with_errors" if failed else "completed")
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


def test_one_person_many_times_comes_out_as_the_file_has_it() -> None:
    """Under either name, side by side with others."""
    world = peopled(CarryingHarness(at_once=8))
    rows = [
        {
            "email" if number % 2 else "external_id": "ada@example.com" if number % 2 else "crm-1",
            "last_name": str(number),
        }
        for number in range(150)
    ]
    job = world.run([*rows, *bodies(50)])
    assert job.counts == Counts(rows=200, created=50, updated=150)
    assert world.by_email()["ada@example.com"].last_name == "149"


def test_rows_leave_a_receipt_and_nothing_of_the_contact() -> None:
    world = peopled(CarryingHarness())
    world.run([{"email": "ada@example.com", "first_name": "Bea"}, {"email": "bea@example.com"}])
    records = [item for item in world.table.items() if item["SK"]["S"] == "REQUEST"]
    assert len(records) == 1, "a row that changes nothing leaves none"
    assert "contact" not in records[0]
    assert records[0]["details"]["M"]["was"] == {
        "M": {"first_name": {"S": "Ada"}, "name": {"NULL": True}}
    } or (records[0]["details"]["M"]["was"] == {"M": {"first_name": {"S": "Ada"}}})


def test_written_rows_are_quiet_for_events_unless_each_is_told() -> None:
    for events, quiet in (("summary", {"S": "events"}), ("each", None)):
        world = CarryingHarness()
        world.run(bodies(1), events=events)
        (contact,) = (item for item in world.table.items() if item.get("kind", {}).get("S") == "contact")
        assert contact.get("quiet") == quiet


@pytest.mark.parametrize(
    ("before", "row", "write_units"),
    [
        pytest.param([], {"first_name": "Ada"}, 10, id="created: what a batch with an Idempotency-Key takes"),
        pytest.param([{"first_name": "Ada"}], {"first_name": "Bea"}, 6, id="updated"),
        pytest.param([{"first_name": "Ada"}], {"first_name": "Ada"}, 0, id="unchanged"),
    ],
)
def test_what_a_row_costs(before: Any, row: Any, write_units: int) -> None:
    """A contact, two claims, a receipt and its pointer. Beside the rows: the import, its event, and the meter."""
    world = CarryingHarness()
    names = [{**body, "external_id": f"crm-{number}"} for number, body in enumerate(bodies(100))]
    for name in names:
        for body in before:
            world.api.request("POST", "/v1/contacts", body=name | body)
    world.cut([name | row for name in names])
    client = CountedClient(world.table)
    world.work(world.carrier(client))
    assert client.write_units - 100 * write_units <= 8
    assert client.read_units <= 100 * (1 if not before else 3) + 10


def test_values_are_held_against_the_properties_of_the_account() -> None:
    """The real reader reads the cells."""
    world = CarryingHarness()
    store = PropertyStore(Table(world.table.client(), NAME), world.account_id)
    service = PropertyService(store, world.clock, CountingBytes(7))
    service.add(CreateProperty(name="size", type=PropertyType.NUMBER), None)
    world.mapping = {
        "Mail": "email",
        "Size": "custom_fields.size",
        "All": "custom_fields",
        "Out": "is_unsubscribed",
    }
    rows: Any = [
        ("a@example.com", "42", "", "no"),
        ("b@example.com", "large", "", ""),
        ("c@example.com", "", '{"size": "large"}', ""),
        ("d@example.com", "", "", "perhaps"),
        ("", "", "", ""),
    ]
    job = world.run(rows)
    assert job.counts == Counts(rows=5, created=1, skipped=1, failed=3)
    assert world.by_email()["a@example.com"].custom_fields == {"size": 42}
    assert [row["import_line"] for row in world.failures(job.id)] == [3, 4, 5]
    assert [row["import_field"] for row in world.failures(job.id)][1] == "custom_fields.size"
    job = world.run(rows, skips_invalid=True)
    assert job.counts == Counts(rows=5, created=2, unchanged=1, skipped=1, failed=1)


def test_a_value_that_fills_a_contact_can_be_written_but_not_taken_back() -> None:
    world = CarryingHarness()
    before = {f"k{number:04}": "x" * 25 for number in range(9000)}
    after = {f"k{number:04}": "y" * 25 for number in range(9000)}
    world.run([{"email": "ada@example.com", "custom_fields": before}])
    job = world.run([{"email": "ada@example.com", "custom_fields": after}])
    assert job.counts == Counts(rows=1, updated=1)
    undo = world.undo(job.id)
    assert (undo.restored, undo.kept) == (0, 1)
