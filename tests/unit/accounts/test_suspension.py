"""An account that an operator has suspended: nobody is let in, and its deliveries rest."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.accounts.authentication import Authenticator
from contacts.accounts.meter import MAX_REMEMBERED
from contacts.accounts.model import Dialect, Plan
from contacts.accounts.operator_requests import Suspension
from contacts.accounts.service import (
    AccountService,
    ApiKeyService,
    CreateApiKey,
    DeliveryTerms,
    SuspensionService,
)
from contacts.accounts.store import AccountStore
from contacts.core.errors import AccountSuspended, BodyNotJson, InvalidInput, KeyRevoked
from contacts.core.time import DAY, iso
from contacts.table import keys
from contacts.table.client import Table
from contacts.webhooks.delivery import SUSPENDED_LOOK
from contacts.webhooks.model import DeliveryStatus
from local.table import NAME
from tests.support.delivery_harness import ACCOUNT_ID, BROKEN, OK, DeliveryHarness
from tests.support.fakes import CountingBytes, FakeClock, InMemoryAccounts, let_in
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable

ID = "0198f3a0-0000-7000-8000-0000000000aa"


class DeliveriesHarness:
    """An account, its key, and the operator."""

    def __init__(self, store: Any = None) -> None:
        self.clock, self.store = FakeClock(), store or InMemoryAccounts()
        self.account_service = AccountService(self.store, self.clock, CountingBytes())
        self.account, self.shown = self.account_service.open_account(
            "Acme", Plan.FREE, None, Dialect.ARTAMAIL
        )
        self.operator = SuspensionService(self.store, self.clock)
        self.authenticator = Authenticator(self.store, self.clock)

    def authenticate(self, dialect: Dialect = Dialect.NATIVE) -> int:
        """How many requests were counted, with this one."""
        return let_in(self.authenticator, self.shown[dialect]).used


@pytest.fixture(params=["fake", "table"])
def service(request: pytest.FixtureRequest) -> DeliveriesHarness:
    is_fake = request.param == "fake"
    return DeliveriesHarness(None if is_fake else AccountStore(Table(MotoTable().client(), NAME)))


def test_a_suspended_account_lets_nobody_in_and_counts_nothing(service: DeliveriesHarness) -> None:
    assert service.authenticate() == 1
    service.operator.suspend(service.account.id, "unpaid")
    service.clock.at_ms += 60_000
    for dialect in service.shown:
        with pytest.raises(AccountSuspended) as refused:
            service.authenticate(dialect)
        assert refused.value.dialect == dialect
    service.operator.resume(service.account.id)
    service.clock.at_ms += 60_000
    assert service.authenticate() == 2


def test_a_function_that_knows_the_account_is_no_slower_than_for_a_revoked_key(
    service: DeliveriesHarness,
) -> None:
    service.authenticate()
    service.operator.suspend(service.account.id, None)
    service.clock.at_ms += 49_000
    assert service.authenticate() == 2
    service.clock.at_ms += 2_000
    with pytest.raises(AccountSuspended):
        service.authenticate()


def test_a_refusal_is_remembered_like_a_key() -> None:
    service = DeliveriesHarness()
    service.operator.suspend(service.account.id, None)
    for _ in range(5):
        with pytest.raises(AccountSuspended):
            service.authenticate()
    assert service.store.reads == 2


def test_a_revoked_key_of_a_suspended_account_is_told_that_it_was_revoked(service: DeliveriesHarness) -> None:
    ring = ApiKeyService(service.store, service.clock, CountingBytes(50))
    caller = let_in(service.authenticator, service.shown[Dialect.NATIVE]).caller
    made = ring.add(caller, CreateApiKey(name="x"), None)
    ring.revoke(caller, str(made.details["id"]), None)
    service.operator.suspend(service.account.id, None)
    with pytest.raises(KeyRevoked):
        let_in(service.authenticator, str(made.secrets["key"]))


def test_another_account_goes_on(service: DeliveriesHarness) -> None:
    account_service = AccountService(service.store, service.clock, CountingBytes(1000))
    _, shown = account_service.open_account("Other", Plan.FREE, None)
    service.operator.suspend(service.account.id, None)
    assert let_in(service.authenticator, shown[Dialect.NATIVE]).used == 1


def test_to_suspend_twice_keeps_since_when_and_takes_the_newer_reason(service: DeliveriesHarness) -> None:
    first = service.operator.suspend(service.account.id, "unpaid")
    assert (first.suspended_at, first.suspension_reason) == (iso(service.clock.at_ms), "unpaid")
    service.clock.at_ms += 1000
    again = service.operator.suspend(service.account.id, "fraud")
    assert (again.suspended_at, again.suspension_reason) == (first.suspended_at, "fraud")
    for _ in range(2):
        resumed = service.operator.resume(service.account.id)
        assert (resumed.suspended_at, resumed.suspension_reason) == (None, None)
    assert resumed == service.account


@pytest.mark.parametrize("suspend", [True, False])
def test_an_account_that_is_not_there_is_named_and_not_made(suspend: bool) -> None:
    table = Table(MotoTable().client(), NAME)
    operator = SuspensionService(AccountStore(table), FakeClock())
    with pytest.raises(InvalidInput, match="account_id: no account has this id"):
        operator.suspend(ID, None) if suspend else operator.resume(ID)
    assert table.get(keys.account(ID)) is None


@pytest.mark.parametrize(
    ("payload", "culprits"),
    [
        ({}, {"account_id", "suspended"}),
        ({"account_id": ID}, {"suspended"}),
        ({"account_id": ID, "suspended": None}, {"suspended"}),
        ({"account_id": ID, "suspended": "true"}, {"suspended"}),
        ({"account_id": ID, "suspended": 1}, {"suspended"}),
        ({"account_id": "Ada", "suspended": True}, {"account_id"}),
        ({"account_id": 7, "suspended": True}, {"account_id"}),
        ({"account_id": ID, "suspended": True, "reason": ""}, {"reason"}),
        ({"account_id": ID, "suspended": True, "reason": 7}, {"reason"}),
        ({"account_id": ID, "suspended": True, "reason": "x" * 256}, {"reason"}),
        ({"account_id": ID, "suspended": False, "reason": "paid"}, {"reason"}),
        ({"account_id": ID, "suspend": True}, {"suspend", "suspended"}),
    ],
)
def test_every_wrong_field_is_named(payload: Any, culprits: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Suspension.checked(payload)
    assert {error.field for error in refused.value.errors} == culprits


def test_a_payload_is_taken_with_what_it_leaves_out() -> None:
    assert Suspension.checked({"account_id": ID.upper(), "suspended": False}) == Suspension(ID, False)
    whole = {"account_id": ID, "suspended": True, "reason": "x" * 255}
    assert Suspension.checked(whole) == Suspension(ID, True, "x" * 255)
    with pytest.raises(BodyNotJson):
        Suspension.checked([])


# Deliveries


@pytest.fixture
def harness() -> DeliveryHarness:
    made = DeliveryHarness()
    made.register()
    return made


def test_what_happens_meanwhile_is_sent_once_the_account_is_resumed(harness: DeliveryHarness) -> None:
    harness.suspended.add(ACCOUNT_ID)
    refs = [harness.dispatch() for _ in range(3)]
    harness.run(until_ms=harness.clock.at_ms + 20 * 3600 * 1000)
    assert harness.endpoint.requests == []
    assert harness.log() == []  # No attempt was begun.
    assert len(harness.scheduler.made) <= 21, "one an hour, for all that waits"
    harness.suspended.clear()
    resumed_ms = harness.clock.at_ms
    harness.run()
    assert [request.event_id for request in harness.endpoint.requests] == [ref.event_id for ref in refs]
    assert all(
        request.at_ms - resumed_ms <= SUSPENDED_LOOK * 1000 + 60_000 for request in harness.endpoint.requests
    )
    assert {(one.status, one.done) for one in harness.log()} == {(DeliveryStatus.DELIVERED, 1)}


def test_a_delivery_that_rests_has_all_of_its_attempts_left() -> None:
    harness = DeliveryHarness(BROKEN)
    harness.register()
    ref = harness.dispatch()
    harness.run_until_made(ref, 3)
    harness.suspended.add(ACCOUNT_ID)
    before = harness.delivery(ref)
    harness.run(until_ms=harness.clock.at_ms + 2 * DAY * 1000)
    assert harness.delivery(ref) == before
    harness.suspended.clear()
    harness.endpoint.answers = [OK]
    harness.run()
    assert (harness.delivery(ref).status, harness.delivery(ref).done) == (DeliveryStatus.DELIVERED, 4)


@settings(max_examples=examples(30))
@given(hours=some.lists(some.integers(0, 60), min_size=1, max_size=6), answers=some.lists(some.booleans()))
def test_however_often_an_account_is_suspended_nothing_is_lost(hours: list[int], answers: list[bool]) -> None:
    harness = DeliveryHarness(*(OK if is_ok else BROKEN for is_ok in answers), OK)
    harness.register()
    ref = harness.dispatch()
    for number, length in enumerate(hours):
        harness.suspended = set() if number % 2 else {ACCOUNT_ID}
        sent = len(harness.endpoint.requests)
        harness.run(until_ms=harness.clock.at_ms + length * 3600 * 1000)
        if harness.suspended:
            assert len(harness.endpoint.requests) == sent
    harness.suspended.clear()
    harness.run()
    delivery = harness.delivery(ref)
    assert delivery.status in (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)
    assert delivery.status is DeliveryStatus.DELIVERED or delivery.done == 15
    assert len(harness.endpoint.requests) == delivery.done


def test_a_schedule_that_is_not_gone_yet_stands_in_no_ones_way(harness: DeliveryHarness) -> None:
    """Scheduler deletes one a moment after it was due: the next has another name."""
    harness.suspended.add(ACCOUNT_ID)
    ref = harness.dispatch()
    harness.run(at_most=1)
    (first,) = harness.scheduler.made
    harness.clock.at_ms += SUSPENDED_LOOK * 1000
    harness.take(ref, 1)
    assert len(harness.scheduler.made) == 2
    second = harness.scheduler.made[1]["Name"]
    assert second != first["Name"]
    assert len(second) <= 64
    # A message that comes twice at the same time asks for the same.
    harness.take(ref, 1)
    assert len(harness.scheduler.made) == 2


def test_it_rests_no_longer_than_events_are_kept(harness: DeliveryHarness) -> None:
    harness.suspended.add(ACCOUNT_ID)
    ref = harness.dispatch()
    harness.run()
    assert (harness.delivery(ref).status, harness.delivery(ref).done) == (DeliveryStatus.FAILED, 0)
    assert harness.endpoint.requests == []
    assert 30 * 24 - 1 <= len(harness.scheduler.made) <= 30 * 24 + 1


def test_a_test_does_not_rest(harness: DeliveryHarness) -> None:
    ref = harness.happen()[0]
    test = replace(ref, event_type="webhook.test", appended_at=None)
    harness.suspended.add(ACCOUNT_ID)
    assert harness.take(test, 1) is None
    assert (harness.endpoint.requests, harness.scheduler.made) == ([], [])


def test_whether_an_account_is_suspended_is_read_once_a_minute() -> None:
    service = DeliveriesHarness()
    suspensions = DeliveryTerms(service.store, service.clock, 25)
    for _ in range(10):
        assert not suspensions.is_suspended(service.account.id)
    assert service.store.reads == 1
    service.operator.suspend(service.account.id, None)
    service.clock.at_ms += 60_000
    assert suspensions.is_suspended(service.account.id)
    assert service.store.reads == 2
    service.operator.resume(service.account.id)
    service.clock.at_ms += 60_000
    assert not suspensions.is_suspended(service.account.id)
    assert not suspensions.is_suspended(ID)


def test_a_function_remembers_a_bounded_number_of_accounts() -> None:
    service = DeliveriesHarness()
    suspensions = DeliveryTerms(service.store, service.clock, 25)
    for number in range(2 * MAX_REMEMBERED + 1):
        suspensions.is_suspended(str(number))
    assert len(suspensions._remembered) <= MAX_REMEMBERED
