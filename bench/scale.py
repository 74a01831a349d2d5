"""What a page costs in accounts of 1,000, 10,000 and 100,000 contacts: `python -m bench.scale [--sizes 1000 10000]`.

The handlers run in this process on a table filled as creates and the projection fill it (`bench.population`); each call
is made to report its ConsumedCapacity. The table is in AWS's own DynamoDB Local where it can be had, else in MiniStack.

DynamoDB Local reports read units as DynamoDB does, halved where a read need not be consistent, but none for what is
not there: its minimum is added. MiniStack reports one unit for every read, so there they are counted from the bytes
that came back.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import botocore.client
import botocore.session
from botocore.config import Config

from bench.capacity import Api, Budget, Row, wired
from bench.dynamodb_local import DynamoDbLocal, NotAvailable
from bench.population import (
    COMMON_NAME,
    LIST,
    MOST,
    RARE_NAME,
    TENTH,
    Tally,
    claims_of,
    contact_of_age,
    days_ago,
    external_id_of_age,
    items_of,
)
from bench.results import Cell, Results
from bench.scale_chart import chart
from contacts.search.words import query_words, term
from contacts.table.client import Table
from contacts.table.expressions import from_item, item_size
from local.stack import ROOT, LocalStack, free_port
from local.table import NAME, create_table

SIZES = (1_000, 10_000, 100_000)
SIZES_ON_MINISTACK = (1_000, 10_000)
"""It takes too long to fill, and to sort its answers, beyond."""
PAGE = 50
CHART = ROOT / "docs" / "scale.svg"
MAX_CALLS = 4
MAX_READS = 30
GROWTH = 1.1
ROUNDING = 1
"""A unit: so much may a page cost more because its contacts happen to be larger."""
UNIT_BYTES = 4096
LOADERS = 3
AT_ONCE = 200
"""Contacts that a loader writes before it takes others."""
PROBED = 42
"""The age of the contact that is looked for by name."""
RARE_WORD = RARE_NAME.lower()[:5]
COMMON_WORD = COMMON_NAME.lower()
PHONE_TYPED = re.sub(r"(..)(...)(...)(....)", r"\1 (\2) \3-\4", contact_of_age(PROBED).phone or "")
"""The phone of that contact, as somebody may type it."""


@dataclass(frozen=True)
class Query:
    """One page that is asked for."""

    name: str
    parameters: Sequence[tuple[str, str]] = ()
    is_search: bool = False
    is_second_page: bool = False
    may_read: float = MAX_READS
    """Read units: more where some of the contacts that are read do not match."""

    def sent(self, api: Api, cursor: str | None = None) -> dict[str, Any]:
        """The answer to it; `cursor`: where to go on."""
        path, operation = (
            ("/v1/contacts/search", "search_contacts")
            if self.is_search
            else ("/v1/contacts", "list_contacts")
        )
        parameters = list(self.parameters)
        parameters += [("limit", str(PAGE))] + ([] if cursor is None else [("cursor", cursor)])
        return api.request(
            Row(self.name, operation, "GET", path, Budget(0, 0, 0), query=urlencode(parameters))
        )


QUERIES = (
    Query("the newest"),
    Query("the newest, page 2", is_second_page=True),
    Query("one tag, on 10 %", [("tag", TENTH)]),
    Query("two tags, on 10 % and 70 %", [("tag", TENTH), ("tag", MOST)], may_read=MAX_READS / 0.7),
    Query("a list and is_active", [("list", LIST), ("is_active", "true")], may_read=MAX_READS / 0.9),
    Query(
        "created in two days, is_unsubscribed=false",
        [("created_after", days_ago(3)), ("created_before", days_ago(1)), ("is_unsubscribed", "false")],
    ),
    Query(
        "updated since yesterday, sort=-updated_at", [("updated_after", days_ago(1)), ("sort", "-updated_at")]
    ),
    Query("sort=email", [("sort", "email")]),
    Query("search: a rare name", [("search", RARE_WORD)]),
    Query("tag and search: a rare name", [("tag", TENTH), ("search", RARE_WORD)]),
    Query("/search?q=: a rare name", [("q", RARE_WORD)], is_search=True),
    Query("/search?q=: a name of 10 %", [("q", COMMON_WORD)], is_search=True),
    Query("search: a phone", [("search", PHONE_TYPED)]),
    Query("one phone", [("phone", PHONE_TYPED)]),
    Query("one external_id", [("external_id", external_id_of_age(PROBED))]),
)


@dataclass
class Cost:
    """What one request cost."""

    calls: int = 0
    reads: float = 0


@dataclass(frozen=True)
class Database:
    """Where the table is."""

    name: str
    endpoint_url: str
    reports_reads: bool
    """Whether the read units it reports are DynamoDB's."""


@contextmanager
def dynamodb_local(directory: Path) -> Iterator[Database]:
    """DynamoDB Local.

    Raises:
        NotAvailable
    """
    with DynamoDbLocal(directory / "dynamodb-local.log") as running:
        yield Database("DynamoDB Local", running.endpoint_url, reports_reads=True)


@contextmanager
def ministack(directory: Path) -> Iterator[Database]:
    """MiniStack."""
    stack = LocalStack(directory, free_port(), persistent=False, root=ROOT)
    stack.refuse_missing_tools()
    try:
        stack.start_emulator()
        yield Database("MiniStack", stack.endpoint_url, reports_reads=False)
    finally:
        stack.stop()


def load(endpoint_url: str, account_id: str, size: int) -> None:
    """Give an account so many contacts, with what the projection derives of them.

    Of the words only those with the first characters that the queries ask for: each first character is a partition of
    its own.
    """
    words = query_words(f"{RARE_WORD} {COMMON_WORD} {PHONE_TYPED}")
    characters = {beginning[0] for word in words for beginning in term(word).ranges}
    tally = Tally()

    def written(first: int) -> None:
        items: dict[Any, Any] = {}
        for age in range(first, min(first + AT_ONCE, size)):
            contact = contact_of_age(age)
            tally.add(contact)
            items |= items_of(account_id, contact, characters)
        Table(client, NAME).write_many(items)
        _show(f"{size:,} contacts: {first / size:.0%} loaded")

    client = _client(endpoint_url)
    with ThreadPoolExecutor(LOADERS) as pool:
        # In any order, and the first failure is raised.
        list(pool.map(written, range(0, size, AT_ONCE)))
    table = Table(client, NAME)
    table.write_many(dict(tally.items(account_id)) | claims_of(account_id, contact_of_age(PROBED)))
    _show(f"{size:,} contacts are loaded", ends=True)


def _client(endpoint_url: str) -> Any:
    return botocore.session.get_session().create_client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            parameter_validation=False,
            max_pool_connections=LOADERS,
            read_timeout=60,
            retries={"total_max_attempts": 1},
        ),
    )


def _show(text: str, *, ends: bool = False) -> None:
    print(f"\r{text:60}", end="\n" if ends else "", file=sys.stderr, flush=True)


@contextmanager
def metered(database: Database) -> Iterator[Cost]:
    """Add up what every DynamoDB call in this process reads."""
    cost = Cost()
    client_class: Any = botocore.client.BaseClient
    original = client_class._make_api_call

    def measured(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        response = original(client, operation, {**parameters, "ReturnConsumedCapacity": "TOTAL"})
        cost.calls += 1
        if operation in READS:
            cost.reads += read_units(operation, parameters, response, reported=database.reports_reads)
        return response

    with patch.object(client_class, "_make_api_call", measured):
        yield cost


READS = frozenset({"BatchGetItem", "GetItem", "Query"})


def read_units(
    operation: str, request: Mapping[str, Any], response: Mapping[str, Any], *, reported: bool
) -> float:
    """The read units of one call: as it reports them, or counted from the bytes that came back.

    A read costs its minimum, too, where it finds nothing: Query once, BatchGetItem for each key.
    """
    if operation == "BatchGetItem":
        ((table, wanted),) = request["RequestItems"].items()
        unit = _unit(wanted)
        found = response["Responses"].get(table, [])
        missing = unit * (len(wanted["Keys"]) - len(found))
        if reported:
            return missing + sum(float(one["CapacityUnits"]) for one in response["ConsumedCapacity"])
        return missing + unit * sum(_blocks(_size([item])) for item in found)
    unit = _unit(request)
    if reported:
        return max(unit, float(response["ConsumedCapacity"]["CapacityUnits"]))
    if operation == "GetItem":
        return unit * _blocks(_size([response["Item"]] if "Item" in response else []))
    items = response["Items"]
    # What a filter left out was read as well, and taken for as large as what it kept.
    share = response["ScannedCount"] / len(items) if items else 1
    return unit * _blocks(int(_size(items) * share))


def _unit(request: Mapping[str, Any]) -> float:
    return 1.0 if request.get("ConsistentRead", False) else 0.5


def _blocks(size: int) -> int:
    return max(1, -(-size // UNIT_BYTES))


def _size(items: Sequence[Mapping[str, Any]]) -> int:
    return sum(item_size(from_item(item)) for item in items)


def measure(query: Query, api: Api, database: Database) -> Cost:
    """What a query costs, warm.

    Raises:
        AssertionError: it finds nothing, so that its cost would mean nothing.
    """
    first = query.sent(api)
    assert first["data"], f"{query.name} finds nothing"
    with metered(database) as cost:
        query.sent(api, first["next_cursor"] if query.is_second_page else None)
    return cost


def over_budget(query: Query, costs: Mapping[int, Cost]) -> list[str]:
    """Where a query costs more than it may, a sentence each. `costs`: by size of the account, the smallest first."""
    smallest, *_, largest = costs
    first, last = costs[smallest], costs[largest]
    failures = []
    if last.calls > GROWTH * first.calls + ROUNDING or last.reads > GROWTH * first.reads + ROUNDING:
        failures.append(
            f"{query.name} takes {first.calls} calls and {first.reads:g} read units at {smallest:,} contacts, but "
            f"{last.calls} and {last.reads:g} at {largest:,}"
        )
    for size, cost in costs.items():
        if cost.calls > MAX_CALLS:
            failures.append(
                f"{query.name} takes {cost.calls} calls at {size:,} contacts (budget {MAX_CALLS})"
            )
        if cost.reads > query.may_read:
            failures.append(
                f"{query.name} takes {cost.reads:g} read units at {size:,} contacts (budget {query.may_read:.0f})"
            )
    return failures


def run(database: Database, sizes: Sequence[int]) -> tuple[Results, dict[str, dict[int, Cost]]]:
    """Load an account of each size and measure every query in each."""
    create_table(_client(database.endpoint_url))
    costs: dict[str, dict[int, Cost]] = {}
    with wired(database.endpoint_url, {}) as open_account:
        accounts = {size: open_account() for size in sizes}
        for size, api in accounts.items():
            load(database.endpoint_url, api.account_id, size)
        for query in QUERIES:
            costs[query.name] = {size: measure(query, api, database) for size, api in accounts.items()}
    columns = (
        f"page of {PAGE}",
        *(f"{size:,}: calls" for size in sizes),
        *(f"{size:,}: reads" for size in sizes),
    )
    table = Results("scale", "What a page costs, by the number of contacts in the account", columns)
    for query in QUERIES:
        by_size = costs[query.name]
        cells: list[Cell] = [cost.calls for cost in by_size.values()]
        table.rows.append((query.name, *cells, *(f"{cost.reads:g}" for cost in by_size.values())))
        table.failures += over_budget(query, by_size)
    table.notes = [
        "Calls are to DynamoDB, in sequence; the first is the meter. Reads are its read units. Budgets: at the largest "
        f"size no more than {GROWTH} times as much as at the smallest (and one more, as units are whole or half), "
        f"{MAX_CALLS} calls, {MAX_READS} read units, more where contacts are read that lack a second tag or a flag.",
        f"Contacts have 0.5 to 1 KB, two tags or so. The table was in {database.name}.",
    ]
    return table, costs


@contextmanager
def best_database(directory: Path) -> Iterator[Database]:
    """DynamoDB Local, or where it cannot be had, after saying so, MiniStack."""
    with ExitStack() as stack:
        try:
            database = stack.enter_context(dynamodb_local(directory))
        except NotAvailable as missing:
            print(f"no DynamoDB Local ({missing}): MiniStack takes its place", file=sys.stderr)
            database = stack.enter_context(ministack(directory))
        yield database


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a budget was not met.

    The page and the chart are kept only of all sizes in DynamoDB Local.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="contacts in each account")
    parser.add_argument(
        "--ministack", action="store_true", help="on MiniStack, even if DynamoDB Local can be had"
    )
    chosen = parser.parse_args(arguments)
    opened: Callable[[Path], Any] = ministack if chosen.ministack else best_database
    with (
        tempfile.TemporaryDirectory(prefix="contacts-scale-") as directory,
        opened(Path(directory)) as database,
    ):
        sizes = sorted(chosen.sizes or (SIZES if database.reports_reads else SIZES_ON_MINISTACK))
        table, costs = run(database, sizes)
    if database.reports_reads and tuple(sizes) == SIZES:
        reads = {name: [cost.reads for cost in by_size.values()] for name, by_size in costs.items()}
        CHART.write_text(
            chart(reads, sizes, {query.name: query.may_read for query in QUERIES}), encoding="utf-8"
        )
        return table.publish()
    print(table.as_markdown(), flush=True)
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
