"""A dry run says what would come of a file: the same that comes of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import Contact
from contacts.imports import rows as known
from contacts.imports.model import Counts, ImportMode, ImportState
from contacts.table.expressions import from_item
from tests.support.carrying_harness import CarryingHarness, bodies
from tests.support.hypothesis_profiles import examples

names = some.fixed_dictionaries(
    {},
    optional={
        "email": some.sampled_from([f"{name}@example.com" for name in ("ada", "bea", "cea")]),
        "external_id": some.sampled_from(["1", "2", "3", "é", "e\u0301"]),
    },
)
rows = some.builds(
    lambda one, more: {**one, **more},
    names,
    some.fixed_dictionaries(
        {},
        optional={
            "first_name": some.sampled_from(["A", "B"]),
            "is_unsubscribed": some.booleans(),
            "tags": some.lists(some.sampled_from("xyz"), max_size=2),
            "custom_fields": some.dictionaries(some.sampled_from("kl"), some.integers(0, 1)),
            "phone": some.sampled_from(["+4915112345678", "12"]),
            "wrong": some.just("phone"),
        },
    ),
)
steps = some.one_of(
    some.tuples(some.just("POST"), rows),
    some.tuples(some.just("DELETE"), names),
    some.tuples(some.just("ERASE"), names),
)


class _World(CarryingHarness):
    """An account that is opened once."""

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once=at_once)
        self._beginning = self.table.snapshot()

    def begun_again(self) -> "_World":
        self.table.bring_back(self._beginning)
        self.bucket.objects.clear()
        self.queue.sent.clear()
        return self


WORLDS = {at_once: _World(at_once) for at_once in (1, 4)}


@settings(max_examples=examples(200))
@given(
    before=some.lists(steps, max_size=5),
    file=some.lists(rows, min_size=1, max_size=8),
    mode=some.sampled_from(ImportMode),
    flags=some.fixed_dictionaries({"restore_trashed": some.booleans(), "skips_invalid": some.booleans()}),
    at_once=some.sampled_from([1, 4]),
)
def test_a_check_counts_what_a_write_counts(
    before: Any, file: Any, mode: ImportMode, flags: Mapping[str, bool], at_once: int
) -> None:
    world = WORLDS[at_once].begun_again()
    for method, body in before:
        if method == "POST":
            sent = {key: value for key, value in body.items() if key != "wrong"}
            world.api.request("POST", "/v1/contacts", body=sent, query={"on_conflict": "update"})
            continue
        ref = body.get("email") or body.get("external_id")
        query = {"permanent": "true"} if method == "ERASE" else {}
        if ref is not None:
            world.api.request("DELETE", "/v1/contacts/{ref}", ref, query=query)
    untouched = world.table.snapshot()
    opted_out = {one.id for one in known_people(world).values() if one.is_unsubscribed}
    people, in_trash = known_people(world).keys(), owners_of_names(world, "deleted").keys()
    checked = world.check(file, mode=mode, **flags)
    assert checked.state is ImportState.READY
    table = [item for item in world.table.items() if "imports" not in item["PK"]["S"].lower()]
    world.table.bring_back(untouched)
    assert table == [item for item in world.table.items() if "imports" not in item["PK"]["S"].lower()]
    written = world.run(file, mode=mode, **flags)
    assert checked.counts == written.counts
    after = world.contacts()
    assert all(after[one].is_unsubscribed for one in opted_out & after.keys()), "nobody is subscribed again"
    owners = owners_of_names(world, "live")
    assert {owners[name] for name in in_trash & owners.keys()} <= people, "nobody new has a name of the trash"


def known_people(world: CarryingHarness) -> dict[str, Contact]:
    return {**world.trashed(), **world.contacts()}


def owners_of_names(world: CarryingHarness, state: str) -> dict[str, str]:
    """By the key of a name, the contact that has it, live or in the trash."""
    claims = [item for item in map(from_item, world.table.items()) if item["SK"] == "CLAIM"]
    return {claim["PK"]: claim["contact_id"] for claim in claims if claim["state"] == state}


def test_the_preview_has_the_first_twenty_contacts_and_a_hundred_errors() -> None:
    world = CarryingHarness()
    job = world.check(
        [*bodies(15), *bodies(90, 100, phone="1")], [*bodies(15, 15), *bodies(90, 200, phone="1")]
    )
    preview = world.files.preview(world.account_id, job.id)
    assert preview is not None
    assert [one["email"] for one in preview["contacts"]] == [f"p{number}@example.com" for number in range(20)]
    lines = [one["line"] for one in preview["errors"]]
    assert (lines[0], lines[-1], len(lines)) == (17, 17 + 90 + 15 + 9, 100)
    assert job.counts.failed == 180


def test_a_dry_run_that_is_over_waits_at_its_first_part() -> None:
    world = CarryingHarness()
    job = world.check(bodies(3), bodies(2, 3))
    assert (job.next_part, job.counts.created, world.contacts()) == (1, 5, {})


def test_a_check_keeps_no_more_contacts_in_memory_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MAX_KNOWN_BYTES", -1)
    world = CarryingHarness()
    world.run(bodies(120, first_name="A"))
    rows = [*bodies(120, first_name="B"), *bodies(120, first_name="B"), *bodies(1, first_name="A")]
    assert world.check(rows).counts == Counts(rows=241, updated=121, unchanged=120)
