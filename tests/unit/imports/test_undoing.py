"""An import that is taken back leaves contacts as they were, but for what was changed since, and for every opt-out."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import Contact
from contacts.imports.model import ImportState, ImportTask, Undo, UndoState, step_from
from contacts.imports.undo_plan import UndoResult, undo_plan
from tests.support.app import Reply
from tests.support.carrying_harness import CarryingHarness, Killed, bodies
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import violations
from tests.unit.imports.test_carrying_interrupted import Wires

ONE = "/v1/contacts/{ref}"
ADA = {
    "email": "ada@example.com",
    "external_id": "crm-1",
    "first_name": "Ada",
    "tags": ["a", "b"],
    "custom_fields": {"size": 1, "kept": True},
}


@pytest.fixture
def world() -> CarryingHarness:
    world = CarryingHarness()
    asked(world, "POST", "/v1/contacts", body=ADA)
    asked(world, "POST", "/v1/contacts", body={"email": "gone@example.com", "first_name": "Gone"})
    asked(world, "DELETE", ONE, "gone@example.com")
    return world


def asked(world: CarryingHarness, *request: Any, **more: Any) -> Reply:
    reply = world.api.request(*request, **more)
    assert reply.status < 300, reply
    return reply


def values(contact: Contact) -> Contact:
    """A contact without what every write changes."""
    return replace(contact, version=0, updated_at="")


ROW = {
    "email": "ada@example.com",
    "first_name": "Bea",
    "add_tags": ["c"],
    "custom_fields": {"size": 2, "new": "x"},
    "phone": "+4915112345678",
}

SINCE: list[Any] = [
    pytest.param([ROW], {}, (0, 1, 0), {}, id="untouched"),
    pytest.param(
        [ROW], {"first_name": "Hand"}, (0, 0, 1), {"first_name": "Hand"}, id="a field that the row wrote"
    ),
    pytest.param([ROW], {"last_name": "Hand"}, (0, 1, 0), {"last_name": "Hand"}, id="another field"),
    pytest.param([ROW], {"add_tags": ["d"]}, (0, 1, 0), {"tags": ("a", "b", "d")}, id="another tag"),
    pytest.param(
        [ROW], {"remove_tags": ["a"]}, (0, 1, 0), {"tags": ("b",)}, id="a tag that was there before"
    ),
    pytest.param(
        [ROW],
        {"custom_fields": {"new": "hand"}},
        (0, 0, 1),
        {"custom_fields": {"size": 1, "kept": True, "new": "hand"}},
        id="a key of a map",
    ),
    pytest.param([ROW], {"is_unsubscribed": True}, (0, 1, 0), {"is_unsubscribed": True}, id="opted out"),
    pytest.param(
        [{**ROW, "is_unsubscribed": True}],
        {},
        (0, 0, 1),
        {"is_unsubscribed": True},
        id="opted out by the row",
    ),
    pytest.param([ROW, {**ROW, "first_name": "Cea", "add_tags": ["d"]}], {}, (0, 2, 0), {}, id="two rows"),
    pytest.param(
        [{"external_id": "crm-1", "email": "new@example.com"}], {}, (0, 1, 0), {}, id="the email was changed"
    ),
]


@pytest.mark.parametrize(("rows", "since", "counts", "left"), SINCE)
def test_a_contact_gets_back_what_a_row_had_changed(
    world: CarryingHarness, rows: Any, since: Any, counts: tuple[int, int, int], left: Any
) -> None:
    (ada,) = world.contacts().values()
    job = world.run(rows)
    if since:
        asked(world, "PATCH", ONE, ada.id, body=since)
    undo = world.undo(job.id)
    assert (undo.trashed, undo.restored, undo.kept) == counts
    (now,) = world.contacts().values()
    assert replace(values(now), unsubscribed_at=None, name=None) == values(replace(ada, **left, name=None))
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


def test_what_was_created_goes_to_the_trash_unless_it_was_changed_since(world: CarryingHarness) -> None:
    job = world.run([*bodies(3), {"email": "p1@example.com", "first_name": "Twice"}, *bodies(2, 5)])
    for ref, body in (
        ("p0@example.com", {"first_name": "Hand"}),
        ("p5@example.com", {"is_unsubscribed": True}),
    ):
        asked(world, "PATCH", ONE, ref, body=body)
    asked(world, "DELETE", ONE, "p6@example.com")
    undo = world.undo(job.id)
    assert (undo.trashed, undo.restored, undo.kept) == (3, 1, 2)
    assert set(world.by_email()) == {"ada@example.com", "p0@example.com"}
    trashed = {one.email: one for one in world.trashed().values()}
    assert trashed.keys() == {"gone@example.com", *(f"p{number}@example.com" for number in (1, 2, 5, 6))}
    assert trashed["p5@example.com"].is_unsubscribed
    again = asked(world, "POST", "/v1/contacts", body={"email": "p5@example.com"})
    assert again.body["is_unsubscribed"]


def test_who_came_back_from_the_trash_goes_there_again(world: CarryingHarness) -> None:
    rows = [{"email": "gone@example.com", "first_name": "Back", "tags": ["t"]}]
    job = world.run(rows, restore_trashed=True)
    assert world.by_email()["gone@example.com"].first_name == "Back"
    undo = world.undo(job.id)
    assert (undo.trashed, undo.restored, undo.kept) == (1, 0, 0)
    (gone,) = world.trashed().values()
    assert (gone.first_name, gone.tags) == ("Gone", ())


def test_a_name_that_another_contact_has_taken_stays_with_it(world: CarryingHarness) -> None:
    job = world.run([{"external_id": "crm-1", "email": "new@example.com", "first_name": "Bea"}])
    asked(world, "POST", "/v1/contacts", body={"email": "ada@example.com"})
    undo = world.undo(job.id)
    assert (undo.restored, undo.kept) == (0, 1)
    assert world.by_email()["new@example.com"].first_name == "Ada"


@pytest.mark.parametrize("gone", ["erased", "merged"])
def test_who_is_gone_is_left_alone(world: CarryingHarness, gone: str) -> None:
    job = world.run([*bodies(1), ROW])
    if gone == "erased":
        asked(world, "DELETE", ONE, "p0@example.com", query={"permanent": "true"})
    else:
        asked(world, "POST", f"{ONE}/merge", "ada@example.com", body={"from": "p0@example.com"})
    undo = world.undo(job.id)
    assert undo.trashed == 0
    assert undo.kept == 1
    assert [one.external_id for one in world.contacts().values()] == ["crm-1"]


@pytest.mark.parametrize("events", ["summary", "each"])
def test_an_undo_is_as_quiet_as_its_import(world: CarryingHarness, events: str) -> None:
    job = world.run([*bodies(1), ROW], events=events)
    world.undo(job.id)
    items = world.table.items()
    marked = [item.get("quiet") for item in items if "kind" in item or "deleted_at" in item]
    assert marked.count({"S": "events"}) == (2 if events == "summary" else 0)


def test_an_undo_counts_written_items_and_waits_for_the_next_hour() -> None:
    world = CarryingHarness(own_written_limit=40)
    job = world.run(bodies(30))
    undo = world.undo(job.id)
    assert undo.trashed == 30
    hours = [item for item in world.table.items() if item["PK"]["S"].endswith("USAGE")]
    assert sum(int(item["written"]["N"]) for item in hours) == 60
    assert len(hours) == 2


def test_a_kill_at_any_call_takes_each_row_back_once() -> None:
    world = CarryingHarness()
    asked(world, "POST", "/v1/contacts", body=ADA)
    job = world.run(
        [*bodies(2), ROW, {**ROW, "first_name": "Cea"}], [*bodies(1, 2), {**ROW, "first_name": "Dea"}]
    )
    asked(world, "PATCH", ONE, "p2@example.com", body={"first_name": "Hand"})
    beginning = world.table.snapshot()
    tried = 0
    for at_call, is_after in ((call, is_after) for call in range(1, 100) for is_after in (False, True)):
        world.table.bring_back(beginning)
        before = world.job(job.id)
        undo = Undo(state=UndoState.RUNNING, next_part=2, started_at=job.created_at)
        world.store.replace(before, before.changed(undo=undo))
        world.send(job.id, ImportTask.UNDO, 2)
        wires = Wires(world, at_call, is_after=is_after)
        carrier, is_killed = world.carrier(wires.client, wires.bucket), False
        while world.queue.sent:
            message = world.queue.sent.pop(0)
            try:
                carrier.handle(step_from(message.body), 1)
            except Killed:
                is_killed = True
                world.carrier().handle(step_from(message.body), 2)
                world.work()
        after = world.job(job.id).undo
        assert after is not None
        assert (after.state, after.trashed, after.restored, after.kept) == ("completed", 2, 3, 1), (
            at_call,
            is_after,
        )
        by_email = world.by_email()
        assert set(by_email) == {"ada@example.com", "p2@example.com"}
        assert (by_email["ada@example.com"].first_name, by_email["ada@example.com"].version) == ("Ada", 7)
        if not is_killed:
            break
        tried += 1
    assert tried > 20


def test_a_receipt_without_room_for_old_values_keeps_the_contact() -> None:
    contact = Contact(id="c", version=2, created_at="", updated_at="", email="a@example.com")
    assert undo_plan({"result": "updated", "id": "c", "version": 2}, contact, "").result is UndoResult.KEPT


# Whatever the rows are

people = some.sampled_from(["ada", "bea", "cea"])
rows_of_people = some.fixed_dictionaries(
    {"email": people.map(lambda name: f"{name}@example.com")},
    optional={
        "external_id": some.sampled_from(["1", "2"]),
        "first_name": some.sampled_from(["A", "B"]),
        "name": some.sampled_from(["A", "B C"]),
        "tags": some.lists(some.sampled_from(["x", "y"]), max_size=2),
        "add_tags": some.lists(some.sampled_from(["x", "z"]), min_size=1, max_size=2),
        "custom_fields": some.dictionaries(
            some.sampled_from("kl"), some.sampled_from([1, 1.5, "t", None, [1]])
        ),
        "is_active": some.booleans(),
    },
)


@settings(max_examples=examples(120))
@given(
    before=some.lists(rows_of_people, max_size=3),
    trashed=some.sets(people, max_size=1),
    parts=some.lists(some.lists(rows_of_people, min_size=1, max_size=4), min_size=1, max_size=2),
    restores=some.booleans(),
)
def test_an_untouched_import_is_taken_back_completely(
    before: Any, trashed: Any, parts: Any, restores: bool
) -> None:
    world = THE_WORLD.begun_again()
    for body in before:
        world.api.request("POST", "/v1/contacts", body=body)
    for name in trashed:
        world.api.request("DELETE", ONE, f"{name}@example.com")
    contacts = {one.id: values(one) for one in world.contacts().values()}
    import_id = world.cut(*parts, restore_trashed=restores)
    world.work()
    assert world.job(import_id).state in (ImportState.COMPLETED, ImportState.COMPLETED_WITH_ERRORS)
    undo = world.undo(import_id)
    after = {one.id: values(one) for one in world.contacts().values()}
    # Validation begins anew where an email was put back.
    assert after == contacts
    assert undo.kept == 0
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


class _World(CarryingHarness):
    """An account that is opened once."""

    def __init__(self) -> None:
        super().__init__()
        self._beginning = self.table.snapshot()

    def begun_again(self) -> CarryingHarness:
        self.table.bring_back(self._beginning)
        self.bucket.objects.clear()
        self.queue.sent.clear()
        return self


THE_WORLD = _World()


def test_an_undo_of_what_was_cancelled_at_once_ends(world: CarryingHarness) -> None:
    import_id = world.cut(bodies(1))
    job = world.job(import_id)
    world.store.replace(job, job.changed(state=ImportState.CANCELLED, finished_at=job.created_at))
    world.queue.sent.clear()
    with suppress(AssertionError):
        world.undo(import_id)
    after = world.job(import_id).undo
    assert after is not None
    assert (after.state, after.trashed) == ("completed", 0)


def test_who_was_brought_back_under_another_name_does_not_go_to_the_trash_with_it() -> None:
    """A newcomer with that name would be given the contact of somebody else."""
    world = CarryingHarness()
    bea = {"email": "bea@example.com", "external_id": "crm-1", "first_name": "Bea", "tags": ["debtor"]}
    made = world.api.request("POST", "/v1/contacts", body=bea).body
    assert world.api.request("DELETE", "/v1/contacts/{ref}", "bea@example.com").status == 200
    row = {"email": "dan@example.com", "external_id": "crm-1", "first_name": "Dan"}
    undo = world.undo(world.run([row], restore_trashed=True).id)
    assert (undo.trashed, undo.restored, undo.kept) == (0, 0, 1)
    dan = world.api.request("POST", "/v1/contacts", body={"email": "dan@example.com"}).body
    assert (dan["id"] == made["id"], dan["first_name"], dan["tags"]) == (False, None, [])
    back = world.api.request("GET", "/v1/contacts/{ref}", made["id"]).body
    assert {name: back[name] for name in bea} == bea
