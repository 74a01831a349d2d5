"""No parameter of a query is ignored: it is honoured, or refused by its name, natively and in every dialect."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.accounts.model import Dialect, Scope
from contacts.core.time import iso
from contacts.dialects import wire
from contacts.web.entrypoint import Entrypoint
from contacts.web.routing import Moment, Operation, by_name, converted
from local.openapi import operations
from local.template import functions
from tests.support.app import OpenGate
from tests.support.dialects import contact_id
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import InProcessApi, caller_of
from tests.support.moto_table import MotoTable

ACCOUNT = "01941f29-0000-7000-8000-00000000000a"
A_UUID = "01941f29-7c00-7aaa-8000-000000000001"
INVENTED = ["no_such", "tag[x]", "page[size]", "_", "ids[0]", "\N{GREEK SMALL LETTER ALPHA}", "limit[]", ""]
READING_ONE = {
    *("GET /v1/contacts/{ref}", "GET /v1/contacts/{ref}/info", "GET /v1/contacts/{ref}/chat"),
    "GET /v1/channels/{id}",
    "GET /v1/me",
}
"""Where a parameter too many changes nothing, vendors ignore it."""
BODY = {
    "email": "a@example.com",
    "name": "x",
    "values": {},
    "identifier": "i",
    "firstName": "x",
    "state": True,
}


def dialect_of(name: Dialect) -> wire.Dialect:
    found: wire.Dialect = import_module(f"contacts.dialects.{name}").DIALECT
    return found


def every_route() -> Iterator[Any]:
    for served in operations.served():
        if served.operation.needs_key:
            yield pytest.param(Dialect.NATIVE, f"{served.method} {served.path}", served.operation)
    for vendor in Dialect:
        if vendor is not Dialect.NATIVE:
            for route, translation in dialect_of(vendor).routes.items():
                if translation.ignores_others:
                    assert route in READING_ONE, f"{vendor}: {route} must refuse what it does not take"
                    continue
                yield pytest.param(vendor, route, Operation("never", Scope.CONTACTS_READ))


def answered(vendor: Dialect, route: str, operation: Operation, query: str) -> dict[str, Any]:
    method, _, path = route.partition(" ")
    name = contact_id(vendor, A_UUID)
    event = {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"x-api-key": "any"},
        "pathParameters": dict.fromkeys(re.findall(r"\{(\w+)\}", path), name),
        "requestContext": {"http": {"method": method, "path": path}, "requestId": "r-1"},
        "body": json.dumps(BODY) if method != "GET" else None,
        "isBase64Encoded": False,
    }
    caller = caller_of(ACCOUNT, vendor, tuple(Scope))
    entry = Entrypoint(operation, OpenGate(caller), records, lambda _: None)
    return entry(event, SimpleNamespace(aws_request_id="l", get_remaining_time_in_millis=lambda: 20_000))


def records(_: Any) -> Any:
    return SimpleNamespace(recorded=lambda _key: None)


@pytest.mark.parametrize("name", INVENTED)
@pytest.mark.parametrize(("vendor", "route", "operation"), list(every_route()))
def test_an_unknown_parameter_is_refused_by_name(
    vendor: Dialect, route: str, operation: Operation, name: str
) -> None:
    answer = answered(vendor, route, operation, f"{name}=1")
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 400, answer
    match vendor:
        case Dialect.NATIVE:
            assert name in {error["field"] for error in body["errors"]}
        case Dialect.ARTAMAIL:
            assert body["code"] == "VALIDATION_ERROR"
            assert body["details"]["field"] == name
        case Dialect.SMARTSENDER:
            assert body["error"]["code"] == 400
            assert body["error"]["message"].startswith(f"{name} is no parameter")
        case Dialect.SENDMATOR | Dialect.SMASHSEND | Dialect.SMASHSEND_V2:
            assert body["message"].startswith(f"{name} is no parameter")


@pytest.mark.parametrize("vendor", [vendor for vendor in Dialect if vendor is not Dialect.NATIVE])
def test_a_repeated_single_parameter_is_refused(vendor: Dialect) -> None:
    """Whichever of the two counted, the other one would be ignored."""
    for route, translation in dialect_of(vendor).routes.items():
        for name in translation.once:
            answer = answered(vendor, route, Operation("never", Scope.CONTACTS_READ), f"{name}=1&{name}=2")
            assert answer["statusCode"] == 400
            assert f"{name} is given more than once" in answer["body"]


def test_every_list_route_is_tested_here() -> None:
    lists = {
        f"{method} {path}"
        for one in functions()
        for method, path in one.routes
        if one.name.startswith("list_")
    }
    known = {param.values[1] for param in every_route()}
    assert {route.replace(" /api/", " /", 1) for route in lists if route.startswith("GET")} <= known


@given(st.lists(st.sampled_from(["tag", "tag[]", "tag[0]", "tag[17]"]), max_size=8))
def test_brackets_of_what_may_be_repeated_are_dropped(names: list[str]) -> None:
    query: dict[str, list[str]] = {}
    for number, name in enumerate(names):
        query.setdefault(name, []).append(str(number))
    folded = by_name(query, {"tag"})
    assert sorted(folded.get("tag", [])) == sorted(str(number) for number in range(len(names)))
    assert set(folded) <= {"tag"}


@pytest.mark.parametrize(
    "name", ["tag[a]", "tag[-1]", "tag[ 0]", "tag[0", "tag0]", "[tag]", "tag[0][1]", "tag[٣]", "Tag[]"]
)
def test_other_brackets_stay_as_they_were_sent(name: str) -> None:
    assert by_name({name: ["x"]}, {"tag"}) == {name: ["x"]}


# What is honoured


class Harness:
    """An account with five contacts; their names are the minutes of their making."""

    def __init__(self) -> None:
        client, self.clock, randomness = MotoTable().client(), FakeClock(), CountingBytes()
        self.apis = {
            dialect: InProcessApi(client, ACCOUNT, self.clock, randomness, dialect) for dialect in Dialect
        }
        self.ids = []
        for number in range(5):
            fields = {
                "email": f"n{number}@example.com",
                "external_id": f"n{number}",
                "tags": ["odd", "x"] if number % 2 else ["even", "x"],
                "is_unsubscribed": number in (1, 2),
            }
            self.ids.append(self.get(Dialect.NATIVE, "/v1/contacts", fields)["id"])
            self.clock.at_ms += 60_000

    def get(self, dialect: Dialect, target: str, body: Any = None) -> Any:
        reply = self.apis[dialect].send("GET" if body is None else "POST", target, body)
        assert reply.status < 300, reply
        return reply.body

    def wrong(self, dialect: Dialect, target: str) -> str:
        reply = self.apis[dialect].send("GET", target)
        assert reply.status == 400, reply
        return json.dumps(reply.body)


@pytest.fixture(scope="module")
def harness() -> Harness:
    return Harness()


def numbers(harness: Harness, shown: list[Any]) -> list[int]:
    return [int(one["email"][1]) for one in shown]


@pytest.mark.parametrize("query", ["is_active=true&limit=100", "limit=100&created_after=1970-01-01"])
def test_everybody_is_there(harness: Harness, query: str) -> None:
    assert len(harness.get(Dialect.NATIVE, f"/v1/contacts?{query}")["data"]) == 5


def test_sendmators_pages_follow_each_other(harness: Harness) -> None:
    seen = [
        number
        for page in (1, 2, 3)
        for number in numbers(
            harness, harness.get(Dialect.SENDMATOR, f"/api/v1/contacts?limit=2&page={page}")["data"]
        )
    ]
    assert seen == [4, 3, 2, 1, 0]
    assert harness.get(Dialect.SENDMATOR, "/api/v1/contacts?limit=2&page=4")["data"] == []
    assert harness.get(Dialect.SENDMATOR, "/api/v1/contacts?page=7")["data"] == []
    filtered = harness.get(Dialect.SENDMATOR, "/api/v1/contacts?limit=1&page=2&is_unsubscribed=true")["data"]
    assert numbers(harness, filtered) == [1]


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page=-1", "page=1&starting_after=x", "page=99999999999", "page="]
)
def test_an_invalid_page_is_named(harness: Harness, query: str) -> None:
    assert "page" in harness.wrong(Dialect.SENDMATOR, f"/api/v1/contacts?{query}")


@pytest.mark.parametrize(
    ("query", "found"),
    [("UNSUBSCRIBED", [1, 2]), ("SUBSCRIBED", [0, 3, 4])],
)
def test_smashsends_status_narrows_the_list(harness: Harness, query: str, found: list[int]) -> None:
    body = harness.get(Dialect.SMASHSEND, f"/v1/contacts?status={query}")
    assert numbers(harness, body["contacts"]) == found
    assert body["pagination"]["total"] == len(found)


@pytest.mark.parametrize("status", ["BOUNCED", "unsubscribed", "", "UNSUBSCRIBED,SUBSCRIBED", "x" * 300])
def test_a_status_without_a_filter_is_named(harness: Harness, status: str) -> None:
    assert "status must be one of" in harness.wrong(Dialect.SMASHSEND, f"/v1/contacts?status={status}")


@pytest.mark.parametrize("beginning", ["/v1/contacts", "/v1/contacts/search"])
@pytest.mark.parametrize("term", ["", "%20", "%09+"])
def test_a_term_without_words_is_named(harness: Harness, beginning: str, term: str) -> None:
    assert "term" in harness.wrong(Dialect.SMARTSENDER, f"{beginning}?term={term}")


def test_smartsenders_term_is_a_native_search() -> None:
    call = wire.VendorRequest(route="GET /v1/contacts", query={"term": ["501234567"], "page": ["3"]})
    native = dialect_of(Dialect.SMARTSENDER).routes[call.route].to_native(call)
    assert native.query["search"] == ["501234567"]
    assert native.query["offset"] == ["40"]


def test_a_parameter_in_brackets_searches_the_same(harness: Harness) -> None:
    """Tags follow the stream, which stands still here; so what is asked for is looked at."""
    for dialect, beginning in ((Dialect.NATIVE, "/v1"), (Dialect.SENDMATOR, "/api/v1")):
        for name in ("tag[]", "tag%5B%5D", "tag[0]"):
            reply = harness.get(dialect, f"{beginning}/contacts?{name}=odd&{name}=x&is_unsubscribed=true")
            assert reply["data"] == []
        assert "tag[x]" in harness.wrong(dialect, f"{beginning}/contacts?tag[x]=odd")
    assert "email[]" in harness.wrong(Dialect.NATIVE, "/v1/contacts?email[]=n1@example.com")
    assert "must be a slug" in harness.wrong(Dialect.NATIVE, "/v1/contacts?list[]=NO")


# Days


@pytest.mark.parametrize(("text", "moment"), [
    ("2026-01-15", "2026-01-15T00:00:00.000Z"), ("1970-01-01", "1970-01-01T00:00:00.000Z"),
    ("9999-12-31", "9999-12-31T00:00:00.000Z"), ("2024-02-29", "2024-02-29T00:00:00.000Z"),
])  # fmt: skip
def test_a_date_means_its_beginning_in_utc(text: str, moment: str) -> None:
    assert iso(converted([text], Moment)) == moment  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2026-1-5",
        "20260115",
        "2026-W03",
        "2026-01",
        "1969-12-31",
        "2026-01-15T10:00",
        "٢٠٢٦-01-15",
    ],
)
def test_an_invalid_date_or_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        converted([text], Moment)


def test_every_list_can_be_filtered_by_dates(harness: Harness) -> None:
    today = iso(harness.clock.at_ms)[:10]
    tomorrow = iso(harness.clock.at_ms + 86_400_000)[:10]
    for dialect, beginning in ((Dialect.NATIVE, "/v1"), (Dialect.SENDMATOR, "/api/v1")):
        for name in ("created", "updated"):
            within = f"{name}_after={today}&{name}_before={tomorrow}"
            assert len(harness.get(dialect, f"{beginning}/contacts?{within}")["data"]) == 5
            assert harness.get(dialect, f"{beginning}/contacts?{name}_after={tomorrow}")["data"] == []
