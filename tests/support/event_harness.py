"""What follows a change of a contact, in this process: its stream, the dispatcher, the event log, the eraser."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import inf
from typing import Any

from contacts.accounts.model import Caller
from contacts.book.store import ContactReader
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import Outgoing
from contacts.core.time import iso, parsed
from contacts.events.appending import EventAppender, Moments
from contacts.events.changes import StreamChange
from contacts.events.model import Event
from contacts.events.service import EventLog
from contacts.events.store import Appended, ClaimedPlace, EventStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Item, from_item
from contacts.webhooks.dispatch import Dispatcher
from contacts.webhooks.model import Webhook
from contacts.workers.stream import stream_change
from local.table import NAME
from tests.support.app import App, Reply
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import ONE, OPERATIONS, InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.streams import Record, about_contacts, records_between

ACCOUNT_ID = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"


class Killed(BaseException):
    """Raised where a process ends."""


@dataclass
class Life:
    """How many calls a process has yet to live; what it calls is done, and then it ends."""

    calls: int = 1_000_000
    made: int = 0

    def spend(self) -> None:
        self.made += 1
        if self.made == self.calls:
            raise Killed


def append(table: Table, event: Event, appended_at: str, webhook_ids: Sequence[str] = ()) -> Appended | None:
    """Append an event as the dispatcher does, at a moment."""
    store, clock = EventStore(table), FakeClock()
    clock.at_ms = parsed(appended_at)
    appender = EventAppender(store, Moments(clock), clock, CountingBytes())
    claim = appender.claim(event, webhook_ids)
    return None if claim is None else appender.append(claim, appender.erased_of([claim]))


class Mortal:
    """A client whose process may end after any of its calls."""

    def __init__(self, client: Any, life: Life) -> None:
        self._client = client
        self._life = life

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        try:
            return getattr(self._client, method)(**request)
        finally:
            self._life.spend()


@dataclass
class FewWebhooks:
    """`webhooks.dispatch.Webhooks` in a dictionary."""

    of_accounts: dict[str, list[Webhook]] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def webhooks(self, account_id: str) -> list[Webhook]:
        self.reads.append(account_id)
        return list(self.of_accounts.get(account_id, ()))


@dataclass
class Mailbox:
    """`core.queue.MessageQueue` that keeps what is put on it."""

    life: Life
    messages: list[Outgoing] = field(default_factory=list)

    def send(self, messages: Sequence[Outgoing]) -> None:
        self.messages += messages
        self.life.spend()


def webhook(webhook_id: str, *events: str, is_active: bool = True) -> Webhook:
    return Webhook(
        id=webhook_id,
        account_id=ACCOUNT_ID,
        url="https://hooks.example.com/",
        events=events or ("*",),
        description=None,
        is_active=is_active,
        disabled_reason=None,
        created_at="2026-01-01T00:00:00.000Z",
        secret="whsec_x",
    )


class ErasureDesk:
    """An eraser with its queues, in one thread."""

    def __init__(self, app: App, life: Life | None = None) -> None:
        self.first, self.second = Mailbox(life or Life()), Mailbox(life or Life())
        app.queues |= {"ERASURE": self.first, "SECOND_ERASURE": self.second}
        self.eraser = app.eraser()
        self.eraser._at_once = 1
        app.deadline.begin(inf)

    def handle(self, body: Mapping[str, object]) -> None:
        """Give a message to the eraser.

        Raises:
            TemporarilyUnavailable: the message has to come again.
        """
        if self.eraser.handle(body) is not None:
            raise TemporarilyUnavailable

    def first_passes(self) -> None:
        """Handle what the eraser has sent itself."""
        while self.first.messages:
            self.handle(self.first.messages.pop(0).body)

    def second_passes(self) -> None:
        """Handle the second passes that the eraser has asked for."""
        while self.second.messages:
            self.handle(self.second.messages.pop(0).body)


class EventHarness:
    """One account with everything that works on its events."""

    def __init__(self, *webhooks: Webhook, dynamodb: Any = None, table: MotoTable | None = None) -> None:
        self.table = table or MotoTable()
        self.client = dynamodb or self.table.client()
        self.clock, self.randomness = FakeClock(), CountingBytes()
        self.api = _Api(self)
        self.life = Life()
        self.webhooks = FewWebhooks({ACCOUNT_ID: list(webhooks)})
        self.mailbox = Mailbox(self.life)
        self.at_once = 1
        """Calls of the dispatcher that are under way at once."""
        self.undisturbed = 0
        """Changes that the dispatcher's process has handled before: a new one begins with one at a time."""
        self._seen, self._numbers = self.table.items(), count(1)

    # What happens

    def request(self, method: str, route: str = ONE, ref: str | None = None, **more: Any) -> Reply:
        """A request that succeeds; 1.5 seconds later."""
        self.clock.at_ms += 1500
        reply = self.api.request(method, route, ref, **more)
        assert reply.status < 300, reply.body
        return reply

    def create(self, **body: Any) -> str:
        contact_id: str = self.request("POST", "/v1/contacts", body=body).body["id"]
        return contact_id

    def records(self, expired: Iterable[tuple[str, str]] = ()) -> list[Record]:
        """What the stream tells of the one write since the last time."""
        seen, self._seen = self._seen, self.table.items()
        told = records_between(
            seen, self._seen, self.clock.at_ms // 1000, list(expired), numbers=self._numbers
        )
        return about_contacts(told)

    # Who works on it

    def _mortal(self) -> App:
        """The functions, of a process that may end after any call."""
        client, queues = Mortal(self.client, self.life), {"DELIVERY": self.mailbox}
        return App(client, clock=self.clock, randomness=self.randomness, queues=queues)

    @property
    def mortal_table(self) -> Table:
        return self._mortal().table

    def dispatcher(
        self, events: EventStore | None = None, contacts: ContactReader | None = None
    ) -> Dispatcher:
        dispatcher = self._mortal().dispatcher()
        dispatcher._webhooks = self.webhooks
        dispatcher._events = events or dispatcher._events
        dispatcher._contacts = contacts or dispatcher._contacts
        dispatcher._at_once = self.at_once
        dispatcher._undisturbed = self.undisturbed
        return dispatcher

    def dispatch(
        self, *records: Record, events: EventStore | None = None, contacts: ContactReader | None = None
    ) -> None:
        """Give a batch to a dispatcher; what it writes itself is not of interest to it."""
        self.dispatcher(events, contacts).handle(changes(records))
        self.records()

    def erase(self, contact_id: str, version: int = 0, merged_ids: Sequence[str] = ()) -> None:
        """Have a contact erased in both passes, as the projection asks for it.

        Raises:
            TemporarilyUnavailable: a run has removed nothing; its message would come again.
        """
        body = {"account_id": ACCOUNT_ID, "contact_id": contact_id, "version": version}
        if merged_ids:
            body["merged_ids"] = list(merged_ids)
        desk = ErasureDesk(self._mortal(), self.life)
        if keys.tombstone(ACCOUNT_ID, contact_id) not in self.items():
            desk.handle(body)  # It writes the tombstone, whose record makes the projection ask again.
        desk.handle(body)
        desk.first_passes()
        desk.second_passes()

    def event_log(self) -> EventLog:
        return App(self.client, clock=self.clock).event_log(self.api.caller)

    def log(self, event: Event, at_ms: int) -> None:
        """Put an event into the log, and nowhere else."""
        claim = ClaimedPlace(event=event, appended_at=iso(at_ms), webhook_ids=(), is_new=True)
        EventStore(Table(self.client, NAME)).append(claim)

    def log_as_before(self, event: Event, at_ms: int) -> None:
        """Put an event where a release before the shards has put it."""
        self.log(event, at_ms)
        key = keys.event(ACCOUNT_ID, iso(at_ms), event.id)
        item = {name: value for name, value in self.items()[key].items() if name not in ("PK", "SK")}
        Table(self.client, NAME).write_many(
            {keys.earlier_event(ACCOUNT_ID, iso(at_ms), event.id): item}, [key]
        )

    def listed(self, **query: object) -> Reply:
        """GET /v1/events, whatever the answer."""
        return self.api.request("GET", "/v1/events", query={name: str(query[name]) for name in query})

    # What there is

    def items(self) -> dict[keys.Key, Item]:
        """The table in plain values."""
        found = map(from_item, self.table.items())
        return {keys.Key(item["PK"], item["SK"]): item for item in found}

    def logged(self) -> list[Item]:
        """The events in the log, in their order."""
        return self.logged_of(ACCOUNT_ID)

    def logged_of(self, account_id: str) -> list[Item]:
        """The events in the log of an account, in their order."""
        log = keys.earlier_event(account_id, "", "").PK
        found = [(key, item) for key, item in self.items().items() if key.PK.startswith(log)]
        return [item for key, item in sorted(found, key=lambda one: one[0].SK) if "type" in item]

    def timeline(self, contact_id: str) -> list[Item]:
        """The contact's timeline, oldest first."""
        room, items = keys.about_contact(ACCOUNT_ID, contact_id), self.items()
        return [items[key] for key in sorted(items) if room == key.PK and keys.timeline_event_id(key)]

    def asked(self) -> list[tuple[str, str]]:
        """Endpoint and type of each message."""
        return [(str(body["webhook_id"]), str(body["event_type"])) for body in self.bodies()]

    def bodies(self) -> list[dict[str, object]]:
        return [dict(message.body) for message in self.mailbox.messages]


class _Api(InProcessApi):
    """The contact routes and the list of events."""

    operations = OPERATIONS | {"GET /v1/events": "list_events"}

    def __init__(self, harness: EventHarness) -> None:
        super().__init__(harness.client, ACCOUNT_ID, harness.clock, harness.randomness)
        self._harness = harness

    def event_log(self, caller: Caller) -> EventLog:
        return self._harness.event_log()


def changes(records: Iterable[Record]) -> list[StreamChange]:
    """What records of a stream mean."""
    return [change for record in records if (change := stream_change(record)) is not None]
