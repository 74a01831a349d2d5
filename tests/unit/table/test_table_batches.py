"""What DynamoDB leaves undone of a batch is asked for again; what it never does is no success."""

from typing import Any

import pytest

from contacts.core.errors import TemporarilyUnavailable
from contacts.table import client as table_module
from contacts.table.client import Table
from contacts.table.expressions import Expression
from contacts.table.keys import Key
from local.table import NAME
from tests.support.moto_table import MotoTable

KEYS = [Key("A", f"{number:03}") for number in range(130)]


class Stingy:
    """A client that does a few items of each batch and hands the rest back."""

    def __init__(self, table: MotoTable, does: int) -> None:
        self._client = table.client()
        self._does = does
        self.calls = 0

    def __getattr__(self, method: str) -> Any:
        return getattr(self._client, method)

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        request = RequestItems[NAME]
        now, later = request["Keys"][: self._does], request["Keys"][self._does :]
        answer = (
            self._client.batch_get_item(RequestItems={NAME: request | {"Keys": now}})
            if now
            else {"Responses": {}}
        )
        return answer | {"UnprocessedKeys": {NAME: request | {"Keys": later}} if later else {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        now, later = RequestItems[NAME][: self._does], RequestItems[NAME][self._does :]
        if now:
            self._client.batch_write_item(RequestItems={NAME: now})
        return {"UnprocessedItems": {NAME: later} if later else {}}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(table_module, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("does", [100, 40, 20])
def test_every_item_is_written_and_read(does: int) -> None:
    moto = MotoTable()
    table = Table(Stingy(moto, does), NAME)
    table.write_many({key: {"n": number} for number, key in enumerate(KEYS)})
    found = table.get_many([*KEYS, *KEYS[:3], Key("A", "nobody")])
    assert {key: item["n"] for key, item in found.items()} == {key: n for n, key in enumerate(KEYS)}
    table.write_many({KEYS[0]: {"n": 7}}, deletes=KEYS[1:])
    assert [item["n"] for item in moto.items()] == [{"N": "7"}]


def test_pauses_between_retries_grow(no_pauses: list[float]) -> None:
    table = Table(Stingy(MotoTable(), 5), NAME)
    table.write_many({key: {} for key in KEYS[:20]})
    assert no_pauses == [0.05, 0.1, 0.2]


def test_items_that_are_never_processed_raise(no_pauses: list[float]) -> None:
    client = Stingy(MotoTable(), 0)
    table = Table(client, NAME)
    with pytest.raises(TemporarilyUnavailable):
        table.write_many({KEYS[0]: {}})
    with pytest.raises(TemporarilyUnavailable):
        table.get_many(KEYS[:1])
    assert client.calls == 12
    assert sum(no_pauses) < 9


def test_an_empty_batch_makes_no_call() -> None:
    client = Stingy(MotoTable(), 0)
    table = Table(client, NAME)
    table.write_many({})
    assert table.get_many([]) == {}
    assert client.calls == 0


def test_counts_and_reads_cover_every_page(monkeypatch: pytest.MonkeyPatch) -> None:
    moto = MotoTable()
    table = Table(moto.client(), NAME)
    # A page of DynamoDB ends at 1 MB.
    table.write_many({key: {"text": "x" * 20_000} for key in KEYS})
    expression = Expression()
    expression.require(expression.equals("PK", "A"))
    assert table.how_many(expression) == len(KEYS)
    assert [item["SK"] for item in table.all_of(expression)] == [key.SK for key in KEYS]


def test_a_transaction_depends_on_its_condition_checks() -> None:
    moto = MotoTable()
    table = Table(moto.client(), NAME)
    absent = Expression()
    absent.require(absent.is_free())
    steps = [table.put_step("put", KEYS[0], {}), table.check_step("check", KEYS[1], absent)]
    table.write(steps)
    table.write_many({KEYS[1]: {"n": 1}})
    with pytest.raises(table_module.ConditionsFailed) as failed:
        table.write(steps)
    assert failed.value.items == {"check": {"PK": "A", "SK": "001", "n": 1}}
