"""The projection and the reindexer on a table in this process, with queues that are lists."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from threading import Lock
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from contacts.book.model import Change, Outcome
from contacts.book.service import ContactBook
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import Ref
from contacts.projection.reindex import Reindexer
from contacts.projection.service import Projector
from contacts.table import keys
from local.table import NAME
from tests.support.app import App, ListedQueue
from tests.support.fakes import SECRET, FakeClock
from tests.support.invariants import derived_violations
from tests.support.moto_table import MotoTable
from tests.support.scenarios import ACCOUNT_ID, BEGAN_MS, contact_book
from tests.support.streams import Record, Tape, about_contacts, key_of, stream_event

CONTEXT: Any = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 60_000)


class Killed(BaseException):
    """Raised where a process ends in the middle."""


def _kill() -> None:
    raise Killed


class Mortal:
    """A client whose process is killed after a number of calls, once; or else what `dies` is then does."""

    def __init__(self, client: Any, dies_after: int | None = None) -> None:
        self._client = client
        self.dies_after = dies_after
        self._one_at_a_time = Lock()
        self.dies: Callable[[], object] = _kill
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        """Every call so far: method and request."""

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        self.calls.append((method, request))
        try:
            return getattr(self._client, method)(**request)
        finally:
            self._count_down()

    def _count_down(self) -> None:
        with self._one_at_a_time:
            if self.dies_after is None:
                return
            self.dies_after -= 1
            if self.dies_after > 0:
                return
            self.dies_after = None
        self.dies()


class Projection:
    """`project_changes`, all of it but for SQS."""

    is_lean = False
    """Whether a projection is lean of which nothing is said."""

    def __init__(self, dynamodb: Any, *, is_lean: bool | None = None) -> None:
        self._dynamodb = dynamodb
        self._lean = "on" if (self.is_lean if is_lean is None else is_lean) else "off"
        self.to_validate, self.to_erase, self.unreadable = ListedQueue(), ListedQueue(), ListedQueue()
        self._start()

    def start_again(self) -> None:
        """Have another process go on: it remembers nothing."""
        self._start()

    def _start(self) -> None:
        queues = {
            "VALIDATION": self.to_validate,
            "ERASURE": self.to_erase,
            "UNREADABLE": self.unreadable,
        }
        app = App(self._dynamodb, queues=queues, LEAN_PROJECTION=self._lean)
        self._entry = app.handler("project_changes")
        self.projector: Projector = self._entry._handle.keywords["projector"]

    def take(self, records: Sequence[Record]) -> int | None:
        """Hand over a batch; gives back from which record on it is to be delivered again, if at all."""
        failures = self._entry(stream_event(records), CONTEXT)["batchItemFailures"]
        if not failures:
            return None
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        return numbers.index(failures[0]["itemIdentifier"])

    def take_all(self, batches: Iterable[Sequence[Record]]) -> None:
        """Hand over batches, one after another."""
        for batch in batches:
            assert self.take(batch) is None


def reindexer(dynamodb: Any, clock: FakeClock | None = None, has_time: Any = lambda: True) -> Reindexer:
    """Rebuilds an account of the table, which needs the account itself there."""
    reindexer = App(dynamodb, clock=clock).reindexer()
    reindexer._has_time_left = has_time
    return reindexer


def account_item(account_id: str) -> dict[str, Any]:
    """The item of an account, in typed JSON."""
    return {
        "PK": {"S": f"ACCOUNT#{account_id}"},
        "SK": {"S": "ACCOUNT"},
        "name": {"S": "Demo"},
        "plan": {"S": "free"},
        "hourly_limit": {"N": "100"},
        "shards": {"N": "1"},
        "created_at": {"S": "2026-01-01T00:00:00.000Z"},
        "secret": {"S": b64encode(SECRET.value).decode()},
    }


def differences(report: Mapping[str, Any]) -> int:
    """How many a report tells of."""
    numbers = [*report["missing"].values(), *report["orphaned"].values()]
    return sum(numbers) + len(report["miscounted"])


class History:
    """Writes to contacts of one account, and what the stream tells of them."""

    def __init__(self) -> None:
        self.table = MotoTable()
        self.table.call("put_item", {"TableName": NAME, "Item": account_item(ACCOUNT_ID)})
        self._tape = Tape(self.table)
        self._at_ms = BEGAN_MS
        self.records: list[Record] = []
        """About contacts, in their order."""

    def create(self, label: str, **given: object) -> str:
        """Make a contact; gives back its id."""
        made = self._book(label).create({"external_id": f"crm-{label}", **given})
        return self._told_of(made)

    def change(self, contact_id: str, **given: object) -> None:
        self._told_of(self._book("change").update(Ref(contact_id), Change.of(given)))

    def delete(self, contact_id: str, *, permanent: bool = False) -> None:
        self._told_of(self._book("delete").delete(Ref(contact_id), permanent=permanent))

    def restore(self, contact_id: str) -> None:
        self._told_of(self._book("restore").restore(Ref(contact_id)))

    def expire(self, contact_id: str) -> None:
        """The contact's days in the trash are over, and DynamoDB deletes it there."""
        key = keys.trash(ACCOUNT_ID, contact_id)
        item = next(item for item in self.table.items() if key_of(item) == key)
        self.table.remove(item)
        self.records += about_contacts(self._tape.taken(self._at_ms / 1000, {tuple(key)}))

    def write(self, method: str, **request: Any) -> None:
        """Another call to the table."""
        self.table.call(method, {"TableName": NAME, **request})
        self.records += about_contacts(self._tape.taken(self._at_ms / 1000))

    def kept(self) -> Any:
        """How all of it stands, for `bring_back`."""
        return self.table.snapshot(), list(self.records), self._at_ms

    def bring_back(self, kept: Any) -> None:
        """Have it stand as it did."""
        snapshot, records, self._at_ms = kept
        self.table.bring_back(snapshot)
        self.records, self._tape = list(records), Tape(self.table)

    def violations(self) -> list[str]:
        """What is derived wrongly."""
        return derived_violations(self.table.items(), ACCOUNT_ID)

    def _book(self, label: str) -> ContactBook:
        self._at_ms += 1000
        return contact_book(self.table.client(), self._at_ms, label)

    def _told_of(self, outcome: Outcome) -> str:
        self.records += about_contacts(self._tape.taken(self._at_ms / 1000))
        return str(outcome.contact.id if outcome.contact else outcome.details["id"])


def ordinary_history() -> History:
    """Everything that can happen to contacts, a few times."""
    history = History()
    ada = history.create("ada", email="ada@example.com", tags=["vip", "beta"], lists=["news"], name="Ada L.")
    bea = history.create("bea", email="bea@example.com", tags=["vip"])
    history.change(ada, add_tags=["new"], remove_tags=["beta"], last_name="King")
    history.change(bea, email="bea@example.org", lists=["news"])
    history.change(ada, add_tags=["beta"], remove_tags=["vip"])
    history.delete(ada)
    cid = history.create("cid", first_name="Cid", tags=["vip"])
    history.restore(ada)
    history.change(ada, is_active=False)
    history.delete(bea)
    history.delete(cid, permanent=True)
    history.expire(bea)
    history.change(ada, add_tags=["vip"], name="Ада")
    return history


class Throttled:
    """A client that takes `calls` calls, then none until it has `recovered`."""

    def __init__(self, client: Any, calls: int) -> None:
        self._client = client
        self._calls = calls
        self._one_at_a_time = Lock()
        self.recovered()

    def recovered(self) -> None:
        self._left = self._calls

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        with self._one_at_a_time:
            if not self._left:
                raise TemporarilyUnavailable
            self._left -= 1
        return getattr(self._client, method)(**request)


class Conflicting:
    """A client of which a share of all transactions conflicts with others; the units are taken all the same."""

    def __init__(self, client: Any, share: float, seed: int = 1) -> None:
        self._client = client
        self._share = share
        self._chance = Random(seed)
        self.conflicts = 0

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        if method == "transact_write_items" and self._chance.random() < self._share:
            self.conflicts += 1
            reasons = [{"Code": "None"} for _ in request["TransactItems"]]
            reasons[-1] = {"Code": "TransactionConflict"}
            error = {"Code": "TransactionCanceledException", "Message": "TransactionConflict"}
            response: Any = {"Error": error, "CancellationReasons": reasons}
            raise ClientError(response, method)
        return getattr(self._client, method)(**request)


@dataclass
class Meter:
    """Counts the write units of calls, as DynamoDB does for items below 1 KB."""

    client: Any
    units: int = 0

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        if method == "transact_write_items":
            self.units += 2 * len(request["TransactItems"])
        elif method == "batch_write_item":
            self.units += sum(len(requests) for requests in request["RequestItems"].values())
        elif method in ("put_item", "update_item", "delete_item"):
            self.units += 1
        return getattr(self.client, method)(**request)
