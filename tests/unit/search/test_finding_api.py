"""Finding contacts by whatever they are like, among those that are projected."""

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.api import assert_problem
from tests.support.finding_harness import NAMES, SORTS, Json, in_order, matches
from tests.support.steps.finding import pages
from tests.support.waiting import until

QUERIES: list[Json] = [
    {},
    {"tag": ["vip"]},
    {"tag": ["vip", "a,b #1"], "list": ["news"]},
    {"tag": ["vip"], "is_active": True, "search": "jo"},
    {"search": "Jö"},
    {"search": "luk jo"},
    {"search": "ив", "is_unsubscribed": False},
    {"list": ["news"], "updated_after": 5, "created_before": 20},
    {"updated_after": 3, "updated_before": 15, "is_active": False},
    {"validation_status": "pending", "created_after": 4},
    {"tag": ["nobody's"]},
]


@pytest.fixture(scope="module")
def filled(projection: None, accounts: Accounts) -> tuple[Account, list[Json]]:
    """An account with 24 contacts, projected, and these as they are read."""
    account = accounts.open()
    for number in range(24):
        name = NAMES[number % len(NAMES)]
        names = {} if name is None else {"first_name": name}
        email = {"email": f"p{number:02}.x@example.com"} if number % 4 else {}
        account.api.created(
            external_id=f"crm-{number % 5}-{number}",
            **names,
            **email,
            tags=[tag for tag, every in (("vip", 2), ("a,b #1", 3)) if number % every == 0],
            lists=["news"] if number % 4 < 3 else [],
            is_active=number % 5 > 0,
            is_unsubscribed=number % 6 == 0,
        )
    for number in range(0, 24, 3):
        answer = account.api.patch(f"/v1/contacts/crm-{number % 5}-{number}", {"metadata": {"changed": True}})
        assert answer.status_code == 200
    assert until(lambda: account.derived_contradictions() == [])
    return account, account.api.get("/v1/contacts?limit=100").json()["data"]


def asked(query: Json, contacts: list[Json]) -> Json:
    """A query whose moments are those of contacts."""
    found = dict(query)
    for name in set(query) & {"created_after", "created_before", "updated_after", "updated_before"}:
        found[name] = contacts[query[name]][f"{name.partition('_')[0]}_at"]
    return found


@pytest.mark.parametrize("query", QUERIES, ids=str)
@pytest.mark.parametrize("by_offset", [False, True], ids=["by cursor", "by offset"])
def test_every_filter_and_sort_finds_what_a_plain_filter_finds(
    query: Json, by_offset: bool, filled: tuple[Account, list[Json]]
) -> None:
    account, everybody = filled
    wanted = asked(query, everybody)
    for sort in SORTS:
        expected = in_order([one for one in everybody if matches(one, wanted)], sort)
        given = {**wanted, "sort": sort, "limit": 7, "include_total": True}
        found = list(pages(account.api, "/v1/contacts", given, by_offset=by_offset))
        assert [one for page in found for one in page["data"]] == expected, sort
        assert {page["total"] for page in found} == {len(expected)}


def test_an_account_finds_only_its_own(accounts: Accounts, filled: tuple[Account, list[Json]]) -> None:
    account, other = filled[0], accounts.open()
    cursor = account.api.get("/v1/contacts?limit=2&tag=vip").json()["next_cursor"]
    for query in (
        "tag=vip",
        "search=jo",
        "sort=email",
        "updated_after=2020-01-01T00:00:00Z",
        "external_id=crm-0-0",
    ):
        page = other.api.get(f"/v1/contacts?{query}&include_total=true").json()
        assert page == {"data": [], "has_more": False, "next_cursor": None, "total": 0}
    assert other.api.get("/v1/contacts/search?q=jo").json()["data"] == []
    assert_problem(other.api.get(f"/v1/contacts?limit=2&tag=vip&cursor={cursor}"), 400)


def test_a_test_key_finds_nobody(filled: tuple[Account, list[Json]]) -> None:
    account = filled[0]
    key = account.key(mode="test", scopes=["contacts:read"])["key"]
    for path in (
        "/v1/contacts?tag=vip&sort=email&include_total=true&offset=3",
        "/v1/contacts/search?q=jo&include_total=true",
    ):
        page = account.api_with(key).get(path).json()
        assert page == {"data": [], "has_more": False, "next_cursor": None, "total": 0}


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ("limit=101", "limit"),
        ("offset=10001", "offset"),
        ("created_after=2026-01-15T10:30:00", "created_after"),
        ("search=%CC%81", "search"),
        ("sort=age", "sort"),
        ("list=No+Slug", "list"),
        ("cursor=xyz", "cursor"),
    ],
)
def test_bad_input_is_named(query: str, culprit: str, account: Account) -> None:
    problem = assert_problem(account.api.get(f"/v1/contacts?{query}"), 400)
    assert problem["field"] == culprit
