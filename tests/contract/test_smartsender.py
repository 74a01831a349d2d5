"""Smart Sender's API, row by row, as its documentation shows it."""

import re
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.contract.conftest import Connect
from tests.contract.vendors import UUID, assert_like
from tests.support.accounts import Account, Accounts
from tests.support.api import Api
from tests.support.waiting import until

MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
ADA: dict[str, Any] = {
    "identifier": "731905284",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@example.com",
    "phone": "+442079460958",
    "parameters": {"plan": "pro", "seats": 5},
}
SIMPLE: dict[str, Any] = {
    "id": UUID,
    "firstName": "Ada",
    "lastName": "Lovelace",
    "fullName": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+442079460958",
    "photo": None,
    "tags": [],
    "createdAt": MOMENT,
    "updatedAt": MOMENT,
}
DETAILED = SIMPLE | {
    "variables": [
        {"name": "plan", "value": "pro", "type": "string"},
        {"name": "seats", "value": 5, "type": "number"},
    ]
}
DONE = {"state": True}
NO_CONTACT, NO_CHANNEL = (404, "Contact not found"), (404, "Channel not found")


@pytest.fixture
def api(connect: Connect) -> Api:
    return connect("smartsender")


@pytest.fixture
def channel(account: Account) -> str:
    """The id of a channel."""
    answer = account.api.post("/v1/channels", {"type": "telegram", "name": "Bot"})
    assert answer.status_code == 201, answer.text
    channel_id: str = answer.json()["id"]
    return channel_id


def assert_error(answer: requests.Response, status: int, message: str | None = None) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert_like(answer.json(), {"error": {"code": status, "message": str}})
    told: str = answer.json()["error"]["message"]
    assert message is None or told == message
    return told


def assert_done(answer: requests.Response) -> None:
    assert (answer.status_code, answer.json()) == (200, DONE), answer.text


def gate(identifier: str, channel: str) -> dict[str, Any]:
    shown = {"id": channel, "type": "telegram", "name": "Bot"}
    return {"id": UUID, "channel": shown, "identifier": identifier, "createdAt": MOMENT}


def newest(account: Account) -> str:
    """The id of the contact that was made last."""
    contact_id: str = account.api.get("/v1/contacts?limit=1").json()["data"][0]["id"]
    return contact_id


@pytest.fixture
def ada(api: Api, account: Account, channel: str) -> str:
    """The id of a contact."""
    assert api.post(f"/channels/{channel}/gates", ADA).status_code == 200
    return newest(account)


# Gates


def test_a_contact_is_created_with_its_gate(api: Api, account: Account, channel: str) -> None:
    answer = api.post(f"/channels/{channel}/gates", ADA | {"no_field_of_theirs": 1})
    assert answer.status_code == 200, answer.text
    assert_like(answer.json(), gate("731905284", channel))
    assert_like(api.get(f"/contacts/{newest(account)}").json(), DETAILED)


def test_a_known_identifier_returns_the_gate_that_exists(
    api: Api, account: Account, channel: str, ada: str
) -> None:
    first = api.post(f"/channels/{channel}/gates", {"identifier": "731905284", "firstName": "Eve"})
    assert first.status_code == 200
    assert_like(first.json(), gate("731905284", channel))
    assert_like(api.get(f"/contacts/{ada}").json(), DETAILED)
    account.api.delete(f"/v1/contacts/{ada}")
    assert_error(api.get(f"/contacts/{ada}"), *NO_CONTACT)
    back = api.post(f"/channels/{channel}/gates", {"identifier": "731905284", "firstName": "Eve"})
    assert (back.status_code, back.json()) == (200, first.json())
    assert api.get(f"/contacts/{ada}").json()["firstName"] == "Ada"


def test_an_email_that_another_contact_has_is_a_conflict(api: Api, channel: str, ada: str) -> None:
    other = {"identifier": "2", "firstName": "Eve", "email": "Ada@example.com"}
    assert_error(api.post(f"/channels/{channel}/gates", other), 409)
    assert api.get("/contacts").json()["cursor"]["elements"] == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "identifier is required; firstName is required"),
        ({"firstName": "x"}, "identifier is required"),
        ({"identifier": "1"}, "firstName is required"),
        ({"identifier": "", "firstName": "x"}, "identifier must have at least 1 character"),
        ({"identifier": "1", "firstName": "x" * 256}, "firstName must have at most 255 characters"),
        (
            {"identifier": "1", "firstName": "x", "phone": "12"},
            "phone must be an E.164 number such as +4915112345678",
        ),
        ({"identifier": "1", "firstName": "x", "parameters": []}, "parameters must be an object"),
        ([], "body must be a JSON object"),
    ],
)
def test_bad_bodies_name_the_culprits(api: Api, channel: str, body: Any, told: str) -> None:
    assert_error(api.post(f"/channels/{channel}/gates", body), 400, told)


# Reading


def test_the_pages_of_contacts(api: Api, account: Account, channel: str) -> None:
    """Its clients loop until `page == pages`."""
    assert api.get("/contacts").json() == {
        "cursor": {"page": 1, "limitation": 20, "pages": 1, "elements": 0},
        "collection": [],
    }
    made = []
    for number in range(5):
        api.post(f"/channels/{channel}/gates", {"identifier": str(number), "firstName": f"N{number}"})
        made.append(newest(account))
    assert until(lambda: api.get("/contacts").json()["cursor"]["elements"] == 5)
    page, found = 1, []
    while True:
        body = api.get(f"/contacts?page={page}&limitation=2").json()
        assert body["cursor"] == {"page": page, "limitation": 2, "pages": 3, "elements": 5}
        found += [contact["id"] for contact in body["collection"]]
        if page == body["cursor"]["pages"]:
            break
        page += 1
    assert found == made
    assert api.get("/contacts?page=9&limitation=2").json()["collection"] == []


def test_search(api: Api, ada: str) -> None:
    def found(term: str) -> list[str]:
        return [contact["id"] for contact in api.get(f"/contacts/search?term={term}").json()["collection"]]

    assert until(lambda: found("love") == [ada])
    assert found("nobody") == []
    body = api.get("/contacts/search?term=ada%40example.com&page=1&limitation=5").json()
    cursor = {"page": 1, "limitation": 5, "pages": 1, "elements": 1}
    assert_like(body, {"cursor": cursor, "collection": [DETAILED]})
    for query in ("", "?term=", "?term=%20"):
        assert_error(api.get(f"/contacts/search{query}"), 400, "term is required")


def test_a_phone_is_a_term_however_it_is_written(api: Api, ada: str) -> None:
    """The vendor's clients look a contact up by its phone first: `+442079460958`."""
    assert until(lambda: api.get("/contacts?term=442079460958").json()["collection"] != [])
    for term in ("%2B442079460958", "+442079460958", "+44+20+7946-0958", "020+7946+0958", "079460958"):
        for path in ("/contacts", "/contacts/search"):
            body = api.get(f"{path}?term={term}").json()
            assert [contact["id"] for contact in body["collection"]] == [ada], term
            assert body["cursor"]["elements"] == 1


@pytest.mark.parametrize("path", ["/contacts", "/contacts/search", "/channels"])
@pytest.mark.parametrize("query", ["page=0", "page=x", "limitation=0", "limitation=21", "limitation="])
def test_bad_pages_are_named(api: Api, path: str, query: str) -> None:
    term = "" if path == "/channels" else "term=x&"
    told = assert_error(api.get(f"{path}?{term}{query}"), 400)
    assert told.startswith(query.partition("=")[0])


def test_the_detailed_and_the_simple_contact(api: Api, ada: str) -> None:
    detailed, simple = api.get(f"/contacts/{ada}"), api.get(f"/contacts/{ada}/info")
    assert (detailed.status_code, simple.status_code) == (200, 200)
    assert_like(detailed.json(), DETAILED)
    assert_like(simple.json(), SIMPLE | {"variables": {"plan": "pro", "seats": 5}})


def test_chat_and_gates(api: Api, channel: str, ada: str) -> None:
    answer = api.get(f"/contacts/{ada}/chat")
    assert answer.status_code == 200
    chat = answer.json()
    shown = {"name": "Ada Lovelace", "image": None, "contact": SIMPLE, "gates": [dict] * 3}
    assert_like(chat, {"id": UUID, **shown, "createdAt": MOMENT, "updatedAt": MOMENT})
    own = [one for one in chat["gates"] if one["channel"]["id"] == channel]
    assert_like(own, [gate("731905284", channel)])
    pages = [api.get(f"/contacts/{ada}/gates?page={page}&limitation=2").json() for page in (1, 2)]
    assert [one["cursor"] for one in pages] == [
        {"page": page, "limitation": 2, "pages": 2, "elements": 3} for page in (1, 2)
    ]
    assert [one for page in pages for one in page["collection"]] == chat["gates"]


# Changing


def test_an_invalid_value_is_skipped_and_the_rest_is_applied(api: Api, account: Account, ada: str) -> None:
    account.api.created(email="taken@example.com")
    account.api.post("/v1/contact-properties", {"name": "seats", "type": "number"})
    values = {
        "firstName": "Augusta",
        "lastName": 5,
        "email": "taken@example.com",
        "phone": "nonsense",
        "photo": "https://example.com/ada.jpg",
        "tags": ["vip"],
        "seats": "many",
        "city": "London",
        "plan": None,
    }
    assert_done(api.put(f"/contacts/{ada}", {"values": values}))
    shown = api.get(f"/contacts/{ada}/info").json()
    changed = {
        "firstName": "Augusta",
        "fullName": "Augusta Lovelace",
        "photo": "https://example.com/ada.jpg",
        "tags": [{"id": UUID, "name": "vip"}],
        "variables": {"seats": 5, "city": "London"},
    }
    assert_like(
        {**shown, "variables": dict(sorted(shown["variables"].items(), reverse=True))}, SIMPLE | changed
    )
    for body in ({}, {"values": 1}, {"firstName": "x"}):
        assert_error(api.put(f"/contacts/{ada}", body), 400, "values must be an object")


@pytest.mark.parametrize("in_query", [True, False])
def test_fire(api: Api, account: Account, ada: str, in_query: bool) -> None:
    path = f"/contacts/{ada}/fire"
    assert_done(api.post(f"{path}?name=Order%20Paid") if in_query else api.post(path, {"name": "Order Paid"}))
    events = account.api.get(f"/v1/contacts/{ada}/events?type=contact.event").json()["data"]
    assert [event["name"] for event in events] == ["Order Paid"]
    assert_error(api.post(path, {}), 400, "name is required")
    assert_error(api.post(f"/contacts/{uuid4()}/fire", {"name": "x"}), *NO_CONTACT)


def test_merge(api: Api, channel: str, account: Account, ada: str) -> None:
    other = {"identifier": "2", "firstName": "Augusta", "parameters": {"plan": "free", "city": "London"}}
    api.post(f"/channels/{channel}/gates", other)
    target = newest(account)
    assert_done(api.put(f"/contacts/{target}", {"values": {"tags": ["vip"]}}))
    assert_done(api.post(f"/contacts/{ada}/merge/{target}"))
    merged = api.get(f"/contacts/{ada}/info").json()
    assert merged["firstName"] == "Ada"
    assert [tag["name"] for tag in merged["tags"]] == ["vip"]
    assert merged["variables"] == {"plan": "pro", "seats": 5, "city": "London"}
    assert api.get(f"/contacts/{target}").json()["id"] == ada
    gates = api.get(f"/contacts/{ada}/gates").json()["collection"]
    assert {"731905284", "2"} <= {one["identifier"] for one in gates}
    assert_like(api.post(f"/channels/{channel}/gates", other).json(), gate("2", channel))
    assert_error(api.post(f"/contacts/{ada}/merge/{target}"), 409)
    for path in (f"/contacts/{ada}/merge/{uuid4()}", f"/contacts/{uuid4()}/merge/{ada}"):
        assert_error(api.post(path), 404)


def test_delete_is_permanent(api: Api, account: Account, channel: str, ada: str) -> None:
    assert_done(api.delete(f"/contacts/{ada}"))
    assert_error(api.get(f"/contacts/{ada}"), *NO_CONTACT)
    assert account.api.post(f"/v1/contacts/{ada}/restore").status_code == 404
    api.post(f"/channels/{channel}/gates", ADA)
    assert newest(account) != ada


# Channels


def test_channels(api: Api, account: Account, channel: str) -> None:
    shown = {"id": channel, "type": "telegram", "name": "Bot", "state": True}
    cursor = {"page": 1, "limitation": 20, "pages": 1, "elements": 1}
    assert api.get("/channels").json() == {"cursor": cursor, "collection": [shown]}
    answer = api.get(f"/channels/{channel}")
    assert (answer.status_code, answer.json()) == (200, shown)
    assert_done(api.put(f"/channels/{channel}", {"state": False, "name": "ignored"}))
    assert api.get(f"/channels/{channel}").json() == {**shown, "state": False}
    assert_error(api.post(f"/channels/{channel}/gates", ADA), 409)
    assert_error(api.put(f"/channels/{channel}", {}), 400, "state is required")
    assert_error(api.put(f"/channels/{channel}", {"state": "on"}), 400, "state must be true or false")
    for one in (str(uuid4()), "telegram"):
        assert_error(api.get(f"/channels/{one}"), *NO_CHANNEL)
        assert_error(api.put(f"/channels/{one}", {"state": True}), *NO_CHANNEL)
        assert_error(api.post(f"/channels/{one}/gates", ADA), *NO_CHANNEL)


# Whoever asks for what is not theirs, or not there


def test_what_is_not_there(api: Api, other_account: Account, ada: str) -> None:
    theirs = other_account.api.created(email="x@example.com", external_id="theirs")
    for ref in (theirs["id"], "theirs", "ada@example.com", str(uuid4())):
        for path in ("", "/info", "/chat", "/gates"):
            assert_error(api.get(f"/contacts/{ref}{path}"), *NO_CONTACT)
        assert_error(api.put(f"/contacts/{ref}", {"values": {}}), *NO_CONTACT)
        assert_error(api.delete(f"/contacts/{ref}"), *NO_CONTACT)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/contacts", 405),
        ("PATCH", "/contacts/x", 405),
        ("DELETE", "/channels/x", 405),
        ("POST", "/channels", 405),
        ("POST", "/contacts/x/restore", 404),
        ("POST", "/contacts/batch", 405),
        ("GET", "/api-keys", 404),
        ("GET", "/contacts/x/events", 404),
        ("GET", "/nothing", 404),
    ],
)
def test_what_others_have(api: Api, method: str, path: str, status: int) -> None:
    assert_error(api.send(method, path, {} if method in ("POST", "PATCH") else None), status)


def test_what_is_not_json(api: Api, channel: str) -> None:
    path = f"/channels/{channel}/gates"
    assert "not JSON" in assert_error(api.send("POST", path, raw="{"), 400)
    assert "missing" in assert_error(api.post(path), 400)


def test_a_revoked_token_is_403(connect: Connect, account: Account) -> None:
    revoked = account.key(dialect="smartsender")
    account.api.delete(f"/v1/api-keys/{revoked['id']}")
    assert_error(connect("smartsender", revoked["key"]).get("/contacts"), 403)
    for key in ("sk_live_" + "x" * 43, ""):  # Nobody's: nothing tells that it is Smart Sender's.
        assert connect("smartsender", key).get("/contacts").status_code == 401
        assert_error(connect("smartsender", key).get("/contacts/x/info"), 401)  # but where only it has a path
    narrow = connect("smartsender", scopes=["contacts:read"])
    assert "contacts:write" in assert_error(narrow.delete(f"/contacts/{uuid4()}"), 403)


def test_the_plans_limit(accounts: Accounts) -> None:
    opened = accounts.provision({"name": "Free", "plan": "free", "dialect": "smartsender"})
    api = Api(accounts.url + "/v1", opened["key"], as_bearer=True)
    with api:
        answers = [api.get("/channels") for _ in range(101)]
    assert [answer.status_code for answer in answers] in ([200] * 100 + [429], [200] * 101)
    if answers[-1].status_code == 200:
        pytest.skip("the hour turned meanwhile")
    assert_error(answers[-1], 429)
    assert int(answers[-1].headers["Retry-After"]) <= 3600


def test_a_repeated_arrival_is_the_same_one(api: Api, channel: str) -> None:
    path = f"/channels/{channel}/gates"
    first, second = (api.post(path, ADA, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert_error(api.post(path, ADA | {"firstName": "x"}, Idempotency_Key="k"), 422)


def test_test_mode_keeps_nothing(connect: Connect, api: Api, channel: str) -> None:
    test = connect("smartsender", mode="test")
    answer = test.post(f"/channels/{channel}/gates", ADA)
    assert answer.status_code == 200
    assert_like(answer.json(), {**gate("731905284", channel), "test_mode": True})
    empty = {"cursor": {"page": 1, "limitation": 20, "pages": 1, "elements": 0}, "collection": []}
    for one in (test.get("/contacts"), test.get("/channels"), api.get("/contacts")):
        assert one.json() == empty
