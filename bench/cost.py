"""What every operation costs, with all that follows it: `python -m bench.cost`; it writes docs/cost.md and its chart.

The real handlers on moto, with all that leaves them counted (`bench.service`), times the list prices of prices.json.
The units of each call are reckoned by DynamoDB's rules (`bench.units`), and compared with what a database reports:
writes with MiniStack's, reads with those of AWS's DynamoDB Local, where these can be had.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from json import dumps, loads
from pathlib import Path
from typing import Any, Final

from bench import cloudwatch, scale
from bench.bill import LINES, PRICES, Bill, bill_of, price, total
from bench.cost_chart import chart
from bench.dynamodb_local import NotAvailable
from bench.population import contact_of_age
from bench.quick_table import QuickTable
from bench.results import FOLDER, Results, circumstances
from bench.service import (
    ENDPOINT,
    Account,
    Database,
    HttpDatabase,
    Service,
    Use,
    deployed,
    share_of_processor,
    sources,
)
from bench.units import size_of
from contacts import runtime as wiring
from local import sample_account
from local.errors import LocalStackError
from local.stack import ROOT
from local.table import NAME
from local.template import functions
from tests.support import sample_events

PAGE: Final = ROOT / "docs" / "cost.md"
CHART: Final = ROOT / "docs" / "cost.svg"
BEFORE: Final = FOLDER / "cost_before.json"
"""What was measured before the pipeline was made cheap; with its date and commit."""
WARM: Final = 2
REPEATS: Final = 8
UTILISATION: Final = 0.35
"""The part of provisioned capacity that is used on the average: 70 % when it is busy, half of that over a day."""
HOURS: Final = 730
"""A month's."""
ABBREVIATED: Final = 7
"""Characters of a commit's name."""

FOLLOWS: Final = {
    "dispatch_webhooks": "events",
    "deliver_webhook": "deliveries",
    "project_changes": "projection",
    "validate_contact": "validation",
    "erase_contact": "erasure",
}
"""The functions that follow a change, and what each does."""


@dataclass(frozen=True)
class Target:
    """The most that something may be (or, with `at_least`, the least)."""

    name: str
    limit: float
    unit: str
    at_least: bool = False
    held_at: float | None = None
    """Of a target that is missed (docs/decisions/0065): what the value must keep instead, until it is met."""

    def is_met(self, value: float) -> bool:
        """Whether a value keeps it."""
        return value >= self.limit if self.at_least else value <= self.limit

    def is_held(self, value: float) -> bool:
        """Whether a value keeps it, or is no further from it than is known."""
        return self.is_met(value) or (
            self.held_at is not None and replace(self, limit=self.held_at).is_met(value)
        )


TARGETS: Final = (
    Target("create, trickling", 25, "$", held_at=28.50),
    Target("create, in batches of 100", 16, "$", held_at=18.80),
    Target("update, trickling", 9, "$", held_at=11.90),
    Target("list, page of 50", 3.50, "$"),
    Target("get by id", 2.30, "$"),
    Target("write units a create takes from its hottest partition key", 3, "units"),
    Target("events a second that one stream lane appends", 350, "a second", at_least=True),
    Target("requests a second that an account may make", 10_000, "a second", at_least=True),
)


@dataclass
class Prepared:
    """An account to measure in."""

    service: Service
    account: Account
    ids: list[str] = field(default_factory=list)
    made: int = 0

    def person(self, **changes: Any) -> dict[str, Any]:
        """A new contact: an email, an external_id, a name and a phone, two tags and a list."""
        self.made += 1
        model = contact_of_age(self.made)
        return {
            "email": model.email,
            "external_id": model.external_id,
            "first_name": model.first_name,
            "last_name": model.last_name,
            "phone": model.phone,
            "tags": ["vip", "beta"],
            "lists": ["newsletter"],
            **changes,
        }

    def call(self, method: str, target: str, body: Any = None) -> Any:
        """Send a request.

        Raises:
            AssertionError: the answer is no success.
        """
        answer = self.service.request(self.account, method, target, body)
        assert answer.status < 300, f"{method} {target}: {answer.status} {answer.body}"
        return answer.body

    def fill(self, count: int) -> None:
        """Have so many contacts, with what follows them."""
        for start in range(0, count, 100):
            operations = [
                {"op": "create", "contact": self.person()} for _ in range(start, min(start + 100, count))
            ]
            results = self.call("POST", "/v1/contacts/batch", {"operations": operations})["results"]
            self.ids += [one["contact"]["id"] for one in results]
        self.service.follow()

    def subscribe(self, endpoints: int) -> None:
        """Make so many webhooks, each for every event."""
        for _ in range(endpoints):
            self.call("POST", "/v1/webhooks", {"url": ENDPOINT, "events": ["*"]})


Act = Callable[[Prepared, int], object]


@dataclass(frozen=True)
class Scenario:
    """An operation that is measured."""

    name: str
    act: Act
    """Does it once; the number of the time is given."""
    contacts: int = 0
    """That there are before."""
    endpoints: int = 1
    operations: int = 1
    """How many of them one act does."""
    trickles: bool = True
    """Whether each change comes alone; else the consumers' batches are full."""
    gap_s: float = 5.0
    """Simulated seconds between two."""
    plan: str = "enterprise"


def _create(prepared: Prepared, **changes: Any) -> None:
    prepared.call("POST", "/v1/contacts", prepared.person(**changes))


def _batch(prepared: Prepared) -> None:
    operations = [{"op": "create", "contact": prepared.person()} for _ in range(100)]
    prepared.call("POST", "/v1/contacts/batch", {"operations": operations})


def _update_batch(prepared: Prepared, number: int) -> None:
    operations = [
        {"op": "update", "ref": one, "contact": {"metadata": {"order": f"A-{number}"}}}
        for one in prepared.ids[:100]
    ]
    prepared.call("POST", "/v1/contacts/batch", {"operations": operations})


def _merge(prepared: Prepared, number: int) -> None:
    one, other = prepared.ids[2 * number : 2 * number + 2]
    prepared.call("POST", f"/v1/contacts/{one}/merge", {"from": other})


def _erase(prepared: Prepared, number: int) -> None:
    prepared.call("DELETE", f"/v1/contacts/{prepared.ids[number]}?permanent=true")


def _restore(prepared: Prepared, number: int) -> None:
    prepared.call("POST", f"/v1/contacts/{prepared.ids[number]}/restore")


def _get(prepared: Prepared, number: int) -> None:
    prepared.call("GET", f"/v1/contacts/{prepared.ids[number % len(prepared.ids)]}")


def _idle(prepared: Prepared, number: int) -> None:
    prepared.call("GET", f"/v1/events?limit=50&cursor={prepared.ids[0]}")


SCENARIOS: Final = (
    Scenario("create, trickling", lambda p, n: _create(p)),
    Scenario("create, in batches of 100", lambda p, n: _batch(p), operations=100, trickles=False, gap_s=1),
    Scenario(
        "update, trickling",
        lambda p, n: p.call("PATCH", f"/v1/contacts/{p.ids[n]}", {"metadata": {"order": f"A-{n}"}}),
        contacts=20,
    ),
    Scenario("update, in batches of 100", _update_batch, contacts=100, operations=100, trickles=False),
    Scenario(
        "update that moves a tag and a word",
        lambda p, n: p.call(
            "PATCH", f"/v1/contacts/{p.ids[n]}", {"last_name": f"Byron{n}", "add_tags": ["won"]}
        ),
        contacts=20,
    ),
    Scenario("delete", lambda p, n: p.call("DELETE", f"/v1/contacts/{p.ids[n]}"), contacts=20),
    Scenario("restore", _restore, contacts=20),
    Scenario("delete for good", _erase, contacts=20),
    Scenario("merge", _merge, contacts=40),
    Scenario(
        "record an event",
        lambda p, n: p.call("POST", f"/v1/contacts/{p.ids[n]}/events", {"name": "order", "data": {"n": n}}),
        contacts=20,
    ),
    Scenario("get by id", _get, contacts=20, gap_s=0.1),
    Scenario("get by id, once in a while", _get, contacts=20, gap_s=60),
    Scenario("get by id, plan of 10,000 an hour", _get, contacts=20, gap_s=0.1, plan="pro"),
    Scenario(
        "get by external_id",
        lambda p, n: p.call("GET", f"/v1/contacts/{contact_of_age(n % 20 + 1).external_id}"),
        contacts=20,
        gap_s=0.1,
    ),
    Scenario("list, page of 50", lambda p, n: p.call("GET", "/v1/contacts?limit=50"), contacts=60, gap_s=0.1),
    Scenario(
        "list by a tag", lambda p, n: p.call("GET", "/v1/contacts?limit=50&tag=vip"), contacts=60, gap_s=0.1
    ),
    Scenario(
        "search", lambda p, n: p.call("GET", "/v1/contacts/search?q=ada&limit=50"), contacts=60, gap_s=0.1
    ),
    Scenario("events, page of 50", lambda p, n: p.call("GET", "/v1/events?limit=50"), contacts=60, gap_s=20),
    Scenario("events, nothing new", _idle, contacts=60, gap_s=20),
)
ONE_MORE: Final = (
    Scenario("without an endpoint", lambda p, n: _create(p), endpoints=0),
    Scenario("with two endpoints", lambda p, n: _create(p), endpoints=2),
    Scenario("with a third tag", lambda p, n: _create(p, tags=["vip", "beta", "gamma"])),
    Scenario("with a second list", lambda p, n: _create(p, lists=["newsletter", "product"])),
    Scenario("with 1 KB more", lambda p, n: _create(p, metadata={"note": "x" * 1024})),
)


# ==== measuring =======================================================================================================


@dataclass
class Measured:
    """What one operation uses, on the average, by function."""

    name: str
    uses: dict[str, Use]
    requests: dict[str, bool]
    """Whether API Gateway invoked the function."""

    def bills(self) -> dict[str, Bill]:
        """By function."""
        return {
            function: bill_of(function, use, is_requested=self.requests[function])
            for function, use in self.uses.items()
        }

    @property
    def bill(self) -> Bill:
        """The whole one."""
        return total(self.bills().values())

    def by_key(self) -> Counter[str]:
        """Write units by kind of partition key."""
        found: Counter[str] = Counter()
        for use in self.uses.values():
            found.update(use.by_key)
        return found

    def written(self, what: str) -> float:
        """The sum of a member of the uses."""
        return float(sum(getattr(use, what) for use in self.uses.values()))


def measure(scenario: Scenario, service: Service, repeats: int | None = None) -> Measured:
    """What a scenario uses. CPU is that of the repetition with the least: noise only ever adds to it."""
    prepared = Prepared(service, service.open_account(plan=scenario.plan))
    prepared.fill(scenario.contacts)
    prepared.subscribe(scenario.endpoints)
    service.now += 30
    _prepare_more(scenario, prepared)
    runs = []
    warm = WARM
    if repeats is None:
        repeats = 3 if scenario.operations > 1 else REPEATS
        if scenario.gap_s < 1:  # until what an environment takes for the next seconds has become steady
            warm, repeats = 25, 40
    for number in range(warm + repeats):
        service.now += scenario.gap_s
        with service.recorded() as used:
            scenario.act(prepared, number)
            asked = set(used)
            service.follow(one_by_one=scenario.trickles)
        if number >= warm:
            runs.append(used)
    return Measured(
        scenario.name, averaged(runs, scenario.operations), {name: name in asked for name in _names(runs)}
    )


def _prepare_more(scenario: Scenario, prepared: Prepared) -> None:
    if scenario.act is _restore:
        for one in prepared.ids:
            prepared.call("DELETE", f"/v1/contacts/{one}")
        prepared.service.follow()
    if scenario.act is _idle:
        cursor = None
        while True:
            page = prepared.call("GET", f"/v1/events?limit=100{f'&cursor={cursor}' if cursor else ''}")
            if not page["data"]:
                break
            cursor = page["next_cursor"]
        prepared.ids[:1] = [str(cursor)]


def _names(runs: Sequence[Mapping[str, Use]]) -> list[str]:
    return list(dict.fromkeys(name for run in runs for name in run))


def averaged(runs: Sequence[Mapping[str, Use]], operations: int) -> dict[str, Use]:
    """The use of one operation, by function, of runs with so many each."""
    found = {}
    for function in _names(runs):
        own = [run[function] for run in runs if function in run]
        whole = Use()
        for use in own:
            whole.add(use)
        share = 1 / (len(runs) * operations)
        least = min(use.cpu_s / use.invocations for use in own)
        cpu = least * whole.invocations
        billed = whole.billed_s - (whole.cpu_s - cpu) / share_of_processor(function)
        mean = Use(**{name: _scaled(value, share) for name, value in vars(whole).items()})
        mean.cpu_s, mean.billed_s = cpu * share, billed * share
        found[function] = mean
    return found


def _scaled(value: Any, share: float) -> Any:
    if isinstance(value, Counter):
        scaled: Any = Counter()
        for key, number in value.items():
            scaled[kind_of_key(key) if isinstance(key, str) else key] += number * share
        return scaled
    return value * share


_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def kind_of_key(key: str) -> str:
    """A partition key without what is the account's and the contact's own; words keep their first character."""
    key = re.sub(rf"^ACCOUNT#{_ID}", "#", key).replace("##", "#")
    key = re.sub(_ID, "<contact>", key)
    key = re.sub(r"#(EMAIL|EXTERNAL_ID|IDEMPOTENCY|OPT_OUT)#[^ ]*", r"#\1#<…>", key)
    key = re.sub(r"wh_[0-9a-f]+", "<webhook>", key)
    return re.sub(r"\d{4}-\d{2}-\d{2}", "<day>", key)


def lane_rate(service: Service) -> float:
    """Events a second that one lane of the dispatcher's stream appends: a full batch of creates, the best of four."""
    (source,) = [one for one in sources()[0] if one.function == "dispatch_webhooks"]
    prepared = Prepared(service, service.open_account())
    prepared.subscribe(1)
    service.follow()
    best = 0.0
    for _ in range(4):
        service.now += 5
        _batch(prepared)
        records = [one for one in service.records if source.lets_through(one)][: source.batch_size]
        invoked = service.consume(source.function, records)
        best = max(best, len(records) / invoked.use.billed_s)
        service.follow()
    return best


def account_rate(service: Service) -> float:
    """Requests a second that the meter lets an account make: what its partition key takes, by what a request takes.

    One environment that serves twenty requests a second.
    """
    prepared = Prepared(service, service.open_account(hourly_limit=100_000_000))
    prepared.fill(1)
    requests = 200
    for measured in (False, True):
        with service.recorded() as used:
            for _ in range(requests):
                service.now += 0.05
                _get(prepared, 0)
        if measured:
            spent = sum(
                n
                for use in used.values()
                for key, n in use.by_key.items()
                if kind_of_key(key).startswith("#USAGE")
            )
            return 1000 * requests / max(spent, 1)
    raise AssertionError("it was measured")


# ==== every operation, by its sample event ============================================================================


def samples() -> list[Measured]:
    """Every operation of the API and of operators, by its event of events/ on the sample account."""
    found = []
    database = QuickTable()
    with deployed(database) as service:
        sample_account.fill(wiring.runtime.client("dynamodb"), NAME)
        full = database.snapshot()
        for function in functions():
            event = sample_events.event(function.name)
            if "Records" in event:
                continue
            runs = []
            for number in range(WARM + 4):
                database.bring_back(full)
                service.records.clear()
                with service.recorded() as used:
                    invoked = service.invoke(function.name, event)
                    answer = invoked.answer if isinstance(invoked.answer, dict) else {}
                    assert not invoked.failed, f"{function.name}: {invoked.answer}"
                    used[function.name].bytes_out += _answer_bytes(answer)
                    service.follow(one_by_one=True)
                if number >= WARM:
                    runs.append(used)
            requests = {name: name == function.name and bool(function.routes) for name in _names(runs)}
            found.append(Measured(function.name, averaged(runs, 1), requests))
    return found


def _answer_bytes(answer: Mapping[str, Any]) -> int:
    from base64 import b64decode

    if "statusCode" not in answer:
        return 0
    content = answer.get("body") or ""
    size = len(b64decode(content)) if answer.get("isBase64Encoded") else len(content.encode())
    return size + sum(len(name) + len(str(value)) + 4 for name, value in answer["headers"].items())


# ==== the second way ==================================================================================================


@contextmanager
def _database(kind: str) -> Iterator[Database]:
    """MiniStack or DynamoDB Local.

    Raises:
        NotAvailable, LocalStackError
    """
    opened = scale.ministack if kind == "MiniStack" else scale.dynamodb_local
    with (
        tempfile.TemporaryDirectory(prefix="contacts-cost-") as directory,
        opened(Path(directory)) as running,
    ):
        yield HttpDatabase(running.name, running.endpoint_url)


COMPARED: Final = (
    "create, trickling",
    "update, trickling",
    "delete",
    "merge",
    "get by id",
    "list by a tag",
    "search",
)


def compared(kind: str) -> dict[str, tuple[float, float]]:
    """Units by scenario, as reckoned and as a database reports them: writes (MiniStack) or reads (DynamoDB Local).

    Calls that fail are left out of the reckoned: nobody reports theirs. Empty where the database cannot be had.
    """
    found = {}
    with suppress(NotAvailable, LocalStackError), _database(kind) as database, deployed(database) as service:
        for scenario in SCENARIOS:
            if scenario.name in COMPARED:
                measured = measure(scenario, service, repeats=2)
                if kind == "MiniStack":
                    reckoned = measured.written("writes") - measured.written("failed_writes")
                    found[scenario.name] = reckoned, measured.written("reported_writes")
                else:
                    found[scenario.name] = measured.written("reads"), measured.written("reported_reads")
    return found


# ==== stored, and by the month ========================================================================================


def stored_bytes(database: QuickTable, service: Service) -> float:
    """Bytes that a contact takes in the table, with all that is derived of it and its first events, and 100 an item."""
    prepared = Prepared(service, service.open_account())
    prepared.subscribe(1)
    prefix = f"ACCOUNT#{prepared.account.id}#"

    def held() -> int:
        items = database.items_below(prefix)
        indexed = sum(
            100 + 120 for item in items for name in ("email", "external_id", "updated_at") if name in item
        )
        return sum(size_of(item) + 100 for item in items) + indexed

    empty = held()
    prepared.fill(100)
    return (held() - empty) / 100


@dataclass(frozen=True)
class Month:
    """So many of each scenario in a month."""

    title: str
    times: Mapping[str, float]
    contacts: int


MONTH: Final = Month(
    "1 M contacts created in batches, 5 M updates, 20 M reads",
    {
        "create, in batches of 100": 1_000_000,
        "update, trickling": 5_000_000,
        "get by id": 15_000_000,
        "list, page of 50": 5_000_000,
    },
    contacts=1_000_000,
)


OWN_METRICS: Final = 25
"""All that can be counted, held by a test: tests/unit/web/test_log_fields.py."""


def standing_costs() -> list[tuple[str, float]]:
    """What a month costs before anybody asks for anything: metrics, alarms, the dashboard, idle queues."""
    # An alarm on metric math is paid for by the metrics that it looks at.
    looked_at = sum(len(cloudwatch.metrics_of(alarm)) for alarm in cloudwatch.alarms().values())
    of_versions = sum(len(cloudwatch.metrics_of(alarm)) for alarm in cloudwatch.canaries().values())
    composites = len(cloudwatch.composites())
    month = PRICES["per_month"]
    metrics = OWN_METRICS
    queues = len(sources()[1])
    polls = queues * 5 * 3 * 60 * HOURS  # five pollers a queue, each waits 20 s
    return [
        (f"{metrics} metrics of our own, each used", metrics * month["metric"]["usd"]),
        (f"{looked_at} metrics that alarms look at", looked_at * month["alarm"]["usd"]),
        (f"{of_versions} metrics by which versions are taken back", of_versions * month["alarm"]["usd"]),
        (f"{composites} alarms on two others", composites * month["composite_alarm"]["usd"]),
        ("1 dashboard", month["dashboard"]["usd"]),
        (f"{polls / 1e6:.1f} M polls of {queues} queues without messages", polls * price("sqs_requests")),
    ]


# ==== telling =========================================================================================================


@dataclass
class Found:
    """All that was measured."""

    operations: list[Measured]
    more: list[Measured]
    samples: list[Measured]
    lane_rate: float
    account_rate: float
    stored: float
    compared: dict[str, dict[str, tuple[float, float]]]

    def named(self, name: str) -> Measured:
        """A scenario's."""
        return next(one for one in (*self.operations, *self.more) if one.name == name)

    def values(self) -> dict[str, float]:
        """What the targets are about, by their names."""
        found = {one.name: one.bill.usd * 1_000_000 for one in (*self.operations, *self.more)}
        # A key is at its limit only where changes come fast, and then batches are full.
        hottest = hottest_keys(self.named("create, in batches of 100"))
        return found | {
            TARGETS[5].name: hottest[0][1],
            TARGETS[6].name: self.lane_rate,
            TARGETS[7].name: self.account_rate,
        }


def hottest_keys(measured: Measured) -> list[tuple[str, float]]:
    """Partition keys by the write units that they give, the hottest first; without those of one contact or name."""
    shared = [one for one in measured.by_key().items() if "<contact>" not in one[0] and "<…>" not in one[0]]
    return sorted(shared, key=lambda one: (-one[1], one[0]))


def find() -> Found:
    """Measure everything."""
    database = QuickTable()
    with deployed(database) as service:
        operations = []
        for scenario in SCENARIOS:
            _show(scenario.name)
            operations.append(measure(scenario, service))
        more = [measure(scenario, service) for scenario in ONE_MORE]
        rates = lane_rate(service), account_rate(service)
        stored = stored_bytes(database, service)
    _show("every operation")
    sampled = samples()
    found = {}
    for kind in ("MiniStack", "DynamoDB Local"):
        _show(f"the second way: {kind}")
        found[kind] = compared(kind)
    _show("")
    return Found(operations, more, sampled, *rates, stored, found)


def _show(text: str) -> None:
    print(f"\r{text:60}", end="", file=sys.stderr, flush=True)


def before() -> dict[str, Any]:
    """The recorded figures of before; empty where there are none."""
    return loads(BEFORE.read_text(encoding="utf-8")) if BEFORE.exists() else {}


def commit() -> str:
    """The commit that last changed what is measured."""
    with suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "log", "-1", f"--abbrev={ABBREVIATED}", "--format=%h", "--"]
        command += ["layers", "functions", "template.yaml"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    return "unknown"


def as_data(found: Found) -> dict[str, Any]:
    """What is kept as JSON."""
    return {
        "commit": commit(),
        "measured_with": circumstances(),
        "prices_as_of": PRICES["as_of"],
        "values": {name: round(value, 4) for name, value in found.values().items()},
        "hottest_keys": dict(hottest_keys(found.named("create, trickling"))[:30]),
        "hottest_keys_in_batches": dict(hottest_keys(found.named("create, in batches of 100"))[:30]),
        "stored_bytes": round(found.stored),
        "quantities": {
            one.name: {line: round(quantity, 7) for line, quantity in one.bill.of.items()}
            for one in (*found.operations, *found.more)
        },
        "by_function": {
            one.name: {
                function: {line: round(quantity, 7) for line, quantity in bill.of.items()}
                for function, bill in one.bills().items()
            }
            for one in found.operations
        },
        "samples": {one.name: round(one.bill.usd * 1_000_000, 3) for one in found.samples},
        "compared": found.compared,
    }


def results(found: Found) -> Results:
    """The targets as a table that fails where one is missed by more than is known."""
    columns = ("", "at d0993dc", "now", "target", "")
    old = before().get("values", {})
    table = Results("cost", "What operations cost, against their targets", columns)
    values = found.values()
    for target in TARGETS:
        value = values[target.name]
        name = f"{target.name}, $ a million" if target.unit == "$" else target.name
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:,g}"
        is_met = target.is_met(value)
        table.rows.append(
            (name, _figure(old.get(target.name)), _figure(value), limit, "met" if is_met else "missed")
        )
        if not target.is_held(value):
            table.failures.append(f"{name}: {_figure(value)} (target {limit})")
        elif not is_met:
            table.notes.append(
                f"{name}: missed, as [decision 65](../../docs/decisions/0065-what-a-change-costs-at-least.md) "
                f"explains; held at {target.held_at:g}."
            )
    for kind, rows in found.compared.items():
        for name, (reckoned, reported) in rows.items():
            if abs(reckoned - reported) > 0.01 * max(reckoned, 1):
                table.notes.append(
                    f"{kind} reports {reported:g} units for {name}; by the rules {reckoned:g}."
                )
    table.notes.append("All of it, with its arithmetic: [docs/cost.md](../../docs/cost.md).")
    return table


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}".removesuffix(".00")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a target is missed by more than is known."""
    from bench.cost_page import page

    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__.partition("\n")[0])
    parser.add_argument("--record-before", action="store_true", help="keep this run as what was before")
    chosen = parser.parse_args(arguments)
    found = find()
    data = as_data(found)
    text = dumps(data, indent=1, ensure_ascii=False) + "\n"
    if chosen.record_before:
        BEFORE.write_text(text, encoding="utf-8")
    table = results(found)
    code = table.publish()
    (FOLDER / "cost.json").write_text(text, encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    parts = {one.name: in_parts(one.bill) for one in found.operations if one.name in CHARTED}
    limits = {target.name: target.limit for target in TARGETS if target.unit == "$"}
    known = before()
    CHART.write_text(chart(parts, known.get("values", {}), limits, known.get("commit", "")), encoding="utf-8")
    return code


CHARTED: Final = (
    "create, trickling",
    "create, in batches of 100",
    "update, trickling",
    "update, in batches of 100",
    "delete",
    "delete for good",
    "merge",
    "record an event",
    "get by id",
    "list, page of 50",
    "search",
    "events, page of 50",
)


def in_parts(bill: Bill) -> dict[str, float]:
    """US dollars a million by what the chart shows together."""
    found: dict[str, float] = defaultdict(float)
    names = {
        "Lambda requests": "Lambda",
        "Lambda time": "Lambda",
        "SQS": "SQS, Scheduler",
        "Scheduler": "SQS, Scheduler",
        "logs": "logs, traces",
        "traces": "logs, traces",
    }
    for line, usd in bill.costs().items():
        found[names.get(LINES[line], LINES[line])] += usd * 1_000_000
    return found


if __name__ == "__main__":
    sys.exit(main())
