"""Every handler, called in this process with its sample event, on a table in memory."""

import copy
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.httpsession import URLLib3Session
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from contacts import runtime as wiring
from contacts.accounts.model import Dialect, Mode, Scope
from contacts.accounts.service import CreateApiKey, make_key
from contacts.book.model import Action, Outcome
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.observability import logger
from contacts.core.time import SystemClock, parsed
from contacts.table import aws as aws_clients
from contacts.table import keys
from contacts.table.keys import Key
from contacts.webhooks.model import Reply
from contacts.webhooks.sender import WebhookSender
from contacts.workers.queue import SqsQueue
from local import sample_account
from local.queues import create_queues
from local.sample_account import FIRST_SCOPES
from local.table import NAME, create_table
from local.template import functions, template
from tests.support import sample_events
from tests.support.app import deployed
from tests.support.documented import SECRET, assert_answer, assert_safe
from tests.support.moto_table import MotoTable

Handler = Any
"""What Lambda calls, with the operation it serves."""

FUNCTIONS = functions()
OPERATIONS = [function.name for function in FUNCTIONS]
SECONDS = {function.name: function.timeout for function in FUNCTIONS}
KEY_NEEDED = sample_events.REQUESTS - sample_events.KEYLESS - {"refuse_request"}
ACCOUNT, REGION = "123456789012", "us-east-1"
"""Where moto has everything."""
RESTORED, JOURNAL, FILES = sample_events.event("restore_account")["table"], "journal", "files"
"""The table that a backup was restored to, the bucket of who was erased, and the one of files."""
DELIVERED = Reply(status_code=204, error=None, duration_ms=12, response="")


def set_variables(monkeypatch: pytest.MonkeyPatch, ids: Mapping[str, str]) -> None:
    """Have the environment that the template gives its functions, all of them together."""
    for function in FUNCTIONS:
        for name, value in function.resolved_environment(ids).items():
            monkeypatch.setenv(name, value)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function's environment, and a runtime that has made nothing yet."""
    of_lambda = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION}
    for name, value in of_lambda.items():
        monkeypatch.setenv(name, value)
    set_variables(monkeypatch, {"Table": NAME})
    monkeypatch.setattr(wiring, "runtime", wiring.of_environment())


@dataclass(frozen=True)
class Deployed:
    """What moto keeps for the template's table, with the sample account in it, and for its queues."""

    table: Any
    queues: Any
    ids: Mapping[str, str]
    """URLs and ARNs of the queues."""

    def put_back(self) -> None:
        """Put it where moto looks, as it was at first."""
        dynamodb_backends[ACCOUNT][REGION].tables[NAME] = copy.deepcopy(self.table)
        dynamodb_backends[ACCOUNT][REGION].tables[RESTORED] = self.table
        sqs_backends[ACCOUNT][REGION].queues = self.queues
        for name, queue in self.queues.items():
            queue.last_purged_at = None  # SQS purges once a minute
            sqs_backends[ACCOUNT][REGION].purge_queue(name)


@cache
def sample_deployment() -> Deployed:
    """Made once a process: moto takes half a second for it."""
    create_table(wiring.runtime.client("dynamodb"))
    ids = create_queues(wiring.runtime.client("sqs"))
    table = dynamodb_backends[ACCOUNT][REGION].tables[NAME]
    filled = MotoTable()
    sample_account.fill(filled.client(), NAME)
    table.items = filled.snapshot()
    return Deployed(table, sqs_backends[ACCOUNT][REGION].queues, ids)


@pytest.fixture
def table(settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a DynamoDB that holds what the events expect; the queues are there, too, and endpoints answer."""
    monkeypatch.setattr(WebhookSender, "post", lambda *_: DELIVERED)
    call, one_at_a_time = BaseClient._make_api_call, Lock()

    def called(*arguments: Any) -> Any:
        """moto is for one thread; a batch has several."""
        with one_at_a_time:
            return call(*arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", called)
    with mock_aws():
        sample_deployment().put_back()
        set_variables(
            monkeypatch, {"Table": NAME, "Journal": JOURNAL, "Files": FILES, **sample_deployment().ids}
        )
        for bucket in (JOURNAL, FILES):
            wiring.runtime.client("s3").create_bucket(Bucket=bucket)
        yield wiring.runtime.client("dynamodb")


def stored() -> list[Any]:
    """All that is in the table; through a client moto takes a quarter of a second for it."""
    items = dynamodb_backends[ACCOUNT][REGION].tables[NAME].all_items()
    return [item.to_json()["Attributes"] for item in items]


def context(operation: str) -> SimpleNamespace:
    """What Lambda passes beside the event."""
    return SimpleNamespace(
        aws_request_id="6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00",
        get_remaining_time_in_millis=lambda: SECONDS[operation] * 1000,
    )


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What the functions have written."""
    kept = logger.registered_handler
    # It would write to what was standard output when the logger was made.
    monkeypatch.setattr(kept, "emit", lambda record: print(kept.format(record)))
    return lambda: capsys.readouterr().out


def handler(operation: str) -> Handler:
    """The Lambda handler of a function, started anew."""
    return deployed(operation)(wiring.runtime)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_sample_event_gets_its_answer(operation: str, table: Any) -> None:
    event = sample_events.event(operation)
    answer = handler(operation)(event, context(operation))
    sample_events.assert_answered(operation, answer)
    if operation in KEY_NEEDED | sample_events.KEYLESS:
        assert_answer(event, answer)
    elif operation in sample_events.REQUESTS:
        assert_safe(answer["headers"], answer["body"])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_line_is_logged_and_nothing_personal(operation: str, table: Any, log: Callable[[], str]) -> None:
    handler(operation)(sample_events.event(operation), context(operation))
    written = log()
    (line,) = map(json.loads, written.splitlines())
    assert line["operation"] == operation
    assert ("_aws" in line) == ("route" in line)
    assert [word for word in sample_events.PERSONAL if word in written] == []


def without_key(event: Any) -> Any:
    return event | {"headers": {name: text for name, text in event["headers"].items() if name != "x-api-key"}}


def with_key(event: Any, key: str) -> Any:
    return event | {"headers": event["headers"] | {"x-api-key": key}}


WELL_FORMED_BUT_UNKNOWN = "sk_live_" + "Unknown" * 6 + "1"


@pytest.mark.parametrize(
    "unkeyed",
    [
        pytest.param(without_key, id="no key"),
        pytest.param(lambda event: with_key(event, "letmein"), id="no key of ours"),
        pytest.param(lambda event: with_key(event, WELL_FORMED_BUT_UNKNOWN), id="unknown key"),
    ],
)
def test_a_request_without_a_valid_key_is_refused(unkeyed: Callable[[Any], Any], table: Any) -> None:
    before = stored()
    for operation in sorted(KEY_NEEDED):
        answer = handler(operation)(unkeyed(sample_events.event(operation)), context(operation))
        assert answer["statusCode"] == 401, operation
        assert answer["headers"]["WWW-Authenticate"].startswith("Bearer ")
        assert json.loads(answer["body"])["code"] == "not_authenticated"
        assert_answer(sample_events.event(operation), answer)
    assert stored() == before


@pytest.mark.parametrize(
    "key", ["am_live_sk_" + "Unknown" * 6 + "1", "am_live_sk_short", WELL_FORMED_BUT_UNKNOWN, "", "sk_live_é"]
)
def test_a_refusal_in_any_dialect_is_as_safe_as_an_answer(key: str, table: Any) -> None:
    for operation in sorted(sample_events.REQUESTS - sample_events.KEYLESS):
        event = with_key(sample_events.event(operation), key)
        event["rawPath"] = event["rawPath"].replace("/v1/contacts", "/api/v1/contacts")  # Sendmator's
        answer = handler(operation)(event, context(operation))
        assert answer["statusCode"] == 401, operation
        assert_safe(answer["headers"], answer["body"])


def test_responses_with_a_secret_are_not_cached(table: Any) -> None:
    for operation in ("create_api_key", "create_webhook", "rotate_webhook_secret"):
        answer = handler(operation)(sample_events.event(operation), context(operation))
        assert SECRET.search(answer["body"]), operation
        assert answer["headers"]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("operation", sorted(KEY_NEEDED))
def test_an_internal_error_is_located_in_the_log_and_not_described_to_the_caller(
    operation: str, settings: None, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message of an exception can hold what was sent: neither the caller nor the log gets to see it."""
    serve = handler(operation)
    event = sample_events.event(operation)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot digest {event}")

    monkeypatch.setattr(wiring.runtime.authenticator, "identify", fail)
    answer = serve(event, context(operation))
    assert answer["statusCode"] == 500
    assert_answer(event, answer)
    body = json.loads(answer["body"])
    assert body["code"] == "internal_error"
    assert body["request_id"] == event["requestContext"]["requestId"]
    assert "digest" not in answer["body"]
    written = log()
    failure, line = map(json.loads, written.splitlines())
    assert failure["failure"][0].startswith("builtins.RuntimeError at ")
    assert failure["request_id"] == line["request_id"] == body["request_id"]
    assert (failure["level"], line["status"], line["ServerErrors"]) == ("ERROR", 500, 1)
    assert [word for word in sample_events.PERSONAL if word in written] == []


NOBODY = "http://nobody.example:4566"
TOLD = f"Nothing listens at {NOBODY}. Is the local stack running (`make run`)?"
NO_CONNECTION = [EndpointConnectionError, ConnectTimeoutError]
NO_ANSWER = [ReadTimeoutError, ConnectionClosedError]


@pytest.fixture
def unreachable(settings: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has every request to AWS fail in one way, at an endpoint named by one variable (or by none)."""

    def fail_with(failure: type[Exception], variable: str | None = None) -> None:
        if variable:
            monkeypatch.setenv(variable, NOBODY)
        monkeypatch.setattr(
            aws_clients, "CALLS", Config(retries={"mode": "standard", "total_max_attempts": 1})
        )

        def send(_: Any, request: Any) -> None:
            raise failure(endpoint_url=request.url, error=OSError())

        monkeypatch.setattr(URLLib3Session, "send", send)

    return fail_with


@pytest.mark.parametrize("operation", sorted(set(OPERATIONS) - sample_events.KEYLESS - {"refuse_request"}))
@pytest.mark.parametrize("variable", ["SERVICES_ENDPOINT", "AWS_ENDPOINT_URL"])
def test_an_unreachable_local_endpoint_is_named_in_the_answer_and_the_log(
    operation: str, variable: str, unreachable: Callable[..., None], log: Callable[[], str]
) -> None:
    unreachable(EndpointConnectionError, variable)
    event = sample_events.event(operation)
    # One that is invoked by name, or by a topic, fails: Lambda tells whoever asked.
    with suppress(TemporarilyUnavailable):
        answer = handler(operation)(event, context(operation))
        if operation in sample_events.REQUESTS:
            assert answer["statusCode"] == 503
            assert json.loads(answer["body"])["detail"] == TOLD
            assert_answer(event, answer)
        else:
            assert answer["batchItemFailures"]
    lines = [json.loads(line) for line in log().splitlines()]
    assert TOLD in [line.get("message") for line in lines]


@pytest.mark.parametrize(
    ("failure", "variable", "is_told"),
    [
        (failure, variable, True)
        for failure in NO_CONNECTION
        for variable in ("SERVICES_ENDPOINT", "AWS_ENDPOINT_URL")
    ]
    # Somebody listens there, and is slow.
    + [(failure, "SERVICES_ENDPOINT", False) for failure in NO_ANSWER]
    # On AWS it passes by itself.
    + [(failure, None, False) for failure in NO_CONNECTION + NO_ANSWER],
)
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: wiring.runtime.table.get(Key("a", "b")), id="table"),
        pytest.param(lambda: SqsQueue(wiring.runtime.client("sqs"), f"{NOBODY}/q").hide("h", 1), id="queue"),
    ],
)
def test_nothing_listens_where_no_connection_is_made_to_a_local_endpoint_and_nowhere_else(
    call: Callable[[], object],
    failure: type[Exception],
    variable: str | None,
    is_told: bool,
    unreachable: Callable[..., None],
    log: Callable[[], str],
) -> None:
    unreachable(failure, variable)
    with pytest.raises(TemporarilyUnavailable) as refused:
        call()
    assert (refused.value.detail == TOLD) == is_told
    assert ("busy" in refused.value.detail) != is_told
    assert ("Nothing listens" in log()) == is_told


CONTACTS_ARE_SENT = [
    *("create_webhook", "update_webhook"),
    *("create_export", "get_export", "export_contact"),
]
"""The operations that decide where contacts are sent to."""


@pytest.mark.parametrize("operation", sorted(KEY_NEEDED))
def test_a_key_without_scopes_is_told_what_it_lacks(operation: str, table: Any) -> None:
    """And nothing is done: with every scope but one of an operation as with none."""
    entry = handler(operation)
    needed = entry.operation.scopes
    assert (Scope.CONTACTS_READ in needed[1:]) == (operation in CONTACTS_ARE_SENT)
    for lacking in needed:
        scopes = tuple(scope for scope in FIRST_SCOPES if scope is not lacking)
        key = give_key(scopes)
        before = stored_but_usage()
        answer = entry(with_key(sample_events.event(operation), key), context(operation))
        assert_answer(sample_events.event(operation), answer)
        problem = json.loads(answer["body"])
        assert (problem["status"], problem["code"], problem["scope"]) == (403, "scope_missing", lacking)
        assert str(lacking) in problem["detail"]
        assert stored_but_usage() == before


def give_key(scopes: tuple[Scope, ...], dialect: Dialect = Dialect.NATIVE, mode: Mode = Mode.LIVE) -> str:
    """Another key of the sample account."""
    command = CreateApiKey(name="another", scopes=scopes, mode=mode, dialect=dialect)
    key, shown = make_key(sample_account.ACCOUNT.id, command, 1_768_473_000_000, secrets.token_bytes)
    wiring.runtime.account_store.add_api_key(key, Outcome(action=Action.CREATED), None, 1_768_473_000_000)
    return shown


def stored_but_usage() -> list[Any]:
    """All that is in the table but for the usage, which every request changes."""
    return [item for item in stored() if not item["PK"]["S"].endswith("USAGE")]


@pytest.mark.parametrize("operation", sorted(KEY_NEEDED))
def test_a_key_without_contacts_read_sees_no_contact(operation: str, table: Any) -> None:
    """Of whatever it may do. What it has sent itself may come back, and what is no contact (a webhook's host)."""
    entry, event = handler(operation), sample_events.event(operation)
    key = give_key(tuple(scope for scope in FIRST_SCOPES if scope is not Scope.CONTACTS_READ))
    answer = entry(with_key(event, key), context(operation))
    if Scope.CONTACTS_READ in entry.operation.scopes or operation == "create_api_key":
        # The key that it asks for would read contacts.
        assert answer["statusCode"] == 403
        return
    assert answer["statusCode"] < 300
    assert_answer(event, answer)
    if Scope.CONTACTS_WRITE in entry.operation.scopes:
        known = json.dumps(event, ensure_ascii=False)
        shown = json.dumps(json.loads(answer["body"]), ensure_ascii=False) + str(answer["headers"])
        assert [word for word in sample_events.PERSONAL if word in shown and word not in known] == []


@pytest.mark.parametrize("dialect", Dialect)
def test_a_suspended_account_is_refused_in_its_dialect_and_not_counted(dialect: Dialect, table: Any) -> None:
    key = give_key(FIRST_SCOPES, dialect)
    suspended = handler("suspend_account")(sample_events.event("suspend_account"), context("suspend_account"))
    assert suspended["suspended_at"]
    before = stored()
    for operation in sorted(KEY_NEEDED):
        event = with_key(sample_events.event(operation), key)
        answer = handler(operation)(event, context(operation))
        assert answer["statusCode"] == 403, operation
        assert_safe(answer["headers"], answer["body"])
        assert "suspended" in answer["body"]
        if dialect is Dialect.NATIVE:
            assert_answer(event, answer)
            assert json.loads(answer["body"])["code"] == "account_suspended"
        else:
            assert "request_id" not in answer["body"]
    assert stored() == before


def test_as_many_deliveries_as_come_together_are_attempted_at_once(table: Any) -> None:
    """An endpoint that hangs keeps none of the others waiting."""
    properties = template()["Resources"]["DeliverWebhookSource"]["Properties"]
    assert handler("deliver_webhook")._at_once == properties["BatchSize"] == 10


def test_a_suspended_accounts_endpoint_is_sent_nothing(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was sent")

    monkeypatch.setattr(WebhookSender, "post", never)
    asked_for = json.loads(sample_events.event("deliver_webhook")["Records"][0]["body"])
    monkeypatch.setattr(SystemClock, "now_ms", lambda _: parsed(asked_for["appended_at"]) + 60_000)
    handler("suspend_account")(sample_events.event("suspend_account"), context("suspend_account"))
    before = stored()
    scheduled = []

    def schedule(*_: object, **request: Any) -> None:
        scheduled.append(request["Name"])

    monkeypatch.setattr(wiring.runtime.client("scheduler"), "create_schedule", schedule, raising=False)
    deliver = handler("deliver_webhook")
    assert deliver(sample_events.event("deliver_webhook"), context("deliver_webhook")) == {
        "batchItemFailures": []
    }
    assert len(scheduled) == 1
    # No slot was taken. It waits, and the account is marked.
    account_id, webhook_id = asked_for["account_id"], asked_for["webhook_id"]
    in_flight, delivery = (item for item in stored() if item not in before)
    assert in_flight.keys() == {"PK", "SK", "waiting", "looked_at"}
    key = keys.waiting_delivery(account_id, None, asked_for["delivery_id"])
    assert (delivery["PK"]["S"], delivery["webhook_id"]["S"]) == (key.PK, webhook_id)
