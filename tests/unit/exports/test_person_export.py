"""One person's export: everything that is kept of them, in the trash as well, and nothing of anybody else."""

import json
from typing import Any

import pytest

from contacts.accounts.model import Dialect, Mode, Scope
from contacts.core.time import DAY
from contacts.exports import person
from contacts.table import keys
from contacts.table.client import Table
from contacts.webhooks.model import delivery_id
from local.table import NAME
from tests.support.app import App, Reply, caller_of
from tests.support.event_harness import ACCOUNT_ID, EventHarness, webhook

ROUTE = "/v1/contacts/{ref}/export"
EVENTS = "/v1/contacts/{ref}/events"
ADA = {"email": "ada@example.com", "external_id": "crm-1", "first_name": "Ada", "tags": ["vip"]}
MEMBERS = [
    *("contact", "deleted_at", "timeline", "events", "deliveries", "gates", "consent"),
    *("truncated", "timeline_cursor", "exported_at"),
]


@pytest.fixture
def harness() -> EventHarness:
    return EventHarness(webhook("wh_all"))


def exported(harness: EventHarness, ref: str, **more: Any) -> Reply:
    app = App(harness.client, caller_of(ACCOUNT_ID), clock=harness.clock)
    return app.ask("export_contact", "GET", ROUTE, {"ref": ref}, **more)


def told(harness: EventHarness, method: str, route: str, ref: str | None = None, **more: Any) -> Any:
    """What a request answers whose events are dispatched."""
    body = harness.request(method, route, ref, **more).body
    harness.dispatch(*harness.records())
    return body


def test_everything_of_a_person_and_nothing_of_another(harness: EventHarness) -> None:
    ada = told(harness, "POST", "/v1/contacts", body=ADA)
    told(harness, "POST", "/v1/contacts", body={"email": "grace@example.com", "first_name": "Grace"})
    told(harness, "PATCH", "/v1/contacts/{ref}", "crm-1", body={"is_unsubscribed": True})
    told(harness, "POST", EVENTS, "crm-1", body={"name": "order placed", "data": {"order": 417}})
    reply = exported(harness, "ada@example.com")
    assert reply.status == 200
    assert list(reply.body) == MEMBERS
    found = reply.body
    assert (found["contact"]["id"], found["deleted_at"]) == (ada["id"], None)
    types = ["contact.event", "contact.updated", "contact.created"]
    assert [one["type"] for one in found["timeline"]] == [types[0], "contact.unsubscribed", types[2]] or found
    assert [one["id"] for one in found["events"]] == [one["id"] for one in found["timeline"]]
    assert found["events"][0]["data"]["data"] == {"order": 417}
    assert found["consent"] == {
        "is_unsubscribed": True,
        "unsubscribed_at": found["contact"]["unsubscribed_at"],
        "addresses": [{"email": "ada@example.com", "opted_out": True}],
    }
    assert (found["truncated"], found["timeline_cursor"]) == ([], None)
    assert "race" not in json.dumps(found)


def test_what_endpoints_answered_is_there(harness: EventHarness) -> None:
    told(harness, "POST", "/v1/contacts", body=ADA)
    (event,) = exported(harness, "crm-1").body["events"]
    from contacts.core.time import parsed

    one = delivery_id(event["id"], "wh_all", parsed(event["timestamp"]))
    attempt = {"at": event["timestamp"], "status_code": 200, "duration_ms": 12, "response": "thanks, Ada"}
    item = {
        "event_id": event["id"],
        "event_type": event["type"],
        "appended_at": event["timestamp"],
        "status": "delivered",
        "attempts": [attempt],
        "ttl": harness.clock.at_ms // 1000 + DAY,
    }
    Table(harness.client, NAME).write_many({keys.delivery(ACCOUNT_ID, "wh_all", one): item})
    (found,) = exported(harness, "crm-1").body["deliveries"]
    assert (found["id"], found["webhook_id"], found["status"]) == (one, "wh_all", "delivered")
    assert found["attempts"][0]["response"] == "thanks, Ada"


def test_gates_are_there_also_of_a_channel_that_is_off(harness: EventHarness) -> None:
    channel = harness.request("POST", "/v1/channels", body={"type": "telegram", "name": "Bot"}).body["id"]
    harness.request(
        "POST",
        "/v1/channels/{id}/gates",
        channel,
        body={"identifier": "731", "email": "ada@example.com"},
    )
    harness.request("PUT", "/v1/channels/{id}", channel, body={"state": False})
    (gate,) = exported(harness, "ada@example.com").body["gates"]
    assert (gate["identifier"], gate["channel"]["id"]) == ("731", channel)


def test_somebody_in_the_trash_is_a_person_who_is_kept(harness: EventHarness) -> None:
    ada = told(harness, "POST", "/v1/contacts", body=ADA)
    told(harness, "DELETE", "/v1/contacts/{ref}", "crm-1")
    for ref in (ada["id"], "crm-1", "ada@example.com"):
        found = exported(harness, ref).body
        assert (found["contact"]["id"], found["deleted_at"]) == (ada["id"], "2026-01-15T10:30:03.000Z")
        assert [one["type"] for one in found["timeline"]] == ["contact.deleted", "contact.created"]
    harness.clock.at_ms += 31 * DAY * 1000
    assert exported(harness, "crm-1").body["code"] == "contact_not_found"
    assert exported(harness, "nobody@example.com").status == 404


def test_a_live_contact_goes_before_one_in_the_trash(harness: EventHarness) -> None:
    told(harness, "POST", "/v1/contacts", body={"external_id": "crm-1"})
    told(harness, "DELETE", "/v1/contacts/{ref}", "crm-1")
    live = told(harness, "POST", "/v1/contacts", body={"external_id": "crm-1", "email": "new@example.com"})
    assert exported(harness, "crm-1").body["contact"]["id"] == live["id"]


def test_a_merged_contact_is_part_of_the_person(harness: EventHarness) -> None:
    told(harness, "POST", "/v1/contacts", body=ADA)
    other = told(harness, "POST", "/v1/contacts", body={"email": "countess@example.org"})
    told(harness, "POST", "/v1/contacts/{ref}/merge", "crm-1", body={"from": "countess@example.org"})
    found = exported(harness, other["id"]).body
    assert [one["type"] for one in found["timeline"]] == [
        "contact.merged",
        "contact.created",
        "contact.created",
    ]
    assert [one["email"] for one in found["consent"]["addresses"]] == [
        "ada@example.com",
        "countess@example.org",
    ]


def test_a_long_timeline_is_cut_and_can_be_gone_on_with(
    harness: EventHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person, "MAX_ENTRIES", 3)
    told(harness, "POST", "/v1/contacts", body=ADA)
    for number in range(5):
        told(harness, "POST", EVENTS, "crm-1", body={"name": f"event {number}"})
    found = exported(harness, "crm-1").body
    assert [one.get("name") for one in found["timeline"]] == ["event 4", "event 3", "event 2"]
    assert len(found["events"]) == 3
    assert found["truncated"] == ["timeline", "events", "deliveries"]
    rest = harness.request("GET", EVENTS, "crm-1", query={"cursor": found["timeline_cursor"]}).body
    assert [one.get("name") for one in rest["data"]] == ["event 1", "event 0", None]


def test_an_answer_has_five_megabytes_at_most(harness: EventHarness) -> None:
    heavy = {"text": "é" * 15_000}
    told(harness, "POST", "/v1/contacts", body={**ADA, "metadata": {"note": "x" * 100_000}})
    for _ in range(60):
        told(harness, "POST", EVENTS, "crm-1", body={"name": "heavy", "data": heavy})
    reply = exported(harness, "crm-1")
    assert len(json.dumps(reply.body, ensure_ascii=False).encode()) < 5_000_000
    assert reply.body["truncated"] == ["timeline", "events"]
    assert reply.body["timeline_cursor"] is not None


def test_what_is_over_is_not_there(harness: EventHarness) -> None:
    told(harness, "POST", "/v1/contacts", body=ADA)
    harness.clock.at_ms += 31 * DAY * 1000
    found = exported(harness, "crm-1").body
    assert (len(found["timeline"]), found["events"], found["truncated"]) == (1, [], [])
    harness.clock.at_ms += 60 * DAY * 1000
    assert exported(harness, "crm-1").body["timeline"] == []


def test_scopes_modes_and_names_that_read_like_its_path(harness: EventHarness) -> None:
    told(harness, "POST", "/v1/contacts", body={"external_id": "a/export"})
    app = App(harness.client, caller_of(ACCOUNT_ID), clock=harness.clock)
    for scopes, status in (
        ((Scope.EXPORTS_READ, Scope.CONTACTS_READ), 404),
        ((Scope.EXPORTS_READ,), 403),
        ((Scope.CONTACTS_READ,), 403),
        ((Scope.USER,), 403),
    ):
        app.with_key(scopes=scopes)
        assert app.send("GET", "/v1/contacts/b/export").status == status
    app.with_key(scopes=(Scope.CONTACTS_READ,), dialect=Dialect.SENDMATOR)
    named = app.send("GET", "/api/v1/contacts/a%2Fexport")
    assert named.status == 200, "to a vendor's client it is a name"
    app.with_key(scopes=tuple(Scope), dialect=Dialect.NATIVE, mode=Mode.TEST)
    assert app.send("GET", "/v1/contacts/crm-1/export").status == 404
