"""GET /v1/events: every event of the last 30 days once, in the order in which they were appended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Mode
from contacts.core.time import iso
from contacts.events.model import Event, EventType, event_at, event_out
from contacts.events.pages import event_page
from contacts.events.service import EventLog
from contacts.events.store import SHARDS, EventSource, Position, blocking_item
from contacts.table import keys
from contacts.table.client import Table
from contacts.web.pagination import PageSize
from contacts.web.response import MAX_ANSWER_BYTES
from local.table import NAME
from tests.support.app import App, caller_of
from tests.support.event_harness import ACCOUNT_ID, EventHarness
from tests.support.hypothesis_profiles import examples
from tests.support.moto_table import MotoTable

S, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
"""In ms."""
NOON_MS = 1_768_478_400_000
MIDNIGHT_MS = 1_768_435_200_000
CONTACT = "019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01"
_numbers = count(1)


def event(kind: EventType = EventType.UPDATED, **more: object) -> Event:
    """Something that happened at noon."""
    data = {"contact": {"id": CONTACT, "version": 2}, **more}
    return event_at(f"record {next(_numbers)}", kind, NOON_MS, ACCOUNT_ID, CONTACT, data)


@pytest.fixture
def harness() -> EventHarness:
    empty = EventHarness()
    empty.clock.at_ms = NOON_MS
    return empty


def logged(harness: EventHarness, *moments: int, kind: EventType = EventType.UPDATED) -> list[str]:
    """Append an event at each moment, and give back their ids."""
    events = [event(kind) for _ in moments]
    for one, at_ms in zip(events, moments, strict=True):
        harness.log(one, at_ms)
    return [one.id for one in events]


def page(harness: EventHarness, **query: object) -> dict[str, Any]:
    reply = harness.listed(**query)
    assert reply.status == 200, reply.body
    assert list(reply.body) == ["data", "has_more", "next_cursor"]
    assert isinstance(reply.body["next_cursor"], str)
    return reply.body


def walked(harness: EventHarness, **query: object) -> list[dict[str, Any]]:
    """The pages of a walk until there is no more for now."""
    pages = [page(harness, **query)]
    while pages[-1]["has_more"]:
        assert len(pages) < 200
        pages.append(page(harness, **query, cursor=pages[-1]["next_cursor"]))
    return pages


def ids(*pages: Mapping[str, Any]) -> list[str]:
    return [one["id"] for page in pages for one in page["data"]]


def test_an_event_is_shown_as_receivers_get_it(harness: EventHarness) -> None:
    happened = event(changed=["first_name"], previous={"first_name": "Ada"})
    harness.log(happened, NOON_MS - MINUTE)
    (shown,) = page(harness)["data"]
    assert shown == json.loads(json.dumps(event_out(happened)))


@pytest.mark.parametrize("limit", range(1, 9))
def test_a_walk_goes_over_days_and_knows_its_last_page(limit: int, harness: EventHarness) -> None:
    moments = [
        *(NOON_MS - 29 * DAY, NOON_MS - 29 * DAY + 1, NOON_MS - 5 * DAY),
        *(MIDNIGHT_MS - 1, MIDNIGHT_MS, MIDNIGHT_MS + 1, NOON_MS - 11 * S),
    ]
    expected = logged(harness, *moments)
    pages = walked(harness, limit=limit)
    assert ids(*pages) == expected
    assert len(pages) == -(-len(moments) // limit)


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_a_walk_goes_over_what_an_earlier_release_has_appended(limit: int, harness: EventHarness) -> None:
    """That release had a partition for each day. While one takes the other's place, both append."""
    moments = [NOON_MS - 3 * DAY, MIDNIGHT_MS - 1, *range(NOON_MS - HOUR, NOON_MS - HOUR + 20)]
    events = [event() for _ in moments]
    for number, (one, at_ms) in enumerate(zip(events, moments, strict=True)):
        (harness.log if number % 3 == 2 else harness.log_as_before)(one, at_ms)
    assert ids(*walked(harness, limit=limit)) == [one.id for one in events]


def test_what_only_blocks_a_place_is_not_listed(harness: EventHarness) -> None:
    happened, lost = event(), event()
    harness.log(happened, NOON_MS - MINUTE)
    place = keys.event(ACCOUNT_ID, iso(NOON_MS - MINUTE), lost.id)
    Table(harness.client, NAME).write_many({place: blocking_item(iso(NOON_MS - MINUTE))})
    assert ids(*walked(harness)) == [happened.id]


def test_of_one_moment_the_ids_say_the_order(harness: EventHarness) -> None:
    expected = sorted(logged(harness, *[NOON_MS - MINUTE] * 7))
    assert ids(*walked(harness, limit=2)) == expected


def test_the_newest_ten_seconds_are_withheld(harness: EventHarness) -> None:
    """What is being appended at this moment has its place already, but is not there yet."""
    old, young = logged(harness, NOON_MS - 10 * S - 1, NOON_MS - 10 * S)
    first = page(harness)
    assert ids(first) == [old]
    harness.clock.at_ms += 1
    assert ids(page(harness, cursor=first["next_cursor"])) == [young]


def test_after_thirty_days_an_event_is_not_shown_though_it_may_still_be_there(harness: EventHarness) -> None:
    _, _, kept = logged(harness, NOON_MS - 31 * DAY, NOON_MS - 30 * DAY - 5, NOON_MS - 30 * DAY + S)
    assert ids(page(harness)) == [kept]


def test_of_one_who_was_erased_only_that_it_happened_is_shown(harness: EventHarness) -> None:
    (event_id,) = logged(harness, NOON_MS - MINUTE)
    (item,) = harness.logged()
    left = {name: item[name] for name in ("id", "type", "ttl")} | {"erased": True}
    Table(harness.client, NAME).write_many({keys.Key(item["PK"], item["SK"]): left})
    assert page(harness)["data"] == [{"id": event_id, "type": "contact.updated", "erased": True}]


def test_events_of_one_type(harness: EventHarness) -> None:
    logged(harness, *range(NOON_MS - HOUR, NOON_MS - HOUR + 20))
    wanted = logged(harness, NOON_MS - MINUTE, NOON_MS - 2 * S, kind=EventType.CREATED)
    assert ids(*walked(harness, type="contact.created", limit=1)) == wanted[:1]
    harness.clock.at_ms += 30 * S
    assert ids(*walked(harness, type="contact.created", limit=1)) == wanted


def test_one_request_looks_at_a_thousand_events_at_most(harness: EventHarness) -> None:
    logged(harness, *range(NOON_MS - HOUR, NOON_MS - HOUR + 1500))
    (rare,) = logged(harness, NOON_MS - MINUTE, kind=EventType.CREATED)
    first, second = walked(harness, type="contact.created")
    assert (ids(first), ids(second)) == ([], [rare])


# Going on


def test_who_has_seen_it_all_can_go_on_later(harness: EventHarness) -> None:
    (first,) = logged(harness, NOON_MS - MINUTE)
    seen = page(harness)
    assert (ids(seen), seen["has_more"]) == ([first], False)
    later = page(harness, cursor=seen["next_cursor"])
    assert (ids(later), later["has_more"]) == ([], False)
    (second,) = logged(harness, NOON_MS + S)
    harness.clock.at_ms = NOON_MS + DAY
    assert ids(page(harness, cursor=later["next_cursor"])) == [second]


class Counted:
    """A source that counts how often it is read."""

    def __init__(self, harness: EventHarness) -> None:
        self._source = EventSource(Table(harness.client, NAME), ACCOUNT_ID)
        self.reads = 0

    def of_shard(self, *span: Any) -> Any:
        self.reads += 1
        return self._source.of_shard(*span)

    def of_day(self, *span: Any) -> Any:
        self.reads += 1
        return self._source.of_day(*span)


READS_OF_A_POLL = SHARDS + 1
"""A query of each shard, and one of the day's partition of an earlier release. Each costs a read unit."""


def test_only_the_first_page_looks_through_empty_days(harness: EventHarness) -> None:
    source = Counted(harness)
    log = EventLog(source, harness.clock)
    first = log.page(None, None, 50, MAX_ANSWER_BYTES)
    assert (first.events, first.has_more, source.reads) == ([], False, READS_OF_A_POLL + 30)
    for passed in (1, 5 * S, MINUTE, HOUR):
        harness.clock.at_ms += passed
        source.reads = 0
        first = log.page(first.position, None, 50, MAX_ANSWER_BYTES)
        assert (first.has_more, source.reads) == (False, READS_OF_A_POLL)


def test_a_clock_that_is_behind_gives_no_earlier_cursor(harness: EventHarness) -> None:
    (expected,) = logged(harness, NOON_MS - 9 * S)
    ahead = page(harness)
    harness.clock.at_ms -= 3 * S
    behind = page(harness, cursor=ahead["next_cursor"])
    assert behind == {"data": [], "has_more": False, "next_cursor": ahead["next_cursor"]}
    harness.clock.at_ms += 10 * S
    assert ids(page(harness, cursor=behind["next_cursor"])) == [expected]


def test_a_cursor_older_than_the_log_begins_with_what_there_is(harness: EventHarness) -> None:
    old = page(harness)["next_cursor"]
    harness.clock.at_ms += 400 * DAY
    (expected,) = logged(harness, harness.clock.at_ms - DAY)
    assert ids(page(harness, cursor=old)) == [expected]


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ({"cursor": ""}, "cursor"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "A" * 40}, "cursor"),
        ({"cursor": "A" * 32}, "cursor"),
        ({"type": "contact.exploded"}, "type"),
        ({"type": "webhook.test"}, "type"),
        ({"type": ""}, "type"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"offset": "1"}, "offset"),
    ],
)
def test_what_is_wrong_is_named(query: dict[str, str], culprit: str, harness: EventHarness) -> None:
    refused = harness.listed(**query)
    assert (refused.status, refused.body["field"]) == (400, culprit)


def test_a_cursor_belongs_to_its_query_and_account(harness: EventHarness) -> None:
    cursor = page(harness)["next_cursor"]
    assert harness.listed(cursor=cursor, type="contact.created").status == 400
    elsewhere = EventLog(harness.event_log()._source, harness.clock)
    with pytest.raises(Exception, match="other parameters"):
        event_page(elsewhere, "another account", None, cursor, PageSize(50))


@pytest.mark.parametrize("at_ms", [0, NOON_MS, (1 << 48) - 1], ids=["1970", "now", "year 10889"])
@pytest.mark.parametrize("event_id", ["0" * 8, "f" * 8])
def test_a_made_up_position_does_no_harm(at_ms: int, event_id: str, harness: EventHarness) -> None:
    logged(harness, NOON_MS - MINUTE)
    uuid = f"{event_id}-0000-7000-8000-000000000000"
    found = harness.event_log().page(Position(at_ms, uuid), None, 50, MAX_ANSWER_BYTES)
    assert len(found.events) == (at_ms == 0)


def test_a_test_key_sees_no_events(harness: EventHarness) -> None:
    logged(harness, NOON_MS - MINUTE)
    log = App(harness.client).event_log(caller_of(ACCOUNT_ID, mode=Mode.TEST))
    body = event_page(log, ACCOUNT_ID, None, None, PageSize(50)).body
    assert (body["data"], body["has_more"]) == ([], False)


def test_a_page_of_large_events_stays_below_five_megabytes(harness: EventHarness) -> None:
    events = [event(text="é" * 180_000) for _ in range(20)]
    for number, one in enumerate(events):
        harness.log(one, NOON_MS - HOUR + number)
    pages = walked(harness, limit=100)
    assert ids(*pages) == [one.id for one in events]
    sizes = [len(json.dumps(page, ensure_ascii=False).encode()) for page in pages]
    assert len(sizes) == 2
    assert max(sizes) < MAX_ANSWER_BYTES


# While events are being appended


KINDS = (EventType.CREATED, EventType.UPDATED)


@dataclass(frozen=True)
class Append:
    """An event gets its place now and is there a little later: its transaction may have to be sent three times."""

    kind: EventType
    takes_ms: int
    is_as_before: bool
    """Whether a release before the shards appends it."""


@dataclass(frozen=True)
class Look:
    """Somebody who has kept the latest cursor asks for the next events."""

    limit: int


GAPS = st.one_of(st.integers(0, 3), st.integers(0, 8 * S), st.integers(0, 8 * S), st.integers(0, DAY // 2))
STEPS = st.one_of(
    st.builds(Append, st.sampled_from(KINDS), st.integers(0, 9 * S), st.booleans()),
    st.builds(Look, st.integers(1, 5)),
)


@cache
def shared_table() -> tuple[MotoTable, Any]:
    table = MotoTable()
    return table, table.snapshot()


@settings(max_examples=examples(200))
@given(steps=st.lists(st.tuples(GAPS, STEPS), max_size=40), only=st.none() | st.sampled_from(KINDS))
@example(
    steps=[(0, Append(KINDS[0], 9 * S, False)), (8 * S, Append(KINDS[0], 0, True)), (10 * S, Look(5))],
    only=None,
)
@example(steps=[(0, Append(KINDS[0], 9 * S, False)), (8999, Look(5)), (1000, Look(5))], only=None)
def test_nothing_is_missed_and_nothing_comes_twice(
    steps: list[tuple[int, Append | Look]], only: EventType | None
) -> None:
    """However events come in and whenever somebody looks."""
    table, empty = shared_table()
    table.bring_back(empty)
    harness = EventHarness(table=table)
    harness.clock.at_ms = NOON_MS
    places: list[tuple[int, str]] = []
    on_their_way: list[tuple[int, Append, Event, int]] = []
    query: dict[str, object] = {} if only is None else {"type": only}
    seen: list[str] = []

    def look(limit: int) -> bool:
        for landing in [landing for landing in on_their_way if landing[0] <= harness.clock.at_ms]:
            on_their_way.remove(landing)
            _, append, happened, at_ms = landing
            (harness.log_as_before if append.is_as_before else harness.log)(happened, at_ms)
        found = page(harness, **query, limit=limit)
        seen.extend(ids(found))
        query["cursor"] = found["next_cursor"]
        return bool(found["has_more"])

    for gap, step in steps:
        harness.clock.at_ms += gap
        if isinstance(step, Look):
            look(step.limit)
            continue
        happened, at_ms = event(step.kind), harness.clock.at_ms
        on_their_way.append((at_ms + step.takes_ms, step, happened, at_ms))
        if only in (None, step.kind):
            places.append((at_ms, happened.id))
    harness.clock.at_ms += 20 * S
    while look(3):
        pass
    assert seen == [event_id for _, event_id in sorted(places)]
