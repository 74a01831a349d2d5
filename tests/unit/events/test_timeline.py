"""The timeline of a contact: recorded while the contact lives, told once, and read page by page without a gap."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.accounts.model import Mode
from contacts.book.model import Contact, contact_values
from contacts.book.store import measured
from contacts.core.errors import ContactNotFound, TemporarilyUnavailable
from contacts.core.ids import Ref, uuid7
from contacts.core.time import DAY, iso, parsed
from contacts.email_validation.store import VerdictStore
from contacts.events.changes import ChangeKind, event_of_recording
from contacts.events.model import MAX_DATA_BYTES, CustomEvent, EventType, custom_event, event_out
from contacts.events.store import EventStore, TimelineStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import entry_size, item_size
from contacts.web.response import MAX_ANSWER_BYTES
from contacts.webhooks.model import delivery_id
from contacts.workers.stream import stream_change
from local.table import NAME
from tests.support.app import App, Reply, caller_of
from tests.support.event_harness import ACCOUNT_ID, EventHarness, Killed, Life, append, webhook
from tests.support.fakes import CountingBytes
from tests.support.faulty_wire import FAULTS, Fault, Wire
from tests.support.hypothesis_profiles import examples
from tests.support.interrupted import Interrupted
from tests.support.moto_table import MotoTable
from tests.support.streams import Record, delivered, record

EVENTS = "/v1/contacts/{ref}/events"
RESTORE = "/v1/contacts/{ref}/restore"
PERMANENT = {"permanent": "true"}
ADA = {"email": "ada@example.com", "external_id": "crm-1", "first_name": "Ada"}
ORDER = {"name": "order placed", "data": {"order": 417, "total": 149.9, "of": [{"sku": "A", "gift": None}]}}
MINUTE, HOUR, DAY_MS = 60_000, 3_600_000, 86_400_000
NOBODY = "019bbc0e-1c40-7a3e-8f21-5d3c8b6e4aff"


@pytest.fixture
def harness() -> EventHarness:
    return EventHarness(
        webhook("wh_all"), webhook("wh_custom", "contact.event"), webhook("wh_created", "contact.created")
    )


@pytest.fixture
def ada(harness: EventHarness) -> str:
    """A contact, of whom nobody has been told."""
    contact_id = harness.create(**ADA)
    harness.records()
    return contact_id


def asked(harness: EventHarness, method: str, ref: str, **more: Any) -> Reply:
    """A request about the events of a contact, whatever the answer."""
    return harness.api.request(method, EVENTS, ref, **more)


def recorded(harness: EventHarness, ref: str, body: Any = ORDER, **more: Any) -> Any:
    """An event that was recorded, as the answer has it."""
    reply = harness.request("POST", EVENTS, ref, body=body, **more)
    assert reply.status == 202
    return reply.body


def page(harness: EventHarness, ref: str, **query: object) -> Any:
    reply = asked(harness, "GET", ref, query={name: str(query[name]) for name in query})
    assert reply.status == 200, reply.body
    assert list(reply.body) == ["data", "has_more", "next_cursor"]
    assert reply.body["has_more"] == (reply.body["next_cursor"] is not None)
    return reply.body


def walked(harness: EventHarness, ref: str, **query: object) -> list[Any]:
    """The entries of a whole walk."""
    found, cursor = page(harness, ref, **query), None
    entries = found["data"]
    while (cursor := found["next_cursor"]) is not None:
        found = page(harness, ref, **query, cursor=cursor)
        entries = [*entries, *found["data"]]
    return entries


def ids(entries: Any) -> list[str]:
    return [entry["id"] for entry in entries]


# Recording


def test_what_is_recorded_is_in_the_timeline_at_once(harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, ada)
    assert shown == {
        "id": shown["id"],
        "type": "contact.event",
        "timestamp": iso(harness.clock.at_ms),
        **ORDER,
    }
    assert shown["id"].startswith(uuid7(harness.clock.at_ms, bytes(10))[:13])
    assert page(harness, ada) == {"data": [shown], "has_more": False, "next_cursor": None}


@pytest.mark.parametrize("ref", ["ada@example.com", "Ada@Example.com", "crm-1"])
def test_a_contact_may_be_called_by_any_of_its_names(ref: str, harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, ref)
    assert page(harness, ada)["data"] == page(harness, ref)["data"] == [shown]


def test_how_the_ref_is_read_can_be_said(harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, "crm-1", query={"by": "external_id"})
    assert page(harness, ada, by="id")["data"] == [shown]
    assert asked(harness, "POST", "crm-1", body=ORDER, query={"by": "email"}).status == 404
    assert asked(harness, "GET", "crm-1", query={"by": "email"}).status == 404


@pytest.mark.parametrize("body", [{"name": "seen"}, {"name": "seen", "data": None, "occurred_at": None}])
def test_data_and_moment_need_not_be_given(body: Any, harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, ada, body)
    assert (shown["data"], shown["timestamp"]) == ({}, iso(harness.clock.at_ms))


def test_what_happened_earlier_stands_further_down(harness: EventHarness, ada: str) -> None:
    now = recorded(harness, ada, {"name": "now"})
    at_ms = harness.clock.at_ms
    ago = [0, MINUTE, DAY_MS, 90 * DAY_MS - 10_000]
    earlier = [
        recorded(harness, ada, {"name": str(number), "occurred_at": iso(at_ms - ago_ms)})
        for number, ago_ms in reversed(list(enumerate(ago[1:])))
    ]
    assert ids(page(harness, ada)["data"]) == ids([now, *reversed(earlier)])
    assert [entry["timestamp"] for entry in page(harness, ada)["data"]] == [iso(at_ms - ms) for ms in ago]


@pytest.mark.parametrize(("given", "shown"), [
    ("2026-01-15T11:29:58+01:00", "2026-01-15T10:29:58.000Z"),
    ("2026-01-15T10:29:58.1234Z", "2026-01-15T10:29:58.124Z"),
    ("2026-01-15T10:34:59Z", "2026-01-15T10:34:59.000Z"),
])  # fmt: skip
def test_the_moment_is_shown_in_utc(given: str, shown: str, harness: EventHarness, ada: str) -> None:
    harness.clock.at_ms = parsed("2026-01-15T10:30:00Z") - 1500
    assert recorded(harness, ada, {"name": "seen", "occurred_at": given})["timestamp"] == shown


def test_an_entry_is_kept_for_ninety_days_from_when_it_was_written(harness: EventHarness, ada: str) -> None:
    """However long ago it happened: it leads erasure to an event that lies in the log from now on."""
    recorded(harness, ada, {"name": "seen", "occurred_at": iso(harness.clock.at_ms - 80 * DAY_MS)})
    (entry,) = harness.timeline(ada)
    assert entry["ttl"] == harness.clock.at_ms // 1000 + 90 * DAY


BAD: dict[str, tuple[Any, set[str]]] = {
    "no name": ({}, {"name"}),
    "an empty name": ({"name": ""}, {"name"}),
    "a long name": ({"name": "x" * 101}, {"name"}),
    "NUL in the name": ({"name": "a\0"}, {"name"}),
    "a name that is a number": ({"name": 5}, {"name"}),
    "data that is a list": ({"name": "seen", "data": []}, {"data"}),
    "data that is text": ({"name": "seen", "data": "x"}, {"data"}),
    "a number out of range": ({"name": "seen", "data": {"a": {"b": 10**126}}}, {"data.a.b"}),
    "a number of 39 digits": ({"name": "seen", "data": {"n": [10**38 + 1]}}, {"data.n.0"}),
    "a moment that is a number": ({"name": "seen", "occurred_at": 1768473000}, {"occurred_at"}),
    "no moment": ({"name": "seen", "occurred_at": "yesterday"}, {"occurred_at"}),
    "a moment without a zone": ({"name": "seen", "occurred_at": "2026-01-15T10:30:00"}, {"occurred_at"}),
    "NUL in the moment": ({"name": "seen", "occurred_at": "2026\0"}, {"occurred_at"}),
    "the future": ({"name": "seen", "occurred_at": "2026-01-15T10:35:02Z"}, {"occurred_at"}),
    "the far past": ({"name": "seen", "occurred_at": "2025-10-17T10:30:00Z"}, {"occurred_at"}),
    "before 1970": ({"name": "seen", "occurred_at": "1969-12-31T23:59:59Z"}, {"occurred_at"}),
    "the end of time": ({"name": "seen", "occurred_at": "9999-12-31T23:59:59.9999Z"}, {"occurred_at"}),
    "another field": ({"name": "seen", "type": "x"}, {"type"}),
    "all at once": (
        {"name": "", "data": {"a": "\0", "b": 1e200}, "occurred_at": "x", "at": 1},
        {"name", "data.a", "data.b", "occurred_at", "at"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "culprits"), BAD.values(), ids=list(BAD))
def test_what_is_wrong_is_named_and_nothing_is_written(
    body: Any, culprits: set[str], harness: EventHarness, ada: str
) -> None:
    harness.clock.at_ms = parsed("2026-01-15T10:30:01.000Z")
    before = harness.items()
    refused = asked(harness, "POST", ada, body=body, headers={"Idempotency-Key": "k"})
    assert refused.status == 400
    assert {error["field"] for error in refused.body["errors"]} == culprits
    assert harness.items() == before


def nested(levels: int) -> Any:
    return {"of": nested(levels - 1)} if levels > 1 else {}


def test_data_may_be_nested_twenty_levels_deep(harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, ada, {"name": "seen", "data": nested(20)}, headers={"Idempotency-Key": "k"})
    assert shown["data"] == nested(20)
    harness.dispatch(*harness.records())
    assert harness.logged()[0]["data"]["data"] == nested(20)
    refused = asked(harness, "POST", ada, body={"name": "seen", "data": nested(21)})
    assert (refused.status, "20 levels" in refused.body["detail"]) == (400, True)


def of_size(size: int) -> dict[str, str]:
    """Data of so many bytes, as they are counted."""
    return {"text": "x" * (size - entry_size("data", {"text": ""}))}


def test_data_of_more_than_32_kb_is_refused(harness: EventHarness, ada: str) -> None:
    assert entry_size("data", of_size(MAX_DATA_BYTES)) == MAX_DATA_BYTES
    recorded(harness, ada, {"name": "seen", "data": of_size(MAX_DATA_BYTES)})
    before = harness.items()
    for data in (of_size(MAX_DATA_BYTES + 1), {"n": ["x" * 20] * 1_900}):
        refused = asked(harness, "POST", ada, body={"name": "seen", "data": data})
        assert (refused.status, refused.body["code"], refused.body["field"]) == (
            413,
            "event_too_large",
            "data",
        )
    assert harness.items() == before


def test_the_largest_event_of_the_largest_contact_fits_into_the_log() -> None:
    at = "2026-01-15T10:30:00.000Z"
    whole = Contact(
        id=NOBODY, version=10**9, created_at=at, updated_at=at, unsubscribed_at=at, is_unsubscribed=True,
        email=f"{'a' * 64}@{'b' * 180}.example", external_id="é" * 255,
        first_name="é" * 255, last_name="é" * 255, tags=tuple(str(number) for number in range(100)),
    )  # fmt: skip
    room = 350 * 1024 - measured(contact_values(whole))
    entry = entry_size("123456", {})
    many = {f"{number:06}": {} for number in range(room // entry)}
    largest = Contact(**{**{name: getattr(whole, name) for name in whole.__slots__}, "metadata": many})
    measured(contact_values(largest))
    happened = custom_event("é" * 100, of_size(MAX_DATA_BYTES), None, parsed(at), bytes(10))
    event = event_of_recording(ACCOUNT_ID, NOBODY, happened, largest)
    harness = EventHarness()
    put_entry(harness, happened)
    append(Table(harness.client, NAME), event, at, ["wh_all"] * 100)
    (item,) = harness.logged()
    assert item_size(item) < 400 * 1024, "the most DynamoDB takes"
    assert item["data"]["contact"]["metadata"] == many


def put_entry(harness: EventHarness, event: CustomEvent) -> None:
    """Put an entry into a timeline, whether anybody lives there or not."""
    key = keys.timeline_entry(ACCOUNT_ID, NOBODY, event.id)
    entry = {"type": "contact.event", "timestamp": event.recorded_at, "name": event.name, "data": {}}
    Table(harness.client, NAME).write_many({key: entry})


# Of whom nothing can be recorded


def trash(harness: EventHarness, contact_id: str) -> None:
    harness.request("DELETE", ref=contact_id)


def erase(harness: EventHarness, contact_id: str) -> None:
    harness.request("DELETE", ref=contact_id, query=PERMANENT)


def nothing(harness: EventHarness, contact_id: str) -> None:
    pass


@pytest.mark.parametrize("end", [trash, erase])
@pytest.mark.parametrize("ref", ["id", "ada@example.com", "crm-1", NOBODY, "nobody@example.com", "é" * 300])
def test_of_nobody_nothing_can_be_recorded(
    end: Callable[[EventHarness, str], None], ref: str, harness: EventHarness, ada: str
) -> None:
    end(harness, ada)
    before = harness.items()
    ref = ada if ref == "id" else ref
    for method, body in (("POST", ORDER), ("GET", None)):
        refused = asked(harness, method, ref, body=body, headers={"Idempotency-Key": "k"})
        assert (refused.status, refused.body["code"]) == (404, "contact_not_found")
    assert harness.items() == before


RECEIPTS: list[dict[str, str]] = [{}, {"Idempotency-Key": "k"}]
with_and_without_a_key = pytest.mark.parametrize("headers", RECEIPTS, ids=["without a key", "with a key"])


def in_a_moment(
    harness: EventHarness, after: int, then: Callable[[], object], **request: Any
) -> tuple[Reply, int]:
    """A recording with something else after its n-th call; gives back how many calls it took, too."""
    interrupted = Interrupted(harness.client, after, then)
    elsewhere = EventHarness(dynamodb=interrupted, table=harness.table)
    elsewhere.clock, elsewhere.randomness = harness.clock, CountingBytes(1000)
    elsewhere.api = type(harness.api)(elsewhere)
    return asked(elsewhere, "POST", **request), interrupted.calls


@with_and_without_a_key
@pytest.mark.parametrize("end", [trash, erase])
@pytest.mark.parametrize("ref", ["id", "ada@example.com"])
def test_who_goes_meanwhile_has_it_in_the_timeline_or_not_at_all(
    end: Callable[[EventHarness, str], None],
    ref: str,
    headers: dict[str, str],
    harness: EventHarness,
    ada: str,
) -> None:
    """Whenever it happens: recorded before (202) or refused (404), and nothing is written about who is gone."""
    begun = harness.table.snapshot()
    calls = 1
    after = 0
    statuses = []
    while after < calls:
        after += 1
        harness.table.bring_back(begun)
        end_it = iter([lambda: end(harness, ada)])
        reply, calls = in_a_moment(
            harness,
            after,
            lambda it=end_it: next(it)(),
            ref=ada if ref == "id" else ref,
            body=ORDER,
            headers=headers,
        )
        statuses.append(reply.status)
        assert len(harness.timeline(ada)) == (reply.status == 202)
        pointers = [key for key in harness.items() if keys.pointed_digest(key)]
        assert len(pointers) == (reply.status == 202 and bool(headers))
    assert set(statuses) == {404, 202}


def test_a_name_that_goes_to_somebody_else_meanwhile_takes_the_event_along(
    harness: EventHarness, ada: str
) -> None:
    """As if it had been recorded after that; it must not be recorded of who no longer has the name."""

    def hand_over() -> None:
        harness.request("PATCH", ref=ada, body={"email": "countess@example.com"})
        harness.create(email="ada@example.com")

    reply, _ = in_a_moment(harness, 2, hand_over, ref="ada@example.com", body=ORDER)
    assert reply.status == 202
    assert page(harness, ada)["data"] == []
    assert page(harness, "ada@example.com")["data"] == [reply.body]


def test_a_contact_that_changes_all_the_time_is_not_in_the_way(harness: EventHarness, ada: str) -> None:
    def change() -> None:
        harness.request("PATCH", ref=ada, body={"email": "countess@example.com", "first_name": "Augusta"})

    reply, calls = in_a_moment(harness, 1, change, ref=ada, body=ORDER)
    assert (reply.status, calls) == (202, 2)


def test_a_test_key_has_no_timelines(harness: EventHarness, ada: str) -> None:
    timeline = App(harness.client).timeline(caller_of(ACCOUNT_ID, mode=Mode.TEST))
    before = harness.items()
    with pytest.raises(ContactNotFound):
        timeline.record(Ref(ada), "seen", {}, None, None)
    with pytest.raises(ContactNotFound):
        timeline.contact(Ref(ada))
    assert harness.items() == before


# Once


def test_a_repeated_request_is_answered_from_the_record(harness: EventHarness, ada: str) -> None:
    def ask(body: Any = ORDER) -> Reply:
        return asked(harness, "POST", ada, body=body, headers={"Idempotency-Key": "order-417"})

    first = ask()
    harness.clock.at_ms += HOUR
    again = ask()
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (202, first.body, "true")
    assert page(harness, ada)["data"] == [first.body]
    assert ask({"name": "another"}).status == 422
    trash(harness, ada)
    assert ask().body == first.body
    erase(harness, ada)
    assert ask().body == first.body
    harness.erase(ada)
    forgotten = ask()
    assert (forgotten.status, forgotten.body["code"]) == (404, "contact_not_found")
    assert "417" not in str(harness.items())


def test_without_a_key_the_same_event_may_happen_twice(harness: EventHarness, ada: str) -> None:
    assert recorded(harness, ada)["id"] != recorded(harness, ada)["id"]
    assert len(page(harness, ada)["data"]) == 2


# Telling


def place(item: Any) -> tuple[str, str]:
    return keys.event_position(keys.Key(item["PK"], item["SK"]))


def test_what_was_recorded_is_told_with_the_contact_as_it_is_by_then(harness: EventHarness, ada: str) -> None:
    moment = iso(harness.clock.at_ms - DAY_MS)
    entry = recorded(harness, ada, {**ORDER, "occurred_at": moment})
    recorded_at, told = iso(harness.clock.at_ms), harness.records()
    contact = harness.request("PATCH", ref=ada, body={"last_name": "Lovelace"}).body
    harness.records()
    harness.dispatch(*told)
    (item,) = harness.logged()
    appended_at = iso(harness.clock.at_ms)
    assert place(item) == (appended_at, entry["id"])
    event = EventStore(Table(harness.client, NAME)).event(ACCOUNT_ID, *place(item))
    assert event is not None
    payload = {
        "id": entry["id"],
        "type": "contact.event",
        "timestamp": recorded_at,
        "account_id": ACCOUNT_ID,
        "data": {"contact": contact, **ORDER, "occurred_at": moment},
    }
    assert json.loads(json.dumps(event_out(event))) == payload
    harness.clock.at_ms += MINUTE
    assert harness.listed(type="contact.event").body["data"] == [payload]
    assert harness.listed(type="contact.updated").body["data"] == []
    assert page(harness, ada)["data"] == [entry], "it looks the same afterwards"


def test_the_stream_tells_of_it_when_it_is_put_and_not_again(harness: EventHarness, ada: str) -> None:
    entry = recorded(harness, ada, {**ORDER, "occurred_at": iso(harness.clock.at_ms - DAY_MS)})
    (told,) = harness.records()
    body, number = told["dynamodb"], 7
    change = stream_change(told)
    assert change is not None
    assert (change.kind, change.account_id, change.contact_id) == (ChangeKind.RECORDED, ACCOUNT_ID, ada)
    assert change.at_ms == harness.clock.at_ms
    assert change.recorded == CustomEvent(
        id=entry["id"],
        name=ORDER["name"],
        data=ORDER["data"],
        recorded_at=iso(harness.clock.at_ms),
        occurred_at=entry["timestamp"],
    )
    put = body["NewImage"]
    for old, new in ((put, {**put, "appended_at": {"S": "x"}}), (put, None)):
        assert stream_change(record(number, old, new, 0)) is None
    damaged = {name: value for name, value in put.items() if name != "name"}
    with pytest.raises(KeyError):
        stream_change(record(number, None, damaged, 0))
    logged = {**put, "SK": {"S": keys.event(ACCOUNT_ID, change.recorded.recorded_at, entry["id"]).SK}}
    with pytest.raises(ValueError, match="no key of a contact"):
        stream_change(record(number, None, logged, 0))


def test_only_who_asked_for_it_is_told(harness: EventHarness, ada: str) -> None:
    entry = recorded(harness, ada)
    harness.dispatch(*harness.records())
    assert harness.asked() == [("wh_all", "contact.event"), ("wh_custom", "contact.event")]
    (item,) = harness.logged()
    assert "occurred_at" not in item["data"]
    for webhook_id, body in zip(("wh_all", "wh_custom"), harness.bodies(), strict=True):
        assert body == {
            "account_id": ACCOUNT_ID,
            "webhook_id": webhook_id,
            "delivery_id": delivery_id(entry["id"], webhook_id, parsed(entry["timestamp"])),
            "event_id": entry["id"],
            "event_type": "contact.event",
            "appended_at": place(item)[0],
            "attempt": 1,
        }


def test_an_old_event_is_among_the_newest_deliveries(harness: EventHarness, ada: str) -> None:
    recorded(harness, ada, {"name": "seen", "occurred_at": iso(harness.clock.at_ms - 60 * DAY_MS)})
    harness.dispatch(*harness.records())
    made_at = int(str(harness.bodies()[0]["delivery_id"]).replace("-", "")[:12], 16)
    assert made_at == harness.clock.at_ms


def lived(harness: EventHarness) -> tuple[str, list[Record]]:
    """Changes and events of a contact, as the stream tells them."""
    records: list[Record] = []

    def then(reply: Reply) -> Any:
        records.extend(harness.records())
        return reply.body

    contact_id = str(then(harness.request("POST", "/v1/contacts", body=ADA))["id"])
    then(harness.request("POST", EVENTS, contact_id, body=ORDER))
    then(harness.request("PATCH", ref=contact_id, body={"last_name": "King", "is_unsubscribed": True}))
    then(
        harness.request("POST", EVENTS, contact_id, body={"name": "called"}, headers={"Idempotency-Key": "k"})
    )
    then(harness.request("DELETE", ref=contact_id))
    then(harness.request("POST", RESTORE, contact_id))
    then(harness.request("POST", EVENTS, contact_id, body={"name": "seen"}))
    harness.clock.at_ms += 300
    return contact_id, records


TOLD = ["created", "event", "updated", "unsubscribed", "event", "deleted", "restored", "event"]


def test_a_timeline_has_what_changed_and_what_was_done(harness: EventHarness) -> None:
    contact_id, records = lived(harness)
    harness.dispatch(*records)
    entries = page(harness, contact_id)["data"]
    assert [entry["timestamp"] for entry in entries] == sorted(
        (entry["timestamp"] for entry in entries), reverse=True
    )
    by_type = {entry["type"].removeprefix("contact."): entry for entry in entries if "name" not in entry}
    assert sorted([*by_type, *["event"] * 3]) == sorted(TOLD)
    updated = by_type.pop("updated")
    assert set(updated) == {"id", "type", "timestamp", "changed"}
    assert updated["changed"] == ["is_unsubscribed", "last_name", "name", "unsubscribed_at"]
    assert all(set(entry) == {"id", "type", "timestamp"} for entry in by_type.values())
    assert [entry["name"] for entry in entries if "name" in entry] == ["seen", "called", "order placed"]


def test_a_verdict_is_in_the_timeline_where_an_endpoint_asks_for_verdicts(harness: EventHarness) -> None:
    harness.webhooks.of_accounts[ACCOUNT_ID].append(webhook("wh_verdicts", "contact.validated"))
    contact_id, records = lived(harness)
    VerdictStore(Table(harness.client, NAME)).mark_bounced(ACCOUNT_ID, contact_id, ADA["email"])
    harness.dispatch(*records, *harness.records())
    (entry,) = page(harness, contact_id, type="contact.validated")["data"]
    assert set(entry) == {"id", "type", "timestamp"}


@settings(max_examples=examples(15))
@given(seed=st.integers(0, 10_000))
def test_however_the_stream_is_cut_and_repeated_every_event_is_told_once(seed: int) -> None:
    harness = EventHarness(webhook("wh_all"))
    contact_id, records = lived(harness)
    first_bodies: dict[object, dict[str, object]] = {}
    for batch in delivered(records, Random(seed)):
        harness.clock.at_ms += 50
        harness.dispatch(*batch)
    assert [item["type"].removeprefix("contact.") for item in harness.logged()] == TOLD
    assert len(harness.timeline(contact_id)) == len(TOLD)
    for body in harness.bodies():
        assert first_bodies.setdefault(body["delivery_id"], body) == body
    assert len(first_bodies) == len(TOLD)


def test_killed_after_any_call_the_next_try_completes_it() -> None:
    def begun(life: Life) -> tuple[EventHarness, list[Record]]:
        harness = EventHarness(webhook("wh_all"), webhook("wh_custom", "contact.event"))
        _, records = lived(harness)
        harness.life = harness.mailbox.life = life
        return harness, records

    def shown(harness: EventHarness) -> Any:
        """What was written and sent; of each message, which event of the log lies where it says."""
        logged = [(item["id"], item["data"]) for item in harness.logged()]
        places = [place(item) for item in harness.logged()]
        told = {
            (str(body | {"appended_at": ""}), places.index((body["appended_at"], body["event_id"])))
            for body in harness.bodies()
        }
        return logged, sorted(told)

    whole, records = begun(Life())
    whole.dispatch(*records)
    for calls in range(1, whole.life.made + 1):
        harness, records = begun(Life(calls))
        with pytest.raises(Killed):
            harness.dispatch(*records)
        harness.dispatch(*records)
        assert shown(harness) == shown(whole), calls


def test_who_subscribes_later_is_not_told_again(harness: EventHarness, ada: str) -> None:
    recorded(harness, ada)
    records = harness.records()
    harness.dispatch(*records)
    harness.webhooks.of_accounts[ACCOUNT_ID] = [webhook("wh_late")]
    harness.clock.at_ms += MINUTE
    harness.dispatch(*records)
    assert harness.bodies()[:2] == harness.bodies()[2:]


def test_of_who_is_in_the_trash_by_then_it_is_told_all_the_same(harness: EventHarness, ada: str) -> None:
    """It happened, and the contact may come back."""
    recorded(harness, ada)
    told = harness.records()
    trash(harness, ada)
    harness.dispatch(*told)
    (item,) = harness.logged()
    assert item["data"]["contact"]["email"] == "ada@example.com"


def test_of_who_is_gone_by_then_it_is_not_told(harness: EventHarness, ada: str) -> None:
    recorded(harness, ada)
    told = harness.records()
    erase(harness, ada)
    harness.dispatch(*told)
    assert (harness.logged(), harness.bodies()) == ([], [])


def test_who_has_been_erased_is_not_told_of_again(harness: EventHarness, ada: str) -> None:
    """Also as long as the eraser has not come to it."""
    recorded(harness, ada)
    told = harness.records()
    harness.dispatch(*told)
    asked_for = harness.asked()
    erase(harness, ada)
    harness.dispatch(*told)
    assert (harness.asked(), len(harness.logged())) == (asked_for, 1)


def test_whenever_somebody_is_restored_it_is_told(harness: EventHarness, ada: str) -> None:
    recorded(harness, ada)
    told = harness.records()
    trash(harness, ada)
    begun = harness.table.snapshot()
    for after in (1, 2, 3):
        harness.table.bring_back(begun)
        client = harness.client
        harness.client = Interrupted(client, after, lambda: harness.request("POST", RESTORE, ada))
        harness.dispatch(*told)
        harness.client = client
        assert len(harness.logged()) == 1, after


def test_who_was_told_of_is_told_of_again_after_they_have_gone(harness: EventHarness, ada: str) -> None:
    """A dispatcher that was killed before it sent its messages; the contact has since left without an erasure."""
    recorded(harness, ada)
    told = harness.records()
    harness.dispatch(*told)
    Table(harness.client, NAME).write_many({}, [keys.contact(ACCOUNT_ID, ada)])
    harness.clock.at_ms += MINUTE
    harness.dispatch(*told)
    assert len(harness.logged()) == 1
    assert harness.bodies()[:2] == harness.bodies()[2:]


def test_what_is_no_longer_in_the_timeline_is_not_told(harness: EventHarness, ada: str) -> None:
    entry = recorded(harness, ada)
    told = harness.records()
    Table(harness.client, NAME).write_many({}, [keys.timeline_entry(ACCOUNT_ID, ada, entry["id"])])
    harness.dispatch(*told)
    assert (harness.logged(), harness.bodies(), harness.timeline(ada)) == ([], [], [])


# Faults


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)


@cache
def wired() -> tuple[Wire, EventHarness, str, Any]:
    wire = Wire(MotoTable())
    harness = EventHarness(webhook("wh_all"), dynamodb=wire.client(), table=wire.table)
    contact_id = harness.create(**ADA)
    harness.records()
    return wire, harness, contact_id, wire.table.snapshot()


@with_and_without_a_key
@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_an_event_is_recorded_once_or_not_at_all(
    fault: Fault, times: int, headers: dict[str, str], no_pauses: None
) -> None:
    wire, harness, contact_id, begun = wired()
    for number, method in enumerate(("get_item", "transact_write_items"), start=1):
        if not fault.strikes(method):
            continue
        wire.table.bring_back(begun)
        wire.be_sound()
        wire.strike(fault, number, times)
        reply = asked(harness, "POST", contact_id, body=ORDER, headers=headers)
        wire.be_sound()
        is_done = fault.is_late and method == "transact_write_items"
        if reply.status == 202:
            assert len(harness.timeline(contact_id)) == 1
            continue
        assert reply.status == 503, fault
        assert len(harness.timeline(contact_id)) == is_done
        if headers:
            again = asked(harness, "POST", contact_id, body=ORDER, headers=headers)
            assert (again.status, "Idempotent-Replayed" in again.headers) == (202, is_done)
            assert len(harness.timeline(contact_id)) == 1


@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_after_a_fault_it_is_told_as_if_there_had_been_none(
    fault: Fault, times: int, no_pauses: None
) -> None:
    wire, harness, contact_id, begun = wired()
    for number in (1, 2):
        wire.table.bring_back(begun)
        wire.be_sound()
        harness.mailbox.messages.clear()
        harness.records()
        recorded(harness, contact_id)
        told = harness.records()
        wire.be_sound()
        wire.strike(fault, number, times)
        try:
            harness.dispatch(*told)
        except TemporarilyUnavailable:
            wire.be_sound()
            harness.dispatch(*told)
        wire.be_sound()
        assert len(harness.logged()) == 1
        assert len({str(body) for body in harness.bodies()}) == 1


# Pages


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_a_walk_has_everything_once_the_newest_first(limit: int, harness: EventHarness, ada: str) -> None:
    made = [recorded(harness, ada, {"name": str(number)}) for number in range(7)]
    assert walked(harness, ada, limit=limit) == made[::-1]
    pages = 1
    found = page(harness, ada, limit=limit)
    while found["next_cursor"]:
        found = page(harness, ada, limit=limit, cursor=found["next_cursor"])
        pages += 1
    assert pages == -(-7 // limit)


class Asked:
    """A client that keeps what it is asked for."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.queries: list[Any] = []

    def query(self, **request: Any) -> Any:
        self.queries.append(request)
        return self._client.query(**request)


def test_one_more_is_read_than_shown_so_that_the_last_page_is_known_to_be_it(
    harness: EventHarness, ada: str
) -> None:
    """DynamoDB says that there is more wherever it stops at a limit."""
    for number in range(3):
        recorded(harness, ada, {"name": str(number)})
    client = Asked(harness.client)
    store = TimelineStore(Table(client, NAME), ACCOUNT_ID)
    entries, after = store.newest_first([ada], None, None, 0, at_most=3, evaluate=1000)
    assert (len(entries), after, [query["Limit"] for query in client.queries]) == (3, None, [4])


def test_fifty_are_shown_where_nothing_is_said(harness: EventHarness, ada: str) -> None:
    for number in range(51):
        recorded(harness, ada, {"name": str(number)})
    found = page(harness, ada)
    assert (len(found["data"]), found["has_more"]) == (50, True)
    assert len(page(harness, ada, limit=100)["data"]) == 51


def test_what_has_expired_is_not_shown_though_it_may_still_be_there(harness: EventHarness, ada: str) -> None:
    recorded(harness, ada, {"name": "old"})
    harness.clock.at_ms += 89 * DAY_MS
    young = recorded(harness, ada, {"name": "young"})
    assert len(page(harness, ada)["data"]) == 2
    harness.clock.at_ms += DAY_MS
    assert page(harness, ada) == {"data": [young], "has_more": False, "next_cursor": None}


def test_entries_of_one_type(harness: EventHarness) -> None:
    contact_id, records = lived(harness)
    harness.dispatch(*records)
    for kind in ("contact.event", "contact.created", "contact.validated"):
        expected = [entry for entry in walked(harness, contact_id) if entry["type"] == kind]
        assert walked(harness, contact_id, type=kind, limit=1) == expected


def test_one_request_looks_at_a_thousand_entries_at_most(harness: EventHarness, ada: str) -> None:
    rare = recorded(harness, ada)
    at_ms = harness.clock.at_ms
    changes = {
        keys.timeline_entry(ACCOUNT_ID, ada, uuid7(at_ms + number, bytes(10))): {
            "type": EventType.UPDATED, "timestamp": iso(at_ms + number), "version": 1, "ttl": at_ms // 1000 + DAY,
        }
        for number in range(1, 1501)
    }  # fmt: skip
    Table(harness.client, NAME).write_many(changes)
    first = page(harness, ada, type="contact.event")
    assert (first["data"], first["has_more"]) == ([], True)
    assert page(harness, ada, type="contact.event", cursor=first["next_cursor"])["data"] == [rare]


def test_a_cursor_is_good_after_its_entry_is_gone(harness: EventHarness, ada: str) -> None:
    made = [recorded(harness, ada, {"name": str(number)}) for number in range(4)]
    cursor = page(harness, ada, limit=2)["next_cursor"]
    Table(harness.client, NAME).write_many({}, [keys.timeline_entry(ACCOUNT_ID, ada, made[2]["id"])])
    assert page(harness, ada, cursor=cursor)["data"] == [made[1], made[0]]


def test_a_cursor_belongs_to_its_contact_and_query(harness: EventHarness, ada: str) -> None:
    for number in range(3):
        recorded(harness, ada, {"name": str(number)})
    cursor = page(harness, ada, limit=1)["next_cursor"]
    assert page(harness, "ada@example.com", limit=2, cursor=cursor)["has_more"] is False
    bea = harness.create(email="bea@example.com")
    for ref, query in ((bea, {}), (ada, {"type": "contact.event"})):
        refused = asked(harness, "GET", ref, query={**query, "cursor": cursor})
        assert (refused.status, refused.body["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ({"cursor": ""}, "cursor"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "A" * 32}, "cursor"),
        ({"type": "contact.exploded"}, "type"),
        ({"type": "webhook.test"}, "type"),
        ({"type": ""}, "type"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"by": "name"}, "by"),
        ({"offset": "1"}, "offset"),
    ],
)
def test_what_is_wrong_with_a_query_is_named(
    query: dict[str, str], culprit: str, harness: EventHarness, ada: str
) -> None:
    refused = asked(harness, "GET", ada, query=query)
    assert (refused.status, refused.body["field"]) == (400, culprit)


def test_what_else_is_kept_about_a_contact_is_no_entry(harness: EventHarness, ada: str) -> None:
    shown = recorded(harness, ada, headers={"Idempotency-Key": "k"})
    harness.request("PATCH", ref=ada, body={"first_name": "A"}, headers={"Idempotency-Key": "l"})
    assert walked(harness, ada, limit=1) == [shown]


def test_a_page_of_large_entries_stays_below_five_megabytes(harness: EventHarness, ada: str) -> None:
    """A control character is one byte in the table, and six in JSON."""
    data = {"text": "\x01" * (MAX_DATA_BYTES - 20)}
    made = [recorded(harness, ada, {"name": str(number), "data": data})["id"] for number in range(60)]
    first = page(harness, ada, limit=100)
    assert len(json.dumps(first, ensure_ascii=False).encode()) < MAX_ANSWER_BYTES
    assert (0 < len(first["data"]) < 60, first["has_more"]) == (True, True)
    assert ids(walked(harness, ada, limit=100)) == made[::-1]


# While entries are added


@dataclass(frozen=True)
class Add:
    """Something is recorded that happened so long ago."""

    ago_ms: int


@dataclass(frozen=True)
class Look:
    """Somebody asks for the next page."""

    limit: int


STEPS = st.one_of(
    st.builds(Add, st.one_of(st.just(0), st.integers(0, 10), st.integers(0, 80 * DAY_MS))),
    st.builds(Look, st.integers(1, 4)),
)
AGES = st.lists(st.one_of(st.integers(0, 10), st.integers(0, 80 * DAY_MS)), max_size=12)
_names = count(1)


@cache
def shared() -> tuple[EventHarness, str, Any]:
    harness = EventHarness()
    contact_id = harness.create(**ADA)
    return harness, contact_id, harness.table.snapshot()


@settings(max_examples=examples(150))
@given(ages=AGES, steps=st.lists(STEPS, max_size=25))
def test_a_walk_misses_nothing_that_was_there_and_shows_nothing_twice(
    ages: list[int], steps: list[Add | Look]
) -> None:
    """Whatever is added meanwhile, in front of the walk or behind it."""
    harness, contact_id, empty = shared()
    harness.table.bring_back(empty)

    def add(ago_ms: int) -> str:
        body = {"name": str(next(_names)), "occurred_at": iso(harness.clock.at_ms - ago_ms)}
        reply = asked(harness, "POST", contact_id, body=body)
        assert reply.status == 202, reply.body
        return str(reply.body["id"])

    there = {add(age) for age in ages}
    seen: list[Any] = []
    added: set[str] = set()
    query: dict[str, object] | None = {}
    for step in [*steps, *[Look(4)] * 20]:
        if isinstance(step, Add):
            added.add(add(step.ago_ms))
        elif query is not None:
            found = page(harness, contact_id, **query, limit=step.limit)
            seen += found["data"]
            query = {"cursor": found["next_cursor"]} if found["has_more"] else None
    assert query is None
    assert there <= set(ids(seen)) <= there | added
    assert all(one["id"] > next_one["id"] for one, next_one in pairwise(seen))
    assert all(one["timestamp"] >= next_one["timestamp"] for one, next_one in pairwise(seen))
    # What was added where the walk had been already is missing; a walk that begins now has it all.
    assert ids(walked(harness, contact_id, limit=7)) == sorted(there | added, reverse=True)
