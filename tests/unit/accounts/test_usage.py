"""GET /v1/account/usage: what an account has used, hour by hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contacts.accounts.store import USAGE_DAYS
from contacts.table import keys
from tests.support.accounts import Account, Accounts, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import assert_problem, culprits


@pytest.fixture(autouse=True)
def _within_an_hour() -> None:
    """Each test begins and ends in the same hour."""
    wait_for_a_fresh_hour_if_this_one_ends_within(5)


def hour(ago: int) -> str:
    """The hour so many hours ago."""
    return f"{datetime.now(UTC) - timedelta(hours=ago):%Y-%m-%dT%H}"


def use(account: Account, ago: int, **counted: int) -> None:
    """Have an account use its limits so many hours ago."""
    attributes: dict[str, Any] = {name: {"N": str(number)} for name, number in counted.items()}
    account.put_item(keys.usage(account.id, hour(ago)), {**attributes, "key_ids": {"SS": ["key_1"]}})


def hours(account: Account, query: str = "") -> list[str]:
    """The hours that are listed but for this one, in which the test itself asks."""
    answer = account.api.get(f"/v1/account/usage{query}")
    assert answer.status_code == 200, answer.text
    return [one["hour"] for one in answer.json()["data"] if one["hour"] != hour(0)]


def test_the_hours_of_use_are_listed_the_oldest_first(accounts: Accounts) -> None:
    account = accounts.open("Usage", plan="free")
    use(account, 3, used=7, written=21)
    use(account, 5, used=2)  # Written before items were counted.
    account.api.delete("/v1/contacts/nobody")
    shown = account.api.get("/v1/account/usage").json()
    assert shown == {
        "data": [
            {"hour": hour(5), "requests": 2, "written": 0},
            {"hour": hour(3), "requests": 7, "written": 21},
            {"hour": hour(0), "requests": 2, "written": 1},
        ],
        "hourly_limit": 100,
        "hourly_written_limit": 2_000,
    }


def test_what_is_older_than_31_days_is_not_listed_although_the_table_has_it(account: Account) -> None:
    """DynamoDB removes an item some time after its end, not at its end."""
    for ago in (USAGE_DAYS * 24 + 1, USAGE_DAYS * 24, 1):
        use(account, ago, used=1)
    assert hours(account) == [hour(USAGE_DAYS * 24), hour(1)]
    assert hours(account, "?from=1970-01-01") == [hour(USAGE_DAYS * 24), hour(1)]


def test_31_days_without_a_pause_are_one_answer(account: Account) -> None:
    for ago in range(1, USAGE_DAYS * 24 + 1):
        use(account, ago, used=ago)
    assert len(hours(account)) == USAGE_DAYS * 24


def test_an_hour_is_listed_where_a_part_of_it_lies_between(account: Account) -> None:
    for ago in (2, 3, 4):
        use(account, ago, used=1)
    assert hours(account, f"?from={hour(3)}:30:00Z") == [hour(3), hour(2)]
    assert hours(account, f"?to={hour(3)}:00:00Z") == [hour(4)]
    assert hours(account, f"?to={hour(3)}:00:00.001Z") == [hour(4), hour(3)]
    assert hours(account, f"?from={hour(3)}:59:59Z&to={hour(2)}:00:00Z") == [hour(3)]
    assert hours(account, f"?from={hour(3)}:00:00%2B02:00&to={hour(3)}:00:00Z") == [hour(4)]
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert hours(account, f"?from={tomorrow}") == []
    assert hours(account, f"?to={tomorrow}") == [hour(4), hour(3), hour(2)]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("?from=yesterday", {"from"}),
        ("?from=2026-01-15T10", {"from"}),
        ("?from=&to=1969-12-31T23:00:00Z", {"from", "to"}),
        ("?from=2026-01-15&from=2026-01-16", {"from"}),
        ("?from=2026-01-16&to=2026-01-15", {"to"}),
        ("?from=2026-01-15&to=2026-01-15T00:00:00Z", {"to"}),
        ("?from_=2026-01-15", {"from_"}),
        ("?limit=10&hour=10", {"limit", "hour"}),
    ],
)
def test_what_is_wrong_is_named(query: str, wrong: set[str], shared_account: Account) -> None:
    problem = assert_problem(shared_account.api.get(f"/v1/account/usage{query}"), 400, "invalid_input")
    assert culprits(problem) == wrong


def test_accounts_do_not_see_each_others_usage(account: Account, other_account: Account) -> None:
    use(account, 2, used=5)
    assert (hours(account), hours(other_account)) == ([hour(2)], [])


def test_a_test_keys_requests_are_its_accounts(account: Account) -> None:
    use(account, 2, used=5)
    with account.api_with(account.key(mode="test")["key"]) as api:
        assert api.get("/v1/account/usage").json()["data"][0]["requests"] == 5
