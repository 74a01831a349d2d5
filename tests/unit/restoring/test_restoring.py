"""`restore_account`: what was lost or overwritten comes back from a restored table, and nobody hears of it."""

import json
from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from contacts.book.model import TOMBSTONE_DAYS, TRASH_DAYS
from contacts.core.errors import InvalidInput, TemporarilyUnavailable
from contacts.core.ids import Name, NameKind
from contacts.core.time import DAY, iso
from contacts.email_validation.model import VALID
from contacts.email_validation.store import VerdictStore
from contacts.restoring import service
from contacts.restoring.model import Fate, Plan, Report
from contacts.restoring.store import RestoredTable
from contacts.runtime import Runtime
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.hypothesis_profiles import examples
from tests.support.interrupted import Interrupted
from tests.support.projection_harness import Killed, Mortal
from tests.support.restore_harness import ACCOUNT_ID, ONE, RESTORED, Json, RestoreHarness
from tests.support.thorough import times

NOW = "2100-01-01T00:00:00Z"
"""Later than any change of these tests."""


def remove(world: RestoreHarness, key: keys.Key) -> None:
    """Take an item out of the table."""
    typed = {name: {"S": value} for name, value in key._asdict().items()}
    world.table.call("delete_item", {"TableName": NAME, "Key": typed})


def lose(world: RestoreHarness, contact_id: str) -> None:
    """Take a contact and its claims out of the table, as a script on the table does."""
    for key, item in world.items().items():
        if item.get("contact_id") == contact_id or key == keys.contact(ACCOUNT_ID, contact_id):
            remove(world, key)


class Since(RestoreHarness):
    """One contact for each thing that can have happened since the backup."""

    def __init__(self) -> None:
        super().__init__()
        self.ids = {
            name: self.create(
                email=f"{name}@example.com",
                external_id=f"crm-{name}",
                tags=["vip"],
                lists=["news"],
                name=name,
            )
            for name in (
                "same",
                "lost",
                "deleted",
                "changed",
                "erased",
                "merged",
                "winner",
                "robbed",
                "nameless",
            )
        }
        self.back_up()
        lose(self, self.ids["lost"])
        self.delete(self.ids["deleted"])
        self.change(self.ids["changed"], name="Wrong", tags=["wrong"], email="wrong@example.com")
        self.delete(self.ids["erased"], permanent=True)
        self.request(
            "POST", "/v1/contacts/{ref}/merge", self.ids["winner"], body={"from": self.ids["merged"]}
        )
        self.delete(self.ids["robbed"])
        self.delete(self.ids["nameless"])
        self.thief = self.create(external_id="crm-robbed")
        self.other_thief = self.create(external_id="crm-nameless")
        self.change(self.other_thief, email="nameless@example.com")
        self.bring_back(self.kept())

    def of(self, report: Json, fate: str) -> set[str]:
        """The names in this story of the contacts that had a fate."""
        named = {contact_id: name for name, contact_id in self.ids.items()}
        return {named[one] for one in report["ids"].get(fate, ())}


@cache
def _shared() -> tuple[Since, Any]:
    world = Since()
    return world, world.kept()


def since() -> Since:
    """The story of `Since`, told once for all tests."""
    world, kept = _shared()
    world.bring_back(kept)
    world.journal.erasures.clear()
    world.journal.fails = False
    return world


def test_what_is_missing_comes_back_and_what_has_changed_stays() -> None:
    world = since()
    report = world.restore()
    assert world.of(report, "lost") == {"lost"}
    assert world.of(report, "deleted") == {"deleted", "robbed"}
    assert world.of(report, "changed") == {"changed", "winner"}
    assert world.of(report, "erased") == {"erased"}
    assert world.of(report, "merged") == {"merged"}
    assert world.of(report, "nameless") == {"nameless"}
    assert (report["contacts"], report["same"], report["finished"]) == (9, 1, True)
    taken = {(one["contact_id"], one["name"], one["taken_by"]) for one in report["names_taken"]}
    assert taken == {
        (world.ids["robbed"], "external_id", world.thief),
        (world.ids["nameless"], "email", world.other_thief),
        (world.ids["nameless"], "external_id", world.other_thief),
    }
    robbed = world.live()[world.ids["robbed"]]
    assert (robbed["email"], "external_id" in robbed) == ("robbed@example.com", False)
    assert world.live()[world.ids["changed"]]["tags"] == ["wrong"]
    assert world.contradictions() == []


def test_what_was_changed_until_a_moment_has_its_old_values_again() -> None:
    world = since()
    report = world.restore(overwrite=True, until=NOW)
    assert world.of(report, "overwritten") == {"changed"}
    assert world.of(report, "merged") == {"merged", "winner"}
    changed = world.live()[world.ids["changed"]]
    assert (changed["email"], changed["tags"], changed["name"]) == ("changed@example.com", ["vip"], "changed")
    assert world.contradictions() == []
    assert world.restore(overwrite=True, until=NOW)["overwritten"] == 0


def test_what_was_changed_or_deleted_after_the_moment_stays_as_it_is() -> None:
    world = RestoreHarness()
    ids = [world.create(email=f"p{one}@example.com") for one in range(4)]
    world.back_up()
    world.change(ids[0], name="Wrong")
    world.delete(ids[1])
    until = iso(world.clock.at_ms)
    world.change(ids[2], name="Right")
    world.delete(ids[3])
    report = world.restore(overwrite=True, until=until)
    assert report["ids"] == {
        "overwritten": [ids[0]],
        "deleted": [ids[1]],
        "changed": [ids[2]],
        "deleted_later": [ids[3]],
    }


def test_nobody_hears_of_it_until_the_next_ordinary_write() -> None:
    world = since()
    report = world.restore(overwrite=True, until=NOW)
    back = {one for fate in ("lost", "deleted", "overwritten") for one in report["ids"][fate]}
    assert world.quiet() == back
    world.follow()
    assert world.heard == {"project_changes": [], "dispatch_webhooks": []}
    assert world.projection.to_validate.sent == []
    for contact_id in back:
        world.change(contact_id, phone="+4930123456")
    assert world.quiet() == set()
    world.follow()
    assert {len(heard) for heard in world.heard.values()} == {len(back)}


def test_postings_words_and_counts_are_right_after_the_reindex() -> None:
    world = since()
    world.restore(overwrite=True, until=NOW)
    world.follow()
    assert world.derived_contradictions()
    assert world.reindexed() > 0
    assert world.derived_contradictions() == []
    assert world.reindexed() == 0


def test_a_dry_run_says_what_would_be_and_writes_nothing() -> None:
    world = since()
    before = world.table.items()
    said = world.restore(dry_run=True, overwrite=True, until=NOW)
    assert world.table.items() == before
    assert {**said, "dry_run": False} == world.restore(overwrite=True, until=NOW)


def test_a_second_run_finds_nothing_to_bring_back() -> None:
    world = since()
    world.restore()
    items = world.table.items()
    report = world.restore()
    assert world.table.items() == items
    assert (report["lost"], report["deleted"]) == (0, 0)


def test_a_contact_of_which_nothing_is_left_has_a_later_version_than_it_can_have_had() -> None:
    world = RestoreHarness()
    lost = world.create(email="ada@example.com")
    world.back_up()
    for number in range(5):
        world.change(lost, name=f"A {number}")
    lose(world, lost)
    world.restore()
    assert world.live()[lost]["version"] > 6


# Opt-outs


def opt_out(world: RestoreHarness, ada: str) -> None:
    world.change(ada, is_unsubscribed=True)


def opt_out_and_delete(world: RestoreHarness, ada: str) -> None:
    world.change(ada, is_unsubscribed=True)
    world.delete(ada)


def opt_out_and_be_lost(world: RestoreHarness, ada: str) -> None:
    world.change(ada, is_unsubscribed=True)
    lose(world, ada)


def opt_out_and_be_lost_with_the_opt_out(world: RestoreHarness, ada: str) -> None:
    """A script on the table takes what it finds of an account. The journal has the opt-out."""
    opt_out_and_be_lost(world, ada)
    for key in world.items():
        address = keys.opted_out_address(key)
        if address is not None:
            world.journal.note_opted_out(ACCOUNT_ID, address[1:])
            remove(world, key)


def opt_out_and_take_another_address(world: RestoreHarness, ada: str) -> None:
    world.change(ada, is_unsubscribed=True)
    world.change(ada, email="other@example.com")


def be_deleted_and_opt_out_as_another(world: RestoreHarness, ada: str) -> None:
    """The address opts out as another contact's, which is erased: only the opt-out of the address is left."""
    world.change(ada, email="other@example.com")
    another = world.create(email="ada@example.com", is_unsubscribed=True)
    world.delete(another, permanent=True)
    world.delete(ada)


def opt_out_after_the_moment(world: RestoreHarness, ada: str) -> None:
    world.change(ada, name="Wrong")
    opt_out(world, ada)


@pytest.mark.parametrize(
    "happened",
    [
        opt_out,
        opt_out_and_delete,
        opt_out_and_be_lost,
        opt_out_and_be_lost_with_the_opt_out,
        opt_out_and_take_another_address,
        be_deleted_and_opt_out_as_another,
        opt_out_after_the_moment,
    ],
)
@pytest.mark.parametrize("how", [{}, {"overwrite": True, "until": NOW}], ids=["missing", "overwritten"])
def test_an_opt_out_is_never_lifted(happened: Callable[[RestoreHarness, str], None], how: Json) -> None:
    world = RestoreHarness()
    ada = world.create(email="ada@example.com", external_id="crm-1")
    world.back_up()
    happened(world, ada)
    opted_out = {key for key in world.items() if keys.opted_out_address(key)}
    report = world.restore(**how)
    found = world.live()[ada]
    if found.get("email") == "ada@example.com" or happened is not be_deleted_and_opt_out_as_another:
        assert found["is_unsubscribed"]
        assert found["unsubscribed_at"]
    if report["ids"].keys() & {"lost", "deleted", "overwritten"}:
        assert report["stay_opted_out"] == ([ada] if found["is_unsubscribed"] else [])
    assert opted_out <= world.items().keys()
    assert world.contradictions() == []


def test_who_was_subscribed_again_since_is_opted_out_as_in_the_backup_where_it_is_overwritten() -> None:
    """The safe side: the operator asks for the values of that moment."""
    world = RestoreHarness()
    ada = world.create(email="ada@example.com", is_unsubscribed=True)
    world.back_up()
    world.change(ada, is_unsubscribed=False)
    world.restore()
    assert not world.live()[ada]["is_unsubscribed"]
    world.restore(overwrite=True, until=NOW)
    assert world.live()[ada]["is_unsubscribed"]
    assert [key for key in world.items() if keys.opted_out_address(key)]


def test_who_had_subscribed_again_before_the_backup_comes_back_subscribed() -> None:
    world = RestoreHarness()
    ada = world.create(email="ada@example.com", is_unsubscribed=True)
    addresses = map(keys.opted_out_address, world.items())
    world.journal.note_opted_out(ACCOUNT_ID, [one[1] for one in addresses if one])
    world.change(ada, is_unsubscribed=False)
    world.back_up()
    lose(world, ada)
    assert world.restore()["stay_opted_out"] == []
    assert not world.live()[ada]["is_unsubscribed"]


# Erased people stay erased


def test_a_journal_remembers_longer_than_a_tombstone() -> None:
    world = RestoreHarness()
    ada = world.create(email="ada@example.com")
    world.back_up()
    world.delete(ada, permanent=True)
    world.journal.note_erased(ACCOUNT_ID, [ada])
    world.clock.at_ms += (TOMBSTONE_DAYS + 1) * DAY * 1000
    remove(world, keys.tombstone(ACCOUNT_ID, ada))
    assert world.restore()["ids"] == {"erased": [ada]}
    assert ada not in world.live()


def test_whose_days_in_the_trash_are_over_stays_away_before_its_traces_are_gone() -> None:
    world = RestoreHarness()
    ada = world.create(email="ada@example.com")
    world.back_up()
    world.delete(ada)
    world.clock.at_ms += (TRASH_DAYS + 1) * DAY * 1000
    assert world.restore()["ids"] == {"erased": [ada]}


def test_nothing_is_brought_back_where_the_journal_does_not_answer() -> None:
    world = since()
    world.journal.fails = True
    before = world.table.items()
    with pytest.raises(TemporarilyUnavailable):
        world.restore()
    assert world.table.items() == before


# Writers go on


def rename(world: RestoreHarness, ids: Json) -> None:
    world.tried("PATCH", ONE, ids["changed"], body={"email": "deleted@example.com"})


def create_with_its_email(world: RestoreHarness, ids: Json) -> None:
    world.tried("POST", "/v1/contacts", None, body={"email": "lost@example.com", "name": "New"})


def unsubscribe(world: RestoreHarness, ids: Json) -> None:
    world.change(ids["changed"], is_unsubscribed=True)


def erase_from_trash(world: RestoreHarness, ids: Json) -> None:
    world.tried("DELETE", "/v1/contacts/{ref}", ids["deleted"], query={"permanent": "true"})


def restore_from_trash(world: RestoreHarness, ids: Json) -> None:
    world.tried("POST", "/v1/contacts/{ref}/restore", ids["deleted"])


def delete_it_again(world: RestoreHarness, ids: Json) -> None:
    world.tried("DELETE", "/v1/contacts/{ref}", ids["lost"])


def restore_too(world: RestoreHarness, ids: Json) -> None:
    """Another operator does the same."""
    world.restore(world.app_on(world.table.client()), overwrite=True, until=NOW)


WRITERS = [
    rename,
    create_with_its_email,
    unsubscribe,
    erase_from_trash,
    restore_from_trash,
    delete_it_again,
    restore_too,
]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_between_any_two_calls_is_neither_undone_nor_contradicted(
    writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 1)
    every = times(1, 6)
    world = since()
    kept = world.kept()
    for after in range(1, 200):
        world.bring_back(kept)
        client = Interrupted(world.table.client(), after, partial(writer, world, world.ids))
        report = world.restore(world.app_on(client), overwrite=True, until=NOW)
        if client.calls < after:
            break
        assert world.contradictions() == [], after
        live = world.live()
        assert world.ids["erased"] not in live
        gone = keys.tombstone(ACCOUNT_ID, world.ids["deleted"]) in world.items()
        assert not (gone and world.ids["deleted"] in live)
        if writer is unsubscribe:
            assert live[world.ids["changed"]]["is_unsubscribed"]
        assert report["busy"] == 0
        # What came before the writer is heard as it comes; all the rest by the reindex.
        world.follow()
        if after % every == 0:
            world.reindexed()
            assert world.derived_contradictions() == []
    assert after > 10


def test_an_older_writer_a_quiet_one_and_a_loud_one_come_after_it() -> None:
    """Whoever leaves the mark is not heard, and the reindex finds it; the first who removes it is heard by both."""
    world = since()
    world.restore()
    lost = world.ids["lost"]
    world.follow()
    world.reindexed()

    def tagged_by_an_older_release(tag: str) -> None:
        """A release that does not know the mark changes the contact in place."""
        key = {name: {"S": value} for name, value in keys.contact(ACCOUNT_ID, lost)._asdict().items()}
        update = {
            "UpdateExpression": "SET tags = :t",
            "ExpressionAttributeValues": {":t": {"L": [{"S": tag}]}},
        }
        world.table.call("update_item", {"TableName": NAME, "Key": key, **update})

    def judged_quietly() -> None:
        store = VerdictStore(Table(world.table.client(), NAME))
        store.record_verdict(ACCOUNT_ID, lost, "lost@example.com", VALID, quiet=True)

    for write in (lambda: tagged_by_an_older_release("old"), judged_quietly):
        write()
        world.follow()
        assert world.heard == {"project_changes": [], "dispatch_webhooks": []}
    assert world.quiet() >= {lost}
    world.change(lost, name="Loud")
    assert lost not in world.quiet()
    assert {function: len(heard) for function, heard in world.heard.items()} == {
        "project_changes": 1,
        "dispatch_webhooks": 1,
    }
    assert world.derived_contradictions()  # The older writer's tag.
    world.reindexed()
    assert world.derived_contradictions() == []


def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 1)
    world = since()
    kept = world.kept()
    world.restore(overwrite=True, until=NOW)
    there = {one: item["email"] for one, item in world.live().items() if "email" in item}
    for calls in range(1, 200):
        world.bring_back(kept)
        mortal = Mortal(world.table.client(), calls)
        try:
            world.restore(world.app_on(mortal), overwrite=True, until=NOW)
            break
        except Killed:
            world.restore(overwrite=True, until=NOW)
        assert {one: item["email"] for one, item in world.live().items() if "email" in item} == there
        assert world.contradictions() == []
    assert calls > 10


def test_it_goes_on_where_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda gives no answer of more than 6 MB. Of 20,000 contacts whose names all have other owners it has 9 MB."""
    monkeypatch.setattr("contacts.restoring.store.AT_ONCE", 2)
    monkeypatch.setattr(service, "LARGEST_REPORT", 150)
    world = since()
    reports = [world.restore()]
    while not reports[-1]["finished"]:
        reports.append(world.restore(resume=reports[-1]["resume"]))
    assert [one["contacts"] for one in reports] == [6, 2, 1]
    assert sum(one["lost"] + one["deleted"] for one in reports) == 3


@given(
    fates=some.dictionaries(some.sampled_from(sorted(Fate)), some.integers(1, 30)),
    taken=some.integers(0, 30),
    opted_out=some.integers(0, 30),
)
def test_a_report_knows_how_large_it_is_at_most(fates: dict[Fate, int], taken: int, opted_out: int) -> None:
    report, empty = Report(ACCOUNT_ID, dry_run=True), Report(ACCOUNT_ID, dry_run=True)
    longest = max(NameKind, key=len)
    for fate, number in fates.items():
        for _ in range(number):
            report.note(Plan(contact_id=ACCOUNT_ID, fate=fate))
    for one in range(max(taken, opted_out)):
        names = {Name(longest, str(one)): ACCOUNT_ID} if one < taken else {}
        report.note(Plan(contact_id=ACCOUNT_ID, fate=Fate.SAME, taken=names, stays_opted_out=one < opted_out))
    of_numbers = 200 + len(json.dumps(empty.as_json()))
    assert len(json.dumps(report.as_json())) <= report.size + of_numbers


@pytest.mark.parametrize(("owner", "method"), [(service._Run, "restore_page"), (RestoredTable, "contacts")])
def test_a_busy_table_ends_a_run_that_says_where_to_go_on(
    owner: Any, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.restoring.store.AT_ONCE", 2)
    world = since()
    call, is_answered = getattr(owner, method), iter((True, False))

    def busy(own: Any, *given: Any) -> Any:
        if next(is_answered):
            return call(own, *given)
        raise TemporarilyUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(owner, method, busy)
        report = world.restore()
    assert (report["finished"], report["contacts"]) == (False, 2)
    assert world.restore(resume=report["resume"].upper())["contacts"] == 7


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    before=some.lists(some.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
    since=some.lists(
        some.tuples(
            some.sampled_from(["a", "b", "c"]),
            some.sampled_from(["opt out", "subscribe", "delete", "erase", "swap", "create", "change"]),
        ),
        max_size=6,
    ),
    overwrite=some.booleans(),
)
def test_whatever_has_happened_since_nothing_contradicts_and_nobody_is_subscribed_or_back(
    before: list[str], since: list[tuple[str, str]], overwrite: bool
) -> None:
    world = RestoreHarness()
    ids = {name: world.create(email=f"{name}@example.com", external_id=name, tags=[name]) for name in before}
    world.back_up()
    for name, what in since:
        ref = ids.get(name, name)
        body = {
            "opt out": {"is_unsubscribed": True},
            "subscribe": {"is_unsubscribed": False},
            "swap": {"external_id": "a" if name != "a" else "b"},
            "change": {"name": "Wrong", "tags": ["wrong"]},
        }.get(what)
        if body is not None:
            world.tried("PATCH", "/v1/contacts/{ref}", ref, body=body)
        elif what == "create":
            world.tried("POST", "/v1/contacts", None, body={"email": f"{name}@example.com"})
        else:
            query = {"permanent": "true"} if what == "erase" else {}
            world.tried("DELETE", "/v1/contacts/{ref}", ref, query=query)
    world.bring_back(world.kept())
    opted_out = {key for key in world.items() if keys.opted_out_address(key)}
    unsubscribed = {one for one, item in world.live().items() if item["is_unsubscribed"]}
    erased = {one for one in ids.values() if keys.tombstone(ACCOUNT_ID, one) in world.items()}
    world.restore(**({"overwrite": True, "until": NOW} if overwrite else {}))
    world.follow()
    assert world.heard == {"project_changes": [], "dispatch_webhooks": []}
    assert world.contradictions() == []
    assert opted_out <= world.items().keys()
    assert erased.isdisjoint(world.live())
    assert all(world.live()[one]["is_unsubscribed"] for one in unsubscribed)
    world.reindexed()
    assert world.derived_contradictions() == []


# Bad input


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_table_that_is_not_there_or_may_not_be_read_is_named(code: str) -> None:
    def query(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "Query")

    world = RestoreHarness()
    world.app.restored_tables[RESTORED] = SimpleNamespace(query=query)
    with pytest.raises(InvalidInput) as refused:
        world.restore()
    assert [error.field for error in refused.value.errors] == ["table"]


def test_the_table_in_use_is_no_restored_one() -> None:
    with pytest.raises(InvalidInput, match="table"):
        Runtime.restored_table(RestoreHarness().app, NAME)


@pytest.mark.parametrize(
    ("payload", "culprits"),
    [
        ({}, {"account_id", "table", "dry_run"}),
        ({"account_id": "Ada", "table": "a b", "dry_run": "no"}, {"account_id", "table", "dry_run"}),
        ({"overwrite": True}, {"until"}),
        ({"overwrite": 1, "until": "yesterday"}, {"overwrite", "until"}),
        ({"until": "2026-01-15T10:30:00"}, {"until"}),
        ({"resume": "contacts.."}, {"resume"}),
        ({"dryrun": True}, {"dryrun"}),
        ({"account_id": "01941f29-0000-7000-8000-00000000000c"}, {"account_id"}),
    ],
)
def test_bad_input_is_named_before_anything_is_written(payload: Json, culprits: set[str]) -> None:
    world = RestoreHarness()
    given = {"account_id": ACCOUNT_ID, "table": RESTORED, "dry_run": True} if payload else {}
    with pytest.raises(InvalidInput) as refused:
        world.app.invoke("restore_account", {**given, **payload})
    assert {error.field for error in refused.value.errors} == culprits
