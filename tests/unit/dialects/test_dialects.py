"""What holds for every dialect, whatever the vendor."""

import ast
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest

import contacts.dialects
from contacts.accounts import model as accounts
from contacts.book.model import Action, Outcome
from contacts.core import errors, violations
from contacts.core.errors import FieldError
from contacts.core.idempotency import IdempotencyRecord
from contacts.core.violations import (
    BODY_NOT_UTF8,
    NOT_NUMBER,
    NOT_STRING,
    REQUIRED,
    FieldErrorCode,
    Violation,
)
from contacts.dialects.wire import Dialect, Problem, VendorRequest, Whole, field_errors, whole_number
from contacts.web.entrypoint import Entrypoint
from contacts.web.request import Request
from contacts.web.response import Answer
from contacts.web.routing import OF_ONE_VENDOR, ROUTES, Located, Operation, ServiceFor
from local.template import functions
from tests.support.app import OpenGate
from tests.support.in_process_api import caller_of

ROOM = Path(contacts.dialects.__file__).parent
VENDORS = [dialect for dialect in accounts.Dialect if dialect is not accounts.Dialect.NATIVE]


def dialect_of(name: str) -> Dialect:
    dialect: Dialect = import_module(f"contacts.dialects.{name}").DIALECT
    return dialect


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> accounts.Dialect:
    dialect: accounts.Dialect = request.param
    return dialect


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_a_dialect_imports_core_alone(module: Path) -> None:
    ours = {name for name in imports(module) if name.startswith("contacts")}
    core = {f"contacts.core.{name}" for name in ("errors", "json", "tags", "text", "violations")}
    assert ours <= {*core, "contacts.dialects.wire", "contacts.dialects.smashsend_shared"}


def test_each_vendors_routes_are_served(vendor: accounts.Dialect) -> None:
    served = {f"{method} {path}" for function in functions() for method, path in function.routes}
    for route in dialect_of(vendor).routes:
        assert route in served
        if route.partition(" ")[2].startswith("/v1/contacts") and vendor in ("sendmator", "artamail"):
            assert route.replace(" /", " /api/") in served


PROBLEMS: list[tuple[int, errors.ContactsError]] = [
    (
        400,
        errors.InvalidInput([errors.FieldError("email", REQUIRED), errors.FieldError("tags.0", NOT_STRING)]),
    ),
    (400, errors.BodyNotJson([errors.FieldError("body", BODY_NOT_UTF8)])),
    (401, errors.NotAuthenticated("Send an API key.")),
    (403, errors.ScopeMissing("contacts:read")),
    (404, errors.ContactNotFound()),
    (404, errors.RouteNotFound("Nothing is served at this path.")),
    (405, errors.MethodNotAllowed(["GET"])),
    (409, errors.DuplicateContact([("email", "0190b5a0-0000-7000-8000-000000000001")])),
    (412, errors.StaleVersion()),
    (413, errors.BodyTooLarge("A body has at most 1,048,576 bytes.")),
    (422, errors.IdempotencyKeyReused()),
    (429, errors.LimitReached(100, 60)),
    (503, errors.TemporarilyUnavailable()),
]


@pytest.mark.parametrize(("status", "error"), PROBLEMS, ids=lambda value: getattr(value, "code", ""))
def test_every_error_has_the_vendors_shape_and_the_native_status(
    vendor: accounts.Dialect, status: int, error: errors.ContactsError
) -> None:
    """Through the real entrypoint, so that headers and the log line are right as well."""

    def raising(request: Request) -> Answer:
        raise error

    route = next(iter(dialect_of(vendor).routes))
    answer = Spoken(vendor, route, raising).send({"email": "ada@example.com"})
    assert answer["statusCode"] == status
    body = json.loads(answer["body"])
    assert answer["headers"]["Content-Type"] == "application/json"
    assert not {"type", "title", "request_id"} & set(body)
    assert "X-RateLimit-Limit" in answer["headers"]
    if isinstance(error, errors.LimitReached):
        assert answer["headers"]["Retry-After"] == "60"


def test_an_internal_error_has_the_vendors_shape(vendor: accounts.Dialect) -> None:
    def failing(request: Request) -> Answer:
        raise ZeroDivisionError("secret detail")

    route = next(iter(dialect_of(vendor).routes))
    answer = Spoken(vendor, route, failing).send({"email": "ada@example.com"})
    assert answer["statusCode"] == 500
    assert "secret" not in answer["body"]
    assert "type" not in json.loads(answer["body"])


@pytest.mark.parametrize("path", ["/v1/api-keys", "/v1/webhooks", "/v1/account", "/v1/contacts/batch"])
def test_a_route_of_other_dialects_is_refused_in_the_vendors_shape(
    vendor: accounts.Dialect, path: str
) -> None:
    method = ROUTES[path][0]
    if f"{method} {path}" in dialect_of(vendor).routes:
        pytest.skip("the vendor has it, too")
    answer = Spoken(vendor, f"{method} {path}", never).send()
    assert answer["statusCode"] in (404, 405)
    assert "type" not in json.loads(answer["body"])


def test_a_vendors_own_route_is_not_served_natively() -> None:
    answer = Spoken(accounts.Dialect.NATIVE, "GET /v1/contacts/{ref}/info", None).send()
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (404, "route_not_found")


def test_a_304_has_no_body_in_every_dialect(vendor: accounts.Dialect) -> None:
    """A 304 has no body that could be translated."""

    def unchanged(request: Request) -> Answer:
        return Answer(304, headers={"ETag": '"3-valid"'})

    route = next(iter(dialect_of(vendor).routes))
    answer = Spoken(vendor, route, unchanged).send({"email": "ada@example.com"})
    assert (answer["statusCode"], answer["body"], answer["headers"]["ETag"]) == (304, "", '"3-valid"')


def test_a_replay_has_the_vendors_shape() -> None:
    """The record of an Idempotency-Key holds the native answer; whoever repeats is answered in their own words."""

    def deleted(request: Request) -> Answer:
        raise errors.ContactNotFound

    recorded = Outcome(
        action=Action.DELETED, details={"id": "0190b5a0-0000-7000-8000-000000000001"}, is_replay=True
    )
    spoken = Spoken(accounts.Dialect.SENDMATOR, "DELETE /v1/contacts/{ref}", deleted, recorded)
    answer = spoken.send(headers={"idempotency-key": "k"})
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"deleted": True, "id": "0190b5a0-0000-7000-8000-000000000001"}
    assert answer["headers"]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("headers", "path", "looks"), [
    ({}, "/v1/contacts", "native"),
    ({}, "/api/v1/contacts", "native"),
    ({"x-api-key": "sk_live_x"}, "/api/v1/contacts", "sendmator"),
    ({"x-api-key": "sk_live_x"}, "/v1/contacts", "native"),
    ({"authorization": "Bearer sk_live_x"}, "/api/v1/contacts", "native"),
    ({"authorization": "Bearer am_live_sk_x"}, "/api/v1/contacts", "artamail"),
    ({"x-api-key": "am_live_sk_x"}, "/api/v1/contacts", "artamail"),
    ({"authorization": "am_live_sk_x"}, "/api/v1/contacts", "native"),
])  # fmt: skip
def test_an_error_before_authentication_uses_the_dialect_that_the_key_suggests(
    headers: dict[str, str], path: str, looks: str
) -> None:
    answer = Spoken(accounts.Dialect.NATIVE, "GET /v1/contacts", never, strict=True).send(
        path=path, headers=headers, key=False
    )
    keys = set(json.loads(answer["body"]))
    assert answer["statusCode"] == 401
    assert {
        "native": "type" in keys,
        "sendmator": keys == {"statusCode", "message", "error"},
        "artamail": keys == {"message", "code", "details"},
    }[looks]


ALONE = [*OF_ONE_VENDOR.items()]


@pytest.mark.parametrize(("route", "vendor"), ALONE)
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}, {"x-api-key": "am_live_sk_x"}],
)
def test_a_wrong_key_on_a_vendors_own_path_gets_that_vendors_error(
    route: str, vendor: str, headers: dict[str, str]
) -> None:
    spoken = Spoken(accounts.Dialect.NATIVE, route, never, strict=True)
    answer = spoken.send({"name": "x"}, headers=headers, key=False)
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 401
    members = {
        "smartsender": {"error"},
        "sendmator": {"statusCode", "message", "error"},
        "smashsend_v2": {"message", "code"},
    }
    assert set(body) == members[vendor]
    assert vendor != "smartsender" or body["error"]["code"] == 401


def test_a_malformed_body_gets_an_error_in_the_vendors_shape(vendor: accounts.Dialect) -> None:
    route = next(route for route in dialect_of(vendor).routes if route.startswith(("PUT", "PATCH")))
    for header, value in (("content-encoding", "gzip"), ("content-type", "application/json; charset=latin1")):
        answer = Spoken(vendor, route, never).send({"name": "José"}, headers={header: value})
        assert answer["statusCode"] == 415
        assert not {"type", "title", "request_id"} & set(json.loads(answer["body"]))
        assert header in answer["body"].lower()


@pytest.mark.parametrize("dialect", accounts.Dialect)
def test_head_is_get_without_its_body(dialect: accounts.Dialect) -> None:
    """Also where a contact, or a path, is nobody's, and where nobody is let in."""

    def nobody(request: Request) -> Answer:
        raise errors.ContactNotFound

    for strict in (False, True):
        for path in ("/v1/contacts/{ref}", "/nowhere"):
            get, head = (
                Spoken(dialect, f"{method} {path}", nobody, strict=strict).send()
                for method in ("GET", "HEAD")
            )
            assert head["body"] == ""
            assert get["body"] != ""
            assert {**get, "body": ""} == head
            assert get["statusCode"] == (401 if strict else 404)


def test_a_field_is_named_as_the_vendor_names_it() -> None:
    errors = (FieldError("custom_fields.a.b", NOT_NUMBER), FieldError("email", NOT_STRING))
    problem = Problem(400, {"detail": "x"}, errors)
    assert field_errors(problem, {"custom_fields": "data"}) == [
        ("data.a.b", NOT_NUMBER),
        ("email", NOT_STRING),
    ]
    assert field_errors(problem, {"email": "mail"})[1] == ("mail", NOT_STRING)
    assert field_errors(Problem(404, {"detail": "d"}), {}) == []


VIOLATIONS = [
    *(one for one in vars(violations).values() if isinstance(one, Violation)),
    violations.not_json("Expecting value at line 1, column 1"),
    violations.not_an_email("It must have exactly one @-sign."),
    violations.not_one_of(["a", "b"]),
    violations.less_than(1),
    violations.more_than(9),
    violations.longer_than(255),
    violations.wrong_length("", 255),
    violations.wrong_length("x" * 256, 255),
    violations.more_values_than(100, 101),
    violations.more_json_than(10_000),
    violations.contact_with_more_than(100, "lists"),
    violations.never_changes("string"),
    violations.another_beginning("cursor"),
    violations.offset_beyond(10_000),
    *(Violation(code, "said with words that no dialect knows", 7) for code in FieldErrorCode),
]


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda one: f"{one.code}: {one.message}")
def test_no_dialect_parses_a_message(vendor: accounts.Dialect, violation: Violation) -> None:
    """Whatever the message is, the same is told with it: codes alone decide what a vendor says."""

    def told(message: str) -> str:
        errors = (FieldError("email", violation._replace(message=message)),)
        body = {"code": "invalid_input", "detail": f"email: {message}", "field": "email"}
        call = VendorRequest(route=next(iter(dialect_of(vendor).routes)), body={"email": "ada@example.com"})
        return json.dumps(dialect_of(vendor).error(call, Problem(400, body, errors)))

    other = "#" * 9
    assert told(violation.message).replace(json.dumps(violation.message)[1:-1], other) == told(other)


@pytest.mark.parametrize("text", ["", "x", "0", "101", "-1", "1e1", "٣", "9" * 400])
def test_a_number_outside_its_bounds_is_named(text: str) -> None:
    call = VendorRequest(route="GET /v1/contacts", query={"limit": [text]})
    with pytest.raises(errors.InvalidInput, match="limit: must be a whole number"):
        whole_number(call, "limit", Whole(10, 1, 100))


def never(request: Request) -> Answer:
    raise AssertionError("it must not come this far")


class Closed(OpenGate):
    """Lets nobody in."""

    def identify(self, key: str) -> accounts.Caller:
        raise errors.NotAuthenticated("This API key is unknown or was revoked.")


class Whatever(Operation):
    """Does the same for whichever route and parameters a dialect asks for."""

    def serve(self, request: Request, found: Located | None, service_for: ServiceFor) -> Answer:
        return self.routes["any route"](request)


class Spoken:
    """One operation behind the real entrypoint, for a caller whose key speaks a dialect."""

    def __init__(
        self,
        dialect: accounts.Dialect,
        route: str,
        function: Any,
        recorded: Outcome | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self._route = route
        operation = Operation("op", accounts.Scope.CONTACTS_READ)
        if function is not None:
            operation = Whatever("op", accounts.Scope.CONTACTS_READ)
            operation.on("any route")(function)
        caller = caller_of("a", dialect)
        gate = (Closed if strict else OpenGate)(caller)
        self._entry = Entrypoint(operation, gate, lambda _: Records(recorded), lambda _: None)

    def send(
        self,
        body: Any = None,
        *,
        path: str | None = None,
        headers: dict[str, str] | None = None,
        key: bool = True,
    ) -> dict[str, Any]:
        method, _, route = self._route.partition(" ")
        ref = "0190b5a0-0000-7000-8000-000000000001"
        event = {
            "version": "2.0",
            "routeKey": self._route,
            "rawPath": path or route.replace("{ref}", ref).replace("{id}", ref),
            "rawQueryString": "",
            "headers": {**({"x-api-key": "any"} if key else {}), **(headers or {})},
            "pathParameters": {"ref": ref, "id": ref},
            "requestContext": {"http": {"method": method, "path": path or route}, "requestId": "r-1"},
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
        answer: dict[str, Any] = self._entry(event, context)
        return answer


class Records:
    """What Idempotency-Keys stand for: one answer, whichever is asked for."""

    def __init__(self, recorded: Outcome | None) -> None:
        self._recorded = recorded

    def recorded(self, key: str) -> IdempotencyRecord | None:
        return None if self._recorded is None else IdempotencyRecord(ANY, self._recorded)
