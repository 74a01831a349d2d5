"""From the stream to the event log: every event once, in its order, and a message for whoever asked for it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, pairwise, repeat
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import MAX_BYTES, Contact
from contacts.book.store import contact_item
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.ids import is_uuid
from contacts.core.json import exact_number, to_json
from contacts.core.time import DAY, iso, parsed
from contacts.email_validation.store import VerdictStore
from contacts.events.changes import PartlyHandled, StreamChange, event_of_trashing, events_of_change
from contacts.events.model import Event, EventType, event_id, event_out
from contacts.events.store import ClaimedPlace, EventStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import item_size, to_item
from contacts.webhooks.dispatch import Dispatcher
from contacts.webhooks.model import Webhook, delivery_id
from local.table import NAME
from tests.support.event_harness import ACCOUNT_ID, EventHarness, Killed, Life, append, changes, webhook
from tests.support.faulty_wire import FAULTS, Fault, Wire
from tests.support.hypothesis_profiles import examples
from tests.support.interrupted import Interrupted
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Meter, Throttled
from tests.support.streams import Record, delivered, record

RESTORE = "/v1/contacts/{ref}/restore"
EVERYTHING = webhook("wh_everything")
UNITS_OF_AN_EVENT = 2
"""Written: a timeline entry, and an event of the log."""


OTHER_ACCOUNT = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d99"


def kinds(items: Sequence[Any]) -> list[str]:
    return [item["type"].removeprefix("contact.") for item in items]


def lived(harness: EventHarness) -> tuple[str, list[Record]]:
    """A contact's life, from creation to erasure, as the stream tells it."""
    records = []

    def then(_: object) -> None:
        records.extend(harness.records())

    contact_id = harness.create(email="ada@example.com", first_name="Ada")
    then(contact_id)
    then(harness.request("PATCH", ref=contact_id, body={"first_name": "Augusta"}))
    then(harness.request("PATCH", ref=contact_id, body={"is_unsubscribed": True}))
    then(harness.request("DELETE", ref=contact_id))
    then(harness.request("POST", RESTORE, contact_id))
    then(harness.request("PATCH", ref=contact_id, body={"is_unsubscribed": False, "tags": ["vip"]}))
    harness.clock.at_ms += 300
    return contact_id, records


LIFE = ["created", "updated", "updated", "unsubscribed", "deleted", "restored", "updated", "resubscribed"]


def test_every_change_of_a_life_is_told_in_its_order() -> None:
    harness = EventHarness(EVERYTHING)
    contact_id, records = lived(harness)
    harness.dispatch(*records)
    assert kinds(harness.logged()) == LIFE
    assert [kind for _, kind in harness.asked()] == [f"contact.{kind}" for kind in LIFE]
    assert sorted(kinds(harness.timeline(contact_id))) == sorted(LIFE)
    versions = [event["data"]["contact"]["version"] for event in harness.logged()]
    assert versions == [1, 2, 3, 3, 3, 4, 5, 5]


VERDICT, OTHER = "contact.validated", "contact.updated"
DISABLED = webhook("wh_off", VERDICT, is_active=False)


@pytest.mark.parametrize(("webhooks", "is_logged", "asked"), [
    pytest.param((), False, [], id="nobody"),
    pytest.param((EVERYTHING,), False, [], id="all: a verdict is not among them"),
    pytest.param((webhook("wh_1", OTHER),), False, [], id="something else"),
    pytest.param((webhook("wh_1", VERDICT),), True, ["wh_1"], id="by name"),
    pytest.param((webhook("wh_1", "*", VERDICT),), True, ["wh_1"], id="by name, beside all"),
    pytest.param((EVERYTHING, webhook("wh_1", OTHER, VERDICT)), True, ["wh_1"], id="one of two"),
    pytest.param((DISABLED,), True, [], id="one that is not active: it is logged, to catch up from"),
    pytest.param((EVERYTHING, DISABLED), True, [], id="one that is not active, and one for all"),
])  # fmt: skip
def test_a_verdict_is_told_to_whoever_names_verdicts(
    webhooks: Sequence[Webhook], is_logged: bool, asked: Sequence[str]
) -> None:
    harness = EventHarness(*webhooks)
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    store = VerdictStore(Table(harness.client, NAME))
    assert store.mark_bounced(ACCOUNT_ID, contact_id, "ada@example.com")
    records = harness.records()
    for _ in range(2):  # The stream may deliver it twice.
        harness.dispatch(*records)
    assert kinds(harness.logged()) == ["validated"] * is_logged
    assert kinds(harness.timeline(contact_id)) == ["validated"] * is_logged
    assert sorted({one for one, kind in harness.asked() if kind == VERDICT}) == sorted(asked)


def test_a_verdict_that_nobody_asked_for_costs_the_dispatcher_one_read() -> None:
    harness = EventHarness(EVERYTHING)
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    VerdictStore(Table(harness.client, NAME)).mark_bounced(ACCOUNT_ID, contact_id, "ada@example.com")
    meter = harness.client = Meter(harness.client)
    harness.dispatch(*harness.records())
    assert (meter.units, harness.webhooks.reads) == (0, [ACCOUNT_ID])


def contact(**fields: Any) -> Contact:
    at = "2026-01-15T10:00:00.000Z"
    return Contact(
        id="019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01",
        version=1,
        created_at=at,
        updated_at=at,
        email="ada@example.com",
        **fields,
    )


def payload(harness: EventHarness) -> str:
    """The only event in the log as its receivers see it."""
    (item,) = harness.logged()
    event = EventStore(Table(harness.client, NAME)).event(ACCOUNT_ID, place(item)[0], item["id"])
    assert event is not None
    return to_json(event_out(event))


def test_an_event_carries_the_contact_as_the_api_showed_it() -> None:
    harness = EventHarness()
    body = {"email": "ada@example.com", "tags": ["vip"], "custom_fields": {"of": [1, True, None, 0.1, {}]}}
    shown = harness.request("POST", "/v1/contacts", body=body).body
    harness.dispatch(*harness.records())
    (item,) = harness.logged()
    assert json.loads(payload(harness)) == {
        "id": item["id"],
        "type": "contact.created",
        "timestamp": shown["created_at"],
        "account_id": ACCOUNT_ID,
        "data": {"contact": shown},
    }
    assert set(item) == {"PK", "SK", "id", "type", "timestamp", "contact_id", "data", "ttl"}


def test_numbers_keep_every_digit() -> None:
    number = "12345678901234567890.123456789012345678"
    exact = contact(custom_fields={"of": exact_number(number)})
    item = {**keys.contact(ACCOUNT_ID, exact.id)._asdict(), **contact_item(exact, "c-1")}
    harness = EventHarness()
    harness.dispatch(record(1, None, to_item(item), harness.clock.at_ms / 1000))
    assert f'"custom_fields":{{"of":{number}}}' in payload(harness)


def place(item: Any) -> tuple[str, str]:
    return keys.event_position(keys.Key(item["PK"], item["SK"]))


def test_a_timeline_entry_knows_where_its_event_lies_and_whom_it_is_for() -> None:
    harness = EventHarness(EVERYTHING, webhook("wh_updates", "contact.updated", "contact.deleted"))
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    changed_at = harness.request("PATCH", ref=contact_id, body={"first_name": "Ada"}).body["updated_at"]
    harness.clock.at_ms += 400
    harness.dispatch(*harness.records())
    (event,), (entry,) = harness.logged(), harness.timeline(contact_id)
    appended_at = iso(harness.clock.at_ms)
    assert place(event) == (appended_at, event["id"])
    assert {name: entry[name] for name in entry.keys() - {"PK", "SK"}} == {
        "type": "contact.updated",
        "timestamp": changed_at,
        "version": 2,
        "changed": ["first_name", "name"],
        "appended_at": appended_at,
        "webhooks": ["wh_everything", "wh_updates"],
        "shards": 4,
        "open_at": appended_at,
        "ttl": parsed(appended_at) // 1000 + 90 * DAY,
    }
    assert keys.timeline_event_id(keys.Key(entry["PK"], entry["SK"])) == event["id"]
    assert event["ttl"] == parsed(appended_at) // 1000 + 30 * DAY


def test_a_message_names_the_delivery_and_nobody() -> None:
    harness = EventHarness(EVERYTHING)
    contact_id = harness.create(email="ada@example.com")
    harness.dispatch(*harness.records())
    (event,), (message,) = harness.logged(), harness.mailbox.messages
    assert message.body == {
        "account_id": ACCOUNT_ID,
        "webhook_id": "wh_everything",
        "delivery_id": delivery_id(event["id"], "wh_everything", parsed(event["timestamp"])),
        "event_id": event["id"],
        "event_type": "contact.created",
        "appended_at": place(event)[0],
        "attempt": 1,
    }
    assert (message.group, message.delay_s) == (ACCOUNT_ID, 0)
    assert contact_id not in str(message)
    assert is_uuid(str(message.body["delivery_id"]))


def test_only_who_asked_for_a_type_and_is_active_is_told() -> None:
    harness = EventHarness(
        webhook("wh_asleep", is_active=False),
        webhook("wh_created", "contact.created"),
        webhook("wh_both", "contact.updated", "contact.unsubscribed"),
        EVERYTHING,
    )
    contact_id = harness.create(email="ada@example.com")
    records = harness.records()
    harness.request("PATCH", ref=contact_id, body={"is_unsubscribed": True})
    harness.dispatch(*records, *harness.records())
    assert harness.asked() == [
        ("wh_created", "contact.created"),
        ("wh_everything", "contact.created"),
        ("wh_both", "contact.updated"),
        ("wh_everything", "contact.updated"),
        ("wh_both", "contact.unsubscribed"),
        ("wh_everything", "contact.unsubscribed"),
    ]
    assert harness.webhooks.reads == [ACCOUNT_ID], "once for the account in this batch"


def test_where_nobody_asked_the_log_has_it_all_the_same() -> None:
    harness = EventHarness()
    _, records = lived(harness)
    harness.dispatch(*records)
    assert kinds(harness.logged()) == LIFE
    assert harness.mailbox.messages == []
    # A new process begins with one change at a time, and reads of each whether the contact is erased. Two of the
    # records, of the contact's removal and of its trash's, are no events. The first record is some seconds old, so the
    # process looks whether it came before.
    assert harness.life.made == 2 * len(LIFE) + len(records) - 2 + 1, "no call of the queue"


def test_nothing_is_read_where_there_is_nothing_to_tell() -> None:
    harness = EventHarness(EVERYTHING)
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    harness.request("PATCH", ref=contact_id, body={"first_name": None})
    harness.dispatch(*harness.records())
    assert (harness.logged(), harness.webhooks.reads, harness.mailbox.messages) == ([], [], [])


# Again


@settings(max_examples=examples(25))
@given(seed=st.integers(0, 10_000))
def test_however_the_stream_is_cut_and_repeated_every_event_is_there_once(seed: int) -> None:
    harness = EventHarness(EVERYTHING)
    contact_id, records = lived(harness)
    first_bodies: dict[object, dict[str, object]] = {}
    for batch in delivered(records, Random(seed)):
        harness.clock.at_ms += 50
        harness.dispatch(*batch)
    assert kinds(harness.logged()) == LIFE
    assert len(harness.timeline(contact_id)) == len(LIFE)
    for body in harness.bodies():
        assert first_bodies.setdefault(body["delivery_id"], body) == body
    assert len(first_bodies) == len(LIFE)


def test_who_subscribes_later_is_not_told_again_and_who_leaves_still_is() -> None:
    """What comes again is for those it was for at first: nobody gets half of it."""
    harness = EventHarness(webhook("wh_first"))
    harness.create(email="ada@example.com")
    records = harness.records()
    harness.dispatch(*records)
    harness.webhooks.of_accounts[ACCOUNT_ID] = [webhook("wh_second")]
    harness.clock.at_ms += 60_000
    harness.dispatch(*records)
    assert harness.bodies()[0] == harness.bodies()[1]
    assert harness.bodies()[0]["webhook_id"] == "wh_first"


def shown(harness: EventHarness) -> str:
    """What was written and sent, but for doubles of messages, the moments, which follow the clock, and from when a
    place was open, which depends on what was claimed together.
    """
    contact_ids = {event["contact_id"] for event in harness.logged()}
    written = [*harness.logged(), *(entry for contact in contact_ids for entry in harness.timeline(contact))]
    written += [item for item in harness.items().values() if "erased_at" in item]
    lasting = [{name: item[name] for name in sorted(item.keys() - {"ttl", "open_since"})} for item in written]
    everything = json.dumps([lasting, sorted({json.dumps(body) for body in harness.bodies()})])
    for number, moment in enumerate(place(event)[0] for event in harness.logged()):
        everything = everything.replace(moment, f"moment {number}")
    return everything


def test_killed_after_any_call_the_next_try_completes_it() -> None:
    def begun(life: Life) -> tuple[EventHarness, list[Record]]:
        harness = EventHarness(EVERYTHING, webhook("wh_created", "contact.created"))
        contact_id, records = lived(harness)
        harness.request("DELETE", ref=contact_id, query={"permanent": "true"})
        harness.life = harness.mailbox.life = life
        return harness, [*records, *harness.records()]

    # The tombstone is there already: only its own event is appended. And without it, all but that.
    for kept in (slice(-1), slice(None)):
        whole, records = begun(Life())
        if kept.stop:
            tombstone = next(item for item in whole.table.items() if "erased_at" in item)
            whole.table.remove(tombstone)
        whole.dispatch(*records[kept])
        for calls in range(1, whole.life.made + 1):
            harness, records = begun(Life(calls))
            if kept.stop:
                harness.table.remove(next(item for item in harness.table.items() if "erased_at" in item))
            with pytest.raises(Killed):
                harness.dispatch(*records[kept])
            harness.dispatch(*records[kept])
            assert shown(harness) == shown(whole), calls


class Reader:
    """Somebody who fetches events, and keeps the cursor."""

    def __init__(self, harness: EventHarness) -> None:
        self._harness = harness
        self._query: dict[str, object] = {}
        self.seen: list[str] = []

    def fetch(self) -> None:
        """Fetch all there is for now."""
        has_more = True
        while has_more:
            page = self._harness.listed(**self._query).body
            self.seen += kinds(page["data"])
            self._query["cursor"] = page["next_cursor"]
            has_more = page["has_more"]


@pytest.mark.parametrize(
    ("undisturbed", "at_once"), [(0, 1), (1000, 8)], ids=["one at a time", "side by side"]
)
def test_killed_after_any_call_a_reader_gets_each_event_once(undisturbed: int, at_once: int) -> None:
    """Also who fetches all the time: no event appears behind a cursor, and none in two places."""
    calls, made = 0, 1
    while calls < made:
        calls += 1
        harness = EventHarness(EVERYTHING)
        harness.at_once, harness.undisturbed = at_once, undisturbed
        _, records = lived(harness)
        reader = Reader(harness)
        harness.life = harness.mailbox.life = Life(calls)
        try:
            harness.dispatch(*records)
            made = harness.life.made
        except Killed:
            made = calls + 1
        harness.life.calls = 1_000_000
        for _ in range(2):
            harness.clock.at_ms += 10_001
            reader.fetch()
            harness.dispatch(*records)
        harness.clock.at_ms += 10_001
        reader.fetch()
        assert reader.seen == LIFE, calls
    assert calls > 2 * len(LIFE)


def overtaken(after: int, passed_ms: int) -> tuple[EventHarness, Reader, int]:
    """A dispatcher that another one overtakes after the n-th call; gives back how many calls it took, too."""
    harness = EventHarness(EVERYTHING)
    harness.undisturbed = 1000
    _, records = lived(harness)
    reader, client = Reader(harness), harness.client

    def meanwhile() -> None:
        harness.clock.at_ms += passed_ms
        interrupted, harness.client = harness.client, client
        harness.dispatch(*records)
        harness.clock.at_ms += passed_ms
        reader.fetch()
        harness.client = interrupted

    harness.client = interrupted = Interrupted(client, after, meanwhile)
    harness.dispatch(*records)
    harness.client = client
    harness.clock.at_ms += 10_100
    reader.fetch()
    return harness, reader, interrupted.calls


@pytest.mark.parametrize("passed_ms", [0, 400, 3000, 5000, 11_000])
def test_whenever_another_process_does_the_same_each_event_is_there_once(passed_ms: int) -> None:
    """A process that everybody believes to be dead goes on after the one that took its place."""
    calls, after = 1, 0
    while after < calls:
        after += 1
        harness, reader, calls = overtaken(after, passed_ms)
        assert sorted(reader.seen) == sorted(LIFE), after
        assert sorted(kinds(harness.logged())) == sorted(LIFE), after
        lies_at = {(body["appended_at"], body["event_id"]) for body in harness.bodies()}
        assert lies_at == {place(item) for item in harness.logged()}, after
    assert calls > 2 * len(LIFE)


# In nobody's way


class Contended(EventStore):
    """An event store at which others are in the way the first few times."""

    def __init__(self, harness: EventHarness, times: int) -> None:
        super().__init__(Table(harness.client, NAME))
        self._harness = harness
        self.times = times
        self.tried_at: list[str] = []

    def claim(self, event: Event, appended_at: str, *more: Any) -> ClaimedPlace | None:
        self.tried_at.append(appended_at)
        self.times -= 1
        if self.times >= 0:
            self._harness.clock.at_ms += 2000
            raise Contention
        return super().claim(event, appended_at, *more)


def test_each_try_appends_at_its_own_moment() -> None:
    """Else an event could turn up behind the cursor of somebody who has read past its place."""
    harness = EventHarness()
    harness.create(email="ada@example.com")
    store = Contended(harness, times=3)
    harness.dispatch(*harness.records(), events=store)
    assert len(store.tried_at) == 4
    (event,) = harness.logged()
    assert place(event)[0] == store.tried_at[-1] == iso(harness.clock.at_ms)


def test_who_never_gets_through_asks_for_the_batch_again() -> None:
    harness = EventHarness()
    harness.create(email="ada@example.com")
    with pytest.raises(TemporarilyUnavailable):
        harness.dispatch(*harness.records(), events=Contended(harness, times=100))
    assert harness.logged() == []


def created(harness: EventHarness, number: int) -> list[Record]:
    """So many contacts, as the stream tells of them."""
    records = []
    for one in range(number):
        harness.create(email=f"{one}@example.com")
        records += harness.records()
    return records


def handled_of(dispatcher: Dispatcher, batch: Sequence[StreamChange]) -> int:
    """How many of a batch are handled, counted from the first."""
    try:
        dispatcher.handle(batch)
    except PartlyHandled as partly:
        return partly.handled
    return len(batch)


@pytest.mark.parametrize(
    ("calls", "is_warm", "at_most"),
    [(7, True, 1.2), (20, True, 1.2), (50, True, 1.2), (100, True, 1.2), (7, False, 1.5), (50, False, 1.5)],
)
def test_a_throttled_dispatcher_gets_further_each_time(calls: int, is_warm: bool, at_most: float) -> None:
    """`is_warm`: whether one process has all tries. `at_most`: write units, as a share of those without throttling."""
    number = 70
    harness = EventHarness(EVERYTHING)
    harness.at_once = 16
    rest = changes(created(harness, number))
    meter = Meter(harness.client)
    harness.client = table = Throttled(meter, calls)
    dispatcher = harness.dispatcher()
    while rest:
        table.recovered()
        harness.clock.at_ms += 2000
        if not is_warm:
            dispatcher = harness.dispatcher()
        handled = handled_of(dispatcher, rest)
        assert handled > 0
        rest = rest[handled:]
    assert len(harness.logged()) == number
    assert meter.units <= at_most * number * UNITS_OF_AN_EVENT


def cut_off(
    harness: EventHarness, number: int, client: Any, spacing_ms: int = 2000
) -> tuple[list[int], float]:
    """How many changes each invocation completes while the table cuts it off, and the units of an event.

    Each invocation has a process of its own, which remembers nothing.
    """
    rest = changes(created(harness, number))
    meter = harness.client = Meter(harness.client)
    harness.client = table = client(meter)
    harness.at_once = 16
    completed = []
    while rest and len(completed) < 3 * number:
        table.recovered()
        harness.clock.at_ms += spacing_ms
        completed.append(handled_of(harness.dispatcher(), rest))
        rest = rest[completed[-1] :]
    return completed, meter.units / number


class FewWrites(Throttled):
    """A client that takes some writes, then none until it has `recovered`. Reads it always takes."""

    def _call(self, method: str, **request: Any) -> Any:
        if method in ("query", "get_item", "batch_get_item"):
            return getattr(self._client, method)(**request)
        return super()._call(method, **request)


@pytest.mark.parametrize("writes", [1, 2, 3, 4, 5, 6, 7, 8, 20])
def test_a_new_process_goes_on_where_the_one_before_was_cut_off_in_its_writes(writes: int) -> None:
    """An event takes two writes, so with one it takes two invocations. No write is made twice."""
    number = 20
    harness = EventHarness(EVERYTHING)
    completed, units = cut_off(harness, number, lambda client: FewWrites(client, writes))
    assert sum(completed) == len(harness.logged()) == len({str(body) for body in harness.bodies()}) == number
    assert len(completed) <= -(-2 * number // writes) + 1
    assert units <= 1.2 * UNITS_OF_AN_EVENT


@pytest.mark.parametrize("calls", [3, 4, 5, 6, 7, 8, 20])
def test_a_new_process_goes_on_where_the_one_before_was_cut_off_in_its_calls(calls: int) -> None:
    """It looks for what was begun, and whether the contact is erased: two reads before the first write."""
    number = 20
    harness = EventHarness(EVERYTHING)
    completed, units = cut_off(harness, number, lambda client: Throttled(client, calls))
    assert sum(completed) == len(harness.logged()) == number
    assert all(sum(pair) for pair in pairwise(completed))
    assert units <= 1.2 * UNITS_OF_AN_EVENT


@pytest.mark.parametrize("calls", [1, 2])
def test_where_no_write_is_possible_after_what_has_to_be_read_nothing_is_spent(calls: int) -> None:
    harness = EventHarness(EVERYTHING)
    completed, units = cut_off(harness, 10, lambda client: Throttled(client, calls))
    assert sum(completed) == len(harness.logged()) == 0
    assert units * 10 <= 1


@pytest.mark.parametrize(("writes", "at_most"), [(3, 2.5), (4, 1.2), (5, 1.5), (7, 1.5), (20, 1.2)])
def test_a_process_that_comes_late_moves_what_was_begun(writes: int, at_most: float) -> None:
    """Where Lambda repeats a batch only after seconds, the place of a claimed event is in the past by then."""
    number = 20
    harness = EventHarness(EVERYTHING)
    completed, units = cut_off(harness, number, lambda client: FewWrites(client, writes), spacing_ms=7000)
    assert sum(completed) == len(harness.logged()) == number
    assert all(sum(pair) for pair in pairwise(completed))
    assert units <= at_most * UNITS_OF_AN_EVENT


def of_another_account(records: Sequence[Record]) -> list[Record]:
    """The same records, as those of another account."""
    return [
        json.loads(json.dumps(one).replace(ACCOUNT_ID, OTHER_ACCOUNT)) | {"eventID": f"{number}"}
        for number, one in enumerate(records)
    ]


class Refused:
    """A client that is refused what concerns some item."""

    def __init__(self, client: Any, about: str) -> None:
        self._client = client
        self.about = about

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            if method == "put_item" and self.about in str(request["Item"]["SK"]):
                raise TemporarilyUnavailable
            return getattr(self._client, method)(**request)

        return call


def test_a_busy_account_holds_up_nobody_else_and_nothing_is_done_twice() -> None:
    """The first change that is not done is reported; what is done after it is remembered."""
    harness = EventHarness(EVERYTHING)
    harness.undisturbed, harness.at_once = 1000, 8
    records = created(harness, 60)
    theirs = of_another_account(records)
    batch = changes([one for pair in zip(records, theirs, strict=True) for one in pair])
    busy = batch[20]
    assert busy.account_id == ACCOUNT_ID
    assert busy.after is not None
    meter = Meter(harness.client)
    client = Refused(meter, about=event_id(busy.record_id, EventType.CREATED, parsed(busy.after.updated_at)))
    harness.client = client
    dispatcher = harness.dispatcher()
    assert handled_of(dispatcher, batch) == 20
    assert len({event["contact_id"] for event in harness.logged_of(OTHER_ACCOUNT)}) == 60
    client.about = "nobody"
    harness.clock.at_ms += 2000
    dispatcher.handle(batch[20:])
    assert len(harness.logged()) == len(harness.logged_of(OTHER_ACCOUNT)) == 60
    assert len(harness.bodies()) == 60
    assert meter.units <= 1.2 * 120 * UNITS_OF_AN_EVENT


class Unreadable:
    """A client that returns none of the items of an account that a batch of reads asks for, if one is among them."""

    def __init__(self, client: Any, account_id: str) -> None:
        self._client = client
        self._account_id = account_id

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            if method == "batch_get_item" and f"#{self._account_id}#" in str(request):
                return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}
            return getattr(self._client, method)(**request)

        return call


def test_an_account_whose_tombstones_cannot_be_read_holds_up_nobody_else() -> None:
    harness = EventHarness(EVERYTHING)
    harness.undisturbed, harness.at_once = 1000, 8
    records = created(harness, 6)
    theirs = of_another_account(records)
    batch, client = changes([*theirs, *records]), harness.client
    harness.client = Unreadable(client, ACCOUNT_ID)
    assert handled_of(harness.dispatcher(), batch) == 6
    assert len(harness.logged_of(OTHER_ACCOUNT)) == 6
    assert harness.logged() == []
    harness.client = client
    harness.dispatcher().handle(batch[6:])
    assert len(harness.logged()) == 6


@pytest.mark.parametrize("happens", ["soon", "late", "another process has blocked the first"])
def test_what_is_begun_together_and_goes_on_one_by_one_keeps_its_order(happens: str) -> None:
    """The first event could not be put, and may get another place. The second's may still be at hand."""
    harness = EventHarness(EVERYTHING)
    harness.undisturbed = 1000
    contact_id = harness.create(email="ada@example.com")
    records = harness.records()
    harness.request("PATCH", ref=contact_id, body={"first_name": "Ada"})
    created, updated = changes([*records, *harness.records()])
    assert created.after is not None
    first = event_id(created.record_id, EventType.CREATED, parsed(created.after.updated_at))
    harness.client = client = Refused(harness.client, about=f"Z#{first}")
    dispatcher = harness.dispatcher()
    assert handled_of(dispatcher, [created, updated]) == 0
    assert [dict(claim.event.data) for claim in dispatcher._begun.values()] == [{}, {}], "it may be large"
    client.about = "nobody"
    harness.clock.at_ms += 5000 if happens == "late" else 100
    if happens.startswith("another"):
        EventStore(Table(harness.table.client(), NAME))._block(dispatcher._begun[first])
    dispatcher.handle([created, updated])
    assert kinds(harness.logged()) == ["created", "updated"]
    assert [event["data"]["contact"]["version"] for event in harness.logged()] == [1, 2]


@pytest.mark.parametrize("who", ["another process", "the process that claimed it"])
def test_an_event_is_not_put_in_front_of_one_that_was_moved(who: str) -> None:
    """The first of two events is claimed 3 s before the second. Another process moves it, and is cut off then."""
    harness = EventHarness(EVERYTHING)
    harness.undisturbed = 1000
    contact_id = harness.create(email="ada@example.com")
    records = harness.records()
    harness.request("PATCH", ref=contact_id, body={"first_name": "Ada"})
    batch = changes([*records, *harness.records()])
    at_hand, writes = harness.client, FewWrites(harness.client, 2)
    taking = chain((3000,), repeat(0))

    def claimed(**request: Any) -> Any:
        answer = writes.put_item(**request)
        harness.clock.at_ms += next(taking)
        return answer

    harness.client = SimpleNamespace(
        put_item=claimed,
        update_item=writes.update_item,
        get_item=at_hand.get_item,
        batch_get_item=at_hand.batch_get_item,
    )
    claiming = harness.dispatcher()
    assert handled_of(claiming, batch) == 0
    harness.undisturbed, harness.client = 0, FewWrites(at_hand, 3)
    harness.clock.at_ms += 1500
    assert handled_of(harness.dispatcher(), batch) == 1
    harness.client, writes._left = at_hand, 10
    (claiming if who.startswith("the") else harness.dispatcher()).handle(batch[1:])
    assert kinds(harness.logged()) == ["created", "updated"]


@settings(max_examples=examples(10))
@given(seed=st.integers(0, 10_000))
def test_contacts_side_by_side_keep_each_its_order(seed: int) -> None:
    harness, random = EventHarness(EVERYTHING), Random(seed)
    harness.undisturbed, harness.at_once = 1000, 8
    contact_ids = [harness.create(email=f"{number}@example.com") for number in range(5)]
    harness.records()
    records, versions = [], dict.fromkeys(contact_ids, 1)
    for _ in range(25):
        contact_id = random.choice(contact_ids)
        versions[contact_id] += 1
        harness.request("PATCH", ref=contact_id, body={"first_name": str(versions[contact_id])})
        records += harness.records()
    dispatcher = harness.dispatcher()
    for batch in delivered(records, random, at_most=20):
        harness.clock.at_ms += random.choice((0, 1, 1000, -1000))
        dispatcher.handle(changes(batch))
    told: dict[str, list[int]] = {contact_id: [] for contact_id in contact_ids}
    for event in harness.logged():
        told[event["contact_id"]].append(event["data"]["contact"]["version"])
    assert told == {contact_id: list(range(2, last + 1)) for contact_id, last in versions.items()}


def test_what_a_queue_did_not_take_is_requested_again_and_what_it_took_is_not() -> None:
    harness = EventHarness(EVERYTHING)
    rest = changes(created(harness, 25))
    dispatcher = harness.dispatcher()
    harness.mailbox.life = Refusing(6)
    with pytest.raises(PartlyHandled) as partly:
        dispatcher.handle(rest)
    taken = 5  # One change after the other at first.
    assert partly.value.handled == taken
    harness.mailbox.life = Life()
    dispatcher.handle(rest[taken:])
    assert len(harness.logged()) == len({str(body) for body in harness.bodies()}) == 25


class Refusing(Life):
    """A queue that does not take the n-th call."""

    def spend(self) -> None:
        self.made += 1
        if self.made == self.calls:
            raise TemporarilyUnavailable


def test_events_of_one_moment_lie_in_the_order_of_the_stream() -> None:
    """The clock stands still here, and ids are as good as random."""
    harness = EventHarness()
    contact_id = harness.create(email="ada@example.com")
    records = harness.records()
    for number in range(20):
        harness.request("PATCH", ref=contact_id, body={"first_name": str(number)})
        records += harness.records()
    harness.dispatch(*records)
    assert [event["data"]["contact"]["version"] for event in harness.logged()] == list(range(1, 22))


# Erased


def test_an_erasure_is_told_once_and_of_nobody() -> None:
    harness = EventHarness(EVERYTHING)
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    harness.request("DELETE", ref=contact_id, query={"permanent": "true"})
    records = harness.records()
    for _ in range(3):
        harness.clock.at_ms += 1000
        harness.dispatch(*records)
    (event,) = harness.logged()
    assert event["data"] == {"contact": {"id": contact_id, "version": 1}, "permanent": True}
    assert harness.timeline(contact_id) == []
    tombstone = harness.items()[keys.tombstone(ACCOUNT_ID, contact_id)]
    appended_at, event_id = place(event)
    assert tombstone["event"] == {
        "event_id": event_id,
        "appended_at": appended_at,
        "webhooks": ["wh_everything"],
        "shards": 4,
        "open_at": appended_at,
    }
    assert len({str(body) for body in harness.bodies()}) == 1


def test_what_comes_after_the_erasure_is_no_longer_told() -> None:
    """The stream keeps no order between a contact and its tombstone."""
    harness = EventHarness(EVERYTHING)
    contact_id, records = lived(harness)
    harness.request("DELETE", ref=contact_id, query={"permanent": "true"})
    harness.dispatch(*harness.records())
    harness.dispatch(*records)
    assert kinds(harness.logged()) == ["deleted"]
    assert harness.timeline(contact_id) == []
    assert harness.asked() == [("wh_everything", "contact.deleted")]


@pytest.mark.parametrize("kept", [slice(None), slice(-1, None), slice(None, None, 3)], ids=str)
def test_a_batch_with_a_contact_and_its_erasure_tells_of_the_erasure_alone(kept: slice) -> None:
    """Also where they are begun together, as in a process that has handled many changes."""
    harness = EventHarness(EVERYTHING)
    harness.undisturbed, harness.at_once = 1000, 8
    contact_id, records = lived(harness)
    harness.request("DELETE", ref=contact_id, query={"permanent": "true"})
    harness.dispatch(*records[kept], *harness.records())
    (event,) = harness.logged()
    assert event["data"] == {"contact": {"id": contact_id, "version": 5}, "permanent": True}
    assert harness.timeline(contact_id) == []
    assert harness.asked() == [("wh_everything", "contact.deleted")]


def test_an_erasure_nobody_remembers_is_not_told() -> None:
    """Its tombstone is gone after 40 days, long after the record of the stream."""
    harness = EventHarness(EVERYTHING)
    contact_id = harness.create(email="ada@example.com")
    harness.records()
    harness.request("DELETE", ref=contact_id, query={"permanent": "true"})
    records = harness.records()
    harness.table.remove(next(item for item in harness.table.items() if "erased_at" in item))
    harness.records()
    harness.dispatch(*records)
    assert (harness.logged(), harness.mailbox.messages) == ([], [])


# Sizes


def appended(event: Event) -> Any:
    harness = EventHarness()
    append(Table(harness.client, NAME), event, "2026-01-15T10:30:00.000Z")
    (item,) = harness.logged()
    assert item_size(item) < 400 * 1024, "the most DynamoDB takes"
    return item


@pytest.mark.parametrize(("size", "is_told"), [(180_000, True), (200_000, False), (349_000, False)])
def test_of_large_contacts_only_the_new_state_is_told(size: int, is_told: bool) -> None:
    before = contact(metadata={"text": "x" * size})
    after = replace(before, version=2, metadata={"text": "y" * size})
    (event,) = events_of_change("r", 0, ACCOUNT_ID, before, after)
    data = appended(event)["data"]
    assert data["changed"] == ["metadata"]
    assert ("previous" in data) == is_told
    assert data["contact"]["metadata"] == {"text": "y" * size}


@pytest.mark.parametrize("value", [1, {"a": {"b": []}}, None, "é"], ids=str)
def test_the_largest_contact_fits(value: object) -> None:
    """Of many small fields and of few: as an event it is larger than as an item, but never too large."""
    fields = {"first_name": "é" * 255, "last_name": "é" * 255, "tags": tuple(str(n) for n in range(100))}
    entry = item_size({"metadata": {"123456": value}}) - item_size({"metadata": {}})
    many = {f"{number:06}": value for number in range((MAX_BYTES - 2000) // entry)}
    largest = contact(**fields, metadata=many)
    item = appended(event_of_trashing("r", 0, ACCOUNT_ID, largest))
    assert item["type"] == EventType.DELETED
    assert item["data"]["contact"]["metadata"] == many


# Faults


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)


OF_A_WRITE = [fault for fault in FAULTS if fault.strikes("put_item")]


def after(fault: Fault | None, number: int = 0, times: int = 0) -> str:
    """How it is when a fault has struck so many times from the n-th call on."""
    wire = Wire(MotoTable())
    harness = EventHarness(EVERYTHING, dynamodb=wire.client(), table=wire.table)
    _, records = lived(harness)
    wire.be_sound()
    if fault is not None:
        wire.strike(fault, number, times)
    try:
        harness.dispatch(*records)
    except TemporarilyUnavailable:
        wire.be_sound()
        harness.dispatch(*records)
    return shown(harness)


@cache
def without_a_fault() -> str:
    return after(None)


@pytest.mark.parametrize("times", [1, 1000])
@pytest.mark.parametrize("fault", OF_A_WRITE, ids=str)
def test_after_a_fault_it_is_as_if_there_had_been_none(fault: Fault, times: int, no_pauses: None) -> None:
    for number in (1, 2, 3, 4):  # a claim, a read, an event, the next claim
        assert after(fault, number, times) == without_a_fault()
