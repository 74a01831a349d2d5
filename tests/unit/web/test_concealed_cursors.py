"""Cursors of lists that are sorted by what contacts are: nobody reads it in them, and they lead on all the same."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.accounts.concealment import TAG_BYTES, concealed, revealed
from contacts.accounts.model import AccountSecret, Dialect
from contacts.book.model import ValidationStatus
from contacts.core.errors import InvalidInput
from contacts.search.pages import Filters, Sort, _criteria, _CursorScope, _from_cursor, _to_cursor
from contacts.search.query import ContactQuery, Continuation, SortPosition, TimeRange
from contacts.web.pagination import fingerprint, to_cursor
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.finding_harness import FindingHarness
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE, InProcessApi
from tests.support.moto_table import MotoTable

ACCOUNT, OTHER = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61", "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d62"
A_CONTACT = "01941f29-7c00-7aaa-8000-000000000001"
ONE_SECRET, ANOTHER_SECRET = AccountSecret(b"1" * 32), AccountSecret(b"2" * 32)
SORTED_BY_A_NAME = [Sort.EMAIL, Sort.EMAIL_DESCENDING, Sort.EXTERNAL_ID, Sort.EXTERNAL_ID_DESCENDING]


@pytest.fixture
def api() -> InProcessApi:
    """Six contacts with emails and external ids, in two lists and with a tag."""
    harness = FindingHarness()
    for number in range(6):
        harness.create(
            email=f"person-{number}@example.com",
            external_id=f"person-{number}-crm",
            first_name="person-ada",
            tags=["vip"],
            lists=["news"],
        )
        harness.clock.at_ms += 1
    harness.project()
    return harness.api


def readings(cursor: str) -> list[bytes]:
    """What somebody might make of a cursor."""
    found = [cursor.encode(), urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))]
    for start in range(len(found[1])):
        with suppress(zlib.error):
            found.append(zlib.decompress(found[1][start:]))
        with suppress(zlib.error):
            found.append(zlib.decompress(found[1][start:], -15))
    with suppress(ValueError):
        found.append(bytes.fromhex(cursor))
    return found


def walked(api: InProcessApi, path: str = "/v1/contacts", **query: str) -> tuple[list[str], list[str]]:
    """The emails of a list, a contact a page, and the cursors on the way."""
    emails, cursors, more = [], [], {}
    while True:
        page: Any = api.request("GET", path, query={"limit": "1", **query, **more})
        assert page.status == 200, page.body
        emails += [contact["email"] for contact in page.body["data"]]
        if not page.body["has_more"]:
            return emails, cursors
        cursors.append(page.body["next_cursor"])
        more = {"cursor": cursors[-1]}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("filters", [{}, {"tag": "vip"}, {"list": "news"}, {"search": "person-ada"}])
def test_no_cursor_of_a_list_reveals_a_person(sort: Sort, filters: dict[str, str], api: InProcessApi) -> None:
    emails, cursors = walked(api, sort=str(sort), **filters)
    assert len(emails) == len(set(emails)) == 6
    assert len(cursors) == 5
    for cursor in cursors:
        assert not any(b"person" in reading or b"example" in reading for reading in readings(cursor))
        assert len(cursor) <= 2048


def test_no_cursor_of_a_search_reveals_a_person(api: InProcessApi) -> None:
    emails, cursors = walked(api, "/v1/contacts/search", q="person")
    assert (len(emails), len(cursors)) == (6, 5)
    assert not any(b"person" in reading for cursor in cursors for reading in readings(cursor))


@pytest.mark.parametrize("sort", SORTED_BY_A_NAME)
def test_a_cursor_is_valid_when_its_contact_is_gone_or_renamed(sort: Sort, api: InProcessApi) -> None:
    emails, cursors = walked(api, sort=str(sort))
    assert api.request("DELETE", ONE, emails[1], query={"permanent": "true"}).status == 200
    assert api.request("PATCH", ONE, emails[2], body={"email": "zzz@example.com"}).status == 200
    for number, cursor in enumerate(cursors[1:3], start=1):
        page: Any = api.request("GET", query={"limit": "1", "sort": str(sort), "cursor": cursor}).body
        assert page["data"], number
        assert page["data"][0]["email"] != emails[1]


@pytest.mark.parametrize("sort", SORTED_BY_A_NAME)
def test_a_readable_cursor_of_an_earlier_release_is_accepted(sort: Sort, api: InProcessApi) -> None:
    emails, cursors = walked(api, sort=str(sort))
    query = fingerprint(ACCOUNT, str(sort), _criteria(Filters().query(None)))
    for number, cursor in enumerate(cursors):
        continuation = _from_cursor(_CursorScope(query, AccountSecret(b"s" * 32)), cursor, "cursor")
        assert continuation.after is not None
        assert continuation.after.value is not None
        head = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[24:29]
        flags = head[:2] + b"\x01" + head[3:]
        old = to_cursor(query, continuation.after.contact_id, flags + continuation.after.value.encode())
        page: Any = api.request("GET", query={"limit": "1", "sort": str(sort), "cursor": old}).body
        assert page["data"][0]["email"] == emails[number + 1]


@pytest.mark.parametrize(
    ("query", "recorded"),
    [
        (ContactQuery(), "78d71ffc828933d0"),
        (
            ContactQuery(
                tags=("vip",),
                lists=("news",),
                is_active=True,
                validation_status=ValidationStatus.VALID,
                created=TimeRange(1_000),
                updated=TimeRange(0, 2_000),
                email="ada@example.com",
                words=("ada",),
            ),
            "0eeca48b2dcb3c71",
        ),
    ],
    ids=["no filter", "most filters"],
)
def test_the_fingerprint_of_a_query_never_changes(query: ContactQuery, recorded: str) -> None:
    """Clients hold cursors of earlier releases; the names of the classes in a query are part of its fingerprint."""
    assert fingerprint("account", "-created_at", _criteria(query)).hex() == recorded


def test_a_page_that_is_asked_for_twice_has_the_same_cursor(api: InProcessApi) -> None:
    assert walked(api, sort="email") == walked(api, sort="email")


def test_another_accounts_cursor_is_refused(api: InProcessApi) -> None:
    _, cursors = walked(api, sort="email")
    other = InProcessApi(MotoTable().client(), OTHER, FakeClock(), CountingBytes())
    for cursor in cursors:
        refused = other.request("GET", query={"sort": "email", "cursor": cursor})
        assert refused.wrong == {"cursor": "belongs to a list with other parameters"}


def test_a_sendmator_client_reads_pages_with_concealed_cursors() -> None:
    client = MotoTable().client()
    native = InProcessApi(client, ACCOUNT, FakeClock(), CountingBytes())
    theirs = InProcessApi(client, ACCOUNT, FakeClock(), CountingBytes(100), Dialect.SENDMATOR)
    for number in range(3):
        assert native.request("POST", body={"email": f"person-{number}@example.com"}).status == 201
    first: Any = theirs.request("GET", query={"limit": "2"}).body
    second: Any = theirs.request("GET", query={"limit": "2", "starting_after": first["next_cursor"]}).body
    assert len(first["data"] + second["data"]) == 3
    assert "person" not in json.dumps(first["next_cursor"])


texts = some.text(max_size=255)
continuations = some.builds(
    Continuation,
    some.integers(0, 255),
    some.builds(SortPosition, texts | some.none(), some.just(A_CONTACT)) | some.none(),
    some.sampled_from([None, False, True]),
    some.sampled_from([None, False, True]),
    some.integers(0, 65_535),
)


@given(continuations)
def test_a_cursor_returns_the_continuation_it_was_made_of(continuation: Continuation) -> None:
    scope = _CursorScope(b"12345678", ONE_SECRET)
    cursor = _to_cursor(scope, continuation)
    assert _from_cursor(scope, cursor, "cursor") == continuation
    assert len(cursor) <= 2048


@settings(max_examples=examples(200))
@given(value=some.text(min_size=1, max_size=60), place=some.integers(0, 10_000), bit=some.integers(0, 7))
def test_a_cursor_with_a_changed_value_is_refused(value: str, place: int, bit: int) -> None:
    scope = _CursorScope(b"12345678", ONE_SECRET)
    cursor = _to_cursor(scope, Continuation(after=SortPosition(value, A_CONTACT)))
    content = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    begins = 8 + 16 + 5
    content[begins + place % (len(content) - begins)] ^= 1 << bit
    changed = urlsafe_b64encode(bytes(content)).decode().rstrip("=")
    with pytest.raises(InvalidInput, match="is not a next_cursor"):
        _from_cursor(scope, changed, "cursor")


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\0\0",
        b"\0\0\2\0\0",
        b"\0\0\2\0\0" + b"x" * 15,
        b"\0\0\2\0\0" + b"x" * 40,
        b"\0\0\3\0\0abc",
        b"\0\0\1\0\0\xff",
    ],
)
def test_a_cursor_that_was_never_made_is_refused(rest: bytes) -> None:
    scope = _CursorScope(b"12345678", ONE_SECRET)
    with pytest.raises(InvalidInput):
        _from_cursor(scope, to_cursor(scope.fingerprint, str(UUID(A_CONTACT)), rest), "cursor")


@given(text=some.binary(max_size=300), other=some.binary(max_size=300), context=some.binary(max_size=20))
def test_a_concealed_value_is_revealed_only_to_its_account_in_its_context(
    text: bytes, other: bytes, context: bytes
) -> None:
    hidden = concealed(ONE_SECRET, context, text)
    assert len(hidden) == len(text) + TAG_BYTES
    assert revealed(ONE_SECRET, context, hidden) == text
    assert (concealed(ONE_SECRET, context, other) == hidden) is (text == other)
    for secret, where in ((ANOTHER_SECRET, context), (ONE_SECRET, context + b"x")):
        with pytest.raises(ValueError, match="concealed"):
            revealed(secret, where, hidden)
    assert len(text) < 4 or text not in hidden
