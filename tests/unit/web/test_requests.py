"""What is read from an event of API Gateway, and what is refused."""

import json
from base64 import b64encode
from typing import Any

import pytest

from contacts.core.errors import BodyNotJson, BodyNotReadable, BodyTooLarge, InvalidInput, NotAuthenticated
from contacts.core.time import iso, parsed
from contacts.web.entrypoint import sent_key
from contacts.web.pagination import fingerprint, from_cursor, to_cursor
from contacts.web.request import Request
from contacts.web.routing import Moment, converted


def request(body: Any = None, *, query: str = "", method: str = "POST", **more: Any) -> Request:
    headers = more.pop("headers", {})
    event = {
        "routeKey": f"{method} /v1/contacts",
        "rawPath": "/v1/contacts",
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {"http": {"method": method}, "requestId": "r"},
        "body": body,
        "isBase64Encoded": False,
    }
    return Request.of(event | more)


@pytest.mark.parametrize(("body", "says"), [
    (None, "missing"),
    ("", "missing"),
    ("{", "is not JSON"),
    ('{"a": NaN}', "NaN is no JSON number"),
    ('{"a": Infinity}', "Infinity is no JSON number"),
    ('{"a": 1, "a": 2}', "given twice"),
    ('{"\\ud800": 1, "\\ud800": 2}', r"^\\ud800: is given twice"),
    (f'{{{",".join(f"{chr(34)}{n}{chr(34)}:1" for n in (*range(90_000), 7))}}}', "^7: is given twice"),
    ("[" * 200_000, "nested too deeply"),
])  # fmt: skip
def test_what_is_not_json_is_refused(body: str | None, says: str) -> None:
    with pytest.raises(BodyNotJson, match=says):
        request(body).json()


def test_a_body_in_another_encoding_is_refused() -> None:
    latin = b64encode('{"name": "Zoë"}'.encode("latin-1")).decode()
    with pytest.raises(BodyNotJson, match="UTF-8"):
        request(latin, isBase64Encoded=True).json()


JOSE = '{"name": "José"}'


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/json", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'),
        *("application/json; charset=utf8", "text/plain; Charset=us-ascii", "", ";", "text/html; q=1"),
        "application/json; boundary=charset",
    ],
)
def test_a_body_is_read_as_utf_8(content_type: str) -> None:
    headers = {"Content-Type": content_type, "Content-Encoding": "Identity"}
    assert request(JOSE, headers=headers).json() == {"name": "José"}
    packed = b64encode(JOSE.encode()).decode()
    assert request(packed, headers=headers, isBase64Encoded=True).json() == {"name": "José"}


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ({"Content-Type": "application/json; charset=ISO-8859-1"}, "Content-Type"),
        ({"Content-Type": 'application/json; charset="windows-1252"'}, "Content-Type"),
        ({"content-type": "application/json;q=1;CHARSET=utf-16le"}, "Content-Type"),
        ({"Content-Type": "text/plain; charset="}, "Content-Type"),
        ({"Content-Type": "application/json; charset=no-such; charset=utf-8"}, "Content-Type"),
        ({"Content-Encoding": "gzip"}, "Content-Encoding"),
        ({"Content-Encoding": "identity, br"}, "Content-Encoding"),
        ({"Content-Encoding": " DEFLATE "}, "Content-Encoding"),
        ({"Content-Encoding": "x" * 5000}, "Content-Encoding"),
    ],
)
@pytest.mark.parametrize("body", ["{}", JOSE, "\x1f\x8b", "Jos\N{REPLACEMENT CHARACTER}"])
@pytest.mark.parametrize("is_base64", [True, False])
def test_a_body_that_says_it_is_something_else_is_refused(
    body: str, headers: dict[str, str], names: str, *, is_base64: bool
) -> None:
    sent = b64encode(body.encode()).decode() if is_base64 else body
    with pytest.raises(BodyNotReadable) as refused:
        request(sent, headers=headers, isBase64Encoded=is_base64).json()
    assert refused.value.extras["field"] == names
    assert names in refused.value.detail
    assert len(refused.value.detail) < 200


def test_a_body_that_the_gateway_altered_is_noticed_by_its_length() -> None:
    """It hands JSON over as text: nothing else is left of them."""
    sent = JOSE.encode("latin-1")
    handed = sent.decode(errors="replace")
    with pytest.raises(BodyNotJson, match="not UTF-8"):
        request(handed, headers={"Content-Length": str(len(sent))}).json()
    # Where a client has sent that very character, or nobody knows the length, it is a character like others.
    for length in ({"Content-Length": str(len(handed.encode()))}, {}, {"Content-Length": "x"}):
        assert request(handed, headers=length).json() == {"name": "Jos\N{REPLACEMENT CHARACTER}"}


def test_headers_about_a_missing_body_are_ignored() -> None:
    """What lies unread beside a request says nothing of it."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=latin1"}
    with pytest.raises(BodyNotJson, match="missing"):
        request(headers=headers).json()


def test_a_body_may_have_one_megabyte_and_no_more() -> None:
    room = (1 << 20) - 2
    assert request(f'"{"x" * room}"').json() == "x" * room
    with pytest.raises(BodyTooLarge):
        request(f'"{"é" * (room // 2 + 1)}"').json()


def test_a_base64_body_is_decoded() -> None:
    assert request(b64encode(b'{"a": 1}').decode(), isBase64Encoded=True).json() == {"a": 1}


def test_repeated_and_comma_parameters_are_told_apart() -> None:
    assert request(query="tag=a,b&tag=c&empty=").query == {"tag": ["a,b", "c"], "empty": [""]}


def test_a_ref_is_decoded_once_more_than_by_the_gateway() -> None:
    assert request(pathParameters={"ref": "50%25 off"}).path_parameters["ref"] == "50% off"
    assert request(pathParameters={"proxy": "a/%252F"}).path_parameters == {"ref": "a/%2F"}


def test_the_alias_is_the_same_route() -> None:
    assert request(routeKey="GET /api/v1/contacts/{ref}").route == "GET /v1/contacts/{ref}"
    assert request(routeKey="HEAD /api/v1/contacts/{proxy+}").route == "GET /v1/contacts/{ref}"
    assert request(routeKey="$default").route == "$default"


@pytest.mark.parametrize(("header", "versions"), [
    ('"3-pending"', (3,)), ('"3"', (3,)), ('W/"3-valid"', (3,)), ("3", (3,)), ('"3", "5-x"', (3, 5)), ("*", ()),
])  # fmt: skip
def test_if_match_names_versions(header: str, versions: tuple[int, ...]) -> None:
    assert request(headers={"If-Match": header}).preconditions().versions == versions


@pytest.mark.parametrize("header", ["", "abc", '"-1"', '"١"', '"' + "9" * 40 + '"'])
def test_an_invalid_etag_is_refused(header: str) -> None:
    with pytest.raises(InvalidInput, match="If-Match"):
        request(headers={"if-match": header}).preconditions()


@pytest.mark.parametrize("key", ["", "x" * 256, "smile ☺", "tab\there"])
def test_idempotency_keys_are_short_printable_ascii(key: str) -> None:
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        request("{}", headers={"idempotency-key": key}).idempotency_key()


def test_an_idempotency_record_stands_for_method_path_query_and_body() -> None:
    headers = {"idempotency-key": "k"}
    idempotency_keys = [
        request("{}", headers=headers).idempotency_key(),
        request("{ }", headers=headers).idempotency_key(),
        request("{}", headers=headers, query="a=1").idempotency_key(),
        request("{}", headers=headers, method="PUT").idempotency_key(),
        request("{}", headers=headers, rawPath="/v1/other").idempotency_key(),
    ]
    assert len(
        {idempotency_key.request_hash for idempotency_key in idempotency_keys if idempotency_key}
    ) == len(idempotency_keys)
    assert request("{}", headers=headers).idempotency_key() == idempotency_keys[0]
    assert request(headers=headers, method="GET").idempotency_key() is None


@pytest.mark.parametrize(("headers", "key"), [
    ({"x-api-key": "k"}, "k"),
    ({"Authorization": "Bearer k"}, "k"),
    ({"authorization": "bearer  k "}, "k"),
    ({"x-api-key": "k", "authorization": "Bearer k"}, "k"),
    ({}, None),
])  # fmt: skip
def test_a_key_comes_in_either_header(headers: dict[str, str], key: str | None) -> None:
    assert sent_key(request(headers=headers)) == key


@pytest.mark.parametrize(("headers", "query"), [
    ({"authorization": "sk_live_x"}, ""),
    ({"authorization": "Basic eDp5"}, ""),
    ({"authorization": "Bearer "}, ""),
    ({"x-api-key": "a", "authorization": "Bearer b"}, ""),
    ({}, "api_key=sk_live_x"),
])  # fmt: skip
def test_a_key_in_the_wrong_header_is_refused_with_a_hint(headers: dict[str, str], query: str) -> None:
    with pytest.raises(NotAuthenticated, match=r"header|two different keys"):
        sent_key(request(headers=headers, query=query))


@pytest.mark.parametrize(("text", "at_ms"), [
    ("1970-01-01T00:00:00Z", 0),
    ("2026-01-15T10:30:00.000Z", 1_768_473_000_000),
    ("2026-01-15T12:30:00+02:00", 1_768_473_000_000),
    ("2026-01-15T12:30:00 02:00", 1_768_473_000_000),
    ("2026-01-15T10:30:00.0001Z", 1_768_473_000_001),
])  # fmt: skip
def test_timestamps_are_read_to_the_millisecond(text: str, at_ms: int) -> None:
    assert converted([text], Moment) == at_ms


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-01-15", "2026-01-15T10:30:00", "1969-12-31T23:59:59Z", "1"]
)
def test_a_timestamp_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|zone|1970"):
        parsed(text)


@pytest.mark.parametrize("at_ms", [0, 999, 1_768_473_000_123, 253_402_300_799_999])
def test_a_written_timestamp_reads_back(at_ms: int) -> None:
    assert parsed(iso(at_ms)) == at_ms


def test_a_cursor_is_valid_for_its_own_query_only() -> None:
    contact_id = "01941f29-7c00-7aaa-8000-000000000001"
    query, other = fingerprint("a", 1), fingerprint("a", 2)
    cursor = to_cursor(query, contact_id)
    assert from_cursor(query, cursor) == contact_id
    for made_up in (cursor[:-1], cursor + "=", "x" * 32, "", json.dumps({"id": 1}), "é" * 32):
        with pytest.raises(InvalidInput, match="cursor"):
            from_cursor(query, made_up)
    with pytest.raises(InvalidInput, match="cursor"):
        from_cursor(other, cursor)


def test_the_alias_is_the_same_request_for_an_idempotency_key() -> None:
    headers = {"idempotency-key": "k"}
    alias = request("{}", headers=headers, rawPath="/api/v1/contacts").idempotency_key()
    assert alias == request("{}", headers=headers).idempotency_key()


def test_if_match_names_a_bounded_number_of_etags() -> None:
    with pytest.raises(InvalidInput, match="If-Match"):
        request(headers={"if-match": ", ".join(f'"{version}"' for version in range(21))}).preconditions()
