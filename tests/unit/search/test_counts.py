"""GET /v1/tags, GET /v1/lists and the counts of an account: as the projection counted."""

from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Mode
from contacts.core.errors import InvalidInput
from contacts.search.counts import MAX_CANDIDATES, _from_cursor, _to_cursor, page_of_counts
from contacts.search.index import CountStore
from contacts.search.query import PostingKind, PostingList
from contacts.table import keys
from contacts.table.client import Table
from contacts.web.pagination import fingerprint
from local.table import NAME
from tests.support.batch_harness import ACCOUNT_ID, BatchHarness
from tests.support.hypothesis_profiles import examples

OTHER = "01941f29-0000-7000-8000-00000000000b"
TAG, LIST = PostingKind.TAG, PostingKind.LIST


def count(harness: BatchHarness, kind: PostingKind, account_id: str = ACCOUNT_ID, **counts: int) -> None:
    """Have the projection counted so many."""
    Table(harness.table.client(), NAME).write_many(
        {
            keys.count(account_id, PostingList(kind, name)): {"n": n, "changes": n}
            for name, n in counts.items()
        }
    )


@pytest.fixture
def harness() -> BatchHarness:
    """Two accounts, one of them with tags and lists of its own."""
    opened = BatchHarness()
    count(opened, TAG, **{"vip": 12, "beta": 1, "Zürich": 2, "展示会": 3, "former": 0, "a#b": 4})
    count(opened, LIST, newsletter=3, old=0)
    count(opened, PostingKind.ALL, **{"": 21})
    count(opened, TAG, OTHER, theirs=7)
    Table(opened.table.client(), NAME).write_many({keys.first_character(ACCOUNT_ID, "v"): {}})
    return opened


def walked(harness: BatchHarness, route: str, limit: int) -> list[list[Any]]:
    """The pages of a walk through a list."""
    pages, cursor = [], {}
    while True:
        reply = harness.api.request("GET", route, query={"limit": str(limit), **cursor})
        assert reply.status == 200, reply.body
        assert list(reply.body) == ["data", "has_more", "next_cursor"]
        assert reply.body["has_more"] == (reply.body["next_cursor"] is not None)
        pages.append(reply.body["data"])
        if not reply.body["has_more"]:
            return pages
        cursor = {"cursor": reply.body["next_cursor"]}


IN_ORDER = [("Zürich", 2), ("a#b", 4), ("beta", 1), ("vip", 12), ("展示会", 3)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 100])
def test_tags_are_listed_by_name_with_their_counts(limit: int, harness: BatchHarness) -> None:
    pages = walked(harness, "/v1/tags", limit)
    assert [one for page in pages for one in page] == [{"tag": tag, "count": n} for tag, n in IN_ORDER]
    assert len(pages) == -(-len(IN_ORDER) // limit)


def test_lists_are_listed_by_name_with_their_counts(harness: BatchHarness) -> None:
    assert walked(harness, "/v1/lists", 50) == [[{"list": "newsletter", "count": 3}]]


def test_an_account_tells_how_many_contacts_it_has(harness: BatchHarness) -> None:
    assert harness.api.request("GET", "/v1/account").body["counts"] == {"contacts": 21}
    fresh = BatchHarness(table=harness.table, account_id=OTHER)
    assert fresh.api.request("GET", "/v1/account").body["counts"] == {"contacts": 0}
    assert walked(fresh, "/v1/tags", 10) == [[{"tag": "theirs", "count": 7}]]
    assert walked(fresh, "/v1/lists", 10) == [[]]


def test_a_test_key_counts_nothing(harness: BatchHarness) -> None:
    test = BatchHarness(table=harness.table, mode=Mode.TEST)
    assert walked(test, "/v1/tags", 10) == walked(test, "/v1/lists", 10) == [[]]
    assert test.api.request("GET", "/v1/account").body["counts"] == {"contacts": 0}


def test_a_cursor_is_valid_after_its_tag_is_gone(harness: BatchHarness) -> None:
    first = harness.api.request("GET", "/v1/tags", query={"limit": "3"}).body
    for item in harness.table.items():
        if item["SK"]["S"].endswith("beta"):
            harness.table.remove(item)
    count(harness, TAG, **{"a new one": 1, "later": 1})
    rest = harness.api.request("GET", "/v1/tags", query={"cursor": first["next_cursor"]}).body
    assert [one["tag"] for one in rest["data"]] == ["later", "vip", "展示会"]


def a_cursor(harness: BatchHarness, route: str) -> str:
    cursor: str = harness.api.request("GET", route, query={"limit": "1"}).body["next_cursor"]
    return cursor


def test_a_cursor_belongs_to_its_account_and_list(harness: BatchHarness) -> None:
    cursor = a_cursor(harness, "/v1/tags")
    other = BatchHarness(table=harness.table, account_id=OTHER)
    for refused in (
        other.api.request("GET", "/v1/tags", query={"cursor": cursor}),
        harness.api.request("GET", "/v1/lists", query={"cursor": cursor}),
    ):
        assert (refused.status, refused.body["field"]) == (400, "cursor")
        assert "belongs to a list" in refused.body["detail"]


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "abc", "!!!!", "é", "A" * 11, "A" * 600, "A" * 32 + "=", "A" * 33, "AAAAAAAAAAA\n"),
        urlsafe_b64encode(b"12345678\xff\xfe").decode(),
        urlsafe_b64encode(b"12345678" + b"x" * 101).decode().rstrip("="),
    ],
)
def test_a_malformed_cursor_is_refused(cursor: str, harness: BatchHarness) -> None:
    refused = harness.api.request("GET", "/v1/tags", query={"cursor": cursor})
    assert (refused.status, refused.body["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "culprit"),
    [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "x"}, "limit"), ({"q": "v"}, "q")],
)
@pytest.mark.parametrize("route", ["/v1/tags", "/v1/lists"])
def test_a_wrong_parameter_is_named(query: Any, culprit: str, route: str, harness: BatchHarness) -> None:
    refused = harness.api.request("GET", route, query=query)
    assert (refused.status, refused.body["field"]) == (400, culprit)


ANY_TAG = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=100)


@given(ANY_TAG)
@example("😀" * 100)
@example("=" * 7)
def test_a_cursor_carries_any_tag(tag: str) -> None:
    query = fingerprint("a")
    cursor = _to_cursor(query, tag)
    assert _from_cursor(query, cursor) == tag
    assert len(cursor) <= 544
    with pytest.raises(InvalidInput):
        _from_cursor(fingerprint("b"), cursor)


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_cursor_with_an_impossible_tag_is_refused(name: str) -> None:
    """However well its cursor is made: DynamoDB would not take such a key."""
    query = fingerprint("a")
    with pytest.raises(InvalidInput, match="is not a next_cursor"):
        _from_cursor(query, _to_cursor(query, name))


@settings(max_examples=examples(40))
@given(st.dictionaries(ANY_TAG, st.integers(0, 3), max_size=12), st.integers(1, 5))
def test_pages_list_every_tag_in_use_once_in_byte_order(tags: dict[str, int], limit: int) -> None:
    harness = BatchHarness()
    count(harness, TAG, **tags)
    met = [one["tag"] for page in walked(harness, "/v1/tags", limit) for one in page]
    assert met == sorted((tag for tag, n in tags.items() if n), key=str.encode)


class Counting:
    """A client that counts what its queries look at."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.evaluated = self.queries = 0

    def query(self, **request: Any) -> Any:
        answer = self._client.query(**request)
        self.evaluated += answer["ScannedCount"]
        self.queries += 1
        return answer

    def __getattr__(self, method: str) -> Any:
        return getattr(self._client, method)


def test_a_page_among_many_unused_tags_ends_early_with_a_cursor() -> None:
    harness = BatchHarness()
    count(harness, TAG, **{f"former {n:04}": 0 for n in range(MAX_CANDIDATES + 200)}, used=1)
    client = Counting(harness.table.client())
    store = CountStore(Table(client, NAME), ACCOUNT_ID)
    found, after = page_of_counts(store, TAG, None, 100)
    assert (list(found), client.evaluated) == ([], MAX_CANDIDATES)
    assert client.queries <= 5
    assert after == f"former {MAX_CANDIDATES - 1:04}"
    (one,), after = page_of_counts(store, TAG, after, 100)
    assert (one.name, one.count, after) == ("used", 1, None)


def test_a_page_of_tags_in_use_takes_one_query() -> None:
    harness = BatchHarness()
    count(harness, TAG, **{f"t{n:03}": 1 for n in range(120)})
    client = Counting(harness.table.client())
    store = CountStore(Table(client, NAME), ACCOUNT_ID)
    assert len(page_of_counts(store, TAG, None, 50)[0]) == 50
    assert client.queries == 1
