"""The OpenAPI document says what the code does; and is one."""

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contacts.accounts.model import Scope
from contacts.core.errors import ContactsError
from contacts.events.model import SUBSCRIBABLE, EventType, event_out
from contacts.web.routing import ROUTES, Operation
from local import sample_account
from local.openapi import operations
from local.openapi.bodies import sample
from local.openapi.components import shared
from local.openapi.document import FILE, as_text
from local.openapi.document import document as made
from local.openapi.schemas import REF, of_answers, reference
from local.stack import ROOT
from tests.support.documented import assert_documented, assert_event, assert_fits, document

ROUTES_SERVED = [(method, path) for path, methods in ROUTES.items() for method in methods]
SERVED = operations.served()
BODIES = [route for route in SERVED if route.body is not None]


def each_operation() -> list[Any]:
    return [
        pytest.param(operation, id=operation["operationId"])
        for methods in document()["paths"].values()
        for operation in methods.values()
    ]


def test_the_committed_document_is_what_the_code_generates() -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(made()), "run `make openapi`"


def test_the_document_is_linked_in_docs() -> None:
    assert (ROOT / "docs" / "openapi.json").resolve() == FILE


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_the_document_has_every_route_and_no_other() -> None:
    listed = [(method.upper(), path) for path, methods in document()["paths"].items() for method in methods]
    assert sorted(listed) == sorted(ROUTES_SERVED)


def test_the_document_has_every_type_of_event() -> None:
    assert list(document()["webhooks"]) == [str(kind) for kind in EventType]


def test_operation_ids_are_unique() -> None:
    ids = [operation.values[0]["operationId"] for operation in each_operation()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("operation", each_operation())
def test_every_operation_has_a_summary(operation: Any) -> None:
    assert 5 < len(operation["summary"]) < 120
    assert operation["description"]
    assert len(operation["tags"]) == 1
    assert any(status < "300" for status in operation["responses"])
    assert "500" in operation["responses"]
    is_open = operation["tags"] in (["Reference"], ["Console"])
    assert (operation.get("security") == []) == is_open
    assert {"401", "403", "429", "503"} & set(operation["responses"]) == (
        set() if is_open else {"401", "403", "429", "503"}
    )


@pytest.mark.parametrize("route", BODIES, ids=lambda route: route.id)
def test_the_sample_of_a_body_fits_its_schema(route: operations.Served) -> None:
    content = document()["paths"][route.path][route.method.lower()]["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    example = content["application/json"]["examples"]["sample"]["value"]
    assert example == sample(route)
    assert_fits(schema, example, route.id)


@pytest.mark.parametrize(
    "name", [name for name, one in document()["components"]["schemas"].items() if "examples" in one]
)
def test_the_examples_of_answers_fit_their_schemas(name: str) -> None:
    schema = document()["components"]["schemas"][name]
    for example in schema["examples"]:
        assert_fits(schema, example, name)


@pytest.mark.parametrize(
    "event", [sample_account.CREATED, sample_account.UPDATED, sample_account.UNSUBSCRIBED]
)
def test_events_match_the_document(event: Any) -> None:
    assert_event(event_out(event))


def test_an_undocumented_operation_is_noticed() -> None:
    operation = Operation("juggle_contacts", Scope.CONTACTS_WRITE)

    @operation.on("POST /v1/contacts/juggle")
    def juggle_contacts() -> Any: ...

    binding = operation.bindings["POST /v1/contacts/juggle"]
    route = replace(SERVED[0], operation=operation, binding=binding)
    with pytest.raises(
        operations.NotDocumented, match=r"POST /v1/contacts/juggle: .*juggle_contacts/handler\.py.*responds="
    ):
        made([route])


CONTACT = "GET /v1/contacts/{ref}"
HEADERS = {
    "X-Request-Id": "r",
    "Cache-Control": "private, no-cache",
    "RateLimit-Policy": "",
    "RateLimit": "",
    "ETag": '"1-valid"',
    "X-RateLimit-Limit": "1",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "0",
    "Content-Type": "application/json",
}
SHOWN = document()["components"]["schemas"]["Contact"]["examples"][0]


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        pytest.param(200, HEADERS, SHOWN | {"shoe_size": 42}, id="a member more"),
        pytest.param(200, HEADERS, {key: SHOWN[key] for key in SHOWN if key != "tags"}, id="a member less"),
        pytest.param(200, HEADERS, SHOWN | {"version": "3"}, id="another type"),
        pytest.param(200, HEADERS, SHOWN | {"created_at": "yesterday"}, id="another format"),
        pytest.param(200, HEADERS, SHOWN | {"validation_status": "maybe"}, id="another value"),
        pytest.param(202, HEADERS, SHOWN, id="another status"),
        pytest.param(200, HEADERS | {"Content-Type": "text/plain"}, SHOWN, id="another type of content"),
        pytest.param(200, {k: v for k, v in HEADERS.items() if k != "ETag"}, SHOWN, id="a header less"),
        pytest.param(200, HEADERS | {"X-RateLimit-Limit": "-1"}, SHOWN, id="a header that is wrong"),
        pytest.param(304, HEADERS, SHOWN, id="a body where none is"),
        pytest.param(
            404,
            HEADERS | {"Content-Type": "application/problem+json"},
            document()["components"]["schemas"]["Problem"]["examples"][0],
            id="a code of another status",
        ),
    ],
)
def test_an_undocumented_answer_is_noticed(status: int, headers: Any, body: Any) -> None:
    assert_documented(CONTACT, 200, HEADERS, SHOWN)
    with pytest.raises(AssertionError, match=re.escape(CONTACT)):
        assert_documented(CONTACT, status, headers, body)


def test_the_document_has_every_error_code() -> None:
    text = json.dumps(document())
    codes = {kind.code for kind in every_kind(ContactsError)} - {"error", "not_found", "conflict"}
    assert [code for code in codes if f'"{code}"' not in text] == []


def every_kind(kind: type[ContactsError]) -> set[type[ContactsError]]:
    return {kind, *(found for child in kind.__subclasses__() for found in every_kind(child))}


def test_webhooks_can_subscribe_to_every_event_that_is_sent() -> None:
    (listed,) = [
        choice["items"]["anyOf"]
        for choice in document()["components"]["schemas"]["NewWebhook"]["properties"]["events"]["anyOf"]
        if "items" in choice
    ]
    assert listed == [reference("SubscribableEvent"), {"type": "string", "const": "*"}]
    assert document()["components"]["schemas"]["SubscribableEvent"]["enum"] == [*map(str, SUBSCRIBABLE)]


def schemas_without_a_name(part: Any, where: str = "") -> Iterator[str]:
    """Where a generator of clients would have to invent the name of a class."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from schemas_without_a_name(one, f"{where}/{number}")
    elif isinstance(part, dict):
        kinds = part.get("type", "")
        if len(part.get("enum", ())) > 1 or "properties" in part or "object" in kinds:
            yield where
            return
        for key, one in part.items():
            # Beside a reference stands what validators check and generators pass over.
            if key not in ("example", "examples", "default") and "$ref" not in part:
                yield from schemas_without_a_name(one, f"{where}/{key}")


def test_every_type_of_requests_and_answers_has_a_name() -> None:
    assert list(schemas_without_a_name(document()["paths"])) == []
    for name, schema in document()["components"]["schemas"].items():
        assert list(schemas_without_a_name(list(schema.get("properties", {}).values()), name)) == []
    for key in ("parameters", "responses", "headers"):
        assert list(schemas_without_a_name(document()["components"][key], key)) == []


def test_every_problem_is_of_one_type() -> None:
    """So that a generated client has one class for whatever is refused. Its code is one of an enumeration."""
    schemas = document()["components"]["schemas"]
    for response in each_response():
        for kind, content in response.get("content", {}).items():
            assert (kind == "application/problem+json") == (content["schema"].get("$ref") == f"{REF}Problem")
    assert schemas["Problem"]["properties"]["code"] == reference("ProblemCode")
    assert schemas["ProblemCode"]["enum"] == sorted(
        {code for response in each_response() for code in codes_of(response)}
    )


def test_the_examples_of_a_refusal_are_of_its_status_and_codes() -> None:
    for response in each_response():
        content = response.get("content", {}).get("application/problem+json", {})
        assert list(content.get("examples", {})) == codes_of(response)
        for example in content.get("examples", {}).values():
            assert_fits(content["schema"], example["value"], response["description"])
            assert set(example["value"]) == set(document()["components"]["schemas"]["Problem"]["required"])


def each_response() -> Iterator[Any]:
    yield from document()["components"]["responses"].values()
    for operation in each_operation():
        yield from (one for one in operation.values[0]["responses"].values() if "$ref" not in one)


def codes_of(response: Any) -> list[str]:
    schema = response.get("content", {}).get("application/problem+json", {}).get("schema")
    codes: list[str] = schema["allOf"][0]["properties"]["code"]["enum"] if schema else []
    return codes


def test_members_of_an_enumeration_have_names_that_differ() -> None:
    """A generator makes names of the values: `email` and `-email` would have the same."""
    for name, schema in document()["components"]["schemas"].items():
        if "enum" in schema:
            names = schema.get("x-enum-varnames") or [re.sub(r"\W+", "_", one) for one in schema["enum"]]
            words = {one.strip("_").upper() for one in names}
            assert len(words) == len(schema["enum"]), name


@pytest.mark.parametrize(
    ("body", "is_taken"),
    [
        ({}, False),
        ({"name": "Ada"}, False),
        ({"email": "ada@example.com"}, True),
        ({"external_id": "crm-1"}, True),
        ({"email": "ada@example.com", "external_id": "crm-1"}, True),
    ],
)
def test_a_contact_needs_an_email_or_an_external_id(body: Any, is_taken: bool) -> None:
    with nullcontext() if is_taken else pytest.raises(AssertionError):
        assert_fits(reference("NewContact"), body, "NewContact")


JSON_OBJECT = reference("JsonObject")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "object", "additionalProperties": True}, JSON_OBJECT, id="an object"),
        pytest.param(
            {"type": ["object", "null"], "additionalProperties": True, "description": "Yours."},
            {"anyOf": [JSON_OBJECT, {"type": "null"}], "description": "Yours."},
            id="an object or null",
        ),
        pytest.param(
            {"type": "string", "enum": ["id", "email", "external_id"], "default": "id"},
            reference("RefKind") | {"default": "id"},
            id="a known enumeration with a default",
        ),
        pytest.param(
            {"anyOf": [{"type": "string", "enum": ["pending", "valid", "invalid"]}, {"type": "null"}]},
            {"anyOf": [reference("ValidationStatus"), {"type": "null"}]},
            id="a known enumeration or null",
        ),
        pytest.param({"type": "string", "enum": ["email", "id"]}, None, id="an enumeration nobody named"),
        pytest.param(
            {"type": "object", "properties": {"enum": {"type": "string"}}}, None, id="an own member"
        ),
        pytest.param(
            {"type": "object", "examples": [{"type": "object", "additionalProperties": True}]},
            None,
            id="a value that looks like a schema",
        ),
    ],
)
def test_what_many_places_say_is_one_component(schema: Any, expected: Any) -> None:
    made_of = {
        "paths": {"/": schema},
        "webhooks": {},
        "components": {"schemas": {"Own": {"properties": {"type": schema}}}},
    }
    found = shared(made_of)
    expected = schema if expected is None else expected
    assert found["paths"]["/"] == expected
    schemas = found["components"]["schemas"]
    assert schemas["Own"]["properties"]["type"] == expected
    assert set(schemas) - {"Own"} == set(re.findall(r"#/components/schemas/(\w+)", json.dumps(expected)))


class BaseOut(TypedDict):
    kept: str
    """Of the base."""


class ExtendedOut(BaseOut):
    """It extends another."""

    kind: Annotated[str, EventType] | None
    """Of its own."""
    more: NotRequired[Literal[True]]


class OddOut(TypedDict):
    moment: bytes


def test_an_answer_is_described_with_the_members_of_those_it_extends() -> None:
    assert of_answers([ExtendedOut])["Extended"] == {
        "description": "It extends another.",
        "properties": {
            "kept": {"description": "Of the base.", "type": "string"},
            "kind": {
                "anyOf": [{"$ref": "#/components/schemas/EventType"}, {"type": "null"}],
                "description": "Of its own.",
            },
            "more": {"const": True, "type": "boolean"},
        },
        "required": ["kept", "kind"],
        "type": "object",
    }


def test_a_type_that_answers_do_not_have_is_noticed() -> None:
    with pytest.raises(TypeError, match="bytes"):
        of_answers([OddOut])
