"""SMASHSEND's dialect: what its requests mean natively, and how native answers read there."""

import json
from copy import deepcopy
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from contacts.accounts.model import Dialect
from contacts.core import errors
from contacts.core.errors import ContactNotFound, ContactsError, InvalidInput, PropertyNotFound
from contacts.core.violations import NOT_NUMBER, REQUIRED
from contacts.dialects.smashsend import CONTACT, DIALECT, PROPERTY, contact_out
from contacts.dialects.smashsend_shared import id_in, id_out
from contacts.dialects.wire import Problem, Reply, VendorRequest
from contacts.properties.pages import PropertyPageSize
from contacts.search import service as finding
from contacts.search.query import ALL_CONTACTS
from contacts.table import keys
from contacts.web.response import problem
from local.table import NAME
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.native_contacts import Json, json_values, native_contacts
from tests.support.property_harness import COLLECTION, CONTACTS, PropertyHarness
from tests.support.property_harness import ONE as ONE_PROPERTY

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
A_UUID = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
ITS_ID = "cont_0329Y88O4nkeVAPFUEXF7R"
NOBODYS = id_out(CONTACT, "019bb6e7-0000-7000-8000-000000000001")
MALFORMED = [
    "", "cont_", A_UUID, ITS_ID.removeprefix("cont_"), ITS_ID.replace("cont", "prop"), ITS_ID.upper(),
    f"{ITS_ID}0", ITS_ID[:-1], f"cont_0{ITS_ID.removeprefix('cont_')}", "cont_" + "z" * 22, f"{ITS_ID}\n",
    "cont_" + "٣" * 22, "cont_" + "-" * 22, f" {ITS_ID}", f"cont_{ITS_ID}",
]  # fmt: skip


def asked(route: str, *, body: Any = None, **call: Any) -> VendorRequest:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


def answered(route: str, body: Any, status: int = 200, **query: list[str]) -> Any:
    return DIALECT.routes[route].from_native(VendorRequest(route=route, query=query), Reply(status, body))


# Ids


@given(some.uuids(version=None).map(str))
@example("00000000-0000-0000-0000-000000000000")
@example("ffffffff-ffff-ffff-ffff-ffffffffffff")
def test_an_id_encodes_its_uuid(uuid: str) -> None:
    written = id_out(CONTACT, uuid)
    assert len(written) == len("cont_") + 22
    assert id_in(CONTACT, written) == uuid
    assert id_in(PROPERTY, written) is None


def test_the_encoding_of_ids_never_changes() -> None:
    """Clients keep them."""
    assert id_out(CONTACT, A_UUID) == ITS_ID


@given(some.tuples(some.uuids(), some.uuids()))
def test_ids_sort_as_their_uuids_do(two: Any) -> None:
    first, second = sorted(map(str, two))
    assert id_out(CONTACT, first) <= id_out(CONTACT, second)


@given(some.text(max_size=30).map(lambda text: f"cont_{text}") | some.from_regex(r"cont_[0-9A-Za-z]{22}"))
def test_every_accepted_id_is_the_one_that_id_out_writes(text: str) -> None:
    native = id_in(CONTACT, text)
    assert native is None or id_out(CONTACT, native) == text


@pytest.mark.parametrize("ref", MALFORMED)
def test_a_malformed_id_is_refused(ref: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        with pytest.raises(ContactNotFound):
            asked(f"{method} /v1/contacts/{{ref}}", path={"ref": ref}, body={})
    with pytest.raises(PropertyNotFound):
        asked("PUT /v1/contact-properties/{id}", path={"id": ref.replace("prop_", "cont_")}, body={})


# There and back


@given(native_contacts)
def test_a_contact_comes_back_as_it_was(native: Json) -> None:
    before = deepcopy(native)
    theirs = contact_out(native)
    assert list(theirs) == ["id", "email", "name", "createdAt", "tags", "properties"]
    assert asked("POST /v1/contacts", body=theirs).body == {
        name: native[name] for name in ("email", "name", "tags", "custom_fields")
    }
    change = asked("PUT /v1/contacts/{ref}", path={"ref": theirs["id"]}, body=theirs)
    assert change.ref == (native["id"], ("id",))
    assert change.query == {}
    assert change.body == {name: native[name] for name in ("name", "tags", "custom_fields")}
    assert native["created_at"].startswith(theirs["createdAt"].removesuffix("Z"))
    assert native == before


@given(
    some.sampled_from(sorted(DIALECT.routes)),
    json_values
    | some.dictionaries(
        some.sampled_from(["email", "name", "tags", "properties", "label", "type", "description"]),
        json_values,
    ),
    some.dictionaries(some.sampled_from(["limit", "offset", "sort"]), some.lists(some.text(), max_size=2)),
    some.text() | some.just(ITS_ID),
)
def test_any_request_is_translated_or_refused(route: str, body: Any, query: Any, ref: str) -> None:
    call = VendorRequest(route=route, path={"ref": ref, "id": ref}, query=query, body=body)
    before = deepcopy(call)
    try:
        native = DIALECT.routes[route].to_native(call)
    except ContactsError:
        pass
    else:
        assert set(native.query) <= {"limit", "offset", "sort", "include_total", "permanent"}
        assert set(native.body or ()) <= {
            *("email", "name", "tags", "custom_fields"),
            *("label", "type", "description", "options"),
        }
    assert call == before


def test_unknown_fields_are_ignored() -> None:
    more = {"external_id": "x", "metadata": {}, "is_unsubscribed": True, "id": 1, "createdAt": None}
    assert asked("POST /v1/contacts", body={"email": "a@example.com", **more}).body == {
        "email": "a@example.com"
    }
    property_call = asked(
        "PUT /v1/contact-properties/{id}",
        path={"id": id_out(PROPERTY, A_UUID)},
        body={"label": "x", "name": "other", "type": "number", "archived": True},
    )
    assert (property_call.path, property_call.body) == ({"id": A_UUID}, {"label": "x"})


def test_every_missing_field_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        asked("POST /v1/contact-properties", body={"name": None})
    assert [error.field for error in refused.value.errors] == ["name", "type"]


@pytest.mark.parametrize(("status", "error", "told"), [
    (404, ContactNotFound(), {"message": "Contact not found", "code": "not_found"}),
    (409, errors.DuplicateContact([("email", "1")]),
     {"message": "A contact with this email already exists", "code": "conflict"}),
    (400, InvalidInput([
        errors.FieldError("custom_fields.plan", NOT_NUMBER), errors.FieldError("tags", REQUIRED)]),
     {"message": "properties.plan must be a number; tags is required", "code": "validation_error"}),
    (403, errors.ScopeMissing("contacts:read"),
     {"message": "This key lacks the scope user", "code": "forbidden"}),
    (429, errors.LimitReached("All 100 requests of this hour are used.", 9),
     {"message": "All 100 requests of this hour are used", "code": "rate_limited"}),
    (429, errors.WrittenLimitReached("40 items are left.", 9),
     {"message": "40 items are left",
      "code": "rate_limited"}),
])  # fmt: skip
def test_errors_have_the_vendors_messages(status: int, error: ContactsError, told: Json) -> None:
    call, native = VendorRequest(route="GET /v1/contacts/{ref}"), problem(error, "r-1")
    refusal = DIALECT.error(call, Problem(native.status, native.body, error.field_errors))
    assert refusal == (status, told)


# Totals


@pytest.mark.parametrize(("offset", "shown", "has_more", "counted", "total"), [
    (0, 2, False, 0, 2),  # The count has not followed yet,
    (0, 2, False, 5, 2),  # or not yet a delete.
    (0, 2, True, 0, 3),
    (0, 2, True, 12_345, 12_345),
    (4, 2, False, 5, 6),
    (4, 2, False, 6, 6),
    (4, 2, True, 6, 7),
    (4, 2, False, 7, 7),
    (9, 0, False, 6, 6),
    (0, 0, False, 6, 0),
])  # fmt: skip
def test_a_total_never_ends_a_list_early(
    offset: int, shown: int, has_more: bool, counted: int, total: int
) -> None:
    contact = {"id": A_UUID, "email": None, "name": None, "created_at": "2026-01-15T10:30:00.000Z"}
    native = {"data": [contact | {"tags": [], "custom_fields": {}}] * shown, "has_more": has_more}
    page = answered("GET /v1/contacts", native | {"total": counted}, limit=["2"], offset=[str(offset)]).body[
        "pagination"
    ]
    assert page == {"total": total, "limit": 2, "offset": offset}


# On the table


@pytest.fixture
def table() -> MotoTable:
    return MotoTable()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(table: MotoTable, clock: FakeClock) -> InProcessApi:
    return InProcessApi(table.client(), ACCOUNT, clock, CountingBytes(), Dialect.SMASHSEND)


def made(api: InProcessApi, clock: FakeClock, number: int) -> list[str]:
    """The ids of so many new contacts, in their order."""
    ids = []
    for one in range(number):
        clock.at_ms += 1
        reply = api.request("POST", body={"email": f"c{one}@example.com"})
        assert reply.status == 201, reply
        ids.append(reply.body["contact"]["id"])
    return ids


def test_a_contacts_life(api: InProcessApi) -> None:
    body = {
        "email": "Ada@Example.com",
        "name": "Ada Lovelace",
        "tags": ["vip"],
        "properties": {"plan": "pro"},
    }
    reply = api.request("POST", body=body)
    contact = reply.body["contact"]
    assert (reply.status, reply.body) == (201, {"contact": contact})
    assert contact == {
        "id": contact["id"], "email": "ada@example.com", "name": "Ada Lovelace",
        "createdAt": "2026-01-15T10:30:00Z", "tags": ["vip"], "properties": {"plan": "pro"},
    }  # fmt: skip
    assert api.request("GET", ONE, contact["id"]).body == {"contact": contact}
    again = api.request("POST", body=body)
    assert (again.status, again.body["code"]) == (409, "conflict")
    change = {"name": "Ada King", "tags": [], "properties": {"seats": 2}, "email": "other@example.com"}
    changed = api.request("PUT", ONE, contact["id"], body=change)
    after = {"name": "Ada King", "tags": [], "properties": {"plan": "pro", "seats": 2}}
    assert (changed.status, changed.body) == (200, {"contact": contact | after})
    gone = api.request("DELETE", ONE, contact["id"])
    assert (gone.status, gone.body) == (200, {"deleted": True})
    assert api.request("GET", ONE, contact["id"]).body == {
        "message": "Contact not found",
        "code": "not_found",
    }
    assert api.request("DELETE", ONE, contact["id"]).status == 404
    assert api.request("POST", body=body).body["contact"]["id"] != contact["id"]


@pytest.mark.parametrize("ref", [*filter(None, MALFORMED), NOBODYS, "ada@example.com", "%", "..", "\x00"])
def test_an_unknown_id_is_404(api: InProcessApi, ref: str) -> None:
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        reply = api.request(method, ONE, ref, body=body)
        assert (reply.status, reply.body) == (404, {"message": "Contact not found", "code": "not_found"})


def test_an_id_is_no_external_id(api: InProcessApi, table: MotoTable, clock: FakeClock) -> None:
    """That of another contact may look like one of ours."""
    native = InProcessApi(table.client(), ACCOUNT, clock, CountingBytes())
    assert native.request("POST", body={"external_id": A_UUID}).status == 201
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert api.request(method, ONE, ITS_ID, body=body).status == 404


def test_an_email_is_required(api: InProcessApi) -> None:
    for body in ({}, {"email": None, "name": "Ada"}):
        reply = api.request("POST", body=body)
        assert (reply.status, reply.body) == (
            400,
            {"message": "email is required", "code": "validation_error"},
        )


def test_a_list_is_read_by_offset_oldest_first_to_its_end(api: InProcessApi, clock: FakeClock) -> None:
    ids = made(api, clock, 7)
    walked = []
    with patch.object(finding, "MAX_SKIPPED", 2):
        for offset in range(0, 8, 2):
            page = api.request("GET", query={"limit": "2", "offset": str(offset)})
            assert page.status == 200, page
            pagination = page.body["pagination"]
            assert (pagination["limit"], pagination["offset"]) == (2, offset)
            assert (pagination["total"] > offset + 2) == (offset < 6)
            walked += [contact["id"] for contact in page.body["contacts"]]
        assert walked == ids
        clock.at_ms += 3_600_000
        leap = api.request("GET", query={"offset": "6"})
    assert (leap.status, leap.body) == (
        400,
        {"message": "offset must be at most 2; go further page by page", "code": "validation_error"},
    )


def test_a_page_past_the_end_is_empty(api: InProcessApi, clock: FakeClock) -> None:
    made(api, clock, 1)
    reply = api.request("GET", query={"offset": "50"})
    assert (reply.status, reply.body["contacts"]) == (200, [])
    assert (reply.body["pagination"]["limit"], reply.body["pagination"]["offset"]) == (50, 50)


def test_a_total_is_right_past_the_largest_count(
    api: InProcessApi, clock: FakeClock, table: MotoTable
) -> None:
    made(api, clock, 3)
    key = keys.count(ACCOUNT, ALL_CONTACTS)
    table.client().put_item(
        TableName=NAME, Item={"PK": {"S": key.PK}, "SK": {"S": key.SK}, "n": {"N": "12345"}}
    )
    assert api.request("GET", query={"limit": "2"}).body["pagination"]["total"] == 12_345


def test_every_wrong_parameter_is_named(api: InProcessApi) -> None:
    reply = api.request("GET", query={"limit": "101", "offset": "-1"})
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    assert reply.body["message"].startswith("limit must be between 1 and 100; offset must be between 0 and")


def test_a_page_cut_at_5_mb_says_how_many_contacts_it_has(api: InProcessApi, clock: FakeClock) -> None:
    for number in range(3):
        clock.at_ms += 1
        body = {"email": f"{number}@example.com", "properties": {"text": "x" * 300}}
        assert api.request("POST", body=body).status == 201
    offset, seen = 0, []
    with patch("contacts.web.pagination.MAX_ANSWER_BYTES", 1600):
        while True:
            page = api.request("GET", query={"limit": "3", "offset": str(offset)}).body
            seen += [contact["email"] for contact in page["contacts"]]
            offset += page["pagination"]["limit"]
            if offset >= page["pagination"]["total"]:
                break
    assert seen == ["0@example.com", "1@example.com", "2@example.com"]


# Properties


@pytest.fixture
def harness() -> PropertyHarness:
    return PropertyHarness().speaking(Dialect.SMASHSEND)


def test_a_propertys_life(harness: PropertyHarness) -> None:
    body = {"name": "plan", "label": "Plan", "type": "string", "description": "Paid"}
    reply = harness.request("POST", body=body)
    shown = reply.body["property"]
    assert (reply.status, reply.body) == (201, {"property": shown})
    assert list(shown) == ["id", "name", "label", "type", "description", "createdAt"]
    assert shown == {"id": shown["id"], **body, "createdAt": "2026-01-15T10:30:00Z"}
    without = {name: shown[name] for name in ("id", "name", "label", "type", "createdAt")}
    listed = harness.request("GET")
    assert (listed.status, listed.body) == (200, {"properties": [without]})
    assert list(listed.body["properties"][0]) == list(without)
    change = {"label": "The plan", "description": None, "name": "other", "type": "number"}
    changed = harness.request("PUT", ONE_PROPERTY, shown["id"], body=change)
    assert (changed.status, changed.body) == (
        200, {"property": shown | {"label": "The plan", "description": None}},
    )  # fmt: skip
    again = harness.request("POST", body=body)
    assert (again.status, again.body) == (
        409, {"message": "A contact property with this name already exists", "code": "conflict"},
    )  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["string", "number", "boolean", "date", "datetime", "enum", "object", "array"]
)
def test_types_are_the_native_ones(harness: PropertyHarness, kind: str) -> None:
    body = {"name": "p", "type": kind} | ({"options": ["a"]} if kind == "enum" else {})
    reply = harness.request("POST", body=body)
    shown = reply.body["property"]
    assert (reply.status, shown["type"], shown["label"], "options" in shown) == (201, kind, "p", False)


def test_an_enum_gets_further_options(harness: PropertyHarness) -> None:
    one = harness.request("POST", body={"name": "plan", "type": "enum", "options": ["a"]}).body["property"]
    assert harness.request("PUT", ONE_PROPERTY, one["id"], body={"options": ["a", "b"]}).status == 200
    for value, status in (("a", 201), ("b", 201), ("c", 400)):
        body = {"email": f"{value}@example.com", "properties": {"plan": value}}
        assert harness.request("POST", CONTACTS, body=body).status == status


def test_an_invalid_property_is_refused(harness: PropertyHarness) -> None:
    reply = harness.request("POST", body={"name": "1", "type": "colour", "label": 5})
    assert (reply.status, reply.body["code"]) == (400, "validation_error")
    told = [one.partition(" ")[0] for one in reply.body["message"].split("; ")]
    assert sorted(told) == ["label", "name", "type"]
    for name in (id_out(PROPERTY, A_UUID), "prop_x", A_UUID):
        missing = harness.request("PUT", ONE_PROPERTY, name, body={"label": "x"})
        assert (missing.status, missing.body) == (
            404, {"message": "Contact property not found", "code": "not_found"},
        )  # fmt: skip


def test_all_properties_are_listed_at_once(harness: PropertyHarness) -> None:
    for number in range(101):
        harness.clock.at_ms += 1
        assert harness.request("POST", body={"name": f"p{number}", "type": "string"}).status == 201
    listed = harness.request("GET", COLLECTION).body["properties"]
    assert [one["name"] for one in listed] == [f"p{number}" for number in range(101)]
    assert DIALECT.routes["GET /v1/contact-properties"].to_native(
        VendorRequest(route="GET /v1/contact-properties")
    ).query == {"limit": [str(PropertyPageSize.maximum)]}


def test_a_test_key_writes_nothing(harness: PropertyHarness) -> None:
    harness.as_test()
    reply = harness.request("POST", body={"name": "plan", "type": "string"})
    assert (reply.status, list(reply.body)) == (201, ["property", "test_mode"])
    assert harness.request("GET").body == {"properties": []}
    contact = harness.create(None)
    assert contact.status == 201
    assert (list(contact.body), contact.body["test_mode"]) == (["contact", "test_mode"], True)
    assert json.dumps(contact.body)
