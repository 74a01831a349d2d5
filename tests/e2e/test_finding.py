"""Finding contacts by whatever they are like, with IAM enforced and the projection a moment behind."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.finding_harness import NAMES, Json, in_order, is_exact, matches
from tests.support.steps.finding import pages
from tests.support.waiting import until


@pytest.fixture(scope="module")
def filled(accounts: Accounts) -> tuple[Account, list[Json]]:
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


@pytest.mark.parametrize("text", ["jo", "JO", "jörg", "ив", "crm-3", "example.com", "jo luk", "nobody"])
def test_a_search_ranks_whole_words_first(text: str, filled: tuple[Account, list[Json]]) -> None:
    account, everybody = filled
    found = [
        one
        for page in pages(account.api, "/v1/contacts/search", {"q": text, "limit": 4})
        for one in page["data"]
    ]
    among = [one for one in in_order(everybody, "-created_at") if matches(one, {"q": text})]
    assert found == sorted(among, key=lambda one: not is_exact(one, {"q": text}))
    alias = account.api.get(f"/api/v1/contacts/search?{urlencode({'q': text, 'limit': 4})}").json()
    assert alias["data"] == found[:4]


def test_one_is_found_by_a_name_with_any_signs_at_once(account: Account) -> None:
    contact = account.api.created(external_id="a/b?c", email="o'neill+x@example.com")
    for query in ({"external_id": "a/b?c"}, {"email": "O'Neill+x@Example.com"}):
        page: Any = account.api.get(f"/v1/contacts?{urlencode(query)}").json()
        assert page == {"data": [contact], "has_more": False, "next_cursor": None}
