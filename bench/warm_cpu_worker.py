"""One process of `bench.warm_cpu`: `python -S -m bench.warm_cpu_worker`, a task as JSON on standard input.

It has a function's environment, not the one of the benchmark, so that each subject runs on its own packages. The
network ends where botocore hands a signed request to urllib3: from there canned answers come back, the same ones in
the same order for every invoke.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from bench.dynamodb_stub import CannedTable

INVOKES_TO_WARM_UP = 100
BLOCKS = 20
INVOKES_IN_A_BLOCK = 50


class Body:
    """As much of a urllib3 response as botocore reads."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        """The whole body at once."""
        yield self._content


class Network:
    """Stands in for urllib3. Until `replay` it works its answers out and remembers them, then it repeats them."""

    def __init__(self, table: CannedTable) -> None:
        self._table = table
        self.calls: list[tuple[str, bytes]] = []
        self._answers: list[bytes] = []
        self._next = 0
        self._replays = False

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """Answer a request."""
        if self._replays:
            content = self._answers[self._next]
            self._next = (self._next + 1) % len(self._answers)
        else:
            target = request.headers["X-Amz-Target"]
            target = target.decode() if isinstance(target, bytes) else target
            body: Any = request.body
            self.calls.append((target.rpartition(".")[2], body))
            content = self._table.encoded_answer(target, body)
            self._answers.append(content)
        headers: Any = {"Content-Type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, 200, headers, Body(content))

    def record(self) -> None:
        """Remember the calls from here on, one invoke's."""
        self.calls, self._answers = [], []

    def replay(self) -> None:
        """Repeat what was remembered."""
        self._replays = True


class Context:
    """What Lambda passes beside the event."""

    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"
    memory_limit_in_mb = 256

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 10_000


def handler_invoke(name: str, event: Any) -> Callable[[], Any]:
    """An invoke of `module.function` with an event."""
    module, _, function = name.rpartition(".")
    handler = getattr(importlib.import_module(module), function)
    context = Context()
    return lambda: handler(event, context)


def client_invoke(calls: list[tuple[str, dict[str, Any]]]) -> Callable[[], Any]:
    """The same calls as a handler made, by botocore's client alone."""
    client = botocore.session.get_session().create_client("dynamodb")
    steps = [(getattr(client, xform_name(operation)), request) for operation, request in calls]

    def invoke() -> None:
        for method, request in steps:
            method(**request)

    return invoke


def measured(invoke: Callable[[], Any], network: Network) -> dict[str, Any]:
    """CPU time per warm invoke in µs, block by block; the calls one invoke makes; its answer."""
    invoke()  # caches fill: the caller's key, the day's signing key
    network.record()
    answer = invoke()
    network.replay()
    if network.calls:
        for _ in range(INVOKES_TO_WARM_UP):
            invoke()
    blocks = []
    for _ in range(BLOCKS):
        began = time.process_time_ns()
        for _ in range(INVOKES_IN_A_BLOCK):
            invoke()
        blocks.append((time.process_time_ns() - began) / INVOKES_IN_A_BLOCK / 1000)
    calls = [(operation, json.loads(body)) for operation, body in network.calls]
    return {"blocks_us": blocks, "calls": calls, "answer": answer}


def main() -> None:
    """Carry out the task: {"table", "handler", "event"} or {"table", "calls"}."""
    task = json.load(sys.stdin)
    report = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # logs and metrics are written, but nowhere
    network = Network(CannedTable(**task["table"]))
    with patch.object(URLLib3Session, "send", network.send):
        calls = task.get("calls")
        invoke = client_invoke(calls) if calls else handler_invoke(task["handler"], task["event"])
        json.dump(measured(invoke, network), report)
    report.close()


if __name__ == "__main__":
    main()
