"""Artamail's API, row by row, as its documentation shows it."""

from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.contract.conftest import Connect
from tests.contract.vendors import UUID, WHOLE_SECONDS, assert_like
from tests.support.accounts import Account, Accounts
from tests.support.api import Api

ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "data": {"plan": "pro", "seats": 5},
    "lists": ["newsletter"],
}
CONTACT: dict[str, Any] = {
    "id": UUID,
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "data": {"plan": "pro", "seats": 5},
    "subscribed": True,
    "validation_status": "pending",
    "lists": ["newsletter"],
    "created_at": WHOLE_SECONDS,
}
LIVE, TEST = {"test_mode": False}, {"test_mode": True}
HERS = "/contacts/ada%40example.com"


@pytest.fixture
def api(connect: Connect) -> Api:
    return connect("artamail")


def assert_error(
    answer: requests.Response, status: int, code: str, message: str | None = None, details: Any = None
) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(answer.json(), {"message": str, "code": code, "details": details or {}})
    told: str = answer.json()["message"]
    assert message is None or told == message
    return told


def assert_wrong(answer: requests.Response, field: str, reason: str) -> str:
    return assert_error(answer, 400, "VALIDATION_ERROR", details={"field": field, "reason": reason})


def assert_nobody(answer: requests.Response) -> None:
    assert_error(answer, 404, "NOT_FOUND", "Contact not found")


def created(api: Api, **fields: Any) -> dict[str, Any]:
    """A new contact, as it is shown from then on."""
    answer = api.post("/contacts", ADA | fields)
    assert answer.status_code == 201, answer.text
    contact: dict[str, Any] = answer.json()
    del contact["test_mode"]
    return contact


# Contacts


def test_create(api: Api) -> None:
    answer = api.post("/contacts", ADA)
    assert answer.status_code == 201
    assert_like(answer.json(), CONTACT | LIVE)


def test_create_with_the_email_alone(api: Api) -> None:
    answer = api.post(
        "/contacts", {"email": "Jane@Example.com", "no_field_of_theirs": 1, "phone": "nonsense"}
    )
    assert answer.status_code == 201, answer.text
    bare = {"email": "jane@example.com", "name": None, "data": {}, "lists": []}
    assert_like(answer.json(), CONTACT | bare | LIVE)


def test_a_second_create_updates(api: Api) -> None:
    contact = created(api)
    again = {
        "email": "ADA@example.com",
        "data": {"plan": "free"},
        "lists": ["beta", "newsletter"],
        "name": None,
    }
    answer = api.post("/contacts", again)
    after = {"data": {"plan": "free", "seats": 5}, "lists": ["newsletter", "beta"]}
    assert (answer.status_code, answer.json()) == (200, contact | after | LIVE)
    assert api.get(HERS).json() == contact | after


def test_a_create_restores_what_was_deleted(api: Api) -> None:
    contact = created(api)
    assert api.delete(HERS).status_code == 204
    answer = api.post("/contacts", {"email": "ada@example.com", "data": {"seats": 6}, "lists": ["beta"]})
    after = {"data": {"plan": "pro", "seats": 6}, "lists": ["newsletter", "beta"]}
    assert (answer.status_code, answer.json()) == (201, contact | after | LIVE)


def test_get(api: Api) -> None:
    contact = created(api)
    for path in (HERS, "/contacts/ada@example.com", "/contacts/ADA%40Example.COM"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()) == (200, contact)
    assert api.get(HERS, If_None_Match=answer.headers["ETag"]).status_code == 304


def test_patch_replaces_lists_and_merges_data(api: Api) -> None:
    contact = created(api)
    change = {
        "name": "Ada King",
        "data": {"plan": None, "since": 2020},
        "lists": ["beta"],
        "subscribed": False,
    }
    answer = api.patch(HERS, change | {"email": "x@example.com", "ignored": 1})
    after = {
        "name": "Ada King",
        "data": {"seats": 5, "since": 2020},
        "lists": ["beta"],
        "subscribed": False,
    }
    assert (answer.status_code, answer.json()) == (200, contact | after)
    back = api.patch(HERS, {"subscribed": True})
    assert (back.status_code, back.json()) == (200, contact | after | {"subscribed": True})


def test_delete_is_soft_and_answers_nothing(api: Api, account: Account) -> None:
    contact = created(api)
    answer = api.delete(HERS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_nobody(api.get(HERS))
    assert_nobody(api.patch(HERS, {}))
    assert_nobody(api.delete(HERS))
    assert account.api.post(f"/v1/contacts/{contact['id']}/restore").status_code == 200
    assert api.get(HERS).json() == contact


@pytest.mark.parametrize(
    "email", ["a+b@example.com", "o'brien@example.com", "50%off@example.com", "a%2bb@example.com"]
)
def test_emails_of_all_kinds(api: Api, email: str) -> None:
    contact = created(api, email=email.upper())
    assert contact["email"] == email
    for ref in (email, email.upper()):
        path = f"/contacts/{quote(ref, safe='')}"
        assert api.get(path).json() == contact
    assert api.patch(path, {"name": "x"}).json() == contact | {"name": "x"}
    assert api.delete(path).status_code == 204
    assert created(api, email=email, name="x") == contact | {"name": "x"}


# Test mode


def test_test_mode_keeps_nothing(connect: Connect, api: Api, account: Account) -> None:
    key = account.key(dialect="artamail", mode="test")["key"]
    assert key.startswith("am_test_sk_")
    test = connect("artamail", key)
    before = account.items()
    contact = created(api)
    kept = account.items()
    assert kept != before
    for _ in range(2):
        answer = test.post("/contacts", ADA | {"name": "Test"})
        assert answer.status_code == 201
        assert_like(answer.json(), CONTACT | {"name": "Test"} | TEST)
        assert answer.json()["id"] != contact["id"]
        assert_nobody(test.get(HERS))
        assert_nobody(test.patch(HERS, {"name": "Test"}))
        assert_nobody(test.delete(HERS))
    assert_wrong(test.post("/contacts", {"email": "nonsense"}), "email", "invalid_format")
    assert account.items() == kept
    assert api.get(HERS).json() == contact


# What is wrong


@pytest.mark.parametrize(("body", "field", "reason", "told"), [
    ({"email": "nonsense"}, "email", "invalid_format", "Invalid email address"),
    ({}, "email", "required", "email is required"),
    ({"email": None}, "email", "required", "email is required"),
    ({"email": "a@example.com", "data": []}, "data", "invalid_type", "data must be an object"),
    ({"email": "x", "name": 5}, "email", "invalid_format", "Invalid email address; name must be a string"),
    ({"email": "a@example.com", "lists": ["A B"]}, "lists.0", "invalid_format",
     "lists.0 must be a slug: lower-case letters, digits, - and _, 1 to 100 characters"),
    ([], "body", "invalid_type", "body must be a JSON object"),
])  # fmt: skip
def test_bad_bodies_name_the_culprits(api: Api, body: Any, field: str, reason: str, told: str) -> None:
    assert assert_wrong(api.post("/contacts", body), field, reason) == told


def test_a_bad_change_changes_nothing(api: Api) -> None:
    contact = created(api)
    assert_wrong(api.patch(HERS, {"name": "x", "subscribed": "no"}), "subscribed", "invalid_type")
    assert api.get(HERS).json() == contact


def test_a_value_that_its_property_does_not_take(api: Api, account: Account) -> None:
    account.api.post("/v1/contact-properties", {"name": "seats", "type": "number"})
    assert_wrong(api.post("/contacts", ADA | {"data": {"seats": "5"}}), "data.seats", "invalid_type")


def test_what_is_not_json(api: Api) -> None:
    assert "not JSON" in assert_wrong(api.send("POST", "/contacts", raw="{"), "body", "invalid_json")
    assert_wrong(api.send("PATCH", HERS, raw="["), "body", "invalid_json")
    assert_wrong(api.post("/contacts"), "body", "required")
    long = f'{{"email": "{"x" * (1 << 20)}"}}'
    assert_error(api.send("POST", "/contacts", raw=long), 413, "PAYLOAD_TOO_LARGE")


def test_keys_that_open_nothing(connect: Connect, account: Account) -> None:
    revoked = account.key(dialect="artamail")
    assert revoked["key"].startswith("am_live_sk_")
    account.api.delete(f"/v1/api-keys/{revoked['id']}")
    for key in ("am_live_sk_" + "x" * 43, "am_nonsense", revoked["key"]):
        assert_error(connect("artamail", key).get(HERS), 401, "UNAUTHORIZED")
        assert_error(connect("artamail", key).get("/nothing"), 401, "UNAUTHORIZED")
    narrow = connect("artamail", scopes=["contacts:read"])
    assert "contacts:write" in assert_error(narrow.post("/contacts", ADA), 403, "FORBIDDEN")


def test_what_they_have_not(api: Api, other_account: Account) -> None:
    theirs = other_account.api.created(email="x@example.com", external_id="theirs")
    for ref in (
        "x%40example.com",
        theirs["id"],
        "theirs",
        "nobody%40example.com",
        "%25",
        "@",
        "%C3%A9%40example.com",
    ):
        assert_nobody(api.get(f"/contacts/{ref}"))
        assert_nobody(api.patch(f"/contacts/{ref}", {"name": "x"}))
        assert_nobody(api.delete(f"/contacts/{ref}"))
    assert other_account.api.contact(theirs["id"]) == theirs


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404),
    ("GET", "/contacts/search?q=x", 404),
    ("POST", "/contacts/ada%40example.com/restore", 404),
    ("GET", "/contacts", 405),
    ("PUT", HERS, 405),
    ("POST", "/contacts/batch", 405),
    ("DELETE", "/contacts", 405),
])  # fmt: skip
def test_what_others_have(api: Api, method: str, path: str, status: int) -> None:
    answer = api.send(method, path, **({"body": {}} if method in ("POST", "PUT") else {}))
    assert_error(answer, status, "NOT_FOUND" if status == 404 else "METHOD_NOT_ALLOWED")


def test_the_plans_limit(accounts: Accounts) -> None:
    opened = accounts.provision({"name": "Free", "plan": "free", "dialect": "artamail"})
    api = Api(accounts.url + "/api/v1", opened["key"], as_bearer=True)
    with api:
        answers = [api.get(HERS) for _ in range(101)]
    assert [answer.status_code for answer in answers] in ([404] * 100 + [429], [404] * 101)
    if answers[-1].status_code == 404:
        pytest.skip("the hour turned meanwhile")
    assert_error(answers[-1], 429, "RATE_LIMITED")
    headers = answers[-1].headers
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("100", "0")
    assert int(headers["X-RateLimit-Reset"]) % 3600 == 0
    assert int(headers["Retry-After"]) <= 3600


def test_a_repeated_create_is_the_same_one(api: Api) -> None:
    first, second = (api.post("/contacts", ADA, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = api.post("/contacts", ADA | {"name": "x"}, Idempotency_Key="k")
    assert_error(other, 422, "IDEMPOTENCY_KEY_REUSED")
