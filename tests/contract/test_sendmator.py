"""Sendmator's API, row by row, as its documentation shows it."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests

from tests.contract.conftest import Connect
from tests.contract.vendors import MILLISECONDS, UUID, assert_like
from tests.support.accounts import Account, Accounts
from tests.support.api import Api
from tests.support.waiting import until

JOHN: dict[str, Any] = {
    "email": "john.doe@example.com",
    "external_id": "CRM-001",
    "first_name": "John",
    "last_name": "Doe",
    "tags": ["customer", "vip"],
    "is_active": True,
    "custom_fields": {"plan": "premium", "seats": 5},
    "metadata": {"source": "website"},
}
CONTACT: dict[str, Any] = {
    "id": UUID,
    "external_id": "CRM-001",
    "email": "john.doe@example.com",
    "first_name": "John",
    "last_name": "Doe",
    "tags": ["customer", "vip"],
    "is_active": True,
    "is_unsubscribed": False,
    "unsubscribed_at": None,
    "custom_fields": {"plan": "premium", "seats": 5},
    "metadata": {"source": "website"},
    "created_at": MILLISECONDS,
    "updated_at": MILLISECONDS,
}


@pytest.fixture
def api(connect: Connect) -> Api:
    return connect("sendmator")


def assert_error(answer: requests.Response, status: int, phrase: str, message: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(answer.json(), {"statusCode": status, "message": str, "error": phrase})
    told: str = answer.json()["message"]
    assert message is None or told == message
    return told


def test_create(api: Api) -> None:
    answer = api.post("/contacts", JOHN)
    assert answer.status_code == 201
    assert_like(answer.json(), CONTACT)


def test_create_with_the_email_alone(api: Api) -> None:
    """The rest has its defaults, and the external_id is made up."""
    answer = api.post(
        "/contacts", {"email": "Jane@Example.com", "no_field_of_theirs": 1, "lists": "nonsense"}
    )
    assert answer.status_code == 201, answer.text
    bare = {"first_name": None, "last_name": None, "tags": [], "custom_fields": {}, "metadata": {}}
    assert_like(answer.json(), CONTACT | bare | {"external_id": UUID, "email": "jane@example.com"})
    assert answer.json()["external_id"] != answer.json()["id"]


def test_a_repeated_create_makes_up_no_second_id(api: Api) -> None:
    first, second = (
        api.post("/contacts", {"email": "jane@example.com"}, Idempotency_Key="k") for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"


def test_list_and_its_pages(api: Api) -> None:
    """Ten a page, the newest first; `next_cursor` goes into `starting_after`."""
    made = [api.post("/contacts", {"email": f"p{number}@example.com"}).json()["id"] for number in range(12)]
    first = api.get("/contacts")
    assert first.status_code == 200
    assert_like(first.json(), {"data": [dict] * 10, "has_more": True, "next_cursor": str})
    cursor = first.json()["next_cursor"]
    second = api.get(f"/contacts?starting_after={cursor}")
    assert_like(second.json(), {"data": [dict] * 2, "has_more": False, "next_cursor": None})
    walked = [contact["id"] for page in (first, second) for contact in page.json()["data"]]
    assert walked == made[::-1]
    assert len(api.get("/contacts?limit=100").json()["data"]) == 12


def test_every_filter(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    jane = api.post(
        "/contacts",
        {"email": "jane@example.com", "external_id": "CRM-2", "is_active": False, "tags": ["vip"]},
    ).json()
    api.put(f"/contacts/{jane['id']}", {"is_unsubscribed": True})
    moment = john["created_at"]
    for query, expected in {
        "is_active=true": [john],
        "is_unsubscribed=true": [jane],
        f"created_after={moment}&created_before={jane['created_at']}": [john],
        f"created_after={jane['created_at']}": [jane],
        f"updated_before={moment}": [],
        "tag=vip&tag=customer": [john],
        "tag=vip": [jane, john],
        "search=john": [john],
        "search=CRM-2": [jane],
        "search=doe": [john],
        "tag[]=customer": [john],
        "tag[0]=vip&tag[1]=customer": [john],
        f"created_after={moment[:10]}&tag=customer": [john],
        "limit=1&page=2&tag=vip": [john],
    }.items():

        def found(query: str = query) -> list[str]:
            return [contact["id"] for contact in api.get(f"/contacts?{query}").json()["data"]]

        wanted = [contact["id"] for contact in expected]
        assert until(lambda: found() == wanted), query  # noqa: B023 (called at once)
    for query in ("unknown=1", "tags=vip", "status=x", "page=0", "limit=1&limit=2", "tag[a]=vip"):
        assert query.partition("=")[0] in assert_error(api.get(f"/contacts?{query}"), 400, "Bad Request")


def test_get_by_id_and_by_external_id(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    for ref in (john["id"], "CRM-001"):
        answer = api.get(f"/contacts/{ref}")
        assert answer.status_code == 200
        assert answer.json() == john


@pytest.mark.parametrize(
    "name", ["a/b", "search", "batch", "a/events", "a/gates", "a/chat", "a/info", "50% off/x"]
)
def test_an_external_id_is_any_text(api: Api, name: str) -> None:
    made = api.post("/contacts", JOHN | {"external_id": name}).json()
    path = f"/contacts/{quote(name, safe='')}"
    assert api.get(path).json() == made
    assert api.send("HEAD", path).status_code == 200
    assert api.put(path, {"first_name": "Jo"}).json()["first_name"] == "Jo"
    assert api.delete(path).json() == {"deleted": True, "id": made["id"]}
    assert_error(api.get(path), 404, "Not Found", "Contact not found")


def test_update_changes_what_is_sent(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    change = {
        "first_name": "Johnny",
        "tags": ["new"],
        "custom_fields": {"plan": "free"},
        "metadata": {"campaign": "x"},
        "ignored": True,
    }
    answer = api.put("/contacts/CRM-001", change)
    assert answer.status_code == 200, answer.text
    changed = {
        "first_name": "Johnny",
        "tags": ["new"],
        "custom_fields": {"plan": "free", "seats": 5},
        "metadata": {"source": "website", "campaign": "x"},
    }
    assert_like(answer.json(), CONTACT | changed | {"id": john["id"], "created_at": john["created_at"]})


def test_delete_is_permanent(api: Api, account: Account) -> None:
    john = api.post("/contacts", JOHN).json()
    answer = api.delete("/contacts/CRM-001")
    assert (answer.status_code, answer.json()) == (200, {"deleted": True, "id": john["id"]})
    assert_error(api.get(f"/contacts/{john['id']}"), 404, "Not Found", "Contact not found")
    assert account.api.post(f"/v1/contacts/{john['id']}/restore").status_code == 404
    assert api.post("/contacts", JOHN).json()["id"] != john["id"]


def test_a_duplicate_is_told_in_their_words(api: Api) -> None:
    api.post("/contacts", JOHN)
    same_email = api.post("/contacts", {"email": "John.Doe@example.com"})
    taken = "You already have a contact with email John.Doe@example.com"
    assert_error(same_email, 409, "Conflict", taken)
    same_id = api.post("/contacts", {"email": "other@example.com", "external_id": "CRM-001"})
    assert_error(same_id, 409, "Conflict", "You already have a contact with external_id CRM-001")
    other = api.post("/contacts", {"email": "other@example.com"}).json()
    renamed = api.put(f"/contacts/{other['id']}", {"email": "john.doe@example.com"})
    assert_error(renamed, 409, "Conflict", "You already have a contact with email john.doe@example.com")


@pytest.mark.parametrize(("body", "culprit"), [
    ({}, "email is required"),
    ({"email": None}, "email is required"),
    ({"email": "nonsense"}, "email is not an email address"),
    ({"email": "a@example.com", "tags": "vip"}, "tags must be an array"),
    ({"email": "a@example.com", "custom_fields": []}, "custom_fields must be an object"),
    ({"email": "a@example.com", "is_active": "yes"}, "is_active must be true or false"),
    ([], "body must be a JSON object"),
])  # fmt: skip
def test_bad_bodies_name_the_culprit(api: Api, body: Any, culprit: str) -> None:
    told = assert_error(api.post("/contacts", body), 400, "Bad Request")
    assert told.startswith(culprit)


def test_what_is_not_json(api: Api) -> None:
    assert "not JSON" in assert_error(api.send("POST", "/contacts", raw="{"), 400, "Bad Request")
    assert "missing" in assert_error(api.post("/contacts"), 400, "Bad Request")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "starting_after=x", "is_active=maybe"])
def test_bad_parameters_are_named(api: Api, query: str) -> None:
    told = assert_error(api.get(f"/contacts?{query}"), 400, "Bad Request")
    assert told.startswith(query.partition("=")[0])


def test_keys_that_open_nothing(connect: Connect, account: Account) -> None:
    revoked = account.key(dialect="sendmator")
    account.api.delete(f"/v1/api-keys/{revoked['id']}")
    for key in ("sk_live_" + "x" * 43, "nonsense", revoked["key"]):
        assert_error(connect("sendmator", key).get("/contacts"), 401, "Unauthorized")
    narrow = connect("sendmator", scopes=["contacts:read"])
    assert "contacts:write" in assert_error(narrow.post("/contacts", JOHN), 403, "Forbidden")


def test_what_they_have_not(api: Api, other_account: Account) -> None:
    theirs = other_account.api.created(email="x@example.com", external_id="theirs")
    for ref in (theirs["id"], "theirs", str(uuid4()), "nobody"):
        assert_error(api.get(f"/contacts/{ref}"), 404, "Not Found", "Contact not found")
        assert_error(api.put(f"/contacts/{ref}", {}), 404, "Not Found", "Contact not found")
        assert_error(api.delete(f"/contacts/{ref}"), 404, "Not Found", "Contact not found")
    assert_error(api.get("/contacts/search?q=x"), 404, "Not Found")
    api.post("/contacts", JOHN)
    assert_error(api.get("/contacts/john.doe%40example.com"), 404, "Not Found", "Contact not found")
    assert_error(api.delete("/contacts/john.doe%40example.com"), 404, "Not Found", "Contact not found")
    assert_error(api.get("/contacts/?limit=10"), 404, "Not Found")
    assert_error(api.get("/nothing"), 404, "Not Found")
    assert_error(api.send("PATCH", "/contacts/CRM-001", {}), 405, "Method Not Allowed")
    assert_error(api.get("/api-keys"), 404, "Not Found")


def test_the_plans_limit(accounts: Accounts) -> None:
    opened = accounts.provision({"name": "Free", "plan": "free", "dialect": "sendmator"})
    api = Api(accounts.url + "/api/v1", opened["key"])
    with api:
        answers = [api.get("/contacts") for _ in range(101)]
    assert [answer.status_code for answer in answers] in ([200] * 100 + [429], [200] * 101)
    if answers[-1].status_code == 200:
        pytest.skip("the hour turned meanwhile")
    assert_error(answers[-1], 429, "Too Many Requests")
    assert answers[-1].headers["X-RateLimit-Remaining"] == "0"
    assert int(answers[-1].headers["Retry-After"]) <= 3600


def test_test_mode_keeps_nothing(connect: Connect, api: Api) -> None:
    test = connect("sendmator", mode="test")
    answer = test.post("/contacts", JOHN)
    assert_like(answer.json(), CONTACT | {"test_mode": True})
    assert_error(test.get("/contacts/CRM-001"), 404, "Not Found", "Contact not found")
    assert api.get("/contacts").json() == {"data": [], "has_more": False, "next_cursor": None}
