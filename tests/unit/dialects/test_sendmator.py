"""Sendmator's dialect: what its requests mean natively, and how native answers read there."""

from copy import deepcopy
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.core import errors
from contacts.core.errors import ContactsError
from contacts.core.violations import NOT_NUMBER, NOT_STRING
from contacts.dialects.sendmator import DIALECT, contact_out
from contacts.dialects.wire import Problem, Reply, VendorRequest
from contacts.web.response import problem
from tests.support.native_contacts import Json, json_values, native_contacts

WRITTEN = (
    *("external_id", "email", "first_name", "last_name", "tags", "is_active", "custom_fields", "metadata"),
    "is_unsubscribed",
)
NOT_KEPT = ("preferences", "fcm_token", "apns_token")
FIELDS = [*WRITTEN, *NOT_KEPT, "id", "phone", "lists", "contacts"]
CHANGE = "PATCH /v1/contacts/{ref}"
ONE = ("crm-1", ("id", "external_id"))
BULK = "POST /v1/contacts/bulk"
CHANGING = [f"{method} /v1/contacts/{{ref}}/{last}" for method, last in (
    ("POST", "tags"), ("DELETE", "tags"), ("POST", "unsubscribe"), ("DELETE", "preferences"),
)]  # fmt: skip


CONTACT: Json = {
    **dict.fromkeys(
        ("id", "email", "first_name", "last_name", "phone", "unsubscribed_at", "external_id"), None
    ),
    **dict.fromkeys(("created_at", "updated_at"), ""),
    **dict.fromkeys(("is_active", "is_unsubscribed"), False),
    "tags": [],
    "custom_fields": {},
    "metadata": {},
}


def asked(route: str, *, body: Any = None, **call: Any) -> VendorRequest:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


@given(native_contacts, some.uuids().map(str))
def test_a_contact_comes_back_as_it_was(native: Json, spare_id: str) -> None:
    before = deepcopy(native)
    theirs = contact_out(native)
    changed = asked("PUT /v1/contacts/{ref}", path={"ref": native["id"]}, body=theirs)
    assert changed.ref == (native["id"], ("id", "external_id"))
    expected = {name: native[name] for name in WRITTEN}
    if native["phone"] is not None:
        expected["phone"] = native["phone"]
    assert changed.body == expected
    created = asked("POST /v1/contacts", body=theirs, spare_id=spare_id)
    assert created.body == expected | {"external_id": native["external_id"] or spare_id}
    assert {name: theirs[name] for name in ("id", "unsubscribed_at", "created_at", "updated_at")} == {
        name: native[name] for name in ("id", "unsubscribed_at", "created_at", "updated_at")
    }
    assert native == before


@given(
    some.sampled_from(sorted(DIALECT.routes)),
    json_values | some.dictionaries(some.sampled_from(FIELDS), json_values),
    some.dictionaries(
        some.sampled_from(
            [
                "limit",
                "tag",
                "tags",
                "starting_after",
                "page",
                "sort_by",
                "sort_order",
                "offset",
                "sort",
                "by",
                "hard",
            ]
        ),
        some.lists(some.text(), min_size=1, max_size=2),
    ),
)
def test_any_request_is_translated_or_refused(route: str, body: Any, query: dict[str, list[str]]) -> None:
    call = VendorRequest(route=route, path={"ref": "x"}, query=query, body=body, spare_id="spare")
    before = deepcopy(call)
    try:
        native = DIALECT.routes[route].to_native(call)
    except ContactsError:
        pass
    else:
        assert native.route == {**dict.fromkeys(CHANGING, CHANGE), BULK: "POST /v1/contacts/batch"}.get(
            route, route
        )
        assert set(native.body or ()) <= {*WRITTEN, "phone", "add_tags", "remove_tags", "operations"}
        # What they have not, such as our own parameters, goes no further.
        assert "by" not in native.query
        assert "page" in query or "offset" not in native.query
        assert {"sort_by", "sort_order"} & set(query) or "sort" not in native.query
    assert call == before


@given(some.lists(native_contacts, max_size=3), some.none() | some.text(min_size=1))
def test_a_cursor_passes_unchanged(contacts: list[Json], cursor: str | None) -> None:
    page = {"data": contacts, "has_more": cursor is not None, "next_cursor": cursor}
    route = "GET /v1/contacts"
    theirs = DIALECT.routes[route].from_native(VendorRequest(route=route), Reply(200, page)).body
    assert theirs == page | {"data": [contact_out(one) for one in contacts]}
    if cursor is not None:
        assert asked(route, query={"starting_after": [cursor]}).query["starting_after"] == [cursor]


def test_the_default_page_size_is_ten() -> None:
    assert asked("GET /v1/contacts").query == {"limit": ["10"]}
    assert asked("GET /v1/contacts", query={"limit": ["7"]}).query == {"limit": ["7"]}


# What the Node SDK (0.0.3) sends besides the vendor's page


@pytest.mark.parametrize(("route", "ref", "body", "expected"), [
    (CHANGE, "crm-1", {"first_name": "Jo", "tags": ["a"], "phone": "+14155552671"},
     (CHANGE, ONE, {"first_name": "Jo", "tags": ["a"], "phone": "+14155552671"})),
    (CHANGE, "crm-1", {"is_unsubscribed": None, "preferences": {}}, (CHANGE, ONE, {"is_unsubscribed": None})),
    (CHANGING[0], "crm-1", {"tags": ["a", "b"]}, (CHANGE, ONE, {"add_tags": ["a", "b"]})),
    (CHANGING[0], "crm-1", {"tags": []}, (CHANGE, ONE, {"add_tags": []})),
    (CHANGING[0], "crm-1", {"tags": "a", "email": "x"}, (CHANGE, ONE, {"add_tags": "a"})),
    (CHANGING[1], "crm-1", {"tags": ["a"]}, (CHANGE, ONE, {"remove_tags": ["a"]})),
    (CHANGING[2], "crm-1", None, (CHANGE, ONE, {"is_unsubscribed": True})),
    (CHANGING[2], "crm-1", {"is_unsubscribed": False}, (CHANGE, ONE, {"is_unsubscribed": True})),
    (CHANGING[3], "crm-1", None, (CHANGE, ONE, {"is_unsubscribed": True})),
    ("GET /v1/contacts/{ref}", "external/crm-1", None, ("GET /v1/contacts/{ref}", ("crm-1", ("external_id",)), None)),
    ("GET /v1/contacts/{ref}", "external/a/b", None, ("GET /v1/contacts/{ref}", ("a/b", ("external_id",)), None)),
    ("GET /v1/contacts/{ref}", "external/external/x", None,
     ("GET /v1/contacts/{ref}", ("external/x", ("external_id",)), None)),
    ("GET /v1/contacts/{ref}", "external/", None, ("GET /v1/contacts/{ref}", ("external/", ONE[1]), None)),
    ("GET /v1/contacts/{ref}", "external", None, ("GET /v1/contacts/{ref}", ("external", ONE[1]), None)),
    # Only reading knows `external/`: a write to that path is a write to the contact of that name.
    (CHANGE, "external/crm-1", {}, (CHANGE, ("external/crm-1", ONE[1]), {})),
])  # fmt: skip
def test_an_operation_of_the_sdk_is_a_native_one(route: str, ref: str, body: Any, expected: Any) -> None:
    native = asked(route, path={"ref": ref}, body=body)
    assert (native.route, native.ref, native.body) == expected
    assert not native.query


@pytest.mark.parametrize(("query", "expected"), [
    ("page=1", "limit=10&offset=0&include_total=true"),
    ("page=3&limit=20", "limit=20&offset=40&include_total=true"),
    ("tags=a", "limit=10&tag=a"),
    ("tags=a%2Cb+c", "limit=10&tag=a&tag=b+c"),
    ("tags=a&tag=b&tags=c", "limit=10&tag=b&tag=a&tag=c"),
    ("tags=a%2C", "limit=10&tag=a&tag="),
    ("email=a%40example.com", "limit=10&email=a%40example.com"),
    ("sort_by=email&sort_order=ASC", "limit=10&sort=email"),
    ("sort_by=updated_at", "limit=10&sort=-updated_at"),
    ("sort_order=asc", "limit=10&sort=created_at"),
    ("sort_by=created_at&sort_order=DESC", "limit=10&sort=-created_at"),
    ("is_active=false&is_unsubscribed=true", "limit=10&is_active=false&is_unsubscribed=true"),
])  # fmt: skip
def test_a_list_of_the_sdk_is_a_native_one(query: str, expected: str) -> None:
    native = asked("GET /v1/contacts", query=parse_qs(query, keep_blank_values=True))
    assert {name: list(values) for name, values in native.query.items()} == parse_qs(
        expected, keep_blank_values=True
    )


@pytest.mark.parametrize(("route", "given", "message"), [
    (CHANGE, {"body": {"preferences": {"email": {"promotional": False}}}}, "preferences: cannot be kept"),
    ("POST /v1/contacts", {"body": {"email": "a@b.co", "fcm_token": "t"}}, "fcm_token: cannot be kept"),
    ("PUT /v1/contacts/{ref}", {"body": {"apns_token": "t", "first_name": "x"}}, "apns_token: cannot be kept"),
    (CHANGING[0], {"body": {}}, "tags: is required"),
    (CHANGING[0], {"body": ["a"]}, "body: must be a JSON object"),
    (CHANGING[1], {"body": None}, "body: is missing"),
    (CHANGING[1], {"body": {"tags": None}}, "tags: is required"),
    ("DELETE /v1/contacts/{ref}", {"query": {"hard": ["false"]}}, "hard: must be true"),
    ("DELETE /v1/contacts/{ref}", {"query": {"hard": [""]}}, "hard: must be true"),
    ("GET /v1/contacts", {"query": {"sort_by": ["last_name"], "sort_order": ["up"]}},
     "sort_by: must be one of created_at, updated_at, email"),
    ("GET /v1/contacts", {"query": {"sort_order": [""]}}, "sort_order: must be one of ASC, DESC"),
    (BULK, {"body": {}}, "contacts: is required"),
    (BULK, {"body": {"contacts": [{"email": "a@b.co"}, 7, {"email": None}, {"email": "c@b.co", "preferences": [1]}]}},
     "contacts.1: must be an object; contacts.2.email: is required; contacts.3.preferences: cannot be kept"),
])  # fmt: skip
def test_what_the_sdk_sends_and_nobody_serves_is_named(route: str, given: Json, message: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        asked(route, path={"ref": "crm-1"}, **given)
    assert "; ".join(f"{one.field}: {one.message}" for one in refused.value.errors).startswith(message)


def test_each_contact_of_a_bulk_create_has_an_external_id_of_its_own() -> None:
    contacts = [
        {"email": "a@b.co"},
        {"email": "b@b.co", "external_id": "x"},
        {"email": "c@b.co", "external_id": None},
    ]
    native = asked(BULK, body={"contacts": contacts}, spare_id="spare")
    assert [operation["op"] for operation in native.body["operations"]] == ["create"] * 3
    made_up, own, other = (operation["contact"]["external_id"] for operation in native.body["operations"])
    assert own == "x"
    assert str(UUID(made_up)) == made_up != other == str(UUID(other))


@pytest.mark.parametrize("contacts", ["a@b.co", {"email": "a@b.co"}, 7, [{}] * 101])
def test_contacts_that_are_no_array_or_too_many_reach_the_native_check(contacts: Any) -> None:
    assert asked(BULK, body={"contacts": contacts}).body == {"operations": contacts}


@given(native_contacts)
def test_the_answer_to_a_bulk_create_tells_what_became_of_each(native: Json) -> None:
    sent = [{"email": f"p{number}@b.co", "external_id": f"x{number}"} for number in range(6)]
    problems: list[Json] = [
        {"code": "duplicate_contact", "field": "external_id", "title": "Conflict", "detail": "d"},
        {"code": "duplicate_contact", "title": "Conflict"},
        {"code": "invalid_input", "title": "Bad Request", "detail": "d", "errors": [
            {"field": "email", "message": "is not an email address"}, {"field": "tags.0", "message": "is too long"},
        ]},
        {"code": "temporarily_unavailable", "title": "Service Unavailable"},
    ]  # fmt: skip
    results = [{"index": 0, "status": 201, "contact": native}]
    results += [{"index": index, "status": 400, "problem": one} for index, one in enumerate(problems, 1)]
    results.append({"index": 5, "status": 201, "contact": {"id": native["id"], "version": 1}})
    call = VendorRequest(route=BULK, body={"contacts": sent}, account_id="account-1")
    assert DIALECT.routes[BULK].from_native(call, Reply(207, {"results": results})) == Reply(201, {
        "created": [contact_out(native), {"id": native["id"]}],
        "skipped": [
            {**sent[1], "reason": "You already have a contact with external_id x1"},
            {**sent[2], "reason": "You already have a contact"},
        ],
        "errors": [
            {**sent[3], "error": "email is not an email address; tags.0 is too long"},
            {**sent[4], "error": "Service Unavailable"},
        ],
        "user_id": "account-1",
        "total_processed": 6,
        "summary": {"created_count": 2, "skipped_count": 2, "error_count": 2},
    })  # fmt: skip


@pytest.mark.parametrize(("query", "shown", "has_more", "total", "expected"), [
    ({}, 0, False, 0, (1, 10, 0, 0)),
    ({}, 10, True, 25, (1, 10, 25, 3)),
    ({"page": ["3"]}, 5, False, 25, (3, 10, 25, 3)),
    ({"page": ["9"]}, 0, False, 25, (9, 10, 25, 3)),
    ({"limit": ["7"]}, 7, True, 8, (1, 7, 8, 2)),
    # Too many to be counted, a count that lags behind, and a page that is short: more pages as long as there are more.
    ({"page": ["2"]}, 10, True, None, (2, 10, 21, 3)),
    ({}, 10, True, 10, (1, 10, 11, 2)),
    ({"page": ["2"]}, 3, True, 13, (2, 10, 14, 3)),
    ({}, 0, True, None, (1, 10, 1, 2)),
])  # fmt: skip
def test_a_page_by_its_number_has_the_pagination_of_the_sdk(
    query: dict[str, list[str]], shown: int, has_more: bool, total: int | None, expected: tuple[int, ...]
) -> None:
    route = "GET /v1/contacts"
    call = VendorRequest(route=route, query={"page": ["1"], **query})
    page = {
        "data": [CONTACT] * shown,
        "has_more": has_more,
        "next_cursor": "c" if has_more else None,
        "total": total,
    }
    body = DIALECT.routes[route].from_native(call, Reply(200, page)).body
    assert list(body) == ["data", "has_more", "next_cursor", "pagination"]
    assert body["pagination"] == dict(zip(("page", "limit", "total", "totalPages"), expected, strict=True))


@pytest.mark.parametrize(("path", "message"), [
    ("/api/v1/contacts/x/preferences", "Preferences are not served here"),
    ("/v1/contacts/x/preferences/email/promotional", "Preferences are not served here"),
    ("/api/v1/contacts/x/preferences/subscribe-all", "Preferences are not served here"),
    ("/api/v1/contacts/external/crm-1/device-token", "Nothing is served at this path: device tokens"),
    ("/api/v1/contacts/preferences", "Contact not found"),
    ("/api/v1/contacts/x/preferences-of-mine", "Contact not found"),
    ("/api/v1/contacts/external/x/device-token/y", "Contact not found"),
    ("/api/v1/contacts/x/device-token", "Contact not found"),
])  # fmt: skip
def test_a_path_of_the_sdk_that_leads_nowhere_says_why(path: str, message: str) -> None:
    told = problem(errors.ContactNotFound(), "r-1")
    call = VendorRequest(route=CHANGE, url_path=path)
    assert DIALECT.error(call, Problem(told.status, told.body)).body["message"].startswith(message)


def test_errors_name_fields_as_the_sdk_sends_them() -> None:
    def told(call: VendorRequest, *fields: str) -> str:
        error = errors.InvalidInput([errors.FieldError(field, NOT_STRING) for field in fields])
        native = problem(error, "r-1")
        message: str = DIALECT.error(call, Problem(native.status, native.body, error.field_errors)).body[
            "message"
        ]
        return message

    call = VendorRequest(route=CHANGING[0])
    assert told(call, "add_tags.0") == "tags.0 must be a string"
    assert told(VendorRequest(route=BULK), "operations") == "contacts must be a string"
    assert (
        told(VendorRequest(route="GET /v1/contacts", query={"tags": ["x"]}), "tag") == "tags must be a string"
    )
    assert (
        told(VendorRequest(route="GET /v1/contacts", query={"tag": ["x"]}), "tag") == "tag must be a string"
    )


@pytest.mark.parametrize(("error", "status", "message", "phrase"), [
    (errors.DuplicateContact([("email", "1")]), 409, "You already have a contact with email A@b.co", "Conflict"),
    (errors.ContactNotFound(), 404, "Contact not found", "Not Found"),
    (errors.BodyTooLarge("A body has at most 1 MB."), 413, "A body has at most 1 MB", "Payload Too Large"),
    (errors.IdempotencyKeyReused(), 422,
     "This Idempotency-Key was used for another request", "Unprocessable Entity"),
    (errors.InvalidInput([errors.FieldError("tags.0", NOT_STRING), errors.FieldError("email", NOT_NUMBER)]), 400,
     "tags.0 must be a string; email must be a number", "Bad Request"),
])  # fmt: skip
def test_errors_have_the_vendors_three_keys(
    error: ContactsError, status: int, message: str, phrase: str
) -> None:
    call = VendorRequest(route="POST /v1/contacts", body={"email": "A@b.co"})
    told = problem(error, "r-1")
    assert DIALECT.error(call, Problem(told.status, told.body, error.field_errors)) == Reply(
        status, {"statusCode": status, "message": message, "error": phrase}
    )
