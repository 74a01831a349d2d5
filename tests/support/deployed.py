"""Every function as it is deployed, called in this process, with no knowledge of how it is wired.

    functions = DeployedFunctions(table, at_ms)
    reply = functions.request("GET", "/v1/contacts/crm-1", key=key)
    functions.invoke("project_changes", stream_event(records))
    functions.sent      # what went to SQS and to EventBridge Scheduler

A handler is loaded as for a cold start. What is replaced lies outside of our code: the clients that botocore makes, the
clock and the randomness of Python, the sockets to endpoints, name servers, and the environment.
"""

import json
import os
import random
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import KW_ONLY, dataclass, field
from functools import cache, partial
from hashlib import shake_256
from importlib.util import module_from_spec, spec_from_file_location
from io import StringIO
from itertools import count
from threading import Lock
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.session
import dns.resolver

from contacts import runtime as wiring
from contacts.core.observability import logger
from contacts.core.time import SystemClock
from contacts.runtime import Runtime, Settings
from local.stack import ROOT
from local.table import NAME
from local.template import functions, template
from tests.support.endpoint_sockets import EndpointSocket
from tests.support.gateway import handed_over
from tests.support.moto_table import MotoTable

Json = dict[str, Any]
Call = tuple[str, str, Json]
"""A call to DynamoDB: the function that made it, the method and the request."""

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nOops"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
"""What endpoints answer, byte for byte."""


@dataclass
class DeployedFunctions:
    """Functions on one table, at a moment that passes only when one of them sleeps.

    `at_ms`: the moment, in ms since the epoch; `label`: another one makes other ids.
    """

    table: MotoTable
    at_ms: int
    label: str = ""
    _: KW_ONLY
    endpoint_answer: bytes = OK
    """What an endpoint answers."""
    mail_exchangers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By domain; a domain that is not in it does not exist."""
    sent: list[Json] = field(default_factory=list)
    """The calls to SQS and EventBridge Scheduler: `service`, `method` and the request."""
    noted: list[str] = field(default_factory=list)
    """The keys of the objects that were put into the journal."""
    of_the_table: list[Call] = field(default_factory=list)
    """The calls to DynamoDB."""
    posted: list[bytes] = field(default_factory=list)
    """What endpoints were sent, byte for byte."""
    logged: list[Json] = field(default_factory=list)
    """The structured lines."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._function = ""
        self._draws: dict[int, Iterator[int]] = {}
        self._handlers: dict[str, Any] = {}

    def request(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json:
        """The answer of Lambda to a request that the gateway leads to its function.

        `target`: path and query as a client sends them; `key`: for X-API-Key.
        """
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if key is not None:
            sent["x-api-key"] = key
        handed = handed_over(method, target, text)
        event = {**handed.event, "headers": sent}
        answer: Json = self.invoke(handed.operation, event)
        return answer

    def invoke(self, function: str, event: Any) -> Any:
        """What a function gives back (an error that it lets out, as its type and message)."""
        context = SimpleNamespace(
            aws_request_id="6f0d1c52-1a3b-4c8e-9d7f-2b5a4e3c1d00",
            get_remaining_time_in_millis=lambda: _timeouts()[function] * 1000,
        )
        self._function = function
        with self._outside(), self._log():
            if function not in self._handlers:
                self._handlers[function] = _loaded(function).lambda_handler
            return self._handlers[function](event, context)

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """The world as the functions see it."""
        with ExitStack() as stack:
            for replaced in (
                patch.dict(os.environ, _environment()),
                patch.object(botocore.session, "get_session", _session),
                patch.object(botocore.session.Session, "create_client", self._client),
                patch.object(dns.resolver.Resolver, "resolve", self._resolved),
                patch.object(socket, "create_connection", self._connected),
                patch.object(random.SystemRandom, "randbytes", lambda _, size: self._drawn(size)),
                patch("os.urandom", self._drawn),
                patch("time.time_ns", lambda: self.at_ms * 1_000_000),
                patch("time.sleep", self._sleep),
            ):
                stack.enter_context(replaced)
            yield

    @contextmanager
    def _log(self) -> Iterator[None]:
        written = StringIO()
        handler = logger.registered_handler
        emit = lambda record: print(handler.format(record), file=written)  # noqa: E731
        try:
            with redirect_stdout(written), patch.object(handler, "emit", emit):
                yield
        finally:
            self.logged += map(json.loads, written.getvalue().splitlines())

    def _client(self, service: str, *_: Any, **__: Any) -> Any:
        return _Client(partial(self._called, service))

    def _called(self, service: str, method: str, **request: Any) -> Any:
        with self._lock:
            if service == "dynamodb":
                self.of_the_table.append((self._function, method, request))
                return getattr(self.table.client(), method)(**request)
            if service == "s3":
                self.noted.append(request["Key"])
                return {}
            self.sent.append({"service": service, "method": method, **request})
            return {}

    def _drawn(self, size: int) -> bytes:
        with self._lock:
            number = next(self._draws.setdefault(size, count(1)))
        return shake_256(f"{self.label} {size} {number}".encode()).digest(size)

    def _sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)

    def _connected(self, *_: Any, **__: Any) -> Any:
        return EndpointSocket(self.endpoint_answer, self.posted.append)

    def _resolved(self, _name: Any, kind: str = "A", **__: Any) -> Any:
        exchangers = self.mail_exchangers.get(str(_name).rstrip("."))
        if exchangers is None:
            raise dns.resolver.NXDOMAIN
        records = [SimpleNamespace(exchange=dns.name.from_text(name)) for name in exchangers]
        return SimpleNamespace(rrset=records if kind == "MX" else [])


class _Client:
    """A client of botocore, of one service."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)


def forget_what_was_made_once() -> None:
    """Have the functions build anew what they keep for the life of their process."""
    # Randomness is looked up when it is drawn: until then it is replaced.
    wiring.runtime = Runtime(Settings(os.environ), SystemClock(), lambda size: os.urandom(size))  # noqa: PLW0108 (looked up when it is called)


def _loaded(function: str) -> Any:
    path = ROOT / "functions" / function / "handler.py"
    spec = spec_from_file_location(f"deployed_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def _timeouts() -> dict[str, int]:
    """Seconds."""
    return {function.name: function.timeout for function in functions()}


@cache
def _environment() -> dict[str, str]:
    """The variables of all functions together."""
    found: dict[str, str] = {"AWS_DEFAULT_REGION": "us-east-1"}
    for function in functions():
        found |= function.resolved_environment({"Table": NAME, **_queues()})
    return {**found, "EMAIL_DNS": "on", "QUIET_VERDICTS": "off", "LEAN_PROJECTION": "off"}


def _queues() -> dict[str, str]:
    found = {}
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::SQS::Queue":
            found[name] = f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
            found[f"{name}.Arn"] = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    return found
