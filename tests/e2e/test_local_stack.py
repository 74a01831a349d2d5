"""`make run` from start to end: ready, interrupted, killed, continued."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from local.stack import ROOT, LocalStack, free_port

SECONDS_UNTIL_SAVED = 4
ENVIRONMENT = {**os.environ, "PYTHONPATH": "layers/contacts"}
"""As the Makefile sets it."""


def test_what_no_route_matches_is_refused_by_the_api(stack: dict[str, Any]) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{stack['url']}/no/such/path", timeout=30)
    assert refused.value.code == 404
    assert refused.value.headers["apigw-requestid"]


def test_the_data_outlives_kill_and_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, free_port())
    item = {"PK": {"S": "kept"}, "SK": {"S": "kept"}}

    with run(stack) as first:
        table = stack.description["table"]
        stack.deployment.client("dynamodb").put_item(TableName=table, Item=item)
        key = stack.description["keys"]["native"]
        assert (tmp_path / "env").read_text() == f"API={stack.url}\nKEY={key}\n"
        start_a_worker(stack)
        time.sleep(SECONDS_UNTIL_SAVED)
        (emulator,) = [pid for pid, line in processes(tmp_path) if "emulator.py" in line]
        os.kill(emulator, signal.SIGKILL)
        assert first.wait(60) == 1
        assert "ended by itself" in first.stderr.read()

    with run(stack) as second:
        found = stack.deployment.client("dynamodb").get_item(TableName=table, Key=item)
        assert found["Item"] == item

        third = run_to_its_end(stack)
        assert third.returncode == 1
        assert third.stderr.startswith(f"error: port {stack.port} is not free")
        assert len(third.stderr.splitlines()) == 1

        second.send_signal(signal.SIGINT)
        assert second.wait(60) == 0
        assert processes(tmp_path) == []

    with run(stack) as fourth:
        # Nobody is left to end the emulator: it notices.
        fourth.kill()
        deadline = time.monotonic() + 30
        while processes(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert processes(tmp_path) == []


def start_a_worker(stack: LocalStack) -> None:
    """Has the emulator start a process for a function."""
    with suppress(HTTPError):
        urlopen(f"{stack.url}/no/such/path", timeout=30).close()
    assert len(processes(stack.directory)) > 1


def command(stack: LocalStack) -> list[str]:
    where = ["--port", str(stack.port), "--directory", str(stack.directory)]
    return [sys.executable, "-m", "local", "run", *where]


@contextmanager
def run(stack: LocalStack) -> Iterator[subprocess.Popen[str]]:
    """`make run`, ready."""
    process = subprocess.Popen(
        command(stack), cwd=ROOT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(process.stderr.read())
        yield process
    finally:
        process.kill()
        process.communicate()


def run_to_its_end(stack: LocalStack) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(stack), cwd=ROOT, env=ENVIRONMENT, text=True, capture_output=True, timeout=60, check=False
    )


def processes(directory: Path) -> list[tuple[int, str]]:
    """The emulator in `directory` and its function workers."""
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], text=True, capture_output=True, check=True)
    lines = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
    return [(int(pid), args) for pid, args in lines if str(directory) in args and "local run" not in args]
