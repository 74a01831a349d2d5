"""How far behind what follows a change falls under load, and what a neighbour feels of it: `python -m bench.load`.

Two accounts, each with a webhook for every event. One sends batches of creates, updates and deletes at
rising rates, the other a change now and then. The functions are the real ones; when they run and how long they take
is simulated: lanes of the stream, batches, windows, queues and concurrency as template.yaml has them, durations of
the CPU they took at their memory's share of a processor and 10 ms a call (`bench.service`). A partition key gives
1,000 write units a second, then it throttles. Conflicts and further throttles are injected at given rates in a run
of its own.
"""

import argparse
import json
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import Random
from statistics import median, quantiles
from typing import Any, Final
from zlib import crc32

from bench import units
from bench.cost import Prepared, kind_of_key
from bench.imports import csv_of, upload
from bench.load_chart import chart
from bench.quick_table import QuickTable
from bench.results import FOLDER, Results
from bench.service import (
    Failure,
    Message,
    QueueSource,
    Service,
    StreamSource,
    Use,
    conflicted,
    deployed,
    sources,
    throttled,
)
from local.stack import ROOT

RATES: Final = (25, 50, 100, 200, 300, 400)
"""Changes a second that the loading account sends, one phase after the other."""
PHASE_S: Final = 3.0
BATCH: Final = 25
"""Changes of one request."""
KEY_UNITS: Final = 1000.0
"""Write units a second that DynamoDB gives from one partition key ("Best practices for designing partition keys")."""
POLL_S: Final = 0.25
"""Lambda looks for records of a shard four times a second."""
DRAINS_S: Final = 90.0
"""Simulated seconds that what is left has, after the last phase."""
KEEPS_UP_S: Final = 5.0
"""A rate is kept up with where the events of its phase are no further behind than this."""
QUIET_RATE: Final = 2.0
"""Changes a second of the other account."""
WORSE: Final = 2.0
"""The other account may wait so many times what it waits undisturbed, or LATER_S more, whichever is longer."""
LATER_S: Final = 1.0
NESTED: Final[Mapping[str, Any]] = {"of": [{}] * 9_900, "text": "x" * 230_000}
"""Metadata of a contact that is as large, and of as many values, as one may be, nearly."""
IMPORTED: Final = 3_000
"""Rows of a file: more than are carried out while the neighbour is looked at."""
CONFLICTS: Final = 0.5
THROTTLES: Final = 0.1
CHART: Final = ROOT / "docs" / "load.svg"
PAGE: Final = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- made by bench.load -->", "<!-- end -->"

Record = dict[str, Any]


class Buckets:
    """What partition keys give: KEY_UNITS a second each, and no more than a second's at once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._left: dict[tuple[str, str | None], tuple[float, float]] = {}
        self.throttles: Counter[str] = Counter()
        """By kind of key."""

    def spend(self, steps: Sequence[units.Written]) -> None:
        """Take units."""
        for one in steps:
            left, at = self._at(one)
            self._left[one.partition, one.index] = left - one.units, at

    def strike(self, method: str, steps: Sequence[units.Written]) -> Failure | None:
        """A throttle, where a key that a write takes from has nothing left."""
        for one in steps:
            if self._at(one)[0] <= 0:
                self.throttles[kind_of_key(one.partition)] += 1
                return throttled(method, len(steps))
        return None

    def _at(self, one: units.Written) -> tuple[float, float]:
        now = self._service.moment()
        left, at = self._left.get((one.partition, one.index), (KEY_UNITS, now))
        moved = max(0.0, now - at)
        return min(KEY_UNITS, left + moved * KEY_UNITS), max(now, at)


@dataclass
class Lane:
    """One of the lanes of a shard: a batch at a time, in order."""

    source: StreamSource
    waiting: deque[tuple[float, Record]] = field(default_factory=deque)
    """Records with the moment from which they are there."""
    busy_until: float = 0.0
    called_at: float = inf
    """When it is looked at next."""


@dataclass
class Pollers:
    """The invocations that a queue feeds."""

    source: QueueSource
    running: int = 0
    called_at: float = inf
    """When the queue is looked at next."""


@dataclass(frozen=True)
class Lag:
    """How long after its change something was done."""

    at: float
    seconds: float
    account: str
    of: str
    """`events`, `projection` or `deliveries`."""
    changed_at: float


class Simulation:
    """A service under load."""

    def __init__(self, service: Service, buckets: Buckets) -> None:
        self.service = service
        self.buckets = buckets
        streams, queues = sources()
        self.lanes = [[Lane(source) for _ in range(source.factor)] for source in streams]
        self.pollers = {source.queue: Pollers(source) for source in queues}
        self.lags: list[Lag] = []
        self.failures: Counter[str] = Counter()
        self.batches: dict[str, list[int]] = defaultdict(list)
        """Sizes of batches by function."""
        self.refused: Counter[int] = Counter()
        """Statuses of requests, and of items of batches, that were no success."""
        self.owners: Mapping[str, str] = {}
        """Accounts by their contacts' ids, kept by the bench."""
        self._changed: dict[tuple[str, int], float] = {}
        """When a contact got a version."""
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        service.spent, service.strike, service.posts = buckets.spend, buckets.strike, self._posted

    # Time

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Have something happen at a moment."""
        heappush(self._agenda, (moment, next(self._numbers), act))

    def run(self, until: float) -> bool:
        """Let time pass. Returns whether nothing is left to do."""
        while self._agenda and self._agenda[0][0] <= until:
            moment, _, act = heappop(self._agenda)
            self.service.now = moment
            act()
        self.service.now = until
        return not self._agenda

    # What happens

    def send(self, prepared: Prepared, operations: Sequence[Mapping[str, Any]]) -> None:
        """Send changes: one alone or as a batch."""
        service, began = self.service, self.service.now
        body = {"operations": list(operations)}
        invoked = service.requested(prepared.account, "POST", "/v1/contacts/batch", body)
        answer = service.answered(invoked)
        if answer.status != 207:
            self.refused[answer.status] += len(operations)
        else:
            for result in answer.body["results"]:
                if result["status"] >= 300:
                    self.refused[result["status"]] += 1
                elif result["status"] == 201:
                    prepared.ids.append(result["contact"]["id"])
        self._spread(began + invoked.use.billed_s)

    def imports(self, prepared: Prepared, data: bytes) -> None:
        """Send a file."""
        upload(self.service, prepared.account, data)
        self._spread(self.service.now)

    def _spread(self, moment: float) -> None:
        """Hand new records to the lanes, and have the queues looked at."""
        records, self.service.records = self.service.records, []
        for record in records:
            image = record["dynamodb"].get("NewImage", {})
            if image.get("kind") == {"S": "contact"}:
                contact_id = record["dynamodb"]["Keys"]["SK"]["S"].partition("#")[2]
                self._changed[contact_id, int(image["version"]["N"])] = moment
            for lanes in self.lanes:
                if lanes[0].source.lets_through(record):
                    key = record["dynamodb"]["Keys"]
                    lane = lanes[crc32(f"{key['PK']['S']} {key['SK']['S']}".encode()) % len(lanes)]
                    lane.waiting.append((moment, record))
                    if len(lane.waiting) > 1 and lane.waiting[-2][0] > moment:
                        # An invocation that takes long has left records of its end.
                        lane.waiting = deque(sorted(lane.waiting, key=lambda one: one[0]))
                    self._call(lane, moment + POLL_S)
        for name, pollers in self.pollers.items():
            if self.service.queues[name]:
                self._call_pollers(pollers, moment)

    def _call(self, lane: Lane, moment: float) -> None:
        moment = max(moment, lane.busy_until)
        if moment < lane.called_at:
            lane.called_at = moment
            self.at(moment, lambda: self._consume(lane))

    def _consume(self, lane: Lane) -> None:
        now, source = self.service.now, lane.source
        lane.called_at = inf
        if now < lane.busy_until:
            self._call(lane, now)
            return
        there = sum(1 for moment, _ in lane.waiting if moment <= now)
        if not there:
            if lane.waiting:
                self._call(lane, lane.waiting[0][0])
            return
        full_at = lane.waiting[0][0] + source.window_s
        if there < source.batch_size and now < full_at:
            self._call(lane, min(full_at, now + POLL_S))
            return
        batch = [lane.waiting.popleft() for _ in range(min(there, source.batch_size))]
        invoked = self.service.consume(source.function, [record for _, record in batch])
        done = self.done(invoked.answer, batch) if not invoked.failed else 0
        end = now + invoked.use.billed_s
        self.batches[source.function].append(len(batch))
        self.failures[source.function] += done < len(batch)
        of = "events" if source.function == "dispatch_webhooks" else "projection"
        for moment, record in batch[:done]:
            account = record["dynamodb"]["Keys"]["PK"]["S"].split("#")[1]
            self.lags.append(Lag(end, end - moment, account, of, moment))
        lane.waiting.extendleft(reversed(batch[done:]))
        lane.busy_until = end
        self._spread(end)
        if lane.waiting:
            self._call(lane, end)

    @staticmethod
    def done(answer: Mapping[str, Any], batch: Sequence[tuple[float, Record]]) -> int:
        """How many records of a batch are done, counted from the first."""
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        numbers = (n for n, (_, one) in enumerate(batch) if one["dynamodb"]["SequenceNumber"] in failed)
        return next(numbers, len(batch))

    def _call_pollers(self, pollers: Pollers, moment: float) -> None:
        if moment < pollers.called_at:
            pollers.called_at = moment
            self.at(moment, lambda: self._receive(pollers))

    def _receive(self, pollers: Pollers) -> None:
        pollers.called_at = inf
        now, source, queue = self.service.now, pollers.source, self.service.queues[pollers.source.queue]
        while pollers.running < source.concurrency and queue:
            there = [message for message in queue if message.visible_at <= now][: source.batch_size]
            if not there:
                break
            full_at = there[0].visible_at + source.window_s
            if len(there) < source.batch_size and now < full_at:
                self._call_pollers(pollers, full_at)
                return
            self._handle(pollers, queue, there)
        if queue and pollers.running < source.concurrency:
            self._call_pollers(pollers, max(now + 0.001, min(message.visible_at for message in queue)))

    def _handle(self, pollers: Pollers, queue: deque[Message], messages: Sequence[Message]) -> None:
        source, now = pollers.source, self.service.now
        for message in messages:
            queue.remove(message)
        invoked = self.service.receive(source, messages)
        end = now + invoked.use.billed_s
        self.batches[source.function].append(len(messages))
        failed = {one["itemIdentifier"] for one in (invoked.answer or {}).get("batchItemFailures", [])}
        for message in messages:
            if invoked.failed or f"m-{message.number}" in failed:
                self.failures[source.function] += 1
                message.visible_at = end + 30
                queue.append(message)
        pollers.running += 1

        def ended() -> None:
            pollers.running -= 1
            self._receive(pollers)

        self.at(end, ended)
        self._spread(end)

    def _posted(self, content: bytes) -> None:
        with suppress(ValueError, KeyError):
            event = json.loads(content.partition(b"\r\n\r\n")[2])
            if event["type"] == "contact.deleted":  # tells the version before
                return
            contact = event["data"]["contact"]
            moment = self.service.moment()
            changed = self._changed.get((contact["id"], contact["version"]))
            if changed is not None:
                name = self.owners.get(contact["id"], "")
                self.lags.append(Lag(moment, moment - changed, name, "deliveries", changed))


@dataclass
class Account:
    """One of the two."""

    prepared: Prepared
    random: Random

    def large(self) -> list[dict[str, Any]]:
        """A create of a contact that is as large as one may be."""
        return [{"op": "create", "contact": self.prepared.person(metadata=NESTED)}]

    def operations(self, how_many: int) -> list[dict[str, Any]]:
        """Changes: seven creates of ten, two updates, one delete."""
        made: list[dict[str, Any]] = []
        for _ in range(how_many):
            chance = self.random.random()
            if chance < 0.7 or len(self.prepared.ids) < 50:
                made.append({"op": "create", "contact": self.prepared.person()})
            elif chance < 0.9:
                contact_id = self.random.choice(self.prepared.ids[-500:])
                made.append(
                    {
                        "op": "update",
                        "ref": contact_id,
                        "contact": {"metadata": {"n": self.random.randrange(10**6)}},
                    }
                )
            else:
                contact_id = self.prepared.ids.pop(self.random.randrange(len(self.prepared.ids)))
                made.append({"op": "delete", "ref": contact_id})
        return made


@dataclass
class Run:
    """What a run found."""

    simulation: Simulation
    loading: str
    quiet: str
    phases: list[tuple[float, float, float]]
    """Rate, beginning and end of each; seconds since the epoch."""
    is_done: bool
    """Whether nothing was left in the end."""
    used: dict[str, Use]
    changes: int

    def lags(self, of: str, account: str, begin: float, end: float) -> list[float]:
        """Of changes that were made between two moments."""
        return [
            lag.seconds
            for lag in self.simulation.lags
            if lag.of == of and lag.account == account and begin <= lag.changed_at < end
        ]

    def pace(self, function: str) -> float:
        """Records or messages a second that one invocation after the other handles."""
        return sum(self.simulation.batches[function]) / max(self.used[function].billed_s, 1e-9)

    def units(self) -> float:
        """Write units of one change, with all that follows it."""
        return float(sum(self.key_units().values()))

    def key_units(self) -> Any:
        """Write units by kind of partition key, one change's on the average."""
        found: Any = Counter()
        for use in self.used.values():
            for key, n in use.by_key.items():
                if self.loading in key:
                    found[kind_of_key(key)] += n / max(self.changes, 1)
        return found


class _Owners(dict[str, str]):
    """Accounts by contact ids, by what the accounts have made."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__()
        self._accounts = accounts

    def get(self, contact_id: str, default: Any = None) -> Any:
        found = dict.get(self, contact_id)
        if found is None:
            for account in self._accounts:
                self.update(dict.fromkeys(account.prepared.ids[-2000:], account.prepared.account.id))
            found = dict.get(self, contact_id, default)
        return found


def load(
    rates: Sequence[float],
    phase_s: float,
    *,
    quiet_rate: float = QUIET_RATE,
    faults: tuple[float, float] = (0, 0),
    large: bool = False,
    imported: int = 0,
) -> Run:
    """Run a load.

    `faults`: the parts of transactions that conflict, and of writes that are throttled. `large`: the loading account
    creates contacts that are as large as they may be, one a request. `imported`: rows of a file that it sends at first.
    """
    random = Random(1)
    with deployed(QuickTable()) as service:
        accounts = []
        for seed in (1, 2):
            prepared = Prepared(
                service, service.open_account(hourly_limit=100_000_000), made=seed * 1_000_000
            )
            prepared.subscribe(1)
            accounts.append(Account(prepared, Random(seed)))
        for account in accounts:  # warm: caches, first characters of words, the domain's verdict
            account.prepared.fill(20)
        service.now += 30
        simulation = Simulation(service, Buckets(service))
        simulation.owners = _Owners(accounts)
        if any(faults):
            service.strike = _faulty(simulation.buckets, random, *faults)
        began = service.now
        phases = [
            (rate, began + number * phase_s, began + (number + 1) * phase_s)
            for number, rate in enumerate(rates)
        ]
        changes = 0
        loading, quiet = accounts
        if imported:
            simulation.at(began, lambda: simulation.imports(loading.prepared, csv_of(range(imported))))
            changes += imported
        at_once = 1 if large else BATCH
        for rate, begin, _ in phases:
            if not rate:
                continue
            for number in range(round(rate * phase_s / at_once)):
                moment = begin + number * at_once / rate
                simulation.at(
                    moment,
                    lambda: simulation.send(
                        loading.prepared, loading.large() if large else loading.operations(BATCH)
                    ),
                )
                changes += at_once
        last = phases[-1][2]
        for number in range(int((last - began) * quiet_rate)):
            moment = began + (number + 0.37) / quiet_rate
            simulation.at(moment, lambda: simulation.send(quiet.prepared, quiet.operations(1)))
        with service.recorded() as used:
            for rate, _, end in phases:
                _show(f"{rate:g} changes a second")
                simulation.run(end)
            is_done = simulation.run(last + DRAINS_S)
        _show("")
        ids = loading.prepared.account.id, quiet.prepared.account.id
        return Run(simulation, *ids, phases, is_done, used, changes)


def attacked(phase_s: float) -> dict[str, Run]:
    """Runs in which one account does its worst, by what it does."""
    # Endpoints that hang are in tests/unit/webhooks/test_two_accounts.py: an invocation is carried out at one go here,
    # so the slots that it holds meanwhile cannot be seen.
    return {
        "A contact of 260 KB and 9,900 nested empties each second": load((1,), 2 * phase_s, large=True),
        f"An import of {IMPORTED:,} rows": load((0,), 3 * phase_s, imported=IMPORTED),
    }


def _faulty(
    buckets: Buckets, random: Random, conflicts: float, throttles: float
) -> Callable[[str, Sequence[units.Written]], Failure | None]:
    def strike(method: str, steps: Sequence[units.Written]) -> Failure | None:
        failure = buckets.strike(method, steps)
        if failure is None and method == "transact_write_items" and random.random() < conflicts:
            return conflicted(method, len(steps))
        if failure is None and random.random() < throttles:
            return throttled(method, len(steps))
        return failure

    return strike


# ==== a table that throttles ==========================================================================================

CUT_OFF_AFTER: Final[Mapping[str, Sequence[int]]] = {
    "dispatch_webhooks": (1, 2, 3, 5, 7, 20),
    "project_changes": (4, 10),
}
"""Writes of one invocation after which the table throttles all others. Each invocation of the dispatcher is a new
process then, which remembers nothing."""
MAY_COST: Final = 1.2
"""Times the units of an undisturbed run that a batch may take which is cut off again and again."""


@dataclass(frozen=True)
class Progress:
    """How a consumer gets on with a batch of creates while the table cuts each invocation off."""

    function: str
    cut_off_after: int
    records: int
    invocations: int
    least: int
    """The fewest records that two invocations in a row got further (an event takes two writes). The first is left out:
    until then the table was not busy, so that it may begin more changes than it can end."""
    share: float
    """Write units, as a part of those of an undisturbed run."""


def progress(service: Service) -> list[Progress]:
    """How each consumer of the stream gets on."""
    found = []
    prepared = Prepared(service, service.open_account(hourly_limit=100_000_000))
    prepared.subscribe(1)
    prepared.fill(20)
    for source in sources()[0]:
        whole, _, _ = _worked_off(service, source.function, _batch_of(prepared, source), None)
        for after in CUT_OFF_AFTER[source.function]:
            batch = _batch_of(prepared, source)
            spent, times, least = _worked_off(service, source.function, batch, after)
            found.append(Progress(source.function, after, len(batch), times, least, spent / whole))
    return found


def _batch_of(prepared: Prepared, source: StreamSource) -> list[Record]:
    """The records of creates that fill one batch."""
    service = prepared.service
    service.records.clear()
    operations = [{"op": "create", "contact": prepared.person()} for _ in range(100)]
    prepared.call("POST", "/v1/contacts/batch", {"operations": operations})
    records, service.records = service.records, []
    return [record for record in records if source.lets_through(record)][: source.batch_size]


def _worked_off(
    service: Service, function: str, batch: Sequence[Record], after: int | None
) -> tuple[float, int, int]:
    """The units, the invocations and the least progress of one until a batch is done, or one gets no further."""
    writes = iter(range(0))

    def strike(method: str, steps: Sequence[units.Written]) -> Failure | None:
        return None if after is None or next(writes, None) is not None else throttled(method, len(steps))

    service.strike = strike
    spent, times, least, at, last = 0.0, 0, len(batch), 0, 1
    service.now += 3  # A batch that a busy table held up is not new.
    while at < len(batch):
        writes = iter(range(after or 0))
        service.now += 1
        if after is not None and function == "dispatch_webhooks":
            service.restart(function)
        invoked = service.consume(function, batch[at:])
        done = Simulation.done(invoked.answer, [(0.0, record) for record in batch[at:]])
        spent, times, at = spent + invoked.use.writes, times + 1, at + done
        if times > 1:
            least = min(least, done + last)
            if not done + last:
                break
        last = done
    service.strike = None
    service.records.clear()
    for queue in service.queues.values():
        queue.clear()
    return spent, times, least


# ==== what it shows ===================================================================================================


def at_most(values: Sequence[float]) -> float:
    """What nineteen of twenty stay below; 0 where there are none."""
    if len(values) < 2:
        return max(values, default=0.0)
    return quantiles(values, n=20, method="inclusive")[-1]


def results(
    undisturbed: Run,
    ramp: Run,
    faulty: Run,
    steps: Sequence[Progress],
    attacks: Mapping[str, Run],
    phase_s: float,
) -> tuple[Results, float]:
    """The table, and the highest rate that is kept up with. `attacks`: runs in which one account does its worst."""
    columns = (
        "changes a second",
        "projection s",
        "events s",
        "deliveries s",
        "neighbour s",
        "may be s",
        "batch",
        "",
    )
    table = Results("load", "How far behind what follows a change falls, by the load of one account", columns)
    _, begin, end = undisturbed.phases[0]
    alone = at_most(undisturbed.lags("deliveries", undisturbed.quiet, begin, end))
    allowed = max(WORSE * alone, alone + LATER_S)
    kept = 0.0
    sizes = ramp.simulation.batches["dispatch_webhooks"]
    for rate, begin, end in ramp.phases:
        lags = [
            at_most(ramp.lags(of, ramp.loading, begin, end)) for of in ("projection", "events", "deliveries")
        ]
        neighbour = at_most(ramp.lags("deliveries", ramp.quiet, begin, end))
        keeps_up = max(lags) <= KEEPS_UP_S
        if keeps_up:
            kept = rate
        if keeps_up and neighbour > allowed:
            table.failures.append(
                f"at {rate:g} a second a neighbour waits {neighbour:.1f} s (may: {allowed:.1f} s)"
            )
        table.rows.append((f"{rate:g}", *lags, neighbour, allowed, None, "" if keeps_up else "falls behind"))
    throttles = ", ".join(f"{key} {n}" for key, n in ramp.simulation.buckets.throttles.most_common(4))
    table.notes = [
        "What nineteen of twenty changes of each phase wait for: postings and counts, the event log, and the webhook "
        f"(from the write). Phases of {phase_s:g} s, one after the other; batches of {BATCH}, seven creates "
        "to two updates and "
        f"one delete. The neighbour changes {QUIET_RATE:g} a second in the same stream shard, and waits "
        f"{alone:.2f} s undisturbed. It is held to what it may wait at rates that are kept up with: beyond them it "
        "waits in the same lanes.",
        f"Batches of the dispatcher: {median(sizes) if sizes else 0:g} records in the middle, "
        f"{max(sizes, default=0)} at most. "
        f"Throttled: {throttles or 'nothing'}. Refused items: {dict(ramp.simulation.refused) or 'none'}. "
        f"{'Nothing' if ramp.is_done else 'Something'} was left {DRAINS_S:g} s after the last phase.",
        *_attacked(attacks, alone, table),
        *_faults(faulty, table),
        *_progress(table, steps),
    ]
    table.columns = [column for column in columns if column != "batch"]
    table.rows = [(*row[:6], row[7]) for row in table.rows]
    return table, kept


def _attacked(attacks: Mapping[str, Run], alone: float, table: Results) -> list[str]:
    """What a neighbour feels of an account that does its worst."""
    told, allowed = [], max(WORSE * alone, alone + LATER_S)
    for what, run in attacks.items():
        lags = run.lags("deliveries", run.quiet, 0, 1e12)
        waits = at_most(lags)
        told.append(
            f"{what}: the neighbour's {len(lags)} webhooks wait {waits:.2f} s (may: {allowed:.2f} s)."
        )
        if waits > allowed:
            table.failures.append(f"{what}: a neighbour waits {waits:.1f} s (may: {allowed:.1f} s)")
    return [" ".join(told)] if told else []


def _faults(faulty: Run, table: Results) -> list[str]:
    """What a run with conflicts and throttles shows."""
    simulation = faulty.simulation
    lags = [
        at_most(faulty.lags(of, faulty.loading, 0, 1e12)) for of in ("projection", "events", "deliveries")
    ]
    if not faulty.is_done:
        table.failures.append("with conflicts and throttles something was never done")
    return [
        f"With {CONFLICTS:.0%} of all transactions in conflict and {THROTTLES:.0%} of all writes throttled, at "
        f"{faulty.phases[0][0]:g} changes a second: {lags[0]:.1f}, {lags[1]:.1f} and {lags[2]:.1f} s; "
        f"{sum(simulation.failures.values())} batches came again, refused items: {dict(simulation.refused) or 'none'}, "
        f"{'all was done' if faulty.is_done else 'not all was done'}."
    ]


def _progress(table: Results, steps: Sequence[Progress]) -> list[str]:
    """What consumers do while the table cuts them off."""
    told = []
    for one in steps:
        writes = "write" if one.cut_off_after == 1 else "writes"
        name = f"`{one.function}`, cut off after {one.cut_off_after} {writes} of each invocation"
        told.append(
            f"{name}: {one.records} records in {one.invocations} invocations, after the first any two at least "
            f"{one.least} further, "
            f"{one.share:.2f} of the units of an undisturbed run."
        )
        if not one.least:
            table.failures.append(f"{name}: an invocation gets no further")
        if one.share > MAY_COST:
            table.failures.append(f"{name}: {one.share:.2f} of the undisturbed units (may: {MAY_COST})")
    return [" ".join(told)]


def hot_keys(run: Run, at_least: float = 0.2) -> list[tuple[str, float]]:
    """Kinds of partition keys by the write units of one change, the hottest first; without a contact's own."""
    shared = [
        one for one in run.key_units().most_common() if "<contact>" not in one[0] and "<…>" not in one[0]
    ]
    return [(key, n) for key, n in shared if n >= at_least]


TABLE_UNITS: Final = 40_000
"""Write units a second that a table on demand gives by default ("Quotas in Amazon DynamoDB")."""
FRONT_DOOR: Final = 10_000
"""Requests a second of a region that API Gateway takes by default ("Quotas for HTTP APIs")."""


def bounds(run: Run) -> list[tuple[str, str, str]]:
    """What bounds one account and the whole service: by what, and to how much."""
    streams, queues = sources()
    keys = dict(hot_keys(run, 0))
    hottest, most = max(keys.items(), key=lambda one: one[1])
    rows = [
        (
            "one account",
            f"the contacts' key: {keys['#0']:.1f} write units a change of {KEY_UNITS:,.0f} a second",
            f"{KEY_UNITS / keys['#0']:,.0f} changes a second",
        ),
        (
            "one account",
            f"its hottest key, `{hottest}`: {most:.1f} units a change",
            f"{KEY_UNITS / most:,.0f} changes a second",
        ),
    ]
    rows += [
        (
            "one stream shard",
            f"`{source.function}`: {source.factor} lanes, each {run.pace(source.function):,.0f} records a second "
            "in batches like these",
            f"{source.factor * run.pace(source.function):,.0f} records a second",
        )
        for source in streams
    ]
    rows += [
        (
            "all accounts",
            f"`{queue.function}`: {queue.concurrency} at once, each {run.pace(queue.function):,.1f} a second",
            f"{queue.concurrency * run.pace(queue.function):,.0f} messages a second",
        )
        for queue in queues
        if run.simulation.batches[queue.function]
    ]
    rows += [
        (
            "all accounts",
            f"the table's quota of {TABLE_UNITS:,} write units a second, {run.units():.0f} a change with all "
            "that follows it",
            f"{TABLE_UNITS / run.units():,.0f} changes a second",
        ),
        ("all accounts", "API Gateway's quota", f"{FRONT_DOOR:,} requests a second"),
    ]
    return rows


def section(table: Results, ramp: Run, kept: float) -> str:
    """What docs/scale.md says of it."""
    columns = [str(column) for column in table.columns]
    rows = [
        [f"{cell:.2f}" if isinstance(cell, float) else str(cell or "") for cell in row] for row in table.rows
    ]
    lines = ["| " + " | ".join(columns) + " |", "|" + "---:|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    keys = ["| partition key | write units a change | changes a second at 1,000 units |", "|---|---:|---:|"]
    keys += [f"| `{key}` | {n:.2f} | {KEY_UNITS / n:,.0f} |" for key, n in hot_keys(ramp)[:10]]
    return "\n\n".join(
        [
            BEGIN,
            "![Lag of projection, events and deliveries while the load of one account rises](load.svg)",
            f"Measured at {table.as_json()['measured_with']['date']}: kept up with to {kept:g} changes a second.",
            "\n".join(lines),
            *table.notes,
            "### What is bound by what",
            "\n".join(
                [
                    "| of | by | to |",
                    "|---|---|---|",
                    *("| " + " | ".join(row) + " |" for row in bounds(ramp)),
                ]
            ),
            "The hottest partition keys of that load (of a lone create and of one in a batch: "
            "[cost.md](cost.md#hot-keys)):",
            "\n".join(keys),
            END,
        ]
    )


def write_section(text: str) -> None:
    """Put it into docs/scale.md."""
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN in page:
        page = page[: page.index(BEGIN)] + text + page[page.index(END) + len(END) :]
        PAGE.write_text(page, encoding="utf-8")


def _show(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a neighbour waits too long, or something is never done.

    The page and the chart are kept only of the usual rates.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", type=float, nargs="+", help="changes a second, one phase each")
    parser.add_argument("--seconds", type=float, default=PHASE_S, help="of a phase")
    chosen = parser.parse_args(arguments)
    rates = tuple(chosen.rates or RATES)
    undisturbed = load((0,), 4 * chosen.seconds)
    ramp = load(rates, chosen.seconds)
    faulty = load((rates[0],), chosen.seconds, faults=(CONFLICTS, THROTTLES))
    attacks = attacked(chosen.seconds)
    with deployed(QuickTable()) as service:
        steps = progress(service)
    table, kept = results(undisturbed, ramp, faulty, steps, attacks, chosen.seconds)
    if chosen.rates or chosen.seconds != PHASE_S:
        print(table.as_markdown())
        return 1 if table.failures else 0
    code = table.publish()
    _keep(table, ramp, kept)
    return code


def _keep(table: Results, ramp: Run, kept: float) -> None:
    data = table.as_json() | {"kept_up_with": kept, "units_by_key": dict(hot_keys(ramp))}
    (FOLDER / "load.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    began = ramp.phases[0][1]
    series = {
        of: [
            (lag.at - began, lag.seconds)
            for lag in ramp.simulation.lags
            if lag.of == of and lag.account == ramp.loading
        ]
        for of in ("projection", "events", "deliveries")
    }
    series["neighbour's deliveries"] = [
        (lag.at - began, lag.seconds)
        for lag in ramp.simulation.lags
        if lag.of == "deliveries" and lag.account == ramp.quiet
    ]
    phases = [(rate, begin - began, end - began) for rate, begin, end in ramp.phases]
    CHART.write_text(chart(series, phases), encoding="utf-8")
    write_section(section(table, ramp, kept))


if __name__ == "__main__":
    sys.exit(main())
