"""The operations on channels as callers see them: what is answered, what is refused, what is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from contacts.book.model import Outcome
from contacts.channels.model import MAX_CHANNELS
from contacts.channels.store import ChannelStore
from contacts.table import keys
from local.table import NAME
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID
from tests.support.channel_harness import CHANNEL, CHANNELS, ChannelHarness
from tests.support.invariants import INDEXED, violations

AT = "2026-01-15T10:30:00.000Z"
NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"
TYPES = ("email", "sms", "whatsapp", "telegram", "viber", "messenger", "instagram", "web", "other")


@pytest.fixture
def harness() -> ChannelHarness:
    return ChannelHarness()


def pages(harness: ChannelHarness, **query: str) -> list[Any]:
    """Every page of the list, by cursor."""
    found = [harness.request("GET", CHANNELS, query=query).body]
    while found[-1]["has_more"]:
        more = {**query, "cursor": found[-1]["next_cursor"]}
        found.append(harness.request("GET", CHANNELS, query=more).body)
    return found


def test_a_channel_is_made_read_renamed_and_switched_off(harness: ChannelHarness) -> None:
    made = harness.request("POST", CHANNELS, body={"type": "telegram", "name": "Bot"})
    assert made.status == 201
    one = made.body["id"]
    shown = {"id": one, "type": "telegram", "name": "Bot", "state": True, "created_at": AT, "updated_at": AT}
    assert made.body == shown
    assert harness.request("GET", CHANNEL, one).body == shown
    assert harness.request("GET", CHANNEL, one.upper()).body == shown
    assert harness.request("GET", CHANNELS).body == {"data": [shown], "has_more": False, "next_cursor": None}

    harness.clock.at_ms += 1000
    changed = harness.request("PUT", CHANNEL, one, body={"name": "Бот", "state": False, "type": "telegram"})
    after = {**shown, "name": "Бот", "state": False, "updated_at": "2026-01-15T10:30:01.000Z"}
    assert (changed.status, changed.body) == (200, after)
    harness.clock.at_ms += 1000
    assert harness.request("PUT", CHANNEL, one, body={"state": False}).body == after, "it was off already"
    assert harness.request("GET", CHANNEL, one).body == after
    assert violations(harness.moto.items(), ACCOUNT_ID, 0) == []
    assert not any(attribute in item for item in harness.moto.items() for attribute in INDEXED)


@pytest.mark.parametrize("kind", TYPES)
def test_there_are_nine_types(kind: str, harness: ChannelHarness) -> None:
    assert harness.made(kind, state=False) | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "type": kind,
        "name": "Bot",
        "state": False,
        "created_at": "",
        "updated_at": "",
    }


WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing": ({}, {"type": "is required", "name": "is required"}),
    "an unknown type": ({"type": "fax", "name": "x"}, {"type": "must be one of email, sms"}),
    "an empty name": ({"type": "sms", "name": ""}, {"name": "at least 1"}),
    "a long name": ({"type": "sms", "name": "x" * 256}, {"name": "at most 255"}),
    "NUL in a name": ({"type": "sms", "name": "\0"}, {"name": "NUL"}),
    "a state that is no boolean": ({"type": "sms", "name": "x", "state": "on"}, {"state": "true or false"}),
    "all of it": (
        {"type": 5, "name": None, "state": 1, "id": NOBODYS},
        {"type": "must be one of", "name": "must be a string", "state": "true or false", "id": "is no field"},
    ),
}


@pytest.mark.parametrize(("body", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_channel_is_refused_with_all_that_is_wrong(
    body: dict[str, Any], says: dict[str, str], harness: ChannelHarness
) -> None:
    wrong = harness.request("POST", CHANNELS, body=body).wrong
    assert wrong.keys() == says.keys()
    assert all(words in wrong[field] for field, words in says.items())
    assert harness.moto.items() == []


def test_a_wrong_change_names_another_type_and_what_else_is_wrong(harness: ChannelHarness) -> None:
    one = harness.made()["id"]
    before = harness.moto.items()
    wrong = harness.request(
        "PUT", CHANNEL, one, body={"type": "sms", "name": "", "state": None, "x": 1}
    ).wrong
    assert wrong.keys() == {"type", "name", "state", "x"}
    assert wrong["type"] == "never changes: it is telegram"
    assert harness.moto.items() == before


@pytest.mark.parametrize("channel_id", [NOBODYS, "x", "x" * 3000, "CHANNELS"])
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"state": True})])
def test_what_is_not_there_is_not_found(
    method: str, body: Any, channel_id: str, harness: ChannelHarness
) -> None:
    harness.made()
    reply = harness.request(method, CHANNEL, channel_id, body=body)
    assert (reply.status, reply.body["code"]) == (404, "channel_not_found")


def test_another_account_has_no_such_channel(harness: ChannelHarness) -> None:
    one = harness.made()["id"]
    before = harness.moto.items()
    harness.of_account(OTHER_ACCOUNT_ID)
    assert harness.request("GET", CHANNEL, one).status == 404
    assert harness.request("PUT", CHANNEL, one, body={"state": False}).status == 404
    assert harness.arrive(one, "1").status == 404
    assert harness.request("GET", CHANNELS).body["data"] == []
    assert harness.moto.items() == before


# Pages


def test_a_walk_by_cursor_sees_each_channel_once(harness: ChannelHarness) -> None:
    made = [harness.made(name=str(number)) for number in range(5)]
    found = pages(harness, limit="2")
    assert [len(one["data"]) for one in found] == [2, 2, 1]
    assert [channel for one in found for channel in one["data"]] == made
    assert "total" not in found[0]


def test_a_walk_by_page_number_knows_how_many_there_are(harness: ChannelHarness) -> None:
    made = [harness.made(name=str(number)) for number in range(5)]
    for offset, expected in ((0, made[:2]), (2, made[2:4]), (4, made[4:]), (6, [])):
        query = {"limit": "2", "offset": str(offset), "include_total": "true"}
        body = harness.request("GET", CHANNELS, query=query).body
        assert (body["data"], body["total"], body["has_more"]) == (expected, 5, offset < 4 and bool(expected))
    query = {
        "limit": "2",
        "cursor": harness.request("GET", CHANNELS, query={"limit": "3", "offset": "1"}).body["next_cursor"],
    }
    assert harness.request("GET", CHANNELS, query=query).body["data"] == made[4:]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"offset": "-1"}, "offset"),
        ({"limit": "101"}, "limit"),
        ({"page": "2"}, "page"),
        ({"include_total": "1"}, "include_total"),
    ],
)
def test_a_wrong_page_is_refused(query: dict[str, str], field: str, harness: ChannelHarness) -> None:
    harness.made()
    assert list(harness.request("GET", CHANNELS, query=query).wrong) == [field]


def test_a_page_begins_in_one_place(harness: ChannelHarness) -> None:
    for _ in range(3):
        harness.made()
    cursor = harness.request("GET", CHANNELS, query={"limit": "1"}).body["next_cursor"]
    wrong = harness.request("GET", CHANNELS, query={"cursor": cursor, "offset": "1"}).wrong
    assert list(wrong) == ["offset"]
    harness.of_account(OTHER_ACCOUNT_ID)
    assert list(harness.request("GET", CHANNELS, query={"cursor": cursor}).wrong) == ["cursor"]


# How many, and twice


def test_the_51st_channel_is_one_too_many(harness: ChannelHarness) -> None:
    for number in range(MAX_CHANNELS):
        harness.made(name=str(number))
    before = harness.moto.items()
    reply = harness.request("POST", CHANNELS, body={"type": "sms", "name": "one more"})
    assert (reply.status, reply.body["code"]) == (409, "too_many_channels")
    assert "50" in reply.body["detail"]
    assert harness.moto.items() == before
    assert len(pages(harness)) == 1
    harness.of_account(OTHER_ACCOUNT_ID).made()


def test_a_request_that_comes_twice_is_carried_out_once(harness: ChannelHarness) -> None:
    one = harness.made()["id"]
    for method, route, name, body in (
        ("POST", CHANNELS, None, {"type": "sms", "name": "SMS"}),
        ("PUT", CHANNEL, one, {"state": False}),
    ):
        key = f"k-{method}"
        first = harness.request(method, route, name, body=body, key=key)
        harness.clock.at_ms += 1000
        harness.switched(one, on=True)
        before = harness.moto.items()
        again = harness.request(method, route, name, body=body, key=key)
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert harness.request(method, route, name, body={**body, "name": "y"}, key=key).status == 422
        assert harness.moto.items() == before


class Interrupted(ChannelStore):
    """A store in which something happens just before a change is written."""

    def __init__(self, harness: ChannelHarness, happens: Callable[[], object]) -> None:
        super().__init__(harness.table, ACCOUNT_ID)
        self._happens = [happens]

    def change(self, *arguments: Any) -> Outcome:
        if self._happens:
            self._happens.pop()()
        return super().change(*arguments)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_changes_at_the_same_moment_none_is_lost(key: str | None, harness: ChannelHarness) -> None:
    one = harness.made()["id"]
    theirs = ChannelHarness()
    theirs.moto, theirs.table = harness.moto, harness.table
    harness.channel_store = Interrupted(harness, lambda: theirs.switched(one, on=False))
    reply = harness.request("PUT", CHANNEL, one, body={"name": "mine"}, key=key)
    assert (reply.body["name"], reply.body["state"]) == ("mine", False)
    assert harness.request("GET", CHANNEL, one).body == reply.body


def test_only_one_of_two_at_the_same_moment_is_the_50th(harness: ChannelHarness) -> None:
    key = keys.channel_count(ACCOUNT_ID)
    item = {"PK": {"S": key.PK}, "SK": {"S": key.SK}, "n": {"N": str(MAX_CHANNELS - 1)}}
    harness.moto.call("put_item", {"TableName": NAME, "Item": item})
    harness.made()
    assert harness.request("POST", CHANNELS, body={"type": "sms", "name": "x"}).status == 409


def test_a_test_key_makes_channels_that_do_not_exist(harness: ChannelHarness) -> None:
    one = harness.made()["id"]
    before = harness.moto.items()
    harness.as_test()
    reply = harness.request("POST", CHANNELS, body={"type": "sms", "name": "SMS"}, key="k-1")
    assert (reply.status, reply.body["test_mode"], reply.body["type"]) == (201, True, "sms")
    query = {"include_total": "true"}
    empty = {"data": [], "has_more": False, "next_cursor": None, "total": 0}
    assert harness.request("GET", CHANNELS, query=query).body == empty
    for channel_id in (one, reply.body["id"]):
        assert harness.request("GET", CHANNEL, channel_id).status == 404
        assert harness.request("PUT", CHANNEL, channel_id, body={"state": False}).status == 404
    assert harness.moto.items() == before
