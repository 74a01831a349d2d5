"""Smart Sender's dialect: what its requests mean natively, and how native answers read there."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.accounts.model import Dialect
from contacts.core import errors
from contacts.core.errors import ContactsError, InvalidInput
from contacts.core.tags import tag_id
from contacts.core.violations import NOT_NUMBER, REQUIRED, longer_than
from contacts.dialects.smartsender import (
    DIALECT,
    changes,
    contact_out,
    detailed_contact_out,
    moment,
    simple_contact_out,
    type_of,
)
from contacts.dialects.wire import Problem, Reply, VendorRequest
from contacts.web.response import problem
from tests.support.app import Reply as Answer
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.native_contacts import Json, json_values, native_contacts

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"
SHOWN = [
    "id",
    "firstName",
    "lastName",
    "fullName",
    "email",
    "phone",
    "photo",
    "tags",
    "createdAt",
    "updatedAt",
]
CHANNELS, CHANNEL = "/v1/channels", "/v1/channels/{id}"
ARRIVE = f"{CHANNEL}/gates"


def asked(route: str, *, body: Any = None, **call: Any) -> VendorRequest:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


def answered(route: str, body: Any, status: int = 200, **call: Any) -> Reply:
    return DIALECT.routes[route].from_native(VendorRequest(route=route, **call), Reply(status, body))


# There and back


@given(native_contacts)
def test_a_contact_sent_back_as_shown_does_not_change(native: Json) -> None:
    before = deepcopy(native)
    photo = native["metadata"].get("photo")
    for out in (detailed_contact_out, simple_contact_out):
        theirs = out(native)
        assert [*theirs][:13] == [*SHOWN, "funnels", "notes", "variables"]
        sent = changes(theirs)
        metadata = {"metadata": {"photo": photo}} if isinstance(photo, str | None) else {}
        variables = {"custom_fields": native["custom_fields"]} if native["custom_fields"] else {}
        kept = ("first_name", "last_name", "name", "email", "phone", "tags")
        assert sent == {name: native[name] for name in kept} | metadata | variables
    assert native == before


@given(native_contacts)
def test_both_forms_of_variables_have_the_same_values(native: Json) -> None:
    detailed, simple = detailed_contact_out(native)["variables"], simple_contact_out(native)["variables"]
    assert {one["name"]: one["value"] for one in detailed} == simple == native["custom_fields"]
    assert {one["type"] for one in detailed} <= {"string", "number", "boolean", "object", "array"}
    assert list(contact_out(native)) == SHOWN


@given(some.text())
def test_a_tag_has_always_the_same_id(tag: str) -> None:
    assert tag_id(tag) == tag_id(tag) != tag_id(f"{tag}!")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "string"),
        (1, "number"),
        (1.5, "number"),
        (True, "boolean"),
        ({}, "object"),
        ([], "array"),
        (None, "null"),
    ],
)
def test_a_variable_has_the_type_of_its_value(value: object, expected: str) -> None:
    assert type_of(value) == expected


@pytest.mark.parametrize(
    ("values", "contradictory"),
    [
        ({"plan": "a", "variables": {"plan": "b"}}, ["values.plan"]),
        ({"plan": [True], "variables": [{"name": "plan", "value": [1]}]}, ["values.plan"]),
        ({"café": 1, "variables": {"cafe\u0301": 2}}, ["values.café"]),
        ({"plan": {"a": 1}, "variables": {"plan": {"a": 1}}}, []),
    ],
)
def test_a_variable_with_two_values_is_named(values: Json, contradictory: list[str]) -> None:
    if not contradictory:
        assert changes(values) == {"custom_fields": values["variables"]}
        return
    with pytest.raises(InvalidInput) as refused:
        changes(values)
    assert [error.field for error in refused.value.errors] == contradictory


def test_moments_are_without_milliseconds_and_zone() -> None:
    assert moment("2026-01-15T10:30:00.999Z") == "2026-01-15 10:30:00"


FIELDS = [
    "values",
    "name",
    "state",
    "identifier",
    "firstName",
    "email",
    "parameters",
    "tags",
    "photo",
    "variables",
]
bodies = json_values | some.dictionaries(some.sampled_from(FIELDS), json_values)


@given(
    route=some.sampled_from(sorted(DIALECT.routes)),
    body=bodies | some.fixed_dictionaries({"values": bodies}),
    query=some.dictionaries(
        some.sampled_from(["page", "limitation", "term", "name", "any"]),
        some.lists(some.text(), min_size=1, max_size=2),
    ),
    ref=some.text(),
)
def test_any_request_is_translated_or_refused(route: str, body: Any, query: Any, ref: str) -> None:
    path = {name: ref for name in ("ref", "id", "target", "tag") if f"{{{name}}}" in route}
    call = VendorRequest(route=route, path=path, query=query, body=body)
    before = deepcopy(call)
    try:
        native = DIALECT.routes[route].to_native(call)
    except ContactsError:
        pass
    else:
        assert native.path.keys() <= {"id", "tag"}
        if "{ref}" in native.route:
            assert native.ref == (call.path["ref"], ("id",))
        known = {"limit", "offset", "include_total", "sort", "q", "search", "on_invalid", "permanent"}
        assert native.query.keys() <= known
    assert call == before


def test_the_vendors_own_routes_lead_to_native_operations() -> None:
    path = {"ref": NOBODYS}
    info = asked("GET /v1/contacts/{ref}/info", path=path)
    assert (info.route, info.ref, info.query) == ("GET /v1/contacts/{ref}", (NOBODYS, ("id",)), {})
    for sent in ({"body": {"name": "Paid"}}, {"query": {"name": ["Paid"]}}):
        fired = asked("POST /v1/contacts/{ref}/fire", path=path, **sent)
        assert (fired.route, fired.body) == ("POST /v1/contacts/{ref}/events", {"name": "Paid"})
    merged = asked("POST /v1/contacts/{ref}/merge/{target}", path={"ref": "a", "target": "b"})
    assert (merged.route, merged.ref) == ("POST /v1/contacts/{ref}/merge", ("a", ("id",)))
    assert merged.body == {"from": "b", "by": "id"}
    assert answered("POST /v1/contacts/{ref}/merge/{target}", {"id": "a"}) == (200, {"state": True})
    deleted = asked("DELETE /v1/contacts/{ref}", path=path)
    assert deleted.query == {"permanent": ["true"]}


# Page numbers


def page_of(native: Mapping[str, Any], page: int, size: int) -> Any:
    query = {"page": [str(page)], "limitation": [str(size)]}
    return answered("GET /v1/channels", native, query=query).body["cursor"]


@given(
    elements=some.integers(0, 70),
    size=some.integers(1, 20),
    behind=some.integers(-3, 3),
    counted=some.booleans(),
)
def test_a_client_that_reads_until_the_last_page_sees_everything(
    elements: int, size: int, behind: int, counted: bool
) -> None:
    """Whether the total is right, a moment behind, or unknown."""
    one = {"id": "", "type": "", "name": "", "state": True}
    page, seen = 0, 0
    while True:
        page += 1
        query = {"page": [str(page)], "limitation": [str(size)]}
        native = asked("GET /v1/channels", query=query).query
        first, limit = int(native["offset"][0]), int(native["limit"][0])
        data = [one] * max(0, min(limit, elements - first))
        total = max(0, elements + behind) if counted else None
        has_more = first + limit < elements
        cursor = page_of({"data": data, "has_more": has_more, "total": total}, page, size)
        seen += len(data)
        assert cursor["page"] == page
        assert cursor["limitation"] == size
        assert page <= elements // size + 3, "endless"
        if page == cursor["pages"]:
            break
        assert page < cursor["pages"]
    assert seen == elements
    if behind == 0 and counted:
        assert (cursor["elements"], cursor["pages"]) == (elements, max(1, -(-elements // size)))


def test_a_page_past_the_last_is_empty_and_has_the_total() -> None:
    assert page_of({"data": [], "has_more": False, "total": 3}, 9, 2) == {
        "page": 9,
        "limitation": 2,
        "pages": 2,
        "elements": 3,
    }


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"page": ["0"]}, "page must be"),
        ({"page": ["x"]}, "page must be"),
        ({"limitation": ["21"]}, "limitation must be"),
        ({"limitation": ["0"]}, "limitation must be"),
    ],
)
@pytest.mark.parametrize("route", ["GET /v1/contacts", "GET /v1/contacts/{ref}/gates", "GET /v1/channels"])
def test_a_wrong_page_is_named(route: str, query: Any, says: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        asked(route, path={"ref": NOBODYS}, query=query)
    reply = DIALECT.error(
        VendorRequest(route=route), Problem(400, problem(refused.value, "r").body, refused.value.field_errors)
    )
    assert reply.status == reply.body["error"]["code"] == 400
    assert reply.body["error"]["message"].startswith(says)


# Errors


WRONG_FIELDS = errors.InvalidInput(
    [
        errors.FieldError("first_name", longer_than(255)),
        errors.FieldError("custom_fields.size", NOT_NUMBER),
        errors.FieldError("q", REQUIRED),
    ]
)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (errors.ContactNotFound(), 404, "Contact not found"),
        (errors.ChannelNotFound(), 404, "Channel not found"),
        (errors.KeyRevoked("smartsender"), 403, "This API key was revoked"),
        (errors.NotAuthenticated("No."), 401, "No"),
        (
            WRONG_FIELDS,
            400,
            "firstName must have at most 255 characters; parameters.size must be a number; term is required",
        ),
    ],
)
def test_errors_have_the_vendors_shape(error: ContactsError, code: int, message: str) -> None:
    native = problem(error, "r")
    reply = DIALECT.error(
        VendorRequest(route="GET /v1/contacts"), Problem(native.status, native.body, error.field_errors)
    )
    assert reply == (code, {"error": {"code": code, "message": message}})


# Through the handlers


class Walk:
    """An account with a channel, and its clients."""

    def __init__(self) -> None:
        moto, self.clock, randomness = MotoTable(), FakeClock(), CountingBytes()
        self.native = InProcessApi(moto.client(), ACCOUNT, self.clock, randomness)
        self.theirs = InProcessApi(moto.client(), ACCOUNT, self.clock, randomness, Dialect.SMARTSENDER)
        body = {"type": "telegram", "name": "Bot"}
        self.channel: str = self.native.request("POST", CHANNELS, body=body).body["id"]

    def request(self, method: str, route: str, ref: str | None = None, **more: Any) -> Answer:
        self.clock.at_ms += 1000
        return self.theirs.request(method, route, ref, **more)

    def arrived(self, identifier: str, **fields: Any) -> str:
        """The id of the contact that arrived."""
        reply = self.request(
            "POST", ARRIVE, self.channel, body={"identifier": identifier, "firstName": "Ada", **fields}
        )
        assert reply.status == 200, reply.body
        assert list(reply.body) == ["id", "channel", "identifier", "createdAt"]
        listed = self.native.request("GET", query={"sort": "-created_at", "limit": "1"}).body["data"]
        contact_id: str = listed[0]["id"]
        return contact_id

    def contact(self, contact_id: str) -> Any:
        return self.native.request("GET", ONE, contact_id).body


@pytest.fixture
def walk() -> Walk:
    return Walk()


def test_a_contact_is_created_only_through_a_gate(walk: Walk) -> None:
    sent = {
        "lastName": "Lovelace",
        "email": "Ada@example.com",
        "phone": "+442079460958",
        "parameters": {"plan": "pro", "seats": 5},
        "externalId": "ignored",
    }
    contact_id = walk.arrived("731905284", **sent)
    contact = walk.contact(contact_id)
    assert (contact["first_name"], contact["last_name"], contact["email"]) == (
        "Ada",
        "Lovelace",
        "ada@example.com",
    )
    assert (contact["custom_fields"], contact["external_id"]) == ({"plan": "pro", "seats": 5}, None)
    refused = walk.request("POST", "/v1/contacts", body={"email": "bea@example.com"})
    assert (refused.status, refused.body["error"]["code"]) == (405, 405)
    for body, says in (
        ({}, "identifier is required; firstName is required"),
        ({"identifier": "1"}, "firstName is required"),
        ({"identifier": "1", "firstName": "x" * 256}, "firstName must have at most 255"),
        ({"identifier": "1", "firstName": "x", "parameters": [1]}, "parameters must be an object"),
        ([], "identifier is required; firstName is required"),
        ({"identifier": "1", "firstName": "x", "phone": "12"}, "phone must be an E.164"),
    ):
        reply = walk.request("POST", ARRIVE, walk.channel, body=body)
        assert (reply.status, reply.body["error"]["message"].startswith(says)) == (400, True), reply.body
    taken = walk.request(
        "POST", ARRIVE, walk.channel, body={"identifier": "2", "firstName": "x", "email": "ada@example.com"}
    )
    assert (taken.status, taken.body["error"]["code"]) == (409, 409)


def test_an_update_skips_invalid_fields_and_applies_the_others(walk: Walk) -> None:
    walk.arrived("1", email="taken@example.com")
    contact_id = walk.arrived("2")
    values = {
        "firstName": "Augusta",
        "lastName": 5,
        "email": "taken@example.com",
        "phone": "12",
        "photo": "https://example.com/ada.jpg",
        "tags": [{"id": "x", "name": "vip"}, "beta"],
        "plan": "pro",
        "id": NOBODYS,
        "createdAt": "2020-01-01 00:00:00",
    }
    reply = walk.request("PUT", ONE, contact_id, body={"values": values})
    assert (reply.status, reply.body) == (200, {"state": True})
    contact = walk.contact(contact_id)
    assert (contact["first_name"], contact["last_name"], contact["email"], contact["phone"]) == (
        "Augusta",
        None,
        None,
        None,
    )
    assert (contact["tags"], contact["custom_fields"]) == (["vip", "beta"], {"plan": "pro"})
    assert contact["metadata"] == {"photo": "https://example.com/ada.jpg"}
    shown = walk.request("GET", ONE, contact_id).body
    assert (shown["photo"], shown["fullName"]) == ("https://example.com/ada.jpg", "Augusta")
    assert shown["variables"] == [{"name": "plan", "value": "pro", "type": "string"}]
    assert shown["tags"] == [{"id": tag_id(tag), "name": tag} for tag in ("vip", "beta")]
    assert walk.request("GET", f"{ONE}/info", contact_id).body["variables"] == {"plan": "pro"}

    assert walk.request("PUT", ONE, contact_id, body={"values": {"photo": 5, "phone": None}}).status == 200
    assert walk.contact(contact_id)["metadata"] == contact["metadata"]
    assert walk.request("PUT", ONE, contact_id, body={"values": {"photo": None, "plan": None}}).status == 200
    assert (walk.contact(contact_id)["metadata"], walk.contact(contact_id)["custom_fields"]) == ({}, {})
    for body in ({}, [], {"values": ["x"]}, {"firstName": "x"}):
        assert (
            walk.request("PUT", ONE, contact_id, body=body).body["error"]["message"]
            == "values must be an object"
        )


def test_only_an_id_names_a_contact(walk: Walk) -> None:
    contact_id = walk.arrived("1", email="ada@example.com")
    for ref in ("ada@example.com", "1", NOBODYS):
        for route in (ONE, f"{ONE}/info", f"{ONE}/chat", f"{ONE}/gates"):
            reply = walk.request("GET", route, ref)
            assert (reply.status, reply.body) == (
                404,
                {"error": {"code": 404, "message": "Contact not found"}},
            )
    assert walk.request("GET", ONE, contact_id.upper()).body["id"] == contact_id
    fired = walk.request("POST", f"{ONE}/fire", contact_id, query={"name": "Paid"})
    assert (fired.status, fired.body) == (200, {"state": True})
    (event,) = walk.native.request("GET", f"{ONE}/events", contact_id).body["data"]
    assert event["name"] == "Paid"
    assert walk.request("POST", f"{ONE}/fire", contact_id, body={}).status == 400
    assert walk.request("DELETE", ONE, contact_id).body == {"state": True}
    assert walk.request("GET", ONE, contact_id).status == 404


def test_a_chat_has_the_contact_without_variables(walk: Walk) -> None:
    contact_id = walk.arrived("1", email="ada@example.com", parameters={"plan": "pro"})
    chat = walk.request("GET", f"{ONE}/chat", contact_id).body
    assert list(chat) == ["id", "name", "image", "contact", "gates", "createdAt", "updatedAt"]
    assert list(chat["contact"]) == [*SHOWN, "originalId"]
    assert chat["contact"]["originalId"] == contact_id
    assert [gate.pop("subscribed") for gate in chat["gates"]] == [True, True]
    gates = walk.request("GET", f"{ONE}/gates", contact_id).body
    assert gates["cursor"] == {"page": 1, "limitation": 20, "pages": 1, "elements": 2}
    assert gates["collection"] == chat["gates"]


def test_channels_are_listed_read_and_switched(walk: Walk) -> None:
    shown = {"id": walk.channel, "type": "telegram", "name": "Bot", "state": True}
    cursor = {"page": 1, "limitation": 20, "pages": 1, "elements": 1}
    assert walk.request("GET", CHANNELS).body == {"cursor": cursor, "collection": [shown]}
    assert walk.request("GET", CHANNEL, walk.channel).body == shown
    assert walk.request("PUT", CHANNEL, walk.channel, body={"state": False, "name": "x"}).body == {
        "state": True
    }
    assert walk.request("GET", CHANNEL, walk.channel).body == {**shown, "state": False}
    assert walk.request("PUT", CHANNEL, walk.channel, body={}).body["error"]["message"] == "state is required"
    for method, body in (("GET", None), ("PUT", {"state": True})):
        reply = walk.request(method, CHANNEL, NOBODYS, body=body)
        assert (reply.status, reply.body["error"]["message"]) == (404, "Channel not found")
    assert walk.request("POST", CHANNELS, body={"type": "sms", "name": "x"}).status == 405


@pytest.mark.parametrize("value", [True, [True], {"a": True}])
def test_a_variable_with_two_values_is_refused_however_deep_they_differ(value: Any) -> None:
    number = [1] if isinstance(value, list) else {"a": 1} if isinstance(value, dict) else 1
    assert changes({"v": value, "variables": {"v": value}}) == {"custom_fields": {"v": value}}
    with pytest.raises(errors.InvalidInput):
        changes({"v": value, "variables": {"v": number}})


def test_contacts_are_listed_from_the_oldest(walk: Walk) -> None:
    made = [walk.arrived(str(number)) for number in range(5)]
    found, page = [], 1
    while True:
        body = walk.request("GET", "/v1/contacts", query={"page": str(page), "limitation": "2"}).body
        found += [one["id"] for one in body["collection"]]
        if page == body["cursor"]["pages"]:
            break
        page += 1
        if page == 2:
            made.append(walk.arrived("who comes in between"))
    assert found == made
