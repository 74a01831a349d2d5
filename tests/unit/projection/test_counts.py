"""Where counts lie: carried by the count of all contacts spread where transactions conflict."""

from collections import Counter
from typing import Any

import pytest

from bench.population import contact_of_age
from contacts.book.store import contact_item
from contacts.search.count_items import CARRIED_BYTES, SHARDS, counts_of, further_shards
from contacts.search.index import ContactIndex, CountStore
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import from_item, item_size, to_item
from local.table import NAME
from tests.support.invariants import counted_in
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import (
    Conflicting,
    History,
    Meter,
    Mortal,
    Projection,
    differences,
    ordinary_history,
    reindexer,
)
from tests.support.scenarios import ACCOUNT_ID
from tests.support.streams import Tape, about_contacts, key_of

pytestmark = pytest.mark.usefixtures("is_lean")

VIP = PostingList(PostingKind.TAG, "vip")


def of_all(history: History) -> dict[str, Any]:
    """The item that counts all contacts."""
    key = keys.count(ACCOUNT_ID, ALL_CONTACTS)
    items = (from_item(item) for item in history.table.items())
    return next(item for item in items if keys.Key.of(item) == key)


def told(history: History) -> dict[PostingList, int]:
    """What readers are told of every list that was ever counted, in each of their ways."""
    table = Table(history.table.client(), NAME)
    store, index = CountStore(table, ACCOUNT_ID), ContactIndex(table, ACCOUNT_ID)
    listed = {
        PostingList(kind, one.name): one.count
        for kind in (PostingKind.TAG, PostingKind.LIST)
        for one in store.every(kind)
    }
    listed[ALL_CONTACTS] = store.count(ALL_CONTACTS)
    for kind in (PostingKind.TAG, PostingKind.LIST):
        found, after = store.counts(kind, None, at_most=100, evaluate=1000)
        assert after is None
        in_use = {one.value: n for one, n in listed.items() if one.kind is kind and n > 0}
        assert {one.name: one.count for one in found} == in_use
        assert [one.name for one in found] == sorted(in_use)
    assert {one: store.known(one) for one in listed} == listed
    assert index.counts(listed) == listed
    return listed


def test_one_write_changes_the_counts_of_all_lists() -> None:
    history = History()
    history.create("ada", tags=["vip", "beta"], lists=["news"])
    calls = Mortal(history.table.client())
    Projection(calls).take(history.records)
    (request,) = (request for method, request in calls.calls if method == "transact_write_items")
    assert len(request["TransactItems"]) == (1 if Projection.is_lean else 4) + 1
    assert told(history) == counted_in(history.table.items(), ACCOUNT_ID)
    assert set(told(history).values()) == {1}


def test_no_partition_takes_more_of_a_create_than_the_contacts_do() -> None:
    """A partition takes 1,000 write units a second; that of the contacts 3 for each create."""
    contacts = [contact_of_age(age) for age in range(40)]
    table = MotoTable()
    tape = Tape(table)
    for contact in contacts:
        item = to_item({**keys.contact(ACCOUNT_ID, contact.id)._asdict(), **contact_item(contact, "c")})
        table.call("put_item", {"TableName": NAME, "Item": item})
    calls = Mortal(table.client())
    projection = Projection(calls)
    for record in about_contacts(tape.taken(0.0)):
        projection.take([record])
    units: Counter[str] = Counter()
    for method, request in calls.calls:
        for key in keys_written(method, request):
            units[key.PK] += 2 if method == "transact_write_items" else 1
    hottest, taken = units.most_common(1)[0]
    assert taken <= 3 * len(contacts), hottest


def keys_written(method: str, request: Any) -> list[keys.Key]:
    if method == "transact_write_items":
        steps = request["TransactItems"]
    elif method == "batch_write_item":
        steps = request["RequestItems"][NAME]
    else:
        return []
    return [keys.Key(*key_of(part.get("Key") or part["Item"])) for step in steps for part in step.values()]


def test_counts_that_earlier_releases_have_begun_are_added_to() -> None:
    history = ordinary_history()
    earlier = {ALL_CONTACTS: 7, VIP: 5, PostingList(PostingKind.TAG, "former"): 0}
    Table(history.table.client(), NAME).write_many(
        {keys.count(ACCOUNT_ID, one): {"n": n, "changes": 9} for one, n in earlier.items()}
    )
    Projection(history.table.client()).take(history.records)
    counts = told(history)
    assert {one: counts[one] for one in earlier} == {
        ALL_CONTACTS: 8,
        VIP: 6,
        PostingList(PostingKind.TAG, "former"): 0,
    }


@pytest.mark.parametrize("length", [1, 100])
def test_no_more_counts_are_carried_than_cost_nothing(length: int) -> None:
    history = History()
    for number in range(40):
        history.create(f"{number}", tags=[f"{number:03}".ljust(length, "é"), f"x{number}"])
    projection = Projection(history.table.client())
    projection.take(history.records[:20])
    # Another process knows nothing of what the first has written meanwhile.
    Projection(history.table.client()).take(history.records[20:])
    item = of_all(history)
    assert CARRIED_BYTES - 250 < item["room_taken"] <= CARRIED_BYTES
    assert item_size(item) <= 1024
    assert history.violations() == []
    assert len(told(history)) == 81


def test_what_a_process_remembers_may_be_out_of_date() -> None:
    history = History()
    ada, bea = (history.create(label) for label in ("ada", "bea"))
    first, second = (Projection(history.table.client()) for _ in range(2))
    first.take(history.records[:1])
    second.take(history.records[1:])
    history.change(ada, tags=["vip"])
    first.take(history.records[2:])
    history.change(bea, tags=["vip"])
    second.take(history.records[3:])
    assert history.violations() == []
    history.change(ada, tags=[])
    history.change(bea, tags=[])
    first.take(history.records[4:])
    # A rebuild drops the count of nothing, of which both processes know.
    assert differences(reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()) == 0
    assert VIP not in counted_in(history.table.items(), ACCOUNT_ID)
    history.change(ada, tags=["vip"])
    history.change(bea, tags=["vip"])
    second.take(history.records[6:7])
    first.take(history.records[7:])
    assert history.violations() == []
    assert told(history)[VIP] == 2


# Conflicts


def busy_history() -> History:
    history = History()
    ids = [history.create(f"{number}", tags=["a", f"t{number % 3}"], lists=["news"]) for number in range(16)]
    for number in range(0, 15, 5):
        history.change(ids[number], add_tags=["vip"])
        history.delete(ids[number + 1])
    return history


@pytest.mark.parametrize("seed", range(2))
def test_where_half_of_all_transactions_conflict_every_count_is_exact(seed: int) -> None:
    history = busy_history()
    batches = [history.records[start : start + 4] for start in range(0, len(history.records), 4)]
    untouched, alone = history.table.snapshot(), Meter(history.table.client())
    Projection(alone).take_all(batches)
    history.table.bring_back(untouched)
    meter = Meter(Conflicting(history.table.client(), 0.5, seed))
    projection = Projection(meter)
    for batch in batches:
        left = batch
        while (undone := projection.take(left)) is not None:
            left = left[undone:]
    assert meter.client.conflicts > 0
    assert history.violations() == []
    assert told(history) == counted_in(history.table.items(), ACCOUNT_ID)
    # Half of all transactions is one more for each; words are written once.
    assert meter.units <= 2.2 * alone.units


def spread_history() -> History:
    history = busy_history()
    client = Conflicting(history.table.client(), 0.5)
    while further_shards(ACCOUNT_ID, of_all(history) if client.conflicts else None) == []:
        assert Projection(client).take(history.records) is None
    assert Projection(history.table.client()).take(history.records) is None
    return history


def test_counts_that_conflict_are_spread() -> None:
    history = spread_history()
    assert of_all(history)["shards"] == SHARDS
    for number in range(20):
        history.create(f"later {number}", tags=["a"])
    projection = Projection(history.table.client())
    for record in history.records[-20:]:
        projection.take([record])
    rooms = [item for item in history.table.items() if item["PK"]["S"] == keys.counts(ACCOUNT_ID)]
    parts = [item for item in map(from_item, rooms) if ALL_CONTACTS in counts_of([item])]
    assert len(parts) == SHARDS
    assert history.violations() == []
    assert told(history) == counted_in(history.table.items(), ACCOUNT_ID)


def test_a_rebuild_corrects_counts_that_are_spread() -> None:
    history = spread_history()
    for name in ("n", "TAG#a"):
        history.write(
            "update_item",
            Key={key: {"S": part} for key, part in keys.count(ACCOUNT_ID, ALL_CONTACTS)._asdict().items()},
            UpdateExpression="ADD #name :five",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":five": {"N": "5"}},
        )
    assert len(history.violations()) == 2
    report = reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()
    assert sorted(report["miscounted"]) == ["all", "tag"]
    assert history.violations() == []
    assert differences(reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()) == 0
