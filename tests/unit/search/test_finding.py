"""Lists and searches against a plain filter over the same contacts: same set, same order, no double, no gap."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.search import planner as planning
from contacts.search import service as finding
from contacts.search.index import ContactIndex
from contacts.search.query import ContactBatch
from contacts.table import client as table
from tests.support.finding_harness import NAMES, SORTS, FindingHarness, Json, in_order, is_exact, matches
from tests.support.hypothesis_profiles import examples

TAGS, LISTS = ["vip", "customer", "a,b #1"], ["news", "launch"]
PHONES = ["+380501234567", "+441234567", "+3801234567"]
TEXTS = [
    "jo",
    "Jö",
    "j",
    "jo luk",
    "ив",
    "ann",
    "p1",
    "nobody",
    "jo-ann",
    "Luk,John",
    "1234567",
    "380501234567",
]

people = st.fixed_dictionaries(
    {
        "first_name": st.sampled_from(NAMES),
        "tags": st.lists(st.sampled_from(TAGS), unique=True),
        "lists": st.lists(st.sampled_from(LISTS), unique=True),
        "is_active": st.booleans(),
        "is_unsubscribed": st.booleans(),
        "has": st.sampled_from(["email", "external_id", "both"]),
        "phone": st.sampled_from([None, *PHONES]),
        "later_ms": st.sampled_from([0, 1, 50]),
    }
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "tag": st.lists(st.sampled_from(TAGS), min_size=1, max_size=3, unique=True),
        "list": st.lists(st.sampled_from(LISTS), min_size=1, max_size=2, unique=True),
        "is_active": st.booleans(),
        "is_unsubscribed": st.booleans(),
        "validation_status": st.sampled_from(["pending", "valid"]),
        "created_after": st.integers(0, 24),
        "created_before": st.integers(0, 24),
        "updated_after": st.integers(0, 24),
        "updated_before": st.integers(0, 24),
        "phone": st.sampled_from(PHONES),
        "search": st.sampled_from([*TEXTS, "example"]),
    },
)
tight = st.fixed_dictionaries(
    {
        "in_memory": st.sampled_from([0, 3, 1000]),
        "worth_looking": st.sampled_from([0, 100]),
        "candidates": st.sampled_from([1, 7, 1000]),
        "bytes": st.sampled_from([1, 2000, 6_000_000]),
        "held": st.sampled_from([0, 1500, 3_000_000]),
        "keys_at_first": st.sampled_from([1, 3, 64]),
        "bytes_at_once": st.sampled_from([1, 3000, 2_000_000]),
        "at_once": st.sampled_from([2, 1000]),
    }
)
"""Bounds so tight that small accounts are found in the ways of large ones."""


@contextmanager
def bounds(chosen: dict[str, Any]) -> Iterator[None]:
    with (
        patch.object(planning, "MAX_IN_MEMORY", chosen["in_memory"]),
        patch.object(finding, "MAX_IN_MEMORY", chosen["in_memory"]),
        patch.object(planning, "SHORT_POSTING_LIST", chosen["worth_looking"]),
        patch.object(finding, "MAX_CANDIDATES", chosen["candidates"]),
        patch.object(finding, "MAX_FETCHED_AT_ONCE", chosen["at_once"]),
        patch.object(finding, "MAX_BYTES", chosen.get("bytes", finding.MAX_BYTES)),
        patch.object(finding, "MAX_HELD_BYTES", chosen.get("held", 3_000_000)),
        patch.object(table, "_KEYS_AT_FIRST", chosen.get("keys_at_first", 64)),
        patch.object(table, "_BYTES_AT_ONCE", chosen.get("bytes_at_once", 2_000_000)),
    ):
        yield


def filled(contacts: list[Json]) -> tuple[FindingHarness, list[str]]:
    """A harness with contacts, and their ids."""
    harness, ids = FindingHarness(), []
    for number, person in enumerate(contacts):
        harness.clock.at_ms += person["later_ms"]
        email = f"p{number}.x@example.com" if person["has"] != "external_id" else None
        external_id = f"P{number % 3}-{number}" if person["has"] != "email" else None
        fields = {key: value for key, value in person.items() if key not in ("has", "later_ms")}
        ids.append(harness.create(**fields, email=email, external_id=external_id))
    for contact_id in ids[::3]:
        harness.clock.at_ms += 1
        harness.change(contact_id, metadata={"changed": True})
    harness.project()
    return harness, ids


def with_moments(query: Json, contacts: list[Json]) -> Json:
    """A query whose moments are those of contacts."""
    found = dict(query)
    for name in ("created_after", "created_before", "updated_after", "updated_before"):
        if name in query:
            field = "created_at" if name.startswith("created") else "updated_at"
            found[name] = contacts[query[name] % len(contacts)][field]
    return found


def ids_of(contacts: list[Json]) -> list[str]:
    return [contact["id"] for contact in contacts]


@given(
    contacts=st.lists(people, min_size=1, max_size=14),
    query=filters,
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 6),
    by_offset=st.booleans(),
    chosen=tight,
)
@settings(max_examples=examples(60))
def test_a_list_is_what_a_plain_filter_finds(
    contacts: list[Json], query: Json, sort: str, limit: int, by_offset: bool, chosen: dict[str, Any]
) -> None:
    harness, _ = filled(contacts)
    everybody = harness.contacts()
    asked = with_moments(query, everybody)
    expected = in_order([one for one in everybody if matches(one, asked)], sort)
    with bounds(chosen):
        pages = list(
            harness.pages({**asked, "sort": sort, "limit": limit, "include_total": True}, by_offset=by_offset)
        )
    assert ids_of([one for page in pages for one in page["data"]]) == ids_of(expected)
    assert [one for page in pages for one in page["data"]] == expected
    assert all(len(page["data"]) <= limit for page in pages)
    assert {page["total"] for page in pages} == {len(expected)}


@given(
    contacts=st.lists(people, min_size=1, max_size=14),
    query=filters,
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 6),
    chosen=tight,
)
@settings(max_examples=examples(30))
def test_pages_by_offset_miss_nobody_where_a_page_is_short(
    contacts: list[Json], query: Json, sort: str, limit: int, chosen: dict[str, Any]
) -> None:
    harness, _ = filled(contacts)
    everybody = harness.contacts()
    asked = {**with_moments(query, everybody), "sort": sort, "limit": limit}
    expected = in_order([one for one in everybody if matches(one, asked)], sort)
    found: list[Json] = []
    with bounds(chosen):
        for number in range(100):
            page = harness.ask({**asked, "offset": number * limit}).body
            found += page["data"]
            if not page["has_more"]:
                break
    assert ids_of(found) == ids_of(expected)


@given(
    contacts=st.lists(people, min_size=1, max_size=12),
    query=filters,
    text=st.sampled_from([*TEXTS, "example.com"]),
    limit=st.integers(1, 6),
    chosen=tight,
)
@settings(max_examples=examples(50))
def test_a_search_finds_whole_words_first_then_the_newest(
    contacts: list[Json], query: Json, text: str, limit: int, chosen: dict[str, Any]
) -> None:
    harness, _ = filled(contacts)
    everybody = harness.contacts()
    asked = {**with_moments(query, everybody), "q": text}
    asked.pop("search", None)
    found = [one for one in in_order(everybody, "-created_at") if matches(one, asked)]
    expected = sorted(found, key=lambda one: not is_exact(one, asked))
    with bounds(chosen):
        route = "/v1/contacts/search"
        pages = list(harness.pages({**asked, "limit": limit, "include_total": True}, route))
    shown = [one for page in pages for one in page["data"]]
    assert {page["total"] for page in pages} == {len(expected)}
    assert sorted(ids_of(shown)) == sorted(ids_of(expected))
    whole = sum(is_exact(one, asked) for one in expected)
    assert shown[:whole] == expected[:whole]
    if chosen["in_memory"] == 1000:
        assert shown == expected


@given(
    contacts=st.lists(people, min_size=1, max_size=12),
    text=st.sampled_from(["jo", "j", "example.com", "p1", "jo-ann", "1234567"]),
    limit=st.integers(1, 6),
    by_offset=st.booleans(),
    chosen=tight,
)
@settings(max_examples=examples(30))
def test_a_search_without_a_total_finds_the_same(
    contacts: list[Json], text: str, limit: int, by_offset: bool, chosen: dict[str, Any]
) -> None:
    """It looks for the others only where those that have the word do not fill the page."""
    harness, _ = filled(contacts)
    asked: Json = {"q": text, "limit": limit}
    route = "/v1/contacts/search"
    with bounds(chosen):
        told = [*harness.pages({**asked, "include_total": True}, route)]
        untold = [*harness.pages(asked, route, by_offset=by_offset)]
    assert [one for page in untold for one in page["data"]] == [one for page in told for one in page["data"]]


@given(
    contacts=st.lists(people, min_size=1, max_size=12),
    text=st.sampled_from(["jo", "j", "p1", "jo-ann", "1234567"]),
    limit=st.integers(1, 6),
    chosen=tight,
)
@settings(max_examples=examples(30))
def test_pages_of_a_search_by_number_miss_nobody_and_repeat_nobody(
    contacts: list[Json], text: str, limit: int, chosen: dict[str, Any]
) -> None:
    harness, _ = filled(contacts)
    asked: Json = {"q": text, "limit": limit}
    route, found = "/v1/contacts/search", list[Json]()
    with bounds(chosen):
        expected = [one for page in harness.pages(asked, route) for one in page["data"]]
        for number in range(200):
            page = harness.ask({**asked, "offset": number * limit}, route).body
            found += page["data"]
            if not page["has_more"]:
                break
    assert ids_of(found) == ids_of(expected)


def test_a_bookmark_of_a_search_holds_no_word_and_goes_with_its_contact() -> None:
    """It may outlive the erasure of its contact."""
    harness, ids = filled([_person(number) for number in range(16)])
    route, asked = "/v1/contacts/search", {"q": "j", "limit": 3}
    with bounds({"in_memory": 0, "worth_looking": 0, "candidates": 1000, "at_once": 1000}):
        found = [one for page in harness.pages(asked, route, by_offset=True) for one in page["data"]]
        bookmarks = [item for item in harness.table.items() if item["PK"]["S"].endswith("#PAGES")]
        values = {item["value"]["S"] for item in bookmarks if "S" in item.get("value", {})}
        assert values
        assert all(value.isdigit() for value in values)
        # Without the contact that the page began after, the walk counts from the beginning, as far as that is known.
        last = found[8]["id"]
        harness.delete(last)
        harness.project()
        rest = harness.ask({**asked, "offset": 8}, route).body["data"]
        assert [one["id"] for one in rest] == ids_of(found[9:12])
        assert set(ids) > {last}


def test_a_page_in_the_order_of_words_takes_the_place_of_what_short_pages_remembered() -> None:
    """Pages of whole words, of one contact each, also remember what clients that count pages ask next."""
    harness, _ = filled([_person(number) for number in range(12)])
    tight = {"in_memory": 0, "worth_looking": 0, "candidates": 1000, "at_once": 2, "bytes": 1, "held": 0}
    asked, route = {"q": "jo", "limit": 5}, "/v1/contacts/search"
    with bounds({**tight, "keys_at_first": 1, "bytes_at_once": 1}):
        expected = [one for page in harness.pages(asked, route) for one in page["data"]]
        found = [one for page in harness.pages(asked, route, by_offset=True) for one in page["data"]]
    assert ids_of(found) == ids_of(expected)


@pytest.mark.parametrize("in_memory", [0, 1000], ids=["in the order of the words", "the newest first"])
def test_a_search_continues_from_any_offset(in_memory: int) -> None:
    harness, _ = filled([_person(number) for number in range(16)])
    route = "/v1/contacts/search"
    with bounds({"in_memory": in_memory, "worth_looking": 0, "candidates": 1000, "at_once": 1000}):
        found = harness.ask({"q": "jo", "limit": 100}, route).body["data"]
        assert len(found) == 12
        for begin in reversed(range(len(found))):  # so that no bookmark lies before it
            assert (
                harness.ask({"q": "jo", "limit": 3, "offset": begin}, route).body["data"]
                == found[begin : begin + 3]
            )
        for limit in range(1, len(found)):
            pages = harness.pages({"q": "jo", "limit": limit}, route)
            assert [one for page in pages for one in page["data"]] == found


def test_contacts_found_by_a_whole_word_are_not_read_again() -> None:
    harness, _ = filled([_person(number) for number in range(16)])
    read: list[str] = []
    load = ContactIndex.load

    def recorded_load(index: ContactIndex, ids: Iterable[str]) -> Iterator[ContactBatch]:
        loaded = list(ids)
        read.extend(loaded)
        return load(index, loaded)

    with patch.object(ContactIndex, "load", recorded_load):
        found = harness.ask({"q": "jo", "limit": 100}, "/v1/contacts/search").body["data"]
    assert len(found) > sum(is_exact(one, {"q": "jo"}) for one in found) > 0
    assert read == ids_of(found)


@given(
    contacts=st.lists(people, min_size=4, max_size=14),
    query=filters,
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 4),
    chosen=tight,
    seed=st.integers(0, 1 << 30),
    lags=st.booleans(),
)
@settings(max_examples=examples(60))
def test_a_contact_that_nobody_changes_is_listed_exactly_once(
    contacts: list[Json], query: Json, sort: str, limit: int, chosen: dict[str, Any], seed: int, lags: bool
) -> None:
    harness, ids = filled(contacts)
    everybody = harness.contacts()
    asked = with_moments(query, everybody)
    random, touched = Random(seed), set[str]()
    alive = list(ids)

    def meanwhile() -> None:
        harness.clock.at_ms += random.choice([0, 1, 7])
        what = random.randrange(3)
        if what == 0:
            name = random.choice(["jo new", "Ada"])
            created = harness.create(
                external_id=f"new-{random.random()}", first_name=name, tags=random.sample(TAGS, 2)
            )
            touched.add(created)
        elif alive:
            chosen_id = alive.pop(random.randrange(len(alive)))
            touched.add(chosen_id)
            if what == 1:
                harness.delete(chosen_id)
            else:
                harness.change(chosen_id, tags=random.sample(TAGS, 1), is_active=random.random() < 0.5)
        if not lags:
            harness.project()

    with bounds(chosen):
        walked = harness.pages({**asked, "sort": sort, "limit": limit}, meanwhile=meanwhile)
        shown = [one for page in walked for one in page["data"]]
    expected = [one for one in in_order(everybody, sort) if matches(one, asked) and one["id"] not in touched]
    assert [one["id"] for one in shown if one["id"] not in touched] == ids_of(expected)


@pytest.mark.parametrize("sort", SORTS)
def test_a_cursor_is_valid_after_its_contact_is_gone(sort: str) -> None:
    harness, _ = filled([_person(number) for number in range(6)])
    expected = in_order(harness.contacts(), sort)
    page = harness.ask({"sort": sort, "limit": 3}).body
    for one in page["data"]:
        harness.delete(one["id"])
    harness.project()
    rest = harness.ask({"sort": sort, "limit": 3, "cursor": page["next_cursor"]}).body
    assert rest["data"] == expected[3:]


def _person(number: int) -> Json:
    return {
        "first_name": NAMES[number % len(NAMES)],
        "tags": [],
        "lists": [],
        "is_active": True,
        "is_unsubscribed": False,
        "has": "both",
        "phone": None,
        "later_ms": 1,
    }


def test_words_are_found_in_any_script_and_with_signs() -> None:
    harness = FindingHarness()
    names = ["Jörg Łukasz", "Ｊｏｒｇ", "Иванов", "party \N{PARTY POPPER}", "C# dev", "O’Neill"]
    ids = {name: harness.create(external_id=f"crm-{number}", name=name) for number, name in enumerate(names)}
    harness.project()
    for query, expected in {
        "JORG": ["Ｊｏｒｇ", "Jörg Łukasz"],
        "ив": ["Иванов"],
        "\N{PARTY POPPER}": ["party \N{PARTY POPPER}"],
        "c#, dev": ["C# dev"],
        "lukasz": ["Jörg Łukasz"],
        "o'n": ["O’Neill"],
        "neill": ["O’Neill"],
        "crm-2": ["Иванов"],
    }.items():
        found = harness.ask({"q": query}, "/v1/contacts/search").body["data"]
        assert ids_of(found) == [ids[name] for name in expected], query
        assert ids_of(harness.ask({"search": query}).body["data"]) == ids_of(found)
