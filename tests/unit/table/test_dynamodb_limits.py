"""No request of ours is beyond what DynamoDB takes, for anything that may be asked; and no test's is (moto_table)."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest

from contacts.book.model import LONGEST_TAG, MAX_LISTS, MAX_TAGS, ValidationStatus
from contacts.book.service import MAX_MAP_KEYS_IN_PLACE
from contacts.search import planner as planning
from contacts.search import service as finding
from contacts.search.index import ContactIndex
from contacts.search.query import ContactQuery, SortField, TimeRange
from contacts.table.client import Table
from tests.support.aws_limits import MAX_ITEM, TooMuch, check, check_item, item_bytes
from tests.support.finding_harness import FindingHarness
from tests.support.in_process_api import ONE

TAGS = [f"{number:03}{'ü' * (LONGEST_TAG - 3)}" for number in range(MAX_TAGS)]
LISTS = [f"{number:03}{'x' * (LONGEST_TAG - 3)}" for number in range(MAX_LISTS)]
FLAGS = {
    "is_active": True,
    "is_unsubscribed": False,
    "validation_status": "pending",
    "created_after": "2020-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def harness() -> FindingHarness:
    """Contacts with every tag and list there may be, some without email; and some that lack the last."""
    harness = FindingHarness()
    for number in range(3):
        harness.clock.at_ms += 1
        email = None if number else f"a{number}@example.com"
        harness.create(external_id=f"crm-{number}", email=email, tags=TAGS, lists=LISTS)
    harness.create(external_id="x", tags=TAGS[:-1], lists=LISTS)
    harness.create(external_id="y", tags=TAGS, lists=LISTS[:-1])
    return harness


@pytest.fixture
def along_the_index() -> Iterator[None]:
    """Lists are found as in a large account. (Posting lists and their counts are left empty, to be quick.)"""
    with patch.object(planning, "MAX_IN_MEMORY", -1), patch.object(finding, "MAX_IN_MEMORY", -1):
        yield


@pytest.mark.parametrize("sort", ["email", "-email", "external_id", "updated_at"])
@pytest.mark.usefixtures("along_the_index")
def test_a_list_with_every_filter_works(sort: str, harness: FindingHarness) -> None:
    query = {"tag": TAGS, "list": LISTS, "sort": sort, "limit": 1, **FLAGS}
    found = [one["external_id"] for page in harness.pages(query) for one in page["data"]]
    assert sorted(found) == ["crm-0", "crm-1", "crm-2"]


@pytest.mark.parametrize(("tags", "lists", "expected"), [
    (TAGS[-49:], [], ["crm-0", "crm-2", "crm-1", "y"]),
    (TAGS[-50:], [], ["crm-0", "crm-2", "crm-1", "y"]),
    (TAGS[-50:], LISTS[-1:], ["crm-0", "crm-2", "crm-1"]),
    (TAGS, [], ["crm-0", "crm-2", "crm-1", "y"]),
], ids=["49", "50", "51", "100"])  # fmt: skip
@pytest.mark.usefixtures("along_the_index")
def test_an_offset_is_right_for_any_number_of_filtered_tags(
    tags: list[str], lists: list[str], expected: list[str], harness: FindingHarness
) -> None:
    """Of those without email the filter leaves out what does not match only up to fifty."""
    for offset in range(len(expected) + 1):
        query = {"tag": tags, "list": lists, "sort": "email", "limit": 1, "offset": offset}
        page = harness.ask(query).body
        found = [one["external_id"] for one in page["data"]]
        assert len(found) == (offset < len(expected))
        assert set(found) <= set(expected)


def test_dynamodb_accepts_every_query_of_the_contact_index() -> None:
    """In every way there is to ask it."""
    asked: list[str] = []

    class Client:
        def query(self, **request: Any) -> Any:
            check("query", request)
            asked.append(request.get("FilterExpression", ""))
            return {"Items": [], "Count": 0, "ScannedCount": 0}

    index = ContactIndex(Table(Client(), "t"), "a")
    time_range = TimeRange(1, 2)
    for query in (
        ContactQuery(tags=tuple(TAGS), lists=tuple(LISTS)),
        ContactQuery(
            tags=tuple(TAGS),
            lists=tuple(LISTS),
            is_active=True,
            is_unsubscribed=False,
            validation_status=ValidationStatus.VALID,
            created=time_range,
            updated=time_range,
        ),
    ):
        for without in (None, SortField.EMAIL, SortField.EXTERNAL_ID):
            index.by_creation(query, without, None, descending=False, at_most=1)
        index.count_by_creation(query, 1)
    assert len(asked) == 8
    assert max(map(len, asked)) < 2000


def test_dynamodb_accepts_the_largest_change_in_place() -> None:
    harness = FindingHarness()
    ref = harness.create(email="ada@example.com")
    keys = {
        f"{number}{'ü' * 250}": None if number % 2 else [number] for number in range(MAX_MAP_KEYS_IN_PLACE)
    }
    body = {
        **dict.fromkeys(("first_name", "last_name", "name"), "x" * 255),
        "phone": "+49123456789",
        "tags": TAGS,
        "lists": LISTS,
        "is_active": False,
        "is_unsubscribed": True,
        "custom_fields": keys,
    }
    if_match = ", ".join(f'"{version}"' for version in range(1, 21))
    changed = harness.api.request("PATCH", ONE, ref, body=body, headers={"if-match": if_match})
    assert changed.status == 200


def test_dynamodb_accepts_the_longest_names() -> None:
    harness = FindingHarness()
    for external_id in ("ü" * 255, "\N{GRINNING FACE}" * 255):
        harness.create(external_id=external_id, tags=["\N{GRINNING FACE}" * 100])
        assert harness.ask({"external_id": external_id}).body["data"][0]["external_id"] == external_id
        harness.project()
        assert len(harness.ask({"sort": "external_id", "tag": "\N{GRINNING FACE}" * 100}).body["data"]) >= 1


# What holds every test to DynamoDB's limits


@pytest.mark.parametrize(
    ("expression", "is_taken"),
    [
        (" AND ".join(["#0 = :0"] * 150), True),
        (" AND ".join(["#0 = :0"] * 151), False),
        ("#0 IN (:0" + ", :0" * 99 + ")", True),
        ("#0 IN (:0" + ", :0" * 100 + ")", False),
        ("#0 = :0" + " " * 4089, True),
        ("#0 = :0" + " " * 4090, False),
        ("#0 = #0", False),
    ],
    ids=["300 operators", "302", "100 operands", "101", "4096 bytes", "4097", "a value that is not used"],
)
def test_expressions_over_the_limits_are_refused(expression: str, is_taken: bool) -> None:
    request = {
        "FilterExpression": expression,
        "ExpressionAttributeNames": {"#0": "a"},
        "ExpressionAttributeValues": {":0": {"S": "x"}},
    }
    if is_taken:
        check("query", request)
    else:
        with pytest.raises(TooMuch):
            check("query", request)


def test_items_over_the_limits_are_refused() -> None:
    key = {"PK": {"S": "a"}, "SK": {"S": "b"}}
    deep: Any = {"S": "x"}
    for _ in range(32):
        deep = {"L": [deep]}
    check_item({**key, "deep": deep})
    for wrong in (
        {"deep": {"L": [deep]}},
        {"email": {"S": ""}},
        {"email": {"S": "x" * 1025}},
        {"text": {"S": "x" * MAX_ITEM}},
        {"SK": {"S": "x" * 1025}},
    ):
        with pytest.raises(TooMuch):
            check_item({**key, **wrong})


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"n": {"N": "0"}}, 2), ({"n": {"N": "-12345"}}, 6), ({"n": {"N": "1e125"}}, 3), ({"n": {"N": "100.0"}}, 3),
        ({"m": {"M": {"k": {"L": [{"BOOL": True}]}}}}, 1 + 3 + 1 + 1 + 3 + 1 + 1), ({"s": {"SS": ["ü", "a"]}}, 4),
    ],
)  # fmt: skip
def test_an_items_bytes_are_counted(item: Any, size: int) -> None:
    """Worked by hand from "DynamoDB item sizes and formats"."""
    assert item_bytes(item) == size
