"""Contacts that arrive through gates, how they are reached, and what becomes of gates."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import (
    MAX_GATES,
    TRASH_DAYS,
    Claim,
    Contact,
    Gate,
    ValidationStatus,
    contact_from,
    contact_values,
    gate_name,
)
from contacts.book.store import ContactStore
from contacts.channels.model import Channel, ChannelType, open_gates
from contacts.core.ids import Name, derived_id, is_uuid, made_at_ms
from contacts.core.time import DAY
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID
from tests.support.channel_harness import ARRIVE, CHAT, GATES, MERGE, RESTORE, ChannelHarness
from tests.support.fakes import OneAtATime, opt_outs
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import violations
from tests.support.property_harness import CONTACT, CONTACTS

NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"
PERMANENT = {"permanent": "true"}


@pytest.fixture
def harness() -> ChannelHarness:
    return ChannelHarness()


@pytest.fixture
def bot(harness: ChannelHarness) -> str:
    """The id of a channel."""
    channel_id: str = harness.made()["id"]
    return channel_id


def sound(harness: ChannelHarness) -> bool:
    return violations(harness.moto.items(), ACCOUNT_ID, harness.clock.now_ms() // 1000) == []


# Arriving


def test_a_contact_arrives_with_its_gate(harness: ChannelHarness, bot: str) -> None:
    fields = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "+442079460958",
        "tags": ["vip"],
        "lists": ["newsletter"],
        "custom_fields": {"plan": "pro"},
        "metadata": {"photo": "https://example.com/ada.jpg"},
        "email": "Ada@Example.com",
        "external_id": "crm-1",
    }
    gate = harness.arrived(bot, "731905284", **fields)
    at = "2026-01-15T10:30:01.000Z"
    assert gate == {
        "id": gate["id"],
        "channel": {"id": bot, "type": "telegram", "name": "Bot"},
        "identifier": "731905284",
        "contact_id": gate["contact_id"],
        "created_at": at,
    }
    contact = harness.contact(gate["contact_id"])
    assert contact == {**contact, **fields, "email": "ada@example.com", "version": 1, "created_at": at}
    assert harness.contact("crm-1") == harness.contact("ada@example.com") == contact
    assert sound(harness)


def test_a_contact_may_have_a_gate_and_nothing_else(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "731905284")
    contact = harness.contact(gate["contact_id"])
    assert (contact["email"], contact["external_id"], contact["name"]) == (None, None, None)
    assert harness.gates(gate["contact_id"]) == [gate]
    assert sound(harness)


def test_an_identifier_leads_to_the_gate_there_is_and_changes_nothing(
    harness: ChannelHarness, bot: str
) -> None:
    harness.created(email="taken@example.com")
    gate = harness.arrived(bot, "731905284", first_name="Ada", email="ada@example.com")
    before = harness.moto.items()
    for fields in ({}, {"first_name": "Eve", "add_tags": ["new"]}, {"email": "taken@example.com"}):
        again = harness.arrive(bot, "731905284", **fields)
        assert (again.status, again.body) == (200, gate)
    assert harness.moto.items() == before


def test_identifiers_are_told_apart_letter_by_letter_and_by_channel(
    harness: ChannelHarness, bot: str
) -> None:
    other = harness.made("viber", "Viber")["id"]
    arrivals = [(bot, "ada"), (bot, "Ada"), (bot, " ada"), (bot, "ada:1"), (bot, "ada#1"), (other, "ada")]
    gates = [harness.arrived(*arrival) for arrival in arrivals]
    assert len({gate["id"] for gate in gates}) == len({gate["contact_id"] for gate in gates}) == len(arrivals)
    for arrival, gate in zip(arrivals, gates, strict=True):
        assert harness.arrive(*arrival).body == gate
    assert harness.gates(gates[3]["contact_id"])[0]["identifier"] == "ada:1"
    assert sound(harness)


@pytest.mark.parametrize("field", ["email", "external_id"])
def test_a_name_that_another_contact_has_is_a_conflict(field: str, harness: ChannelHarness, bot: str) -> None:
    names = {"email": "ada@example.com", "external_id": "crm-1"}
    owner = harness.created(**names)
    before = harness.moto.items()
    reply = harness.arrive(bot, "731905284", first_name="Eve", **{field: names[field]})
    assert (reply.status, reply.body["code"], reply.body["field"]) == (409, "duplicate_contact", field)
    assert reply.body["existing_id"] == owner
    assert harness.moto.items() == before


def test_a_name_in_the_trash_is_taken_over(harness: ChannelHarness, bot: str) -> None:
    former = harness.created(email="ada@example.com", external_id="crm-1")
    harness.request("DELETE", CONTACT, former)
    gate = harness.arrived(bot, "731905284", email="ada@example.com")
    assert gate["contact_id"] != former
    assert harness.contact("ada@example.com")["id"] == gate["contact_id"]
    assert harness.request("POST", RESTORE, former).body["email"] is None
    assert sound(harness)


def test_nobody_arrives_through_a_channel_that_is_off(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1")
    harness.switched(bot, on=False)
    before = harness.moto.items()
    for identifier in ("1", "2"):
        reply = harness.arrive(bot.upper(), identifier)
        assert (reply.status, reply.body["code"]) == (409, "channel_off")
    assert harness.moto.items() == before
    harness.switched(bot, on=True)
    assert harness.arrive(bot.upper(), "1").body == gate, "an id may be written in capitals"


@pytest.mark.parametrize("channel_id", [NOBODYS, "telegram", "x" * 3000])
def test_a_channel_that_is_not_there_is_not_found(channel_id: str, harness: ChannelHarness, bot: str) -> None:
    reply = harness.arrive(channel_id, "1")
    assert (reply.status, reply.body["code"]) == (404, "channel_not_found")


WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no identifier": ({}, {"identifier": "is required"}),
    "no identifier and more": (
        {"email": "no", "phone": "12", "first": "x"},
        {"identifier": "is required", "email": "is not an email", "phone": "E.164", "first": "is no field"},
    ),
    "null": ({"identifier": None}, {"identifier": "must be a string"}),
    "a number": ({"identifier": 5}, {"identifier": "must be a string"}),
    "empty": ({"identifier": ""}, {"identifier": "at least 1"}),
    "long": ({"identifier": "x" * 256}, {"identifier": "at most 255"}),
    "long in bytes": ({"identifier": "\N{GRINNING FACE}" * 251}, {"identifier": "at most 1000 bytes"}),
    "NUL": ({"identifier": "a\0"}, {"identifier": "NUL"}),
    "half a character": ({"identifier": "\ud800"}, {"identifier": ""}),
    "what only changes take": ({"identifier": "1", "remove_tags": ["x"]}, {"remove_tags": "is no field"}),
    "a typed field": (
        {"identifier": "", "custom_fields": {"size": "x"}},
        {"identifier": "at least 1", "custom_fields.size": "must be a number"},
    ),
}


@pytest.mark.parametrize(("body", "says"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_arrival_is_refused_with_all_that_is_wrong(
    body: dict[str, Any], says: dict[str, str], harness: ChannelHarness, bot: str
) -> None:
    harness.defined("size", "number")
    before = harness.moto.items()
    wrong = harness.request("POST", ARRIVE, bot, body=body).wrong
    assert wrong.keys() == says.keys()
    assert all(words in wrong[field] for field, words in says.items())
    assert harness.moto.items() == before


@pytest.mark.parametrize(
    "identifier", ["x" * 255, "ß" * 255, "\N{GRINNING FACE}" * 250, "/", "%2F", "\u200b"]
)
def test_an_identifier_may_be_any_text(identifier: str, harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, identifier)
    assert harness.arrive(bot, identifier).body == gate
    assert harness.gates(gate["contact_id"]) == [gate]


@pytest.mark.parametrize("is_trashed", [True, False])
def test_who_arrives_just_after_somebody_looked_arrives_once(
    is_trashed: bool, harness: ChannelHarness, bot: str
) -> None:
    """Between the look and the write another request makes the contact, and maybe one more deletes it."""
    others = ChannelHarness()
    others.moto, others.table, others.clock = harness.moto, harness.table, harness.clock
    others.randomness.calls = 1000
    theirs: list[Any] = []

    class Interrupted(ContactStore):
        def claim(self, name: Name) -> Claim | None:
            found = super().claim(name)
            if not theirs:
                theirs.append(others.arrived(bot, "1", email="ada@example.com"))
                if is_trashed:
                    others.request("DELETE", CONTACT, theirs[0]["contact_id"])
            return found

    harness.app.contact_store = lambda caller: Interrupted(  # type: ignore[method-assign]
        harness.table,
        caller.account_id,
        opt_outs(harness.table, caller.account_id),
        harness.randomness,
        harness.clock.now_ms() // 1000,
    )
    reply = harness.arrive(bot, "1", email="ada@example.com")
    assert (reply.status, [reply.body]) == (200, theirs)
    assert harness.contact("ada@example.com")["id"] == theirs[0]["contact_id"]
    assert sound(harness)


def test_of_fifty_arrivals_at_once_one_makes_the_contact(harness: ChannelHarness, bot: str) -> None:
    client = OneAtATime(harness.moto.client())

    def arrive(number: int) -> Any:
        own = ChannelHarness()
        own.moto, own.table = harness.moto, Table(client, NAME)
        own.randomness.calls = 1000 * (number + 1)
        own.clock.sleep = lambda _seconds: None  # type: ignore[method-assign]
        return own.arrive(bot, "731905284", first_name=f"Ada {number}", email="ada@example.com")

    with ThreadPoolExecutor(50) as clients:
        replies = list(clients.map(arrive, range(50)))
    assert sorted(reply.status for reply in replies) == [200] * 49 + [201]
    assert len({json.dumps(reply.body) for reply in replies}) == 1
    contacts = [item for item in harness.moto.items() if item["SK"]["S"].startswith("CONTACT")]
    assert len(contacts) == 1
    assert sound(harness)


# Requests that come twice


def test_an_arrival_that_comes_twice_is_carried_out_once(harness: ChannelHarness, bot: str) -> None:
    first = harness.arrive(bot, "1", first_name="Ada", key="k-1")
    assert first.status == 201
    harness.switched(bot, on=False)
    again = harness.arrive(bot, "1", first_name="Ada", key="k-1")
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (201, first.body, "true")
    assert harness.arrive(bot, "2", key="k-1").status == 422
    assert sound(harness)


def test_so_it_is_where_the_gate_was_there(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1")
    version = harness.contact(gate["contact_id"])["version"]
    first = harness.arrive(bot, "1", key="k-1")
    assert (first.status, first.body) == (200, gate)
    assert harness.contact(gate["contact_id"])["version"] == version
    harness.request("DELETE", CONTACT, gate["contact_id"])
    again = harness.arrive(bot, "1", key="k-1")
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (200, gate, "true")
    assert harness.request("GET", CONTACT, gate["contact_id"]).status == 404, "a repetition restores nobody"


def test_the_person_is_gone_from_what_a_key_stands_for(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrive(bot, "731905284", key="k-1").body
    harness.request("DELETE", CONTACT, gate["contact_id"], query=PERMANENT)
    harness.erase(ACCOUNT_ID, gate["contact_id"])
    assert "731905284" not in json.dumps(harness.moto.items())
    reply = harness.arrive(bot, "731905284", key="k-1")
    assert (reply.status, reply.body["code"]) == (404, "contact_not_found")


# The name that a gate is


def test_who_has_a_gate_may_lose_the_email(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1", email="ada@example.com", external_id="crm-1")
    cleared = harness.request("PATCH", CONTACT, gate["contact_id"], body={"email": None, "external_id": None})
    assert (cleared.status, cleared.body["email"], cleared.body["external_id"]) == (200, None, None)
    plain = harness.created(email="bea@example.com")
    assert set(harness.request("PATCH", CONTACT, plain, body={"email": None}).wrong) == {"email"}
    assert sound(harness)


def test_a_create_still_needs_a_name(harness: ChannelHarness) -> None:
    assert set(harness.request("POST", CONTACTS, body={"first_name": "Ada"}).wrong) == {
        "email",
        "external_id",
    }
    assert "identifier" in harness.request("POST", CONTACTS, body={"identifier": "1"}).wrong


def test_a_contact_comes_back_from_the_trash_by_its_gate(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1", first_name="Ada", email="ada@example.com")
    harness.request("DELETE", CONTACT, gate["contact_id"])
    assert harness.request("GET", GATES, gate["contact_id"]).status == 404
    back = harness.arrive(bot, "1", first_name="Eve", tags=["new"])
    assert (back.status, back.body) == (200, gate)
    contact = harness.contact("ada@example.com")
    assert (contact["id"], contact["first_name"], contact["tags"]) == (gate["contact_id"], "Ada", [])
    assert contact["version"] == 2
    assert sound(harness)


def test_it_comes_back_without_the_names_that_others_took(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1", email="ada@example.com")
    harness.request("DELETE", CONTACT, gate["contact_id"])
    other = harness.created(external_id="crm-1")
    assert harness.request("PATCH", CONTACT, other, body={"email": "ada@example.com"}).status == 200
    restored = harness.request("POST", RESTORE, gate["contact_id"])
    assert (restored.status, restored.body["email"]) == (200, None), "its gate is a name, too"
    assert harness.arrive(bot, "1").body == gate
    assert sound(harness)


def test_an_erased_contact_arrives_as_another(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "731905284")
    harness.request("DELETE", CONTACT, gate["contact_id"], query=PERMANENT)
    assert "731905284" not in json.dumps(harness.moto.items())
    assert harness.arrived(bot, "731905284")["contact_id"] != gate["contact_id"]
    assert sound(harness)


def test_so_does_one_whose_days_in_the_trash_are_over(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1")
    harness.request("DELETE", CONTACT, gate["contact_id"])
    harness.clock.at_ms += TRASH_DAYS * DAY * 1000
    assert harness.arrived(bot, "1")["contact_id"] != gate["contact_id"]
    assert sound(harness)


def test_what_the_trash_held_is_gone_with_it(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "731905284")
    harness.request("DELETE", CONTACT, gate["contact_id"])
    harness.request("DELETE", CONTACT, gate["contact_id"], query=PERMANENT)
    assert "731905284" not in json.dumps(harness.moto.items())


def test_other_accounts_have_the_same_identifiers_to_give(harness: ChannelHarness, bot: str) -> None:
    mine = harness.arrived(bot, "1")
    before = [item for item in harness.moto.items() if ACCOUNT_ID in item["PK"]["S"]]
    harness.of_account(OTHER_ACCOUNT_ID)
    theirs = harness.arrived(harness.made()["id"], "1")
    assert theirs["contact_id"] != mine["contact_id"]
    for route in (GATES, CHAT):
        assert harness.request("GET", route, mine["contact_id"]).status == 404
    assert [item for item in harness.moto.items() if ACCOUNT_ID in item["PK"]["S"]] == before


def test_gates_follow_a_merge(harness: ChannelHarness, bot: str) -> None:
    winner = harness.arrived(bot, "1", email="ada@example.com")["contact_id"]
    loser = harness.arrived(bot, "2", email="augusta@example.com")
    assert harness.request("POST", MERGE, winner, body={"from": loser["contact_id"]}).status == 200
    again = harness.arrive(bot, "2", email="taken@example.com")
    assert (again.status, again.body) == (200, {**loser, "contact_id": winner})
    for ref in (winner, loser["contact_id"], "augusta@example.com"):
        assert [gate["identifier"] for gate in harness.gates(ref)] == ["1", "ada@example.com", "2"]
    cleared = harness.request("PATCH", CONTACT, winner, body={"email": None})
    assert cleared.status == 200
    assert sound(harness)

    harness.request("DELETE", CONTACT, winner)
    assert harness.arrive(bot, "2").body["contact_id"] == winner, "it comes back by any of its gates"
    assert sound(harness)
    harness.request("DELETE", CONTACT, winner, query=PERMANENT)
    assert harness.arrived(bot, "2")["contact_id"] not in (winner, loser["contact_id"])
    assert sound(harness)


def test_a_contact_has_fifty_gates_at_most(harness: ChannelHarness, bot: str) -> None:
    """And all of them go with it in one transaction, into the trash and out of it."""
    first, *others = [harness.arrived(bot, str(number))["contact_id"] for number in range(MAX_GATES + 1)]
    halves = [first, others.pop()]
    for number, other in enumerate(others):
        body = {"from": other}
        reply = harness.request("POST", MERGE, halves[number % 2], body=body)
        assert reply.status == 200, reply.body
    before = harness.moto.items()
    # Each brings its id: 40 of these come first.
    reply = harness.request("POST", MERGE, halves[0], body={"from": halves[1]})
    assert (reply.status, reply.body["code"]) == (409, "merge_too_large")
    assert any(f"at most {MAX_GATES} are kept" in error["message"] for error in reply.body["errors"])
    assert harness.moto.items() == before
    assert harness.request("DELETE", CONTACT, halves[0]).status == 200
    assert harness.arrive(bot, "0").body["contact_id"] == halves[0]
    assert sound(harness)


# Being reached


def reached(harness: ChannelHarness, ref: str) -> list[tuple[Any, str]]:
    return [(gate["channel"]["id"], gate["identifier"]) for gate in harness.gates(ref)]


def test_an_email_and_a_phone_are_gates_of_their_own(harness: ChannelHarness) -> None:
    contact_id = harness.created(email="ada@example.com", phone="+442079460958")
    email, phone = sorted(harness.gates(contact_id), key=lambda gate: str(gate["identifier"]), reverse=True)
    assert email == {
        "id": email["id"],
        "channel": {"id": None, "type": "email", "name": "Email"},
        "identifier": "ada@example.com",
        "contact_id": contact_id,
        "created_at": harness.contact(contact_id)["created_at"],
    }
    assert (phone["channel"], phone["identifier"]) == (
        {"id": None, "type": "sms", "name": "SMS"},
        "+442079460958",
    )
    assert is_uuid(email["id"])
    assert len({email["id"], phone["id"], contact_id}) == 3
    harness.clock.at_ms += 1000
    harness.request("PATCH", CONTACT, contact_id, body={"first_name": "Ada"})
    assert [gate["id"] for gate in harness.gates(contact_id)] == sorted((email["id"], phone["id"]))


def test_they_are_on_the_oldest_channel_of_their_type_that_is_on(harness: ChannelHarness) -> None:
    contact_id = harness.created(email="ada@example.com", phone="+442079460958")
    first, second = harness.made("email", "Letters")["id"], harness.made("email", "More letters")["id"]
    assert {channel for channel, _ in reached(harness, contact_id)} == {first, None}
    harness.switched(first, on=False)
    assert {channel for channel, _ in reached(harness, contact_id)} == {second, None}
    harness.switched(second, on=False)
    assert reached(harness, contact_id) == [(None, "+442079460958")]


def test_who_cannot_be_mailed_has_no_gate_for_it(harness: ChannelHarness) -> None:
    contact_id = harness.created(email="ada@example.com", phone="+442079460958")
    harness.request("PATCH", CONTACT, contact_id, body={"is_unsubscribed": True})
    assert reached(harness, contact_id) == [(None, "+442079460958")]
    harness.request("PATCH", CONTACT, contact_id, body={"is_unsubscribed": False})
    assert len(reached(harness, contact_id)) == 2


def test_a_gate_counts_while_its_channel_is_on(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1")
    harness.switched(bot, on=False)
    assert harness.gates(gate["contact_id"]) == []
    harness.request("PUT", "/v1/channels/{id}", bot, body={"state": True, "name": "Robot"})
    shown = {**gate, "channel": {**gate["channel"], "name": "Robot"}}
    assert harness.gates(gate["contact_id"]) == [shown]


def test_an_address_that_is_a_gate_as_well_is_told_of_once(harness: ChannelHarness) -> None:
    letters = harness.made("email", "Letters")["id"]
    gate = harness.arrived(letters, "ada@example.com", email="ada@example.com")
    assert harness.gates(gate["contact_id"]) == [gate]


def test_gates_come_in_pages_and_by_page_number(harness: ChannelHarness, bot: str) -> None:
    gate = harness.arrived(bot, "1", email="ada@example.com", phone="+442079460958")
    every = harness.gates("ada@example.com")
    assert len(every) == 3
    first = harness.request(
        "GET", GATES, gate["contact_id"], query={"limit": "2", "include_total": "true"}
    ).body
    assert (first["data"], first["has_more"], first["total"]) == (every[:2], True, 3)
    rest = {"cursor": first["next_cursor"]}
    # Whatever the contact is called by, it is the same list.
    assert harness.request("GET", GATES, "ada@example.com", query=rest).body["data"] == every[2:]
    assert harness.gates("ada@example.com", offset="2", limit="2") == every[2:]
    assert harness.gates("ada@example.com", by="email") == every
    other = harness.created(email="bea@example.com")
    assert list(harness.request("GET", GATES, other, query=rest).wrong) == ["cursor"]


def test_a_chat_is_a_contact_and_how_it_is_reached(harness: ChannelHarness, bot: str) -> None:
    photo = "https://example.com/ada.jpg"
    gate = harness.arrived(bot, "1", name="Ada Lovelace", phone="+442079460958", metadata={"photo": photo})
    contact = harness.contact(gate["contact_id"])
    chat = harness.request("GET", CHAT, gate["contact_id"])
    assert (chat.status, chat.body) == (
        200,
        {
            "id": chat.body["id"],
            "name": "Ada Lovelace",
            "image": photo,
            "contact": contact,
            "gates": harness.gates(gate["contact_id"]),
            "created_at": contact["created_at"],
            "updated_at": contact["updated_at"],
        },
    )
    assert is_uuid(chat.body["id"])
    harness.request("PATCH", CONTACT, gate["contact_id"], body={"metadata": None, "name": None})
    later = harness.request("GET", CHAT, gate["contact_id"]).body
    assert (later["id"], later["name"], later["image"]) == (chat.body["id"], None, None)


@pytest.mark.parametrize("route", [GATES, CHAT])
def test_of_who_is_not_there_there_is_none(route: str, harness: ChannelHarness) -> None:
    reply = harness.request("GET", route, NOBODYS)
    assert (reply.status, reply.body["code"]) == (404, "contact_not_found")


def test_a_test_key_arrives_through_the_channels_there_are_and_stays_nowhere(
    harness: ChannelHarness, bot: str
) -> None:
    gate = harness.arrived(bot, "1", email="ada@example.com")
    before = harness.moto.items()
    harness.as_test()
    reply = harness.arrive(bot, "1", email="ada@example.com", key="k-1")
    assert (reply.status, reply.body["test_mode"]) == (201, True)
    assert reply.body["contact_id"] != gate["contact_id"]
    assert harness.arrive(NOBODYS, "1").status == 404
    assert set(harness.arrive(bot, "", email="x").wrong) == {"identifier", "email"}
    for route in (GATES, CHAT):
        for contact_id in (gate["contact_id"], reply.body["contact_id"]):
            assert harness.request("GET", route, contact_id).status == 404
    assert harness.moto.items() == before


# The parts


@given(
    channel_id=some.uuids(version=4).map(str),
    identifier=some.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text),
)
@settings(max_examples=examples(50))
def test_an_item_holds_its_gates_whatever_they_are_called(channel_id: str, identifier: str) -> None:
    gate = Gate("019bbc0e-1c40-7b91-a26d-3f5087c4e1d2", channel_id, identifier)
    contact = Contact(id=NOBODYS, version=1, created_at="", updated_at="", gates=(gate,))
    stored = {name: value for name, value in contact_values(contact).items() if value is not None}
    assert contact_from(stored) == contact
    key = keys.claim(ACCOUNT_ID, gate.name)
    assert (key.PK.endswith(channel_id), key.SK.removeprefix("GATE#")) == (True, identifier)
    assert contact.names == (gate_name(channel_id, identifier),)
    assert contact.without(contact.names).gates == ()


def test_a_derived_id_is_always_the_same_and_sorts_with_its_owner() -> None:
    first = derived_id(NOBODYS, "chat")
    assert first == derived_id(NOBODYS, "chat") != derived_id(NOBODYS, "chats")
    assert (made_at_ms(first), first[14], first[19] in "89ab") == (made_at_ms(NOBODYS), "8", True)


ON, OFF = "019bbc0e-1c40-7b91-a26d-3f5087c4e1d2", "019bbc0e-1c41-7b91-a26d-3f5087c4e1d2"
kinds = some.sampled_from(list(ChannelType))
statuses = some.sampled_from(list(ValidationStatus))


@given(on=kinds, off=kinds, status=statuses, unsubscribed=some.booleans(), addresses=some.booleans())
@settings(max_examples=examples(80))
def test_nobody_is_reached_where_they_cannot_be(
    on: ChannelType, off: ChannelType, status: ValidationStatus, unsubscribed: bool, addresses: bool
) -> None:
    channels = [
        Channel(id=one, type=kind, name=kind, state=one == ON, created_at="", updated_at="")
        for one, kind in ((ON, on), (OFF, off))
    ]
    contact = Contact(
        id=NOBODYS,
        version=1,
        created_at="",
        updated_at="",
        email="ada@example.com" if addresses else None,
        phone="+442079460958" if addresses else None,
        gates=(Gate(ON, ON, "1"), Gate(OFF, OFF, "1")),
        is_unsubscribed=unsubscribed,
        validation_status=status,
    )
    found: list[Any] = open_gates(contact, channels)
    assert len({gate["id"] for gate in found}) == len(found)
    assert OFF not in {gate["channel"]["id"] for gate in found}
    assert ON in {gate["id"] for gate in found}
    mailed = [gate for gate in found if gate["identifier"] == "ada@example.com"]
    may_be = addresses and not unsubscribed and status is not ValidationStatus.INVALID
    closed = off is ChannelType.EMAIL and on is not ChannelType.EMAIL
    assert len(mailed) == (may_be and not closed)
    assert all(gate["channel"]["type"] == "email" for gate in mailed)
