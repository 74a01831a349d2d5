"""What a path means by a contact's name: in every dialect and natively, whatever the name is."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Caller, Dialect, Scope
from contacts.dialects import wire
from tests.support.app import App
from tests.support.dialects import contact_id
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.gateway import handed_over
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import InProcessApi, caller_of
from tests.support.moto_table import MotoTable

ACCOUNT = "01941f29-0000-7000-8000-00000000000a"
A_UUID = "01941f29-7c00-7aaa-8000-000000000001"
READ_AS = {
    Dialect.SENDMATOR: ("id", "external_id"),
    Dialect.SMASHSEND: ("id",),
    Dialect.SMASHSEND_V2: ("id",),
    Dialect.SMARTSENDER: ("id",),
    Dialect.ARTAMAIL: ("email",),
}
"""What each vendor's pages say of the variable in its paths of contacts."""
BODY = {
    "email": "a@example.com",
    "name": "x",
    "tags": ["x"],
    "values": {},
    "identifier": "i",
    "firstName": "x",
    "state": True,
    "type": "string",
    "label": "x",
}
"""Takes whatever route there is as far as its path."""
NAMES = [
    *("properties", "by-email/a@example.com"),
    *("a/b", "a/b/c", "search", "batch", "a/events", "a/gates", "a/chat", "a/info", "a/restore", "a/merge"),
    *("bulk", "external"),
    *("a/merge/b", "a/fire", "events", "x/y/events", "a//b", "a/", "/a", "search/", "api/v1/contacts"),
    *("%2F", "a%2Fb", "%252F", "50% off", "{ref}", "{proxy+}/events", "a{b}c", "a?b", "a#b", "a b", "a+b"),
    *("é/ü", "quac\N{KELVIN SIGN}", "a=b&c=d", "..", "a/../b", "\N{GRINNING FACE}", "$default", "a/tags/b"),
]
READ_BELOW = ("/events", "/gates", "/chat")
"""How paths end that natively show what belongs to a contact."""


def dialect_of(name: Dialect) -> wire.Dialect:
    found: wire.Dialect = import_module(f"contacts.dialects.{name}").DIALECT
    return found


def naming() -> Iterator[Any]:
    for vendor in READ_AS:
        for route in dialect_of(vendor).routes:
            if "{ref}" in route or "{target}" in route:
                yield pytest.param(vendor, route, id=f"{vendor} {route}")


def test_every_dialect_is_tested_here() -> None:
    assert {*READ_AS, Dialect.NATIVE} == set(Dialect)


@pytest.mark.parametrize(("vendor", "route"), list(naming()))
def test_every_route_says_which_kinds_of_name_it_takes(vendor: Dialect, route: str) -> None:
    name = contact_id(vendor, A_UUID)
    path = {"ref": name, "target": name, "tag": A_UUID}
    body = {"properties": {"firstName": "x"}} if vendor is Dialect.SMASHSEND_V2 else BODY
    native = dialect_of(vendor).routes[route].to_native(wire.VendorRequest(route=route, path=path, body=body))
    assert native.ref == (A_UUID, READ_AS[vendor])
    if "{target}" in route:
        assert native.body["by"] in READ_AS[vendor]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"path": {"ref": "x"}},
        {"ref": wire.Named("x", ("id",)), "path": {"ref": "x"}},
        {"ref": wire.Named("x", ("id",)), "query": {"by": ["email"]}},
    ],
)
def test_a_native_request_with_a_ref_requires_a_named(wrong: Any) -> None:
    with pytest.raises(TypeError, match="Named"):
        wire.NativeRequest(route="GET /v1/contacts/{ref}", **wrong)
    with pytest.raises(TypeError, match="by"):
        wire.Named("x")  # type: ignore[call-arg]


class Harness:
    """One account, spoken to in every dialect."""

    def __init__(self) -> None:
        self.client = MotoTable().client()
        self.clock, self.randomness = FakeClock(), CountingBytes()
        self.apis = {
            dialect: InProcessApi(self.client, ACCOUNT, self.clock, self.randomness, dialect)
            for dialect in Dialect
        }
        self.native = self.apis[Dialect.NATIVE]

    def made(self, **fields: Any) -> str:
        reply = self.native.send("POST", "/v1/contacts", fields)
        assert reply.status == 201, reply.body
        made: str = reply.body["id"]
        return made

    def is_there(self, contact_id: str) -> bool:
        return self.native.send("GET", f"/v1/contacts/{contact_id}?by=id").status == 200

    def erased(self, contact_id: str) -> None:
        assert self.native.send("DELETE", f"/v1/contacts/{contact_id}?permanent=true").status == 200


@pytest.fixture
def harness() -> Harness:
    return Harness()


def encoded(name: str) -> str:
    return quote(name, safe="")


# Whom a name means


def test_sendmator_takes_an_id_or_an_external_id_and_no_email(harness: Harness) -> None:
    by_email = harness.made(email="e@example.com", external_id="other")
    by_external_id = harness.made(external_id="e@example.com")
    api, path = harness.apis[Dialect.SENDMATOR], "/api/v1/contacts/e%40example.com"
    assert api.send("GET", path).body["id"] == by_external_id
    assert api.send("PUT", path, {"first_name": "B"}).body["id"] == by_external_id
    assert api.send("DELETE", path).body == {"deleted": True, "id": by_external_id}
    for method in ("GET", "PUT", "DELETE"):
        reply = api.send(method, path, {} if method == "PUT" else None)
        assert (reply.status, reply.body["message"]) == (404, "Contact not found")
    assert harness.is_there(by_email)
    assert api.send("GET", f"/api/v1/contacts/{by_email.upper()}").body["id"] == by_email


@pytest.mark.parametrize("vendor", [Dialect.SMASHSEND, Dialect.SMASHSEND_V2, Dialect.SMARTSENDER])
@pytest.mark.parametrize("name", ["e@example.com", "crm-1", A_UUID, "search", "a/events"])
def test_routes_by_id_take_no_other_name(harness: Harness, vendor: Dialect, name: str) -> None:
    made = harness.made(external_id=name) if name != "e@example.com" else harness.made(email=name)
    for method, body in (("GET", None), ("PUT", BODY), ("DELETE", None)):
        reply = harness.apis[vendor].send(method, f"/v1/contacts/{encoded(name)}", body)
        assert reply.status in (400, 404, 405), reply
    assert harness.is_there(made)


@pytest.mark.parametrize("name", ["crm-1", A_UUID, "e@example.com"])
def test_artamail_takes_an_email_and_no_other_name(harness: Harness, name: str) -> None:
    made = harness.made(external_id=name)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        assert (
            harness.apis[Dialect.ARTAMAIL].send(method, f"/api/v1/contacts/{encoded(name)}", body).status
            == 404
        )
    assert harness.is_there(made)


@pytest.mark.parametrize("letter", ["\N{KELVIN SIGN}", "\N{FULLWIDTH LATIN SMALL LETTER K}", "ﬁ"])
def test_an_email_with_a_letter_that_folds_to_ascii_finds_nobody(harness: Harness, letter: str) -> None:
    for plain, odd in (
        ("quack@example.com", f"quac{letter}@example.com"),
        ("ada@quack.example", f"ada@quac{letter}.example"),
    ):
        finds_nobody(harness, plain, odd)


def finds_nobody(harness: Harness, plain: str, odd: str) -> None:
    made = harness.made(email=plain)
    for dialect, beginning in ((Dialect.NATIVE, "/v1"), (Dialect.ARTAMAIL, "/api/v1")):
        api = harness.apis[dialect]
        for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            assert api.send(method, f"{beginning}/contacts/{encoded(odd)}", body).status == 404
        assert api.send("POST", f"{beginning}/contacts", {"email": odd}).status == 400
    for body in ({"email": odd, "external_id": plain}, {"email": odd, "is_unsubscribed": True}):
        assert harness.native.send("POST", "/v1/contacts?on_conflict=update", body).status == 400
    assert harness.apis[Dialect.SENDMATOR].send("POST", "/api/v1/contacts", {"email": odd}).status == 400
    assert harness.native.send("GET", f"/v1/contacts?email={encoded(odd)}").status == 400
    assert harness.native.send("PATCH", f"/v1/contacts/{made}", {"email": odd}).status == 400
    assert harness.native.send("GET", f"/v1/contacts/{made}").body["version"] == 1


# Every name is reachable


@pytest.mark.parametrize("name", ["a/tags", "a/preferences"])
def test_a_name_that_ends_like_a_path_of_sendmator_is_deleted_natively(harness: Harness, name: str) -> None:
    """Sendmator's clients mean what belongs to `a`: they delete such a contact by its id."""
    made, other = harness.made(external_id=name), harness.made(external_id="a")
    path = f"/v1/contacts/{encoded(name)}"
    theirs = harness.apis[Dialect.SENDMATOR]
    assert theirs.send("GET", path).body["id"] == made
    assert theirs.send("PUT", path, {"first_name": "x"}).body["id"] == made
    assert theirs.send("DELETE", path).status in (200, 400)
    assert harness.is_there(made)
    for vendor in (Dialect.SMASHSEND, Dialect.SMARTSENDER, Dialect.ARTAMAIL):
        assert harness.apis[vendor].send("DELETE", path).status in (400, 404, 405)
    assert harness.native.send("GET", path).body["id"] == made
    assert harness.native.send("DELETE", path).body["id"] == made
    assert not harness.is_there(made)
    assert harness.is_there(other)


@pytest.mark.parametrize(
    "name", ["crm-1", "a/b", "e@example.com", "events", "info", "external/x", "50% off", A_UUID]
)
def test_sendmators_path_by_external_id_reads_no_other_name(harness: Harness, name: str) -> None:
    made = harness.made(external_id=name)
    by_id, by_email = harness.made(external_id="other"), harness.made(email="f@example.com")
    api = harness.apis[Dialect.SENDMATOR]
    assert api.send("GET", f"/api/v1/contacts/external/{encoded(name)}").body["id"] == made
    assert api.send("HEAD", f"/api/v1/contacts/external/{encoded(name)}").status == 200
    for nobody in (by_id, "f@example.com", "nobody", "tags", "preferences", "unsubscribe", "x/preferences"):
        reply = api.send("GET", f"/api/v1/contacts/external/{encoded(nobody)}")
        assert (reply.status, reply.body["message"]) == (404, "Contact not found")
    assert harness.is_there(by_email)


@pytest.mark.parametrize("decodes", [True, False], ids=["decoded", "as sent"])
@pytest.mark.parametrize("name", NAMES)
def test_every_external_id_is_reached_by_its_path_in_sendmator(
    harness: Harness, name: str, *, decodes: bool
) -> None:
    made = harness.made(external_id=name)
    api, path = harness.apis[Dialect.SENDMATOR], f"/api/v1/contacts/{encoded(name)}"
    assert api.send("GET", path, decodes=decodes).body["id"] == made
    assert api.send("HEAD", path, decodes=decodes).status == 200
    assert api.send("PUT", path, {"first_name": "x"}, decodes=decodes).body["first_name"] == "x"
    assert api.send("DELETE", path, decodes=decodes).body["id"] == made
    assert api.send("GET", path, decodes=decodes).status == 404


@pytest.mark.parametrize("decodes", [True, False], ids=["decoded", "as sent"])
@pytest.mark.parametrize("name", NAMES)
def test_every_external_id_is_reached_natively(harness: Harness, name: str, *, decodes: bool) -> None:
    made, path = harness.made(external_id=name), f"/v1/contacts/{encoded(name)}"
    found = harness.native.send("GET", f"/v1/contacts?external_id={quote_plus(name)}").body["data"]
    assert [one["id"] for one in found] == [made]
    if not (decodes and name.endswith(READ_BELOW)):
        assert harness.native.send("GET", f"{path}?by=external_id", decodes=decodes).body["id"] == made
    changed = harness.native.send("PATCH", f"{path}?by=external_id", {"last_name": "y"}, decodes=decodes)
    assert (changed.status, changed.body["id"]) == (200, made)
    assert harness.native.send("DELETE", path, decodes=decodes).body["id"] == made


@given(
    st.text(min_size=1, max_size=30)
    | st.lists(st.sampled_from([*NAMES, "/"]), min_size=1, max_size=3).map("/".join)
)
@example("\n")
@example("external/a")
@example("external/external/a/tags")
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_external_id_leads_to_its_contact_alone(harness: Harness, name: str) -> None:
    reply = harness.native.send("POST", "/v1/contacts", {"external_id": name})
    if reply.status != 201:
        return
    path = f"/contacts/{encoded(name)}"
    # There `external/x` is the path of the contact with the external id x.
    below = "/contacts/external/" if name.startswith("external/") else "/contacts/"
    theirs = harness.apis[Dialect.SENDMATOR].send("GET", f"/api/v1{below}{encoded(name)}")
    assert theirs.body["id"] == reply.body["id"]
    assert (
        harness.native.send("DELETE", f"/v1{path}?by=external_id&permanent=true").body["id"]
        == reply.body["id"]
    )


@pytest.mark.parametrize(
    "email",
    [
        "a/b@x.example",
        "a/events@x.example",
        "/@x.example",
        "a%2fb@x.example",
        "a?b#c@x.example",
        "{ref}@x.example",
    ],
)
@pytest.mark.parametrize("decodes", [True, False], ids=["decoded", "as sent"])
def test_every_email_is_reached_by_its_path(harness: Harness, email: str, *, decodes: bool) -> None:
    api, path = harness.apis[Dialect.ARTAMAIL], f"/api/v1/contacts/{encoded(email)}"
    assert api.send("POST", "/api/v1/contacts", {"email": email}).status == 201
    assert api.send("GET", path, decodes=decodes).body["email"] == email
    assert api.send("PATCH", path, {"name": "x"}, decodes=decodes).body["name"] == "x"
    native = harness.native.send("GET", f"/v1/contacts/{encoded(email)}", decodes=decodes)
    assert native.body["email"] == email
    assert api.send("DELETE", path, decodes=decodes).status == 204
    assert api.send("GET", path, decodes=decodes).status == 404


def test_a_contact_named_like_a_path_does_not_hide_the_path(harness: Harness) -> None:
    """A contact that is called as a path natively takes nothing away from it."""
    ada = harness.made(external_id="a", first_name="Ada")
    for name in ("search", "a/events", "a/gates", "a/chat", "a/restore"):
        harness.made(external_id=name)
    assert "data" in harness.native.send("GET", "/v1/contacts/search?q=ada").body
    assert harness.native.send("GET", "/v1/contacts/search").wrong == {"q": "is required"}
    assert harness.native.send("GET", "/v1/contacts/search?by=email&q=x").wrong.keys() == {"q"}
    properties = harness.made(external_id="properties")
    assert harness.native.send("GET", "/v1/contacts/properties").body["id"] == properties
    assert "data" in harness.native.send("GET", "/v1/contacts/a/events").body
    assert "data" in harness.native.send("GET", "/v1/contacts/a/gates?by=external_id").body
    assert harness.native.send("GET", "/v1/contacts/a/chat").body["contact"]["id"] == ada
    assert "collection" in harness.apis[Dialect.SMARTSENDER].send("GET", "/v1/contacts/search?term=ada").body
    assert harness.apis[Dialect.SMARTSENDER].send("GET", f"/v1/contacts/{ada}/info").body["id"] == ada


@pytest.mark.parametrize(
    ("dialect", "method", "path", "status"),
    [
        (Dialect.NATIVE, "GET", "/v1/contacts/a/b", 404),
        (Dialect.NATIVE, "GET", "/v1/contacts/nobody/events", 404),
        (Dialect.NATIVE, "GET", "/v1/contacts/nobody/restore", 405),
        (Dialect.NATIVE, "PUT", "/v1/contacts/nobody/events", 405),
        (Dialect.NATIVE, "DELETE", "/v1/contacts/batch", 404),
        (Dialect.SMARTSENDER, "GET", "/v1/contacts/nobody/fire", 405),
        (Dialect.SMARTSENDER, "DELETE", "/v1/contacts/nobody/info", 405),
        (Dialect.SENDMATOR, "GET", "/api/v1/contacts/nobody/restore", 404),
        (Dialect.SENDMATOR, "GET", "/api/v1/contacts/search", 404),
        (Dialect.ARTAMAIL, "GET", "/api/v1/contacts/nobody/events", 404),
        (Dialect.SMASHSEND, "GET", "/v1/contacts/search?q=x", 404),
        (Dialect.SMASHSEND, "GET", "/v1/contacts/properties", 404),
        (Dialect.SMASHSEND_V2, "DELETE", "/v1/contacts/by-email/x@example.com", 404),
        (Dialect.SMASHSEND_V2, "GET", "/v1/contacts/by-email/x@example.com", 404),
        (Dialect.SMASHSEND_V2, "GET", "/v1/contacts/a/events", 404),
        (Dialect.NATIVE, "GET", "/v1/contacts/properties", 404),
        (Dialect.SENDMATOR, "GET", "/api/v1/contacts/search?q=x", 404),
        (Dialect.SENDMATOR, "GET", "/api/v1/contacts/?limit=10", 404),
        (Dialect.NATIVE, "GET", "/v1/contacts/?limit=10", 404),
        (Dialect.NATIVE, "GET", "/v1/nope?x=1", 404),
        (Dialect.NATIVE, "POST", "/v1/contacts/a/b", 404),
        (Dialect.ARTAMAIL, "POST", "/api/v1/contacts/nobody/restore", 404),
        (Dialect.SMARTSENDER, "POST", "/v1/contacts/nobody/restore", 404),
    ],
)
def test_an_unknown_name_is_refused_by_the_route_it_was_meant_for(
    harness: Harness, dialect: Dialect, method: str, path: str, status: int
) -> None:
    body = BODY if method in ("POST", "PUT") and dialect is not Dialect.NATIVE else {}
    reply = harness.apis[dialect].send(method, path, None if method in ("GET", "DELETE") else body)
    assert reply.status == status, reply


@pytest.mark.parametrize("path", ["/v1/contacts/", "/v1/contacts/a/", "/v1/tags/", "/api/v1/contacts/"])
def test_an_empty_segment_in_a_path_is_reported(harness: Harness, path: str) -> None:
    reply = harness.native.send("GET", path)
    assert (reply.status, reply.body["code"]) == (404, "route_not_found")
    assert "without the slash" in reply.body["detail"]


@pytest.mark.parametrize("parameters", [None, {}, {"proxy": ""}])
def test_a_gateway_that_finds_an_empty_name_is_answered_404(parameters: Any) -> None:
    """Whether an HTTP API does, for `/v1/contacts/`, is written nowhere."""
    event = {
        **handed_over("GET", "/v1/contacts/x").event,
        "rawPath": "/v1/contacts/",
        "pathParameters": parameters,
    }
    for dialect in Dialect:
        answer = App(MotoTable().client(), caller_of(ACCOUNT, dialect)).invoke("get_contact", event)
        assert answer["statusCode"] == 404, answer


# Who may


class Unreadable(App):
    """The functions, with a contact book in which every read fails."""

    def contact_book(self, caller: Caller) -> Any:
        return SimpleNamespace(get=lambda _ref: (_ for _ in ()).throw(LookupError))


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/contacts/search", "/api/v1/contacts/a%2Fevents", "/api/v1/contacts/a%2Fchat"),
        "/v1/contacts/properties",
    ],
)
@pytest.mark.parametrize(
    ("scope", "may"),
    [
        *((Scope.USER, True), (Scope.API_USER, False), (Scope.CONTACTS_READ, True)),
        (Scope.PROPERTIES_READ, False),
    ],
)
def test_reading_a_contact_requires_the_same_scope_in_every_function(
    path: str, scope: Scope, *, may: bool
) -> None:
    caller = caller_of(ACCOUNT, Dialect.SENDMATOR)
    caller = Caller(caller.account, replace(caller.key, scopes=(scope,)))
    handed = handed_over("GET", path)
    answer = Unreadable(MotoTable().client(), caller).invoke(handed.operation, handed.event)
    assert answer["statusCode"] == (500 if may else 403)
