"""`make run` from start to end: ready, interrupted, killed, continued."""

import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from contacts.search.query import ALL_CONTACTS
from contacts.table import keys
from local.stack import ROOT, LocalStack, free_port
from local.template import template
from tests.support.thorough import thorough
from tests.support.waiting import until

SECONDS_UNTIL_SAVED = 4
SECONDS_OF_WRITING = 8
SECONDS_LOST = 5.0
MANY = 10_000
ENVIRONMENT = {**os.environ, "PYTHONPATH": "layers/contacts"}
"""As the Makefile sets it."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stack of these tests is, deployed by the first of them; none leaves it running."""
    return tmp_path_factory.mktemp("continued")


def test_what_no_route_matches_is_refused_by_the_api(stack: dict[str, Any]) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{stack['url']}/no/such/path", timeout=30)
    assert refused.value.code == 404
    assert refused.value.headers["apigw-requestid"]


def test_what_was_written_and_what_follows_from_it_outlive_a_kill(directory: Path) -> None:
    """Also on another port: the queues are found, and no record of the stream is missed or read as another's."""
    stack = LocalStack(directory, free_port())
    item = {"PK": {"S": "kept"}, "SK": {"S": "kept"}}

    with run(stack) as first:
        table = stack.description["table"]
        stack.deployment.client("dynamodb").put_item(TableName=table, Item=item)
        key = stack.description["keys"]["native"]
        assert (directory / "env").read_text() == f"API={stack.url}\nKEY={key}\n"
        endpoints = {
            each["SERVICES_ENDPOINT"]
            for each in json.loads((directory / "sam-env.json").read_text()).values()
        }
        assert endpoints == {f"http://host.docker.internal:{stack.port}"}
        parameters = tomllib.loads((directory / "sam-parameters.toml").read_text())
        assert parameters["Architecture"] in template()["Parameters"]["Architecture"]["AllowedValues"]
        create_contact(stack, "first@example.com")
        assert until(lambda: counted(stack) == 1)
        project(stack, on=False)
        stack.save()
        create_contact(stack, "second@example.com")
        assert len(processes(directory)) > 1
        time.sleep(SECONDS_UNTIL_SAVED)
        (emulator,) = [pid for pid, line in processes(directory) if "emulator/__main__.py" in line]
        os.kill(emulator, signal.SIGKILL)
        assert first.wait(60) == 1
        assert "ended by itself" in first.stderr.read()

    stack = LocalStack(directory, free_port())
    with run(stack) as second:
        found = stack.deployment.client("dynamodb").get_item(TableName=table, Key=item)
        assert found["Item"] == item
        project(stack, on=True)
        assert until(lambda: counted(stack) == 2)
        third = create_contact(stack, "third@mailinator.com")
        assert until(lambda: counted(stack) == 3)
        assert until(lambda: verdict_on(stack, third) == "invalid")

        another = run_to_its_end(stack)
        assert another.returncode == 1
        assert another.stderr.startswith(f"error: port {stack.port} is not free")
        assert len(another.stderr.splitlines()) == 1

        second.send_signal(signal.SIGINT)
        assert second.wait(60) == 0
        assert processes(directory) == []


def test_an_emulator_that_nobody_is_left_to_end_ends_by_itself(directory: Path) -> None:
    stack = LocalStack(directory, free_port())
    with run(stack) as left:
        left.kill()
        assert until(lambda: not processes(directory))


@thorough
def test_however_much_it_holds_a_killed_emulator_loses_seconds(directory: Path) -> None:
    """Twenty megabytes, more than the journal takes before it is folded, and then one item after the other."""
    stack = LocalStack(directory, free_port())
    with run(stack):
        client, table = stack.deployment.client("dynamodb"), stack.description["table"]
        with ThreadPoolExecutor(4) as writers:
            list(writers.map(lambda start: put_items(client, table, start), range(0, MANY, 25)))
        acknowledged = {}
        until_then = time.monotonic() + SECONDS_OF_WRITING
        while time.monotonic() < until_then:
            item = numbered("late", len(acknowledged))
            client.put_item(TableName=table, Item=item)
            acknowledged[len(acknowledged)] = time.monotonic()
        (emulator,) = [pid for pid, line in processes(directory) if "emulator/__main__.py" in line]
        os.kill(emulator, signal.SIGKILL)
        killed = time.monotonic()

    with run(stack):
        client = stack.deployment.client("dynamodb")
        assert how_many(client, table, "early") == MANY
        kept = how_many(client, table, "late")
        lost = [killed - at for number, at in acknowledged.items() if number >= kept]
        assert 0 < kept <= len(acknowledged)
        assert max(lost, default=0.0) < SECONDS_LOST


def put_items(client: Any, table: str, start: int) -> None:
    """25 items of 2 KB."""
    puts = [{"PutRequest": {"Item": numbered("early", number)}} for number in range(start, start + 25)]
    assert not client.batch_write_item(RequestItems={table: puts}).get("UnprocessedItems")


def numbered(partition: str, number: int) -> dict[str, Any]:
    return {"PK": {"S": partition}, "SK": {"S": f"{number:06d}"}, "text": {"S": "x" * 2000}}


def how_many(client: Any, table: str, partition: str) -> int:
    """How many items of a partition there are, from the first on without a gap."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="PK = :partition",
        ExpressionAttributeValues={":partition": {"S": partition}},
        ProjectionExpression="SK",
        ConsistentRead=True,
    )
    numbers = [int(item["SK"]["S"]) for page in pages for item in page["Items"]]
    assert numbers == list(range(len(numbers)))
    return len(numbers)


def create_contact(stack: LocalStack, email: str) -> str:
    """A new contact of the demo account; gives back its id."""
    return str(asked(stack, "POST", "/v1/contacts", {"email": email})["id"])


def verdict_on(stack: LocalStack, contact_id: str) -> str:
    """What is thought of a contact's email."""
    return str(asked(stack, "GET", f"/v1/contacts/{contact_id}")["validation_status"])


def asked(stack: LocalStack, method: str, path: str, body: Any = None) -> Any:
    """The answer to a request with the demo account's key."""
    headers = {"X-API-Key": stack.description["keys"]["native"], "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{stack.url}{path}", content, headers, method=method), timeout=60) as answer:
        return json.load(answer)


def project(stack: LocalStack, *, on: bool) -> None:
    """Have the projection follow the stream, or wait."""
    mapping = stack.deployment.resources()["ProjectChangesSource"]
    stack.deployment.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=on)


def counted(stack: LocalStack) -> int:
    """How many contacts the demo account has by its count."""
    described, table = stack.description, stack.deployment.client("dynamodb")
    count = keys.count(described["account_id"], ALL_CONTACTS)
    key = {name: {"S": text} for name, text in count._asdict().items()}
    item = table.get_item(TableName=described["table"], Key=key).get("Item", {"n": {"N": "0"}})
    return int(item["n"]["N"])


def command(stack: LocalStack) -> list[str]:
    where = ["--port", str(stack.port), "--directory", str(stack.directory)]
    # As the Makefile has it: that environment has not all the packages of this one.
    return [str(stack.deployment.python), "-m", "local", "run", *where]


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
