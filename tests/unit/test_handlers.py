"""Every handler, called in this process with its sample event, on a table in memory."""

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from contacts import bootstrap
from contacts.observability import logger
from local import sample_account
from local.stack import ROOT
from local.table import NAME, create_table
from local.template import functions
from tests import sample_events

Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]

OPERATIONS = [function.name for function in functions()]
LAMBDA_CONTEXT = SimpleNamespace(
    aws_request_id="6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00", get_remaining_time_in_millis=lambda: 20_000
)
KEPT = (bootstrap.table, bootstrap.account_store, bootstrap.gatekeeper)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A function's environment; what bootstrap has made in another is forgotten."""
    of_lambda = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    of_the_template = functions()[0].resolved_environment({"Table": NAME})
    for name, value in (of_lambda | of_the_template).items():
        monkeypatch.setenv(name, value)
    for made_once in KEPT:
        made_once.cache_clear()
    yield
    for made_once in KEPT:
        made_once.cache_clear()


@pytest.fixture
def table(settings: None) -> Iterator[Any]:
    """A client of a DynamoDB that holds what the events expect."""
    with mock_aws():
        client = bootstrap.client("dynamodb")
        create_table(client)
        sample_account.fill(client, NAME)
        yield client


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What the functions have written."""
    kept = logger.registered_handler
    # It would write to what was standard output when the logger was made.
    monkeypatch.setattr(kept, "emit", lambda record: print(kept.format(record)))
    return lambda: capsys.readouterr().out


def handler(operation: str) -> Handler:
    """The Lambda handler of a function, loaded as for a cold start."""
    path = ROOT / "functions" / operation / "handler.py"
    spec = importlib.util.spec_from_file_location(f"handler_of_{operation}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Handler = module.lambda_handler
    return loaded


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_sample_event_gets_its_answer(operation: str, table: Any) -> None:
    answer = handler(operation)(sample_events.event(operation), LAMBDA_CONTEXT)
    sample_events.assert_answered(operation, answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_line_is_logged_and_nothing_personal(operation: str, table: Any, log: Callable[[], str]) -> None:
    handler(operation)(sample_events.event(operation), LAMBDA_CONTEXT)
    written = log()
    (line,) = map(json.loads, written.splitlines())
    assert line["operation"] == operation
    assert line["_aws"]["CloudWatchMetrics"]
    assert [word for word in sample_events.PERSONAL if word in written] == []


def without_key(event: Any) -> Any:
    return event | {"headers": {name: text for name, text in event["headers"].items() if name != "x-api-key"}}


def with_key(event: Any, key: str) -> Any:
    return event | {"headers": event["headers"] | {"x-api-key": key}}


KEY_NEEDED = [name for name in OPERATIONS if name not in ("provision_account", "refuse_request")]
WELL_FORMED_BUT_UNKNOWN = "sk_live_" + "Unknown" * 6 + "1"


@pytest.mark.parametrize(
    "unkeyed",
    [
        pytest.param(without_key, id="no key"),
        pytest.param(lambda event: with_key(event, "letmein"), id="no key of ours"),
        pytest.param(lambda event: with_key(event, WELL_FORMED_BUT_UNKNOWN), id="unknown key"),
    ],
)
def test_nobody_gets_in_without_a_key(unkeyed: Callable[[Any], Any], table: Any) -> None:
    before = table.scan(TableName=NAME)["Items"]
    for operation in KEY_NEEDED:
        answer = handler(operation)(unkeyed(sample_events.event(operation)), LAMBDA_CONTEXT)
        assert answer["statusCode"] == 401, operation
        assert answer["headers"]["WWW-Authenticate"].startswith("Bearer ")
        assert json.loads(answer["body"])["code"] == "not_authenticated"
    assert table.scan(TableName=NAME)["Items"] == before


@pytest.mark.parametrize("operation", KEY_NEEDED)
def test_a_failure_of_ours_tells_the_log_where_and_nobody_what(
    operation: str, settings: None, log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message of an exception can hold what was sent: neither the caller nor the log gets to see it."""
    serve = handler(operation)
    event = sample_events.event(operation)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot digest {event}")

    monkeypatch.setattr(bootstrap.gatekeeper(), "admit", fail)
    answer = serve(event, LAMBDA_CONTEXT)
    assert answer["statusCode"] == 500
    body = json.loads(answer["body"])
    assert body["code"] == "internal_error"
    assert body["request_id"] == event["requestContext"]["requestId"]
    assert "digest" not in answer["body"]
    written = log()
    failure, line = map(json.loads, written.splitlines())
    assert failure["failure"][0].startswith("builtins.RuntimeError at ")
    assert failure["request_id"] == line["request_id"] == body["request_id"]
    assert (failure["level"], line["status"], line["ServerErrors"]) == ("ERROR", 500, [1])
    assert [word for word in sample_events.PERSONAL if word in written] == []
