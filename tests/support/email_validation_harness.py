"""Judging emails in tests: the table as in tests/support/scenarios.py, with what judges and what marks bounces."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.core.observability import logger
from contacts.email_validation.dns import is_disposable
from contacts.email_validation.service import BounceRecorder, EmailValidator, Resolver
from contacts.email_validation.store import VerdictStore
from contacts.table.client import Table
from contacts.table.expressions import from_item
from contacts.table.keys import Key, contact
from contacts.workers.queue import SqsQueue
from local.table import NAME
from tests.support.app import App
from tests.support.deterministic import Dice, SetClock
from tests.support.moto_table import MotoTable
from tests.support.scenarios import (
    ACCOUNT_ID,
    ADA,
    BEGAN_MS,
    HOUR_MS,
    Caller,
    Start,
    Write,
    begun,
    check,
    contents,
)

Verdict = tuple[str, str | None]
"""A contact's status and reason."""
PENDING: Verdict = ("pending", None)

WRITER = Caller("writer", later_ms=1000)
"""Who changes contacts while they are judged."""


class Troubled:
    """A client of which the next calls of a method fail with an error code of AWS's."""

    def __init__(self, client: Any, method: str, *codes: str) -> None:
        self._client = client
        self._method = method
        self._codes = list(codes)

    def __getattr__(self, method: str) -> Any:
        if method == self._method and self._codes:
            code = self._codes.pop(0)
            return lambda **_: _fail(code, method)
        return getattr(self._client, method)


def _fail(code: str, method: str) -> None:
    response: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    raise ClientError(response, method)


class Overtaken(VerdictStore):
    """A store of which something else happens after the first call of a read."""

    def __init__(self, table: Table, read: str, interlude: Callable[[], None]) -> None:
        super().__init__(table)
        self._read = read
        self._interlude: Callable[[], None] | None = interlude

    def contact(self, account_id: str, contact_id: str) -> Any:
        found = super().contact(account_id, contact_id)
        self._happen("contact")
        return found

    def contact_id_of(self, account_id: str, email: str) -> str | None:
        found = super().contact_id_of(account_id, email)
        self._happen("contact_id_of")
        return found

    def _happen(self, read: str) -> None:
        interlude = self._interlude
        if interlude and read == self._read:
            self._interlude = None
            interlude()


@dataclass
class Queues:
    """A client of SQS that remembers what it is asked for."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def change_message_visibility(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        return {}


@dataclass
class Judging:
    """A table, and what works on it."""

    table: MotoTable
    clock: SetClock = field(default_factory=lambda: SetClock(BEGAN_MS + HOUR_MS))
    client: Any = None
    """What stands between the table and what works on it."""
    sqs: Queues = field(default_factory=Queues)
    of_nobody: list[str] = field(default_factory=list)
    """SES's ids of bounces that were of no account."""

    @property
    def store(self) -> VerdictStore:
        return VerdictStore(Table(self.client or self.table.client(), NAME))

    def validator(
        self,
        resolver: Resolver | None = None,
        *,
        store: VerdictStore | None = None,
        disposable: Callable[[str], bool] = is_disposable,
    ) -> EmailValidator:
        return EmailValidator(store or self.store, disposable, resolver, self.clock, Dice("validator"))

    def recorder(self, store: VerdictStore | None = None) -> BounceRecorder:
        return BounceRecorder(store or self.store, self.clock, Dice("recorder"), self.of_nobody.append)

    def overtaken(self, read: str, start: Start, write: Write) -> Overtaken:
        """A store of which a write comes after the first call of a read."""
        return Overtaken(Table(self.table.client(), NAME), read, lambda: self.do(start, write))

    def begin(self, start: Start) -> None:
        self.table.bring_back(begun(start))

    def do(self, start: Start, write: Write) -> None:
        """Carry out a request."""
        answer = WRITER.answered(self.table.client(), start, write)
        assert answer.refusal not in ("Contention", "TemporarilyUnavailable")

    def contents(self, start: Start) -> dict[tuple[str, str], Any]:
        """What is in the table, where nothing is wrong with it."""
        check(self.table, start)
        return contents(self.table)

    def item(self, contact_id: str = ADA, account_id: str = ACCOUNT_ID) -> Mapping[str, Any] | None:
        """A contact's item."""
        return self.items().get(contact(account_id, contact_id))

    def items(self) -> dict[Key, dict[str, Any]]:
        """Every item by its key."""
        found = map(from_item, self.table.items())
        return {Key(item["PK"], item["SK"]): item for item in found}

    def verdict(self, contact_id: str = ADA) -> Verdict:
        """What is known of a contact's address."""
        item = self.item(contact_id)
        assert item is not None
        return item["validation_status"], item.get("validation_reason")

    @contextmanager
    def nothing_else_changes(self, contact_id: str = ADA) -> Iterator[None]:
        """What happens meanwhile changes nothing but the verdict on a contact (and what is kept of domains)."""
        before = self._without_verdict(contact_id)
        yield
        assert self._without_verdict(contact_id) == before

    def _without_verdict(self, contact_id: str) -> dict[Key, dict[str, Any]]:
        items = {key: dict(item) for key, item in self.items().items() if key.SK != "VERDICT"}
        for attribute in ("validation_status", "validation_reason"):
            items[contact(ACCOUNT_ID, contact_id)].pop(attribute, None)
        return items


@cache
def _table() -> tuple[MotoTable, Any]:
    table = MotoTable()
    return table, table.snapshot()


def judging() -> Judging:
    """An empty table, and what works on it."""
    table, empty = _table()
    table.bring_back(empty)
    return Judging(table)


CONTEXT = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 60_000)


def function(name: str, world: Judging, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Any:
    """The Lambda handler of a function on a table of ours."""
    # It would write to what was standard output when the logger was made.
    handler = logger.registered_handler
    monkeypatch.setattr(handler, "emit", lambda record: print(handler.format(record)))
    queues = {"VALIDATION": SqsQueue(world.sqs, "https://queue.test/validation")}
    return App(world.client or world.table.client(), queues=queues, **environment).handler(name)
