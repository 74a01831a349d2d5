"""Written items of an import: those of rows that wrote something are counted in the end, and no others."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Account, Charge, Usage
from contacts.accounts.store import BeyondLimit
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import hour_of
from contacts.imports.metering import WrittenItems
from contacts.imports.model import Counts, ImportMode, ImportStep, step_from
from local.table import NAME
from tests.support.app import caller_of
from tests.support.carrying_harness import CarryingHarness, bodies
from tests.support.fakes import FakeClock
from tests.support.hypothesis_profiles import examples
from tests.support.table_costs import CountedClient

HOUR_MS = 3_600_000


class Meter:
    """`AccountStore.count` of written items, by hour."""

    def __init__(self) -> None:
        self.hours: dict[str, int] = {}
        self.calls = 0
        self.is_away = False

    def count(self, account: Account, key_id: str, at_ms: int, charge: Charge) -> Usage:
        self.calls += 1
        if self.is_away:
            raise TemporarilyUnavailable
        before = self.hours.get(hour_of(at_ms), 0)
        after = before + charge.written
        if after > account.hourly_written_limit - charge.left_to_others:
            raise BeyondLimit(Usage(0, before))
        self.hours[hour_of(at_ms)] = after
        return Usage(0, after)


def world_of(limit: int) -> tuple[Any, Meter, FakeClock, Account]:
    meter, clock = Meter(), FakeClock()
    account = replace(caller_of("a").account, own_written_limit=limit)
    return WrittenItems(meter, clock), meter, clock, account  # type: ignore[arg-type]


@settings(max_examples=examples(300))
@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.booleans()), max_size=60),
    st.integers(20, 200),
    st.integers(1, 20),
)
def test_what_is_counted_in_the_end_is_what_was_written(
    rows: list[tuple[int, bool, bool]], limit: int, at_once: int
) -> None:
    """Rows: what each weighs, whether it writes, and whether an hour passes before it."""
    items, meter, clock, account = world_of(limit)
    used: dict[str, int] = {}
    for start in range(0, len(rows), at_once):
        left = rows[start : start + at_once]
        while left:
            clock.at_ms += HOUR_MS * left[0][2]
            fitting = items.room_for(account, "k", [weight for weight, *_ in left])
            if not fitting:
                clock.at_ms += HOUR_MS
                continue
            now, left = left[:fitting], left[fitting:]
            written = sum(weight for weight, writes, _ in now if writes)
            items.use(written)
            hour = hour_of(clock.at_ms)
            used[hour] = used.get(hour, 0) + written
            assert used[hour] <= meter.hours[hour] <= limit - limit // 10
    items.give_back()
    assert {hour: count for hour, count in meter.hours.items() if count} == {
        hour: count for hour, count in used.items() if count
    }


def test_rows_that_write_nothing_are_counted_once_however_many_they_are() -> None:
    items, meter, _, account = world_of(1000)
    for _ in range(10):
        assert items.room_for(account, None, [1] * 100) == 100
    items.give_back()
    items.give_back()
    assert (meter.calls, meter.hours.popitem()[1]) == (2, 0)


def test_a_meter_that_is_away_when_items_are_given_back_ends_nothing() -> None:
    items, meter, _, account = world_of(1000)
    items.room_for(account, None, [1])
    meter.is_away = True
    items.give_back()
    meter.is_away = False
    assert meter.hours.popitem()[1] == 1


def test_a_row_that_fits_no_hour_gives_back_no_more_than_was_counted() -> None:
    items, meter, _, account = world_of(10)
    assert items.room_for(account, None, [50]) == 1
    items.give_back()
    assert meter.hours.popitem()[1] == 0
    assert items.room_for(account, None, [50]) == 1
    items.use(50)
    items.give_back()
    assert meter.hours.popitem()[1] == 9


def counted(world: CarryingHarness) -> int:
    hours = [item for item in world.table.items() if item["PK"]["S"].endswith("USAGE")]
    return sum(int(item["written"]["N"]) for item in hours)


KINDS: dict[str, Any] = {
    "created": lambda number: {"email": f"new{number}@example.com"},
    "unchanged": lambda number: {"email": f"p{number % 50}@example.com", "first_name": "Ada"},
    "updated": lambda number: {"email": f"p{number % 50}@example.com", "last_name": f"L{number}"},
    "failed": lambda number: {"email": f"wrong {number}"},
    "blank": lambda _: {},
}


@settings(max_examples=examples(15))
@given(
    st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=40),
    st.sampled_from([None, 20]),
    st.sampled_from([1, 8]),
)
def test_an_import_counts_the_rows_that_it_writes(kinds: list[str], limit: int | None, at_once: int) -> None:
    world = CarryingHarness(at_once=at_once, own_written_limit=limit)
    for body in bodies(50, first_name="Ada"):
        world.api.request("POST", "/v1/contacts", body=body)
    before = counted(world)
    rows = [KINDS[kind](number) for number, kind in enumerate(kinds)]
    job = world.run(rows[:25], rows[25:])
    assert counted(world) - before == job.counts.created + job.counts.updated


def test_unchanged_and_skipped_rows_do_not_wait_for_the_next_hour() -> None:
    """A nightly sync on a small plan: 300 rows in an hour of 36."""
    world = CarryingHarness()
    world.run(bodies(300))
    world.table.client().update_item(
        TableName=NAME,
        Key={"PK": {"S": f"ACCOUNT#{world.account_id}"}, "SK": {"S": "ACCOUNT"}},
        UpdateExpression="SET hourly_written_limit = :few",
        ExpressionAttributeValues={":few": {"N": "40"}},
    )
    world.clock.at_ms += HOUR_MS
    for mode, result in ((ImportMode.UPSERT, "unchanged"), (ImportMode.CREATE, "skipped")):
        began = world.clock.at_ms
        client = CountedClient(world.table)
        import_id = world.cut(bodies(300), mode=mode)
        world.work(world.carrier(client))
        assert world.job(import_id).counts == Counts(rows=300)._replace(**{result: 300})
        assert world.clock.at_ms - began < 60_000
        assert counted(world) == 300
        assert client.calls["update_item"] == 2, "counted once and given back once"


def test_an_undo_counts_the_rows_of_which_it_writes_something() -> None:
    world = CarryingHarness()
    world.run(bodies(10, 20))
    job = world.run(bodies(30, first_name="Row", last_name="Row"))
    assert job.counts == Counts(rows=30, created=20, updated=10)
    for number in (*range(10), *range(20, 25)):
        body = {"first_name": "Changed"}
        path = "/v1/contacts/{ref}"
        assert world.api.request("PATCH", path, f"p{number}@example.com", body=body).status == 200
    before = counted(world)
    undo = world.undo(job.id)
    # Of what was created ten were changed since. Of what was updated five were, and get their last names back.
    assert (undo.trashed, undo.restored, undo.kept) == (10, 5, 15)
    assert counted(world) - before == 20


@pytest.mark.parametrize("part", [1, 2])
def test_what_a_put_off_part_did_not_write_is_given_back(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from contacts.imports import carrying

    world = CarryingHarness()
    import_id = world.cut(bodies(5), bodies(5, 5))
    for _ in range(part - 1):
        world.carrier().handle(step_of(world), 1)

    def busy(*_: Any) -> Any:
        raise TemporarilyUnavailable

    carry_out_row = carrying.carry_out_row
    monkeypatch.setattr(carrying, "carry_out_row", busy)
    world.carrier().handle(step_of(world), 1)
    assert counted(world) == 5 * (part - 1)
    monkeypatch.setattr(carrying, "carry_out_row", carry_out_row)
    world.work()
    assert world.job(import_id).counts == Counts(rows=10, created=10)
    assert counted(world) == 10


def step_of(world: CarryingHarness) -> ImportStep:
    return step_from(world.queue.sent.pop(0).body)
