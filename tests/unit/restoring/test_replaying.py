"""`replay_journal`: who was erased or opted out after a backup is so again on the table that it was restored to."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.core.errors import InvalidInput, TemporarilyUnavailable
from contacts.core.ids import uuid7
from contacts.restoring import replaying
from contacts.restoring.model import Stage
from contacts.restoring.store import PresentStore
from contacts.table import keys
from tests.support.fakes import CountingBytes
from tests.support.in_process_api import InProcessApi
from tests.support.interrupted import Interrupted
from tests.support.projection_harness import Killed, Mortal
from tests.support.restore_harness import ACCOUNT_ID, RESTORED, Json, RestoreHarness


class Lost(RestoreHarness):
    """A table that was lost: it has again what it had before some people were erased and others opted out."""

    def __init__(self) -> None:
        super().__init__()
        names = ("same", "erased", "trashed", "opted", "merged", "winner", "again", "bin")
        self.ids = {
            name: self.create(email=f"{name}@example.com", external_id=f"crm-{name}", tags=["vip"])
            for name in names
        }
        self.delete(self.ids["trashed"])
        self.delete(self.ids["bin"])
        self.request(
            "POST", "/v1/contacts/{ref}/merge", self.ids["winner"], body={"from": self.ids["merged"]}
        )
        self.back_up()
        self.since_ms = self.clock.at_ms
        backup = self.table.snapshot()
        self.delete(self.ids["erased"], permanent=True)
        self.delete(self.ids["trashed"], permanent=True)
        self.delete(self.ids["winner"], permanent=True)
        self.change(self.ids["opted"], is_unsubscribed=True)
        self.request("POST", "/v1/contacts/{ref}/restore", self.ids["bin"])
        self.change(self.ids["bin"], is_unsubscribed=True)
        self.erase_and_note()
        self.noted = dict(self.journal.erasures), dict(self.journal.opt_outs)
        self.bring_back((backup, self.clock.at_ms + 60_000))

    def erase_and_note(self) -> None:
        """Handle the messages for the erasure queue, as far as the journal is concerned."""
        for message in self.projection.to_erase.sent:
            body: Any = message.body
            if "opted_out" in body:
                self.journal.note_opted_out(ACCOUNT_ID, body["opted_out"])
            else:
                self.journal.note_erased(ACCOUNT_ID, (body["contact_id"], *body.get("merged_ids", ())))
        self.projection.to_erase.sent.clear()

    @property
    def asked(self) -> list[Any]:
        """The erasures that the replay asked for."""
        return [body["contact_id"] for body in self.app.queue("ERASURE").bodies]


def test_who_was_erased_or_opted_out_since_is_so_again_and_nobody_hears_of_it() -> None:
    world = Lost()
    report = world.replay(world.since_ms)
    assert report == {
        "dry_run": False,
        "accounts": 1,
        "unknown_accounts": 0,
        "erasures": 4,
        "erased_again": 3,
        "opt_outs": 2,
        "opted_out_again": 2,
        "finished": True,
    }
    assert set(world.live()) == {world.ids[name] for name in ("same", "opted", "again")}
    assert world.live()[world.ids["opted"]]["is_unsubscribed"]
    assert world.quiet() == {world.ids["opted"]}
    world.follow()
    assert world.heard["dispatch_webhooks"] == []
    assert world.contradictions() == []
    for name in ("erased", "trashed", "winner", "merged"):
        assert keys.tombstone(ACCOUNT_ID, world.ids[name]) in world.items()
    assert sorted(world.asked) == sorted(
        world.ids[name] for name in ("erased", "trashed", "winner", "merged")
    )
    # Out of the trash it comes opted out.
    world.request("POST", "/v1/contacts/{ref}/restore", world.ids["bin"])
    assert world.live()[world.ids["bin"]]["is_unsubscribed"]


def test_postings_and_counts_are_right_after_it() -> None:
    world = Lost()
    world.replay(world.since_ms)
    world.follow()
    assert world.derived_contradictions() == []
    assert world.reindexed() == 0


def test_a_second_run_finds_it_done() -> None:
    world = Lost()
    world.replay(world.since_ms)
    items = world.table.items()
    report = world.replay(world.since_ms)
    assert (report["erased_again"], report["opted_out_again"]) == (0, 0)
    assert world.table.items() == items


def test_a_dry_run_says_what_would_be_and_writes_nothing() -> None:
    world = Lost()
    before = world.table.items()
    said = world.replay(world.since_ms, dry_run=True)
    assert (world.table.items(), world.asked) == (before, [])
    assert {**said, "dry_run": False} == world.replay(world.since_ms)


def test_a_table_that_is_not_in_use_yet_is_replayed_without_messages() -> None:
    world = Lost()
    before = world.table.items()
    report = world.replay(world.since_ms, table=RESTORED)
    assert (report["erased_again"], report["opted_out_again"]) == (3, 2)
    assert (world.table.items(), world.asked) == (before, [])
    left = {item["id"]["S"] for item in world.backup.items() if item.get("kind") == {"S": "contact"}}
    assert world.ids["erased"] not in left


def test_what_was_noted_before_the_moment_is_left_alone() -> None:
    world = Lost()
    report = world.replay(world.clock.at_ms)
    assert (report["erasures"], report["opt_outs"]) == (0, 0)


def test_an_account_that_was_opened_since_is_told_of() -> None:
    world = Lost()
    stranger = uuid7(world.clock.at_ms, CountingBytes()(10))
    world.journal.note_erased(stranger, [world.ids["same"]])
    report = world.replay(world.since_ms)
    assert (report["accounts"], report["unknown_accounts"]) == (1, 1)
    assert world.ids["same"] in world.live()
    assert world.replay(world.since_ms, account_id=stranger)["unknown_accounts"] == 1


def test_a_run_that_is_killed_anywhere_is_completed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "_WRITTEN_AT_ONCE", 1)
    world = Lost()
    kept = world.kept()
    calls = 0
    for calls in range(1, 100):
        world.bring_back(kept)
        mortal = world.app_on(Mortal(world.table.client(), calls))
        mortal.listed_journal = world.journal
        try:
            world.replay(world.since_ms, mortal)
            break
        except Killed:
            world.replay(world.since_ms)
        assert set(world.live()) == {world.ids[name] for name in ("same", "opted", "again")}
        assert world.live()[world.ids["opted"]]["is_unsubscribed"]
        assert world.contradictions() == []
    assert calls > 10


def test_a_run_without_time_says_with_which_account_to_go_on() -> None:
    world = Lost()
    # The context of these tests has 20 seconds, and a page takes up to 60.
    report = world.app.invoke("replay_journal", {"since": "2026-01-01T00:00:00Z", "dry_run": True})
    assert (report["finished"], report["resume"]) == (False, ACCOUNT_ID)
    assert world.replay(world.since_ms, resume=ACCOUNT_ID)["erased_again"] == 3


def in_runs(world: Lost, run: Callable[..., Json], **payload: Any) -> list[Json]:
    """The reports of runs, each of which goes on where the one before ended."""
    reports = [run(world.since_ms, **payload)]
    while not reports[-1]["finished"]:
        assert len(reports) < 100
        reports.append(run(world.since_ms, resume=reports[-1]["resume"], **payload))
    return reports


@pytest.mark.parametrize("dry_run", [False, True])
def test_runs_that_have_time_for_one_step_each_do_all_of_it(
    dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account may take longer than one run: each goes on within it."""
    whole = Lost()
    at_once = whole.replay(whole.since_ms, dry_run=dry_run)
    for module in ("replaying", "store"):
        monkeypatch.setattr(f"contacts.restoring.{module}.AT_ONCE", 1)
    world = Lost()

    def run(since_ms: int, **payload: Any) -> Json:
        return world.replay(since_ms, has_time=partial(next, iter((True, False))), **payload)

    reports = in_runs(world, run, dry_run=dry_run)
    assert len(reports) > 10
    assert {report["resume"].split(":")[1] for report in reports[:-1]} == set(Stage)
    for name in ("erasures", "erased_again", "opt_outs", "opted_out_again", "accounts"):
        assert sum(report[name] for report in reports) == at_once[name], name
    assert world.live().keys() == whole.live().keys()
    assert sorted(world.asked) == sorted(whole.asked)


def test_a_busy_table_ends_a_run_that_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Lost()
    write, is_answered = PresentStore.opt_out, iter((False, True))

    def busy(own: PresentStore, hmacs: Any) -> None:
        if not next(is_answered):
            raise TemporarilyUnavailable
        write(own, hmacs)

    monkeypatch.setattr(PresentStore, "opt_out", busy)
    first, second = in_runs(world, world.replay)
    assert (first["erased_again"], first["resume"]) == (3, f"{ACCOUNT_ID}:opted_out:")
    assert (second["erasures"], second["opted_out_again"]) == (0, 2)


def test_who_restores_a_contact_at_that_moment_does_not_bring_it_back_subscribed() -> None:
    world = Lost()
    kept = world.kept()
    for after in range(1, 30):
        world.bring_back(kept)
        client = Interrupted(world.table.client(), after, partial(world.replay, world.since_ms))
        api = InProcessApi(client, ACCOUNT_ID, world.clock, CountingBytes())
        api.request("POST", "/v1/contacts/{ref}/restore", world.ids["bin"])
        if client.calls < after:
            break
        assert world.live()[world.ids["bin"]]["is_unsubscribed"], after
    assert after > 2


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_table_that_is_not_there_or_may_not_be_read_is_named(code: str) -> None:
    def get_item(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "GetItem")

    world = Lost()
    world.app.restored_tables[RESTORED] = SimpleNamespace(get_item=get_item)
    with pytest.raises(InvalidInput) as refused:
        world.replay(world.since_ms, table=RESTORED)
    assert [error.field for error in refused.value.errors] == ["table"]


def test_nothing_is_written_where_the_journal_does_not_answer() -> None:
    world = Lost()
    world.journal.fails = True
    with pytest.raises(TemporarilyUnavailable):
        world.replay(world.since_ms)


@pytest.mark.parametrize(
    ("payload", "culprits"),
    [
        ({}, {"since", "dry_run"}),
        ({"since": None, "dry_run": None}, {"since", "dry_run"}),
        ({"since": "noon", "dry_run": True, "table": ""}, {"since", "table"}),
        (
            {"since": "2026-01-01T00:00:00Z", "dry_run": True, "account_id": "a", "resume": 1},
            {"account_id", "resume"},
        ),
        ({"since": "2026-01-01T00:00:00Z", "dry_run": True, "resume": f"{ACCOUNT_ID}:gone:"}, {"resume"}),
        ({"since": "2026-01-01T00:00:00Z", "dry_run": True, "until": "x"}, {"until"}),
    ],
)
def test_bad_input_is_named(payload: Json, culprits: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        RestoreHarness().app.invoke("replay_journal", payload)
    assert {error.field for error in refused.value.errors} == culprits
