"""Calls and units are exact, so their budgets are a test (`make bench` prints the table)."""

from collections.abc import Callable, Iterator

import pytest

from bench.capacity import ROWS, Api, Projection, Row, measure, on, over_budget
from local.stack import LocalStack


@pytest.fixture(scope="module")
def open_account(emulator: LocalStack) -> Iterator[Callable[[], Api]]:
    with on(emulator) as opening:
        yield opening


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_operation_keeps_its_budget(row: Row | Projection, open_account: Callable[[], Api]) -> None:
    consumed, budget = measure(row, open_account)
    assert consumed.calls
    assert not over_budget(row.name, consumed, budget)
