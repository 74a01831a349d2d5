"""The deployed functions in this process: moto's table below them, the routes of template.yaml before them.

A test uses an `account` here as it does on a running stack: the same requests, the functions as they are deployed,
with authentication, limits and all, and the same look at the table. What only a running stack has stays there: IAM,
the gateway itself, and whatever follows the stream.
"""

import base64
import gzip
import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from contacts import runtime as wiring
from contacts.core.errors import ContactsError
from contacts.runtime import Runtime
from contacts.table import keys
from local.stack import ROOT
from local.table import NAME
from local.template import Function, functions
from tests.support import api
from tests.support.accounts import Account, Accounts
from tests.support.fakes import OneAtATime
from tests.support.gateway import handed_over
from tests.support.moto_table import MotoTable, TypedItem
from tests.support.streams import Tape, about_contacts, stream_event

URL = "http://in-process.test"
TEXT_TYPES = (
    "application/json",
    "application/javascript",
    "application/xml",
    "application/x-www-form-urlencoded",
)
"""Bodies of these types, and of text/…, are handed over as text, others in Base64 ("Working with AWS Lambda proxy
integrations for HTTP APIs", developer guide of API Gateway)."""


class Nowhere:
    """A client of any other service: takes everything and does nothing."""

    def __getattr__(self, _: str) -> Callable[..., dict[str, Any]]:
        return lambda **_: {}


class InProcessStack(BaseAdapter):
    """What answers a request that `requests` sends to URL."""

    def __init__(self, table: MotoTable) -> None:
        super().__init__()
        self.table = table
        self._clients = {"dynamodb": OneAtATime(table.client())}
        self._request_ids = count(1)
        self._tape: Tape | None = None

    def client(self, service: str) -> Any:
        """What stands in for botocore's client of a service."""
        return self._clients.get(service, Nowhere())

    def project(self) -> None:
        """From now on, have the projection follow each request that may have written."""
        self._tape = Tape(self.table)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """The answer of the function that the gateway hands a request to."""
        assert request.method is not None
        handed = handed_over(request.method, request.path_url)
        event = {
            **handed.event,
            "headers": {name.lower(): _text(value) for name, value in request.headers.items()},
            "requestContext": {
                **handed.event["requestContext"],
                "requestId": f"r-{next(self._request_ids)}",
            },
            **_body(request),
        }
        answer = entry(handed.operation)(event, context(handed.operation))
        if self._tape is not None and request.method != "GET":
            records = about_contacts(self._tape.taken(time.time()))
            entry("project_changes")(stream_event(records), context("project_changes"))
        response = requests.Response()
        response.status_code = answer["statusCode"]
        response.headers = CaseInsensitiveDict(answer["headers"])
        response.raw = HTTPResponse(headers=answer["headers"], status=answer["statusCode"])
        response.encoding = "utf-8"
        body = answer.get("body") or ""
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        is_compressed = response.headers.get("Content-Encoding") == "gzip"
        response._content = gzip.decompress(content) if is_compressed and content else content
        response.request, response.url = request, request.url or ""
        return response

    def close(self) -> None:
        """Nothing is held open."""


class InProcessAccounts(Accounts):
    """Accounts behind those functions."""

    def __init__(self, stack: InProcessStack, until_the_end: ExitStack) -> None:
        self.url = URL
        self._until_the_end = until_the_end
        self._table = _Items(stack.table)

    def invoke(self, function: str, payload: Any) -> dict[str, Any]:
        """What a function (by its name in the template) answers; an error of its own has an `errorMessage`."""
        name = next(known.name for known in functions() if known.logical_id == function)
        try:
            answer: dict[str, Any] = entry(name)(payload, context(name))
        except ContactsError as error:
            return {"errorType": type(error).__name__, "errorMessage": str(error)}
        return answer


class _Items:
    """`tests.support.accounts._Table` on moto's table."""

    def __init__(self, table: MotoTable) -> None:
        self._table = table

    def items_below(self, prefix: str) -> list[TypedItem]:
        """Every item whose partition key begins with a prefix."""
        return self._table.items_below(prefix)

    def put(self, key: keys.Key, attributes: Mapping[str, Any]) -> None:
        """Write an item."""
        item = {**{name: {"S": value} for name, value in key._asdict().items()}, **attributes}
        self._table.call("put_item", {"TableName": NAME, "Item": item})

    def remove(self, key: keys.Key) -> None:
        """Delete an item."""
        self._table.remove({name: {"S": value} for name, value in key._asdict().items()})


@cache
def entry(operation: str) -> Callable[[Mapping[str, Any], Any], dict[str, Any]]:
    """The Lambda handler of a function, loaded once a module of tests."""
    path = ROOT / "functions" / operation / "handler.py"
    spec = importlib.util.spec_from_file_location(f"in_process_{operation}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Callable[[Mapping[str, Any], Any], dict[str, Any]] = module.lambda_handler
    return loaded


@cache
def _functions() -> Mapping[str, Function]:
    return {function.name: function for function in functions()}


def set_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the environment that the template gives its functions, all of them together."""
    for function in _functions().values():
        for name, value in function.resolved_environment({"Table": NAME}).items():
            monkeypatch.setenv(name, value)


def context(operation: str) -> SimpleNamespace:
    """What Lambda passes beside the event."""
    milliseconds = _functions()[operation].timeout * 1000
    return SimpleNamespace(aws_request_id="in-process", get_remaining_time_in_millis=lambda: milliseconds)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(request: requests.PreparedRequest) -> dict[str, Any]:
    """The body as API Gateway hands it over."""
    if request.body is None:
        return {}
    assert isinstance(request.body, str | bytes)
    content = request.body.encode() if isinstance(request.body, str) else request.body
    kind = _text(request.headers.get("Content-Type", "application/json")).partition(";")[0].strip().lower()
    if kind in TEXT_TYPES or kind.startswith("text/"):
        return {"body": content.decode(errors="replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}


@cache
def _table() -> tuple[MotoTable, Any]:
    """The table of this process, and its contents when it is empty."""
    table = MotoTable()
    return table, table.snapshot()


@pytest.fixture(scope="module")
def in_process_stack() -> Iterator[InProcessStack]:
    """The functions, with a table that is empty when a module begins."""
    table, empty = _table()
    table.bring_back(empty)
    stack = InProcessStack(table)
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_variables(monkeypatch)
        entry.cache_clear()
        monkeypatch.setitem(api.TRANSPORTS, URL, stack)
        monkeypatch.setattr(Runtime, "client", lambda _, service: stack.client(service))
        monkeypatch.setattr(Runtime, "file_client", lambda _: stack.client("s3"))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")  # URLs are signed for real.
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")  # Lambda sets it.
        monkeypatch.setattr(wiring, "runtime", wiring.of_environment())
        yield stack
    entry.cache_clear()


@pytest.fixture(scope="module")
def accounts(in_process_stack: InProcessStack) -> Iterator[Accounts]:
    """Opens accounts."""
    with ExitStack() as until_the_end:
        yield InProcessAccounts(in_process_stack, until_the_end)


@pytest.fixture(scope="module")
def shared_account(accounts: Accounts) -> Account:
    """An account for tests that leave no trace."""
    return accounts.open()


@pytest.fixture(scope="module")
def projection(in_process_stack: InProcessStack) -> None:
    """Has postings, words and counts follow each write, before the next request."""
    in_process_stack.project()
