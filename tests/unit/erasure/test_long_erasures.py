"""An erasure of any length: how far a run gets, what is kept of it, and how it goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from threading import Lock
from time import sleep
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.book.model import merged_tombstone_item, tombstone_item
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.erasure.model import SECOND_PASS_AFTER, Erasure
from contacts.erasure.run import LONGEST_RUN
from contacts.erasure.service import AT_ONCE, pause_after
from contacts.table import keys
from contacts.table.client import LONGEST_CALL, Table
from contacts.table.expressions import Item, from_item
from local.table import NAME
from local.template import functions, template
from tests.support.app import App, ListedQueue
from tests.support.event_harness import ErasureDesk
from tests.support.fakes import FakeClock, OneAtATime
from tests.support.long_timeline import fill
from tests.support.moto_table import MotoTable
from tests.support.table_costs import CountedClient

ACCOUNT, OTHER = uuid7(1, bytes(10)), uuid7(2, bytes(10))
ADA, BEA = uuid7(3, bytes(10)), uuid7(4, bytes(10))
PERSONAL = "ada@example.com"
ERASE_ADA = {"account_id": ACCOUNT, "contact_id": ADA, "version": 1}


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "any")


@dataclass
class Throttling:
    """A client whose calls are refused where `is_refused` says so, of the number of a call since the run began."""

    client: Any
    is_refused: Callable[[int], bool] = lambda _: False
    calls: int = 0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        self.calls += 1
        if self.is_refused(self.calls):
            raise throttled()
        return getattr(self.client, method)(**request)


@dataclass
class World:
    """A table with Ada, who was deleted for good, and an eraser."""

    table: MotoTable = field(default_factory=MotoTable)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.plain = Table(self.table.client(), NAME)
        self.counted = CountedClient(self.table)
        self.client = Throttling(self.counted)
        self.app = App(self.client, clock=self.clock)
        self.desk = ErasureDesk(self.app)

    def has(
        self, events: int, webhooks: int = 0, *, account_id: str = ACCOUNT, contact_id: str = ADA
    ) -> None:
        """Give a contact so many events, each delivered to so many webhooks, and delete it for good."""
        webhook_ids = [f"wh_{number}" for number in range(webhooks)]
        fill(self.plain, account_id, contact_id, events, webhook_ids, now_ms=self.clock.at_ms)
        self.bury(account_id, contact_id)

    def bury(self, account_id: str = ACCOUNT, contact_id: str = ADA) -> None:
        key = keys.tombstone(account_id, contact_id)
        self.plain.write_many({key: tombstone_item(1, self.clock.at_ms)})

    def run(self, body: Mapping[str, object]) -> int | None:
        """One run, as an invocation."""
        self.client.calls = 0
        return self.desk.eraser.handle(body)

    def entries(self, contact_id: str = ADA, account_id: str = ACCOUNT) -> list[Item]:
        room = keys.about_contact(account_id, contact_id)
        return [from_item(item) for item in self.table.items_below(room)]

    def told_of_ada(self) -> list[str]:
        """The keys of items that tell something of her."""
        return [f"{item['PK']} {item['SK']}" for item in self.table.items() if PERSONAL in str(item)]


@pytest.fixture
def world() -> World:
    return World()


# How many calls


@pytest.mark.parametrize(
    ("events", "webhooks", "calls"),
    [
        # A query, a tombstone that is there; then an update each, and a deletion of 25.
        pytest.param(120, 0, 2 + 120 + 10, id="no endpoints"),
        # And a read of up to a hundred deliveries, and a put of 25.
        pytest.param(24, 10, 2 + 24 + 6 + 18 + 6, id="ten endpoints"),
    ],
)
def test_a_pass_takes_few_calls_beside_one_for_each_event_and_delivery(
    world: World, events: int, webhooks: int, calls: int
) -> None:
    world.has(events, webhooks)
    assert len(world.told_of_ada()) == events * (1 + webhooks)
    assert world.run(ERASE_ADA) is None
    assert world.counted.calls.total() <= calls
    assert world.counted.calls["update_item"] == events
    assert (world.told_of_ada(), world.entries()) == ([], [])
    world.counted.calls.clear()
    world.desk.second_passes()
    # And one each that finds no exports, and no imports.
    assert world.counted.calls == {"query": 3}, "the second pass finds nothing"


def test_deliveries_that_ended_without_a_response_are_not_written(world: World) -> None:
    world.has(5, 10)
    for item in map(from_item, world.table.items()):
        if item["SK"].startswith("DELIVERY#"):
            made = [{"at": iso(0), "status_code": 204, "duration_ms": 1}]
            world.plain.write_many({keys.Key.of(item): {**item, "attempts": made}})
    before = world.table.items_below(f"ACCOUNT#{ACCOUNT}#WEBHOOK#")
    world.run(ERASE_ADA)
    assert world.counted.calls["update_item"] == 5, "of the events alone"
    assert world.table.items_below(f"ACCOUNT#{ACCOUNT}#WEBHOOK#") == before


def test_nothing_is_written_for_what_has_expired(world: World) -> None:
    """Events from before the log's thirty days, and their deliveries: nobody appends or begins them any more."""
    fill(world.plain, ACCOUNT, ADA, 3, ["wh_1"], now_ms=world.clock.at_ms, age_ms=32 * DAY * 1000)
    of_events = ("ACCOUNT#" + ACCOUNT + "#WEBHOOK#", "ACCOUNT#" + ACCOUNT + "#EVENTS#")
    expired = [
        keys.Key.of(from_item(item)) for prefix in of_events for item in world.table.items_below(prefix)
    ]
    assert len(expired) == 6
    world.plain.write_many({}, expired)
    world.bury()
    world.run(ERASE_ADA)
    assert [item for prefix in of_events for item in world.table.items_below(prefix)] == []
    assert world.entries() == []


# Several at once


@dataclass
class Crowd:
    """A client that knows how many calls were under way at once."""

    client: Any
    lock: Any = field(default_factory=Lock)
    now: int = 0
    most: int = 0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        sleep(0.001)
        try:
            return getattr(self.client, method)(**request)
        finally:
            with self.lock:
                self.now -= 1


def test_a_run_makes_ten_calls_at_a_time_and_no_more(world: World) -> None:
    world.has(30, 2)
    crowd = Crowd(OneAtATime(world.table.client()))
    app = App(crowd, clock=world.clock)
    app.deadline.begin(inf)
    assert app.eraser().handle(ERASE_ADA) is None
    assert 1 < crowd.most <= AT_ONCE
    assert (world.told_of_ada(), world.entries()) == ([], [])


# A busy table


@pytest.mark.parametrize("every", [2, 3, 7])
def test_where_every_nth_call_is_throttled_each_run_gets_further(every: int) -> None:
    calm, world = World(), World()
    for one in (calm, world):
        one.has(20, 3)
    calm.run(ERASE_ADA)
    world.client.is_refused = lambda number: number % every == 0
    assert runs_until_done(world) < 5
    assert world.told_of_ada() == []
    assert world.counted.write_units <= 1.2 * calm.counted.write_units
    assert world.counted.read_units <= 1.2 * calm.counted.read_units


@pytest.mark.parametrize(("calls", "at_most"), [(12, 2.0), (40, 1.6)])
def test_where_a_run_makes_few_calls_and_then_none_each_gets_further(calls: int, at_most: float) -> None:
    calm, world = World(), World()
    for one in (calm, world):
        one.has(20, 3)
    calm.run(ERASE_ADA)
    world.client.is_refused = lambda number: number > calls
    runs_until_done(world)
    assert world.told_of_ada() == []
    assert world.counted.write_units <= at_most * calm.counted.write_units


def runs_until_done(world: World) -> int:
    """Run until the second pass is asked for; each run has to remove something."""
    body: Mapping[str, object] = ERASE_ADA
    for number in range(1, 200):
        assert world.run(body) is None, f"run {number} has removed nothing"
        if world.desk.second.messages:
            return number
        (message,) = world.desk.first.messages
        assert (message.delay_s, message.group) == (5, ACCOUNT)
        body = message.body
        world.desk.first.messages.clear()
    raise AssertionError("it never ends")


def test_a_run_that_removes_nothing_waits_longer_each_time_and_is_counted(world: World) -> None:
    world.has(3)
    world.client.is_refused = lambda _: True
    pauses = [world.desk.eraser.handle(ERASE_ADA, times) for times in range(1, 11)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert (world.desk.first.messages, world.desk.second.messages) == ([], [])
    assert len(world.entries()) == 3


def test_a_second_pass_that_removes_nothing_comes_again_by_its_own_queue(world: World) -> None:
    world.has(3)
    world.client.is_refused = lambda _: True
    with pytest.raises(TemporarilyUnavailable):
        world.run({**ERASE_ADA, "buried": True, "pass": 2})


def test_whose_message_cannot_be_sent_comes_again(world: World) -> None:
    world.has(3)
    world.app.queues["SECOND_ERASURE"] = ListedQueue(fails=True)
    eraser = world.app.eraser()
    assert eraser.handle(ERASE_ADA) == 5
    world.app.queues["SECOND_ERASURE"].fails = False
    assert eraser.handle(ERASE_ADA, 2) is None
    assert len(world.app.queues["SECOND_ERASURE"].sent) == 1


def test_one_trace_that_cannot_be_removed_does_not_keep_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.has(20)
    poisoned = world.entries()[7]["SK"]
    strip, store = world.desk.eraser._store.strip_event, world.desk.eraser._store

    def strip_event(account_id: str, appended_at: str, event_id: str, *, may_come: bool) -> None:
        if event_id in poisoned:
            raise KeyError("a bug")
        strip(account_id, appended_at, event_id, may_come=may_come)

    monkeypatch.setattr(store, "strip_event", strip_event)
    with pytest.raises(KeyError):
        world.run(ERASE_ADA)
    assert [entry["SK"] for entry in world.entries()] == [poisoned]
    assert world.desk.second.messages == []


# Time


def test_a_long_erasure_goes_on_by_a_new_message_and_lets_another_account_in(world: World) -> None:
    """One run at a time, of a queue in its order."""
    world.has(150)
    world.has(3, account_id=OTHER, contact_id=BEA)
    queue: list[Mapping[str, object]] = [ERASE_ADA, {"account_id": OTHER, "contact_id": BEA, "version": 1}]
    slow = Slow(world.client.client, world.clock)
    world.client.client = slow
    noted: list[tuple[str, int]] = []
    world.desk.eraser._log_long = lambda erasure, seconds: noted.append((erasure.account_id, seconds))
    order = []
    while queue:
        body = queue.pop(0)
        began_ms = world.clock.at_ms
        assert world.run(body) is None
        assert world.clock.at_ms - began_ms < 2 * LONGEST_RUN * 1000
        order.append(body["account_id"])
        queue += [message.body for message in world.desk.first.messages]
        assert all(message.delay_s == 0 for message in world.desk.first.messages)
        world.desk.first.messages.clear()
    assert order[:2] == [ACCOUNT, OTHER]
    assert order.count(ACCOUNT) > 2
    assert order.count(OTHER) == 1
    assert (world.entries(), world.entries(BEA, OTHER)) == ([], [])
    assert [message.body["contact_id"] for message in world.desk.second.messages] == [BEA, ADA]
    assert {account_id for account_id, _ in noted} == {ACCOUNT}
    assert [seconds for _, seconds in noted] == sorted(seconds for _, seconds in noted), (
        "of all runs together"
    )
    assert noted[-1][1] > 2 * LONGEST_RUN


@dataclass
class Slow:
    """A client of a table that takes 500 ms for each call."""

    client: Any
    clock: FakeClock

    def __getattr__(self, method: str) -> Callable[..., Any]:
        self.clock.at_ms += 500
        return getattr(self.client, method)  # type: ignore[no-any-return]


# The second pass


def recorded(world: World, at_ms: int, **entry: object) -> tuple[str, keys.Key]:
    """A custom event in the timeline, recorded at a moment; its id and key."""
    event_id = uuid7(at_ms, bytes(10))
    key = keys.timeline_entry(ACCOUNT, ADA, event_id)
    item = {
        "type": "contact.event",
        "timestamp": iso(at_ms),
        "name": PERSONAL,
        "data": {"to": PERSONAL},
        "ttl": 9,
    }
    world.plain.write_many({key: {**item, **entry}})
    return event_id, key


def test_what_a_dispatcher_may_still_be_appending_leads_the_second_pass_to_it(world: World) -> None:
    """Its entry is there, and the first pass is over before the event is."""
    now_ms = world.clock.at_ms
    long_ago = now_ms - (SECOND_PASS_AFTER + 1) * 1000
    _, appending = recorded(world, now_ms, appended_at=iso(now_ms - 1000), webhooks=["wh_1"])
    _, waiting = recorded(world, long_ago - 1)
    recorded(world, long_ago, appended_at=iso(long_ago), webhooks=[])
    world.bury()
    world.run(ERASE_ADA)
    assert world.told_of_ada() == []
    assert {keys.Key.of(entry) for entry in world.entries()} == {appending, waiting}
    log = keys.event(ACCOUNT, iso(now_ms - 1000), appending.SK.removeprefix("EVENT#"))
    world.plain.write_many({log: {"id": "e", "type": "contact.event", "data": {"to": PERSONAL}}})
    appended_at = iso(now_ms + 50_000)
    entry = {
        "type": "contact.event",
        "timestamp": appended_at,
        "appended_at": appended_at,
        "webhooks": [],
        "ttl": 9,
    }
    world.plain.write_many({waiting: {**entry, "data": {"to": PERSONAL}}})
    other = keys.event(ACCOUNT, appended_at, waiting.SK.removeprefix("EVENT#"))
    world.plain.write_many({other: {"id": "f", "type": "contact.event", "data": {"to": PERSONAL}}})
    assert len(world.told_of_ada()) == 3
    world.clock.at_ms += SECOND_PASS_AFTER * 1000
    world.desk.second_passes()
    assert (world.told_of_ada(), world.entries()) == ([], [])


def test_an_event_that_a_late_dispatcher_appends_after_the_first_pass_goes_in_the_second(
    world: World,
) -> None:
    world.has(3)
    world.run(ERASE_ADA)
    (message,) = world.desk.second.messages
    assert message.delay_s == SECOND_PASS_AFTER
    assert message.group == ACCOUNT
    at_ms = world.clock.at_ms + 100_000
    fill(world.plain, ACCOUNT, ADA, 1, ["wh_1"], now_ms=at_ms, age_ms=0)
    assert len(world.told_of_ada()) == 2
    world.desk.second_passes()
    assert (world.told_of_ada(), world.entries()) == ([], [])
    assert world.desk.second.messages == [], "there is no third pass"


def test_a_tombstone_in_the_contacts_own_partition_is_no_trace(world: World) -> None:
    world.has(3)
    own = keys.Key(keys.about_contact(ACCOUNT, ADA), "TOMBSTONE")
    for tombstone in (tombstone_item(1, world.clock.at_ms), merged_tombstone_item(BEA, world.clock.at_ms)):
        world.plain.write_many({own: tombstone})
        world.run(ERASE_ADA)
        world.desk.second_passes()
        assert [entry["SK"] for entry in world.entries()] == ["TOMBSTONE"]


# Who was merged, and who left the trash by time


def test_what_had_been_merged_is_erased_in_the_same_runs(world: World) -> None:
    merged = [uuid7(10 + number, bytes(10)) for number in range(40)]
    for contact_id in merged:
        fill(world.plain, ACCOUNT, contact_id, 2, now_ms=world.clock.at_ms)
    world.has(2)
    assert world.run({**ERASE_ADA, "merged_ids": merged}) is None
    assert world.told_of_ada() == []
    (second,) = world.desk.second.messages
    assert second.body["merged_ids"] == merged
    assert world.counted.calls["batch_write_item"] < 12, "those of several people together"
    written = {item["SK"]["S"] for item in world.table.items_below(f"ACCOUNT#{ACCOUNT}#TRASH")}
    assert len(written) == 41


def test_a_run_that_finds_no_tombstone_writes_it_and_leaves_the_rest_to_its_record(world: World) -> None:
    """The stream tells of the tombstone, so the projection asks for the erasure."""
    fill(world.plain, ACCOUNT, ADA, 3, now_ms=world.clock.at_ms)
    assert world.run(ERASE_ADA) is None
    assert (world.desk.first.messages, world.desk.second.messages) == ([], [])
    assert len(world.entries()) == 3
    assert world.run(ERASE_ADA) is None
    assert world.entries() == []
    assert len(world.desk.second.messages) == 1


# Messages


def test_messages_of_earlier_releases_are_read_and_they_read_those_of_this_one() -> None:
    earlier = {"account_id": ACCOUNT, "contact_id": ADA, "version": 7, "merged_ids": [BEA]}
    erasure = Erasure.of_message(earlier)
    assert (erasure.is_buried, erasure.is_second, erasure.began_at_ms) == (False, False, None)
    assert erasure.message() == earlier
    later = Erasure(
        account_id=ACCOUNT,
        contact_id=ADA,
        version=7,
        merged_ids=(BEA,),
        is_buried=True,
        is_second=True,
        began_at_ms=5,
    )
    assert later.message() == {**earlier, "buried": True, "pass": 2, "began_at_ms": 5}
    assert Erasure.of_message(later.message()) == later
    assert Erasure.of_message({"account_id": ACCOUNT, "contact_id": ADA}).message() == {
        **ERASE_ADA,
        "version": 0,
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"account_id": ACCOUNT},
        {"account_id": ACCOUNT, "contact_id": "ada@example.com"},
        {"account_id": 7, "contact_id": ADA},
        {"account_id": ACCOUNT, "contact_id": ADA, "merged_ids": ["", BEA]},
        {"account_id": ACCOUNT, "contact_id": ADA, "merged_ids": BEA},
    ],
)
def test_a_message_that_names_nobody_writes_nothing(world: World, body: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        world.run(body)
    assert world.counted.calls.total() == 0


def test_whoever_is_named_twice_is_erased_once(world: World) -> None:
    world.has(30)
    assert world.run({**ERASE_ADA, "merged_ids": [BEA, ADA, BEA]}) is None
    assert world.entries() == []


# The template


def test_the_template_gives_it_the_time_and_the_turns_that_it_counts_on() -> None:
    timeouts = {function.name: function.timeout for function in functions()}
    resources = template()["Resources"]
    assert timeouts["dispatch_webhooks"] + 60 <= SECOND_PASS_AFTER <= 900, "SQS delays no longer"
    assert timeouts["erase_contact"] >= LONGEST_RUN + 3 * LONGEST_CALL
    for name in ("EraseContactSource", "SecondErasureSource"):
        assert resources[name]["Properties"]["BatchSize"] == 1
    assert resources["EraseContact"]["Properties"]["RecursiveLoop"] == "Allow"
    queue = resources["ErasureQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= timeouts["erase_contact"]
    times = queue["RedrivePolicy"]["maxReceiveCount"]
    assert sum(map(pause_after, range(1, times))) > 3600, "an hour of throttles is survived"
