"""What the structured lines hold: the dashboard, the runbook's queries and operators' alarms read it by these names."""

import json
import re
import signal
from threading import Thread
from typing import Any

import pytest

from bench.cost import OWN_METRICS
from bench.service import sources
from contacts.core import observability
from contacts.core.observability import (
    UNDER_WAY,
    begin_request,
    group_of,
    record_batch,
    record_operator_call,
    record_request,
)
from local.stack import ROOT
from local.table import NAME
from local.template import functions
from tests.recorded.playing import functions_of_the_account, recorded_scenarios
from tests.support.deployed import DeployedFunctions
from tests.support.moto_table import MotoTable, Refusal

SCENARIOS = recorded_scenarios()
Line = dict[str, Any]

COMMON = {"operation", "Latency", "lambda_request_id"}
OF_ANYBODY = COMMON | {"_aws", "group", "request_id", "route", "status"}
OF_A_REQUEST = OF_ANYBODY | {"account_id", "key_id", "dialect"}
OF_A_BATCH = COMMON | {"Records"}
OF_LAMBDA = {
    *("type", "record.requestId", "record.status", "record.errorType", "record.metrics.initDurationMs"),
    "errorMessage",
}
"""What the runbook asks for in Lambda's own lines: `platform.report` ("Lambda Telemetry API event schema reference",
developer guide of Lambda), and the runtime's of an error that a function lets out."""
OF_A_LONG_REQUEST = {
    *("level", "message", "service", "timestamp"),
    *("operation", "request_id", "lambda_request_id", "route"),
}
OF_A_FAILURE = {"level", "message", "service", "timestamp", "lambda_request_id", "failure"}


class Unavailable(MotoTable):
    """A table that answers nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def call(self, *_: Any) -> dict[str, Any]:
        raise self._error


class Slow(MotoTable):
    """A table of which every call takes until the request is long."""

    def __init__(self, table: MotoTable) -> None:
        self._slow = table

    def call(self, *request: Any) -> dict[str, Any]:
        answer = self._slow.call(*request)
        signal.raise_signal(signal.SIGALRM)
        return answer


THROTTLED = Unavailable(Refusal("ProvisionedThroughputExceededException", {"message": "slow down"}))
BROKEN = Unavailable(RuntimeError("a bug"))


def lines_of(scenario: str, *, tables: MotoTable | None = None) -> list[Line]:
    """What the first step of a scenario writes into the log; `tables`: another table than the recorded one."""
    with functions_of_the_account() as functions:
        if tables is not None:
            functions.table = tables
        return _logged(functions, SCENARIOS[scenario]["steps"][0])


def _logged(functions: DeployedFunctions, step: Line) -> list[Line]:
    if "function" in step:
        functions.invoke(step["function"], step["event"])
    else:
        functions.request(
            step["method"], step["target"], step.get("body"), key=step.get("key"), headers=step.get("headers")
        )
    return functions.logged


def metrics(line: Line) -> set[str]:
    """The names under which CloudWatch counts what a line tells; none of most lines of batches."""
    if "_aws" not in line:
        return set()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Contacts"
    assert directive["Dimensions"] == ([["group"]] if "group" in line else [["operation"]])
    names = {metric["Name"] for metric in directive["Metrics"]}
    # Logs Insights sums numbers; what is in a list it knows by another name.
    assert all(isinstance(line[name], int | float) for name in names)
    return names


@pytest.mark.parametrize(
    ("scenario", "fields", "counted"),
    [
        ("read: id", OF_A_REQUEST, {"Latency"}),
        ("page: search", OF_A_REQUEST | {"driver", "candidates"}, {"Latency"}),
        ("read: trashed", OF_A_REQUEST | {"code"}, {"Latency"}),
        ("key: none", OF_ANYBODY | {"code", "AuthErrors"}, {"Latency", "AuthErrors"}),
        ("artamail: wrong name", OF_A_REQUEST | {"code"}, {"Latency"}),
        ("batch", OF_A_REQUEST | {"items", "failed"}, {"Latency"}),
        ("suspend_account", COMMON | {"status"}, set()),
        ("project_changes: INSERT of a contact", OF_A_BATCH, set()),
        ("dispatch_webhooks: INSERT of a contact", OF_A_BATCH, set()),
        ("deliver_webhook: OK", OF_A_BATCH, set()),
        ("validate_contact: OK", OF_A_BATCH, set()),
        ("erase_contact: OK", OF_A_BATCH, set()),
        ("record_bounce: Permanent", OF_A_BATCH, set()),
    ],
)
def test_a_log_line_has_the_documented_fields_and_metrics(
    scenario: str, fields: set[str], counted: set[str]
) -> None:
    (line,) = lines_of(scenario)
    assert line.keys() == fields
    assert metrics(line) == counted


def test_a_batch_of_requests_tells_how_many_it_has_and_how_many_failed() -> None:
    (line,) = lines_of("batch")
    results = SCENARIOS["batch"]["steps"][0]["answer"]["body"]["results"]
    failed = sum(result["status"] >= 400 for result in results)
    assert (line["items"], line["failed"]) == (len(results), failed)


def test_a_request_beyond_the_limit_is_counted_as_such() -> None:
    with functions_of_the_account() as functions:
        step = SCENARIOS["key: of old"]["steps"][1]
        (usage,) = [
            put["put"] for put in SCENARIOS["key: of old"]["writes"] if put["key"][0].endswith("#USAGE")
        ]
        functions.table.call("put_item", {"TableName": NAME, "Item": usage | {"used": {"N": "100"}}})
        (line,) = _logged(functions, step)
    assert line.keys() == OF_A_REQUEST | {"code", "RateLimited"}
    assert metrics(line) == {"Latency", "RateLimited"}
    assert (line["status"], line["code"]) == (429, "rate_limited")


def test_a_table_that_is_busy_is_a_server_error_with_a_code() -> None:
    (line,) = lines_of("read: id", tables=THROTTLED)
    assert line.keys() == OF_ANYBODY | {"code", "ServerErrors"}
    assert metrics(line) == {"Latency", "ServerErrors"}
    assert (line["status"], line["code"]) == (503, "temporarily_unavailable")


def test_a_bug_has_a_line_of_its_own() -> None:
    failure, line = lines_of("read: id", tables=BROKEN)
    assert failure.keys() == OF_A_FAILURE | {"request_id", "route"}
    assert (failure["level"], failure["message"]) == ("ERROR", "unexpected failure")
    assert line.keys() == OF_ANYBODY | {"ServerErrors"}
    assert line["request_id"] == failure["request_id"]


def test_a_request_that_is_still_under_way_after_a_second_leaves_its_ids() -> None:
    """If its function is ended then, for its time or its memory, this is all that tells whose request it was."""
    with functions_of_the_account() as functions:
        functions.table = Slow(functions.table)
        *early, last = _logged(functions, SCENARIOS["read: id"]["steps"][0])
    assert early[0].keys() == OF_A_LONG_REQUEST
    assert early[-1].keys() == OF_A_LONG_REQUEST | {"account_id", "key_id", "dialect"}
    assert {(line["level"], line["message"]) for line in early} == {("WARNING", UNDER_WAY)}
    assert early[-1].items() >= {
        (name, last[name]) for name in OF_A_REQUEST - {"_aws", "group", "status", "Latency"}
    }


def test_a_request_that_is_answered_leaves_no_timer(capsys: pytest.CaptureFixture[str]) -> None:
    begin_request(dict)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= observability.LONG_S
    record_request("get_contact", 200, 12.3, {})
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_a_request_in_another_thread_leaves_the_timer_alone() -> None:
    begin_request(dict)
    thread = Thread(target=lambda: (begin_request(dict), record_request("get_contact", 200, 12.3, {})))
    thread.start()
    thread.join()
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    record_request("get_contact", 200, 12.3, {})


@pytest.mark.parametrize(
    "scenario", ["project_changes: INSERT of a contact", "deliver_webhook: OK", "erase_contact: OK"]
)
def test_a_batch_of_records_logs_how_many_are_retried(scenario: str) -> None:
    (line,) = lines_of(scenario, tables=THROTTLED)
    assert line.keys() == OF_A_BATCH | {"_aws", "Failed"}
    assert metrics(line) == {"Failed"}


@pytest.mark.parametrize(
    ("scenario", "culprit"),
    [("project_changes: INSERT of a contact", "event_id"), ("validate_contact: OK", "message_id")],
)
def test_a_bug_in_a_worker_names_the_record(scenario: str, culprit: str) -> None:
    failure, _ = lines_of(scenario, tables=BROKEN)
    assert failure.keys() == OF_A_FAILURE | {culprit}


STREAMS, QUEUES = sources()
CONSUMERS = {one.function for one in (*STREAMS, *QUEUES)} | {"record_bounce"}
"""What reads the stream, a queue or a topic."""


def test_few_metrics_are_paid_for(capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch charges for each namespace, name and set of dimensions that came in a month, $0.30 each."""
    for function in functions():
        for status in range(200, 600):
            if function.routes:
                record_request(function.name, status, 1, {})
            else:
                record_operator_call(function.name, status, 1, {})
        if function.name in CONSUMERS:
            record_batch(function.name, 10, 0, 1, {})
            record_batch(function.name, 10, 3, 1, {})
    counted = set()
    for text in capsys.readouterr().out.splitlines():
        line = json.loads(text)
        counted |= {
            (
                name,
                *(
                    (dimension, line[dimension])
                    for dimension in ("group", "operation")
                    if f'["{dimension}"]' in text
                ),
            )
            for name in metrics(line)
        }
    groups = {"reads", "writes", "lists", "batches"}
    assert counted == {
        (name, ("group", group))
        for group in groups
        for name in ("Latency", "ServerErrors", "AuthErrors", "RateLimited")
    } | {("Failed", ("operation", consumer)) for consumer in CONSUMERS}
    assert len(counted) == OWN_METRICS


@pytest.mark.parametrize(
    ("group", "operations"),
    [
        (
            "reads",
            "get_account get_account_usage get_chat get_contact get_channel get_export get_import get_import_errors "
            "get_property get_webhook refuse_request show_console show_docs",
        ),
        (
            "lists",
            "export_contact list_api_keys list_channels list_contact_events list_contacts list_deliveries list_events "
            "list_exports list_gates list_imports list_lists list_properties list_tags list_webhooks search_contacts",
        ),
        ("batches", "batch_contacts"),
    ],
)
def test_an_operation_is_in_a_group_by_its_verb(group: str, operations: str) -> None:
    api = {function.name for function in functions() if function.routes}
    assert {name for name in api if group_of(name) == group} == set(operations.split())


def test_what_is_in_no_other_group_writes() -> None:
    """A new verb belongs here, or into `GROUPS`."""
    writing = {
        function.name for function in functions() if function.routes and group_of(function.name) == "writes"
    }
    verbs = {
        "add",
        "cancel",
        "create",
        "delete",
        "merge",
        "record",
        "redeliver",
        "restore",
        "revoke",
        "rotate",
    }
    assert {name.partition("_")[0] for name in writing} == verbs | {"start", "test", "undo", "update"}


def test_the_runbook_queries_fields_that_are_logged() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"sum\((\w+)\)|ispresent\((\w+)\)|(?:filter|and) ([\w.]+) (?:=|>=|!=)", runbook))
    asked |= {(name,) for name in re.findall(r"count\(([\w.]+)\)", runbook)}
    asked |= {
        (name,)
        for fields in re.findall(r"^fields (.+)$", runbook, re.MULTILINE)
        for name in fields.split(", ")
    }
    named = {name for names in asked for name in names if name and not name.startswith("@")}
    once = {"code", "items", "failed", "Failed", "flipped", "import_id", "export_id"}
    logged = OF_A_REQUEST | OF_A_BATCH | OF_A_FAILURE | once | OF_LAMBDA
    assert named
    assert named <= logged
