"""Pages of a list: which is the last, and from where to go on."""

from typing import Any

import pytest

from tests.fakes import CountingBytes, FakeClock
from tests.in_process_api import InProcessApi
from tests.moto_table import MotoTable

ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"


@pytest.fixture
def api() -> InProcessApi:
    """An account with six contacts, every other one unsubscribed."""
    clock = FakeClock()
    filled = InProcessApi(MotoTable().client(), ACCOUNT, clock, CountingBytes())
    for number in range(6):
        body = {"external_id": str(number), "is_unsubscribed": number % 2 == 1}
        assert filled.request("POST", body=body).status == 201
        clock.at_ms += 1
    return filled


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("flag", [{}, {"is_unsubscribed": "true"}], ids=["all", "by a flag"])
def test_the_last_page_is_known_to_be_it(limit: int, flag: dict[str, str], api: InProcessApi) -> None:
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
        ({"cursor": "A" * 32, "starting_after": "A" * 32}, "starting_after"),
    ],
    ids=["empty", "empty by its other name", "made up", "two"],
)
def test_what_is_no_place_to_go_on_from_is_named(query: Any, culprit: str, api: InProcessApi) -> None:
    refused = api.request("GET", query=query)
    assert (refused.status, refused.body["field"]) == (400, culprit)
