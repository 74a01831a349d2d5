"""What operators switch off while the service runs: who is told, how soon, and what a bad day of the store changes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.accounts.authentication import Authenticator
from contacts.accounts.model import Dialect, Plan, Switches, switches_from
from contacts.accounts.operator_requests import SwitchChange
from contacts.accounts.service import AccountService, DeliveryTerms
from contacts.accounts.store import AccountStore
from contacts.accounts.switch_service import SwitchService, SwitchStore
from contacts.accounts.switches import READ_EVERY_MS, SwitchBoard
from contacts.core import observability
from contacts.core.errors import BodyNotJson, InvalidInput, ReadOnly, TemporarilyUnavailable
from contacts.email_validation.model import VALID
from contacts.table import keys
from contacts.table.client import Table
from contacts.web.routing import OF_ONE_VENDOR, ROUTES
from local.table import NAME
from tests.support.app import App
from tests.support.fakes import CountingBytes, FakeClock, let_in
from tests.support.gateway import handed_over
from tests.support.moto_table import MotoTable

MINUTE_MS = 60_000


class Harness:
    """An account, its key, an operator, and a function that has been running for a while."""

    def __init__(self) -> None:
        self.moto, self.clock = MotoTable(), FakeClock()
        self.client = Flaky(self.moto.client())
        self.store = AccountStore(Table(self.client, NAME))
        accounts = AccountService(self.store, self.clock, CountingBytes())
        self.account, shown = accounts.open_account("Acme", Plan.PRO, None)
        self.key = shown[Dialect.NATIVE]
        self.operator = SwitchService(SwitchStore(Table(self.moto.client(), NAME)), self.store, self.clock)
        self.authenticator = Authenticator(self.store, self.clock)

    def flip(self, **payload: Any) -> dict[str, object]:
        return self.operator.flip(SwitchChange.checked(payload))

    def switches(self) -> Switches:
        """As a function knows them after a request."""
        let_in(self.authenticator, self.key)
        return self.authenticator.board.switches


class Flaky:
    """DynamoDB's client. It counts calls; some of them fail, or leave the switches out."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.error: str | None = None
        self.leaves_out = False

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append(method)
            if self.error is not None and "SWITCHES" in json.dumps(request, default=str):
                raise ClientError({"Error": {"Code": self.error}}, method)
            answer = getattr(self._client, method)(**request)
            if self.leaves_out and method == "batch_get_item":
                left = [key for key in request["RequestItems"][NAME]["Keys"] if key["PK"]["S"] == "SWITCHES"]
                answer["UnprocessedKeys"] = {NAME: {"Keys": left}}
                found = answer["Responses"][NAME]
                answer["Responses"][NAME] = [item for item in found if item["PK"]["S"] != "SWITCHES"]
            return answer

        return call


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_where_nobody_has_flipped_anything_nothing_is_off(harness: Harness) -> None:
    assert harness.switches() == Switches() == (True, True, True, True, "INFO")


def test_a_switch_takes_effect_within_a_minute_and_costs_no_call(harness: Harness) -> None:
    for _ in range(130):
        harness.switches()
        harness.clock.at_ms += 1000
    # As before there were switches: the key and the account, every 50 seconds; and a transaction opened the account.
    assert [method for method in harness.client.calls if method != "update_item"] == [
        "transact_write_items",
        *["get_item", "batch_get_item"] * 3,
    ]
    harness.flip(writes="off")
    seconds = 0
    while harness.switches().writes:
        harness.clock.at_ms += 1000
        seconds += 1
    assert seconds <= 60
    harness.flip(writes="on")
    harness.clock.at_ms += MINUTE_MS
    assert harness.switches().writes


def test_many_accounts_at_one_function_read_the_switches_once_in_ten_seconds(harness: Harness) -> None:
    accounts = AccountService(harness.store, harness.clock, CountingBytes(50))
    shown = [accounts.open_account(f"{n}", Plan.FREE, None)[1][Dialect.NATIVE] for n in range(20)]
    harness.client.calls.clear()
    for key in shown:
        let_in(harness.authenticator, key)
    assert harness.client.calls.count("batch_get_item") == 1
    assert harness.client.calls.count("get_item") == 2 * 20 - 1
    harness.clock.at_ms += READ_EVERY_MS
    let_in(harness.authenticator, harness.key)
    assert harness.client.calls.count("batch_get_item") == 2


@pytest.mark.parametrize("day", ["throttled", "left out", "a policy of before"])
def test_a_store_that_does_not_answer_changes_nothing_and_is_not_asked_again_at_once(
    harness: Harness, day: str
) -> None:
    harness.flip(dns="off", log_level="DEBUG")
    before = harness.switches()
    harness.flip(writes="off")
    harness.clock.at_ms += MINUTE_MS
    harness.client.leaves_out = day == "left out"
    harness.client.error = {"throttled": "ThrottlingException", "a policy of before": "AccessDenied"}.get(day)
    harness.client.calls.clear()
    try:
        assert harness.switches() == before
        # The account comes in the same call, or by itself where that was refused.
        assert harness.client.calls.count("get_item") == 1 + (day == "a policy of before")
    except TemporarilyUnavailable:
        # DynamoDB does not answer for the account either.
        assert day == "throttled"
    assert harness.switches() == before
    harness.client.leaves_out, harness.client.error = False, None
    harness.clock.at_ms += MINUTE_MS
    assert not harness.switches().writes
    observability.set_debug(is_on=False)


def test_a_function_without_accounts_asks_once_in_ten_seconds_and_never_fails(harness: Harness) -> None:
    board = SwitchBoard(harness.store, harness.clock)
    harness.flip(dns="off")
    harness.client.error = "ThrottlingException"
    harness.client.calls.clear()
    for _ in range(5):
        board.refresh()
    assert (board.switches, len(harness.client.calls)) == (Switches(), 1)
    harness.client.error = None
    harness.clock.at_ms += READ_EVERY_MS
    board.refresh()
    board.refresh()
    assert (board.switches.dns, len(harness.client.calls)) == (False, 2)


@pytest.mark.parametrize(
    "item",
    [
        None,
        {},
        {"deliveries": "on", "writes": "OFF", "dns": False, "imports": "Off", "log_level": "TRACE"},
        {"writes": None, "log_level": 10, "exports": "off"},
    ],
)
def test_what_an_item_says_wrongly_is_as_if_not_said(item: dict[str, object] | None) -> None:
    assert switches_from(item) == Switches()


def test_imports_are_stopped_and_go_on_without_the_others(harness: Harness) -> None:
    harness.flip(imports="off")
    assert harness.switches() == Switches(imports=False)
    harness.flip(imports="on")
    harness.clock.at_ms += MINUTE_MS
    assert harness.switches() == Switches()


def test_a_change_is_logged_once_by_each_process(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    harness.switches()
    harness.flip(writes="off", reason="by Ada, +44 20 7946 0958")
    harness.clock.at_ms += MINUTE_MS
    for _ in range(3):
        harness.switches()
    lines = [vars(line) for line in caplog.records]
    assert [line["msg"] for line in lines] == ["switches"]
    assert {line["writes"] for line in lines} == {"off"}
    assert "Ada" not in str(lines)


def test_the_line_of_a_flip_says_what_was_flipped(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[dict[str, str]] = []
    monkeypatch.setattr(observability, "note", noted.append)
    app = App(MotoTable().client())
    app.invoke("set_switches", {"writes": "off", "dns": "off", "reason": "by Ada"})
    app.invoke("set_switches", {})
    assert noted == [{"flipped": "writes=off dns=off", "of": "all accounts"}]


# The operator's side


def test_a_flip_tells_how_all_stand_and_nothing_named_is_nothing_changed(harness: Harness) -> None:
    on = {"deliveries": "on", "writes": "on", "dns": "on", "imports": "on", "log_level": "INFO"}
    assert harness.flip() == {**on, "changed_at": None, "reason": None}
    flipped = harness.flip(deliveries="off", log_level="DEBUG", reason="a loop")
    assert flipped == {
        **on,
        "deliveries": "off",
        "log_level": "DEBUG",
        "changed_at": "2026-01-15T10:30:00.000Z",
        "reason": "a loop",
    }
    assert harness.flip() == flipped
    # Each switch for itself: what is not named stays.
    assert harness.flip(dns="off") | {"reason": "a loop"} == {**flipped, "dns": "off"}
    harness.flip(deliveries="on", log_level="INFO", dns="on")
    item = harness.moto.item(*keys.switches())
    assert item is not None
    assert item.keys() == {"PK", "SK", "changed_at"}


def test_one_account(harness: Harness) -> None:
    account_id = harness.account.id
    stopped = harness.flip(account_id=account_id.upper(), deliveries="off", reason="a loop")
    assert stopped == {
        "account_id": account_id,
        "deliveries": "off",
        "stopped_at": "2026-01-15T10:30:00.000Z",
        "reason": "a loop",
    }
    harness.clock.at_ms += MINUTE_MS
    assert harness.flip(account_id=account_id) == stopped
    assert harness.flip(account_id=account_id, deliveries="off")["stopped_at"] == stopped["stopped_at"]
    terms = DeliveryTerms(SwitchBoard(harness.store, harness.clock), harness.clock, 25)
    assert (terms.are_stopped(account_id), terms.is_suspended(account_id)) == (True, False)
    assert harness.flip(account_id=account_id, deliveries="on")["stopped_at"] is None
    assert terms.are_stopped(account_id)
    harness.clock.at_ms += MINUTE_MS
    assert not terms.are_stopped(account_id)
    harness.flip(deliveries="off")
    harness.clock.at_ms += MINUTE_MS
    assert terms.are_stopped(account_id)
    assert harness.switches().deliveries is False


def test_suspending_and_stopping_are_told_apart(harness: Harness) -> None:
    harness.flip(account_id=harness.account.id, deliveries="off")
    harness.store.suspend(harness.account.id, "2026-01-15T10:30:00.000Z", "unpaid")
    harness.flip(account_id=harness.account.id, deliveries="on")
    account = harness.store.account(harness.account.id)
    assert account is not None
    assert (account.suspension_reason, account.deliveries_stopped_at) == ("unpaid", None)


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"deliverys": "off"}, {"deliverys": "is no field of this request"}),
        ({"exports": "off"}, {"exports": "is no field of this request"}),
        ({"imports": True}, {"imports": "must be one of on, off"}),
        ({"deliveries": "stop"}, {"deliveries": "must be one of on, off"}),
        ({"deliveries": False}, {"deliveries": "must be one of on, off"}),
        ({"writes": ["off"]}, {"writes": "must be one of on, off"}),
        ({"log_level": "debug"}, {"log_level": "must be one of INFO, DEBUG"}),
        ({"account_id": "acme"}, {"account_id": "must be the id of an account"}),
        ({"account_id": None, "deliveries": "off"}, {"account_id": "must be a string"}),
        ({"account_id": "", "deliveries": "off"}, {"account_id": "must be the id of an account"}),
        (
            {"account_id": "01941f29-0000-7000-8000-00000000000a", "writes": "off"},
            {"writes": "is flipped for all accounts only"},
        ),
        ({"reason": "why not"}, {"reason": "goes with a switch that is flipped"}),
        ({"dns": "off", "reason": ""}, {"reason": "must have 1 to 255 characters"}),
        (
            {"dns": "off", "reason": "\ud800"},
            {"reason": "must be valid Unicode, without lone surrogates"},
        ),
        ({"dns": "no", "writes": "x"}, {"dns": "must be one of on, off", "writes": "must be one of on, off"}),
    ],
)
def test_a_payload_with_something_wrong_changes_nothing(
    harness: Harness, payload: dict[str, Any], wrong: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        harness.flip(**payload)
    assert {error.field: error.message for error in refused.value.errors} == wrong
    assert harness.moto.item(*keys.switches()) is None


def test_a_payload_that_is_no_object() -> None:
    with pytest.raises(BodyNotJson):
        SwitchChange.checked("off")


def test_nobodys_account(harness: Harness) -> None:
    for payload in ({}, {"deliveries": "off"}, {"deliveries": "on"}):
        with pytest.raises(InvalidInput):
            harness.flip(account_id="01941f29-0000-7000-8000-00000000000b", **payload)


# Read-only

_WRITES = [
    (method, path) for path, methods in ROUTES.items() for method in methods if method not in ("GET", "HEAD")
]


@pytest.mark.parametrize(("method", "path"), _WRITES)
def test_no_route_writes_while_writing_is_off(method: str, path: str) -> None:
    moto = MotoTable()
    before = moto.snapshot()
    app = App(moto.client())
    app.switch_board.switches = Switches(writes=False)
    reply = app.send(method, path.replace("{", "").replace("}", ""), {"email": "ada@example.com"})
    assert (reply.status, reply.body["code"]) == (503, "read_only")
    assert reply.headers["Retry-After"] == "60"
    assert list(moto.changes_since(before)) == []


@pytest.mark.parametrize("dialect", [one for one in Dialect if one is not Dialect.NATIVE])
def test_a_vendors_client_is_told_in_its_words(dialect: Dialect) -> None:
    app = App(MotoTable().client())
    app.switch_board.switches = Switches(writes=False)
    app.with_key(dialect=dialect)
    reply = app.send("POST", "/v1/contacts", {"email": "ada@example.com"})
    assert (reply.status, reply.headers["Retry-After"]) == (503, "60")


def test_a_route_of_one_vendor_that_writes_is_refused_too() -> None:
    for route, dialect in OF_ONE_VENDOR.items():
        method, _, path = route.partition(" ")
        if method in ("GET", "HEAD"):
            continue
        app = App(MotoTable().client())
        app.switch_board.switches = Switches(writes=False)
        app.with_key(dialect=dialect)
        handed = handed_over(method, path.replace("{", "").replace("}", ""), "{}")
        assert app.invoke(handed.operation, handed.event)["statusCode"] == 503, route


def test_what_is_refused_is_not_counted_and_reads_are_answered(harness: Harness) -> None:
    app = App(harness.client, clock=harness.clock)
    app.switch_board.switches = Switches(writes=False)
    with pytest.raises(ReadOnly):
        app.authenticator.refuse_write()
    assert app.send("GET", "/v1/contacts").status == 200
    usage = f"ACCOUNT#{harness.account.id}#USAGE"
    harness.flip(writes="off")
    harness.clock.at_ms += MINUTE_MS
    before = len(harness.moto.items_below(usage))
    harness.authenticator.identify(harness.key)
    with pytest.raises(ReadOnly):
        harness.authenticator.refuse_write()
    assert len(harness.moto.items_below(usage)) == before


# The DNS and the log


def test_the_dns_is_not_asked_while_it_is_off() -> None:
    app = App(MotoTable().client(), EMAIL_DNS="on")
    asked: list[str] = []

    class Resolver:
        def verdict_on(self, domain: str) -> Any:
            asked.append(domain)
            return VALID

    app.resolver = Resolver  # type: ignore[assignment, method-assign]
    store = SwitchStore(Table(app._client, NAME))
    validator = app.email_validator()
    assert validator._verdict_on("ada@example.com") is VALID
    store.flip({"dns": "off"}, "2026-01-15T10:30:00.000Z", None)
    app.clock.at_ms += MINUTE_MS  # type: ignore[attr-defined]
    assert validator._verdict_on("ada@example.org") is VALID
    store.flip({"dns": "on"}, "2026-01-15T10:30:00.000Z", None)
    app.clock.at_ms += MINUTE_MS  # type: ignore[attr-defined]
    assert validator._verdict_on("ada@example.net") is VALID
    assert asked == ["example.com", "example.net"]


def test_debug_leaves_a_line_for_each_call_without_what_it_was_about(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(MotoTable().client())
    try:
        observability.set_debug(is_on=True)
        app.send("POST", "/v1/contacts", {"email": "ada@example.com"})
        app.send("POST", "/v1/contacts", {"email": "ada@example.com"})
    finally:
        observability.set_debug(is_on=False)
    app.send("POST", "/v1/contacts", {"email": "ada@example.com"})
    lines = [vars(line) for line in caplog.records]
    assert lines
    for line in lines:
        assert (line["msg"], line["levelname"]) == ("call", "DEBUG")
        assert (line["request_id"], line["route"]) == ("r-1", "POST /v1/contacts")
        assert line["duration_ms"] >= 0
    assert {line["method"] for line in lines} >= {"get_item", "transact_write_items"}
    assert {line.get("failure") for line in lines} == {None, "TransactionCanceledException"}
    assert "ada" not in str(lines)
