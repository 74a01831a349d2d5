"""The meter: leases of large accounts, floods that cost no call, and written items."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.accounts.authentication import Authenticator
from contacts.accounts.meter import LARGEST_EXACT_LIMIT, Meter
from contacts.accounts.model import Account, Caller, Charge, Dialect, Plan, Usage, written_limit
from contacts.accounts.service import AccountService
from contacts.accounts.store import LEASED_SHARE, AccountStore, BeyondLimit
from contacts.core.errors import (
    LimitReached,
    MeterThrottled,
    NotAuthenticated,
    TemporarilyUnavailable,
    WrittenLimitReached,
)
from contacts.core.time import hour_of
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import from_item, item_size
from local.table import NAME
from tests.recorded.playing import functions_of_the_account, recorded_scenarios
from tests.support.app import ACCOUNT_ID, caller_of
from tests.support.fakes import CountingBytes, FakeClock, InMemoryAccounts, let_in
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable, Refusal

HALF_PAST = 1_768_473_000_000
"""2026-01-15T10:30:00Z, in ms since the epoch."""
HALF_AN_HOUR = 1_800_000


def caller_with(limit: int, plan: Plan = Plan.ENTERPRISE, written: int | None = None) -> Caller:
    """A caller whose account has limits."""
    caller = caller_of()
    account = replace(caller.account, plan=plan, hourly_limit=limit, own_written_limit=written)
    return replace(caller, account=account)


class LosesAnswers(InMemoryAccounts):
    """Counts, and now and then does not say so."""

    loses: bool = False

    def count(self, account: Account, key_id: str, at_ms: int, charge: Charge) -> Usage:
        usage = super().count(account, key_id, at_ms, charge)
        if self.loses:
            self.loses = False
            raise TemporarilyUnavailable
        return usage


# Leases


@dataclass(frozen=True)
class Step:
    """What one of the environments meets: time goes by, and then a burst of requests comes."""

    environment: int
    passes_ms: int
    requests: int
    every_ms: int
    ends: str
    """`lives`, `dies` (with what it has leased), or `loses`: the answer to its next call."""


steps = some.lists(
    some.builds(
        Step,
        environment=some.integers(0, 5),
        passes_ms=some.integers(-1_000, 4_000),
        requests=some.integers(1, 120),
        every_ms=some.integers(0, 40),
        ends=some.sampled_from(["lives", "lives", "dies", "loses"]),
    ),
    min_size=1,
    max_size=12,
)


class Fleet:
    """Environments that serve one account. Each has a clock of its own, up to a second fast or slow."""

    def __init__(self, limit: int, at_ms: int) -> None:
        self.caller, self.store, self.at_ms = caller_with(limit), LosesAnswers(), at_ms
        self.meters = [Meter(self.store, exact_up_to=0) for _ in range(6)]
        self.admitted: Counter[str] = Counter()
        self.refused: set[str] = set()

    def ask(self, environment: int) -> bool:
        """One request; whether it was let in."""
        now = self.at_ms + (environment - 2) * 333
        try:
            refusal = self.meters[environment].count(self.caller, 0, now).refusal
        except TemporarilyUnavailable:
            return False
        if refusal is None:
            self.admitted[hour_of(now)] += 1
        else:
            self.refused.add(hour_of(now))
        return refusal is None

    def play(self, step: Step) -> None:
        self.at_ms += step.passes_ms
        self.store.loses = step.ends == "loses"
        for _ in range(step.requests):
            self.ask(step.environment)
            self.at_ms += step.every_ms
        if step.ends == "dies":
            self.meters[step.environment] = Meter(self.store, exact_up_to=0)

    def exhaust(self) -> None:
        """Ask until nobody is let in."""
        for environment in range(len(self.meters)):
            while self.ask(environment):
                pass


@settings(max_examples=examples(160))
@given(some.integers(50, 1_200), some.integers(0, 6_000), steps)
def test_no_hour_has_more_requests_than_its_limit_and_no_used_up_one_two_percent_less(
    limit: int, until_the_hour_ms: int, script: list[Step]
) -> None:
    fleet = Fleet(limit, HALF_PAST + HALF_AN_HOUR - until_the_hour_ms)
    for step in script:
        fleet.play(step)
    fleet.exhaust()
    lost = any(step.ends == "loses" for step in script)
    for hour, admitted in fleet.admitted.items():
        assert admitted <= limit
        if hour in fleet.refused and not lost:
            assert admitted >= limit - limit // LEASED_SHARE


def test_environments_that_die_with_their_leases_lose_two_percent_at_most() -> None:
    fleet = Fleet(2_000, HALF_PAST)
    for number in range(80):
        fleet.play(Step(number % 6, 0, 40, 10, "dies"))
    fleet.exhaust()
    (admitted,) = fleet.admitted.values()
    assert 1_960 <= admitted < 2_000  # They did lose some.


def test_an_environment_asks_once_for_two_seconds_of_requests() -> None:
    caller, store = caller_with(36_000_000), InMemoryAccounts()
    meter = Meter(store)
    for number in range(50 * 60):  # A minute of 50 requests a second.
        assert meter.count(caller, 0, HALF_PAST + 20 * number).refusal is None
    # 1, 1, 2, 4, … and then a hundred at a time.
    assert store.counted <= 40
    used = store.used[ACCOUNT_ID, hour_of(HALF_PAST)].requests
    assert 3_000 <= used < 3_100


def test_up_to_a_hundred_thousand_an_hour_each_request_is_counted() -> None:
    caller, store = caller_with(LARGEST_EXACT_LIMIT), InMemoryAccounts()
    meter = Meter(store)
    seen = [meter.count(caller, 0, HALF_PAST + number).usage.requests for number in range(500)]
    assert (seen, store.counted) == (list(range(1, 501)), 500)


def test_a_lease_ends_with_its_hour() -> None:
    caller, store = caller_with(1_000_000), InMemoryAccounts()
    meter = Meter(store)
    before = HALF_PAST + HALF_AN_HOUR - 200
    for number in range(100):
        meter.count(caller, 0, before + number)
    assert meter.count(caller, 0, before + 200).usage.requests == 1
    assert store.used[ACCOUNT_ID, hour_of(before + 200)].requests <= 101  # With its own lease.


def test_requests_that_write_are_never_leased() -> None:
    caller, store = caller_with(1_000_000), InMemoryAccounts()
    meter = Meter(store)
    for number in range(100):
        assert meter.count(caller, 3, HALF_PAST + number).usage.written == 3 * (number + 1)
    assert store.counted == 100


def test_a_lease_of_one_key_records_the_use_of_another() -> None:
    caller, store = caller_with(1_000_000), InMemoryAccounts()
    other = replace(caller, key=replace(caller.key, id="another"))
    meter = Meter(store)
    for number in range(100):
        meter.count(caller, 0, HALF_PAST + number)
    meter.count(other, 0, HALF_PAST + 100)
    assert store.hours.keys() == {"k", "another"}


# The table


def counted(limit: int, written: int, charges: list[Charge]) -> list[Usage | None]:
    """What the store answers to charges; None: they were refused."""
    store = AccountStore(Table(MotoTable().client(), NAME))
    account = caller_with(limit, written=written).account
    found: list[Usage | None] = []
    for charge in charges:
        try:
            found.append(store.count(account, "k", HALF_PAST, charge))
        except BeyondLimit as beyond:
            found.append(None)
            last = next((usage for usage in reversed(found) if usage), Usage())
            if beyond.usage != last:
                raise
    return found


CHARGES: dict[str, tuple[int, int, list[Charge], list[tuple[int, int] | None]]] = {
    "the last request": (2, 9, [Charge(), Charge(), Charge()], [(1, 0), (2, 0), None]),
    "the last items": (9, 5, [Charge(1, 4), Charge(1, 2), Charge(1, 1)], [(1, 4), None, (2, 5)]),
    "a read after the last items": (9, 5, [Charge(1, 5), Charge(1, 1), Charge()], [(1, 5), None, (2, 5)]),
    "a lease beyond the limit": (100, 9, [Charge(99), Charge(2), Charge(1)], [(99, 0), None, (100, 0)]),
    "two percent leased": (
        100,
        9,
        [Charge(3, 0, 2), Charge(2, 0, 1), Charge(1, 0, -2), Charge(2, 0, 1)],
        [(3, 0), None, (4, 0), (6, 0)],
    ),
}


@pytest.mark.parametrize(("limit", "written", "charges", "after"), CHARGES.values(), ids=list(CHARGES))
def test_the_table_counts_within_the_limits_or_nothing(
    limit: int, written: int, charges: list[Charge], after: list[tuple[int, int] | None]
) -> None:
    assert counted(limit, written, charges) == after


def test_the_usage_of_an_hour_that_older_code_began_goes_on() -> None:
    table = Table(MotoTable().client(), NAME)
    item = {"used": 7, "key_ids": frozenset({"k"}), "ttl": 1}
    table.write([table.put_step("usage", keys.usage(ACCOUNT_ID, hour_of(HALF_PAST)), item)])
    assert AccountStore(table).count(caller_with(9).account, "k", HALF_PAST, Charge(1, 3)) == (8, 3)


def test_a_stored_limit_beyond_what_is_given_now_works() -> None:
    table = Table(MotoTable().client(), NAME)
    caller = caller_with(1_000_000_000)
    meter = Meter(AccountStore(table))
    readings = [meter.count(caller, 0, HALF_PAST + number) for number in range(20)]
    assert [reading.refusal for reading in readings] == [None] * 20
    assert readings[-1].usage.requests == 20


def test_the_usage_of_an_hour_takes_one_unit() -> None:
    table = MotoTable()
    store, account = AccountStore(Table(table.client(), NAME)), caller_with(100_000_000).account
    for number in range(30):
        store.count(account, f"key_19bb6e7d1dd07d4{number:04}", HALF_PAST, Charge(500_000, 900_000, 1))
    (item,) = table.items()
    assert item_size(from_item(item)) <= 1_024


# Written items


@pytest.mark.parametrize(("plan", "limit", "own", "written"), [
    (Plan.FREE, 100, None, 2_000), (Plan.PRO, 10_000, None, 100_000), (Plan.ENTERPRISE, 5, None, 100_000),
    (Plan.ENTERPRISE, 1_000_000, None, 10_000_000), (Plan.ENTERPRISE, 1_000_000, 5_000, 5_000),
    (Plan.FREE, 100, 9_000, 9_000),
])  # fmt: skip
def test_an_account_may_write_what_it_was_given_or_its_plan_has(
    plan: Plan, limit: int, own: int | None, written: int
) -> None:
    assert written_limit(plan, limit, own) == written
    assert caller_with(limit, plan, own).account.hourly_written_limit == written


def test_beyond_the_written_items_a_request_is_refused_whole_and_others_are_let_in() -> None:
    caller, store = caller_with(1_000, written=1_000), InMemoryAccounts()
    meter = Meter(store)
    assert meter.count(caller, 950, HALF_PAST).usage == (1, 950)
    reading = meter.count(caller, 100, HALF_PAST)
    assert isinstance(reading.refusal, WrittenLimitReached)
    assert reading.refusal.detail == (
        "Of the 1000 items that may be written in an hour 50 are left, and this request has 100; "
        "the next hour begins in 1800 seconds."
    )
    assert (reading.usage, reading.refusal.retry_after) == ((1, 950), 1800)
    assert meter.count(caller, 0, HALF_PAST).usage == (2, 950)
    assert meter.count(caller, 50, HALF_PAST).usage == (3, 1_000)
    assert meter.count(caller, 950, HALF_PAST + HALF_AN_HOUR).usage == (1, 950)


# Floods


def test_a_flood_beyond_the_written_items_costs_a_write_in_five_seconds() -> None:
    caller, store = caller_with(100, Plan.FREE), InMemoryAccounts()
    meter = Meter(store)
    meter.count(caller, 1_990, HALF_PAST)
    before = store.counted
    for number in range(1_000):
        refusal = meter.count(caller, 11, HALF_PAST + 10 * number).refusal
        assert isinstance(refusal, WrittenLimitReached)
    assert store.counted - before == 2


@pytest.mark.parametrize("is_known", [False, True])
def test_a_flood_of_one_key_costs_a_call_in_five_seconds(is_known: bool) -> None:
    """An account without requests left, and a key that nobody has."""
    store, clock = InMemoryAccounts(), FakeClock()
    _, shown = AccountService(store, clock, CountingBytes()).open_account("Acme", Plan.FREE, None)
    key = shown[Dialect.NATIVE] if is_known else f"sk_live_{'a' * 43}"
    authenticator = Authenticator(store, clock)
    if is_known:
        for _ in range(100):
            let_in(authenticator, key)
    before = store.reads + store.counted
    for _ in range(1_000):
        with pytest.raises((NotAuthenticated, LimitReached)):
            let_in(authenticator, key)
        clock.at_ms += 10
    assert store.reads + store.counted - before == 2


class Throttling(InMemoryAccounts):
    """A table that throttles the meter."""

    def count(self, *_: Any) -> Usage:
        self.counted += 1
        raise TemporarilyUnavailable(is_throttled=True)


def test_a_throttled_meter_is_asked_once_a_second_and_then_goes_on() -> None:
    caller, store = caller_with(10_000, Plan.PRO), Throttling()
    meter = Meter(store)
    for number in range(1_000):
        reading = meter.count(caller, 0, HALF_PAST + 10 * number)
        assert isinstance(reading.refusal, MeterThrottled)
        assert reading.refusal.retry_after == 1
    assert store.counted == 10
    meter._store = InMemoryAccounts()
    assert meter.count(caller, 0, HALF_PAST + 10_000).usage == (1, 0)


class ThrottledMeter(MotoTable):
    """A table that throttles the meter, and nothing else."""

    def __init__(self, sound: MotoTable) -> None:
        self._sound = sound

    def call(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        if method == "update_item" and request["Key"]["PK"]["S"].endswith("#USAGE"):
            raise Refusal("ThrottlingException", {"message": "slow down"})
        return self._sound.call(method, request)


RECORDED = recorded_scenarios()
TOLD = {
    "read: id": "throttled",
    "artamail: ": "RATE_LIMITED",
    "sendmator: ": "Too Many Requests",
    "smashsend: ": "rate_limited",
    "smartsender: ": "429",
}
"""By the beginning of a scenario's name, what the answer says."""


@pytest.mark.parametrize("beginning", TOLD)
def test_a_throttled_meter_is_told_in_the_dialect_of_the_key(beginning: str) -> None:
    step = next(scenario["steps"][0] for name, scenario in RECORDED.items() if name.startswith(beginning))
    with functions_of_the_account() as functions:
        functions.table = ThrottledMeter(functions.table)
        answer = functions.request(
            step["method"], step["target"], step.get("body"), key=step.get("key"), headers=step.get("headers")
        )
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (429, "1")
    assert TOLD[beginning] in answer["body"]
    assert "at once" in answer["body"]
    (line,) = functions.logged
    assert (line["status"], line["code"], line["RateLimited"]) == (429, "throttled", 1)


def test_a_table_that_does_not_answer_is_no_throttle() -> None:
    store = LosesAnswers()
    store.loses = True
    with pytest.raises(TemporarilyUnavailable):
        Meter(store).count(caller_with(10_000), 0, HALF_PAST)
