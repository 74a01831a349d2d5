"""Batches and counts in this process: the handlers as they are, on a table in memory."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.model import Caller, Mode, Scope
from contacts.book.batch import BatchService
from contacts.core.time import Deadline
from contacts.table.client import Table
from contacts.table.expressions import Item, from_item
from contacts.table.keys import Key
from local.table import NAME
from tests.support.app import Reply
from tests.support.fakes import CountingBytes, FakeClock, OneAtATime
from tests.support.in_process_api import OPERATIONS, InProcessApi
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable

ACCOUNT_ID = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
BATCH = "/v1/contacts/batch"
ROUTES = {
    f"POST {BATCH}": "batch_contacts",
    "GET /v1/tags": "list_tags",
    "GET /v1/lists": "list_lists",
    "GET /v1/account": "get_account",
}
Operation = Mapping[str, Any]


class BatchHarness:
    """One account; `at_once` items of its batches are under way at a time."""

    def __init__(
        self,
        at_once: int = 1,
        *,
        client: Any = None,
        table: MotoTable | None = None,
        account_id: str = ACCOUNT_ID,
        mode: Mode = Mode.LIVE,
        deadline: Deadline | None = None,
        drawn: int = 0,
        at_ms: int | None = None,
    ) -> None:
        """`drawn`: how often it has drawn at random before; two harnesses of one table must not draw the same."""
        self.table = table or MotoTable()
        self.account_id = account_id
        self.clock = FakeClock() if at_ms is None else FakeClock(at_ms)
        self.randomness = CountingBytes(drawn)
        self.api = _Api(self, client or OneAtATime(self.table.client()), at_once, mode, deadline)

    def batch(self, *operations: Any, key: str | None = None, **query: str) -> Reply:
        """Send a batch, whatever the answer."""
        headers = {} if key is None else {"idempotency-key": key}
        return self.api.request("POST", BATCH, query=query, body={"operations": operations}, headers=headers)

    def results(self, *operations: Any, key: str | None = None, **query: str) -> list[Any]:
        """The results of a batch that is carried out."""
        reply = self.batch(*operations, key=key, **query)
        assert reply.status == 207, reply.body
        results: list[Any] = reply.body["results"]
        assert [result["index"] for result in results] == list(range(len(operations)))
        assert violations(self.table.items(), self.account_id, self.clock.at_ms // 1000) == []
        return results

    def statuses(self, *operations: Any, key: str | None = None, **query: str) -> list[int]:
        """The statuses of a batch's items."""
        return [result["status"] for result in self.results(*operations, key=key, **query)]

    def single(self, method: str, ref: str | None = None, **more: Any) -> Reply:
        """A request about one contact."""
        return self.api.request(method, "/v1/contacts" if ref is None else "/v1/contacts/{ref}", ref, **more)

    def create(self, **body: Any) -> str:
        """The id of a new contact."""
        reply = self.single("POST", body=body)
        assert reply.status == 201, reply.body
        contact_id: str = reply.body["id"]
        return contact_id

    def items(self) -> dict[Key, Item]:
        """The table in plain values."""
        found = map(from_item, self.table.items())
        return {Key(item["PK"], item["SK"]): item for item in found}


def create(**contact: Any) -> Operation:
    return {"op": "create", "contact": contact}


def upsert(**contact: Any) -> Operation:
    return {"op": "upsert", "contact": contact}


def update(ref: str, if_match: Any = None, **contact: Any) -> Operation:
    return {"op": "update", "ref": ref, "contact": contact, "if_match": if_match}


def delete(ref: str, **more: Any) -> Operation:
    return {"op": "delete", "ref": ref, **more}


class _Api(InProcessApi):
    """The contact routes and those of batches and counts."""

    operations = OPERATIONS | ROUTES

    def __init__(
        self, harness: BatchHarness, client: Any, at_once: int, mode: Mode, deadline: Deadline | None
    ) -> None:
        super().__init__(client, harness.account_id, harness.clock, harness.randomness)
        self._table = Table(client, NAME, deadline)
        self._at_once = at_once
        self.with_key(mode=mode, scopes=(*self.caller.key.scopes, Scope.ACCOUNT_READ))

    def batch_service(self, caller: Caller) -> BatchService:
        return BatchService(self.records(caller), self.clock, self._at_once)
