"""Erasure leaves no trace of the person, and all that is others' as it was."""

import json
from collections.abc import Callable
from functools import cache, partial
from itertools import count
from typing import Any

import pytest

from contacts.book.model import Contact
from contacts.book.store import ContactReader
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.ids import Name, NameKind
from contacts.core.time import DAY, iso, parsed
from contacts.events.model import Event, event_out
from contacts.events.store import EventStore
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Item
from contacts.table.records import key_digest
from contacts.webhooks.dispatch import Dispatcher
from contacts.webhooks.model import Attempt, DeliveryRef, DeliveryStatus, after_attempt
from contacts.webhooks.store import DeliveryModified, DeliveryStore, NotOpen
from local.table import NAME
from tests.support.event_harness import ACCOUNT_ID, EventHarness, Killed, Life, changes, webhook
from tests.support.faulty_wire import FAULTS, Fault, Wire
from tests.support.interrupted import Interrupted
from tests.support.moto_table import MotoTable
from tests.support.streams import Record

RESTORE = "/v1/contacts/{ref}/restore"
EVENTS = "/v1/contacts/{ref}/events"
PERMANENT = {"permanent": "true"}
ADA = {
    "email": "ada.lovelace@example.com",
    "external_id": "crm-4711",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+442079460958",
    "custom_fields": {"harness": "Ockham"},
}
ORDERED = {"name": "gift for Ada ordered", "data": {"to": {"name": "Ada", "harness": "Ockham"}}}
PERSONAL = (
    *("ada.lovelace", "crm-4711", "Ada", "Lovelace", "442079460958", "Ockham"),
    *("augusta", "Augusta", "countess"),
)
"""What was known of her at any time."""


def keyed(name: str) -> dict[str, str]:
    """An Idempotency-Key as callers make them."""
    return {"Idempotency-Key": f"{name} ada.lovelace@example.com"}


class Story:
    """An account in which Bea is, and Ada was; what the stream tells of it has been dispatched."""

    def __init__(self, dynamodb: Any = None, table: MotoTable | None = None) -> None:
        webhooks = (webhook("wh_1"), webhook("wh_2", "contact.created", "contact.updated"))
        self.harness = EventHarness(*webhooks, dynamodb=dynamodb, table=table)
        self.records: list[Record] = []
        self.bea = self.told("POST", "/v1/contacts", body={"email": "bea@example.com"})
        self.ada = self.told("POST", "/v1/contacts", body=ADA, headers=keyed("create"))
        change = {"first_name": "Augusta", "email": "augusta@example.com", "tags": ["countess"]}
        self.told("PATCH", ref=self.ada, body=change, headers=keyed("update"))
        self.told("PATCH", ref=self.bea, body={"first_name": "Bea"}, headers=keyed("bea"))
        self.told("POST", EVENTS, self.ada, body=ORDERED, headers=keyed("order"))
        self.told("POST", EVENTS, self.bea, body={"name": "called"})
        late = len(self.records)
        self.told("POST", EVENTS, self.ada, body=ORDERED)
        self.told("DELETE", ref=self.ada, headers=keyed("trash"))
        self.undispatched = [self.records.pop(late)]
        """An event of hers that was recorded, and that the dispatcher has not come to yet."""
        self.harness.dispatch(*self.records)
        numbers = count()
        for ref, _ in map(DeliveryRef.of_message, self.harness.bodies()):
            event = EventStore(self.table).event(ACCOUNT_ID, str(ref.appended_at), ref.event_id)
            assert event is not None
            self._deliver(ref, event, next(numbers) if event.contact_id == self.ada else 0)
        self.harness.records()

    def told(self, *args: Any, **more: Any) -> str:
        """A request, and what the stream tells of it."""
        contact_id: str = self.harness.request(*args, **more).body["id"]
        self.records += self.harness.records()
        return contact_id

    def _deliver(self, ref: DeliveryRef, event: Event, number: int) -> None:
        """Have a delivery in one of six states; endpoints echo what they get."""
        attempt = {"at": event.timestamp, "status_code": 500, "duration_ms": 12}
        made = {"begun": 2, "done": 2, "attempts": [{**attempt, "response": str(event_out(event))}, attempt]}
        states: tuple[dict[str, object] | None, ...] = (
            {**made, "status": "pending", "next_attempt_at": event.timestamp},
            {**made, "status": "delivered"},
            {**made, "status": "failed"},
            {"begun": 1, "done": 0, "status": "pending", "claimed_by": "me", "lease_until": 1},
            None,  # Its message is still in the queue.
            {**made, "status": "delivered"},
        )
        state = states[number]
        if state is None:
            return
        item = {
            "event_id": ref.event_id,
            "event_type": ref.event_type,
            "appended_at": ref.appended_at,
            "round_began_after": 0,
            "ttl": self.harness.clock.at_ms // 1000 + 30 * DAY,
        }
        self.table.write_many({keys.delivery(ACCOUNT_ID, ref.webhook_id, ref.delivery_id): {**item, **state}})

    def delete_for_good(self) -> None:
        """As a caller does."""
        self.told("DELETE", ref=self.ada, query=PERMANENT, headers=keyed("erase"))

    def run_out(self) -> None:
        """Have the trash removed by its TTL, and her claims by the projection."""
        names = (Name(NameKind.EMAIL, "augusta@example.com"), Name(NameKind.EXTERNAL_ID, "crm-4711"))
        gone = [keys.trash(ACCOUNT_ID, self.ada), *(keys.claim(ACCOUNT_ID, name) for name in names)]
        self.harness.clock.at_ms += 30 * DAY * 1000
        self.table.write_many({}, gone)
        self.harness.records()

    @property
    def table(self) -> Table:
        return Table(self.harness.client, NAME)

    def deliveries(self) -> list[Item]:
        """Of her events, where they were asked for before; those that are not there are empty."""
        hers = {event["id"] for event in self.harness.logged() if self.bea not in str(event)}
        refs = [DeliveryRef.of_message(body)[0] for body in self.harness.bodies()]
        found = [
            keys.delivery(ACCOUNT_ID, ref.webhook_id, ref.delivery_id) for ref in refs if ref.event_id in hers
        ]
        items = self.harness.items()
        return [items.get(key, {}) for key in found]

    def of_bea(self) -> dict[keys.Key, Item]:
        return {
            key: item
            for key, item in self.harness.items().items()
            if self.bea in f"{key}{item}" or "bea@" in f"{key}{item}"
        }


def traces(harness: EventHarness) -> list[str]:
    """The keys of items in which something personal of hers stands."""
    return [
        f"{item['PK']} {item['SK']}: {word}"
        for item in harness.items().values()
        for word in PERSONAL
        if word in json.dumps(item, ensure_ascii=False, default=str)
    ]


@pytest.fixture
def story() -> Story:
    return Story()


ENDS = {"deleted for good": Story.delete_for_good, "its days in the trash run out": Story.run_out}
either_way = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@either_way
def test_nothing_is_left_of_the_person(end: Callable[[Story], None], story: Story) -> None:
    of_bea = story.of_bea()
    assert len(of_bea) > 8
    end(story)
    assert len(traces(story.harness)) > 20
    story.harness.erase(story.ada, version=2)
    assert traces(story.harness) == []
    assert story.of_bea() == of_bea
    room = keys.about_contact(ACCOUNT_ID, story.ada)
    assert [key for key in story.harness.items() if room == key.PK] == []


def test_of_her_events_stays_that_they_happened(story: Story) -> None:
    before = {event["id"]: event for event in story.harness.logged()}
    story.delete_for_good()
    story.harness.erase(story.ada)
    after = {event["id"]: event for event in story.harness.logged()}
    assert after.keys() == before.keys()
    for event_id, event in before.items():
        if event["contact_id"] == story.ada:
            kept = {name: event[name] for name in ("PK", "SK", "id", "type", "ttl")}
            assert after[event_id] == {**kept, "erased": True}
    story.harness.clock.at_ms += 60_000
    (shown,) = [
        event
        for event in story.harness.listed().body["data"]
        if event["type"] == "contact.created" and "data" not in event
    ]
    assert shown == {"id": shown["id"], "type": "contact.created", "erased": True}


def test_deliveries_that_wait_end_and_those_that_are_over_stay_so(story: Story) -> None:
    before = story.deliveries()
    assert {item.get("status") for item in before} == {None, "pending", "delivered", "failed"}
    story.delete_for_good()
    story.harness.erase(story.ada)
    after = story.deliveries()
    becomes = {None: "erased", "pending": "erased", "delivered": "delivered", "failed": "failed"}
    assert [item["status"] for item in after] == [becomes[item.get("status")] for item in before]
    for was, item in zip(before, after, strict=True):
        assert "next_attempt_at" not in item
        assert [attempt["status_code"] for attempt in item["attempts"]] == [500] * len(
            was.get("attempts", ())
        )
        assert all("response" not in attempt for attempt in item["attempts"])
        assert item["ttl"] >= story.harness.clock.at_ms // 1000 + 29 * DAY


def test_events_that_an_earlier_release_has_appended_are_erased(story: Story) -> None:
    """It had other keys, and said nothing of shards."""
    harness = story.harness
    for item in (*harness.logged(), *harness.timeline(story.ada), *harness.timeline(story.bea)):
        key, appended_at = keys.Key.of(item), str(item.get("appended_at", item["SK"][:24]))
        own = {name: value for name, value in item.items() if name not in ("PK", "SK", "shards")}
        if keys.timeline_event_id(key):
            story.table.write_many({key: own})
        else:
            story.table.write_many({keys.earlier_event(ACCOUNT_ID, appended_at, item["id"]): own}, [key])
    assert all("#2026-" in str(item["PK"]) for item in harness.logged())
    harness.dispatch(*story.records)
    count = len(harness.logged())
    assert count == len({item["id"] for item in harness.logged()}), "no event is appended again"
    story.delete_for_good()
    harness.erase(story.ada)
    assert traces(harness) == []
    assert len(harness.logged()) == count


def test_requests_about_her_are_answered_with_not_found(story: Story) -> None:
    story.delete_for_good()
    for headers, method, ref, body in (
        (keyed("create"), "POST", None, ADA),
        (keyed("trash"), "DELETE", story.ada, None),
        (keyed("erase"), "DELETE", story.ada, None),
    ):
        query = PERMANENT if headers == keyed("erase") else {}
        route = "/v1/contacts" if ref is None else "/v1/contacts/{ref}"
        ask = partial(story.harness.api.request, method, route, ref, query=query, body=body, headers=headers)
        answered = ask()
        assert (answered.status, answered.headers["Idempotent-Replayed"]) == (201 if body else 200, "true")
        story.harness.erase(story.ada)
        repeated = ask()
        if body is None:
            # It names nobody but by the id, and who deletes is to know that it was done.
            assert repeated.body == answered.body
            assert repeated.status == 200
        else:
            assert (repeated.status, repeated.body["code"]) == (404, "contact_not_found")
            assert "erased" in repeated.body["detail"]
    # The key stays taken.
    other = story.harness.api.request("POST", body={"email": "c@example.com"}, headers=keyed("create"))
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


def test_of_a_record_only_the_hash_of_what_was_asked_is_kept(story: Story) -> None:
    key = keys.idempotency(ACCOUNT_ID, key_digest(keyed("create")["Idempotency-Key"]))
    before = story.harness.items()[key]
    story.delete_for_good()
    story.harness.erase(story.ada)
    kept = {name: before[name] for name in ("PK", "SK", "request_hash", "meaning_hash", "ttl")}
    assert story.harness.items()[key] == {**kept, "erased": True}


def test_a_later_request_with_the_same_key_is_somebody_elses(story: Story) -> None:
    """After seven days a key may be used again, and DynamoDB may be late in removing the pointer from her."""
    harness = story.harness
    harness.clock.at_ms += 8 * DAY * 1000
    body = {"email": "c@example.com"}
    carol = harness.request("POST", "/v1/contacts", body=body, headers=keyed("create")).body
    harness.request("DELETE", ref=story.ada, query=PERMANENT)
    harness.erase(story.ada)
    repeated = harness.request("POST", "/v1/contacts", body=body, headers=keyed("create"))
    assert repeated.body == carol


def test_a_record_of_what_endpoints_answered_goes_too(story: Story) -> None:
    """That of a redelivery, which is found by a pointer and holds no contact."""
    key = keys.idempotency(ACCOUNT_ID, "0" * 64)
    pointer = keys.idempotency_pointer(ACCOUNT_ID, story.ada, "0" * 64)
    details = {"attempts": [{"response": "Thank you, Ada"}]}
    record = {"request_hash": "1" * 64, "did": "queued", "details": details, "ttl": 5}
    story.table.write_many({key: record, pointer: {"ttl": 5}})
    story.delete_for_good()
    story.harness.erase(story.ada)
    assert traces(story.harness) == []
    assert story.harness.items()[key] == {**key._asdict(), "request_hash": "1" * 64, "erased": True, "ttl": 5}


# The trash runs out


def test_who_leaves_the_trash_by_time_is_told_to_be_gone_for_good(story: Story) -> None:
    story.run_out()
    story.harness.erase(story.ada, version=2)
    tombstone = story.harness.items()[keys.tombstone(ACCOUNT_ID, story.ada)]
    erased_at = iso(story.harness.clock.at_ms)
    assert {name: tombstone[name] for name in ("erased_at", "version", "ttl")} == {
        "erased_at": erased_at,
        "version": 2,
        "ttl": parsed(erased_at) // 1000 + 40 * DAY,
    }
    records = story.harness.records()
    story.harness.dispatch(*records)
    event = story.harness.logged()[-1]
    assert (event["type"], event["timestamp"]) == ("contact.deleted", erased_at)
    assert event["data"] == {"contact": {"id": story.ada, "version": 2}, "permanent": True}
    story.harness.erase(story.ada, version=2)
    assert story.harness.records() == [], "the tombstone is put once"
    assert story.harness.logged()[-1] == event, "it tells of nobody, and stays"


# Again


def items_of(harness: EventHarness) -> list[Item]:
    return sorted(harness.table.items(), key=lambda item: (item["PK"]["S"], item["SK"]["S"]))


@either_way
def test_done_twice_it_is_as_done_once(end: Callable[[Story], None], story: Story) -> None:
    end(story)
    story.harness.erase(story.ada, version=2)
    once = items_of(story.harness)
    story.harness.erase(story.ada, version=2)
    assert items_of(story.harness) == once


@either_way
def test_killed_after_any_call_the_next_try_completes_it(end: Callable[[Story], None], story: Story) -> None:
    end(story)
    begun = story.harness.table.snapshot()
    story.harness.life = Life()
    story.harness.erase(story.ada, version=2)
    whole, calls = items_of(story.harness), story.harness.life.made
    assert calls > 20
    for survived in range(1, calls + 1):
        story.harness.table.bring_back(begun)
        story.harness.life = Life(survived)
        with pytest.raises(Killed):
            story.harness.erase(story.ada, version=2)
        story.harness.life = Life()
        story.harness.erase(story.ada, version=2)
        assert items_of(story.harness) == whole, survived


# Others at work


def erased_while(story: Story, after: int, then: Callable[[], object]) -> int:
    """Erase with something else after the n-th call (0: before any); gives back how many calls there were."""
    client = story.harness.client
    if after == 0:
        then()
    story.harness.client = Interrupted(client, after, then)
    try:
        story.harness.erase(story.ada, version=2)
        return story.harness.client.calls
    finally:
        story.harness.client = client


@either_way
@pytest.mark.parametrize("undisturbed", [0, 1000], ids=["one at a time", "side by side"])
def test_whenever_she_is_erased_while_events_are_appended_nothing_is_left(
    undisturbed: int, end: Callable[[Story], None], story: Story
) -> None:
    """Between any two calls of the dispatcher she is deleted, and the eraser comes once."""
    harness, client = story.harness, story.harness.client
    harness.undisturbed = undisturbed
    unseen = [{**record, "eventID": f"{record['eventID']}-2"} for record in story.records[-3:]]
    unseen += story.undispatched
    begun = harness.table.snapshot()

    def gone() -> None:
        interrupted, harness.client = harness.client, client
        end(story)
        harness.erase(story.ada, version=2)
        harness.client = interrupted

    calls, after = 1, 0
    while after < calls:
        after += 1
        harness.table.bring_back(begun)
        harness.client = interrupted = Interrupted(client, after, gone)
        harness.dispatch(*unseen)
        harness.client, calls = client, max(calls, interrupted.calls)
        if interrupted.calls < after:
            break
        assert traces(harness) == [], after
        assert harness.timeline(story.ada) == [], after
    assert calls > 12


@either_way
def test_whenever_the_dispatcher_is_late_it_brings_nothing_back(
    end: Callable[[Story], None], story: Story
) -> None:
    """The same records again, and ones of hers that it has never seen."""
    seen = list(story.records)
    unseen = [{**record, "eventID": f"{record['eventID']}-2"} for record in (*seen, *story.undispatched)]
    end(story)
    begun = story.harness.table.snapshot()
    calls = erased_while(story, -1, lambda: None)
    client = story.harness.client

    def dispatch() -> None:
        interrupted, story.harness.client = story.harness.client, client
        story.harness.dispatch(*unseen, *seen)
        story.harness.client = interrupted

    for after in range(calls + 1):
        story.harness.table.bring_back(begun)
        erased_while(story, after, dispatch)
        assert traces(story.harness) == [], after
        assert [event for event in story.harness.logged() if event.get("contact_id") == story.ada] == []


@either_way
def test_whenever_she_is_erased_while_the_dispatcher_is_at_it_nothing_stays(
    end: Callable[[Story], None], story: Story
) -> None:
    """Of an event that was recorded, the dispatcher looks who she is, and then appends it."""
    begun, client = story.harness.table.snapshot(), story.harness.client
    story.harness.client = Interrupted(client, -1, lambda: None)
    story.harness.dispatch(*story.undispatched)
    calls = story.harness.client.calls
    assert calls > 1

    def erase() -> None:
        interrupted, story.harness.client = story.harness.client, client
        end(story)
        story.harness.erase(story.ada, version=2)
        story.harness.client = interrupted

    for after in range(1, calls + 1):
        story.harness.table.bring_back(begun)
        story.harness.client = Interrupted(client, after, erase)
        story.harness.dispatch(*story.undispatched)
        story.harness.client = client
        assert traces(story.harness) == [], after


@either_way
def test_a_process_that_another_has_overtaken_leaves_its_entry_to_the_eraser(
    end: Callable[[Story], None], story: Story
) -> None:
    """One claims a place, the other moves the event and puts it there. Then she is erased, and the first goes on."""
    harness = story.harness
    client = harness.client
    records = [{**record, "eventID": f"{record['eventID']}-2"} for record in story.records]

    def overtaken() -> None:
        interrupted, harness.client = harness.client, client
        harness.dispatch(*records)
        end(story)
        harness.client = interrupted

    begun = harness.table.snapshot()
    calls, after = 1, 0
    while after < calls:
        after += 1
        harness.table.bring_back(begun)
        harness.client = interrupted = Interrupted(client, after, overtaken)
        harness.undisturbed = 1000
        harness.dispatch(*records)
        harness.client, calls = client, max(calls, interrupted.calls)
        if interrupted.calls < after:
            break
        harness.erase(story.ada, version=2)
        assert traces(harness) == [], after
    assert calls > 12


class Refused:
    """A client that refuses to put events into the log, until it is told otherwise."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.refuses = True

    def __getattr__(self, method: str) -> Any:
        def call(**request: Any) -> Any:
            if self.refuses and method == "put_item" and "#EVENTS#" in request["Item"]["PK"]["S"]:
                raise TemporarilyUnavailable
            return getattr(self._client, method)(**request)

        return call


@either_way
def test_a_process_that_drops_its_claims_leaves_no_place_to_another(
    end: Callable[[Story], None], story: Story
) -> None:
    """One has claimed places, and cannot put the events there. Another finds the claims. Between two of its calls she
    is deleted, and the first one, which reads that, drops its claims. Then the other goes on."""
    harness = story.harness
    client, harness.undisturbed = harness.client, 1000
    records = [{**record, "eventID": f"{record['eventID']}-2"} for record in story.records]
    begun = harness.table.snapshot()
    calls, after = 1, 0
    while after < calls:
        after += 1
        harness.table.bring_back(begun)
        harness.client = refused = Refused(client)
        first = harness.dispatcher()
        with pytest.raises(TemporarilyUnavailable):
            first.handle(changes(records))
        refused.refuses = False

        def dropped(first: Dispatcher = first) -> None:
            interrupted, harness.client = harness.client, client
            end(story)
            first.handle(changes(records))
            harness.client = interrupted

        harness.client = interrupted = Interrupted(client, after, dropped)
        harness.dispatch(*records)
        harness.client, calls = client, max(calls, interrupted.calls)
        if interrupted.calls < after:
            break
        harness.erase(story.ada, version=2)
        assert traces(harness) == [], after
        assert harness.timeline(story.ada) == [], after
    assert calls > 5


class AsSheWas:
    """`webhooks.dispatch.Contacts` that has looked before she was erased."""

    def __init__(self, story: Story) -> None:
        self._ada = ContactReader(story.table).contact(ACCOUNT_ID, story.ada)
        assert self._ada is not None

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        return self._ada


@either_way
def test_who_was_seen_before_and_is_appended_while_she_is_erased_is_not_brought_back(
    end: Callable[[Story], None], story: Story
) -> None:
    """Between the look at what is kept about her and the removal of the last of it."""
    as_she_was, client = AsSheWas(story), story.harness.client
    end(story)
    begun = story.harness.table.snapshot()
    calls = erased_while(story, -1, lambda: None)

    def dispatch() -> None:
        interrupted, story.harness.client = story.harness.client, client
        story.harness.dispatch(*story.undispatched, contacts=as_she_was)
        story.harness.client = interrupted

    for after in range(calls + 1):
        story.harness.table.bring_back(begun)
        erased_while(story, after, dispatch)
        assert traces(story.harness) == [], after


def first_of(story: Story) -> DeliveryRef:
    """The delivery of her creation to the first endpoint, which has not begun."""
    hers = [event for event in story.harness.logged() if event.get("contact_id") == story.ada]
    (created,) = [event for event in hers if event["type"] == "contact.created"]
    (ref,) = [
        ref
        for ref, _ in map(DeliveryRef.of_message, story.harness.bodies())
        if (ref.event_id, ref.webhook_id) == (created["id"], "wh_1")
    ]
    story.table.write_many({}, [keys.delivery(ACCOUNT_ID, ref.webhook_id, ref.delivery_id)])
    return ref


ECHO = Attempt(
    at="2026-01-15T10:40:00.000Z", status_code=500, error=None, duration_ms=5, response="Hello, Ada"
)


def test_a_delivery_that_begins_afterwards_finds_itself_erased(story: Story) -> None:
    ref, store = first_of(story), DeliveryStore(story.table)
    story.delete_for_good()
    story.harness.erase(story.ada)
    with pytest.raises(NotOpen) as refused:
        store.claim(ref, 1, "token", story.harness.clock.at_ms, 60)
    assert refused.value.delivery is not None
    assert refused.value.delivery.status is DeliveryStatus.ERASED


def test_an_attempt_that_is_under_way_is_recorded_without_its_answer(story: Story) -> None:
    """Whether its maker writes before, while or after its delivery is erased."""
    ref, store = first_of(story), DeliveryStore(story.table)
    story.delete_for_good()
    now_ms = story.harness.clock.at_ms
    claimed = store.claim(ref, 1, "token", now_ms, 60)
    begun = story.harness.table.snapshot()
    calls = erased_while(story, -1, lambda: None)

    def record() -> None:
        try:
            store.record(claimed, after_attempt(claimed, ECHO, now_ms, 0))
        except DeliveryModified as moved:
            erased: Any = moved.delivery
            store.record(erased, after_attempt(erased, ECHO, now_ms, 0))

    for after in range(calls + 1):
        story.harness.table.bring_back(begun)
        erased_while(story, after, record)
        assert traces(story.harness) == [], after
        delivery = store.delivery(ACCOUNT_ID, ref.webhook_id, ref.delivery_id, now_ms // 1000)
        assert delivery is not None
        assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.ERASED, None)
        (attempt,) = delivery.attempts
        assert (attempt.status_code, attempt.response) == (500, None)


# Faults


@cache
def wired() -> tuple[Wire, Story, Any, list[Item]]:
    """The story on the SDK's own client, where to begin, and how it ends."""
    wire = Wire(MotoTable())
    story = Story(wire.client(), wire.table)
    story.delete_for_good()
    begun = wire.table.snapshot()
    story.harness.erase(story.ada)
    return wire, story, begun, items_of(story.harness)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("times", [1, 1000])
def test_after_a_fault_it_is_as_if_there_had_been_none(
    fault: Fault, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    wire, story, begun, whole = wired()
    at_ms = story.harness.clock.at_ms
    for number in (1, 2, 3, 5, 13):
        wire.table.bring_back(begun)
        wire.be_sound()
        wire.strike(fault, number, times)
        try:
            story.harness.erase(story.ada)
        except TemporarilyUnavailable:
            wire.be_sound()
            story.harness.erase(story.ada)
        wire.be_sound()
        story.harness.clock.at_ms = at_ms
        assert traces(story.harness) == []
        assert [item["SK"] for item in items_of(story.harness)] == [item["SK"] for item in whole]
