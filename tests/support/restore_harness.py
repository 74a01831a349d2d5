"""An account that is backed up, goes on, and is restored: the contact routes, the stream's readers, and both tables."""

from collections.abc import Callable, Mapping
from typing import Any

from contacts.book.store import QUIET
from contacts.core.time import iso
from contacts.table import keys
from contacts.table.expressions import Item, from_item
from local.table import NAME
from tests.support.app import App, Reply
from tests.support.event_filters import MAPPINGS, is_let_through
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import InProcessApi
from tests.support.invariants import derived_violations, violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Projection, account_item, differences, reindexer
from tests.support.streams import Record, Tape

ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000a"
RESTORED = "contacts-restored-1"
LIST, ONE = "/v1/contacts", "/v1/contacts/{ref}"
Json = dict[str, Any]
HasTime = Callable[[], bool]


def always() -> bool:
    """There is time left."""
    return True


class RestoreHarness:
    """One account, its table, the table that a backup was restored to, and what restores it."""

    def __init__(self) -> None:
        self.table, self.backup = MotoTable(), MotoTable()
        self.table.call("put_item", {"TableName": NAME, "Item": account_item(ACCOUNT_ID)})
        self.clock = FakeClock()
        self.api = InProcessApi(self.table.client(), ACCOUNT_ID, self.clock, CountingBytes())
        self.projection = Projection(self.table.client())
        self.app = self.app_on(self.table.client())
        self.journal = self.app.listed_journal
        self._tape = Tape(self.table)
        self.heard: dict[str, list[Record]] = {function: [] for function in MAPPINGS}
        """What reached each of the stream's readers."""

    def app_on(self, client: Any) -> App:
        """The functions of another process."""
        app = App(client, clock=self.clock)
        app.restored_tables[RESTORED] = self.backup.client()
        app.deadline.begin(900)
        return app

    # What callers do

    def request(self, method: str, route: str, ref: str | None = None, **more: Any) -> Reply:
        """A request that succeeds, a second later, and what follows it."""
        reply = self.tried(method, route, ref, **more)
        assert reply.status < 300, reply.body
        return reply

    def tried(self, method: str, route: str, ref: str | None = None, **more: Any) -> Reply:
        """A request, a second later, and what follows it."""
        self.clock.at_ms += 1000
        reply = self.api.request(method, route, ref, **more)
        self.follow()
        return reply

    def create(self, **body: Any) -> str:
        contact_id: str = self.request("POST", LIST, body=body).body["id"]
        return contact_id

    def change(self, ref: str, **body: Any) -> None:
        self.request("PATCH", ONE, ref, body=body)

    def delete(self, ref: str, *, permanent: bool = False) -> None:
        self.request("DELETE", ONE, ref, query={"permanent": "true"} if permanent else {})

    # What follows

    def follow(self) -> list[Record]:
        """Hand what was written to the projection, and note what reaches whom. Returns the records."""
        records = self._tape.taken(self.clock.at_ms / 1000)
        for function, heard in self.heard.items():
            heard += [told for told in records if is_let_through(function, told)]
        projected = [told for told in records if is_let_through("project_changes", told)]
        if projected:
            assert self.projection.take(projected) is None
            self._tape.taken(self.clock.at_ms / 1000)
        return records

    def back_up(self) -> None:
        """A backup of this moment, restored to the other table."""
        self.follow()
        for record in self.heard.values():
            record.clear()
        self.backup.bring_back(self.table.snapshot())
        self.clock.at_ms += 60_000

    def kept(self) -> Any:
        """How all of it stands, for `bring_back`."""
        return self.table.snapshot(), self.clock.at_ms

    def bring_back(self, kept: Any) -> None:
        """Have it stand as it did, with nothing heard."""
        snapshot, self.clock.at_ms = kept
        self.table.bring_back(snapshot)
        self._tape = Tape(self.table)
        self.projection.start_again()
        self.projection.to_validate.sent.clear()
        for record in self.heard.values():
            record.clear()

    # What operators do

    def restore(self, app: App | None = None, **payload: Any) -> Json:
        """What `restore_account` answers."""
        command = {"account_id": ACCOUNT_ID, "table": RESTORED, "dry_run": False, **payload}
        return _invoked(app or self.app, "restore_account", command)

    def replay(
        self, since_ms: int, app: App | None = None, has_time: HasTime = always, **payload: Any
    ) -> Json:
        """What `replay_journal` answers."""
        command = {"since": iso(since_ms), "dry_run": False, **payload}
        return _invoked(app or self.app, "replay_journal", command, has_time)

    def reindexed(self) -> int:
        """How many differences `reindex_account` finds."""
        report = reindexer(self.table.client()).reindex(ACCOUNT_ID).as_json()
        self._tape.taken(self.clock.at_ms / 1000)
        return differences(report)

    # What there is

    def items(self) -> dict[keys.Key, Item]:
        return {keys.Key(one["PK"]["S"], one["SK"]["S"]): from_item(one) for one in self.table.items()}

    def item(self, contact_id: str) -> Item | None:
        """The item of a live contact."""
        return self.items().get(keys.contact(ACCOUNT_ID, contact_id))

    def live(self) -> Mapping[str, Item]:
        """The live contacts by their ids."""
        return {item["id"]: item for item in self.items().values() if item.get("kind") == "contact"}

    def quiet(self) -> set[str]:
        """The ids of the contacts whose last write nobody heard of."""
        return {one for one, item in self.live().items() if item.get(QUIET)}

    def contradictions(self) -> list[str]:
        """What does not fit together."""
        return violations(self.table.items(), ACCOUNT_ID, self.clock.at_ms // 1000)

    def derived_contradictions(self) -> list[str]:
        """Where postings, words and counts are not what the contacts say."""
        return derived_violations(self.table.items(), ACCOUNT_ID)


def _invoked(app: App, function: str, payload: Json, has_time: HasTime = always) -> Json:
    """What a function answers."""
    (service,) = app.handler(function)._function.keywords.values()
    service._has_time_left = has_time
    answer: Json = app.invoke(function, payload)
    return answer
