"""Smart Sender's API, row by row, as its documentation shows it."""

import re
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid4, uuid5

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
NEVER_FILLED: dict[str, Any] = {"funnels": [], "notes": []}
DETAILED = (
    SIMPLE
    | NEVER_FILLED
    | {
        "variables": [
            {"name": "plan", "value": "pro", "type": "string"},
            {"name": "seats", "value": 5, "type": "number"},
        ]
    }
)
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
        ({"identifier": "1", "firstName": "x", "parameters": [1]}, "parameters must be an object"),
        ([], "identifier is required; firstName is required"),
        ([1], "body must be a JSON object"),
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


@pytest.mark.parametrize("page", [502, 2_000_000_000])
def test_a_leap_over_pages_is_refused(api: Api, ada: str, page: int) -> None:
    told = assert_error(api.get(f"/contacts?page={page}"), 400)
    assert told == "page leads past more than 10,000 contacts; go page by page"


def test_the_detailed_and_the_simple_contact(api: Api, ada: str) -> None:
    detailed, simple = api.get(f"/contacts/{ada}"), api.get(f"/contacts/{ada}/info")
    assert (detailed.status_code, simple.status_code) == (200, 200)
    assert_like(detailed.json(), DETAILED)
    variables = {"plan": "pro", "seats": 5}
    assert_like(simple.json(), SIMPLE | NEVER_FILLED | {"variables": variables} | variables)


def test_chat_and_gates(api: Api, channel: str, ada: str) -> None:
    answer = api.get(f"/contacts/{ada}/chat")
    assert answer.status_code == 200
    chat = answer.json()
    shown = {
        "name": "Ada Lovelace",
        "image": None,
        "contact": SIMPLE | {"originalId": ada},
        "gates": [dict] * 3,
    }
    assert_like(chat, {"id": UUID, **shown, "createdAt": MOMENT, "updatedAt": MOMENT})
    own = [one for one in chat["gates"] if one["channel"]["id"] == channel]
    assert_like(own, [gate("731905284", channel) | {"subscribed": True}])
    for one in chat["gates"]:
        assert one.pop("subscribed") is True
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
        "seats": 5,
        "city": "London",
    }
    assert shown == shown | changed | {"tags": shown["tags"]}
    assert_like(shown["tags"], changed["tags"])
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


# What the vendor's public PHP scripts send and read, beyond its pages


@pytest.mark.parametrize("body", [[], {}, None])
def test_php_sends_an_empty_object_as_an_empty_array(
    api: Api, account: Account, channel: str, ada: str, body: Any
) -> None:
    assert_done(api.post(f"/contacts/{ada}/fire?name=Paid", body))
    (event,) = account.api.get(f"/v1/contacts/{ada}/events?type=contact.event").json()["data"]
    assert event["name"] == "Paid"
    assert_error(api.post(f"/contacts/{ada}/fire", body), 400, "name is required")
    before = api.get(f"/contacts/{ada}").json()
    if body is not None:
        assert_done(api.put(f"/contacts/{ada}", {"values": body}))
        assert api.get(f"/contacts/{ada}").json() == before
        arrival = {"identifier": "2", "firstName": "Eve", "parameters": body}
        assert api.post(f"/channels/{channel}/gates", arrival).status_code == 200
    assert_error(api.post(f"/contacts/{ada}/fire?name=Paid", [1]), 400, "body must be a JSON object")


def test_a_variable_is_read_at_the_top_level_and_hides_no_field(api: Api, account: Account, ada: str) -> None:
    """A script puts each member of the answer into a text, by its name."""
    own = {"email": "x", "notes": "call back", "variables": "y", "tags": "z", "funnels": 3, "id": "0"}
    account.api.patch(f"/v1/contacts/{ada}", {"custom_fields": {**own, "plan": "max", "місто": "я"}})
    shown = api.get(f"/contacts/{ada}/info").json()
    assert (shown["plan"], shown["seats"], shown["місто"]) == ("max", 5, "я")
    assert (shown["email"], shown["tags"], shown["id"]) == ("ada@example.com", [], ada)
    assert (shown["notes"], shown["funnels"]) == ([], [])
    assert shown["variables"] == {**own, "plan": "max", "seats": 5, "місто": "я"}


def test_a_contact_is_sent_back_as_it_was_shown(api: Api, ada: str) -> None:
    def info() -> Any:
        return api.get(f"/contacts/{ada}/info").json() | {"updatedAt": None}

    before = info()
    chat = api.get(f"/contacts/{ada}/chat").json()["contact"]
    for shown in (before, api.get(f"/contacts/{ada}").json(), chat):
        assert_done(api.put(f"/contacts/{ada}", {"values": shown}))
        assert info() == before
    told = assert_error(api.put(f"/contacts/{ada}", {"values": {**before, "plan": "max"}}), 400)
    assert told.startswith("values.plan has one value")
    assert info() == before
    assert_done(api.put(f"/contacts/{ada}", {"values": {"notes": "call back", "originalId": "x"}}))
    assert info()["variables"]["notes"] == "call back"


def test_a_gate_of_somebody_who_opted_out_is_not_subscribed(api: Api, account: Account, ada: str) -> None:
    account.api.patch(f"/v1/contacts/{ada}", {"is_unsubscribed": True})
    gates = api.get(f"/contacts/{ada}/chat").json()["gates"]
    assert gates
    assert not any(one["subscribed"] for one in gates)


def tags(api: Api, query: str = "") -> list[dict[str, str]]:
    found: list[dict[str, str]] = api.get(f"/tags{query}").json()["collection"]
    return found


def names(api: Api, query: str = "") -> list[str]:
    return [one["name"] for one in tags(api, query)]


def test_a_bridge_looks_a_tag_up_and_gives_it_to_a_contact(api: Api, account: Account, ada: str) -> None:
    """It reads the first page for a term, and takes the id of the tag with exactly that name."""
    account.api.created(email="x@example.com", tags=["vip", "VIP 2", "Kunde"])
    assert until(lambda: len(tags(api)) == 3)
    assert_like(
        tags(api, "?page=1&limitation=20&term=vip"),
        [{"id": UUID, "name": "vip"}, {"id": UUID, "name": "VIP 2"}],
    )
    vip = tags(api, "?term=vip")[0]["id"]
    for _ in range(2):
        assert_done(api.post(f"/contacts/{ada}/tags/{vip}", []))
        assert api.get(f"/contacts/{ada}").json()["tags"] == [{"id": vip, "name": "vip"}]
    assert_done(api.post(f"/contacts/{ada}/tags/{vip.upper()}", []))
    for _ in range(2):
        assert_done(api.send("DELETE", f"/contacts/{ada}/tags/{vip}", []))
        assert api.get(f"/contacts/{ada}").json()["tags"] == []


def test_a_tag_that_nobody_carries_any_more_can_be_given_again(api: Api, account: Account, ada: str) -> None:
    assert_done(api.put(f"/contacts/{ada}", {"values": {"tags": ["lead"]}}))
    lead = api.get(f"/contacts/{ada}").json()["tags"][0]["id"]
    assert_done(api.delete(f"/contacts/{ada}/tags/{lead}"))
    assert until(lambda: tags(api) == [])
    assert tags(api, "?term=le") == []
    assert tags(api, "?term=lead") == [{"id": lead, "name": "lead"}]
    assert_done(api.post(f"/contacts/{ada}/tags/{lead}"))
    assert until(lambda: names(api) == ["lead"])


def test_the_pages_of_tags(api: Api, account: Account) -> None:
    """The tag that is called like the term comes first. The chat sends an empty term and gets all tags."""
    for number in (0, 50):
        account.api.created(
            external_id=str(number), tags=[f"a tag {n:02}" for n in range(number, number + 12)]
        )
    account.api.created(external_id="z", tags=["TAG", "tag", "zebra"])
    assert until(lambda: len(tags(api)) == 20)
    pages = [api.get(f"/tags?limitation=20&page={page}&term=").json() for page in (1, 2, 3)]
    assert [one["cursor"] for one in pages] == [
        {"page": page, "limitation": 20, "pages": 2, "elements": 27} for page in (1, 2, 3)
    ]
    every = [one["name"] for page in pages for one in page["collection"]]
    assert every == sorted(every)
    assert len(set(every)) == 27
    assert names(api, "?term=tag&limitation=2") == ["tag", "TAG"]
    for term in ("ZEB", "%20zebra%20", "bra", "zebra"):
        assert names(api, f"?term={term}") == ["zebra"]
    for term in ("nothing", "é" * 600):  # the latter longer than any tag, or key of the table
        assert names(api, f"?term={term}") == []
    for query, told in (
        ("page=0", "page"),
        ("limitation=21", "limitation"),
        ("q=x", "q is no"),
        ("term=a&term=b", "term"),
    ):
        assert assert_error(api.get(f"/tags?{query}"), 400).startswith(told)


def test_an_accent_is_found_however_it_is_composed(api: Api, account: Account) -> None:
    composed, apart = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    account.api.created(external_id="1", tags=[composed, "STRASSE"])
    for term in (composed, apart, composed.upper()):
        assert until(lambda term=term: names(api, f"?term={quote(term)}") == [composed])
    assert names(api, "?term=stra%C3%9Fe") == ["STRASSE"]


def test_tags_that_are_not_there(api: Api, account: Account, other_account: Account, ada: str) -> None:
    other_account.api.created(email="x@example.com", tags=["theirs"])
    theirs = str(uuid5(NAMESPACE_URL, "urn:contacts:tag:theirs"))
    for tag in (theirs, str(uuid4()), "vip", "0"):
        assert_error(api.post(f"/contacts/{ada}/tags/{tag}", []), 404, "Tag not found")
        assert_error(api.delete(f"/contacts/{ada}/tags/{tag}"), 404, "Tag not found")
    assert_error(api.post(f"/contacts/{uuid4()}/tags/{theirs}", []), *NO_CONTACT)
    assert_error(api.put(f"/contacts/{ada}/tags/{theirs}", {"values": {}}), 405)
    full = [f"tag {number}" for number in range(100)]
    account.api.patch(f"/v1/contacts/{ada}", {"tags": full})
    account.api.created(email="y@example.com", tags=["one more"])
    assert until(lambda: names(api, "?term=one") == ["one more"])
    told = assert_error(api.post(f"/contacts/{ada}/tags/{tags(api, '?term=one')[0]['id']}", []), 400)
    assert told.startswith("tags ")


def test_a_tag_opts_nobody_in(api: Api, account: Account, ada: str) -> None:
    account.api.patch(f"/v1/contacts/{ada}", {"is_unsubscribed": True, "tags": ["vip"]})
    vip = api.get(f"/contacts/{ada}").json()["tags"][0]["id"]
    assert_done(api.delete(f"/contacts/{ada}/tags/{vip}"))
    assert until(lambda: tags(api, "?term=vip") != [])
    assert_done(api.post(f"/contacts/{ada}/tags/{vip}", []))
    assert account.api.get(f"/v1/contacts/{ada}").json()["is_unsubscribed"] is True


def test_a_term_narrows_the_plain_list_as_a_search(api: Api, channel: str, ada: str) -> None:
    api.post(f"/channels/{channel}/gates", {"identifier": "2", "firstName": "Eve"})
    assert until(lambda: api.get("/contacts?term=eve").json()["cursor"]["elements"] == 1)
    for term in ("love", "ada@example.com", "ada%20lovelace"):
        assert [one["id"] for one in api.get(f"/contacts?term={term}").json()["collection"]] == [ada]


def test_the_project(api: Api, account: Account) -> None:
    native = account.api.get("/v1/account").json()
    assert api.get("/me").json() == {"id": native["id"], "name": native["name"], "photo": None}


def test_natively_a_tag_has_no_path(api: Api, account: Account, ada: str) -> None:
    account.api.patch(f"/v1/contacts/{ada}", {"tags": ["vip"]})
    vip = api.get(f"/contacts/{ada}").json()["tags"][0]["id"]
    for method, path in (
        ("POST", f"/v1/contacts/{ada}/tags/{vip}"),
        ("DELETE", f"/v1/contacts/{ada}/tags/{vip}"),
        ("GET", "/v1/me"),
    ):
        assert account.api.send(method, path).status_code == 404
    assert account.api.get("/v1/tags?term=vip").status_code == 400
    assert account.api.get(f"/v1/contacts/{ada}").json()["tags"] == ["vip"]


NOT_SERVED = [
    ("POST", "/contacts/{ada}/send", "Messages are not sent from here"),
    ("GET", "/contacts/{ada}/messages?page=1&limitation=20", "Messages are not kept here"),
    ("GET", "/contacts/{ada}/checkout?page=1&limitation=20", "There are no checkouts here"),
    ("POST", "/contacts/{ada}/funnels/key", "There are no funnels here"),
    ("DELETE", "/contacts/{ada}/funnels/key", "There are no funnels here"),
    ("GET", "/funnels?page=1&limitation=20&term=x", "There are no funnels here"),
    ("GET", "/variables?limitation=20&page=1", "Variables are not listed here; each contact shows its own"),
    ("GET", "/operators?page=1&limitation=20", "There are no operators here"),
    ("GET", "/chats?page=1&limitation=20", None),
    ("GET", "/chats/{ada}", None),
    ("GET", "/chats/{ada}/messages?activities=1", "Messages are not kept here"),
    ("PUT", "/gates/{ada}/messages", "Messages are not kept here"),
    ("DELETE", "/gates/{ada}/messages", "Messages are not kept here"),
]
"""What the scripts send besides."""


@pytest.mark.parametrize(("method", "path", "told"), NOT_SERVED)
def test_what_is_not_served_says_so(
    api: Api, connect: Connect, ada: str, method: str, path: str, told: str | None
) -> None:
    """The scripts look for `error` in an answer, and take any other for success."""
    sent = path.format(ada=ada)
    body = {"content": "x"} if method in ("POST", "PUT") else None
    assert_error(api.send(method, sent, body), 404, told)
    assert api.get(f"/contacts/{ada}").status_code == 200
    for key in ("sk_live_wrong", ""):
        answer = connect("smartsender", key=key).send(method, sent, body)
        assert answer.status_code in (401, 404)
        assert answer.json()["error"]["code"] == answer.status_code


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/me"), ("POST", "/contacts/x/tags/y"), ("DELETE", "/contacts/x/tags/y")]
)
def test_a_wrong_token_on_a_path_of_the_scripts(connect: Connect, method: str, path: str) -> None:
    assert_error(connect("smartsender", key="sk_live_wrong").send(method, path), 401)


@pytest.mark.parametrize(
    "path", ["/contacts", "/contacts/x", "/contacts/x/chat", "/contacts/search?term=x", "/tags"]
)
def test_a_wrong_token_of_a_script_on_a_path_that_others_have(connect: Connect, path: str) -> None:
    """Its User-Agent tells whose it is. Native clients get a problem document, whatever their User-Agent."""
    for agent in ("M-Soft Integration", "Mufik Soft(https://mufiksoft.com)"):
        header = {"User-Agent": agent}
        assert_error(connect("smartsender", key="sk_live_wrong").get(path, **header), 401)
    assert "error" not in connect("smartsender", key="sk_live_wrong").get(path).json()
