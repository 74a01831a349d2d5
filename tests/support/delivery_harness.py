"""Deliveries in this process: the courier on a table in memory, with queues, a scheduler and an endpoint on paper.

Time passes from one message to the next, so four days take as long as their messages. A process may end after any
call (`Life`), to DynamoDB or to anything else; its message then comes back when its visibility timeout is over.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from contacts.book.model import Action, Outcome
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import uuid7
from contacts.core.queue import Outgoing
from contacts.core.time import iso, parsed
from contacts.events.model import Event, EventType
from contacts.events.store import ClaimedPlace, EventStore
from contacts.table import keys
from contacts.table.expressions import from_item
from contacts.webhooks.delivery import DeliveryWorker
from contacts.webhooks.model import Delivery, DeliveryRef, Reply, Webhook, delivery_id
from contacts.webhooks.store import DeliverySchedule, DeliveryStore, WebhookStore
from tests.support.app import App, caller_of
from tests.support.event_harness import Killed, Life, Mortal
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.moto_table import MotoTable

ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000a"
CONTACT_ID = "01941f29-7c00-7aaa-8000-000000000001"
HOOK = "wh_01941f29000a1b2c3d4"
SECRET = "whsec_" + b64encode(b"s" * 32).decode()
OLD_SECRET = "whsec_" + b64encode(b"o" * 32).decode()
VISIBILITY_S = 240
DEAD_LETTERS_ARN = "arn:aws:sqs:us-east-1:123456789012:contacts-DeliveryDeadLetters-x3YExample"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:contacts-DeliveryQueue-x3YExample"

OK = Reply(status_code=200, error=None, duration_ms=12, response="thanks")
BROKEN = Reply(status_code=500, error=None, duration_ms=34, response="<h1>Oops</h1>")
GONE = Reply(status_code=410, error=None, duration_ms=5, response="")
SILENT = Reply(status_code=None, error="timeout", duration_ms=15_000, response=None)


def a_webhook(webhook_id: str, **more: Any) -> Webhook:
    """An active endpoint of `ACCOUNT_ID` for all events; `more`: what it has besides, as the item says it."""
    webhook = Webhook(
        id=webhook_id,
        account_id=ACCOUNT_ID,
        url="https://hooks.example.com/contacts",
        events=("*",),
        description=None,
        is_active=True,
        disabled_reason=None,
        created_at="2026-01-01T00:00:00.000Z",
        secret=SECRET,
    )
    return replace(webhook, **more)


@dataclass(frozen=True)
class Request:
    """What an endpoint was sent, and when (ms since the epoch)."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    at_ms: int

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Endpoint:
    """`webhooks.delivery.Sender`: an endpoint that answers what it was told, the last answer for ever."""

    clock: FakeClock
    life: Life
    answers: list[Reply] = field(default_factory=lambda: [OK])
    requests: list[Request] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    """What else happens while it answers."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.requests.append(Request(url, headers, body, self.clock.now_ms()))
        reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.clock.at_ms += reply.duration_ms
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        self.life.spend()
        return reply


@dataclass(order=True)
class Waiting:
    """A message on a queue, or on its way to it."""

    due_ms: int
    number: int
    message: Outgoing = field(compare=False)
    times_received: int = field(compare=False, default=0)


@dataclass
class PaperQueue:
    """`core.queue.MessageQueue` with delays."""

    clock: FakeClock
    life: Life
    waiting: list[Waiting] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    is_down: bool = False
    _numbers: Any = field(default_factory=count)

    def send(self, messages: Sequence[Outgoing]) -> None:
        if self.is_down:
            raise TemporarilyUnavailable
        for message in messages:
            assert 0 <= message.delay_s <= 900
            self.sent.append(message)
            self.put(message, message.delay_s)
        self.life.spend()

    def put(self, message: Outgoing, delay_s: float, times_received: int = 0) -> None:
        due_ms = self.clock.now_ms() + round(delay_s * 1000)
        heappush(self.waiting, Waiting(due_ms, next(self._numbers), message, times_received))


@dataclass
class PaperScheduler:
    """The client of EventBridge Scheduler: one-off schedules that delete themselves."""

    life: Life
    schedules: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    made: list[Mapping[str, Any]] = field(default_factory=list)
    error: str | None = None

    def create_schedule(self, **request: Any) -> Mapping[str, Any]:
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error}}, "CreateSchedule")
        name = request["Name"]
        if name in self.schedules:
            raise ClientError({"Error": {"Code": "ConflictException"}}, "CreateSchedule")
        self.schedules[name] = request
        self.made.append(request)
        self.life.spend()
        return {"ScheduleArn": f"arn:aws:scheduler:us-east-1:123456789012:schedule/retries/{name}"}

    def next_due_ms(self) -> int | None:
        return min(map(due_ms, self.schedules.values()), default=None)

    def fire(self, queue: PaperQueue) -> None:
        """Put the messages on the queue whose time has come."""
        for name, schedule in list(self.schedules.items()):
            if due_ms(schedule) <= queue.clock.now_ms():
                del self.schedules[name]
                queue.put(Outgoing(body=json.loads(schedule["Target"]["Input"])), 0)


def due_ms(schedule: Mapping[str, Any]) -> int:
    moment = schedule["ScheduleExpression"].removeprefix("at(").removesuffix(")")
    return parsed(f"{moment}Z")


class DeliveryApp(App):
    """The functions on the table of a harness, with its queues, its scheduler and its endpoint."""

    def __init__(self, harness: "DeliveryHarness", client: Any) -> None:
        queues = {"DELIVERY": harness.queue, "FAILED_DELIVERIES": harness.dead_letters}
        super().__init__(
            client, caller_of(ACCOUNT_ID), clock=harness.clock, randomness=harness.randomness, queues=queues
        )
        self._harness = harness

    def webhook_sender(self) -> Endpoint:
        return self._harness.endpoint

    def delivery_schedule(self) -> DeliverySchedule:
        return self._harness.schedule


class DeliveryHarness:
    """One account with an endpoint, and everything that works on its deliveries."""

    def __init__(self, *answers: Reply, dynamodb: Any = None, moto: MotoTable | None = None) -> None:
        self.moto = moto or MotoTable()
        self.life = Life()
        self.clock, self.randomness = FakeClock(), CountingBytes()
        self.endpoint = Endpoint(self.clock, self.life)
        if answers:
            self.endpoint.answers = list(answers)
        self.queue = PaperQueue(self.clock, self.life)
        self.dead_letters = PaperQueue(self.clock, self.life)
        self.scheduler = PaperScheduler(self.life)
        self.app = DeliveryApp(self, Mortal(dynamodb or self.moto.client(), self.life))
        self.table = self.app.table
        self.webhooks = WebhookStore(self.table)
        self.events = EventStore(self.table)
        self.deliveries = DeliveryStore(self.table)
        self.time_left = 40.0
        self.suspended: set[str] = set()
        """Accounts that rest."""
        self.stopped: set[str] = set()
        """Accounts whose deliveries an operator has stopped."""
        role = "arn:aws:iam::123456789012:role/contacts-SchedulerRole-1Example"
        self.schedule = DeliverySchedule(
            self.queue, self.scheduler, "retries", QUEUE_ARN, DEAD_LETTERS_ARN, role, self.clock
        )
        self.at_once = 2
        """Deliveries of an account that may be in flight at once."""
        self._numbers = count(1)
        self.kills = 0
        """How many times a process ended in the middle of a message."""

    def delivery_worker(self) -> DeliveryWorker:
        delivery_worker = self.app.delivery_worker()
        delivery_worker._has_time_left = lambda seconds: seconds <= self.time_left
        delivery_worker._is_suspended = lambda account_id: account_id in self.suspended
        delivery_worker._are_stopped = lambda account_id: account_id in self.stopped
        delivery_worker._deliveries_at_once = lambda _: self.at_once
        return delivery_worker

    # What happens

    def register(self, webhook_id: str = HOOK, **more: Any) -> Webhook:
        """A new endpoint; `more`: what it has besides, as the item says it."""
        webhook = a_webhook(webhook_id, **more)
        self.webhooks.add(webhook, Outcome(action=Action.CREATED), None, self.clock.now_ms())
        return webhook

    def happen(self, *webhook_ids: str, account_id: str = ACCOUNT_ID, **data: Any) -> list[DeliveryRef]:
        """An event, in the log and not yet on its way; to the one endpoint, or to others."""
        now_ms = self.clock.now_ms()
        event = Event(
            id=uuid7(now_ms, next(self._numbers).to_bytes(10)),
            type=EventType.UPDATED,
            timestamp=iso(now_ms),
            account_id=account_id,
            contact_id=CONTACT_ID,
            data={"contact": {"id": CONTACT_ID, "version": 1, "email": "ada@example.com"}} | data,
        )
        webhook_ids = webhook_ids or (HOOK,)
        claim = ClaimedPlace(event=event, appended_at=iso(now_ms), webhook_ids=webhook_ids, is_new=True)
        if not event.tells_of_erasure:  # Of that the tombstone is the proof, which is not there.
            self.events.claim(event, claim.appended_at, webhook_ids)
        self.events.append(claim)
        return [
            DeliveryRef(
                account_id=account_id,
                webhook_id=webhook_id,
                delivery_id=delivery_id(event.id, webhook_id, now_ms),
                event_id=event.id,
                event_type=event.type,
                appended_at=iso(now_ms),
            )
            for webhook_id in webhook_ids
        ]

    def dispatch(self, *webhook_ids: str, **data: Any) -> DeliveryRef:
        """An event whose messages are on the queue; gives back the (first) delivery."""
        refs = self.happen(*webhook_ids, **data)
        self.queue.send([Outgoing(body=ref.message(1), group=ref.account_id) for ref in refs])
        return refs[0]

    # Time

    def next_due_ms(self) -> int | None:
        """When the next message comes."""
        moments = [waiting.due_ms for waiting in self.queue.waiting[:1]]
        scheduled = self.scheduler.next_due_ms()
        return min(moments + ([] if scheduled is None else [scheduled]), default=None)

    def run(self, until_ms: int | None = None, at_most: int = 10_000) -> int:
        """Let messages come, one after the other, until there are none, or until a moment; says how many came."""
        for number in range(at_most):
            due = self.next_due_ms()
            if due is None or (until_ms is not None and due > until_ms):
                if until_ms is not None:
                    self.clock.at_ms = max(self.clock.at_ms, until_ms)
                return number
            self.clock.at_ms = max(self.clock.at_ms, due)
            self.scheduler.fire(self.queue)
            self.receive(heappop(self.queue.waiting))
        return at_most

    def run_until_made(self, ref: DeliveryRef, attempts: int) -> None:
        """Let messages come until so many attempts of a delivery have been made."""
        while self.item(ref) is None or self.delivery(ref).done < attempts:
            assert self.run(at_most=1), "nothing more is to come"

    def receive(self, waiting: Waiting) -> None:
        """Have a process of its own deal with a message."""
        try:
            wait_s = self.delivery_worker().handle(
                waiting.message.body, is_repeated=waiting.times_received > 0
            )
        except Killed:
            self.kills += 1
            self.life.calls = 1_000_000_000
            wait_s = VISIBILITY_S
        except TemporarilyUnavailable:
            wait_s = VISIBILITY_S
        if wait_s is not None:
            self.queue.put(waiting.message, wait_s, waiting.times_received + 1)

    def take(self, ref: DeliveryRef, attempt: int) -> int | None:
        """A message for an attempt, now."""
        return self.delivery_worker().handle(ref.message(attempt))

    # What there is

    def webhook(self, webhook_id: str = HOOK) -> Webhook:
        found = self.webhooks.webhook(ACCOUNT_ID, webhook_id)
        assert found is not None
        return found

    def delivery(self, ref: DeliveryRef) -> Delivery:
        found = self.deliveries.delivery(ref.account_id, ref.webhook_id, ref.delivery_id, 0)
        assert found is not None
        return found

    def log(self, webhook_id: str = HOOK) -> list[Delivery]:
        """The endpoint's deliveries, the newest first."""
        found, more = self.deliveries.newest_first(
            *(ACCOUNT_ID, webhook_id, None, None, 0), at_most=1000, evaluate=10_000
        )
        assert more is None
        return found

    def item(self, ref: DeliveryRef) -> dict[str, Any] | None:
        key = keys.delivery(ref.account_id, ref.webhook_id, ref.delivery_id)
        for item in map(from_item, self.moto.items()):
            if (item["PK"], item["SK"]) == tuple(key):
                return item
        return None
