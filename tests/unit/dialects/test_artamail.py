"""Artamail's dialect: what its requests mean natively, and how native answers read there."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.accounts.model import Dialect
from contacts.core import errors, violations
from contacts.core.errors import ContactsError
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation
from contacts.dialects.artamail import _REASONS, DIALECT, contact_out
from contacts.dialects.wire import Problem, VendorRequest
from contacts.properties.model import PropertyType, ValueRule, objection
from contacts.web import bodies
from contacts.web.response import problem
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.moto_table import MotoTable
from tests.support.native_contacts import Json, json_values, native_contacts

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
NOT_FOUND = {"message": "Contact not found", "code": "NOT_FOUND", "details": {}}


def asked(route: str, *, body: Any = None, **call: Any) -> VendorRequest:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


# There and back


@given(native_contacts)
def test_a_contact_comes_back_as_it_was(native: Json) -> None:
    before = deepcopy(native)
    theirs = contact_out(native)
    assert list(theirs) == [
        *("id", "email", "name", "data", "subscribed", "validation_status", "lists", "created_at")
    ]
    created = asked("POST /v1/contacts", body=theirs)
    assert created.query == {"on_conflict": ["update"]}
    assert {"name": None, **created.body} == {
        "email": native["email"],
        "name": native["name"],
        "custom_fields": native["custom_fields"],
        "add_lists": native["lists"],
        "is_unsubscribed": native["is_unsubscribed"],
    }
    changed = asked("PATCH /v1/contacts/{ref}", path={"ref": native["email"]}, body=theirs)
    assert (changed.ref, changed.query) == ((native["email"], ("email",)), {})
    assert changed.body == {
        name: native[name] for name in ("name", "custom_fields", "lists", "is_unsubscribed")
    }
    assert native["created_at"].startswith(theirs["created_at"].removesuffix("Z"))
    assert native == before


@given(
    some.sampled_from(sorted(DIALECT.routes)),
    json_values
    | some.dictionaries(some.sampled_from(["email", "name", "data", "lists", "subscribed"]), json_values),
    some.text(),
)
def test_any_request_is_translated_or_refused(route: str, body: Any, ref: str) -> None:
    call = VendorRequest(route=route, path={"ref": ref}, query={"any": ["thing"]}, body=body)
    before = deepcopy(call)
    try:
        native = DIALECT.routes[route].to_native(call)
    except ContactsError:
        pass
    else:
        assert native.query in ({"on_conflict": ["update"]}, {})
        assert native.ref in (None, (ref, ("email",)))
        assert set(native.body or ()) <= {
            *("email", "name", "custom_fields", "add_lists", "lists", "is_unsubscribed")
        }
    assert call == before


def test_subscribed_is_negated_only_if_it_is_a_boolean() -> None:
    for given_, native in ((True, False), (False, True), ("yes", "yes"), (0, 0)):
        call = asked("POST /v1/contacts", body={"email": "x", "subscribed": given_})
        assert call.body == {"email": "x", "is_unsubscribed": native}
    for given_, native in ((True, False), (False, True), (None, None), ("yes", "yes"), (0, 0)):
        call = asked("PATCH /v1/contacts/{ref}", path={"ref": "x"}, body={"subscribed": given_})
        assert call.body == {"is_unsubscribed": native}


def test_a_null_in_a_create_clears_nothing() -> None:
    """In a PATCH it does: there, what a client has nothing for need not be sent."""
    nothing = {"name": None, "data": None, "lists": None}
    assert asked("POST /v1/contacts", body={"email": "x", **nothing}).body == {"email": "x"}
    change = asked("PATCH /v1/contacts/{ref}", path={"ref": "x"}, body=nothing)
    assert change.body == {"name": None, "custom_fields": None, "lists": None}


# Errors


@pytest.mark.parametrize(("error", "told"), [
    (errors.InvalidInput([errors.FieldError("email", violations.not_an_email("no dot"))]),
     {"message": "Invalid email address", "code": "VALIDATION_ERROR",
      "details": {"field": "email", "reason": "invalid_format"}}),
    (errors.InvalidInput([errors.FieldError("custom_fields.plan", violations.NOT_NUMBER),
                          errors.FieldError("email", violations.not_an_email("x")),
                          errors.FieldError("add_lists.3", violations.NOT_SLUG)]),
     {"message": f"data.plan must be a number; Invalid email address; lists.3 {violations.NOT_SLUG.message}",
      "code": "VALIDATION_ERROR", "details": {"field": "data.plan", "reason": "invalid_type"}}),
    (errors.ContactNotFound(), NOT_FOUND),
    (errors.NotAuthenticated("Send a key."), {"message": "Send a key", "code": "UNAUTHORIZED", "details": {}}),
    (errors.LimitReached("All 100 requests of this hour are used.", 9),
     {"message": "All 100 requests of this hour are used", "code": "RATE_LIMITED", "details": {}}),
    (errors.MeterThrottled(),
     {"message": "More requests at once than can be counted; nothing was done. Try again in a second",
      "code": "RATE_LIMITED", "details": {}}),
    (errors.IdempotencyKeyReused(),
     {"message": "This Idempotency-Key was used for another request", "code": "IDEMPOTENCY_KEY_REUSED",
      "details": {}}),
])  # fmt: skip
def test_errors_have_the_vendors_messages(error: ContactsError, told: Json) -> None:
    native = problem(error, "r-1")
    call = VendorRequest(route="POST /v1/contacts")
    assert DIALECT.error(call, Problem(native.status, native.body, error.field_errors)).body == told


@pytest.mark.parametrize(("body", "field", "reason"), [
    ({}, "email", "required"),
    ({"email": None}, "email", "required"),
    ({"email": 5}, "email", "invalid_type"),
    ({"email": "nonsense"}, "email", "invalid_format"),
    ({"email": "ada@example"}, "email", "invalid_format"),
    ({"email": "a\0@example.com"}, "email", "invalid_format"),
    ({"name": ["x"]}, "name", "invalid_type"),
    ({"name": "x" * 256}, "name", "too_long"),
    ({"data": []}, "data", "invalid_type"),
    ({"data": {"a": "\0"}}, "data.a", "invalid_characters"),
    ({"data": {"": 1}}, "data", "invalid_characters"),
    ({"data": {"a": 10**40 + 1}}, "data.a", "out_of_range"),
    ({"lists": "newsletter"}, "lists", "invalid_type"),
    ({"lists": ["News Letter"]}, "lists.0", "invalid_format"),
    ({"lists": [5]}, "lists.0", "invalid_type"),
    ({"lists": [f"l{number}" for number in range(101)]}, "lists", "too_many"),
    ([], "body", "invalid_type"),
    (None, "body", "required"),
])  # fmt: skip
def test_an_invalid_field_of_a_create_has_a_reason(
    api: InProcessApi, body: Any, field: str, reason: str
) -> None:
    sent = {"email": "ada@example.com", **body} if body and isinstance(body, dict) else body
    reply = api.request("POST", body=sent)
    assert (reply.status, reply.body["code"]) == (400, "VALIDATION_ERROR"), reply
    assert reply.body["details"] == {"field": field, "reason": reason}
    known = "Invalid email address" if (field, reason) == ("email", "invalid_format") else field
    assert reply.body["message"].startswith(known)


@pytest.mark.parametrize(("body", "field", "reason"), [
    ({"subscribed": "no"}, "subscribed", "invalid_type"),
    ({"lists": {}}, "lists", "invalid_type"),
    ({"name": 1}, "name", "invalid_type"),
])  # fmt: skip
def test_an_invalid_field_of_an_update_has_a_reason(
    api: InProcessApi, body: Any, field: str, reason: str
) -> None:
    api.request("POST", body={"email": "ada@example.com"})
    reply = api.request("PATCH", ONE, "ada@example.com", body=body)
    assert (reply.status, reply.body["details"]) == (400, {"field": field, "reason": reason})


def test_there_is_a_reason_for_every_code() -> None:
    assert set(_REASONS) == set(FieldErrorCode)


def test_every_error_of_a_body_has_a_reason() -> None:
    context: dict[str, Any] = {"expected": "'a' or 'b'", "ge": 1, "le": 9, "min_length": 1, "max_length": 9}
    context["error"] = InvalidValue(violations.NOT_SLUG)
    found = {kind: to_violation(context) for kind, to_violation in bodies._VIOLATIONS.items()}
    assert {kind for kind, one in found.items() if _REASONS[one.code] == "invalid"} == {"extra_forbidden"}


@pytest.mark.parametrize(("violation", "reason"), [
    (violations.REQUIRED, "required"),
    (violations.BODY_MISSING, "required"),
    (violations.BODY_NOT_OBJECT, "invalid_type"),
    (violations.BODY_NOT_UTF8, "invalid_json"),
    (violations.BODY_TOO_DEEP, "invalid_json"),
    (violations.not_json("Extra data"), "invalid_json"),
    (violations.KEY_GIVEN_TWICE, "duplicate"),
    (violations.GIVEN_TWICE, "duplicate"),
    (violations.UNKNOWN_FIELD, "invalid"),
    (violations.NOT_STRING, "invalid_type"),
    (violations.NOT_NUMBER, "invalid_type"),
    (violations.NOT_BOOLEAN, "invalid_type"),
    (violations.NOT_OBJECT, "invalid_type"),
    (violations.NOT_ARRAY, "invalid_type"),
    (violations.not_an_email("x"), "invalid_format"),
    (violations.NOT_SLUG, "invalid_format"),
    (violations.NOT_UNICODE, "invalid_characters"),
    (violations.HAS_NUL, "invalid_characters"),
    (violations.not_one_of(["pro", "max"]), "not_allowed"),
    (violations.longer_than(255), "too_long"),
    (violations.more_values_than(100, 101), "too_many"),
    (violations.more_json_than(10_000), "too_many"),
    (violations.contact_with_more_than(100, "lists"), "too_many"),
    (violations.TAKEN, "invalid"),
    (violations.UNREACHABLE, "invalid"),
], ids=lambda one: getattr(one, "message", one))  # fmt: skip
def test_reasons_never_change(violation: Violation, reason: str) -> None:
    assert _REASONS[violation.code] == reason


@pytest.mark.parametrize(("type_", "options", "reason"), [
    ("string", (), "invalid_type"), ("number", (), "invalid_type"), ("boolean", (), "invalid_type"),
    ("date", (), "invalid_format"), ("datetime", (), "invalid_format"), ("enum", ("pro",), "not_allowed"),
    ("object", (), "invalid_type"), ("array", (), "invalid_type"),
])  # fmt: skip
def test_a_typed_value_has_the_reason_of_its_type(type_: str, options: tuple[str, ...], reason: str) -> None:
    wrong = objection(5 if type_ != "number" else "5", ValueRule(PropertyType(type_), options))
    assert wrong is not None
    assert _REASONS[wrong.code] == reason


@pytest.mark.parametrize(("headers", "reason"), [
    ({"idempotency-key": ""}, "invalid_format"),
    ({"idempotency-key": "x" * 256}, "invalid_format"),
    ({"if-match": "x"}, "invalid_format"),
    ({"if-match": ",".join(['"1"'] * 21)}, "too_many"),
])  # fmt: skip
def test_an_invalid_header_has_a_reason(api: InProcessApi, headers: dict[str, str], reason: str) -> None:
    reply = api.request("POST", body={"email": "ada@example.com"}, headers=headers)
    assert (reply.status, reply.body["details"]["reason"]) == (400, reason), reply


# On the table


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api(clock: FakeClock) -> InProcessApi:
    return InProcessApi(MotoTable().client(), ACCOUNT, clock, CountingBytes(), Dialect.ARTAMAIL)


def test_a_contacts_life(api: InProcessApi) -> None:
    body = {"email": "Ada@Example.com", "name": "Ada", "data": {"plan": "pro"}, "lists": ["newsletter"]}
    made = api.request("POST", body=body)
    contact = {
        "id": made.body["id"], "email": "ada@example.com", "name": "Ada", "data": {"plan": "pro"},
        "subscribed": True, "validation_status": "pending", "lists": ["newsletter"],
        "created_at": "2026-01-15T10:30:00Z",
    }  # fmt: skip
    assert (made.status, made.body) == (201, contact | {"test_mode": False})

    again = api.request(
        "POST", body={"email": "ada@example.com", "data": {"seats": 2}, "lists": ["beta", "newsletter"]}
    )
    contact |= {"data": {"plan": "pro", "seats": 2}, "lists": ["newsletter", "beta"]}
    assert (again.status, again.body) == (200, contact | {"test_mode": False})

    changed = api.request(
        "PATCH", ONE, "ADA@example.com",
        body={"lists": ["beta"], "subscribed": False, "data": {"plan": None}, "email": "no@example.com"},
    )  # fmt: skip
    contact |= {"data": {"seats": 2}, "lists": ["beta"], "subscribed": False}
    assert (changed.status, changed.body) == (200, contact)
    assert api.request("GET", ONE, "ada@example.com").body == contact

    gone = api.request("DELETE", ONE, "ada@example.com")
    assert (gone.status, gone.body) == (204, None)
    assert "Content-Type" not in gone.headers
    for method in ("GET", "PATCH", "DELETE"):
        reply = api.request(method, ONE, "ada@example.com", body={} if method == "PATCH" else None)
        assert (reply.status, reply.body) == (404, NOT_FOUND)

    restored = api.request("POST", body={"email": "ada@example.com", "name": "Ada King", "lists": ["vip"]})
    contact |= {"name": "Ada King", "lists": ["beta", "vip"]}
    assert (restored.status, restored.body) == (201, contact | {"test_mode": False})


def test_a_repeated_delete_gets_the_same_answer(api: InProcessApi) -> None:
    api.request("POST", body={"email": "ada@example.com"})
    first, second = (
        api.request("DELETE", ONE, "ada@example.com", headers={"idempotency-key": "k"}) for _ in range(2)
    )
    assert (first.status, first.body, second.status, second.body) == (204, None, 204, None)
    assert second.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("email", [
    "a+b@example.com", "o'brien@example.com", "50%off@example.com", "a%2Bb@example.com", "a%25@example.com",
])  # fmt: skip
def test_an_email_in_a_path_finds_its_contact_in_any_case(api: InProcessApi, email: str) -> None:
    made = api.request("POST", body={"email": email})
    assert made.status == 201, made
    for ref in (email, email.upper()):
        assert api.request("GET", ONE, ref).body["id"] == made.body["id"]


@pytest.mark.parametrize(
    "ref", ["nobody", "@", "x@", "é@example.com", "a b@example.com", "x" * 3000, "\0@b.c", "%"]
)
def test_an_unknown_email_is_404(api: InProcessApi, ref: str) -> None:
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        reply = api.request(method, ONE, ref, body=body)
        assert (reply.status, reply.body) == (404, NOT_FOUND)


def test_an_id_is_no_email(api: InProcessApi) -> None:
    made = api.request("POST", body={"email": "ada@example.com"})
    assert api.request("GET", ONE, made.body["id"]).status == 404


def test_if_none_match_answers_304(api: InProcessApi) -> None:
    tag = api.request("POST", body={"email": "ada@example.com"}).headers["ETag"]
    reply = api.request("GET", ONE, "ada@example.com", headers={"if-none-match": tag})
    assert (reply.status, reply.body) == (304, None)
