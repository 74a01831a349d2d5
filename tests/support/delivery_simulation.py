"""Deliveries of several accounts by many workers at once, in simulated time: the delivery worker as it is, on a table
in memory, with a queue, endpoints that take their time, and calls of the table that take some milliseconds.

Each message is handled by a thread of its own, of which one runs at a time: until it waits for a call or an endpoint.
So a run is the same each time, and a quarter of an hour takes a second or two. The queue is not fair: it gives the
messages out in the order in which they came, as the local stack does.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import Any

from contacts.core.errors import TemporarilyUnavailable
from contacts.webhooks.delivery import DeliveryWorker
from contacts.webhooks.model import DeliveryRef, Reply
from tests.support.delivery_harness import OK, VISIBILITY_S, DeliveryHarness, PaperQueue, Waiting
from tests.support.event_harness import Killed
from tests.support.fakes import FakeClock

CALL_MS = 10
"""What a call of the table takes."""
TIMEOUT_MS = 40_000
"""What the function may take."""


@dataclass
class SimulatedClock(FakeClock):
    """Time that passes while all threads wait."""

    pause: Callable[[int], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        self.pause(int(seconds * 1000))


class SlowClient:
    """A client whose calls take time, and which others may use meanwhile."""

    def __init__(self, client: Any, simulation: "Simulation") -> None:
        self._client, self._simulation = client, simulation

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._client, method)

        def called(**request: Any) -> Any:
            self._simulation.pause(CALL_MS)
            self._simulation.calls += 1
            return call(**request)

        return called


@dataclass
class Sent:
    """An attempt at an endpoint."""

    url: str
    event_id: str
    at_ms: int
    until_ms: int


@dataclass
class SlowEndpoints:
    """`webhooks.delivery.Sender`: each URL answers as it was told, after its time; others at once."""

    simulation: "Simulation"
    replies: dict[str, Reply] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    life: Any = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        reply = self.replies.get(url, OK)
        began = self.simulation.clock.now_ms()
        sent = Sent(url, headers["webhook-id"], began, began + reply.duration_ms)
        self.sent.append(sent)
        self.simulation.pause(reply.duration_ms)
        if self.simulation.is_killed(url):
            raise Killed
        return reply

    def most_at_once(self, urls: set[str]) -> int:
        """The most attempts that were under way at one moment."""
        moments = sorted(
            moment
            for sent in self.sent
            if sent.url in urls
            for moment in ((sent.at_ms, 1), (sent.until_ms, -1))
        )
        most = now = 0
        for _, change in moments:
            now += change
            most = max(most, now)
        return most


class Simulation:
    """A number of workers, a queue, and accounts with endpoints."""

    def __init__(self, workers: int, at_once: int = 2, batch: int = 1) -> None:
        """`batch`: messages that an invocation gets at most, each in a thread of its own."""
        self.batch = batch
        self._starting: list[tuple[Waiting, list[int]]] = []
        """Messages of invocations that have begun, and how many of each are not done."""
        self.clock = SimulatedClock()
        self.clock.pause = self.pause
        self.workers = workers
        self.at_once = at_once
        self.calls = 0
        """Calls of the table."""
        self.received = 0
        """Messages that workers received."""
        self.fails: list[Exception] = []
        """What workers raised that is neither a kill nor a busy table."""
        self.kills: list[str] = []
        """URLs: the next worker that gets an answer of one of them dies."""
        self.harness = DeliveryHarness()
        self.harness.clock = self.clock
        self.harness.queue = self.queue = PaperQueue(self.clock, self.harness.life)
        self.harness.schedule._queue = self.queue
        self.harness.schedule._clock = self.clock
        self.harness.app.clock = self.clock
        self.endpoints = SlowEndpoints(self)
        self.app = self.harness.app
        self.app.webhook_sender = lambda: self.endpoints  # type: ignore[method-assign, assignment, return-value]
        self.app.delivery_schedule = lambda: self.harness.schedule  # type: ignore[method-assign]
        self.app.queue = lambda name: {"DELIVERY": self.queue}.get(name, self.harness.dead_letters)  # type: ignore[method-assign, assignment, return-value]
        self._idle: list[DeliveryWorker] = []
        """Processes that handle nothing now. The one that was used last goes on first."""
        self._waiting: list[tuple[int, int, threading.Semaphore]] = []
        self._numbers = count()
        self._turn = threading.Semaphore(0)
        self._busy = 0
        self.stopped: set[str] = set()
        """Accounts whose deliveries an operator has stopped."""
        self._is_running = False
        table: Any = self.harness.table
        self._fast, self._slow = table._client, SlowClient(table._client, self)

    def is_killed(self, url: str) -> bool:
        if url not in self.kills:
            return False
        self.kills.remove(url)
        return True

    def pause(self, ms: int) -> None:
        """Let time pass for the thread that runs now."""
        if not self._is_running:
            return
        woken = threading.Semaphore(0)
        heappush(self._waiting, (self.clock.at_ms + ms, next(self._numbers), woken))
        self._turn.release()
        woken.acquire()

    def run(self, seconds: float) -> None:
        """Let time pass and everything happen that does meanwhile."""
        until_ms = self.clock.at_ms + int(seconds * 1000)
        table: Any = self.harness.table
        table._client, self._is_running = self._slow, True
        while (moment := self._next()) is not None and moment <= until_ms:
            self.clock.at_ms = max(self.clock.at_ms, moment)
            self.harness.scheduler.fire(self.queue)
            self._step()
        self.clock.at_ms = until_ms
        table._client, self._is_running = self._fast, False

    def _next(self) -> int | None:
        if self._starting:
            return self.clock.at_ms
        moments = [self._waiting[0][0]] if self._waiting else []
        if self._busy < self.workers:
            moments += [waiting.due_ms for waiting in self.queue.waiting[:1]]
        scheduled = self.harness.scheduler.next_due_ms()
        return min(moments + ([] if scheduled is None else [scheduled]), default=None)

    def _step(self) -> None:
        """Let one thread run until it waits."""
        now = self.clock.at_ms
        if self._starting:
            threading.Thread(target=self._receive, args=self._starting.pop(0), daemon=True).start()
        elif self._waiting and self._waiting[0][0] <= now:
            heappop(self._waiting)[2].release()
        elif self.queue.waiting and self.queue.waiting[0].due_ms <= now and self._busy < self.workers:
            self._busy += 1
            undone: list[int] = []
            while self.queue.waiting and self.queue.waiting[0].due_ms <= now and len(undone) < self.batch:
                undone.append(1)
                self._starting.append((heappop(self.queue.waiting), undone))
            self._step()
            return
        else:
            return
        self._turn.acquire()

    def _receive(self, waiting: Waiting, undone: list[int]) -> None:
        began = self.clock.at_ms
        self.received += 1
        wait_s: int | None = None
        try:
            worker = self._idle.pop() if self._idle else self.worker()
            worker._has_time_left = lambda seconds: self.clock.at_ms + seconds * 1000 <= began + TIMEOUT_MS
            wait_s = self.handle(worker, waiting)
            self._idle.append(worker)
        except (Exception, Killed) as error:  # noqa: BLE001 (as QueueEntrypoint does)
            # It comes back when its visibility timeout is over, counted from its receipt.
            wait_s = VISIBILITY_S - (self.clock.at_ms - began) // 1000
            if not isinstance(error, TemporarilyUnavailable | Killed):
                self.fails.append(error)
        finally:
            if wait_s is not None:
                self.queue.put(waiting.message, wait_s, waiting.times_received + 1)
            undone.pop()
            self._busy -= not undone
            self._turn.release()

    def worker(self) -> DeliveryWorker:
        worker = self.app.delivery_worker()
        worker._is_suspended = lambda _: False
        worker._are_stopped = lambda account_id: account_id in self.stopped
        worker._deliveries_at_once = lambda _: self.at_once
        return worker

    def handle(self, worker: DeliveryWorker, waiting: Waiting) -> int | None:
        return worker.handle(waiting.message.body, is_repeated=waiting.times_received > 0)

    # What happens

    def register(self, account_id: str, number: int, reply: Reply = OK) -> tuple[str, str]:
        """A new endpoint of an account: its webhook's id and its URL."""
        webhook_id = f"wh_{number:019x}"
        url = f"https://hooks.example.com/{account_id[-4:]}/{number}"
        self.harness.register(webhook_id, account_id=account_id, url=url)
        self.endpoints.replies[url] = reply
        return webhook_id, url

    def dispatch(self, account_id: str, *webhook_ids: str) -> list[DeliveryRef]:
        """An event of an account, whose messages are on the queue now."""
        refs = [
            replace(ref, account_id=account_id)
            for ref in self.harness.happen(*webhook_ids, account_id=account_id)
        ]
        self.send(refs)
        return refs

    def send(self, refs: list[DeliveryRef]) -> None:
        from contacts.core.queue import Outgoing

        self.queue.send([Outgoing(body=ref.message(1), group=ref.account_id) for ref in refs])

    def delays(self, refs_at: Mapping[str, int], url: str) -> list[float]:
        """Seconds from each event (its id, and when it was sent) to its first attempt at an endpoint."""
        first: dict[str, int] = {}
        for sent in self.endpoints.sent:
            if sent.url == url:
                first.setdefault(sent.event_id, sent.at_ms)
        return [(first[event_id] - at_ms) / 1000 for event_id, at_ms in refs_at.items() if event_id in first]
