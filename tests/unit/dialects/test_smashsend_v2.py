"""What the requests of SMASHSEND's Node SDK mean natively, and how native answers read there."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.core.errors import ContactNotFound, ContactsError, FieldError, InvalidInput, PropertyNotFound
from contacts.core.violations import NOT_STRING, REQUIRED
from contacts.dialects import smashsend
from contacts.dialects.smashsend_shared import id_in, id_out
from contacts.dialects.smashsend_v2 import CONTACT, DIALECT, PROPERTY, contact_out, slug
from contacts.dialects.wire import Problem, Reply, VendorRequest
from tests.support.native_contacts import Json, json_values, native_contacts

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
A_UUID = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d62"
ITS_ID, ITS_PROPERTY = id_out(CONTACT, A_UUID), id_out(PROPERTY, A_UUID)
OWN = ("email", "firstName", "lastName", "phone", "status", "tags")
SHOWN = ("avatarUrl", "birthday", "city", "countryCode", "language", *OWN)


def asked(route: str, *, body: Any = None, **call: Any) -> Any:
    return DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, **call))


def refused(route: str, body: Any, **call: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as found:
        asked(route, body=body, **call)
    return {error.field: error.message for error in found.value.errors}


def created(**properties: Any) -> Any:
    return asked("POST /v1/contacts", body={"properties": {"email": "a@example.com", **properties}}).body


def updated(**properties: Any) -> Any:
    return asked("PUT /v1/contacts/{ref}", path={"ref": ITS_ID}, body={"properties": properties}).body


# What a contact's properties mean


@pytest.mark.parametrize(("sent", "meant"), [
    ({"firstName": "Ada", "lastName": None}, {"first_name": "Ada", "last_name": None}),
    ({"phone": "+441234567890"}, {"phone": "+441234567890"}),
    ({"status": "UNSUBSCRIBED"}, {"is_unsubscribed": True}),
    ({"status": "SUBSCRIBED"}, {"is_unsubscribed": False}),
    ({"status": None}, {}),
    ({"tags": ["vip"]}, {"tags": ["vip"]}),
    ({"tags": {"add": ["vip"]}}, {"add_tags": ["vip"]}),
    ({"avatarUrl": "u", "city": None}, {"custom_fields": {"avatarUrl": "u", "city": None}}),
    ({"company": "ACME", "interests": [], "nested": {"add": 1, "x": 2}},
     {"custom_fields": {"company": "ACME", "interests": [], "nested": {"add": 1, "x": 2}}}),
    ({"empty": {}}, {"custom_fields": {"empty": {}}}),
    ({"createdAt": "2020-01-01T00:00:00.000Z"}, {}),
])  # fmt: skip
def test_properties_are_native_fields_or_custom_ones(sent: Json, meant: Json) -> None:
    assert created(**sent) == {"email": "a@example.com", **meant}
    assert updated(**sent) == meant


def test_a_create_is_an_upsert_by_email() -> None:
    """As the vendor's is: the SDK's `upsert` sends just what `create` does."""
    native = asked("POST /v1/contacts", body={"properties": {"email": "a@example.com"}})
    assert (native.route, native.query) == ("POST /v1/contacts", {"on_conflict": ["update"]})


def test_tags_are_removed_in_an_update_alone() -> None:
    tags = {"add": ["a"], "remove": ["b"]}
    assert updated(tags=tags) == {"add_tags": ["a"], "remove_tags": ["b"]}
    wrong = refused("POST /v1/contacts", {"properties": {"email": "a@example.com", "tags": tags}})
    assert list(wrong) == ["body.properties.tags.remove"]


@pytest.mark.parametrize(("properties", "culprits"), [
    ({"status": "BANNED"}, ["status"]),
    ({"status": "subscribed"}, ["status"]),
    ({"status": ["SUBSCRIBED"]}, ["status"]),
    ({"status": True}, ["status"]),
    ({"interests": {"add": ["x"]}}, ["interests"]),
    ({"interests": {"remove": [], "add": []}}, ["interests"]),
    ({"tags": {"set": []}}, ["tags.set"]),
    ({"name": "Ada", "first_name": "Ada"}, ["first_name", "name"]),
    ({"is_unsubscribed": True}, ["is_unsubscribed"]),
    ({"customProperties": {"plan": "pro"}}, ["customProperties"]),
])  # fmt: skip
@pytest.mark.parametrize("route", ["POST /v1/contacts", "PUT /v1/contacts/{ref}"])
def test_a_property_without_a_meaning_is_named(route: str, properties: Json, culprits: list[str]) -> None:
    body = {"properties": {"email": "a@example.com", **properties}}
    wrong = refused(route, body, path={"ref": ITS_ID})
    assert sorted(wrong) == [f"body.properties.{name}" for name in culprits]


# The two versions are told apart


@pytest.mark.parametrize(("route", "body"), [
    ("POST /v1/contacts", {"email": "a@example.com"}),
    ("POST /v1/contacts", {"email": "a@example.com", "properties": {"plan": "pro"}}),
    ("POST /v1/contacts", {"name": "Ada", "properties": {"email": "a@example.com"}}),
    ("PUT /v1/contacts/{ref}", {"tags": []}),
    ("PUT /v1/contacts/{ref}", {"name": "Ada", "properties": {}}),
    ("POST /v1/contact-properties", {"name": "plan", "label": "Plan", "type": "string"}),
    ("POST /v1/contact-properties", {"label": "Plan"}),
    ("PUT /v1/contact-properties/{id}", {"label": "Plan"}),
    ("PUT /v1/contact-properties/{id}", {"label": None, "description": "x"}),
])  # fmt: skip
def test_a_body_of_the_older_api_names_both_pins(route: str, body: Json) -> None:
    path = {"ref": ITS_ID, "id": ITS_PROPERTY}
    (message,) = refused(route, body, path=path).values()
    assert message.endswith("this key is pinned smashsend_v2, such a body needs one pinned smashsend")


@pytest.mark.parametrize(("route", "body"), [
    ("POST /v1/contacts", {"properties": {"email": "a@example.com", "firstName": "Ada"}}),
    ("POST /v1/contacts", {"properties": {"email": None}}),
    ("POST /v1/contacts", {"properties": {"firstName": "Ada", "plan": "pro"}}),
    ("PUT /v1/contacts/{ref}", {"properties": {"firstName": "Ada"}}),
    ("PUT /v1/contacts/{ref}", {"properties": {"status": "UNSUBSCRIBED"}}),
    ("PUT /v1/contacts/{ref}", {"properties": {"city": "Rome", "countryCode": "IT"}}),
    ("POST /v1/contact-properties", {"displayName": "Plan", "type": "STRING"}),
    ("PUT /v1/contact-properties/{id}", {"displayName": "Plan"}),
])  # fmt: skip
def test_a_body_of_the_newer_api_names_both_pins(route: str, body: Json) -> None:
    path = {"ref": id_out(smashsend.CONTACT, A_UUID), "id": id_out(smashsend.PROPERTY, A_UUID)}
    with pytest.raises(InvalidInput, match="pinned smashsend, such a body needs one pinned smashsend_v2"):
        smashsend.DIALECT.routes[route].to_native(VendorRequest(route=route, body=body, path=path))


@pytest.mark.parametrize("body", [
    {"properties": {"plan": "pro", "city": "Rome", "phone": "1", "status": "lead"}},
    {"properties": {"firstName": "Ada"}, "tags": []},
    {"properties": {"firstName": "Ada"}, "name": "Ada"},
    {"properties": None},
    {"properties": ["email"]},
    {},
])  # fmt: skip
def test_the_older_api_keeps_its_own_bodies(body: Json) -> None:
    """A body with a field beside `properties` is its own; so are properties of any other name."""
    route = "PUT /v1/contacts/{ref}"
    call = VendorRequest(route=route, body=body, path={"ref": id_out(smashsend.CONTACT, A_UUID)})
    native = smashsend.DIALECT.routes[route].to_native(call)
    assert native.body.get("custom_fields") == body.get("properties")


@pytest.mark.parametrize(("route", "body", "culprits"), [
    ("POST /v1/contacts", {}, ["properties"]),
    ("POST /v1/contacts", {"properties": None}, ["properties"]),
    ("POST /v1/contacts", {"properties": []}, ["properties"]),
    ("POST /v1/contacts", {"properties": {}}, ["properties.email"]),
    ("POST /v1/contacts", {"properties": {"email": "a@example.com"}, "phone": "1", "status": "x"}, ["phone", "status"]),
    ("PUT /v1/contact-properties/{id}", {"displayName": "x", "type": "STRING", "apiSlug": "y"}, ["apiSlug", "type"]),
    ("POST /v1/contact-properties", {}, ["displayName", "type"]),
    ("POST /v1/contact-properties", {"displayName": 5, "type": "TEXT"}, ["displayName", "type"]),
    ("POST /v1/contact-properties", {"displayName": "2nd", "type": ["STRING"]}, ["displayName", "type"]),
    ("POST /v1/contact-properties", {"displayName": "First name", "type": "STRING", "typeConfig": 1},
     ["displayName", "typeConfig"]),
    ("POST /v1/contact-properties", {"displayName": "P", "type": "STRING", "typeConfig":
     {"isRequired": True, "isDeletable": False, "multiple": True, "color": 1}},
     ["typeConfig.color", "typeConfig.isDeletable", "typeConfig.isRequired", "typeConfig.multiple"]),
    ("POST /v1/contact-properties", {"displayName": "P", "type": "MULTI_SELECT", "typeConfig": {"options": ["a"]}},
     ["typeConfig.options"]),
])  # fmt: skip
def test_every_wrong_field_is_named_and_none_is_ignored(route: str, body: Json, culprits: list[str]) -> None:
    wrong = refused(route, body, path={"ref": ITS_ID, "id": ITS_PROPERTY})
    assert sorted(wrong) == [f"body.{name}" for name in culprits]


# There and back


@given(native_contacts)
def test_a_contact_shows_all_its_custom_fields_and_comes_back(native: Json) -> None:
    """Whoever writes back what was read changes nothing."""
    before = deepcopy(native)
    theirs = contact_out(native, ACCOUNT)
    assert list(theirs) == ["id", "createdAt", "updatedAt", "workspaceId", "properties"]
    properties = theirs["properties"]
    assert set(SHOWN) <= set(properties)
    custom_fields = native["custom_fields"]
    assert {name: properties[name] for name in custom_fields if name not in OWN} == {
        name: value for name, value in custom_fields.items() if name not in OWN
    }
    assert (theirs["updatedAt"] is None) is (native["version"] == 1)
    assert native == before
    try:
        change = updated(**properties)
    except InvalidInput:
        return  # A native custom field has a name or a value that this API has another meaning for.
    assert change["is_unsubscribed"] is native["is_unsubscribed"]
    assert [change[name] for name in ("email", "first_name", "last_name", "phone", "tags")] == [
        native[name] for name in ("email", "first_name", "last_name", "phone", "tags")
    ]


@given(
    some.sampled_from(sorted(DIALECT.routes)),
    json_values
    | some.fixed_dictionaries(
        {},
        optional={
            "properties": json_values | some.dictionaries(some.sampled_from([*SHOWN, "plan"]), json_values),
            "contacts": json_values
            | some.lists(some.fixed_dictionaries({}, optional={"properties": json_values})),
            **dict.fromkeys(["displayName", "type", "description", "typeConfig"], json_values),
        },
    ),
    some.dictionaries(
        some.sampled_from(["limit", "cursor", "sort", "status", "email", "allowPartialSuccess", "type"]),
        some.lists(some.sampled_from(["true", "false", "createdAt.asc", "SUBSCRIBED", "CUSTOM"]), max_size=2),
    ),
    some.text() | some.just(ITS_ID) | some.just(ITS_PROPERTY) | some.text().map("by-email/{}".format),
)
def test_any_request_is_translated_or_refused(route: str, body: Any, query: Any, ref: str) -> None:
    call = VendorRequest(route=route, path={"ref": ref, "id": ref}, query=query, body=body)
    before = deepcopy(call)
    try:
        native = DIALECT.routes[route].to_native(call)
    except ContactsError:
        pass
    else:
        assert set(native.query) <= {
            *("limit", "cursor", "sort", "search", "is_unsubscribed", "include_total"),
            *("on_conflict", "permanent", "all_valid"),
        }
    assert call == before


@pytest.mark.parametrize(
    "ref", ["", A_UUID, id_out(smashsend.CONTACT, A_UUID), ITS_PROPERTY, f"{ITS_ID}0", "by-email"]
)
def test_a_malformed_id_is_nobodys(ref: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        with pytest.raises(ContactNotFound):
            asked(f"{method} /v1/contacts/{{ref}}", path={"ref": ref}, body={"properties": {}})
    for method in ("GET", "PUT", "DELETE"):
        with pytest.raises(PropertyNotFound):
            asked(
                f"{method} /v1/contact-properties/{{id}}", path={"id": ref.replace("cpd_", "ctc_")}, body={}
            )


@pytest.mark.parametrize("email", ["a+b@example.com", "a/b@example.com", "by-email/x@example.com", "%", ""])
def test_a_delete_by_email_names_an_email_alone(email: str) -> None:
    native = asked("DELETE /v1/contacts/{ref}", path={"ref": f"by-email/{email}"})
    assert native.ref == (email, ("email",))
    search = VendorRequest(route="GET /v1/contacts/search", query={"email": [email]})
    if email:
        assert DIALECT.routes[search.route].to_native(search).ref == (email, ("email",))


def test_a_search_without_an_email_is_refused() -> None:
    for query in ({}, {"email": [""]}):
        assert refused("GET /v1/contacts/search", None, query=query) == {"email": "is required"}


def test_nobody_is_found_as_null() -> None:
    call = VendorRequest(route="GET /v1/contacts/search", query={"email": ["nobody@example.com"]})
    problem = Problem(404, {"code": "contact_not_found", "detail": "x"})
    assert DIALECT.error(call, problem) == (200, {"contact": None})


# Lists


@pytest.mark.parametrize(("sent", "meant"), [
    ({}, {"limit": ["15"], "sort": ["-created_at"]}),
    ({"sort": ["createdAt.asc"], "limit": ["3"], "cursor": ["c"], "search": ["ada"]},
     {"limit": ["3"], "sort": ["created_at"], "cursor": ["c"], "search": ["ada"]}),
    ({"status": ["UNSUBSCRIBED"], "includeCount": ["true"]},
     {"limit": ["15"], "sort": ["-created_at"], "is_unsubscribed": ["true"], "include_total": ["true"]}),
    ({"status": ["SUBSCRIBED"], "includeCount": ["false"]},
     {"limit": ["15"], "sort": ["-created_at"], "is_unsubscribed": ["false"]}),
])  # fmt: skip
def test_a_list_is_the_native_one(sent: Any, meant: Any) -> None:
    assert asked("GET /v1/contacts", query=sent).query == meant


def test_every_wrong_parameter_is_named() -> None:
    query = {"filter": ["[object Object]"], "sort": ["email"], "status": ["BANNED"], "includeCount": ["yes"]}
    assert list(refused("GET /v1/contacts", None, query=query)) == [
        "filter",
        "sort",
        "status",
        "includeCount",
    ]
    assert list(refused("GET /v1/contacts/properties", None, query={"type": ["ALL"]})) == ["type"]


# Properties


@pytest.mark.parametrize(("display_name", "key"), [
    ("Industry", "industry"), ("Lead Score", "leadScore"), ("Is Customer", "isCustomer"), ("NPS", "nps"),
    ("Last NPS score", "lastNpsScore"), ("isCustomer", "isCustomer"), ("Städte & Länder", "stadteLander"),
    ("plan-id 2", "planId2"), ("会社", ""), ("", ""),
])  # fmt: skip
def test_the_key_of_a_property_is_made_of_its_name(display_name: str, key: str) -> None:
    assert slug(display_name) == key


@given(some.text(max_size=30))
def test_every_key_is_one_that_a_property_may_have(text: str) -> None:
    key = slug(text)
    assert key == "" or (key.isascii() and key.isalnum())


@pytest.mark.parametrize(("kind", "config", "native"), [
    ("STRING", {}, {"type": "string"}),
    ("NUMBER", None, {"type": "number"}),
    ("DATE", {"multiple": False, "isRequired": False, "isDeletable": True}, {"type": "date"}),
    ("BOOLEAN", {"options": []}, {"type": "boolean"}),
    ("SELECT", {"multiple": False, "options": ["A"]}, {"type": "enum", "options": ["A"]}),
    ("MULTI_SELECT", {"multiple": True, "options": []}, {"type": "array"}),
])  # fmt: skip
def test_each_type_has_a_native_one(kind: str, config: Any, native: Json) -> None:
    body = {"displayName": "My P", "type": kind, "description": "d", "typeConfig": config}
    asked_for = asked("POST /v1/contact-properties", body=body).body
    assert asked_for == {"name": "myP", "label": "My P", "description": "d", **native}


@pytest.mark.parametrize(
    ("config", "native"), [({"options": []}, {"options": []}), ({"options": None}, {}), (None, {})]
)
def test_options_of_an_update_reach_the_native_check(config: Any, native: Json) -> None:
    """Which knows the type: the options of a SELECT cannot all go."""
    body = {"typeConfig": config}
    assert asked("PUT /v1/contact-properties/{id}", path={"id": ITS_PROPERTY}, body=body).body == native


# Batches


def batch(*contacts: Any, **query: str) -> VendorRequest:
    return VendorRequest(
        route="POST /v1/contacts/batch",
        body={"contacts": list(contacts)},
        query={name: [value] for name, value in query.items()},
        request_id="r-1",
        account_id=ACCOUNT,
    )


GOOD, BAD = (
    {"properties": {"email": "a@example.com"}},
    {"properties": {"email": "b@example.com", "status": "BANNED"}},
)


def test_a_batch_is_of_upserts_and_all_or_nothing_by_default() -> None:
    native = DIALECT.routes["POST /v1/contacts/batch"].to_native(batch(GOOD, GOOD))
    assert native.body == {"operations": [{"op": "upsert", "contact": {"email": "a@example.com"}}] * 2}
    assert native.query == {"all_valid": ["true"]}
    with pytest.raises(InvalidInput) as refused:
        DIALECT.routes["POST /v1/contacts/batch"].to_native(
            batch(GOOD, BAD, {}, 5, {"properties": {}, "x": 1})
        )
    assert [error.field for error in refused.value.errors] == [
        *("contacts.1.properties.status", "contacts.2.properties", "contacts.3", "contacts.4.x"),
    ]


def test_an_invalid_contact_of_a_partial_batch_fails_alone() -> None:
    call = batch(BAD, GOOD, 5, GOOD, allowPartialSuccess="true", includeFailedContacts="true")
    translation = DIALECT.routes[call.route]
    native = translation.to_native(call)
    assert [one["contact"] for one in native.body["operations"]] == [{}, {"email": "a@example.com"}] * 2
    assert native.query == {}
    contact = {"id": A_UUID, "version": 2, "created_at": "c", "updated_at": "u"}
    refusal = {"status": 400, "code": "invalid_input", "title": "t", "detail": "d", "errors": []}
    busy = {"status": 503, "code": "temporarily_unavailable", "title": "t", "detail": "Later."}
    results = [
        {"index": 0, "status": 400, "problem": refusal},
        {"index": 1, "status": 200, "contact": contact},
        {"index": 2, "status": 400, "problem": refusal},
        {"index": 3, "status": 503, "problem": busy},
    ]
    reply = translation.from_native(call, Reply(207, {"results": results}))
    assert reply.status == 200
    assert [one["id"] for one in reply.body["contacts"]] == [ITS_ID]
    assert reply.body["requestId"] == "r-1"
    assert reply.body["summary"].pop("processingTime") >= 0
    assert reply.body["summary"] == {"created": 0, "updated": 1, "failed": 3, "total": 4}
    told = {one["index"]: (one["email"], one["errors"]) for one in reply.body["errors"]}
    wrong = {"code": "validation_error", "retryable": False}
    message = "properties.status must be one of SUBSCRIBED, UNSUBSCRIBED"
    assert told == {
        0: ("b@example.com", [wrong | {"message": message}]),
        2: (None, [wrong | {"message": "must be an object"}]),
        3: ("a@example.com", [{"code": "service_unavailable", "message": "Later.", "retryable": True}]),
    }
    assert [one["contact"] for one in reply.body["failedContacts"]] == [
        BAD["properties"], None, GOOD["properties"]
    ]  # fmt: skip


def test_no_more_is_read_of_a_body_than_an_answer_names() -> None:
    """A body of 1 MB may hold half a million of them."""
    route = "POST /v1/contacts/batch"
    assert refused(route, {"contacts": [1] * 101}).keys() == {"contacts"}
    assert refused(route, {"contacts": [1] * 500_000}).keys() == {"contacts"}
    many = {f"p{number}": {"add": []} for number in range(10_000)}
    assert len(refused("POST /v1/contacts", {"properties": many})) == 101
    assert len(refused("POST /v1/contacts", {"properties": {"email": "a@example.com"}, **many})) == 100
    assert len(refused("POST /v1/contact-properties", {"displayName": "P", "type": "STRING", **many})) == 100
    tags = {"properties": {"email": "a@example.com", "tags": many}}
    assert len(refused("POST /v1/contacts", tags)) == 100


@pytest.mark.parametrize(("field", "named"), [
    ("operations", "contacts"),
    ("operations.7.contact.first_name", "contacts.7.properties.firstName"),
    ("operations.0.contact.custom_fields.plan.0", "contacts.0.properties.plan.0"),
    ("operations.0.contact.add_tags.1", "contacts.0.properties.tags.add.1"),
    ("contacts.3.properties.email", "contacts.3.properties.email"),
    ("Idempotency-Key", "Idempotency-Key"),
])  # fmt: skip
def test_errors_of_a_batch_have_the_vendors_paths(field: str, named: str) -> None:
    problem = Problem(400, {"code": "invalid_input", "detail": "x"}, (FieldError(field, NOT_STRING),))
    assert DIALECT.error(batch(), problem).body["message"] == f"{named} must be a string"


@pytest.mark.parametrize(("route", "field", "named"), [
    ("POST /v1/contacts", "first_name", "properties.firstName"),
    ("PUT /v1/contacts/{ref}", "remove_tags.0", "properties.tags.remove.0"),
    ("PUT /v1/contacts/{ref}", "custom_fields.plan", "properties.plan"),
    ("PUT /v1/contacts/{ref}", "body.properties.email", "properties.email"),
    ("POST /v1/contact-properties", "name", "displayName"),
    ("POST /v1/contact-properties", "options.0", "typeConfig.options.0"),
    ("GET /v1/contacts", "limit", "limit"),
    ("GET /v1/contacts/search", "email", "email"),
])  # fmt: skip
def test_errors_have_the_vendors_names(route: str, field: str, named: str) -> None:
    problem = Problem(400, {"code": "invalid_input", "detail": "x"}, (FieldError(field, REQUIRED),))
    told = DIALECT.error(VendorRequest(route=route), problem)
    assert told == (400, {"message": f"{named} is required", "code": "validation_error"})


@given(some.uuids().map(str))
def test_ids_of_the_two_versions_differ_in_their_prefix_alone(uuid: str) -> None:
    """So a team that changes its pin turns one into the other."""
    older, newer = id_out(smashsend.CONTACT, uuid), id_out(CONTACT, uuid)
    assert newer == older.replace("cont_", "ctc_")
    assert id_in(CONTACT, older) is id_in(smashsend.CONTACT, newer) is None
