"""A long answer is sent compressed to a client that accepts gzip."""

import gzip
import json
from base64 import b64decode
from typing import Any

import pytest

from contacts.web.response import COMPRESSED_FROM, takes_gzip
from tests.support.app import App, caller_of
from tests.support.moto_table import MotoTable


@pytest.fixture(scope="module")
def app() -> App:
    """One account with a page of contacts."""
    app = App(MotoTable().client(), caller_of())
    for number in range(20):
        app.send("POST", "/v1/contacts", {"email": f"{number}@example.com", "first_name": "Łukasz"})
    return app


def answer(app: App, method: str, target: str, accept_encoding: str | None) -> dict[str, Any]:
    """What Lambda hands to API Gateway."""
    route, _, query = target.partition("?")
    function = {"/v1/contacts": "list_contacts", "/v1/contacts/{ref}": "get_contact"}[route]
    return app.invoke(
        function,
        {
            "version": "2.0",
            "routeKey": f"{method} {route}",
            "rawPath": route.replace("{ref}", "0@example.com"),
            "rawQueryString": query,
            "headers": {"x-api-key": "any"}
            | ({"accept-encoding": accept_encoding} if accept_encoding else {}),
            "pathParameters": {"ref": "0@example.com"},
            "requestContext": {"http": {"method": method, "path": route}, "requestId": "r-1"},
            "isBase64Encoded": False,
        },
    )


def test_a_page_is_a_tenth_as_long_and_says_the_same(app: App) -> None:
    plain = answer(app, "GET", "/v1/contacts", None)
    short = answer(app, "GET", "/v1/contacts", "br, gzip")
    assert short["isBase64Encoded"] is True
    assert gzip.decompress(b64decode(short["body"])).decode() == plain["body"]
    assert len(b64decode(short["body"])) < len(plain["body"]) / 5
    assert (short["headers"]["Content-Encoding"], short["headers"]["Vary"]) == ("gzip", "Accept-Encoding")
    assert "isBase64Encoded" not in plain
    assert "Content-Encoding" not in plain["headers"]


@pytest.mark.parametrize(
    ("method", "target", "accept_encoding"),
    [
        ("GET", "/v1/contacts", "identity"),
        ("GET", "/v1/contacts", "gzip;q=0"),
        ("GET", "/v1/contacts?limit=1", "gzip"),
        ("HEAD", "/v1/contacts", "gzip"),
        ("GET", "/v1/contacts/{ref}", "gzip"),
    ],
    ids=["not asked for", "refused", "short", "no body", "with an ETag"],
)
def test_others_are_sent_as_they_are(app: App, method: str, target: str, accept_encoding: str) -> None:
    sent = answer(app, method, target, accept_encoding)
    assert sent["statusCode"] == 200
    assert "Content-Encoding" not in sent["headers"]
    assert not sent.get("isBase64Encoded")
    if method == "GET":
        assert json.loads(sent["body"])


def test_a_long_answer_with_an_etag_is_sent_as_it_is(app: App) -> None:
    """A strong ETag stands for one encoding, and clients send it back in `If-Match`."""
    app.send("PATCH", "/v1/contacts/0@example.com", {"metadata": {"text": "x" * COMPRESSED_FROM}})
    sent = answer(app, "GET", "/v1/contacts/{ref}", "gzip")
    assert sent["headers"]["ETag"]
    assert json.loads(sent["body"])["metadata"]


@pytest.mark.parametrize(
    ("header", "is_taken"),
    [
        *(("gzip", True), ("deflate, GZIP;q=0.5", True), ("br;q=1.0, *", True), ("*;q=0.1", True)),
        *(("", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.0, *", False), ("*;q=0", False)),
        *(("x-gzip", False), ("br, deflate", False)),
    ],
)
def test_gzip_is_sent_to_clients_that_accept_it(header: str, is_taken: bool) -> None:
    assert takes_gzip(header) is is_taken
