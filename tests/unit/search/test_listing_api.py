"""Lists: every contact once, in order of creation, a page at a time."""

import time
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.api import Api, assert_problem, culprits, path_of
from tests.support.steps.lists import walk

NAMES = [f"n{number:02}" for number in range(25)]


def listed(api: Api, **query: Any) -> list[str]:
    """The external ids of a list, in its order."""
    return [contact["external_id"] for page in walk(api, **query) for contact in page]


@pytest.fixture(scope="module")
def filled(accounts: Accounts) -> tuple[Account, list[dict[str, Any]]]:
    """An account with 25 contacts, created one after the other in this order."""
    account = accounts.open()
    contacts = []
    for number, name in enumerate(NAMES):
        contacts.append(
            account.api.created(
                external_id=name, is_active=number % 2 == 0, is_unsubscribed=number % 5 == 0, tags=[name]
            )
        )
        # Ids are in order to the millisecond, so is the list.
        time.sleep(0.002)
    return account, contacts


def test_an_empty_list(account: Account) -> None:
    assert account.api.get("/v1/contacts").json() == {"data": [], "has_more": False, "next_cursor": None}


@pytest.mark.parametrize("limit", [1, 7, 24, 25, 26, 100])
@pytest.mark.parametrize(
    ("sort", "expected"),
    [({}, NAMES[::-1]), ({"sort": "-created_at"}, NAMES[::-1]), ({"sort": "created_at"}, NAMES)],
    ids=["default", "newest first", "oldest first"],
)
def test_pages_list_every_contact_once_and_in_order(
    limit: int, sort: Any, expected: list[str], filled: tuple[Account, Any]
) -> None:
    pages = list(walk(filled[0].api, limit=limit, **sort))
    assert [contact["external_id"] for page in pages for contact in page] == expected
    assert [len(page) for page in pages] == [
        min(limit, 25 - start) for start in range(0, max(25, limit), limit) if start < 25
    ]


def test_a_page_has_the_contacts_as_they_are_read(filled: tuple[Account, list[dict[str, Any]]]) -> None:
    account, contacts = filled
    page = account.api.get("/v1/contacts?limit=3&sort=created_at").json()["data"]
    assert page == contacts[:3] == [account.api.contact(contact["id"]) for contact in page]


def test_the_default_page_size_is_fifty(account: Account) -> None:
    for number in range(51):
        account.api.created(external_id=str(number))
    assert [len(page) for page in walk(account.api)] == [50, 1]


def test_a_new_contact_is_listed_at_once(account: Account) -> None:
    for number in range(5):
        contact = account.api.created(external_id=str(number))
        assert account.api.get("/v1/contacts?limit=1").json()["data"] == [contact]


def test_starting_after_is_another_name_for_cursor(filled: tuple[Account, Any]) -> None:
    pages = walk(filled[0].api, cursor_name="starting_after", limit=10, sort="created_at")
    assert [contact["external_id"] for page in pages for contact in page] == NAMES


FLAGS = {
    "is_active=true": NAMES[0::2],
    "is_active=false": NAMES[1::2],
    "is_unsubscribed=true": NAMES[0::5],
    "is_active=false&is_unsubscribed=true": NAMES[5::10],
    "validation_status=pending": NAMES,
    "validation_status=valid": [],
}


@pytest.mark.parametrize(("flags", "expected"), FLAGS.items(), ids=list(FLAGS))
@pytest.mark.parametrize("limit", [2, 100])
def test_filters_by_flags(flags: str, expected: list[str], limit: int, filled: tuple[Account, Any]) -> None:
    query = dict(pair.split("=") for pair in flags.split("&"))
    assert listed(filled[0].api, sort="created_at", limit=limit, **query) == expected


def test_filters_by_time_of_creation(filled: tuple[Account, list[dict[str, Any]]]) -> None:
    """After is inclusive, before is exclusive, so that neighbouring spans share nothing and miss nothing."""
    account, contacts = filled
    moment = contacts[10]["created_at"]
    after = listed(account.api, sort="created_at", created_after=moment)
    before = listed(account.api, sort="created_at", created_before=moment)
    assert before + after == NAMES
    assert after[0] == NAMES[10]
    between = {"created_after": moment, "created_before": contacts[15]["created_at"]}
    assert listed(account.api, sort="created_at", limit=2, **between) == NAMES[10:15]
    assert listed(account.api, created_after=moment, created_before=moment) == []
    assert listed(account.api, created_after="2200-01-01T00:00:00Z") == []
    assert listed(account.api, created_before="1970-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "moment",
    ["2026-01-15T10:30:00Z", "2026-01-15T10:30:00.123Z", "2026-01-15T12:30:00+02:00", "2026-01-15 10:30:00Z"],
)
def test_a_timestamp_may_be_written_in_several_ways(moment: str, filled: tuple[Account, Any]) -> None:
    assert listed(filled[0].api, created_after=moment, sort="created_at") == NAMES
    # A plus is often sent as it is.
    answer = filled[0].api.get(f"/v1/contacts?created_before={moment.replace(' ', 'T')}")
    assert answer.json()["data"] == []


def test_a_cursor_is_valid_after_its_contact_is_gone(account: Account) -> None:
    for name in "abcdef":
        account.api.created(external_id=name)
        time.sleep(0.002)
    first = account.api.get("/v1/contacts?limit=2&sort=created_at").json()
    account.api.delete(path_of("b", "?permanent=true"))
    account.api.delete(path_of("d"))
    account.api.created(external_id="g")
    rest = account.api.get(f"/v1/contacts?limit=50&sort=created_at&cursor={first['next_cursor']}").json()
    assert [contact["external_id"] for contact in rest["data"]] == ["c", "e", "f", "g"]


# What is no cursor of this list


@pytest.mark.parametrize(
    "other",
    [
        {"sort": "created_at"},
        {"is_active": "true"},
        {"created_after": "2026-01-01T00:00:00Z"},
        {"validation_status": "valid"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_a_cursor_belongs_to_its_query(other: Any, filled: tuple[Account, Any]) -> None:
    api = filled[0].api
    cursor = api.get("/v1/contacts?limit=5").json()["next_cursor"]
    problem = assert_problem(api.get(f"/v1/contacts?{urlencode({'cursor': cursor, **other})}"), 400)
    assert culprits(problem) == {"cursor"}
    # How many a page has is no part of the query.
    assert api.get(f"/v1/contacts?limit=7&cursor={cursor}").status_code == 200
