"""Every event in events/ through its function, run the way Lambda runs it.

The real runtime client loads the handler in a process of its own, from the built layers, under AWS's runtime
interface emulator, and the table and the queues are in an emulated AWS: nothing of it is in the process of the tests.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from contacts.core.observability import UNDER_WAY
from local import sample_account
from local.layers import built_layers
from local.queues import create_queues
from local.rie import Invocation, RuntimeEmulator, RuntimeUnavailable, emulator_binary
from local.stack import LocalStack
from local.table import create_table
from local.template import Function, functions, named_rest
from tests.support import sample_events

AS_LOGGING_CONFIG_SAYS = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}
"""What Lambda sets for the template's LoggingConfig; the runtime client reads it."""
JOURNAL, FILES = "journal-of-sample-events", "files-of-sample-events"


@pytest.fixture(scope="module", params=functions(), ids=lambda function: function.name)
def invoked(request: pytest.FixtureRequest, emulator: LocalStack) -> Iterator[tuple[Function, Invocation]]:
    """A function and what its first invocation gave, on a table of its own."""
    try:
        emulator_binary()
    except RuntimeUnavailable as reason:
        pytest.skip(str(reason))
    function: Function = request.param
    client = emulator.deployment.client("dynamodb")
    table = create_table(client, f"contacts-{uuid4().hex}")
    sample_account.fill(client, table)
    tables = [table]
    if function.name == "restore_account":
        tables.append(create_table(client, sample_events.event(function.name)["table"]))
        sample_account.fill(client, tables[1])
    queues = create_queues(emulator.deployment.client("sqs"))
    for bucket in (JOURNAL, FILES):
        emulator.deployment.client("s3").create_bucket(Bucket=bucket)
    names = {"Table": table, "Journal": JOURNAL, "Files": FILES, **queues}
    environment = function.resolved_environment(names) | AS_LOGGING_CONFIG_SAYS
    with RuntimeEmulator(
        function.folder,
        environment | {"AWS_ENDPOINT_URL": emulator.endpoint_url},
        built_layers(function.layers),
        handler=function.handler,
        timeout=function.timeout,
        memory=function.memory,
    ) as runtime:
        yield function, runtime.invoke(sample_events.event(function.name))
    for name in tables:
        client.delete_table(TableName=name)


def json_lines(log: str) -> list[Any]:
    """The lines a function wrote, but for that of a slow machine; those between them are the emulator's own."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") != UNDER_WAY]


def test_it_gets_the_expected_answer(invoked: tuple[Function, Invocation]) -> None:
    function, invocation = invoked
    sample_events.assert_answered(function.name, invocation.payload)


def test_it_logs_one_line_with_its_metrics(invoked: tuple[Function, Invocation]) -> None:
    function, invocation = invoked
    (line,) = json_lines(invocation.log)
    assert line["operation"] == function.name
    assert line["lambda_request_id"]
    if function.routes:
        event = sample_events.event(function.name)
        assert line["request_id"] == event["requestContext"]["requestId"]
        assert line["route"] == named_rest(event["routeKey"])
        assert line["status"] == invocation.payload["statusCode"]
        is_keyless = function.name in sample_events.KEYLESS
        asked = (None, None) if is_keyless else (sample_account.ACCOUNT.id, sample_account.API_KEY.id)
        assert (line.get("account_id"), line.get("key_id")) == asked
    if not function.routes:
        assert "_aws" not in line  # Nothing failed, so there is nothing to count.
        return
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Contacts", [["group"]])
    refused = {"AuthErrors"} if line["status"] in (401, 403) else set()
    assert {metric["Name"] for metric in directive["Metrics"]} == {"Latency"} | refused


def test_it_logs_nothing_personal(invoked: tuple[Function, Invocation]) -> None:
    _, invocation = invoked
    assert [word for word in sample_events.PERSONAL if word in invocation.log] == []
