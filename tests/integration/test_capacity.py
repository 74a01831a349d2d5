"""Calls and units are exact, so their budgets are a test (`make bench` prints the table)."""

from collections.abc import Callable, Iterator

import pytest

from bench.capacity import ROWS, Row, dynamodb, measure, over_budget


@pytest.fixture(scope="module")
def open_account() -> Iterator[Callable[[], str]]:
    with dynamodb() as opening:
        yield opening


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_operation_keeps_its_budget(row: Row, open_account: Callable[[], str]) -> None:
    consumed = measure(row, open_account)
    assert consumed.calls
    assert not over_budget(row, consumed)
