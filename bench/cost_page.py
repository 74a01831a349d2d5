"""docs/cost.md, made of what `bench.cost` measured."""

from collections.abc import Iterator, Sequence

from bench import imports
from bench.bill import GIGA, LINES, PRICES, Bill, access_line_bytes, is_traced, platform_line_bytes, price
from bench.cost import (
    FOLLOWS,
    HOURS,
    MONTH,
    TARGETS,
    UTILISATION,
    Found,
    Measured,
    before,
    commit,
    hottest_keys,
    standing_costs,
)
from bench.results import circumstances
from bench.service import CALL_S, ENDPOINT_S, MB_OF_A_PROCESSOR, function_named, sources

MILLION = 1_000_000
SHOWN = (
    "create, trickling",
    "create, in batches of 100",
    "update, trickling",
    "get by id",
    "list, page of 50",
)
"""Whose arithmetic is shown line by line."""
UNITS = {
    "write_units": "write units",
    "read_units": "read units",
    "api_requests": "requests",
    "invocations": "invocations",
    "gb_seconds": "GB-seconds",
    "sqs_requests": "requests",
    "schedules": "schedules",
    "log_bytes": "bytes",
    "traces": "traces",
    "bytes_out": "bytes",
}


def page(found: Found) -> str:
    """The page."""
    parts = [
        "# What it costs",
        "<!-- Made by `python -m bench.cost`, a part of `make bench`. Do not edit it: change bench/cost_page.py. -->",
        f"US dollars at list prices of {PRICES['region']} ({PRICES['as_of']}, "
        "[bench/prices.json](../bench/prices.json)), "
        "on demand, without free tiers and discounts. Each operation is counted with all that follows it: the stream's "
        "two consumers, the queues, one webhook for every event, logs and traces, and what leaves the "
        "region.",
        "![A bar for each operation: what a million of them costs](cost.svg)",
        *_targets(found),
        *_every_part(found),
        *_arithmetic(found),
        *_one_more(found),
        *_hot_keys(found),
        *_month(found),
        *_provisioned(found),
        *_samples(found),
        *filter(None, [imports.section()]),
        *_second_way(found),
        *_how(found),
    ]
    return "\n\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|---|" + "---:|" * (len(columns) - 1)
    return "\n".join(
        ["| " + " | ".join(columns) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]
    )


def _usd(value: float) -> str:
    return f"{value:,.2f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


def _targets(found: Found) -> Iterator[str]:
    old, values = before(), found.values()
    yield "## Targets"
    rows = []
    for target in TARGETS:
        was, is_ = old.get("values", {}).get(target.name), values[target.name]
        sign = "≥" if target.at_least else "≤"
        dollars = "$" if target.unit == "$" else ""
        shown = _usd if dollars else _number
        name = f"{target.name}, a million" if dollars else target.name
        rows.append(
            [
                name,
                "" if was is None else f"{dollars}{shown(was)}",
                f"{dollars}{shown(is_)}",
                f"{sign} {dollars}{shown(target.limit)}",
                "met" if target.is_met(is_) else "**missed**",
            ]
        )
    known = f"at {old['commit']} ({old['measured_with']['date']})" if old else "before"
    yield _table(["", known, f"at {commit()} ({circumstances()['date']})", "target", ""], rows)
    if any(target.held_at and not target.is_met(values[target.name]) for target in TARGETS):
        yield (
            "Why some are missed, and what it would take to meet them: "
            "[decision 65](decisions/0065-what-a-change-costs-at-least.md)."
        )


def _every_part(found: Found) -> Iterator[str]:
    yield "## A million of each"
    yield (
        "*Trickling*: each change comes alone, so each function is invoked for it alone. *In batches of "
        "100*: an import "
        "that keeps the consumers' batches full. Between the two lies everything else."
    )
    old = before().get("values", {})
    rows = []
    for one in found.operations:
        costs = one.bill.costs()
        dollars = {line: usd * MILLION for line, usd in costs.items()}
        rows.append(
            [
                one.name,
                _usd(dollars["write_units"]),
                _usd(dollars["read_units"]),
                _usd(dollars["api_requests"]),
                _usd(dollars["invocations"] + dollars["gb_seconds"]),
                _usd(dollars["sqs_requests"] + dollars["schedules"]),
                _usd(dollars["log_bytes"] + dollars["traces"]),
                _usd(dollars["bytes_out"]),
                f"**{_usd(sum(dollars.values()))}**",
                _usd(old[one.name]) if one.name in old else "",
            ]
        )
    columns = [
        "",
        "writes",
        "reads",
        "API",
        "Lambda",
        "SQS",
        "logs, traces",
        "data out",
        "all in, $",
        "before, $",
    ]
    yield _table(columns, rows)


def _arithmetic(found: Found) -> Iterator[str]:
    yield "## The arithmetic"
    yield "Quantity of one operation × price of a million = dollars of a million operations."
    for name in SHOWN:
        one = found.named(name)
        yield f"**{name[0].upper()}{name[1:]}**"
        bills = one.bills()
        shown = [line for line in LINES if one.bill.of[line]]
        rows = []
        for line in shown:
            shares = [
                f"{_room(function, one)} {_quantity(bill.of[line])}"
                for function, bill in bills.items()
                if bill.of[line]
            ]
            quantity, each = one.bill.of[line], price(line) * MILLION
            rows.append(
                [
                    f"{LINES[line]} ({UNITS[line]})",
                    _quantity(quantity),
                    f"{each:,.4f}".rstrip("0").rstrip("."),
                    _usd(quantity * each),
                    " + ".join(shares),
                ]
            )
        rows.append(["**all in**", "", "", f"**{_usd(one.bill.usd * MILLION)}**", ""])
        yield _table(["", "quantity", "× $ a million", "= $", "of which"], rows)


def _room(function: str, one: Measured) -> str:
    return "the request" if one.requests[function] else FOLLOWS.get(function, function)


def _quantity(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.4f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def _one_more(found: Found) -> Iterator[str]:
    plain = found.named("create, trickling").bill.usd
    with_one = {
        "a webhook (the second)": found.named("with two endpoints").bill.usd - plain,
        "a webhook (the first)": plain - found.named("without an endpoint").bill.usd,
        "a tag": found.named("with a third tag").bill.usd - plain,
        "a list": found.named("with a second list").bill.usd - plain,
        "1 KB of metadata": found.named("with 1 KB more").bill.usd - plain,
    }
    yield "## What one more adds"
    yield "To a million creates that trickle:"
    yield _table(["", "$"], [[name, _usd(usd * MILLION)] for name, usd in with_one.items()])


def _hot_keys(found: Found) -> Iterator[str]:
    alone = dict(hottest_keys(found.named("create, trickling")))
    together = dict(hottest_keys(found.named("create, in batches of 100")))
    yield "## Hot keys"
    yield (
        "DynamoDB gives a partition key 1,000 write units a second; an index counts for itself. What a create takes "
        "from each, its own keys left out. In batches, writes of several creates to one item are one write."
    )
    names = sorted({*alone, *together}, key=lambda key: (-together.get(key, 0), -alone.get(key, 0), key))
    rows = [
        [f"`{key}`", _number(alone.get(key, 0)), _number(together.get(key, 0))]
        for key in names
        if max(alone.get(key, 0), together.get(key, 0)) >= 0.5
    ]
    yield _table(["partition key", "a lone create", "in batches of 100"], rows)


def _month(found: Found) -> Iterator[str]:
    yield "## A month"
    yield f"{MONTH.title}, one webhook."
    rows, whole = [], 0.0
    for name, times in MONTH.times.items():
        usd = found.named(name).bill.usd * times
        rows.append([name, f"{times / MILLION:g} M", _usd(found.named(name).bill.usd * MILLION), _usd(usd)])
        whole += usd
    stored = MONTH.contacts * found.stored / GIGA
    month = PRICES["per_month"]
    each = month["stored_gb"]["usd"] + month["backed_up_gb"]["usd"]
    rows.append([f"stored: {found.stored:,.0f} bytes a contact, with what is derived", f"{stored:.2f} GB", _usd(each),
                 _usd(stored * each)])  # fmt: skip
    whole += stored * each
    for name, usd in standing_costs():
        rows.append([name, "", "", _usd(usd)])
        whole += usd
    rows.append(["**in all**", "", "", f"**{_usd(whole)}**"])
    yield _table(["", "how many", "$ a million (or GB)", "$"], rows)
    old = before().get("quantities", {})
    if all(name in old for name in MONTH.times):
        was = sum(Bill(dict(old[name])).usd * times for name, times in MONTH.times.items())
        is_ = sum(found.named(name).bill.usd * times for name, times in MONTH.times.items())
        yield f"The requests and what follows them: ${_usd(is_)}, before ${_usd(was)}."
    yield (
        "Your own month: take the operations' dollars from the table above, times your millions. Storage is "
        "for the whole "
        "book, not for what came this month; events go after 30 days, timelines after 90. The standing costs do not "
        "depend on use, except that a metric counts only in the hours in which its operation is used."
    )


def _provisioned(found: Found) -> Iterator[str]:
    writes = sum(found.named(name).bill.of["write_units"] * times for name, times in MONTH.times.items())
    reads = sum(found.named(name).bill.of["read_units"] * times for name, times in MONTH.times.items())
    hourly = PRICES["provisioned_per_hour"]
    rows = []
    for what, units, line in (("writes", writes, "write_units"), ("reads", reads, "read_units")):
        capacity = units / (HOURS * 3600) / UTILISATION
        usd = capacity * HOURS * hourly[line]["usd"]
        even = hourly[line]["usd"] / 3600 / price(line)
        rows.append(
            [
                what,
                f"{units / MILLION:,.1f} M",
                _usd(units * price(line)),
                f"{capacity:,.1f}",
                _usd(usd),
                f"{even:.0%}",
            ]
        )
    yield "## Provisioned capacity"
    yield (
        f"The same month's units with provisioned capacity of which {UTILISATION:.0%} are used on the average "
        "(auto scaling "
        "to 70 % at the busy hour, half as much over the day):"
    )
    yield _table(
        ["", "units", "on demand, $", "capacity units", "provisioned, $", "even at a utilisation of"], rows
    )
    yield (
        "On demand is the default: it needs no forecast, and takes an import at once. Provisioned is worth "
        "it where use "
        "stays above the last column, day and night. Reserved capacity (one or three years) is not reckoned."
    )


def _samples(found: Found) -> Iterator[str]:
    yield "## Every operation"
    yield (
        "Each as its event in [events/](../events/) asks for it, on the sample account, warm, with what "
        "follows it one by "
        "one; its webhook gets every event (`*`)."
    )
    rows = []
    for one in sorted(found.samples, key=lambda one: one.name):
        bill = one.bill
        rows.append(
            [
                f"`{one.name}`",
                _number(bill.of["write_units"]),
                _number(bill.of["read_units"]),
                _number(bill.of["invocations"]),
                f"{bill.of['log_bytes']:,.0f}",
                f"{bill.of['bytes_out']:,.0f}",
                f"**{_usd(bill.usd * MILLION)}**",
            ]
        )
    columns = ["", "write units", "read units", "invocations", "bytes logged", "bytes out", "$ a million"]
    yield _table(columns, rows)


def _second_way(found: Found) -> Iterator[str]:
    yield "## Units, counted twice"
    writes, reads = found.compared["MiniStack"], found.compared["DynamoDB Local"]
    if not writes and not reads:
        yield "Neither MiniStack nor DynamoDB Local was to be had in this run: the units are by the rules alone."
        return
    yield (
        "By DynamoDB's rules from the sizes of items (what the figures above are made of), and as a database "
        "reports them "
        "(`ReturnConsumedCapacity`): writes by MiniStack, reads by AWS's DynamoDB Local. Writes whose "
        "condition fails are "
        "left out on both sides, as no answer reports them."
    )
    rows = []
    for name in dict.fromkeys([*writes, *reads]):
        cells = [name]
        for of in (writes, reads):
            cells += ["", ""] if name not in of else [_number(of[name][0]), _number(of[name][1])]
        rows.append(cells)
    yield _table(["", "writes, rules", "writes, MiniStack", "reads, rules", "reads, DynamoDB Local"], rows)


def _how(found: Found) -> Iterator[str]:
    yield "## How it is measured"
    streams, queues = sources()
    followers = [*(one.function for one in streams), *(one.function for one in queues)]
    memory = ", ".join(f"`{name}` {function_named(name).memory} MB" for name in followers)
    traced = sum(is_traced(one.name) for one in found.samples)
    yield "\n".join(
        [
            "- **The functions** are the deployed ones, with botocore, in one process; the table is in memory "
            "([bench/quick_table.py](../bench/quick_table.py)), and what botocore sends is answered at its socket.",
            "- **Durations** are the CPU that the function and botocore took on this machine, at the function's "
            "memory "
            f"({MB_OF_A_PROCESSOR:,} MB buy a processor; {memory}), and {CALL_S * 1000:g} ms for each call of a "
            "service, "
            f"calls side by side once. An endpoint answers in {ENDPOINT_S * 1000:g} ms. TLS to an endpoint, cold "
            "starts "
            "and the gateway are not in them. CPU is that of the quickest repetition: noise only adds.",
            "- **Parameters** of the template have their defaults; only `QuietVerdicts` ([when to turn it "
            "on](deploy.md#quiet-verdicts)) and `LeanProjection` ([when](deploy.md#lean-projection)) are `on`. With "
            "the first `off` a verdict on a new address invokes both readers of the stream.",
            "- **Contacts** have an email, an external_id, a name, a phone, two tags and one list: about 460 bytes.",
            "- **Reads** come ten a second to one warm environment, unless the row says otherwise, from a plan of "
            "1,000,000 an hour. Clients accept gzip.",
            "- **SQS**: a receipt and a deletion for each ten messages, a request for each 64 KB sent; each at the "
            "price of a fair "
            "queue, as messages carry a group.",
            f"- **Logs**: the lines that functions write, {platform_line_bytes('get_contact')} bytes of Lambda's "
            "own an "
            f"invocation and {access_line_bytes()} of API Gateway's a request, as the template sets them.",
            f"- **Traces**: X-Ray samples {PRICES['sampled_traces']:.0%} of the invocations of functions that it "
            f"traces. By the template's defaults it traces {'all' if traced else 'none'} of them.",
            "- **Free**: the stream's reads by Lambda, deletions by TTL, encryption with AWS's own keys, "
            "EventBridge and "
            "SNS of the alarms.",
        ]
    )
    yield "What one account and the whole service can do: [how it scales](scale.md)."
