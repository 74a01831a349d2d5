"""Accounts, API keys with their scopes and modes, and the hourly limits of plans."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.support.accounts import Account, Accounts, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import Api, assert_problem, culprits, path_of
from tests.support.steps.keys import FIRST_SCOPES

BAD_PAYLOADS = {
    "no name": ({"plan": "free"}, "name"),
    "empty name": ({"name": "", "plan": "free"}, "name"),
    "no plan": ({"name": "x"}, "plan"),
    "unknown plan": ({"name": "x", "plan": "platinum"}, "plan"),
    "enterprise without a limit": ({"name": "x", "plan": "enterprise"}, "hourly_limit"),
    "free with a limit": ({"name": "x", "plan": "free", "hourly_limit": 5}, "hourly_limit"),
    "limit of 0": ({"name": "x", "plan": "enterprise", "hourly_limit": 0}, "hourly_limit"),
    "limit that no meter counts": (
        {"name": "x", "plan": "enterprise", "hourly_limit": 100_000_001},
        "hourly_limit",
    ),
    "fewer written items than a batch": (
        {"name": "x", "plan": "enterprise", "hourly_limit": 5, "hourly_written_limit": 999},
        "hourly_written_limit",
    ),
    "written items that no meter counts": (
        {"name": "x", "plan": "enterprise", "hourly_limit": 5, "hourly_written_limit": 100_000_001},
        "hourly_written_limit",
    ),
    "pro with written items": (
        {"name": "x", "plan": "pro", "hourly_written_limit": 5_000},
        "hourly_written_limit",
    ),
    "limit as text": ({"name": "x", "plan": "enterprise", "hourly_limit": "5"}, "hourly_limit"),
    "unknown field": ({"name": "x", "plan": "free", "color": "red"}, "color"),
    "no object": (["x"], "body"),
}


@pytest.mark.parametrize(("payload", "culprit"), BAD_PAYLOADS.values(), ids=list(BAD_PAYLOADS))
def test_a_wrong_wish_for_an_account_fails_and_names_the_culprit(
    payload: Any, culprit: str, accounts: Accounts
) -> None:
    # On AWS `errorType` is the exception's class; MiniStack has one word for all.
    assert accounts.provision(payload)["errorMessage"].startswith(f"{culprit}: ")


def test_a_key_works_from_the_moment_it_is_shown(account: Account) -> None:
    for _ in range(10):
        with account.api_with(account.key()["key"]) as api:
            assert api.get("/v1/account").status_code == 200


def test_a_key_without_scopes_gets_those_of_its_maker(account: Account) -> None:
    maker = account.key(scopes=["keys:write", "contacts:read"])
    assert account.key()["scopes"] == FIRST_SCOPES
    with account.api_with(maker["key"]) as api:
        made = api.post("/v1/api-keys", {"name": "x"}).json()
    assert made["scopes"] == ["keys:write", "contacts:read"]


def test_the_account_says_which_key_asks_and_what_it_may(account: Account) -> None:
    """A page that holds a key shows by this what it can do, and what it cannot."""
    for mode, scopes in (("live", ["account:read", "contacts:read"]), ("test", ["account:read"])):
        made = account.key(name="Пошта – 東京", mode=mode, scopes=scopes)
        with account.api_with(made["key"]) as api:
            shown = api.get("/v1/account")
        assert shown.json()["key"] == {
            "id": made["id"],
            "name": "Пошта – 東京",
            "mode": mode,
            "scopes": scopes,
        }
        assert made["key"] not in shown.text


def test_no_key_gives_on_what_it_lacks(account: Account) -> None:
    maker = account.key(scopes=["keys:write", "contacts:read"])
    before = account.items()
    with account.api_with(maker["key"]) as api:
        for scopes, lacking in (
            (["contacts:read", "contacts:write"], "contacts:write"),
            (["account:read"], "account:read"),
            (["user"], "user"),
            (["api_user"], "api_user"),
        ):
            problem = assert_problem(api.post("/v1/api-keys", {"name": "x", "scopes": scopes}), 403)
            assert problem["scope"] == lacking
    assert account.items() == before


BAD_KEYS = {
    "no name": ({}, "name"),
    "empty name": ({"name": ""}, "name"),
    "long name": ({"name": "x" * 256}, "name"),
    "NUL in the name": ({"name": "a\0b"}, "name"),
    "unknown scope": ({"name": "x", "scopes": ["contacts:read", "everything"]}, "scopes.1"),
    "no scopes": ({"name": "x", "scopes": []}, "scopes"),
    "scopes as text": ({"name": "x", "scopes": "contacts:read"}, "scopes"),
    "unknown mode": ({"name": "x", "mode": "prod"}, "mode"),
    "a dialect that is not spoken": ({"name": "x", "dialect": "klingon"}, "dialect"),
    "unknown field": ({"name": "x", "key": "sk_live_mine"}, "key"),
    "no object": ([], "body"),
}


@pytest.mark.parametrize(("body", "culprit"), BAD_KEYS.values(), ids=list(BAD_KEYS))
def test_a_wrong_wish_for_a_key_names_the_culprit(body: Any, culprit: str, shared_account: Account) -> None:
    before = shared_account.items()
    problem = assert_problem(shared_account.api.post("/v1/api-keys", body), 400)
    assert culprits(problem) == {culprit}
    assert "python" not in problem["detail"].lower()
    assert "instance" not in problem["detail"]
    assert shared_account.items() == before


def test_an_account_has_at_most_thirty_keys(account: Account) -> None:
    for _ in range(29):
        account.key()
    before = account.items()
    problem = assert_problem(account.api.post("/v1/api-keys", {"name": "x"}), 409, "too_many_api_keys")
    assert "30" in problem["detail"]
    assert account.items() == before


def test_a_revoked_key_that_was_never_used_works_nowhere(account: Account) -> None:
    key = account.key()
    account.api.delete(f"/v1/api-keys/{key['id']}")
    before = account.items()
    with account.api_with(key["key"]) as api:
        for attempt in EVERY_OPERATION.values():
            assert_problem(attempt(api), 401, "key_revoked")
    assert account.items() == before


# Scopes

Attempt = Callable[[Api], requests.Response]

EVERY_OPERATION: dict[str, Attempt] = {
    "create_contact": lambda api: api.post("/v1/contacts", {"external_id": "x"}),
    "list_contacts": lambda api: api.get("/v1/contacts"),
    "search_contacts": lambda api: api.get("/v1/contacts/search?q=x"),
    "get_contact": lambda api: api.get(path_of("7")),
    "update_contact": lambda api: api.patch(path_of("7"), {"first_name": "A"}),
    "delete_contact": lambda api: api.delete(path_of("7")),
    "restore_contact": lambda api: api.post(path_of("7", "/restore")),
    "merge_contacts": lambda api: api.post(path_of("7", "/merge"), {"from": "nobody"}),
    "record_event": lambda api: api.post(path_of("7", "/events"), {"name": "seen"}),
    "list_contact_events": lambda api: api.get(path_of("7", "/events")),
    "batch_contacts": lambda api: api.post(
        "/v1/contacts/batch", {"operations": [{"op": "delete", "ref": "x"}]}
    ),
    "list_tags": lambda api: api.get("/v1/tags"),
    "list_lists": lambda api: api.get("/v1/lists"),
    "get_account": lambda api: api.get("/v1/account"),
    "get_account_usage": lambda api: api.get("/v1/account/usage"),
    "create_api_key": lambda api: api.post("/v1/api-keys", {"name": "x"}),
    "list_api_keys": lambda api: api.get("/v1/api-keys"),
    "revoke_api_key": lambda api: api.delete("/v1/api-keys/key_1"),
}
OPENED_BY = {
    "contacts:read": {
        "list_contacts",
        "search_contacts",
        "get_contact",
        "list_contact_events",
        "list_tags",
        "list_lists",
    },
    "contacts:write": {
        *("create_contact", "update_contact", "delete_contact", "restore_contact", "record_event"),
        *("batch_contacts", "merge_contacts"),
    },
    "keys:write": {"create_api_key", "list_api_keys", "revoke_api_key"},
    "account:read": {"get_account", "get_account_usage"},
    "webhooks:write": set(),
    "api_user": {"create_contact", "list_contacts", "search_contacts"},
    "user": {"get_contact", "update_contact", "delete_contact"},
}


@pytest.mark.parametrize(("scope", "opened"), OPENED_BY.items(), ids=list(OPENED_BY))
def test_a_key_does_what_its_scope_opens_and_nothing_else(
    scope: str, opened: set[str], account: Account
) -> None:
    account.api.created(external_id="7")
    with account.api_with(account.key(scopes=[scope])["key"]) as api:
        before = account.items()
        for operation in EVERY_OPERATION.keys() - opened:
            problem = assert_problem(EVERY_OPERATION[operation](api), 403, "scope_missing")
            (needed,) = (
                needed for needed in ("contacts:read", "contacts:write", "keys:write", "account:read")
                if operation in OPENED_BY[needed]
            )  # fmt: skip
            assert (problem["scope"], needed in problem["detail"]) == (needed, True)
        assert account.items() == before
        for operation in opened:
            answer = EVERY_OPERATION[operation](api)
            assert answer.status_code in (200, 201, 202, 207, 404), (operation, answer.text)


def test_several_scopes_add_up(account: Account) -> None:
    account.api.created(external_id="7")
    scopes = ["user", "api_user", "contacts:read"]
    with account.api_with(account.key(scopes=scopes)["key"]) as api:
        statuses = {operation: attempt(api).status_code for operation, attempt in EVERY_OPERATION.items()}
    assert {operation for operation, status in statuses.items() if status == 403} == {
        *("restore_contact", "merge_contacts", "record_event", "batch_contacts", "get_account"),
        *("create_api_key", "list_api_keys", "revoke_api_key", "get_account_usage"),
    }


def misplaced(key: str, other: str) -> dict[str, tuple[str, dict[str, str], str]]:
    """Requests with a valid key in the wrong place, and what the refusal must say."""
    return {
        "nowhere": ("", {}, "X-API-Key"),
        "in the query": (f"?api_key={key}", {}, "not in the URL"),
        "in a filter": (f"?cursor={key}", {}, "not in the URL"),
        "without a scheme": ("", {"Authorization": key}, "Bearer"),
        "as basic authentication": ("", {"Authorization": f"Basic {key}"}, "Bearer"),
        "as a bearer of nothing": ("", {"Authorization": "Bearer"}, "Bearer"),
        "in a cookie": ("", {"Cookie": f"key={key}"}, "X-API-Key"),
        "in another header": ("", {"Api-Key": key}, "X-API-Key"),
        "beside a different one": ("", {"X-API-Key": key, "Authorization": f"Bearer {other}"}, "different"),
        "with more behind it": ("", {"X-API-Key": f"{key}x"}, "sk_live_"),
        "in capitals": ("", {"X-API-Key": key.upper()}, "sk_live_"),
        "empty": ("", {"X-API-Key": ""}, "sk_live_"),
        "cut short": ("", {"X-API-Key": key[:-1]}, "sk_live_"),
        "with its mode changed": ("", {"X-API-Key": key.replace("live", "test")}, "unknown or was revoked"),
        "with one letter changed": (
            "",
            {"X-API-Key": key[:-1] + ("b" if key.endswith("a") else "a")},
            "unknown or was revoked",
        ),
    }


@pytest.mark.parametrize("where", misplaced("", ""))
def test_a_key_in_the_wrong_place_is_refused_with_the_right_one(where: str, shared_account: Account) -> None:
    key = shared_account.api.key
    assert key is not None
    query, headers, says = misplaced(key, "sk_live_" + "0" * 43)[where]
    with shared_account.api_with(None) as api:
        answer = api.send("GET", f"/v1/contacts{query}", headers=headers)
    problem = assert_problem(answer, 401, "not_authenticated")
    assert says in problem["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert key not in answer.text


# Test mode


def test_a_test_key_leaves_no_trace(account: Account) -> None:
    kept = account.api.created(email="ada@example.com")
    before = account.items()
    key = account.key(mode="test", name="staging")
    assert key["key"].startswith("sk_test_")
    with_key = account.items()
    with account.api_with(key["key"]) as api:
        created = api.post("/v1/contacts", {"email": "Ada@example.com", "tags": ["a"]}, Idempotency_Key="k")
        contact = created.json()
        assert created.status_code == 201
        assert contact.pop("test_mode") is True
        assert set(contact) == set(kept)
        assert (contact["email"], contact["tags"], contact["version"]) == ("ada@example.com", ["a"], 1)
        assert "Idempotent-Replayed" not in created.headers
        for ref in (contact["id"], "ada@example.com", kept["id"]):
            assert_problem(api.get(path_of(ref)), 404, "contact_not_found")
            assert_problem(api.patch(path_of(ref), {"first_name": "x"}), 404, "contact_not_found")
            assert_problem(api.delete(path_of(ref)), 404, "contact_not_found")
            assert_problem(api.delete(path_of(ref, "?permanent=true")), 404, "contact_not_found")
            assert_problem(api.post(path_of(ref, "/restore")), 404, "contact_not_found")
        assert api.get("/v1/contacts").json() == {"data": [], "has_more": False, "next_cursor": None}
        assert api.get("/v1/api-keys").json()["data"] == []
        made = api.post("/v1/api-keys", {"name": "x"})
        assert (made.status_code, made.json()["test_mode"]) == (201, True)
        assert_problem(api.delete(f"/v1/api-keys/{key['id']}"), 404)
        with account.api_with(made.json()["key"]) as nobody:
            assert_problem(nobody.get("/v1/account"), 401)
        # What would be refused is refused, and what is used counts.
        assert_problem(api.post("/v1/contacts", {"email": "nonsense"}), 400, "invalid_input")
        assert api.get("/v1/account").json()["id"] == account.id
    assert account.items() == with_key
    assert before.keys() < with_key.keys()  # The maker counts what it has made.


def test_an_answer_to_nobody_has_no_rate(accounts: Accounts) -> None:
    with Api(accounts.url, None) as api:
        assert not [name for name in api.get("/v1/account").headers if "ratelimit" in name.lower()]


def test_over_the_limit_is_429_until_the_hour_is_over(accounts: Accounts) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(20)
    account = accounts.open(plan="enterprise", hourly_limit=3)
    for left in (2, 1, 0):
        answer = account.api.get("/v1/account")
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (200, str(left))
    before = account.items()
    for attempt in EVERY_OPERATION.values():
        answer = attempt(account.api)
        problem = assert_problem(answer, 429, "rate_limited")
        assert "3 requests" in problem["detail"]
        wait = int(answer.headers["Retry-After"])
        assert 0 < wait <= 3600
        assert abs(time.time() + wait - int(answer.headers["X-RateLimit-Reset"])) < 3
        assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert account.items() == before
