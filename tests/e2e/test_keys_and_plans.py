"""Accounts, API keys with their scopes and modes, and the hourly limits of plans."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.accounts import Account, Accounts, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import Api, assert_problem, path_of
from tests.support.steps.keys import FIRST_SCOPES

# Accounts


@pytest.mark.parametrize(
    ("command", "limit", "written", "webhooks"),
    [
        ({"plan": "free"}, 100, 2_000, 5),
        ({"plan": "pro"}, 10_000, 100_000, 25),
        ({"plan": "enterprise", "hourly_limit": 123_456}, 123_456, 1_234_560, 100),
        (
            {"plan": "enterprise", "hourly_limit": 123_456, "hourly_written_limit": 1_000},
            123_456,
            1_000,
            100,
        ),
    ],
    ids=["free", "pro", "enterprise", "enterprise with its own"],
)
def test_a_new_account_has_the_limits_of_its_plan(
    command: Any, limit: int, written: int, webhooks: int, accounts: Accounts
) -> None:
    account = accounts.open("Söhne & Töchter 東京", **command)
    wait_for_a_fresh_hour_if_this_one_ends_within(5)
    account.api.delete("/v1/contacts/nobody")
    shown = account.api.get("/v1/account").json()
    resets_at = datetime.fromisoformat(shown.pop("resets_at"))
    assert (shown["key"].pop("id")[:4], "account:read" in shown["key"].pop("scopes")) == ("key_", True)
    assert shown == {
        "id": account.id,
        "name": "Söhne & Töchter 東京",
        "plan": command["plan"],
        "hourly_limit": limit,
        "used_this_hour": 2,
        "hourly_written_limit": written,
        "written_this_hour": 1,
        "webhook_limit": webhooks,
        "counts": {"contacts": 0},
        "key": {"name": "first key", "mode": "live"},
    }
    assert (resets_at.minute, resets_at.second) == (0, 0)
    used = account.api.get("/v1/account/usage").json()
    assert [(one["requests"], one["written"]) for one in used["data"]] == [(3, 1)]
    assert (used["hourly_limit"], used["hourly_written_limit"]) == (limit, written)
    assert 0 < (resets_at - datetime.now(UTC)).total_seconds() <= 3600


# Keys


def test_a_key_is_made_listed_used_and_revoked(account: Account) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(10)
    made = account.api.post("/v1/api-keys", {"name": "CRM – синхронізація", "scopes": ["contacts:read"]})
    shown = made.json()
    assert made.status_code == 201
    key = shown.pop("key")
    assert key.startswith("sk_live_")
    assert shown["last_four"] == key[-4:]
    assert shown == {
        **shown,
        "name": "CRM – синхронізація",
        "scopes": ["contacts:read"],
        "mode": "live",
        "dialect": "native",
    }
    assert set(shown) == {"id", "name", "scopes", "mode", "dialect", "last_four", "created_at", "made_by"}

    listed = account.api.get("/v1/api-keys").json()
    first, second = listed["data"]
    assert (listed["has_more"], listed["next_cursor"]) == (False, None)
    assert second == shown
    assert (first["scopes"], first["last_four"]) == (FIRST_SCOPES, account.api.key[-4:])
    assert "key" not in first

    with account.api_with(key) as reader:
        assert reader.get("/v1/contacts").status_code == 200
    used = account.api.get("/v1/api-keys").json()["data"][1]
    assert used == {**shown, "last_used_hour": f"{datetime.now(UTC):%Y-%m-%dT%H}"}

    revoked = account.api.delete(f"/v1/api-keys/{shown['id']}")
    assert (revoked.status_code, revoked.json()) == (
        200,
        {"deleted": True, "id": shown["id"], "also_revoked": []},
    )
    assert [entry["id"] for entry in account.api.get("/v1/api-keys").json()["data"]] == [first["id"]]
    assert_problem(account.api.delete(f"/v1/api-keys/{shown['id']}"), 404, "api_key_not_found")


def test_a_key_in_use_can_be_revoked(revoked_key: tuple[Api, float]) -> None:
    """Functions that know it may let it in for up to a minute more; test_reliability looks at it after that."""
    api, _ = revoked_key
    assert api.get("/v1/account").status_code in (200, 401)


# Keys in their place


def test_a_key_may_come_in_either_header_or_in_both(account: Account) -> None:
    key = account.api.key
    with account.api_with(None) as api:
        for headers in (
            {"X-API-Key": key},
            {"x-api-key": key},
            {"Authorization": f"Bearer {key}"},
            {"authorization": f"bearer   {key}"},
            {"X-API-Key": key, "Authorization": f"Bearer {key}"},
        ):
            assert api.send("GET", "/v1/account", headers=headers).status_code == 200, headers


# Limits


def test_every_answer_says_how_the_account_stands(accounts: Accounts) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(10)
    account = accounts.open(plan="pro")
    answers = [
        account.api.get("/v1/account"),
        account.api.get("/v1/nowhere"),
        account.api.post("/v1/contacts", {}),
        account.api.get(path_of("nobody")),
    ]
    now = time.time()
    for used, answer in enumerate(answers, start=1):
        headers = answer.headers
        resets_at = int(headers["X-RateLimit-Reset"])
        assert resets_at % 3600 == 0
        assert 0 < resets_at - now <= 3600
        assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == (
            "10000",
            str(10_000 - used),
        )
        assert headers["RateLimit-Policy"] == '"hour";q=10000;w=3600'
        quota, remaining, seconds = headers["RateLimit"].split(";")
        assert (quota, remaining) == ('"hour"', f"r={10_000 - used}")
        assert abs(int(seconds.removeprefix("t=")) - (resets_at - now)) < 10
