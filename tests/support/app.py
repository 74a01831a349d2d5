"""The deployed functions in this process, on a table in memory: a `Runtime` of tests.

`App(client, caller)` serves requests as API Gateway would hand them over. What a test replaces (a queue, a resolver,
an endpoint) it replaces in the runtime; everything else is wired as in a Lambda function.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

from contacts import runtime as wiring
from contacts.accounts.authentication import AuthContext, Authenticator
from contacts.accounts.model import Account, ApiKey, Caller, Dialect, Mode, Plan, Scope, Switches
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import Randomness
from contacts.core.queue import Outgoing
from contacts.core.time import Clock
from contacts.email_validation.service import BounceRecorder, EmailValidator
from contacts.erasure.service import Eraser
from contacts.exports.person import PersonExporter
from contacts.exports.writing import ExportWriter
from contacts.projection.reindex import Reindexer
from contacts.projection.service import Projector
from contacts.restoring.replaying import Replayer
from contacts.restoring.service import Restorer
from contacts.runtime import Runtime, Settings
from contacts.table.client import Table
from contacts.web.files import OpenEntrypoint
from contacts.webhooks.delivery import DeliveryWorker
from contacts.webhooks.dispatch import Dispatcher
from local.stack import ROOT
from local.table import NAME
from tests.support.bucket import FakeBucket
from tests.support.documented import assert_answer
from tests.support.fakes import SECRET, CountingBytes, FakeClock
from tests.support.gateway import handed_over
from tests.support.permissions import Held

ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000a"
OTHER_ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000b"
_OPENED = "2026-01-01T00:00:00.000Z"
CONTEXT: Any = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
"""What Lambda passes beside the event."""
VARIABLES = {
    "TABLE_NAME": NAME,
    "EMAIL_DNS": "off",
    "ENTERPRISE_DELIVERIES": "25",
    "FILES_BUCKET": "files",
}
"""The environment of an App's functions, but for the queues, which it has itself."""


@dataclass(frozen=True)
class Reply:
    """An answer off the wire."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def wrong(self) -> dict[str, str]:
        """The fields that a refusal names, with what it says of them."""
        assert self.status == 400, self
        return {error["field"]: error["message"] for error in self.body["errors"]}


class OpenGate(Authenticator):
    """Lets every key in, as the same caller, uncounted."""

    def __init__(self, caller: Caller | Callable[[], Caller], board: Any = None) -> None:
        self._always = caller if callable(caller) else lambda: caller
        self.board = board or SimpleNamespace(switches=Switches())

    def identify(self, key: str) -> Caller:
        return self._always()

    def remembered_refusal(self, caller: Caller) -> AuthContext | None:
        return None

    def count(self, caller: Caller, written: int) -> AuthContext:
        return AuthContext(caller, used=1, seconds_left=1, resets_at=0, written=written)


@dataclass
class ListedQueue:
    """`core.queue.MessageQueue` as a list."""

    sent: list[Outgoing] = field(default_factory=list)
    fails: bool = False
    """Whether it is out of order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        if self.fails:
            raise TemporarilyUnavailable
        self.sent.extend(messages)

    @property
    def bodies(self) -> list[Mapping[str, object]]:
        return [message.body for message in self.sent]


@dataclass
class ListedJournal:
    """`erasure.journal.Journal` as lists: what was noted of whom, and when (ms since the epoch)."""

    clock: Clock
    erasures: dict[tuple[str, str], int] = field(default_factory=dict)
    opt_outs: dict[tuple[str, str], int] = field(default_factory=dict)
    fails: bool = False
    """Whether it does not answer."""

    def note_erased(self, account_id: str, contact_ids: Iterable[str]) -> None:
        self._note(self.erasures, account_id, contact_ids)

    def note_opted_out(self, account_id: str, email_hmacs: Iterable[str]) -> None:
        self._note(self.opt_outs, account_id, email_hmacs)

    def _note(self, entries: dict[tuple[str, str], int], account_id: str, ids: Iterable[str]) -> None:
        if self.fails:
            raise TemporarilyUnavailable
        entries.update({(account_id, one): self.clock.now_ms() for one in ids})

    def erased(self, account_id: str) -> frozenset[str]:
        return frozenset(self.erased_since(account_id, 0))

    def erased_since(self, account_id: str, since_ms: int) -> list[str]:
        return list(self._since(self.erasures, account_id, since_ms))

    def opted_out_since(self, account_id: str, since_ms: int) -> dict[str, int]:
        return self._since(self.opt_outs, account_id, since_ms)

    def _since(self, entries: dict[tuple[str, str], int], account_id: str, since_ms: int) -> dict[str, int]:
        if self.fails:
            raise TemporarilyUnavailable
        return {
            one: at_ms
            for (owner, one), at_ms in sorted(entries.items())
            if owner == account_id and at_ms >= since_ms
        }

    def accounts(self) -> list[str]:
        return sorted({owner for owner, _ in (*self.erasures, *self.opt_outs)})


def caller_of(
    account_id: str = ACCOUNT_ID,
    dialect: Dialect = Dialect.NATIVE,
    scopes: Sequence[Scope] = tuple(Scope),
    mode: Mode = Mode.LIVE,
) -> Caller:
    """Somebody with a key of an account; by default with every scope."""
    account = Account(
        id=account_id, name="Demo", plan=Plan.PRO, hourly_limit=10_000, created_at=_OPENED, secret=SECRET
    )
    key = ApiKey(
        id="k",
        account_id=account_id,
        key_hash="0" * 64,
        name="Demo",
        scopes=tuple(scopes),
        mode=mode,
        dialect=dialect,
        last_four="0000",
        created_at=_OPENED,
    )
    return Caller(account, key)


class App(Runtime):
    """Every deployed function, for one caller at a time."""

    def __init__(
        self,
        client: Any,
        caller: Caller | None = None,
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        queues: Mapping[str, Any] | None = None,
        **variables: str,
    ) -> None:
        """`client`: of the table; `caller`: who asks (None: nobody yet); `variables`: of the environment."""
        super().__init__(Settings(VARIABLES | variables), clock or FakeClock(), randomness or CountingBytes())
        self._client = client
        self._table = Table(client, NAME, self.deadline)
        self.caller = caller or caller_of()
        self.queues: dict[str, Any] = dict(queues or {})
        self.listed_journal = ListedJournal(self.clock)
        self.bucket: Any = FakeBucket()
        """S3, with the files of imports and exports."""
        self.restored_tables: dict[str, Any] = {}
        """Clients of restored tables, by the names of the tables."""
        self.handlers: dict[str, Any] = {}

    # What it has instead of AWS

    @property
    def authenticator(self) -> Authenticator:  # type: ignore[override]
        """Lets everybody in as the caller of this moment."""
        return OpenGate(lambda: self.caller, self.switch_board)

    def queue(self, name: str) -> Any:
        """A list in place of a queue, unless the test has something else there."""
        return self.queues.setdefault(name, ListedQueue())

    def client(self, service: str) -> Any:
        """The bucket, in place of S3."""
        return self.bucket if service == "s3" else super().client(service)

    def file_client(self) -> Any:
        return self.bucket

    def presigning_client(self) -> Any:
        return self.bucket

    def journal(self) -> Any:
        """Lists in place of a bucket."""
        return self.listed_journal

    def restored_table(self, name: str) -> Table:
        """A table that the test has restored."""
        return Table(self.restored_tables[name], NAME, self.deadline)

    # What follows a change is held to the policies of its function

    def dispatcher(self) -> Dispatcher:
        return self._held("dispatch_webhooks", super().dispatcher)

    def delivery_worker(self) -> DeliveryWorker:
        return self._held("deliver_webhook", super().delivery_worker)

    def projector(self) -> Projector:
        return self._held("project_changes", super().projector)

    def reindexer(self) -> Reindexer:
        return self._held("reindex_account", super().reindexer)

    def eraser(self) -> Eraser:
        return self._held("erase_contact", super().eraser)

    def export_writer(self) -> ExportWriter:
        return self._held("write_export", super().export_writer)

    def person_exporter(self, caller: Caller) -> PersonExporter:
        if caller.is_test:
            return super().person_exporter(caller)
        return self._held("export_contact", lambda: super(App, self).person_exporter(caller))

    def restorer(self) -> Restorer:
        return self._held("restore_account", super().restorer)

    def replayer(self) -> Replayer:
        return self._held("replay_journal", super().replayer)

    def email_validator(self) -> EmailValidator:
        return self._held("validate_contact", super().email_validator)

    def bounce_recorder(self) -> BounceRecorder:
        return self._held("record_bounce", super().bounce_recorder)

    def _held(self, function: str, make: Callable[[], Any]) -> Any:
        kept, self._table = self._table, Table(Held(self._client, function), NAME, self.deadline)
        try:
            return make()
        finally:
            self._table = kept

    # Who asks

    def with_key(self, **key: Any) -> None:
        """From here on a key asks that differs in this (`mode`, `dialect`, `scopes`)."""
        self.caller = Caller(self.caller.account, replace(self.caller.key, **key))

    # What is asked

    def handler(self, function: str) -> Any:
        """The Lambda handler of a function, started once."""
        if function not in self.handlers:
            self.handlers[function] = deployed(function)(self)
        return self.handlers[function]

    def invoke(self, function: str, event: Any) -> Any:
        """What a function returns."""
        return self.handler(function)(event, CONTEXT)

    def ask(
        self,
        function: str,
        method: str,
        route: str,
        path: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request to a function; `path`: what stands for the names in braces in the route."""
        path = path or {}
        raw_path = route
        for name, value in path.items():
            raw_path = raw_path.replace(f"{{{name}}}", quote(value, safe=""))
        event = {
            "version": "2.0",
            "routeKey": f"{method} {route}",
            "rawPath": raw_path,
            "rawQueryString": urlencode(query or {}, doseq=True),
            "headers": {"x-api-key": "any", **(headers or {})},
            "pathParameters": {name: value.replace("%", "%25") for name, value in path.items()},
            "requestContext": {"http": {"method": method, "path": raw_path}, "requestId": "r-1"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = self.invoke(function, event)
        if self.caller.key.dialect is Dialect.NATIVE:
            assert_answer(event, answer)
        return _reply(answer)

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        decodes: bool = True,
    ) -> Reply:
        """Send a request to wherever the gateway leads it; `target`: path and query as a client sends them."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        handed = handed_over(method, target, text, headers, decodes=decodes)
        return _reply(self.invoke(handed.operation, handed.event))


def _reply(answer: Mapping[str, Any]) -> Reply:
    content = json.loads(answer["body"]) if answer["body"] else None
    return Reply(answer["statusCode"], content, answer["headers"])


class _Recorder:
    """Stands where a handler has its runtime: keeps what the handler asks of it, for any runtime."""

    def __getattr__(self, method: str) -> Callable[..., Callable[[Runtime], Any]]:
        return partial(self._kept, method)

    @staticmethod
    def _kept(method: str, *arguments: Any, **named: Any) -> Callable[[Runtime], Any]:
        return lambda runtime: getattr(runtime, method)(*arguments, **named)


@cache
def module_of(function: str) -> Any:
    """The module of a function, loaded once, for any runtime."""
    spec = spec_from_file_location(f"deployed_{function}", ROOT / "functions" / function / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with patch.object(wiring, "runtime", _Recorder()):
        spec.loader.exec_module(module)
    return module


def deployed(function: str) -> Callable[[Runtime], Any]:
    """What starts a function on a runtime; gives back its Lambda handler."""
    found: Any = module_of(function).lambda_handler
    # Who serves files needs no runtime.
    return (lambda _: found) if isinstance(found, OpenEntrypoint) else found
