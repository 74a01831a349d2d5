"""The dashboard of monitoring.yaml, drawn from what a load of real requests counts: `python -m bench.dashboard`.

The functions are the real ones on a table in memory (`bench.service`); half an hour is simulated. What they count
themselves is read from their log lines. What AWS counts of them is counted here: requests at the gateway, invocations,
units, messages, and how old records and messages are. In one minute the table throttles writes, in another somebody
tries keys, and a small account calls more often than its plan allows.
"""

import argparse
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from bench import svg
from bench.cloudwatch import Metrics, Value, raised, series, values_of, widgets
from bench.quick_table import QuickTable
from bench.service import ENDPOINT, Account, Invoked, Message, Service, deployed, sources, throttled
from bench.svg import INK, LINE, polyline, text
from local.stack import ROOT

MINUTES: Final = 30
STEP_S: Final = 5
"""How often the stream and the queues are looked at."""
THROTTLED: Final = range(18, 20)
"""Minutes in which the table refuses two writes in five."""
FLOODED: Final = range(9, 11)
"""Minutes in which somebody tries keys."""
AGAIN_S: Final = 30
"""When a message that failed comes again."""
CHART: Final = ROOT / "docs" / "dashboard.svg"


@dataclass
class Load:
    """Requests, what follows them, and what is counted of both."""

    service: Service
    metrics: Metrics = field(default_factory=Metrics)
    random: Random = field(default_factory=lambda: Random(47))
    contacts: list[str] = field(default_factory=list)
    busy_s: float = 0.0
    """Of all functions in this step."""

    def __post_init__(self) -> None:
        self.large = self.service.open_account()
        self.small = self.service.open_account(plan="free")
        self.service.ended = self.count
        self.service.strike = self.strike

    def at(self) -> float:
        """The moment, in seconds since the load began."""
        return self.service.now - self.begin

    def count(self, invoked: Invoked) -> None:
        """Count what AWS counts of an invocation, and what it counts itself."""
        name = {"FunctionName": logical_id(invoked.function)}
        self.add("AWS/Lambda", "Invocations", name)
        self.add("AWS/Lambda", "Errors", name, float(invoked.failed))
        for kind, units in (("Read", invoked.use.reads), ("Write", invoked.use.writes)):
            self.add("AWS/DynamoDB", f"Consumed{kind}CapacityUnits", {"TableName": "Table"}, units)
        self.metrics.add_lines(invoked.log, self.at())
        self.busy_s += invoked.use.billed_s

    def add(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float = 1.0) -> None:
        """Add a value at this moment."""
        self.metrics.add(series(namespace, name, dimensions), self.at(), value)

    def strike(self, method: str, steps: Sequence[Any]) -> Any:
        """Throttle some writes of some minutes."""
        if int(self.at() / 60) not in THROTTLED or self.random.random() > 0.4:
            return None
        self.add("AWS/DynamoDB", "WriteKeyRangeThroughputThrottleEvents", {"TableName": "Table"})
        return throttled(method, len(steps))

    def ask(self, account: Account, method: str, target: str, body: Any = None) -> Any:
        """Send a request; the gateway counts it."""
        invoked = self.service.requested(account, method, target, body)
        answered = self.service.answered(invoked)
        api = {"ApiId": "Api"}
        self.add("AWS/ApiGateway", "Count", api)
        self.add("AWS/ApiGateway", "4xx", api, float(400 <= answered.status < 500))
        self.add("AWS/ApiGateway", "5xx", api, float(answered.status >= 500))
        self.add("AWS/ApiGateway", "Latency", api, invoked.use.billed_s * 1000 + 5)
        return answered.body

    def run(self) -> None:
        """The half hour."""
        self.begin = self.service.now
        self.ask(self.large, "POST", "/v1/webhooks", {"url": ENDPOINT, "events": ["*"]})
        for step in range(MINUTES * 60 // STEP_S):
            self.service.now = self.begin + step * STEP_S
            self.busy_s = 0.0
            self.requests(step)
            self.follow()
            self.add("AWS/Lambda", "ClaimedAccountConcurrency", {}, math.ceil(self.busy_s / STEP_S))
            _show(f"minute {int(self.at() / 60)} of {MINUTES}")
        _show("")

    def requests(self, step: int) -> None:
        """Those of one step: more in the middle of the half hour than at its ends."""
        minute = int(self.at() / 60)
        rate = 1 + 2 * math.sin(math.pi * self.at() / (MINUTES * 60))
        for number in range(max(1, round(rate * self.random.uniform(0.7, 1.3)))):
            name = f"{step}-{number}"
            made = self.ask(
                self.large, "POST", "/v1/contacts", {"email": f"c{name}@example.com", "tags": ["t"]}
            )
            if made and "id" in made:
                self.contacts.append(made["id"])
            if self.contacts:
                for _ in range(2):
                    self.ask(self.large, "GET", f"/v1/contacts/{self.random.choice(self.contacts)}")
        if step % 3 == 0:
            self.ask(self.large, "GET", "/v1/contacts?limit=20&tag=t")
            self.ask(self.small, "GET", "/v1/tags")
        if step % 6 == 0:
            batch = [{"op": "upsert", "contact": {"email": f"b{step}-{n}@example.com"}} for n in range(20)]
            self.ask(self.large, "POST", "/v1/contacts/batch", {"operations": batch})
        if step % 8 == 0 and len(self.contacts) > 50:
            self.ask(self.large, "DELETE", f"/v1/contacts/{self.contacts.pop()}?permanent=true")
        if minute in FLOODED:
            for number in range(12):
                unknown = Account(self.large.id, f"sk_live_nobody{step}{number}")
                self.ask(unknown, "GET", "/v1/contacts/anybody")

    def follow(self) -> None:
        """What reads the stream and the queues, once; what failed comes again."""
        streams, queues = sources()
        records, self.service.records = self.service.records, []
        again: list[Any] = []
        for source in streams:
            wanted = [one for one in records if source.lets_through(one)]
            self.add(
                "AWS/Lambda", "IteratorAge", {"FunctionName": logical_id(source.function)}, self._age(wanted)
            )
            for start in range(0, len(wanted), source.batch_size):
                batch = wanted[start : start + source.batch_size]
                answer = self.service.consume(source.function, batch).answer
                failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
                numbers = [one["dynamodb"]["SequenceNumber"] for one in batch]
                again += batch[numbers.index(failed[0]) :] if failed else []
        # Both functions read what came for either again: each counts once.
        self.service.records += [one for number, one in enumerate(again) if one not in again[:number]]
        for queue in queues:
            self._receive(queue)

    def _age(self, records: Sequence[Any]) -> float:
        """How old the oldest record is, in ms."""
        came = [one["dynamodb"]["ApproximateCreationDateTime"] for one in records]
        return max(0.0, (self.service.now + STEP_S - min(came)) * 1000) if came else 0.0

    def _receive(self, queue: Any) -> None:
        held = self.service.queues[queue.queue]
        now, name = self.service.now, {"QueueName": queue.queue}
        due: list[Message] = [one for one in held if one.visible_at <= now + STEP_S]
        ages = [now + STEP_S - one.visible_at for one in due]
        self.add("AWS/SQS", "ApproximateAgeOfOldestMessage", name, max(ages, default=0.0))
        for one in due:
            held.remove(one)
        for start in range(0, len(due), queue.batch_size):
            batch = due[start : start + queue.batch_size]
            answer = self.service.receive(queue, batch).answer
            failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
            for message in batch:
                if str(message.number) in failed:
                    message.visible_at = now + AGAIN_S
                    held.append(message)


def logical_id(function: str) -> str:
    """ListTags of list_tags."""
    return "".join(word.capitalize() for word in function.split("_"))


def measured() -> Metrics:
    """What half an hour counts."""
    with deployed(QuickTable()) as service, ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("contacts.") and hasattr(module, "perf_counter"):
                clock = lambda: service.moment() + time.process_time()  # noqa: E731
                stack.enter_context(patch.object(module, "perf_counter", clock))
        load = Load(service)
        load.run()
    return load.metrics


def _show(progress: str) -> None:
    print(f"\r{progress:60}", end="", file=sys.stderr, flush=True)


# ==== drawing =========================================================================================================

COLUMN, ROW, TOP, GAP = 50, 42, 70, 10
COLOURS: Final = (
    *("#0969da", "#cf222e", "#1a7f37", "#bf8700", "#8250df", "#59636e", "#bc4c00"),
    *("#1b7c83", "#bf3989", "#24292f"),
)


def drawn(metrics: Metrics) -> str:
    """The dashboard as SVG."""
    shown = widgets()
    height = TOP + ROW * max(one["y"] + one["height"] for one in shown)
    lines = svg.begin(
        24 * COLUMN,
        height,
        "The dashboard: what callers feel, what follows a change, causes",
        "Contacts: the dashboard",
        f"{MINUTES} simulated minutes of real handlers: keys are tried from minute {FLOODED.start} on, the table "
        f"throttles from minute {THROTTLED.start} on. {_told(metrics)}",
    )
    for widget in shown:
        lines += _widget(widget, metrics)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _told(metrics: Metrics) -> str:
    """Which alarms wake somebody, from when until when."""
    minutes: dict[str, list[int]] = {}
    for minute in range(1, MINUTES + 1):
        for name in sorted(raised(metrics, minute * 60)):
            if "Fast" in name:
                minutes.setdefault(name, []).append(minute)
    told = [f"{name} wakes somebody from minute {of[0]} to {of[-1]}." for name, of in minutes.items()]
    return " ".join(told)


def _widget(widget: Mapping[str, Any], metrics: Metrics) -> list[str]:
    x, y = widget["x"] * COLUMN + GAP / 2, TOP + widget["y"] * ROW
    width, height = widget["width"] * COLUMN - GAP, widget["height"] * ROW - GAP
    properties = widget["properties"]
    found = values_of(widget, metrics, 0, MINUTES * 60)
    lines = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="none" stroke="{LINE}"/>',
        text(x + 10, y + 20, properties["title"], fill=INK, size=13, weight=600),
    ]
    bottom = _legend(lines, list(found), x + 10, y + 38, x + width - 10)
    values = [value for one in found.values() for value in one if value is not None]
    if not values or not any(values):
        return [*lines, text(x + width / 2, (bottom + y + height) / 2 + 8, "nothing", anchor="middle")]
    least, most = _extent(values, properties)
    left, right, top, low = x + 58, x + width - 24, bottom + 16, y + height - 24
    across, up = (right - left) / MINUTES, (low - top) / (most - least)
    for value in _ticks(least, most):
        at = low - (value - least) * up
        lines.append(f'<line x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}" stroke="{LINE}"/>')
        lines.append(text(left - 6, at + 4, f"{value:,g}", anchor="end", size=11))
    lines += [
        text(left + minute * across, low + 16, f"{minute} min", anchor="middle", size=11)
        for minute in range(0, MINUTES + 1, 10)
    ]
    step = properties["period"] / 60
    for number, line in enumerate(found.values()):
        for run in _runs(line):
            points = [
                (left + (place + 0.5) * step * across, low - (value - least) * up) for place, value in run
            ]
            # Lines that lie on each other can be told apart: the later is thinner.
            lines.append(polyline(points, COLOURS[number], max(3.5 - 0.4 * number, 1)))
            lines += [
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2" fill="{COLOURS[number]}"/>' for a, b in points[-1:]
            ]
    return lines


def _legend(lines: list[str], labels: Sequence[str], left: float, top: float, right: float) -> float:
    """Add the legend; gives back where it ends."""
    x, y = left, top
    for number, label in enumerate(labels):
        width = 22 + 5.9 * len(label)
        if x + width > right and x > left:
            x, y = left, y + 15
        lines.append(f'<rect x="{x:.1f}" y="{y - 4:.1f}" width="12" height="4" fill="{COLOURS[number]}"/>')
        lines.append(text(x + 16, y + 2, label, size=11))
        x += width + 6
    return y


def _extent(values: Sequence[float], properties: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest and the highest value of the axis."""
    limit = properties.get("yAxis", {}).get("left", {}).get("max")
    if limit is not None:
        return min(*values, limit - 1), limit
    return 0.0, max(values) * 1.08


def _ticks(least: float, most: float) -> list[float]:
    span = most - least
    base = 10 ** math.floor(math.log10(span))
    step = next(step * base for step in (0.2, 0.5, 1, 2, 5) if span / (step * base) <= 4.5)
    first = math.ceil(least / step)
    return [round(number * step, 6) for number in range(first, math.floor(most / step) + 1)]


def _runs(line: Sequence[Value]) -> list[list[tuple[int, float]]]:
    """The stretches of a line that have values."""
    found: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(line):
        if value is None:
            found.append([])
        else:
            found[-1].append((place, value))
    return [run for run in found if run]


def main() -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description="Draw the dashboard.")
    parser.add_argument("--output", type=Path, default=CHART)
    arguments = parser.parse_args()
    metrics = measured()
    arguments.output.write_text(drawn(metrics), encoding="utf-8")
    for minute in range(1, MINUTES + 1):
        print(f"minute {minute:2}: {', '.join(sorted(raised(metrics, minute * 60))) or 'no alarm'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
