"""SMASHSEND's API, row by row, as its documentation shows it."""

import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from contacts.dialects.smashsend import CONTACT as CONTACT_PREFIX
from contacts.dialects.smashsend import PROPERTY as PROPERTY_PREFIX
from contacts.dialects.smashsend_shared import id_out
from tests.contract.conftest import Connect
from tests.contract.vendors import WHOLE_SECONDS, assert_like
from tests.support.accounts import Account, Accounts
from tests.support.api import Api
from tests.support.waiting import until

ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "tags": ["vip", "beta"],
    "properties": {"plan": "pro", "seats": 5},
}
CONTACT: dict[str, Any] = {
    "id": re.compile("cont_[0-9A-Za-z]{22}"),
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "createdAt": WHOLE_SECONDS,
    "tags": ["vip", "beta"],
    "properties": {"plan": "pro", "seats": 5},
}
PLAN = {"name": "plan", "label": "Plan", "type": "string", "description": "What is paid for"}
PROPERTY: dict[str, Any] = {
    "id": re.compile("prop_[0-9A-Za-z]{22}"),
    **PLAN,
    "createdAt": WHOLE_SECONDS,
}
LISTED_PROPERTY = {name: value for name, value in PROPERTY.items() if name != "description"}
NO_CONTACT = (404, "not_found", "Contact not found")
NO_PROPERTY = (404, "not_found", "Contact property not found")


@pytest.fixture
def api(connect: Connect) -> Api:
    return connect("smashsend")


def assert_error(answer: requests.Response, status: int, code: str, message: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(answer.json(), {"message": str, "code": code})
    told: str = answer.json()["message"]
    assert message is None or told == message
    return told


def created(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/contacts", ADA | fields)
    assert answer.status_code == 201, answer.text
    contact: dict[str, Any] = answer.json()["contact"]
    return contact


# Contacts


def test_create(api: Api) -> None:
    answer = api.post("/contacts", ADA)
    assert answer.status_code == 201
    assert_like(answer.json(), {"contact": CONTACT})


def test_create_with_the_email_alone(api: Api) -> None:
    answer = api.post(
        "/contacts", {"email": "Jane@Example.com", "no_field_of_theirs": 1, "phone": "nonsense"}
    )
    assert answer.status_code == 201, answer.text
    bare = {"email": "jane@example.com", "name": None, "tags": [], "properties": {}}
    assert_like(answer.json(), {"contact": CONTACT | bare})


def test_get(api: Api) -> None:
    contact = created(api)
    answer = api.get(f"/contacts/{contact['id']}")
    assert (answer.status_code, answer.json()) == (200, {"contact": contact})


def test_update_replaces_tags_and_merges_properties(api: Api) -> None:
    contact = created(api)
    change = {"name": "Ada King", "tags": ["new"], "properties": {"plan": "free"}, "email": "x@example.com"}
    answer = api.put(f"/contacts/{contact['id']}", change | {"ignored": True})
    assert answer.status_code == 200, answer.text
    after = {"name": "Ada King", "tags": ["new"], "properties": {"plan": "free", "seats": 5}}
    assert answer.json() == {"contact": contact | after}
    assert api.get(f"/contacts/{contact['id']}").json() == answer.json()


def test_delete_is_permanent(api: Api, account: Account) -> None:
    contact = created(api)
    answer = api.delete(f"/contacts/{contact['id']}")
    assert (answer.status_code, answer.json()) == (200, {"deleted": True})
    assert_error(api.get(f"/contacts/{contact['id']}"), *NO_CONTACT)
    assert account.api.post("/v1/contacts/ada%40example.com/restore").status_code == 404
    assert created(api)["id"] != contact["id"]


def test_list_oldest_first_with_the_total(api: Api) -> None:
    made = [created(api, email=f"c{number}@example.com") for number in range(7)]
    answer = api.get("/contacts")
    assert answer.status_code == 200
    assert answer.json() == {"contacts": made, "pagination": {"total": 7, "limit": 50, "offset": 0}}

    def page(offset: int) -> Any:
        return api.get(f"/contacts?limit=3&offset={offset}").json()

    assert until(lambda: page(0)["pagination"]["total"] == 7), "the count follows by a moment"
    for offset in (0, 3, 6, 9):
        shown = {"contacts": made[offset : offset + 3]}
        assert page(offset) == shown | {"pagination": {"total": 7, "limit": 3, "offset": offset}}
    assert len(api.get("/contacts?limit=100&status=SUBSCRIBED").json()["contacts"]) == 7
    assert api.get("/contacts?status=UNSUBSCRIBED").json()["contacts"] == []
    for query in ("unknown=1", "status=BOUNCED", "sort=email"):
        name = query.partition("=")[0]
        assert name in assert_error(api.get(f"/contacts?{query}"), 400, "validation_error")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=x", "offset=10001", "offset=99999999999"],
)
def test_a_page_that_is_none_is_named(api: Api, query: str) -> None:
    told = assert_error(api.get(f"/contacts?{query}"), 400, "validation_error")
    assert told.startswith(f"{query.partition('=')[0]} must be ")
    assert "cursor" not in told


def test_a_duplicate(api: Api) -> None:
    created(api)
    taken = "A contact with this email already exists"
    assert_error(api.post("/contacts", ADA | {"email": "ADA@example.com"}), 409, "conflict", taken)


# Properties


def test_properties(api: Api) -> None:
    answer = api.post("/contact-properties", PLAN)
    assert answer.status_code == 201, answer.text
    assert_like(answer.json(), {"property": PROPERTY})
    plan = answer.json()["property"]
    second = api.post("/contact-properties", {"name": "seats", "type": "number", "ignored": 1})
    assert second.status_code == 201, second.text
    bare = {"name": "seats", "label": "seats", "type": "number"}
    assert_like(second.json(), {"property": PROPERTY | bare | {"description": None}})

    listed = api.get("/contact-properties")
    assert listed.status_code == 200
    assert_like(listed.json(), {"properties": [LISTED_PROPERTY, LISTED_PROPERTY | bare]})

    path = f"/contact-properties/{plan['id']}"
    answer = api.put(path, {"label": "The plan", "name": "other", "type": "number"})
    assert (answer.status_code, answer.json()) == (200, {"property": plan | {"label": "The plan"}})
    answer = api.put(path, {"description": None})
    changed = plan | {"label": "The plan", "description": None}
    assert (answer.status_code, answer.json()) == (200, {"property": changed})

    taken = "A contact property with this name already exists"
    assert_error(api.post("/contact-properties", PLAN), 409, "conflict", taken)
    told = assert_error(api.post("/contacts", ADA | {"properties": {"seats": "5"}}), 400, "validation_error")
    assert told == "properties.seats must be a number"


@pytest.mark.parametrize(("body", "told"), [
    ({}, ["name", "type"]),
    ({"name": "1", "type": "colour"}, ["name", "type"]),
    ({"name": "p", "type": "string", "label": "", "description": 5}, ["description", "label"]),
    ({"name": "email", "type": "string"}, ["name"]),
    ({"name": "p", "type": "enum"}, ["options"]),
])  # fmt: skip
def test_a_property_that_cannot_be(api: Api, body: Any, told: list[str]) -> None:
    message = assert_error(api.post("/contact-properties", body), 400, "validation_error")
    assert sorted(one.partition(" ")[0] for one in message.split("; ")) == told


# What is wrong


@pytest.mark.parametrize(("body", "culprit"), [
    ({}, "email is required"),
    ({"email": None}, "email is required"),
    ({"email": "nonsense"}, "email is not an email address"),
    ({"email": "a@example.com", "tags": "vip"}, "tags must be an array"),
    ({"email": "a@example.com", "name": 5, "properties": []}, "name must be a string; properties must be an object"),
    ([], "body must be a JSON object"),
])  # fmt: skip
def test_bad_bodies_name_the_culprits(api: Api, body: Any, culprit: str) -> None:
    assert assert_error(api.post("/contacts", body), 400, "validation_error").startswith(culprit)


def test_what_is_not_json(api: Api) -> None:
    for method, path in (("POST", "/contacts"), ("POST", "/contact-properties")):
        assert "not JSON" in assert_error(api.send(method, path, raw="{"), 400, "validation_error")
        assert "missing" in assert_error(api.send(method, path), 400, "validation_error")
    contact = created(api)["id"]
    assert "not JSON" in assert_error(
        api.send("PUT", f"/contacts/{contact}", raw='{"name": '), 400, "validation_error"
    )
    assert_error(
        api.send("POST", "/contacts", raw=f'{{"email": "{"x" * (1 << 20)}"}}'), 413, "payload_too_large"
    )


def test_keys_that_open_nothing(connect: Connect, account: Account) -> None:
    revoked = account.key(dialect="smashsend")
    account.api.delete(f"/v1/api-keys/{revoked['id']}")
    assert_error(
        connect("smashsend", revoked["key"]).get("/contacts"), 401, "unauthorized", "This API key was revoked"
    )
    for key in ("sk_live_" + "x" * 43, ""):  # Nobody's: nothing tells that it is SMASHSEND's.
        assert connect("smashsend", key).get("/contacts").status_code == 401


@pytest.mark.parametrize(("scope", "other", "operations"), [
    ("api_user", "user", {
        ("GET", "/contacts"): 200, ("POST", "/contacts"): 201, ("GET", "/contact-properties"): 200,
    }),
    ("user", "api_user", {
        ("GET", "/contacts/cont_x"): 404, ("PUT", "/contacts/cont_x"): 404, ("DELETE", "/contacts/cont_x"): 404,
        ("POST", "/contact-properties"): 201, ("PUT", "/contact-properties/prop_x"): 404,
    }),
])  # fmt: skip
def test_each_operation_has_its_scope(connect: Connect, scope: str, other: str, operations: Any) -> None:
    holder, stranger = connect("smashsend", scopes=[scope]), connect("smashsend", scopes=[other])
    for (method, path), status in operations.items():
        sent = {} if method in ("GET", "DELETE") else {"body": ADA if path == "/contacts" else PLAN}
        lacking = f"This key lacks the scope {scope}"
        assert_error(stranger.send(method, path, **sent), 403, "forbidden", lacking)
        assert holder.send(method, path, **sent).status_code == status, (method, path)


def test_what_they_have_not(api: Api, other_account: Account) -> None:
    theirs = other_account.api.created(email="x@example.com")
    property_ = other_account.api.post("/v1/contact-properties", {"name": "p", "type": "string"}).json()
    malformed = [theirs["id"], "x%40example.com", "cont_", "cont_%00", f"cont_{'z' * 22}", "prop_x", "%25"]
    for ref in (id_out(CONTACT_PREFIX, theirs["id"]), id_out(CONTACT_PREFIX, str(uuid4())), *malformed):
        assert_error(api.get(f"/contacts/{ref}"), *NO_CONTACT)
        assert_error(api.put(f"/contacts/{ref}", {"name": "x"}), *NO_CONTACT)
        assert_error(api.delete(f"/contacts/{ref}"), *NO_CONTACT)
    for id_ in (
        id_out(PROPERTY_PREFIX, property_["id"]),
        id_out(PROPERTY_PREFIX, str(uuid4())),
        property_["id"],
        "x",
    ):
        assert_error(api.put(f"/contact-properties/{id_}", {"label": "x"}), *NO_PROPERTY)
    assert other_account.api.contact(theirs["id"]) == theirs


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404),
    ("GET", "/webhooks", 404),
    ("POST", "/api-keys", 404),
    ("GET", "/contacts/search?q=x", 404),
    ("POST", "/contacts/batch", 405),
    ("PATCH", "/contacts/cont_x", 405),
    ("DELETE", "/contacts", 405),
    ("GET", "/contact-properties/prop_x", 405),
    ("DELETE", "/contact-properties/prop_x", 405),
])  # fmt: skip
def test_what_others_have(api: Api, method: str, path: str, status: int) -> None:
    answer = api.send(method, path, **({"body": {}} if method in ("POST", "PATCH") else {}))
    assert_error(answer, status, "not_found" if status == 404 else "method_not_allowed")


def test_the_plans_limit(accounts: Accounts) -> None:
    opened = accounts.provision({"name": "Free", "plan": "free", "dialect": "smashsend"})
    api = Api(accounts.url + "/v1", opened["key"], as_bearer=True)
    with api:
        answers = [api.get("/contacts?limit=1") for _ in range(101)]
    assert [answer.status_code for answer in answers] in ([200] * 100 + [429], [200] * 101)
    if answers[-1].status_code == 200:
        pytest.skip("the hour turned meanwhile")
    assert_error(answers[-1], 429, "rate_limited")
    assert int(answers[-1].headers["Retry-After"]) <= 3600


def test_a_repeated_create_is_the_same_one(api: Api) -> None:
    first, second = (api.post("/contacts", ADA, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = api.post("/contacts", ADA | {"name": "x"}, Idempotency_Key="k")
    assert_error(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("email", ["a+b@example.com", "o'brien@example.com", "50%off@example.com"])
def test_emails_of_all_kinds(api: Api, account: Account, email: str) -> None:
    contact = created(api, email=email.upper())
    assert contact["email"] == email
    native = account.api.contact(email)
    assert id_out(CONTACT_PREFIX, native["id"]) == contact["id"]


def test_test_mode_keeps_nothing(connect: Connect, api: Api) -> None:
    test = connect("smashsend", mode="test")
    answer = test.post("/contacts", ADA)
    assert answer.status_code == 201
    assert_like(answer.json(), {"contact": CONTACT, "test_mode": True})
    path = f"/contacts/{answer.json()['contact']['id']}"
    assert_error(test.get(path), *NO_CONTACT)
    assert_error(test.put(path, {"name": "x"}), *NO_CONTACT)
    assert_error(test.delete(path), *NO_CONTACT)
    assert test.post("/contact-properties", PLAN).json()["test_mode"] is True
    nobody = {"contacts": [], "pagination": {"total": 0, "limit": 50, "offset": 0}}
    for key in (test, api):
        assert key.get("/contacts").json() == nobody
        assert key.get("/contact-properties").json() == {"properties": []}
