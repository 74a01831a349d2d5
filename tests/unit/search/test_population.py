"""What `bench.scale` fills its table with is what creates and the projection would have filled it with."""

from typing import Any

import pytest

from bench import population
from bench.population import Tally, claims_of, contact_of_age, items_of
from bench.scale import Cost, Query, over_budget, read_units
from bench.scale_chart import chart
from contacts.book.model import contact_from
from contacts.search.query import ALL_CONTACTS
from contacts.table import keys
from contacts.table.expressions import from_item, to_item
from local.table import NAME
from tests.support.invariants import counted_in, derived_violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Projection
from tests.support.scenarios import ACCOUNT_ID
from tests.support.streams import Tape, about_contacts

CONTACTS = [contact_of_age(age) for age in range(30)]


def loaded(first_characters: str | None = None) -> dict[keys.Key, Any]:
    """What is loaded for thirty contacts, in typed JSON."""
    tally, items = Tally(), {}
    for contact in CONTACTS:
        tally.add(contact)
        items |= items_of(ACCOUNT_ID, contact, first_characters)
    items |= dict(tally.items(ACCOUNT_ID))
    return {key: to_item({**key._asdict(), **item}) for key, item in items.items()}


def by_key(table: MotoTable) -> dict[keys.Key, Any]:
    return {keys.Key(item["PK"]["S"], item["SK"]["S"]): item for item in table.items()}


def test_derived_items_are_those_of_the_projection() -> None:
    table = MotoTable()
    tape = Tape(table)
    items = loaded()
    for contact in CONTACTS:
        table.call("put_item", {"TableName": NAME, "Item": items[keys.contact(ACCOUNT_ID, contact.id)]})
    assert Projection(table.client()).take(about_contacts(tape.taken(0.0))) is None
    projected = by_key(table)
    assert projected.keys() == items.keys()
    # How often a count changed depends on the batches.
    of_all = keys.count(ACCOUNT_ID, ALL_CONTACTS)
    assert {key: item for key, item in projected.items() if key != of_all} == {
        key: item for key, item in items.items() if key != of_all
    }
    assert projected[of_all].keys() == items[of_all].keys()
    assert counted_in(projected.values(), ACCOUNT_ID) == counted_in(items.values(), ACCOUNT_ID)
    assert derived_violations(items.values(), ACCOUNT_ID) == []


def test_only_words_can_be_left_out_of_a_population() -> None:
    everything, some = loaded(), loaded("z")
    left_out = everything.keys() - some.keys()
    rooms = {key.PK.rpartition("#")[0] for key in left_out}
    assert rooms == {keys.word_partition(ACCOUNT_ID, "z").removesuffix("#z")}
    assert keys.word_partition(ACCOUNT_ID, "z") in {key.PK for key in some}


def test_contacts_match_the_people_they_are_made_from() -> None:
    items = loaded()
    for contact in CONTACTS:
        assert contact_from(from_item(items[keys.contact(ACCOUNT_ID, contact.id)])) == contact
        assert len(claims_of(ACCOUNT_ID, contact)) == 2


def test_contacts_have_realistic_sizes_and_are_the_same_each_time() -> None:
    items = loaded()
    bounds = [int(items[keys.contact(ACCOUNT_ID, contact.id)]["size_bound"]["N"]) for contact in CONTACTS]
    assert min(bounds) > 500
    assert max(bounds) < 1300  # An upper bound, 256 bytes of which are for what is not there yet.
    assert [contact_of_age(age) for age in range(30)] == CONTACTS


def test_tags_and_names_have_the_stated_frequencies() -> None:
    contacts = [contact_of_age(age) for age in range(1000)]
    assert sum(contact.first_name == population.RARE_NAME for contact in contacts) == 20
    tenth = [contact for contact in contacts if population.TENTH in contact.tags]
    assert 60 < sum(population.MOST in contact.tags for contact in tenth) < len(tenth) < 130
    assert any(contact.first_name == population.RARE_NAME for contact in tenth)
    assert sorted((contact.id for contact in contacts), reverse=True) == [contact.id for contact in contacts]


SMALL, LARGE = 1_000, 100_000


@pytest.mark.parametrize(
    ("small", "large", "complaint"),
    [
        (Cost(3, 27), Cost(3, 29.5), None),
        (Cost(2, 0.5), Cost(2, 1.5), None),
        (Cost(3, 20), Cost(3, 23.5), "at 1,000 contacts, but"),
        (Cost(2, 20), Cost(4, 20), "at 1,000 contacts, but"),
        (Cost(5, 20), Cost(4, 20), "5 calls at 1,000"),
        (Cost(3, 31), Cost(3, 30), "31 read units at 1,000"),
    ],
)
def test_what_grows_with_the_account_is_over_budget(small: Cost, large: Cost, complaint: str | None) -> None:
    failures = over_budget(Query("x"), {SMALL: small, LARGE: large})
    assert [complaint in failure for failure in failures if complaint] == ([True] if complaint else [])
    assert bool(failures) == bool(complaint)


def test_a_query_that_may_read_more_may_not_grow_either() -> None:
    query = Query("x", may_read=200)
    assert over_budget(query, {SMALL: Cost(3, 90), LARGE: Cost(3, 95)}) == []
    assert over_budget(query, {SMALL: Cost(3, 90), LARGE: Cost(3, 190)}) != []


ITEM = to_item({"PK": "p", "SK": "s", "text": "x" * 4080})
"""4,090 bytes: one unit."""
LARGE_ITEM = to_item({"PK": "p", "SK": "s", "text": "x" * 4100})


@pytest.mark.parametrize(
    ("operation", "request_", "response", "units"),
    [
        ("GetItem", {"ConsistentRead": True}, {"Item": LARGE_ITEM}, 2),
        ("GetItem", {}, {}, 0.5),
        ("Query", {"ConsistentRead": True}, {"Items": [ITEM, ITEM], "ScannedCount": 2}, 2),
        ("Query", {"ConsistentRead": True}, {"Items": [ITEM], "ScannedCount": 10}, 10),
        ("Query", {"IndexName": "email"}, {"Items": [ITEM, ITEM], "ScannedCount": 2}, 1),
        ("Query", {}, {"Items": [], "ScannedCount": 0}, 0.5),
        ("BatchGetItem", {"Keys": [1, 2, 3]}, [LARGE_ITEM, ITEM], 1 + 0.5 + 0.5),
    ],
)
def test_units_are_counted_as_dynamodb_does(
    operation: str, request_: Any, response: Any, units: float
) -> None:
    if operation == "BatchGetItem":
        request_, response = {"RequestItems": {NAME: request_}}, {"Responses": {NAME: response}}
    assert read_units(operation, request_, response, reported=False) == units


def test_what_is_reported_counts_but_for_what_was_not_found() -> None:
    reported = {"CapacityUnits": 0.0}
    assert read_units("Query", {}, {"ConsumedCapacity": reported}, reported=True) == 0.5
    response = {"ConsumedCapacity": [{"CapacityUnits": 1.0}], "Responses": {NAME: [1, 2]}}
    request = {"RequestItems": {NAME: {"Keys": [1, 2, 3]}}}
    assert read_units("BatchGetItem", request, response, reported=True) == 1.5


def test_the_chart_has_a_bar_for_each_figure() -> None:
    budgets = {"the <newest>": 30, "sort=email": 40}
    drawn = chart(
        {"the <newest>": [8, 8, 8.5], "sort=email": [27, 27, 40]}, [1_000, 10_000, 100_000], budgets
    )
    assert drawn.count("<rect") == 1 + 3 + 1 + 6 + 2  # The ground, the legend with its mark, bars and marks.
    assert "the &lt;newest&gt;" in drawn
    assert ">8.5<" in drawn
    assert "100,000 contacts" in drawn
