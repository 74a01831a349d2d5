"""What the runtime emulator promises: a function runs as on Lambda, alone, and nothing of it stays behind."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.dynamodb_stub import CannedTable
from contacts.core.observability import UNDER_WAY
from local.layers import built_layers
from local.rie import FunctionFailed, RuntimeEmulator, RuntimeUnavailable, emulator_binary

ECHO = """
import os, sys, time
invokes = 0
def lambda_handler(event, context):
    global invokes
    invokes += 1
    print("said", event["say"])
    if event["say"] == "fail":
        raise ValueError("as told")
    if event["say"] == "die":
        os._exit(3)
    return {
        "invokes": invokes, "pid": os.getpid(), "environment": dict(os.environ), "path": sys.path,
        "remaining_ms": context.get_remaining_time_in_millis(), "cwd": os.getcwd(),
    }
"""

ENDED = """
import os, signal, time
from contacts.core import observability
observability.LONG_S = 0.01
def lambda_handler(event, context):
    ids = {"request_id": event["id"], "lambda_request_id": context.aws_request_id}
    observability.begin_request(lambda: ids)
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""As Linux ends a process whose memory is full."""


@pytest.fixture
def function(tmp_path: Path) -> Path:
    try:
        emulator_binary()
    except RuntimeUnavailable as reason:
        pytest.skip(str(reason))
    (tmp_path / "handler.py").write_text(ECHO)
    return tmp_path


@pytest.fixture
def emulator(function: Path) -> Iterator[RuntimeEmulator]:
    with RuntimeEmulator(function, {"COLOUR": "green"}, timeout=5) as started:
        yield started


def test_the_process_stays_and_the_first_invoke_contains_its_start(emulator: RuntimeEmulator) -> None:
    first, second = emulator.invoke({"say": "hello"}), emulator.invoke({"say": "again"})
    assert (first.payload["invokes"], second.payload["invokes"]) == (1, 2)
    assert first.payload["pid"] == second.payload["pid"]
    assert first.duration_ms > second.duration_ms > 0
    assert "said hello" in first.log
    assert "said hello" not in second.log
    assert 0 < second.payload["remaining_ms"] <= 5000


def test_a_function_sees_its_own_environment_and_packages_only(
    function: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    with RuntimeEmulator(function, {"COLOUR": "green"}) as emulator:
        seen = emulator.invoke({"say": "hello"}).payload
    assert seen["environment"]["COLOUR"] == "green"
    assert "SECRET_OF_THE_SHELL" not in seen["environment"]
    assert seen["cwd"] == str(function)
    assert not [path for path in seen["path"] if path.endswith("site-packages")]


def test_an_exception_is_the_payload_lambda_makes_of_it(emulator: RuntimeEmulator) -> None:
    payload = emulator.invoke({"say": "fail"}).payload
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "as told")


def test_a_process_that_ends_fails_the_invoke_and_the_log_says_so(emulator: RuntimeEmulator) -> None:
    with pytest.raises(FunctionFailed, match="exit status 3"):
        emulator.invoke({"say": "die"})


def test_a_long_request_whose_function_is_killed_has_left_its_ids(function: Path) -> None:
    (function / "handler.py").write_text(ENDED)
    with (
        RuntimeEmulator(function, {"AWS_LAMBDA_LOG_FORMAT": "JSON"}, built_layers()) as emulator,
        pytest.raises(FunctionFailed) as failed,
    ):
        emulator.invoke({"id": "r-1"})
    (line,) = [json.loads(line) for line in str(failed.value).splitlines() if line.startswith('{"level"')]
    assert (line["message"], line["request_id"]) == (UNDER_WAY, "r-1")
    assert f"START RequestId: {line['lambda_request_id']}" in str(failed.value)


def test_a_handler_that_does_not_load_fails_the_invoke(function: Path) -> None:
    (function / "handler.py").write_text("import nothing_of_this_name")
    with (
        RuntimeEmulator(function, {}) as emulator,
        pytest.raises(FunctionFailed, match="nothing_of_this_name"),
    ):
        emulator.invoke({})


def test_stopping_leaves_no_process(emulator: RuntimeEmulator) -> None:
    pid = emulator.invoke({"say": "hello"}).payload["pid"]
    emulator.stop()
    emulator.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_stub_of_the_benchmarks_answers_from_its_items() -> None:
    key = {"PK": {"S": "p"}, "SK": {"S": "s"}}
    table = CannedTable([key | {"n": {"N": "1"}}], {"used": {"N": "7"}})
    missing = {"PK": {"S": "p"}, "SK": {"S": "other"}}
    assert table.answer("GetItem", {"Key": key}) == {"Item": key | {"n": {"N": "1"}}}
    assert table.answer("GetItem", {"Key": missing}) == {}
    counted = table.answer("UpdateItem", {"Key": missing, "ReturnValues": "ALL_NEW"})
    assert counted == {"Attributes": missing | {"used": {"N": "7"}}}
    assert table.answer("UpdateItem", {"Key": missing}) == {}
    page = table.answer(
        "Query",
        {
            "KeyConditionExpression": "PK = :p",
            "ExpressionAttributeValues": {":p": {"S": "p"}},
            "Limit": 5,
        },
    )
    assert page["Count"] == 1
