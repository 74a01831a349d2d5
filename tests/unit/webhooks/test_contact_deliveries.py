"""GET /v1/contacts/{ref}/deliveries: what endpoints were sent about a contact."""

from dataclasses import replace
from typing import Any

import pytest

from contacts.accounts.model import Dialect, Mode, Scope
from contacts.book.model import Action, Outcome
from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.table import keys
from contacts.table.client import Table
from contacts.web.pagination import fingerprint, sealed
from contacts.webhooks import contact_deliveries
from contacts.webhooks.model import Webhook, delivery_id
from contacts.webhooks.store import WebhookStore
from local.table import NAME
from tests.support.app import OTHER_ACCOUNT_ID, App, caller_of
from tests.support.delivery_harness import ACCOUNT_ID, a_webhook
from tests.support.fakes import FakeClock
from tests.support.long_timeline import fill
from tests.support.moto_table import MotoTable
from tests.support.table_costs import CountedClient

ONE, TWO = "wh_01941f29000a1b2c3d4", "wh_01941f29000a1b2c3d5"
ADA, BEA = "/v1/contacts/crm-1/deliveries", "/v1/contacts/crm-2/deliveries"


class Service:
    """An account with two endpoints and two contacts, one of which endpoints have heard a lot about."""

    def __init__(self) -> None:
        self.table = MotoTable()
        self.client = CountedClient(self.table)
        self.clock = FakeClock()
        self.app = App(self.client, caller_of(ACCOUNT_ID), clock=self.clock)
        self.items = Table(self.client, NAME)
        self.webhooks = WebhookStore(self.items)
        self.hooks = {one: self.register(one) for one in (ONE, TWO)}
        self.ada = self.made("crm-1")
        self.bea = self.made("crm-2")

    def register(self, webhook_id: str) -> Webhook:
        webhook = a_webhook(webhook_id)
        self.webhooks.add(webhook, Outcome(action=Action.CREATED), None, self.clock.now_ms())
        return webhook

    def remove(self, webhook: Webhook) -> None:
        self.webhooks.remove(
            ACCOUNT_ID, webhook.id, Outcome(action=Action.DELETED), None, self.clock.now_ms()
        )

    def made(self, external_id: str) -> str:
        reply = self.app.send("POST", "/v1/contacts", {"external_id": external_id})
        assert reply.status == 201, reply
        contact_id: str = reply.body["id"]
        return contact_id

    def tell(self, contact_id: str, events: int, *webhook_ids: str, days_ago: float = 20) -> None:
        now_ms, age_ms = self.clock.now_ms(), round(days_ago * DAY * 1000)
        fill(self.items, ACCOUNT_ID, contact_id, events, webhook_ids, now_ms=now_ms, age_ms=age_ms)

    def page(self, target: str) -> Any:
        reply = self.app.send("GET", target)
        assert reply.status == 200, reply
        assert reply.body["has_more"] == (reply.body["next_cursor"] is not None)
        return reply.body

    def listed(self, target: str = ADA, limit: int = 50) -> list[dict[str, Any]]:
        """Every page of the list, one after the other."""
        found: list[dict[str, Any]] = []
        query = f"?limit={limit}"
        for _ in range(1000):
            page = self.page(f"{target}{query}")
            assert len(page["data"]) <= limit
            found += page["data"]
            if not page["has_more"]:
                return found
            query = f"?limit={limit}&cursor={page['next_cursor']}"
        raise AssertionError("the list has no end")


@pytest.fixture
def service() -> Service:
    return Service()


def test_deliveries_are_shown_as_their_endpoint_shows_them_the_newest_first(service: Service) -> None:
    service.tell(service.ada, 3, ONE, TWO)
    service.tell(service.bea, 2, ONE, days_ago=2)
    shown = service.listed()
    assert [one["created_at"] for one in shown] == sorted((one["created_at"] for one in shown), reverse=True)
    of_endpoints = [
        one
        for hook in (ONE, TWO)
        for one in service.page(f"/v1/webhooks/{hook}/deliveries")["data"]
        if one["created_at"] < iso(service.clock.now_ms() - 3 * DAY * 1000)
    ]
    assert len(shown) == len(of_endpoints) == 6
    assert sorted(map(repr, shown)) == sorted(map(repr, of_endpoints))
    assert shown[0]["attempts"][0]["response"] == "Hello, ada@example.com"
    for name in (service.ada, "crm-1"):
        assert service.listed(f"/api/v1/contacts/{name}/deliveries") == shown


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_are_the_whole_list_however_they_are_cut(limit: int, service: Service) -> None:
    """Also in the middle of an event that went to several endpoints, and of entries that went nowhere."""
    service.tell(service.ada, 6, ONE, TWO, days_ago=3)
    service.tell(service.ada, 5, days_ago=2)
    service.tell(service.ada, 4, TWO, days_ago=1)
    whole = service.listed(limit=100)
    assert len(whole) == 16
    assert service.listed(limit=limit) == whole


def test_a_page_reads_no_more_than_it_may(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_deliveries, "MAX_ENTRIES", 4)
    monkeypatch.setattr(contact_deliveries, "MAX_CANDIDATES", 3)
    service.tell(service.ada, 9, ONE, TWO, days_ago=40)  # Gone, and looked for all the same.
    service.tell(service.ada, 9, ONE, TWO, days_ago=1)
    first = service.page(f"{ADA}?limit=100")
    assert (len(first["data"]), first["has_more"]) == (3, True)
    assert len(service.listed(limit=100)) == 18


def test_what_it_costs(service: Service) -> None:
    """The contact, the endpoints, the timeline, and one call for the deliveries."""
    service.tell(service.ada, 20, ONE)
    service.page(ADA)
    service.client.calls.clear()
    service.client.read_units = service.client.write_units = 0
    service.page(f"/v1/contacts/{service.ada}/deliveries")
    assert service.client.calls == {"get_item": 1, "query": 2, "batch_get_item": 1}
    assert service.client.read_units <= 1 + 1 + 2 + 20
    assert service.client.write_units == 0


def test_a_short_page_reads_few_deliveries(service: Service) -> None:
    """Of a long history a view shows ten."""
    service.tell(service.ada, 90, ONE)
    service.client.calls.clear()
    service.client.read_units = 0
    assert len(service.page(f"/v1/contacts/{service.ada}/deliveries?limit=10")["data"]) == 10
    assert service.client.calls == {"get_item": 1, "query": 2, "batch_get_item": 1}
    assert service.client.read_units <= 1 + 1 + 8 + 11


def test_without_endpoints_nothing_else_is_read(service: Service) -> None:
    service.tell(service.ada, 5, ONE)
    for hook in service.hooks.values():
        service.remove(hook)
    service.client.calls.clear()
    assert service.page(f"/v1/contacts/{service.ada}/deliveries")["data"] == []
    assert service.client.calls == {"get_item": 1, "query": 1}


def test_what_went_to_a_deleted_endpoint_is_left_out_as_its_own_list_is(service: Service) -> None:
    service.tell(service.ada, 2, ONE, TWO)
    service.remove(service.hooks[ONE])
    assert {one["webhook_id"] for one in service.listed()} == {TWO}
    assert service.app.send("GET", f"/v1/webhooks/{ONE}/deliveries").status == 404


def test_a_delivery_that_is_over_is_not_listed(service: Service) -> None:
    service.tell(service.ada, 2, ONE, days_ago=29)
    assert len(service.listed()) == 2
    service.clock.at_ms += 2 * DAY * 1000
    assert service.listed() == []


def test_what_was_sent_about_a_merged_contact_is_about_the_one_that_stays(service: Service) -> None:
    service.tell(service.ada, 2, ONE, days_ago=3)
    service.tell(service.bea, 2, TWO, days_ago=2)
    assert service.app.send("POST", "/v1/contacts/crm-1/merge", {"from": "crm-2"}).status == 200
    hooks = [one["webhook_id"] for one in service.listed(limit=1)]
    assert hooks == [TWO, TWO, ONE, ONE]
    for name in ("crm-2", service.bea):
        assert service.listed(f"/v1/contacts/{name}/deliveries") == service.listed()


def test_an_event_that_happened_earlier_stands_where_the_timeline_has_it(service: Service) -> None:
    """The id of a custom event begins with when it happened, that of its delivery with when it was recorded."""
    service.tell(service.ada, 2, ONE, days_ago=5)
    now_ms = service.clock.now_ms()
    event_id = uuid7(now_ms - 50 * DAY * 1000, bytes(10))
    entry = {
        "type": "contact.event",
        "timestamp": iso(now_ms),
        "occurred_at": iso(now_ms - 50 * DAY * 1000),
        "name": "paid",
        "data": {},
        "appended_at": iso(now_ms),
        "webhooks": [ONE],
        "ttl": now_ms // 1000 + DAY,
    }
    item = {"event_id": event_id, "event_type": "contact.event", "status": "pending", "ttl": entry["ttl"]}
    service.items.write_many(
        {
            keys.timeline_entry(ACCOUNT_ID, service.ada, event_id): entry,
            keys.delivery(ACCOUNT_ID, ONE, delivery_id(event_id, ONE, now_ms)): item,
        }
    )
    for limit in (1, 2, 50):
        shown = service.listed(limit=limit)
        assert [one["event_type"] for one in shown] == [*["contact.updated"] * 2, "contact.event"]
        assert shown[-1]["created_at"] == iso(now_ms)


def test_an_event_on_its_way_to_the_log_has_no_deliveries_yet(service: Service) -> None:
    event_id = uuid7(service.clock.now_ms(), bytes(10))
    entry = {"type": "contact.event", "timestamp": iso(service.clock.now_ms()), "name": "paid", "data": {}}
    key = keys.timeline_entry(ACCOUNT_ID, service.ada, event_id)
    service.items.write_many({key: {**entry, "ttl": service.clock.now_ms() // 1000 + DAY}})
    assert service.listed() == []


def test_the_next_attempt_at_a_parked_endpoint_is_not_due_before_its_probe(service: Service) -> None:
    now_ms = service.clock.now_ms()
    service.tell(service.ada, 1, ONE, days_ago=0)
    (shown,) = service.listed()
    key = keys.delivery(ACCOUNT_ID, ONE, shown["id"])
    item = {"event_id": shown["event_id"], "event_type": "contact.updated", "status": "pending"}
    due = {"next_attempt_at": iso(now_ms + 1000), "ttl": now_ms // 1000 + DAY}
    service.items.write_many({key: {**item, **due}})
    assert service.listed()[0]["next_attempt_at"] == iso(now_ms + 1000)
    service.webhooks.note_failure(service.hooks[ONE], iso(now_ms))
    failing = replace(service.hooks[ONE], failing_since=iso(now_ms))
    assert service.webhooks.set_probe(failing, "another delivery", now_ms // 1000 + 60, now_ms // 1000)
    assert service.listed()[0]["next_attempt_at"] == iso((now_ms // 1000 + 60) * 1000)


def test_an_answer_has_five_megabytes_at_most(service: Service) -> None:
    service.tell(service.ada, 60, ONE)
    attempt = {"at": iso(0), "status_code": 500, "duration_ms": 80, "response": "é" * 512}
    for one in service.listed():
        item = {"event_id": one["event_id"], "event_type": "contact.updated", "status": "failed"}
        heavy = {"attempts": [attempt] * 100, "ttl": service.clock.now_ms() // 1000 + DAY}
        service.items.write_many({keys.delivery(ACCOUNT_ID, ONE, one["id"]): {**item, **heavy}})
    page = service.page(f"{ADA}?limit=100")
    assert 30 < len(page["data"]) < 60
    assert len(service.listed(limit=100)) == 60


def test_who_is_gone_has_no_deliveries(service: Service) -> None:
    service.tell(service.ada, 1, ONE)
    service.app.send("DELETE", "/v1/contacts/crm-1")
    for _ in range(2):
        reply = service.app.send("GET", ADA)
        assert (reply.status, reply.body["code"]) == (404, "contact_not_found")
        service.app.send("DELETE", "/v1/contacts/crm-1?permanent=true")


@pytest.mark.parametrize(
    "wrong", ["cursor=%F0", "cursor=AAAA", "limit=0", "limit=101", "status=failed", "to=1"]
)
def test_what_is_wrong_is_named(wrong: str, service: Service) -> None:
    reply = service.app.send("GET", f"{ADA}?{wrong}")
    assert reply.wrong.keys() == {wrong.partition("=")[0]}


def test_a_cursor_is_of_its_own_list(service: Service) -> None:
    service.tell(service.ada, 3, ONE)
    own = service.page(f"{ADA}?limit=1")["next_cursor"]
    of_endpoint = service.page(f"/v1/webhooks/{ONE}/deliveries?limit=1")["next_cursor"]
    of_timeline = service.page("/v1/contacts/crm-1/events?limit=1")["next_cursor"]
    for target, cursor in (
        (BEA, own),
        (ADA, of_endpoint),
        (ADA, of_timeline),
        (f"/v1/webhooks/{ONE}/deliveries", own),
    ):
        assert service.app.send("GET", f"{target}?cursor={cursor}").wrong.keys() == {"cursor"}
    by_id = service.page(f"/v1/contacts/{service.ada}/deliveries?limit=1&cursor={own}")
    assert by_id["data"] == service.listed()[1:2]


@pytest.mark.parametrize(
    ("place", "shown"), [(b"\xff" * 32, 3), (b"\0" * 32, 0), (b"\xff" * 16 + b"\0" * 16, 3)]
)
def test_a_cursor_that_a_client_made_up_fails_nothing(place: bytes, shown: int, service: Service) -> None:
    service.tell(service.ada, 3, ONE)
    query = fingerprint(ACCOUNT_ID, "deliveries about", service.ada)
    assert len(service.page(f"{ADA}?cursor={sealed(query, place)}")["data"]) == shown


def test_another_account_sees_nothing_of_it(service: Service) -> None:
    service.tell(service.ada, 1, ONE)
    service.app.caller = caller_of(OTHER_ACCOUNT_ID)
    for name in ("crm-1", service.ada):
        assert service.app.send("GET", f"/v1/contacts/{name}/deliveries").status == 404


def test_scopes_modes_and_names_that_read_like_its_path(service: Service) -> None:
    service.made("a/deliveries")
    for scopes, missing in (
        ((Scope.WEBHOOKS_READ, Scope.CONTACTS_READ), None),
        ((Scope.API_USER,), None),
        ((Scope.WEBHOOKS_READ,), "contacts:read"),
        ((Scope.CONTACTS_READ,), "webhooks:read"),
        ((Scope.USER,), "webhooks:read"),
    ):
        service.app.with_key(scopes=scopes)
        reply = service.app.send("GET", ADA)
        assert (reply.status, reply.body.get("scope")) == (403 if missing else 200, missing)
    service.app.with_key(scopes=(Scope.WEBHOOKS_READ,))
    assert service.app.send("GET", f"/v1/webhooks/{ONE}/deliveries").status == 200
    service.app.with_key(scopes=(Scope.CONTACTS_READ,), dialect=Dialect.SENDMATOR)
    named = service.app.send("GET", "/api/v1/contacts/a%2Fdeliveries")
    assert named.status == 200, "to a vendor's client it is a name"
    service.app.with_key(scopes=tuple(Scope), dialect=Dialect.NATIVE, mode=Mode.TEST)
    assert service.app.send("GET", ADA).status == 404
