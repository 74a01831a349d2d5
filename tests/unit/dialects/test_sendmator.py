"""Sendmator's dialect: what its requests mean natively, and how native answers read there."""

from copy import deepcopy
from typing import Any

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
FIELDS = [*WRITTEN, "id", "phone", "lists"]


def asked(route: str, *, body: Any = None, **call: Any) -> VendorRequest:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


@given(native_contacts, some.uuids().map(str))
def test_a_contact_comes_back_as_it_was(native: Json, spare_id: str) -> None:
    before = deepcopy(native)
    theirs = contact_out(native)
    changed = asked("PUT /v1/contacts/{ref}", path={"ref": native["id"]}, body=theirs)
    assert changed.ref == (native["id"], ("id", "external_id"))
    assert changed.body == {name: native[name] for name in WRITTEN}
    created = asked("POST /v1/contacts", body=theirs, spare_id=spare_id)
    expected = {name: native[name] for name in WRITTEN}
    assert created.body == expected | {"external_id": native["external_id"] or spare_id}
    assert {name: theirs[name] for name in ("id", "unsubscribed_at", "created_at", "updated_at")} == {
        name: native[name] for name in ("id", "unsubscribed_at", "created_at", "updated_at")
    }
    assert native == before


@given(
    some.sampled_from(sorted(DIALECT.routes)),
    json_values | some.dictionaries(some.sampled_from(FIELDS), json_values),
    some.dictionaries(
        some.sampled_from(["limit", "tag", "starting_after", "offset", "sort", "by"]),
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
        assert native.route == route
        assert set(native.body or ()) <= {*WRITTEN, "phone"}
        # What they have not, such as our own parameters, goes no further.
        assert not {"offset", "sort", "by"} & set(native.query)
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
