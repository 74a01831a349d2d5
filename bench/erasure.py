"""How long the erasure of a long timeline takes, and what it costs: `python -m bench.erasure`.

Calls and units are counted on a table in memory. The CPU is that of our code and the SDK, without the table's.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapreplace
from math import inf
from time import thread_time
from typing import Any, Self
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from bench.limits import MB_OF_A_PROCESSOR
from bench.results import Results
from contacts.book.model import tombstone_item
from contacts.core.ids import uuid7
from contacts.erasure import service
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from local.template import functions
from tests.support.app import App
from tests.support.fakes import FakeClock
from tests.support.faulty_wire import Wire
from tests.support.long_timeline import fill
from tests.support.moto_table import MotoTable
from tests.support.table_costs import CountedClient

CASES = ((5, 1), (500, 10), (5000, 0), (1500, 10))
"""Events of a contact, and endpoints that each was delivered to."""
LATENCY_MS = 10
"""Of a call of the table."""
PROMISED = ((500, 10), (5000, 0))
PROMISED_S = 60
PART_OF_PROMISE = 0.5
"""The stream, the queue and a cold start come before; and Lambda's processors are not this one."""
ACCOUNT, CONTACT = uuid7(1, bytes(10)), uuid7(2, bytes(10))
MEMORY = next(function.memory for function in functions() if function.name == "erase_contact")
METHOD = f"""\
"In sequence" is what remains of the calls where ten are under way at a time. "Seconds" is {LATENCY_MS} ms for each of
those and the CPU at the function's {MEMORY} MB ({MB_OF_A_PROCESSOR} MB are one processor), as if neither hid the other.
CPU is measured with some 200 steps, for each call of the table; the calls are counted with all of them.
Each delivery was made once and answered with a text, so each has to be changed. Calls and units are of both passes."""


class TimedWire(Wire):
    """A wire to a table that knows how much CPU the table itself takes."""

    def __call__(self, request: AWSPreparedRequest, event_name: str, **more: object) -> AWSResponse:
        """What botocore calls."""
        began = thread_time()
        try:
            return super().__call__(request, event_name, **more)
        finally:
            self.seconds = getattr(self, "seconds", 0.0) + thread_time() - began


class Lanes:
    """Stands where the pool is: carries out everything in this thread, and counts what would happen at a time."""

    def __init__(self, count: Callable[[], int], at_once: int) -> None:
        self._count = count
        self._at_once = at_once
        self.saved = 0
        """Calls that others would have hidden."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def map(self, step: Callable[[Any], Any], on: Iterable[Any]) -> list[Any]:
        """What a pool gives back."""
        lanes, results, began = [0] * self._at_once, [], self._count()
        for one in on:
            before = self._count()
            results.append(step(one))
            heapreplace(lanes, lanes[0] + self._count() - before)
        self.saved += self._count() - began - max(lanes)
        return results


@dataclass(frozen=True)
class Cost:
    """What an erasure took."""

    calls: int
    """Of both passes."""
    in_sequence: int
    """Of the first pass, which the promise is about."""
    write_units: int
    read_units: float


def filled_table(events: int, webhooks: int, now_ms: int) -> MotoTable:
    """A table with a contact that is about to be erased."""
    table = MotoTable()
    plain = Table(table.client(), NAME)
    fill(plain, ACCOUNT, CONTACT, events, [f"wh_{number}" for number in range(webhooks)], now_ms=now_ms)
    plain.write_many({keys.tombstone(ACCOUNT, CONTACT): tombstone_item(events, now_ms)})
    return table


def app_of(client: Any) -> App:
    """An app whose time is never over."""
    app = App(client, clock=FakeClock())
    app.deadline.begin(inf)
    return app


def erase(app: App, lanes: Lanes) -> Iterator[None]:
    """Erase the contact; yields after each pass."""
    with patch.object(service, "ThreadPoolExecutor", lambda _: lanes):
        eraser = app.eraser()
        assert eraser.handle({"account_id": ACCOUNT, "contact_id": CONTACT, "version": 1}) is None
        yield
        (second,) = app.queue("SECOND_ERASURE").bodies
        assert eraser.handle(second) is None
        yield


def cost_of(events: int, webhooks: int) -> Cost:
    """Count what both passes take."""
    table = filled_table(events, webhooks, FakeClock().now_ms())
    client = CountedClient(table)
    lanes = Lanes(client.calls.total, service.AT_ONCE)
    passes = erase(app_of(client), lanes)
    next(passes)
    in_sequence = client.calls.total() - lanes.saved
    next(passes)
    assert keys.about_contact(ACCOUNT, CONTACT) not in {item["PK"]["S"] for item in table.items()}
    return Cost(client.calls.total(), in_sequence, client.write_units, client.read_units)


def cpu_of_a_call(webhooks: int) -> float:
    """Seconds of CPU that our code and the SDK take for each call, of an erasure of some 200 steps."""
    wire = TimedWire(filled_table(200 // (1 + webhooks), webhooks, FakeClock().now_ms()))
    app, lanes = app_of(wire.client()), Lanes(lambda: len(wire.methods), service.AT_ONCE)
    passes, began, wire.seconds = erase(app, lanes), thread_time(), 0.0
    next(passes)
    return (thread_time() - began - wire.seconds) / len(wire.methods)


def results(cases: Sequence[tuple[int, int]] = CASES) -> Results:
    """Measure each case."""
    columns = (
        "timeline",
        "calls",
        "in sequence",
        "write units",
        "read units",
        "CPU of a call, ms",
        "seconds",
    )
    found = Results("erasure", "The erasure of a long timeline", columns)
    for events, webhooks in cases:
        cost, cpu_s = cost_of(events, webhooks), min(cpu_of_a_call(webhooks) for _ in range(3))
        cpu = cost.calls * cpu_s * MB_OF_A_PROCESSOR / MEMORY
        seconds = cost.in_sequence * LATENCY_MS / 1000 + cpu
        name = f"{events:,} events, {webhooks} endpoints"
        found.rows.append(
            (
                name,
                cost.calls,
                cost.in_sequence,
                cost.write_units,
                round(cost.read_units),
                round(cpu_s * 1000, 2),
                round(seconds, 1),
            )
        )
        if (events, webhooks) in PROMISED and seconds > PROMISED_S * PART_OF_PROMISE:
            found.failures.append(f"{name}: {seconds:.0f} s")
    found.notes.append(METHOD)
    return found


def main() -> int:
    """Measure and publish."""
    return results().publish()


if __name__ == "__main__":
    sys.exit(main())
