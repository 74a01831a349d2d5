"""A batch of a hundred creates beside a hundred requests that create one contact each: `python -m bench.batch`.

Both go through the real handlers in this process, turn by turn, against MiniStack's DynamoDB, and a ratio is the median
of the ratios turn by turn. MiniStack answers one call after the other in a process of its own, DynamoDB as many at once
as it is asked: so there is a second pair of rows in which each call takes 5 ms longer, as over a network. The gateway,
which a client meets once instead of a hundred times, is in neither.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from statistics import median
from typing import Any
from unittest.mock import patch

import botocore.client

from bench.capacity import BATCH, Api, Budget, Row, a_batch, emulated, metered
from bench.results import Results
from contacts.book.batch import AT_ONCE

TURNS = 7
FAR_AWAY = 0.005
"""Seconds a call takes longer where DynamoDB is at the other end of a network."""
BUDGETS = {0.0: 0.75, FAR_AWAY: 0.25}
"""By how much longer a call takes: the most time a batch may take, as a part of what its requests take."""
_FREE = Budget(0, 0, 0)


@dataclass(frozen=True)
class Turn:
    """What a hundred creates took, one way."""

    ms: float
    cpu_ms: float
    calls: int
    in_sequence: int
    writes: float


@dataclass
class _Calls:
    """When each call of DynamoDB began and ended."""

    spans: list[tuple[float, float]]

    @property
    def in_sequence(self) -> int:
        """The longest chain of calls of which each began after the one before had ended."""
        chain, ended = 0, float("-inf")
        for began, ends in sorted(self.spans, key=lambda span: span[1]):
            if began >= ended:
                chain, ended = chain + 1, ends
        return chain


@contextmanager
def _timed(seconds_longer: float) -> Iterator[_Calls]:
    """Note every call, and have it take longer."""
    calls = _Calls([])
    client_class: Any = botocore.client.BaseClient
    original = client_class._make_api_call

    def log_fields(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            if seconds_longer:
                time.sleep(seconds_longer)
            return original(client, operation, parameters)
        finally:
            calls.spans.append((began, time.perf_counter()))

    with patch.object(client_class, "_make_api_call", log_fields):
        yield calls


def taken(send: Callable[[], None], seconds_longer: float) -> Turn:
    """Send something and say what it took."""
    with metered() as consumed, _timed(seconds_longer) as calls:
        began, cpu = time.perf_counter(), time.process_time()
        send()
        ms, cpu_ms = (time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000
    writes = consumed.table_writes + consumed.index_writes
    return Turn(ms, cpu_ms, consumed.calls, calls.in_sequence, writes)


def apart(api: Api, label: str) -> None:
    """Create them one request after the other."""
    for operation in a_batch(label)["operations"]:
        body = operation["contact"]
        api.request(Row("one of many", "create_contact", "POST", "/v1/contacts", _FREE, body=body))


def together(api: Api, label: str) -> None:
    """Create them in one request.

    Raises:
        AssertionError: not all of them are created.
    """
    row = Row("batch", "batch_contacts", "POST", BATCH, _FREE, body=a_batch(label))
    statuses = {result["status"] for result in api.request(row)["results"]}
    assert statuses == {201}, statuses


WAYS = {"100 requests of one create": apart, f"batch of 100, {AT_ONCE} at once": together}


def run(turns: int = TURNS) -> Results:
    """Measure both ways, near and far."""
    columns = ("what", "ms", "ratio", "budget", "CPU ms", "calls", "in sequence", "write units")
    table = Results("batch", "A batch beside its requests one by one", columns)
    with emulated() as open_account:
        api = open_account()
        for longer, budget in BUDGETS.items():
            taken_by: dict[str, list[Turn]] = {way: [] for way in WAYS}
            for turn in range(turns + 1):
                for number, (way, send) in enumerate(WAYS.items()):
                    label = f"{longer}.{turn}.{number}"
                    one = taken(lambda send=send, label=label: send(api, label), longer)  # type: ignore[misc]
                    if turn:  # the one before the first builds what a process builds once
                        taken_by[way].append(one)
            _add_rows(table, taken_by, longer, budget)
    table.notes = [
        f"Medians of {turns} turns each. `In sequence` is the longest chain of DynamoDB calls of which each began "
        "after the one before had ended; CPU is this process's, without the emulator's. Every create writes the "
        "contact, two claims and its index entries; the meter is one unit a request.",
        (__doc__ or "").partition("\n\n")[2].strip(),
    ]
    return table


def _add_rows(table: Results, taken_by: dict[str, list[Turn]], longer: float, budget: float) -> None:
    one_by_one, *_ = taken_by.values()
    for way, turns in taken_by.items():
        ratio = median(one.ms / other.ms for one, other in zip(turns, one_by_one, strict=True))
        is_batch = turns is not one_by_one
        name = f"{way}{f', each call {longer * 1000:.0f} ms longer' if longer else ''}"
        if is_batch and ratio > budget:
            table.failures.append(f"{name} takes {ratio:.2f} of the time of its requests (budget {budget})")
        middle = {figure: median(map(attrgetter(figure), turns)) for figure in Turn.__annotations__}
        table.rows.append(
            (
                name,
                round(middle["ms"]),
                ratio,
                budget if is_batch else None,
                round(middle["cpu_ms"]),
                *(round(middle[figure]) for figure in ("calls", "in_sequence", "writes")),
            )
        )


def main() -> int:
    """Print and keep the table; the exit code is 1 if a budget was not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each way (default {TURNS})")
    return run(parser.parse_args().turns).publish()


if __name__ == "__main__":
    sys.exit(main())
