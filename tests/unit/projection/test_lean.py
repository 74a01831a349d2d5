"""New contacts whose postings are put without conditions: what is left half-way, and by whom it is completed.

The other tests of this folder run in both ways. Here both ways meet, in one account.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import counted_in
from tests.support.projection_harness import (
    History,
    Killed,
    Mortal,
    Projection,
    differences,
    ordinary_history,
    reindexer,
)
from tests.support.scenarios import ACCOUNT_ID
from tests.support.streams import delivered
from tests.unit.projection.test_projection import projected, steps, written

VIP = PostingList(PostingKind.TAG, "vip")


@pytest.mark.parametrize("changes_shape", [False, True])
def test_each_way_completes_what_the_other_has_left_after_any_call(
    changes_shape: bool, is_lean: bool
) -> None:
    history = ordinary_history()
    untouched, whole = history.table.snapshot(), Mortal(history.table.client())
    Projection(whole, is_lean=is_lean).take(history.records)
    for call in range(1, len(whole.calls) + 1, 2 if changes_shape else 1):
        history.table.bring_back(untouched)
        with pytest.raises(Killed):
            Projection(Mortal(history.table.client(), call), is_lean=is_lean).take(history.records)
        other = Projection(history.table.client(), is_lean=not is_lean)
        batches = [[record] for record in history.records] if changes_shape else [history.records]
        other.take_all(batches)
        assert history.violations() == [], call


@pytest.mark.parametrize("changes_shape", [False, True])
def test_so_after_it_was_killed_record_by_record(changes_shape: bool, is_lean: bool) -> None:
    """What is half done of one record is completed with the records that follow it."""
    history = ordinary_history()
    untouched = history.table.snapshot()
    for number in range(0, len(history.records), 2 if changes_shape else 1):
        for call in range(2, 6):
            history.table.bring_back(untouched)
            Projection(history.table.client(), is_lean=is_lean).take_all(
                [record] for record in history.records[:number]
            )
            try:
                mortal = Mortal(history.table.client(), call)
                Projection(mortal, is_lean=is_lean).take(history.records[number : number + 1])
            except Killed:
                pass
            else:
                break
            other = Projection(history.table.client(), is_lean=is_lean is changes_shape)
            other.take(history.records[number:])
            assert history.violations() == [], (number, call)


@given(steps=steps, seed=st.integers(0, 2**32))
@settings(max_examples=examples(40))
def test_any_history_in_any_batches_by_both_ways_killed_anywhere(steps: list[Any], seed: int) -> None:
    history, choice = written(steps), Random(seed)
    for batch in delivered(history.records, choice):
        while choice.random() < 0.5:
            client = Mortal(history.table.client(), choice.randint(1, 8))
            try:
                Projection(client, is_lean=choice.random() < 0.5).take(
                    batch[: choice.randint(1, len(batch))] if batch else batch
                )
            except Killed:
                continue
        projected_by(history, batch, is_lean=choice.random() < 0.5)
    assert history.violations() == []


def projected_by(history: History, records: Any, *, is_lean: bool) -> None:
    assert Projection(history.table.client(), is_lean=is_lean).take(records) is None


def test_a_recount_beside_a_contact_that_is_half_posted() -> None:
    """It counts what counts: a posting whose contact is not posted among all is counted by whoever completes it."""
    history = History()
    history.create("ada", tags=["vip"], lists=["news"])
    projected(history.records, history.table.client())
    history.create("bea", tags=["vip", "beta"])
    untouched = history.table.snapshot()
    for call in range(1, 9):
        history.table.bring_back(untouched)
        try:
            Projection(Mortal(history.table.client(), call), is_lean=True).take(history.records[1:])
        except Killed:
            report = reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()
            assert report["finished"]
            projected(history.records[1:], history.table.client())
            assert history.violations() == [], call
            assert differences(reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()) == 0
        else:
            break


@pytest.mark.parametrize("few", [1000, 1])
def test_only_postings_of_contacts_that_are_posted_among_all_are_counted(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contacts.projection import store

    monkeypatch.setattr(store, "_FEW", few)
    history = History()
    ids = [history.create(f"{number}", tags=["vip"]) for number in range(5)]
    projected(history.records, history.table.client())
    table = Table(history.table.client(), NAME)
    table.write_many({}, [keys.posting(ACCOUNT_ID, ALL_CONTACTS, ids[2])])
    assert store.ReindexStore(table).length(ACCOUNT_ID, VIP) == 4
    assert store.ReindexStore(table).length(ACCOUNT_ID, ALL_CONTACTS) == 4


def test_a_put_that_comes_late_counts_although_somebody_has_looked_before() -> None:
    """One process has put a part of the postings. Its last put comes while another, which is not lean, completes it."""
    history = History()
    history.create("ada", tags=["vip"], lists=["news"])
    untouched, calls = history.table.snapshot(), Mortal(history.table.client(), 2)
    with pytest.raises(Killed):
        Projection(calls, is_lean=True).take(history.records)
    (late,) = [request for method, request in calls.calls if method == "batch_write_item"]
    for number in range(2):
        history.table.bring_back(untouched)
        puts = late["RequestItems"][NAME]
        first = Table(history.table.client(), NAME)
        first.write_many({_put_key(puts[number]): {}}, [])
        client = Mortal(history.table.client())
        looked = partial(first.write_many, {_put_key(puts[1 - number]): {}}, [])

        def call(
            method: str, request: Any, client: Mortal = client, looked: Callable[[], object] = looked
        ) -> Any:
            reads = sum(one == "batch_get_item" for one, _ in client.calls)
            if method == "transact_write_items" and reads == 2:
                looked()
            return getattr(client, method)(**request)

        projected(history.records, Calling(call))
        assert history.violations() == [], number


def _put_key(put: Any) -> keys.Key:
    item = put["PutRequest"]["Item"]
    return keys.Key(item["PK"]["S"], item["SK"]["S"])


class Calling:
    """A client whose calls a function makes: of the method and the request."""

    def __init__(self, call: Callable[[str, Any], Any]) -> None:
        self._call = call

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **request: self._call(method, request)


@pytest.mark.parametrize("number", [47, 48, 50])
@pytest.mark.usefixtures("is_lean")
def test_contacts_with_many_tags(number: int) -> None:
    history = History()
    ada = history.create("ada", tags=[f"t{one}" for one in range(number)])
    untouched, whole = history.table.snapshot(), Mortal(history.table.client())
    projected(history.records, whole)
    assert history.violations() == []
    for call in range(1, min(len(whole.calls), 8) + 1):
        history.table.bring_back(untouched)
        with pytest.raises(Killed):
            Projection(Mortal(history.table.client(), call), is_lean=Projection.is_lean).take(history.records)
        Projection(history.table.client(), is_lean=call % 2 == 0).take(history.records)
        assert history.violations() == [], call
    history.delete(ada)
    projected(history.records, history.table.client())
    assert history.violations() == []
    assert set(counted_in(history.table.items(), ACCOUNT_ID).values()) == {0}


def test_where_it_is_not_lean_nothing_is_put_without_its_count() -> None:
    """A process of an earlier release can go on after any call."""
    history = ordinary_history()
    calls = Mortal(history.table.client())
    Projection(calls, is_lean=False).take(history.records)
    written_plainly = [
        keys.Key(request["Item"]["PK"]["S"], request["Item"]["SK"]["S"])
        for method, call in calls.calls
        if method == "batch_write_item"
        for step in call["RequestItems"][NAME]
        for request in step.values()
        if "Item" in request
    ]
    rooms = (keys.word_partition(ACCOUNT_ID, ""), keys.counts(ACCOUNT_ID))
    assert [key for key in written_plainly if not key.PK.startswith(rooms)] == []
