"""Wherever a function is killed, put off or made to wait, no row is lost or doubled, and each is counted."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.accounts.store import AccountStore
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import Name, NameKind
from contacts.imports import carrying
from contacts.imports.model import Counts, ImportState, ImportTask, PartMissing, step_from
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.app import ListedQueue
from tests.support.carrying_harness import CarryingHarness, Killed, ObjectReader, bodies
from tests.support.fakes import OneAtATime
from tests.support.interrupted import Interrupted
from tests.support.invariants import violations

ROWS = [
    {"email": "new@example.com", "tags": ["a"]},
    {"email": "ada@example.com", "first_name": "Bea"},
    {"email": "ada@example.com", "first_name": "Cea"},
    {"email": "ada@example.com", "first_name": "Cea"},
    {"email": "no email"},
    {"email": "out@example.com", "is_unsubscribed": False, "first_name": "Out"},
    {"email": "gone@example.com"},
]
COUNTS = Counts(rows=9, created=3, updated=2, unchanged=1, skipped=1, protected=1, failed=1)


def world_of_people() -> CarryingHarness:
    world = CarryingHarness()
    for body in (
        {"email": "ada@example.com", "first_name": "Ada"},
        {"email": "out@example.com", "is_unsubscribed": True},
        {"email": "gone@example.com"},
    ):
        assert world.api.request("POST", "/v1/contacts", body=body).status == 201
    assert world.api.request("DELETE", "/v1/contacts/{ref}", "gone@example.com").status == 200
    return world


class Wires:
    """The table and the bucket, of which a process is killed at one call of either."""

    def __init__(self, world: CarryingHarness, at_call: int, *, is_after: bool) -> None:
        self.calls = 0
        self.at_call = at_call
        self.is_after = is_after
        self.client = self.wire(OneAtATime(world.table.client()))
        self.bucket = self.wire(world.bucket)

    def wire(self, target: Any) -> Any:
        outer = self

        class Wire:
            def __getattr__(self, method: str) -> Any:
                call = getattr(target, method)

                def called(**request: Any) -> Any:
                    outer.calls += 1
                    is_now = outer.calls == outer.at_call
                    # The other threads die with it.
                    if (is_now and not outer.is_after) or 0 < outer.at_call < outer.calls:
                        raise Killed
                    answer = call(**request)
                    if is_now:
                        raise Killed
                    return answer

                return called

        return Wire()


def work_and_be_killed(world: CarryingHarness, wires: Wires, *, is_sent_twice: bool = False) -> bool:
    """Work until killed; the message that was worked on comes again. Returns whether it came to that."""
    carrier = world.carrier(wires.client, wires.bucket)
    while world.queue.sent:
        message = world.queue.sent.pop(0)
        try:
            assert carrier.handle(step_from(message.body), 1) is None
        except Killed:
            again = world.carrier()
            if is_sent_twice:
                world.queue.sent.append(message)
            wait_s = again.handle(step_from(message.body), 2)
            assert wait_s is None
            world.work(again)
            return True
    return False


def kills() -> Iterator[tuple[int, bool]]:
    for call in range(1, 200):
        yield from ((call, False), (call, True))


def test_a_kill_at_any_call_loses_and_doubles_nothing() -> None:
    world = world_of_people()
    beginning = world.table.snapshot(), world.clock.at_ms
    tried = 0
    for at_call, is_after in kills():
        world.table.bring_back(beginning[0])
        world.bucket.objects.clear()
        import_id = world.cut(ROWS, bodies(2))
        is_killed = work_and_be_killed(
            world, Wires(world, at_call, is_after=is_after), is_sent_twice=at_call % 3 == 0
        )
        world.work()
        job = world.job(import_id)
        assert job.state is ImportState.COMPLETED_WITH_ERRORS, (at_call, is_after)
        assert job.counts == COUNTS, (at_call, is_after)
        by_email = world.by_email()
        assert (by_email["ada@example.com"].first_name, by_email["ada@example.com"].version) == ("Cea", 3)
        assert by_email["new@example.com"].version == 1
        assert [row["import_line"] for row in world.failures(import_id)] == [6]
        assert not [key for key in world.bucket.objects if not key.endswith("errors.ndjson")]
        announced = [
            item for item in world.table.items() if item.get("type", {}).get("S") == "import.completed"
        ]
        assert len(announced) == 1
        if not is_killed:
            break
        tried += 1
    assert tried > 40
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


@pytest.mark.parametrize("at_once", [1, 8])
def test_fifty_kills_in_one_import_while_people_are_edited_and_erased(at_once: int) -> None:
    chance = Random(at_once)
    world = CarryingHarness(at_once=at_once)
    import_id = world.cut(*(bodies(25, 25 * part, first_name="Row") for part in range(4)))
    times, edited, erased, kills = Counter[int](), set[str](), set[str](), 0
    while world.queue.sent:
        message = world.queue.sent.pop(0)
        part = int(str(message.body["part"]))
        times[part] += 1
        most = 11 if kills < 50 else 10**6
        wires = Wires(world, chance.randint(5, most), is_after=chance.random() < 0.5)
        carrier = world.carrier(wires.client if kills < 50 else None, wires.bucket if kills < 50 else None)
        try:
            carrier.handle(step_from(message.body), min(times[part], 4))
        except Killed:
            kills += 1
            world.queue.sent.append(message)
            left = sorted(email for email in world.by_email() if email not in edited)
            if left and kills % 3:
                edited.add(str(chance.choice(left)))
                for ref in edited:
                    world.api.request("PATCH", "/v1/contacts/{ref}", ref, body={"first_name": "Hand"})
            elif left:
                erased.add(str(left[0]))
                world.api.request("DELETE", "/v1/contacts/{ref}", left[0], query={"permanent": "true"})
    job = world.job(import_id)
    assert kills == 50
    assert job.state is ImportState.COMPLETED
    assert job.counts == Counts(rows=100, created=100)
    by_email = world.by_email()
    assert len(by_email) == 100 - len(erased)
    assert len(edited) >= 5
    assert {email for email, one in by_email.items() if one.first_name == "Hand"} == edited - erased
    assert len(erased) >= 5
    assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == []


def test_a_hand_edit_between_two_tries_stays() -> None:
    world = world_of_people()
    world.cut([{"email": "ada@example.com", "first_name": "Row"}, *bodies(3)])
    message = world.queue.sent.pop()
    calls = Wires(world, 0, is_after=False)
    for at_call in range(1, 60):
        wires = Wires(world, at_call, is_after=True)
        with suppress(Killed):
            world.carrier(wires.client, wires.bucket).handle(step_from(message.body), 1)
        if world.by_email()["ada@example.com"].first_name == "Row":
            break
    assert calls.calls == 0
    body = {"first_name": "Hand"}
    assert world.api.request("PATCH", "/v1/contacts/{ref}", "ada@example.com", body=body).status == 200
    world.carrier().handle(step_from(message.body), 2)
    world.work()
    assert world.by_email()["ada@example.com"].first_name == "Hand"


def test_who_was_erased_between_two_tries_stays_gone() -> None:
    world = world_of_people()
    import_id = world.cut([*bodies(1), {"email": "wrong"}])
    message = world.queue.sent[0]
    wires = Wires(world, 9, is_after=True)
    with suppress(Killed):
        world.carrier(wires.client, wires.bucket).handle(step_from(message.body), 1)
    assert "p0@example.com" in world.by_email()
    ref, query = "p0@example.com", {"permanent": "true"}
    assert world.api.request("DELETE", "/v1/contacts/{ref}", ref, query=query).status == 200
    for item in world.table.items():
        if item["SK"]["S"] == "REQUEST":  # as erasure strips it
            world.table.client().update_item(
                TableName=NAME,
                Key={"PK": item["PK"], "SK": item["SK"]},
                UpdateExpression="SET erased = :t REMOVE details, did",
                ExpressionAttributeValues={":t": {"BOOL": True}},
            )
    world.queue.sent.clear()
    world.carrier().handle(step_from(message.body), 2)
    world.work()
    assert "p0@example.com" not in world.by_email()
    job = world.job(import_id)
    assert (job.counts.done, job.state) == (2, ImportState.COMPLETED_WITH_ERRORS)


def test_two_functions_at_the_same_part_count_it_once_and_become_one_chain() -> None:
    world = world_of_people()
    import_id = world.cut(bodies(3), bodies(3, 3), bodies(3, 6))
    first = world.queue.sent.pop()
    carrier = world.carrier()
    assert carrier.handle(step_from(first.body), 1) is None
    # The same message, delivered to another function at the same time, and once more as a message of its own.
    assert carrier.handle(step_from(first.body), 1) is None
    assert len(world.queue.sent) == 1
    assert carrier.handle(step_from(first.body), 2) is None
    assert len(world.queue.sent) == 2, "the chain may stand still"
    for message in list(world.queue.sent):
        carrier.handle(step_from(message.body), 1)
    world.queue.sent[:2] = []
    assert len(world.queue.sent) == 1, "two chains have become one"
    world.work()
    assert world.job(import_id).counts == Counts(rows=9, created=9)


def test_a_second_function_between_any_two_calls_changes_nothing() -> None:
    """SQS may deliver a message twice at once."""
    world = world_of_people()
    beginning = world.table.snapshot()
    for after in range(1, 60):
        world.table.bring_back(beginning)
        world.bucket.objects.clear()
        import_id = world.cut(ROWS, bodies(2))
        message = world.queue.sent.pop()

        def meanwhile(message: Any = message) -> None:
            assert world.carrier().handle(step_from(message.body), 1) is None

        client = Interrupted(world.table.client(), after, meanwhile)
        wait_s = world.carrier(client).handle(step_from(message.body), 1)
        is_over = client.calls < after
        assert wait_s in (None, 60)
        if wait_s:
            world.carrier().handle(step_from(message.body), 2)
        world.work()
        job = world.job(import_id)
        assert (job.state, job.counts) == (ImportState.COMPLETED_WITH_ERRORS, COUNTS), after
        by_email = world.by_email()
        assert (by_email["ada@example.com"].first_name, by_email["ada@example.com"].version) == ("Cea", 3)
        assert [row["import_line"] for row in world.failures(import_id)] == [6]
        if is_over:
            return
    raise AssertionError("it has more calls than that")


def test_another_import_between_any_two_calls_and_its_undo_leave_no_trace() -> None:
    world = world_of_people()
    beginning = world.table.snapshot()
    people = [f"{name}@example.com" for name in ("ada", "out", "gone", "new")]
    one = [{"email": email, "first_name": "One", "is_unsubscribed": False} for email in people]
    other = [{"email": email, "first_name": "Other", "tags": ["x"]} for email in reversed(people)]
    for after in range(1, 60, 3):
        world.table.bring_back(beginning)
        import_id = world.cut(one, bodies(2), restore_trashed=True)
        message = world.queue.sent.pop()

        def meanwhile() -> None:
            job = world.run(other, bodies(3), restore_trashed=True)
            world.undo(job.id)

        client = Interrupted(world.table.client(), after, meanwhile)
        world.queue.sent.append(message)
        world.work(world.carrier(client))
        job = world.job(import_id)
        assert (job.state, job.counts.done) == (ImportState.COMPLETED, 6), after
        assert violations(world.table.items(), world.account_id, world.clock.at_ms // 1000) == [], after
        by_email = world.by_email()
        assert by_email["out@example.com"].is_unsubscribed, after
        # What the other had created came back from the trash as it was there.
        assert not any(by_email[email].tags for email in people[:3]), after
        if client.calls < after:
            return
    raise AssertionError("it has more calls than that")


def test_who_opts_out_and_is_trashed_between_any_two_calls_is_not_made_anew() -> None:
    world = world_of_people()
    beginning = world.table.snapshot()
    for after in range(1, 60):
        world.table.bring_back(beginning)
        import_id = world.cut([{"external_id": "crm-1"}])
        message = world.queue.sent.pop()

        def meanwhile() -> None:
            body = {"external_id": "crm-1", "is_unsubscribed": True}
            query = {"on_conflict": "update"}
            assert world.api.request("POST", "/v1/contacts", body=body, query=query).status in (200, 201)
            assert world.api.request("DELETE", "/v1/contacts/{ref}", "crm-1").status == 200

        client = Interrupted(world.table.client(), after, meanwhile)
        world.queue.sent.append(message)
        world.work(world.carrier(client))
        assert world.job(import_id).counts.done == 1, after
        if client.calls < after:
            return
        assert "crm-1" not in {one.external_id for one in world.contacts().values()}, after
    raise AssertionError("it has more calls than that")


def test_an_import_waits_for_the_next_hour_and_leaves_a_tenth_to_requests() -> None:
    world = CarryingHarness(own_written_limit=40)
    import_id = world.cut(bodies(80))
    carrier = world.carrier()
    carrier.handle(step_from(world.queue.sent.pop(0).body), 1)
    assert world.job(import_id).state is ImportState.PAUSED
    assert len(world.contacts()) == 36
    (waiting,) = world.queue.sent
    assert 0 < waiting.delay_s <= 900
    version = world.job(import_id).version
    carrier.handle(step_from(world.queue.sent.pop(0).body), 1)
    assert world.job(import_id).version == version, "looking again writes nothing"
    world.work()
    job = world.job(import_id)
    assert (job.state, job.counts) == (ImportState.COMPLETED, Counts(rows=80, created=80))
    hours = [item for item in world.table.items() if item["PK"]["S"].endswith("USAGE")]
    assert sorted(int(item["written"]["N"]) for item in hours) == [8, 36, 36]
    assert all(int(item["used"]["N"]) == 0 for item in hours), "no request was made"


def test_an_hour_too_small_for_one_row_still_takes_one() -> None:
    world = CarryingHarness(own_written_limit=2)
    job = world.run([{"email": "a@example.com", "tags": [str(number) for number in range(100)]}])
    assert job.counts == Counts(rows=1, created=1)


@pytest.mark.parametrize("why", ["suspended", "writes", "imports"])
def test_a_suspended_account_and_a_switch_make_it_wait(why: str) -> None:
    world = CarryingHarness()
    import_id = world.cut(bodies(2))
    accounts = AccountStore(Table(world.table.client(), NAME))
    switches = {"PK": {"S": "SWITCHES"}, "SK": {"S": "SWITCHES"}}
    if why == "suspended":
        accounts.suspend(world.account_id, "2026-01-01T00:00:00.000Z", "abuse")
    else:
        world.table.client().put_item(TableName=NAME, Item={**switches, why: {"S": "off"}})
    carrier = world.carrier()
    for _ in range(2):
        carrier.handle(step_from(world.queue.sent.pop(0).body), 1)
        assert (world.job(import_id).state, world.contacts()) == (ImportState.PAUSED, {})
    if why == "suspended":
        accounts.suspend(world.account_id, None, None)
    else:
        world.table.client().delete_item(TableName=NAME, Key=switches)
    world.work()
    assert world.job(import_id).counts == Counts(rows=2, created=2)


def test_an_account_that_is_gone_ends_it() -> None:
    world = CarryingHarness()
    import_id = world.cut(bodies(2))
    for item in world.table.items():
        if item["SK"]["S"] == "ACCOUNT":
            world.table.remove(item)
    world.work()
    job = world.job(import_id)
    assert job.state is ImportState.FAILED
    assert job.problem is not None
    assert job.problem.code == "account_gone"
    assert world.bucket.objects == {}


def test_a_part_that_is_gone_ends_it_with_the_rows_that_had_failed() -> None:
    world = CarryingHarness()
    import_id = world.cut([*bodies(1), {"email": "wrong"}], bodies(1, 1), bodies(1, 2))
    carrier = world.carrier()
    carrier.handle(step_from(world.queue.sent.pop().body), 1)
    world.files.delete_parts(world.account_id, import_id)
    message = world.queue.sent.pop()
    for times in range(1, 5):
        with pytest.raises(PartMissing):
            carrier.handle(step_from(message.body), times)
    assert carrier.handle(step_from(message.body), 5) is None
    job = world.job(import_id)
    assert (job.state, job.counts) == (ImportState.FAILED, Counts(rows=4, created=1, failed=1))
    assert job.can_be_undone(world.clock.now_ms())
    assert [row["import_line"] for row in world.failures(import_id)] == [3]
    assert len(world.bucket.objects) == 1


def test_a_cancelled_import_stops_before_the_next_hundred_and_counts_what_was_done() -> None:
    world = CarryingHarness()
    import_id = world.cut(bodies(150), bodies(5, 150))

    class Cancelling:
        """Somebody cancels once a hundred contacts are there."""

        def __init__(self) -> None:
            self.client = OneAtATime(world.table.client())
            self.transactions = 0

        def __getattr__(self, method: str) -> Any:
            if method == "transact_write_items":
                self.transactions += 1
                if self.transactions == 100:
                    job = world.job(import_id)
                    world.store.replace(
                        job, job.changed(state=ImportState.CANCELLED, finished_at=job.created_at)
                    )
            return getattr(self.client, method)

    world.work(world.carrier(Cancelling()))
    job = world.job(import_id)
    assert job.state is ImportState.CANCELLED
    assert job.counts == Counts(rows=155, created=100)
    assert len(world.contacts()) == 100
    world.clock.at_ms += 3_600_000
    undo = world.undo(import_id)
    assert (undo.trashed, undo.restored, undo.kept) == (100, 0, 0)


@pytest.mark.parametrize("state", [state for state in ImportState if state not in ("running", "paused")])
@pytest.mark.parametrize("task", [ImportTask.WRITE, ImportTask.CHECK])
def test_a_message_for_an_import_in_another_state_does_nothing(state: ImportState, task: ImportTask) -> None:
    if (state, task) == (ImportState.READING, ImportTask.CHECK):
        return
    world = CarryingHarness()
    import_id = world.cut(bodies(2))
    job = world.job(import_id)
    world.store.replace(job, job.changed(state=state))
    world.queue.sent.clear()
    world.send(import_id, task, 1)
    world.work()
    assert world.contacts() == {}
    assert replace(world.job(import_id), version=0, next_part=1) == replace(job, version=0, state=state)


class Throttled:
    """A table that refuses some calls of a method."""

    def __init__(self, world: CarryingHarness, refuses: Callable[[int], bool]) -> None:
        self.client = OneAtATime(world.table.client())
        self.refuses = refuses
        self.calls = 0
        self.done = 0

    def __getattr__(self, method: str) -> Any:
        def called(**request: Any) -> Any:
            if method == "transact_write_items":
                self.calls += 1
                if self.refuses(self.calls):
                    error: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {}}
                    raise ClientError(error, method)
                self.done += 1
            return getattr(self.client, method)(**request)

        return called


@pytest.mark.parametrize(
    "refuses",
    [
        pytest.param(lambda call: call % 3 == 0, id="every third"),
        pytest.param(lambda call: call % 12 > 5, id="longer than a row waits"),
        pytest.param(lambda call: call < 40, id="for a long time"),
    ],
)
@pytest.mark.parametrize("at_once", [1, 8])
def test_a_throttled_table_makes_it_slower_and_not_dearer(
    refuses: Callable[[int], bool], at_once: int
) -> None:
    world = CarryingHarness(at_once=at_once)
    import_id = world.cut(bodies(60), bodies(60, 60))
    table = Throttled(world, refuses)
    world.work(world.carrier(table))
    assert world.job(import_id).counts == Counts(rows=120, created=120)
    assert table.done == 121, "each row once, and the end of the import"
    hours = [item for item in world.table.items() if item["PK"]["S"].endswith("USAGE")]
    assert sum(int(item["written"]["N"]) for item in hours) == 120


def test_a_row_that_fails_by_an_error_of_ours_goes_to_the_error_file_at_the_fifth_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carry_out_row = carrying.carry_out_row

    def failing(store: Any, given: Any, *more: Any) -> Any:
        if given.accepted["email"] == "p1@example.com":
            raise ZeroDivisionError
        return carry_out_row(store, given, *more)

    monkeypatch.setattr(carrying, "carry_out_row", failing)
    world = CarryingHarness()
    import_id = world.cut(bodies(3))
    message = world.queue.sent.pop()
    carrier = world.carrier()
    for times in range(1, 5):
        with pytest.raises(ZeroDivisionError):
            carrier.handle(step_from(message.body), times)
    carrier.handle(step_from(message.body), 5)
    world.work()
    job = world.job(import_id)
    assert (job.state, job.counts) == (
        ImportState.COMPLETED_WITH_ERRORS,
        Counts(rows=3, created=2, failed=1),
    )
    assert "not carried out" in world.failures(import_id)[0]["import_reason"]
    assert len(world.contacts()) == 2


def test_a_row_that_cannot_even_be_read_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ObjectReader):
        def read(self, row: Any) -> Any:
            return super().read(row if row.cells["email"] != "p1@example.com" else None)

    for task in (ImportTask.WRITE, ImportTask.CHECK):
        world = CarryingHarness()
        monkeypatch.setattr(world, "_reader_of", lambda *_: Broken())
        import_id = world.cut(bodies(3), task=task)
        message = world.queue.sent.pop()
        carrier = world.carrier()
        for times in range(1, 5):
            with pytest.raises(AttributeError):
                carrier.handle(step_from(message.body), times)
        carrier.handle(step_from(message.body), 5)
        world.work()
        assert world.job(import_id).counts == Counts(rows=3, created=2, failed=1)
        assert len(world.contacts()) == (2 if task is ImportTask.WRITE else 0)


def test_whoever_still_checks_a_part_does_not_count_it_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS has delivered the message twice, and the import is started while the slower one is at it."""
    from contacts.imports.carrying import PartRun

    world = CarryingHarness()
    import_id = world.cut(bodies(3), task=ImportTask.CHECK)
    message = world.queue.sent.pop()
    keep_preview = PartRun._preview

    def others_are_faster(run: PartRun, part: Any) -> None:
        monkeypatch.setattr(PartRun, "_preview", keep_preview)
        world.carrier().handle(step_from(message.body), 1)
        ready = world.job(import_id)
        assert ready.state is ImportState.READY
        world.store.replace(ready, ready.changed(state=ImportState.RUNNING, counts=Counts(rows=3)))
        world.send(import_id, ImportTask.WRITE, 1)
        run._preview(part)

    monkeypatch.setattr(PartRun, "_preview", others_are_faster)
    world.carrier().handle(step_from(message.body), 1)
    world.work()
    assert len(world.contacts()) == 3
    assert world.job(import_id).counts == Counts(rows=3, created=3)


class AwayOnce(ListedQueue):
    """A queue that does not answer at one time."""

    def __init__(self, at_call: int) -> None:
        super().__init__()
        self.at_call = at_call

    def send(self, messages: Any) -> None:
        self.at_call -= 1
        if self.at_call == 0:
            raise TemporarilyUnavailable
        super().send(messages)


@pytest.mark.parametrize("task", ImportTask)
def test_a_queue_that_is_away_once_does_not_end_the_chain(task: ImportTask) -> None:
    for at_call in (2, 3):
        world = CarryingHarness()
        parts = (bodies(1), bodies(1, 1), bodies(1, 2))
        is_undo = task is ImportTask.UNDO
        import_id = world.run(*parts).id if is_undo else ""
        world.queue = AwayOnce(at_call)
        if not is_undo:
            import_id = world.cut(*parts, task=task)

        def work(world: CarryingHarness = world) -> None:
            carrier = world.carrier()
            while world.queue.sent:
                message = world.queue.sent.pop(0)
                times = 1
                while carrier.handle(step_from(message.body), times):
                    times += 1

        if is_undo:
            assert world.undo(import_id, work).trashed == 3
        else:
            work()
            job = world.job(import_id)
            assert job.state is (ImportState.READY if task is ImportTask.CHECK else ImportState.COMPLETED)
            assert job.counts == Counts(rows=3, created=3)


@pytest.mark.parametrize("task", ImportTask)
def test_a_contact_that_is_never_free_ends_no_import(task: ImportTask) -> None:
    """Here: its email leads nowhere, so that each try finds the contact gone."""
    world = CarryingHarness()
    is_undo = task is ImportTask.UNDO
    import_id = world.run(bodies(3), bodies(1, 3)).id if is_undo else ""
    claim = keys.claim(world.account_id, Name(NameKind.EMAIL, "p1@example.com"))
    Table(world.table.client(), NAME).write_many({claim: {"contact_id": "nobody", "state": "live"}})
    if is_undo:
        undo = world.undo(import_id)
        assert (undo.trashed, undo.kept) == (3, 1)
        return
    # The third row changes nothing, so that it leaves no receipt.
    import_id = world.cut([*bodies(2), *bodies(1)], bodies(1, 3), task=task)
    world.work()
    assert world.job(import_id).counts == Counts(rows=4, created=2, unchanged=1, failed=1)
    if task is ImportTask.WRITE:
        assert "send the row again" in world.failures(import_id)[0]["import_reason"]


def test_a_queue_that_is_away_lets_the_message_come_again() -> None:
    world = CarryingHarness()
    world.cut(bodies(1), bodies(1, 1))
    message = world.queue.sent.pop()
    world.queue.fails = True
    with pytest.raises(TemporarilyUnavailable):
        world.carrier().handle(step_from(message.body), 1)
    world.queue.fails = False
    world.carrier().handle(step_from(message.body), 2)
    world.work()
    assert len(world.contacts()) == 2


def failing_parts(world: CarryingHarness, monkeypatch: pytest.MonkeyPatch, **more: Any) -> str:
    """The id of an import whose error file is too large for whoever does its parts; two of five rows are wrong."""
    from contacts.imports import steps

    monkeypatch.setattr(steps, "MOST_JOINED_PARTS", 2)
    wrong = {"email": "wrong"}
    return world.cut([*bodies(1), wrong], bodies(1, 1), [wrong, *bodies(1, 2)], **more)


def do_all_rows(world: CarryingHarness) -> None:
    """Carry out all parts, up to the message to the planner."""
    while not world.reading.sent:
        world.carrier().handle(step_from(world.queue.sent.pop(0).body), 1)


def test_a_message_to_the_planner_that_gets_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a planner of the release before drops it."""
    world = CarryingHarness()
    import_id = failing_parts(world, monkeypatch)
    do_all_rows(world)
    world.reading.sent.clear()
    assert [message.delay_s for message in world.queue.sent] == [900]
    world.work()
    assert world.job(import_id).state is ImportState.COMPLETED_WITH_ERRORS
    assert (world.queue.sent, world.reading.sent) == ([], [])


def test_a_large_error_file_is_made_by_the_planner_before_the_import_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CarryingHarness()
    import_id = failing_parts(world, monkeypatch)
    do_all_rows(world)
    assert (world.job(import_id).state, world.failures(import_id)) == (ImportState.RUNNING, [])
    world.plan()
    job = world.job(import_id)
    assert (job.state, job.counts) == (
        ImportState.COMPLETED_WITH_ERRORS,
        Counts(rows=5, created=3, failed=2),
    )
    assert [row["import_line"] for row in world.failures(import_id)] == [3, 5]
    assert len(world.bucket.objects) == 1
    events = [
        item["type"]["S"] for item in world.table.items() if "import." in item.get("type", {}).get("S", "")
    ]
    assert events == ["import.completed"]


def test_a_large_import_without_errors_needs_no_planner(monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.imports import steps

    monkeypatch.setattr(steps, "MOST_JOINED_PARTS", 1)
    world = CarryingHarness()
    job = world.run(bodies(1), bodies(1, 1))
    assert (job.state, world.reading.sent) == (ImportState.COMPLETED, [])


def test_a_planner_that_is_killed_anywhere_while_it_ends_an_import_loses_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CarryingHarness()
    beginning = world.table.snapshot()
    for at_call, is_after in kills():
        world.table.bring_back(beginning)
        world.bucket.objects.clear()
        import_id = failing_parts(world, monkeypatch)
        do_all_rows(world)
        (message,) = world.reading.sent
        wires = Wires(world, at_call, is_after=is_after)
        with suppress(Killed):
            world.plan(wires.bucket)
            if at_call > wires.calls:
                return
        world.reading.sent = [message]
        world.plan(times_received=2)
        assert world.job(import_id).state is ImportState.COMPLETED_WITH_ERRORS
        assert [row["import_line"] for row in world.failures(import_id)] == [3, 5], (at_call, is_after)
        assert len(world.bucket.objects) == 1
    raise AssertionError("it has more calls than that")


def test_an_error_file_that_cannot_be_made_does_not_keep_the_import_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CarryingHarness()
    import_id = failing_parts(world, monkeypatch)
    do_all_rows(world)
    world.plan(times_received=5)
    assert world.job(import_id).state is ImportState.COMPLETED_WITH_ERRORS
    assert world.bucket.objects == {}


def test_the_errors_of_a_large_import_that_fails_are_a_file_half_a_minute_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CarryingHarness()
    import_id = failing_parts(world, monkeypatch)
    world.carrier().handle(step_from(world.queue.sent.pop().body), 1)
    world.files.delete_parts(world.account_id, import_id)
    assert world.carrier().handle(step_from(world.queue.sent.pop().body), 5) is None
    assert [message.delay_s for message in world.reading.sent] == [30]
    assert world.job(import_id).state is ImportState.FAILED
    world.plan()
    assert [row["import_line"] for row in world.failures(import_id)] == [3]
    assert len(world.bucket.objects) == 1


def test_an_error_file_is_not_begun_when_little_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.imports.carrying import PartRun

    world = CarryingHarness()
    import_id = world.cut([*bodies(1), {"email": "wrong"}])
    finish = PartRun._finish

    def late(run: PartRun) -> None:
        run._services = replace(run._services, has_time_left=lambda seconds: seconds < 60)
        finish(run)

    monkeypatch.setattr(PartRun, "_finish", late)
    world.carrier().handle(step_from(world.queue.sent.pop().body), 1)
    assert (world.job(import_id).state, len(world.queue.sent)) == (ImportState.RUNNING, 1)
    monkeypatch.setattr(PartRun, "_finish", finish)
    world.work()
    assert world.job(import_id).state is ImportState.COMPLETED_WITH_ERRORS


DAY_MS = 86_400_000


def test_an_import_that_needs_more_than_29_days_says_so_and_keeps_what_it_did() -> None:
    world = CarryingHarness(own_written_limit=1)
    import_id = world.cut([*bodies(1), {"email": "wrong"}], bodies(100, 1), bodies(1, 101))
    began = world.clock.at_ms
    while world.clock.at_ms < began + 28 * DAY_MS:
        world.clock.at_ms += DAY_MS
        world.carrier().handle(step_from(world.queue.sent.pop().body), 1)
    assert world.job(import_id).state in (ImportState.RUNNING, ImportState.PAUSED)
    world.clock.at_ms += DAY_MS
    world.work()
    job = world.job(import_id)
    assert job.problem is not None
    assert (job.state, job.problem.code) == (ImportState.FAILED, "out_of_time")
    assert job.counts == Counts(rows=103, created=1, failed=1)
    assert [row["import_line"] for row in world.failures(import_id)] == [3]
    assert len(world.bucket.objects) == 1
    kept_until = next(int(item["ttl"]["N"]) for item in world.table.items() if item["SK"]["S"] == import_id)
    assert world.clock.at_ms / 1000 < kept_until - DAY_MS / 1000 / 2
    events = [
        item["type"]["S"] for item in world.table.items() if "import." in item.get("type", {}).get("S", "")
    ]
    assert events == ["import.failed"]


def test_an_account_that_is_suspended_for_29_days_gets_its_import_back_as_failed() -> None:
    world = CarryingHarness()
    import_id = world.cut(bodies(2))
    accounts = AccountStore(Table(world.table.client(), NAME))
    accounts.suspend(world.account_id, "2026-01-01T00:00:00.000Z", "abuse")
    world.carrier().handle(step_from(world.queue.sent.pop(0).body), 1)
    world.clock.at_ms += 29 * DAY_MS
    world.work()
    assert world.job(import_id).state is ImportState.FAILED
    assert world.contacts() == {}


def test_an_undo_goes_on_however_old_its_import_is() -> None:
    """Its days count from the first row, which may be of the last days."""
    world = CarryingHarness()
    import_id = world.cut(bodies(3))
    job = world.job(import_id)
    world.store.replace(job, job.changed(created_at="2025-12-20T10:30:00.000Z"))
    world.clock.at_ms -= 3 * DAY_MS
    world.work()
    world.clock.at_ms += 6 * DAY_MS
    assert world.undo(import_id).trashed == 3


def test_an_import_of_a_later_release_is_read() -> None:
    """While it is rolled out, both are at work."""
    world = CarryingHarness()
    job = world.run(bodies(3))
    world.undo(job.id)
    (item,) = (item for item in world.table.items() if item["SK"]["S"] == job.id)
    for name in ("options", "file", "undo"):
        item[name]["M"]["later"] = {"S": "new"}
    item["counts"]["L"].append({"N": "5"})
    item["later"] = {"S": "new"}
    before = world.job(job.id)
    world.table.client().put_item(TableName=NAME, Item=item)
    assert world.job(job.id) == before


# Rows that have written nothing

AS_IT_IS = {"email": "ada@example.com", "first_name": "Ada"}
TO_BEA = {"email": "ada@example.com", "first_name": "Bea"}


def paused_after(*rows: dict[str, Any]) -> tuple[CarryingHarness, str]:
    """An import of ada's rows and others, whose hour is full after the first ones."""
    world = CarryingHarness(own_written_limit=40)
    assert world.api.request("POST", "/v1/contacts", body=AS_IT_IS).status == 201
    import_id = world.cut([*rows, *bodies(80)])
    world.carrier().handle(step_from(world.queue.sent.pop(0).body), 1)
    assert world.job(import_id).state is ImportState.PAUSED
    return world, import_id


def test_the_last_row_of_a_person_wins_across_a_pause() -> None:
    world, import_id = paused_after(AS_IT_IS, TO_BEA)
    world.work()
    assert world.by_email()["ada@example.com"].first_name == "Bea"
    assert world.job(import_id).counts == Counts(rows=82, created=80, updated=1, unchanged=1)
    undo = world.undo(import_id)
    assert (undo.trashed, undo.restored, undo.kept) == (80, 1, 0)
    assert world.by_email()["ada@example.com"].first_name == "Ada"


@pytest.mark.parametrize(
    ("method", "body", "query", "left"),
    [
        ("PATCH", {"first_name": "Hand"}, {}, "Hand"),
        ("DELETE", None, {"permanent": "true"}, None),
    ],
)
def test_a_row_that_was_done_before_a_pause_is_not_done_again(
    method: str, body: Any, query: dict[str, str], left: str | None
) -> None:
    world, import_id = paused_after(AS_IT_IS)
    route = "/v1/contacts/{ref}"
    assert world.api.request(method, route, "ada@example.com", body=body, query=query).status == 200
    world.work()
    found = world.by_email().get("ada@example.com")
    assert (found.first_name if found else None) == left
    assert world.job(import_id).counts == Counts(rows=81, created=80, unchanged=1)


@pytest.mark.parametrize(
    ("rows", "calls"),
    [
        ([AS_IT_IS, TO_BEA, *bodies(3)], range(1, 40)),
        ([AS_IT_IS, *bodies(100), TO_BEA], (5, 12, 60, 115, 125, 130)),
    ],
    ids=["in one hundred", "in two"],
)
def test_the_last_row_of_a_person_wins_wherever_a_function_is_killed(rows: list[Any], calls: Any) -> None:
    for at_call in calls:
        for is_after in (False, True):
            world = CarryingHarness()
            assert world.api.request("POST", "/v1/contacts", body=AS_IT_IS).status == 201
            import_id = world.cut(rows)
            message = world.queue.sent.pop()
            wires = Wires(world, at_call, is_after=is_after)
            with suppress(Killed):
                world.carrier(wires.client, wires.bucket).handle(step_from(message.body), 1)
            world.carrier().handle(step_from(message.body), 2)
            world.work()
            assert world.job(import_id).counts == Counts(
                rows=len(rows), created=len(rows) - 2, updated=1, unchanged=1
            )
            assert world.by_email()["ada@example.com"].first_name == "Bea"


@pytest.mark.parametrize("at_call", range(1, 30))
def test_the_last_row_of_a_person_wins_where_two_functions_are_at_the_part(at_call: int) -> None:
    world = CarryingHarness()
    assert world.api.request("POST", "/v1/contacts", body=AS_IT_IS).status == 201
    import_id = world.cut([AS_IT_IS, TO_BEA], bodies(2))
    message = world.queue.sent.pop()

    def another() -> None:
        world.carrier().handle(step_from(message.body), 1)

    client = Interrupted(world.table.client(), at_call, another)
    if world.carrier(client).handle(step_from(message.body), 1):
        world.carrier().handle(step_from(message.body), 2)
    world.work()
    assert world.by_email()["ada@example.com"].first_name == "Bea"
    assert world.job(import_id).counts == Counts(rows=4, created=2, updated=1, unchanged=1)
    undo = world.undo(import_id)
    assert (undo.trashed, undo.restored, undo.kept) == (2, 1, 0)


def test_a_row_that_failed_before_a_pause_fails_for_its_own_reason() -> None:
    world = CarryingHarness(own_written_limit=40)
    for body in (AS_IT_IS, {"email": "bea@example.com", "external_id": "crm-2"}):
        assert world.api.request("POST", "/v1/contacts", body=body).status == 201
    taken = {"email": "ada@example.com", "external_id": "crm-2"}
    import_id = world.cut([taken, TO_BEA, *bodies(80)])
    world.carrier().handle(step_from(world.queue.sent.pop(0).body), 1)
    assert world.job(import_id).unwritten == "f"
    world.work()
    assert world.job(import_id).counts == Counts(rows=82, created=80, updated=1, failed=1)
    (failed,) = world.failures(import_id)
    assert failed["import_field"] == "external_id", failed
    assert world.by_email()["ada@example.com"].first_name == "Bea"


def test_a_row_that_failed_and_would_not_any_more_is_not_carried_out_behind_others() -> None:
    world = CarryingHarness(own_written_limit=40)
    for body in (AS_IT_IS, {"email": "bea@example.com", "external_id": "crm-2"}):
        assert world.api.request("POST", "/v1/contacts", body=body).status == 201
    taken = {"email": "ada@example.com", "external_id": "crm-2"}
    import_id = world.cut([taken, *bodies(80)])
    world.carrier().handle(step_from(world.queue.sent.pop(0).body), 1)
    route, erase = "/v1/contacts/{ref}", {"permanent": "true"}
    assert world.api.request("DELETE", route, "bea@example.com", query=erase).status == 200
    world.work()
    assert world.job(import_id).counts == Counts(rows=81, created=80, failed=1)
    assert world.by_email()["ada@example.com"].external_id is None


@pytest.mark.parametrize("rows", [[AS_IT_IS, TO_BEA], [AS_IT_IS, *bodies(100, 500), TO_BEA]])
def test_the_last_row_of_a_person_wins_where_another_message_asks_for_the_part(rows: list[Any]) -> None:
    """As `start` sends two, and as who finds that a chain stands still sends one more: while the import is paused."""
    world = CarryingHarness(own_written_limit=40 + len(rows))
    assert world.api.request("POST", "/v1/contacts", body=AS_IT_IS).status == 201
    import_id = world.cut([*rows, *bodies(80)])
    message = world.queue.sent.pop(0)
    world.carrier().handle(step_from(message.body), 1)
    assert world.job(import_id).state is ImportState.PAUSED
    patched = {"first_name": "Hand"}
    assert world.api.request("PATCH", "/v1/contacts/{ref}", "ada@example.com", body=patched).status == 200
    world.clock.at_ms += 3_600_000
    world.carrier().handle(step_from(message.body), 1)
    world.work()
    assert world.by_email()["ada@example.com"].first_name == "Hand"
    assert world.job(import_id).counts.unchanged == 1


def test_an_import_that_ran_out_of_time_amid_its_first_part_can_be_taken_back() -> None:
    world, import_id = paused_after(TO_BEA)
    assert world.by_email()["ada@example.com"].first_name == "Bea"
    world.clock.at_ms += 30 * 24 * 3_600_000
    world.work()
    job = world.job(import_id)
    assert (job.state, job.counts.updated) == (ImportState.FAILED, 0)
    assert job.may_have_written


def test_a_row_that_failed_by_an_error_of_ours_holds_nothing_up_after_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = CarryingHarness(own_written_limit=40)
    import_id = world.cut([{"email": "bug@example.com"}, *bodies(80)])
    real = carrying.carry_out_row

    def with_a_bug(store: Any, given: Any, *more: Any) -> Any:
        if given.accepted.get("email") == "bug@example.com":
            raise RuntimeError("a bug")
        return real(store, given, *more)

    monkeypatch.setattr(carrying, "carry_out_row", with_a_bug)
    world.carrier().handle(step_from(world.queue.sent.pop(0).body), 5)
    assert (world.job(import_id).state, world.job(import_id).unwritten) == (ImportState.PAUSED, "f")
    world.work()
    assert world.job(import_id).counts == Counts(rows=81, created=80, failed=1)
