"""Pages of a list: which is the last, and from where to go on."""

from typing import Any
from unittest.mock import patch

import pytest

from contacts.search import service as finding
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.in_process_api import InProcessApi
from tests.support.moto_table import MotoTable

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"


@pytest.fixture
def table() -> MotoTable:
    return MotoTable()


@pytest.fixture
def api(table: MotoTable) -> InProcessApi:
    """An account with six contacts, every other one unsubscribed."""
    clock = FakeClock()
    filled = InProcessApi(table.client(), ACCOUNT, clock, CountingBytes())
    for number in range(6):
        body = {"external_id": str(number), "is_unsubscribed": number % 2 == 1}
        assert filled.request("POST", body=body).status == 201
        clock.at_ms += 1
    return filled


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("flag", [{}, {"is_unsubscribed": "true"}], ids=["all", "by a flag"])
def test_the_last_page_has_no_cursor_even_if_full(
    limit: int, flag: dict[str, str], api: InProcessApi
) -> None:
    """Also when it is full: nobody has to ask for an empty one."""
    sizes, cursor = [], {}
    while True:
        page: Any = api.request("GET", query={"limit": str(limit), **flag, **cursor}).body
        sizes.append(len(page["data"]))
        if not page["has_more"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    total = 3 if flag else 6
    assert sum(sizes) == total
    assert len(sizes) == -(-total // limit)


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ({"cursor": ""}, "cursor"),
        ({"starting_after": ""}, "starting_after"),
        ({"starting_after": "abc"}, "starting_after"),
        ({"cursor": "A" * 33}, "cursor"),
        ({"cursor": "A" * 32, "starting_after": "A" * 32}, "starting_after"),
        ({"cursor": "A" * 32, "offset": "5"}, "offset"),
        ({"offset": "10001"}, "offset"),
        ({"offset": "-1"}, "offset"),
    ],
    ids=[
        "empty",
        "empty by its other name",
        "made up",
        "no base64",
        "two",
        "and an offset",
        "too far",
        "backwards",
    ],
)
def test_an_invalid_cursor_or_offset_is_named(query: Any, culprit: str, api: InProcessApi) -> None:
    refused = api.request("GET", query=query)
    assert (refused.status, refused.body["field"]) == (400, culprit)


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ({"limit": "101"}, "limit"),
        ({"created_after": "2026-01-15T10:30:00"}, "created_after"),
        ({"updated_before": "yesterday"}, "updated_before"),
        ({"sort": "name"}, "sort"),
        ({"tag": "x" * 101}, "tag"),
        ({"tag": ""}, "tag"),
        ({"tag": [str(number) for number in range(101)]}, "tag"),
        ({"list": "No Slug"}, "list"),
        ({"email": "nobody"}, "email"),
        ({"external_id": ""}, "external_id"),
        ({"search": ""}, "search"),
        ({"search": "\u0301"}, "search"),
        ({"search": " ".join(f"w{number}" for number in range(21))}, "search"),
        ({"search": "word " * 1000}, "search"),
        ({"validation_status": "great"}, "validation_status"),
        ({"include_total": "1"}, "include_total"),
        ({"colour": "red"}, "colour"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_bad_input_is_named(query: Any, culprit: str, api: InProcessApi) -> None:
    refused = api.request("GET", query=query)
    assert (refused.status, refused.body["field"]) == (400, culprit)


def test_a_search_needs_a_query(api: InProcessApi) -> None:
    refused = api.request("GET", "/v1/contacts/search")
    assert (refused.status, refused.body["field"]) == (400, "q")


@pytest.mark.parametrize(
    "query",
    [
        {"created_after": "2026-02-01T00:00:00Z", "created_before": "2026-01-01T00:00:00Z"},
        {"updated_after": "2026-02-01T00:00:00Z", "updated_before": "2026-01-01T00:00:00Z", "sort": "email"},
        {"tag": [str(number) for number in range(30)]},
        {"search": "\N{PARTY POPPER}"},
        {"email": "nobody@example.com"},
        {"external_id": "nobody"},
        {"created_after": "9999-12-31T23:59:59.999Z"},
    ],
    ids=["contradiction", "another", "30 tags", "an emoji", "no such email", "no such id", "the end of time"],
)
def test_a_query_without_matches_gives_an_empty_page(query: Any, api: InProcessApi) -> None:
    page = api.request("GET", query=query | {"include_total": "true"})
    assert page.status == 200
    assert page.body == {"data": [], "has_more": False, "next_cursor": None, "total": 0}


def test_a_cursor_belongs_to_its_query(api: InProcessApi) -> None:
    cursor: Any = api.request("GET", query={"limit": "2"}).body["next_cursor"]
    for other in ({"is_active": "true"}, {"sort": "created_at"}, {"search": "x"}, {"tag": "x"}):
        refused = api.request("GET", query={"limit": "2", "cursor": cursor, **other})
        assert (refused.status, refused.body["field"]) == (400, "cursor")
    assert api.request("GET", query={"limit": "3", "cursor": cursor}).status == 200


def test_pages_by_offset_go_on_past_the_largest_skip(api: InProcessApi) -> None:
    with patch.object(finding, "MAX_SKIPPED", 2):
        assert api.request("GET", query={"offset": "3"}).status == 400
        pages: list[Any] = [
            api.request("GET", query={"offset": str(offset), "limit": "2", "sort": "external_id"}).body
            for offset in (0, 2, 4)
        ]
    assert [contact["external_id"] for page in pages for contact in page["data"]] == list("012345")
    assert [page["has_more"] for page in pages] == [True, True, False]


def test_bookmarks_contain_no_names_and_are_passed_over_if_their_contact_is_gone(
    table: MotoTable, api: InProcessApi
) -> None:
    api.request("GET", query={"offset": "0", "limit": "2", "sort": "external_id"})
    api.request("GET", query={"offset": "2", "limit": "2", "sort": "external_id"})
    bookmarks = [item for item in table.items() if item["PK"]["S"].endswith("#PAGES")]
    assert len(bookmarks) == 2
    assert all("value" not in item for item in bookmarks)
    assert api.request("DELETE", "/v1/contacts/{ref}", "3").status == 200
    page: Any = api.request("GET", query={"offset": "4", "limit": "2", "sort": "external_id"}).body
    # From the bookmark before, at 1: that and the four that are skipped are 0, 1, 2 and 4.
    assert [contact["external_id"] for contact in page["data"]] == ["5"]
    with patch.object(api, "clock", FakeClock(api.clock.at_ms + 3_600_000)):
        assert api.request("GET", query={"offset": "4", "limit": "2", "sort": "external_id"}).status == 200
