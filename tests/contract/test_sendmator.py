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
        "tags=vip": [jane, john],
        "tags=vip,customer": [john],
        "tags=vip&tag=customer": [john],
        "email=John.Doe@example.com": [john],
        "sort_by=created_at&sort_order=ASC": [john, jane],
        "sort_by=email": [john, jane],
        "sort_by=email&sort_order=ASC&tags=vip": [jane, john],
    }.items():

        def found(query: str = query) -> list[str]:
            return [contact["id"] for contact in api.get(f"/contacts?{query}").json()["data"]]

        wanted = [contact["id"] for contact in expected]
        assert until(lambda: found() == wanted), query  # noqa: B023 (called at once)
    for query in (
        "unknown=1",
        "tags=",
        "status=x",
        "sort_by=last_name",
        "sort_order=up",
        "email=x",
        "page=0",
        "limit=1&limit=2",
        "tag[a]=vip",
    ):
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
    for method, path in (
        *(
            ("POST", "/contacts"),
            ("POST", "/contacts/bulk"),
            ("PATCH", "/contacts/x"),
            ("DELETE", "/contacts/x/tags"),
        ),
        *(
            ("POST", "/contacts/x/tags"),
            ("POST", "/contacts/x/unsubscribe"),
            ("DELETE", "/contacts/x/preferences"),
        ),
    ):
        assert "contacts:write" in assert_error(narrow.send(method, path, JOHN), 403, "Forbidden")


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
    assert_error(api.get("/contacts/CRM-001/tags"), 405, "Method Not Allowed")
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
    many = test.post("/contacts/bulk", {"contacts": [JOHN, {"email": "jane@example.com"}]}).json()
    assert (many["summary"]["created_count"], many["test_mode"]) == (2, True)
    for method, path, body in (
        ("GET", "/contacts/external/CRM-001", None),
        ("PATCH", "/contacts/CRM-001", {"first_name": "Jo"}),
        ("POST", "/contacts/CRM-001/tags", {"tags": ["x"]}),
        ("POST", "/contacts/CRM-001/unsubscribe", None),
    ):
        assert_error(test.send(method, path, body), 404, "Not Found", "Contact not found")
    assert_error(test.get("/contacts/CRM-001"), 404, "Not Found", "Contact not found")
    assert api.get("/contacts").json() == {"data": [], "has_more": False, "next_cursor": None}


# What the Node SDK (0.0.3) sends besides the page. The answer to all that is about one contact is the contact.


def test_patch_is_put(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    for ref in (john["id"], "CRM-001"):
        answer = api.send("PATCH", f"/contacts/{ref}", {"last_name": ref, "custom_fields": {"seats": 6}})
        assert answer.status_code == 200
        changed = {"last_name": ref, "custom_fields": {"plan": "premium", "seats": 6}}
        assert_like(answer.json(), CONTACT | changed | {"id": john["id"]})
    assert_error(api.send("PATCH", "/contacts/nobody", {}), 404, "Not Found", "Contact not found")
    assert "tags" in assert_error(api.send("PATCH", "/contacts/CRM-001", {"tags": "x"}), 400, "Bad Request")
    assert "missing" in assert_error(api.send("PATCH", "/contacts/CRM-001"), 400, "Bad Request")
    api.post("/contacts", {"email": "jane@example.com"})
    taken = api.send("PATCH", "/contacts/CRM-001", {"email": "jane@example.com"})
    assert_error(taken, 409, "Conflict", "You already have a contact with email jane@example.com")


def test_a_phone_is_shown_where_there_is_one(api: Api) -> None:
    made = api.post("/contacts", JOHN | {"phone": "+14155552671"})
    assert_like(made.json(), {**CONTACT, "phone": "+14155552671"})
    assert api.get("/contacts").json()["data"] == [made.json()]
    assert_like(api.put("/contacts/CRM-001", {"phone": None}).json(), CONTACT)


def test_get_by_external_id(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    assert api.get("/contacts/external/CRM-001").json() == john
    for nobody in (john["id"], "john.doe%40example.com", "crm-001", ""):
        assert_error(api.get(f"/contacts/external/{nobody}"), 404, "Not Found")


def test_tags_are_added_and_removed(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    path = f"/contacts/{john['id']}/tags"
    added = api.post(path, {"tags": ["vip", "beta"]})
    assert added.status_code == 200
    assert_like(added.json(), CONTACT | {"tags": ["customer", "vip", "beta"]})
    removed = api.send("DELETE", path, {"tags": ["customer", "unknown"]})
    assert removed.status_code == 200
    assert_like(removed.json(), CONTACT | {"tags": ["vip", "beta"]})
    assert api.get("/contacts/CRM-001").json() == removed.json()
    assert api.post(path, {"tags": []}).json()["tags"] == ["vip", "beta"]
    for method in ("POST", "DELETE"):
        for body, culprit in (
            ({"tags": "vip"}, "tags must be an array"),
            ({"tags": [7]}, "tags.0 must be a string"),
            ({"tags": [""]}, "tags.0"),
            ({"tag": ["vip"]}, "tags is required"),
            ([], "body must be"),
            (None, "body is missing"),
        ):
            assert assert_error(api.send(method, path, body), 400, "Bad Request").startswith(culprit)
        assert_error(api.send(method, "/contacts/nobody/tags", {"tags": ["x"]}), 404, "Not Found")
    assert api.get("/contacts/CRM-001").json() == removed.json()


def test_an_opt_out_is_taken_and_stays(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    answer = api.send("POST", f"/contacts/{john['id']}/unsubscribe")
    assert answer.status_code == 200
    opted_out = CONTACT | {"is_unsubscribed": True, "unsubscribed_at": MILLISECONDS}
    assert_like(answer.json(), opted_out)
    assert api.send("POST", "/contacts/CRM-001/unsubscribe").json()["unsubscribed_at"] is not None
    jane = api.post("/contacts", {"email": "jane@example.com", "external_id": "CRM-2"}).json()
    assert api.send("DELETE", f"/contacts/{jane['id']}/preferences").json()["is_unsubscribed"] is True
    for method, path in (
        ("POST", "/contacts/nobody/unsubscribe"),
        ("DELETE", "/contacts/nobody/preferences"),
    ):
        assert_error(api.send(method, path), 404, "Not Found", "Contact not found")
    for again in (
        api.send("POST", "/contacts/CRM-2/preferences/subscribe-all"),
        api.send("PATCH", "/contacts/CRM-2", {"preferences": {"email": {"marketing": True}}}),
        api.post("/contacts/bulk", {"contacts": [{"email": "jane@example.com", "is_unsubscribed": False}]}),
    ):
        assert again.status_code in (201, 400, 404)
        assert api.get("/contacts/CRM-2").json()["is_unsubscribed"] is True


def test_many_are_created_at_once(api: Api, account: Account) -> None:
    api.post("/contacts", JOHN)
    mary = {"email": "Mary@example.com", "external_id": "M", "phone": "+14155552671", "tags": ["vip"]}
    answer = api.post(
        "/contacts/bulk",
        {
            "contacts": [
                mary,
                {"email": "pat@example.com", "is_unsubscribed": True},
                {"email": "john.doe@example.com"},
                {"email": "x@example.com", "external_id": "CRM-001"},
                {"email": "nonsense", "tags": "vip"},
                {"email": "mary@example.com"},
            ]
        },
    )
    assert answer.status_code == 201, answer.text
    assert_like(answer.json(), {
        "created": [dict, dict],
        "skipped": [
            {"email": "john.doe@example.com",
             "reason": "You already have a contact with email john.doe@example.com"},
            {"email": "x@example.com", "external_id": "CRM-001",
             "reason": "You already have a contact with external_id CRM-001"},
            {"email": "mary@example.com", "reason": "You already have a contact with email mary@example.com"},
        ],
        "errors": [{"email": "nonsense", "error": str}],
        "user_id": account.id,
        "total_processed": 6,
        "summary": {"created_count": 2, "skipped_count": 3, "error_count": 1},
    })  # fmt: skip
    assert answer.json()["created"] == [api.get("/contacts/M").json(), *found(api, "email=pat@example.com")]
    assert [contact["is_unsubscribed"] for contact in answer.json()["created"]] == [False, True]
    assert all(name in answer.json()["errors"][0]["error"] for name in ("email", "tags"))


def found(api: Api, query: str) -> list[Any]:
    data: list[Any] = api.get(f"/contacts?{query}").json()["data"]
    return data


@pytest.mark.parametrize(("body", "culprit"), [
    ({}, "contacts is required"),
    ({"contacts": []}, "contacts must"),
    ({"contacts": {"email": "a@example.com"}}, "contacts must"),
    ({"contacts": [{"email": "a@example.com"}] * 101}, "contacts has 101 values; at most 100"),
    ({"contacts": [{"email": "a@example.com"}, {"first_name": "B"}, None]},
     "contacts.1.email is required; contacts.2 must be an object"),
    ({"contacts": [{"email": "a@example.com", "preferences": {"email": {"marketing": False}}}]},
     "contacts.0.preferences cannot be kept"),
])  # fmt: skip
def test_a_bad_bulk_creates_nobody(api: Api, body: Any, culprit: str) -> None:
    told = assert_error(api.post("/contacts/bulk", body), 400, "Bad Request")
    assert told.startswith(culprit)
    assert found(api, "") == []


def test_a_bulk_that_is_sent_twice_creates_once(api: Api) -> None:
    body = {"contacts": [{"email": "a@example.com"}, {"email": "b@example.com"}]}
    first, second = (api.post("/contacts/bulk", body, Idempotency_Key="k") for _ in range(2))
    assert first.json() == second.json()
    assert first.json()["summary"]["created_count"] == 2
    third = api.post("/contacts/bulk", body).json()
    assert third["summary"] == {"created_count": 0, "skipped_count": 2, "error_count": 0}


def test_pages_by_number(api: Api) -> None:
    made = [api.post("/contacts", {"email": f"p{number}@example.com"}).json()["id"] for number in range(5)]
    walked: list[str] = []
    page, pages = 0, 1
    while page < pages:
        page += 1
        answer = api.get(f"/contacts?page={page}&limit=2").json()
        assert_like(answer["pagination"], {"page": page, "limit": 2, "total": 5, "totalPages": 3})
        pages = answer["pagination"]["totalPages"]
        walked += [contact["id"] for contact in answer["data"]]
    assert walked == made[::-1]
    assert api.get("/contacts?page=4&limit=2").json()["data"] == []
    for leap in ("102", "2000000000"):
        told = assert_error(api.get(f"/contacts?page={leap}&limit=100"), 400, "Bad Request")
        assert told.startswith("page leads past more than 10,000 contacts"), leap
    assert "pagination" not in api.get("/contacts?limit=2").json()


def test_a_delete_is_permanent_however_it_is_asked_for(api: Api) -> None:
    john = api.post("/contacts", JOHN).json()
    soft = assert_error(api.delete("/contacts/CRM-001?hard=false"), 400, "Bad Request")
    assert soft.startswith("hard must be true")
    assert api.get("/contacts/CRM-001").json() == john
    assert api.delete("/contacts/CRM-001?hard=true").json() == {"deleted": True, "id": john["id"]}
    assert_error(api.get("/contacts/CRM-001"), 404, "Not Found", "Contact not found")


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", "/contacts/CRM-001/preferences", None),
    ("PATCH", "/contacts/CRM-001/preferences",
     {"preferences": [{"channel": "email", "category": "promotional", "subscribed": False}]}),
    ("PATCH", "/contacts/CRM-001/preferences/email/promotional", {"subscribed": False}),
    ("DELETE", "/contacts/CRM-001/preferences/email", None),
    ("POST", "/contacts/CRM-001/preferences/subscribe-all", None),
    ("PATCH", "/contacts/external/CRM-001/device-token", {"fcm_token": "t"}),
    ("PATCH", "/contacts/external/CRM-001/device-token", {}),
])  # fmt: skip
def test_what_is_not_served_is_named(api: Api, method: str, path: str, body: Any) -> None:
    john = api.post("/contacts", JOHN).json()
    answer = api.send(method, path, body)
    assert answer.status_code in (400, 404, 405)
    assert set(answer.json()) == {"statusCode", "message", "error"}
    told = answer.json()["message"].lower()
    assert "is_unsubscribed" in told or "device tokens are not kept" in told
    assert api.get("/contacts/CRM-001").json() == john


def test_a_team_is_refused(api: Api) -> None:
    """Its contacts would be shown among those of all teams."""
    api.post("/contacts", JOHN)
    for answer in (
        api.send("GET", "/contacts", headers={"X-Team-ID": "team-1"}),
        api.send("DELETE", "/contacts/CRM-001", headers={"X-Team-ID": "team-1"}),
        api.send(
            "POST",
            "/contacts/bulk",
            {"contacts": [{"email": "a@example.com"}]},
            headers={"X-Team-ID": "team-1"},
        ),
    ):
        assert assert_error(answer, 400, "Bad Request").startswith("X-Team-ID is not read here")
    assert [contact["external_id"] for contact in found(api, "")] == ["CRM-001"]
    assert api.send("GET", "/contacts", headers={"X-Team-ID": ""}).status_code == 200
