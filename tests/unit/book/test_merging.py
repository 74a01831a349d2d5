"""Two contacts become one: nothing of either is lost, no name leads nowhere, nobody is subscribed who was not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.merge import MAX_ABSORBED, merged_contact
from contacts.book.model import Contact, ValidationStatus, named_alone
from contacts.core.errors import MergeTooLarge
from contacts.core.ids import Name, NameKind, uuid7
from contacts.core.time import DAY, iso
from contacts.events.changes import ChangeKind
from contacts.events.store import TimelineStore
from contacts.table import keys
from contacts.table.client import Table
from local.table import NAME
from tests.support.app import Reply
from tests.support.event_harness import ACCOUNT_ID, EventHarness, Killed, Life, changes, webhook
from tests.support.hypothesis_profiles import examples
from tests.support.in_process_api import ONE
from tests.support.invariants import counted_in, violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import Projection
from tests.support.streams import Record

MERGE = f"{ONE}/merge"
EVENTS = f"{ONE}/events"
PERMANENT = {"permanent": "true"}
ADA = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "tags": ["vip", "beta"],
    "lists": ["newsletter"],
    "custom_fields": {"plan": "pro", "seats": None},
}
BEA = {
    "email": "augusta@example.org",
    "external_id": "crm-2",
    "last_name": "King",
    "phone": "+442079460958",
    "tags": ["trial", "vip"],
    "lists": ["events", "newsletter"],
    "custom_fields": {"plan": "free", "seats": 3, "city": "Ockham"},
    "metadata": {"source": "form"},
}


@pytest.fixture
def harness() -> EventHarness:
    return EventHarness(webhook("wh_all"), webhook("wh_merged", "contact.merged"))


def merge(harness: EventHarness, ref: str, source: str, **more: Any) -> Any:
    """A merge that succeeds; what the stream tells is in `told` of the next call of `records`."""
    reply = harness.request("POST", MERGE, ref, body={"from": source}, **more)
    assert reply.status == 200
    return reply.body


def asked(harness: EventHarness, ref: str, body: Any, **more: Any) -> Reply:
    """A merge, whatever the answer."""
    return harness.api.request("POST", MERGE, ref, body=body, **more)


def shown(harness: EventHarness, ref: str) -> Any:
    reply = harness.api.request("GET", ONE, ref)
    assert reply.status == 200, reply.body
    return reply.body


def two(harness: EventHarness, **of_the_loser: Any) -> tuple[str, str]:
    return harness.create(**ADA), harness.create(**{**BEA, **of_the_loser})


def consistent(harness: EventHarness) -> bool:
    return violations(harness.table.items(), ACCOUNT_ID, harness.clock.at_ms // 1000) == []


# What becomes of them


def test_the_winner_stays_and_the_other_fills_its_gaps(harness: EventHarness) -> None:
    ada, bea = two(harness)
    before = shown(harness, ada)
    after = merge(harness, ada, bea)
    assert after == {
        **before,
        "external_id": "crm-2",
        "last_name": "King",
        "name": "Ada King",
        "phone": "+442079460958",
        "tags": ["vip", "beta", "trial"],
        "lists": ["newsletter", "events"],
        "custom_fields": {"plan": "pro", "seats": 3, "city": "Ockham"},
        "metadata": {"source": "form"},
        "version": 2,
        "updated_at": iso(harness.clock.at_ms),
    }
    assert shown(harness, ada) == after
    assert consistent(harness)


def test_every_name_of_both_contacts_leads_to_the_winner(harness: EventHarness) -> None:
    ada, bea = two(harness)
    after = merge(harness, "ada@example.com", "Augusta@example.org")
    for ref in (ada, bea, bea.upper(), "ada@example.com", "Augusta@Example.org", "crm-2"):
        assert shown(harness, ref) == after
    changed = harness.request("PATCH", ref=bea, body={"first_name": "Augusta"}).body
    assert (changed["id"], changed["version"]) == (ada, 3)
    changed = harness.request("PATCH", ref="augusta@example.org", body={"add_tags": ["late"]}).body
    assert (changed["id"], changed["tags"][-1]) == (ada, "late")
    assert len(harness.api.request("GET").body["data"]) == 1


def test_after_several_merges_every_name_leads_to_the_last_winner(harness: EventHarness) -> None:
    ada, bea = two(harness)
    cay = harness.create(email="cay@example.com", external_id="crm-3")
    merge(harness, bea, ada)
    last = merge(harness, cay, "ada@example.com")
    for ref in (ada, bea, cay, "ada@example.com", "augusta@example.org", "crm-2", "crm-3", "cay@example.com"):
        assert shown(harness, ref) == last
    assert last["id"] == cay
    assert consistent(harness)


def test_by_says_how_each_of_both_refs_is_read(harness: EventHarness) -> None:
    harness.create(external_id="ada@example.com", first_name="by external_id")
    ada, bea = two(harness)
    by = {"query": {"by": "external_id"}}
    assert asked(harness, bea, {"from": "ada@example.com", "by": "id"}).status == 404
    assert asked(harness, "crm-2", {"from": "ada@example.com", "by": "external_id"}, **by).body["id"] == bea
    assert asked(harness, ada, {"from": "crm-2", "by": None}).body["id"] == ada


@pytest.mark.parametrize(
    ("winner", "loser", "name"),
    [
        ({}, {"name": "Ada King Lovelace"}, ("Ada", "King Lovelace", "Ada King Lovelace")),
        ({}, {"first_name": "Ada", "last_name": "King"}, ("Ada", "King", "Ada King")),
        ({"name": "Ada"}, {"first_name": "B", "last_name": "King"}, ("Ada", "King", "Ada King")),
        ({"name": "Ada  Lovelace"}, {"name": "B King"}, ("Ada", "Lovelace", "Ada  Lovelace")),
        ({"last_name": "King"}, {"name": "Ada Lovelace"}, ("Ada", "King", "Ada King")),
        ({"name": "Ada"}, {"first_name": "Bea"}, ("Ada", None, "Ada")),
        ({}, {}, (None, None, None)),
    ],
)
def test_a_merge_fills_first_and_last_name_separately(
    winner: Any, loser: Any, name: tuple[str | None, ...], harness: EventHarness
) -> None:
    ada, bea = harness.create(external_id="a", **winner), harness.create(external_id="b", **loser)
    after = merge(harness, ada, bea)
    assert tuple(after[field] for field in ("first_name", "last_name", "name")) == name


texts = st.none() | st.sampled_from(["", "x", "Ελένη", "a b"])
statuses = st.sampled_from([(ValidationStatus.VALID, None), (ValidationStatus.INVALID, "no_mx")])
entries = st.dictionaries(st.sampled_from("abc"), st.sampled_from([None, 0, 1, False, "", {"d": []}]))
person_names = texts.map(named_alone) | st.fixed_dictionaries({"first_name": texts, "last_name": texts})
labels = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True).map(tuple)


@st.composite
def contacts(draw: st.DrawFn, who: str) -> Contact:
    email, external_id = draw(
        st.sampled_from([(f"{who}@example.com", None), (None, who), (f"{who}@example.com", who)])
    )
    status, reason = draw(statuses)
    since = draw(st.none() | st.sampled_from(["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"]))
    merged_names = st.sampled_from(
        [
            Name(NameKind.EMAIL, f"{who}2@example.com"),
            Name(NameKind.ALIAS, f"{who}-2"),
            Name(NameKind.EXTERNAL_ID, f"{who}2"),
        ]
    )
    return Contact(
        id=f"{who}-1",
        version=draw(st.integers(1, 9)),
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:00:00.000Z",
        email=email,
        external_id=external_id,
        **draw(person_names),
        phone=draw(st.none() | st.just(f"+{len(who)}2")),
        tags=draw(labels),
        lists=draw(labels),
        custom_fields=draw(entries),
        metadata=draw(entries),
        is_active=draw(st.booleans()),
        is_unsubscribed=since is not None,
        unsubscribed_at=since,
        validation_status=status,
        validation_reason=reason,
        merged_names=tuple(draw(st.lists(merged_names, unique=True))),
    )


@settings(max_examples=examples(300))
@given(winner=contacts("ada"), loser=contacts("bea"))
def test_a_merge_keeps_everything_the_two_had_and_never_raises_consent(
    winner: Contact, loser: Contact
) -> None:
    after = merged_contact(winner, loser, "2026-01-15T10:30:00.000Z")
    assert (after.id, after.version, after.created_at) == (winner.id, winner.version + 1, winner.created_at)
    # Names: each leads to the one contact, once.
    both = {*winner.names, *loser.names, Name(NameKind.ALIAS, loser.id)}
    assert set(after.names) == both
    assert len(after.names) == len(both)
    assert after.merged_ids[len(winner.merged_ids)] == loser.id
    # Values: the winner's, or where it has none the loser's.
    for field in ("email", "external_id", "phone", "first_name", "last_name"):
        own = getattr(winner, field)
        assert getattr(after, field) == (getattr(loser, field) if own is None else own)
    assert not winner.display_name or after.display_name
    for field in ("tags", "lists"):
        ours, theirs, united = (getattr(contact, field) for contact in (winner, loser, after))
        assert united[: len(ours)] == ours
        assert united[len(ours) :] == tuple(label for label in theirs if label not in ours)
    for field in ("custom_fields", "metadata"):
        ours, theirs, united = (getattr(contact, field) for contact in (winner, loser, after))
        assert united.keys() == ours.keys() | {key for key, value in theirs.items() if value is not None}
        for key, value in united.items():
            assert (type(value), value) == next(
                ((type(one[key]), one[key]) for one in (ours, theirs) if one.get(key) is not None),
                (type(None), None),
            )
    # Consent.
    assert after.is_unsubscribed == (winner.is_unsubscribed or loser.is_unsubscribed)
    since = [at for at in (winner.unsubscribed_at, loser.unsubscribed_at) if at]
    assert after.unsubscribed_at == (min(since) if since else None)
    assert after.is_active == winner.is_active
    # The verdict goes with the email.
    judged = loser if winner.email is None and loser.email is not None else winner
    assert after.validation_status == judged.validation_status
    assert after.validation_reason == judged.validation_reason


@pytest.mark.parametrize("unsubscribed", ["winner", "loser", "both"])
def test_a_merge_keeps_the_earlier_unsubscription_of_both_contacts(
    unsubscribed: str, harness: EventHarness
) -> None:
    ada = harness.create(email="ada@example.com", is_unsubscribed=unsubscribed != "loser")
    bea = harness.create(email="bea@example.com", is_unsubscribed=unsubscribed != "winner")
    since = shown(harness, bea if unsubscribed == "loser" else ada)["unsubscribed_at"]
    after = merge(harness, ada, bea)
    assert (after["is_unsubscribed"], after["unsubscribed_at"]) == (True, since)


@pytest.mark.parametrize("is_active", [True, False])
def test_a_merge_keeps_is_active_of_the_winner(is_active: bool, harness: EventHarness) -> None:
    ada = harness.create(email="ada@example.com", is_active=is_active)
    bea = harness.create(email="bea@example.com", is_active=not is_active)
    assert merge(harness, ada, bea)["is_active"] is is_active


# Names


def test_a_delete_by_a_merged_name_is_refused_and_names_the_winner(harness: EventHarness) -> None:
    ada, bea = two(harness)
    harness.request("PATCH", ref=ada, body={"external_id": "crm-1"})
    merge(harness, ada, bea)
    for ref in (bea, "augusta@example.org", "crm-2"):
        for query in ({}, PERMANENT):
            reply = harness.api.request("DELETE", ONE, ref, query=query)
            assert (reply.status, reply.body["code"], reply.body["existing_id"]) == (409, "merged_away", ada)
    harness.request("DELETE", ref="crm-1")
    for ref in (bea, "augusta@example.org", "crm-2"):
        assert harness.api.request("DELETE", ONE, ref).status == 404
        reply = harness.api.request("DELETE", ONE, ref, query=PERMANENT)
        assert (reply.status, reply.body["existing_id"]) == (409, ada)


def test_an_upsert_by_a_merged_name_changes_the_winner_and_keeps_its_names(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    body = {"email": "augusta@example.org", "first_name": "Augusta"}
    reply = harness.request("POST", "/v1/contacts", body=body, query={"on_conflict": "update"})
    assert (reply.status, reply.body["id"], reply.body["email"]) == (200, ada, "ada@example.com")
    assert reply.body["first_name"] == "Augusta"
    refused = harness.api.request("POST", body=body)
    assert (refused.status, refused.body["existing_id"]) == (409, ada)
    harness.request("DELETE", ref=ada)
    back = harness.request("POST", "/v1/contacts", body=body)
    assert (back.status, back.body["id"], back.body["email"]) == (201, ada, "ada@example.com")
    assert consistent(harness)


def test_an_upsert_by_a_merged_email_makes_it_the_email_of_a_winner_without_one(
    harness: EventHarness,
) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    harness.request("PATCH", ref=ada, body={"email": None})
    body = {"email": "augusta@example.org"}
    reply = harness.request("POST", "/v1/contacts", body=body, query={"on_conflict": "update"})
    assert (reply.body["id"], reply.body["email"]) == (ada, "augusta@example.org")
    assert consistent(harness)


def test_a_merged_name_that_became_the_winners_own_can_be_given_up(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    assert harness.request("PATCH", ref=bea, body={"email": "augusta@example.org"}).body["id"] == ada
    assert harness.api.request("GET", ONE, "ada@example.com").status == 404
    harness.request("DELETE", ref="augusta@example.org")
    harness.request("POST", f"{ONE}/restore", ada)
    harness.request("PATCH", ref=ada, body={"email": "new@example.com"})
    assert harness.api.request("GET", ONE, "augusta@example.org").status == 404
    assert shown(harness, bea)["email"] == "new@example.com"
    assert consistent(harness)


def test_no_other_contact_can_take_a_merged_name(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    cay = harness.create(email="cay@example.com")
    reply = harness.api.request("PATCH", ONE, cay, body={"email": "augusta@example.org"})
    assert (reply.status, reply.body["existing_id"]) == (409, ada)


def test_a_restored_winner_has_all_its_merged_names(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    harness.request("DELETE", ref=ada)
    assert harness.api.request("GET", ONE, bea).status == 404
    assert harness.request("POST", f"{ONE}/restore", bea).body["id"] == ada
    for ref in (bea, "augusta@example.org", "crm-2"):
        assert shown(harness, ref)["id"] == ada
    # What somebody else took meanwhile is lost, as any name in the trash.
    harness.request("DELETE", ref=ada)
    cay = harness.create(email="cay@example.com")
    harness.request("PATCH", ref=cay, body={"email": "augusta@example.org"})
    harness.request("POST", f"{ONE}/restore", bea)
    assert shown(harness, "augusta@example.org")["id"] == cay
    assert shown(harness, "crm-2")["id"] == shown(harness, bea)["id"] == ada
    assert consistent(harness)


# Refusals


def refused(harness: EventHarness, reply: Reply, status: int, code: str) -> Any:
    assert (reply.status, reply.body["code"]) == (status, code), reply.body
    return reply.body


def test_a_contact_cannot_be_merged_with_itself_under_any_of_its_names(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    before = harness.items()
    for ref, source in ((ada, ada), (ada, "ada@example.com"), (ada, bea), (bea, ada), ("crm-2", bea)):
        problem = refused(harness, asked(harness, ref, {"from": source}), 409, "same_contact")
        assert (problem["existing_id"], problem["field"]) == (ada, "from")
    assert harness.items() == before


def test_a_contact_cannot_be_merged_with_an_absent_one(harness: EventHarness) -> None:
    ada, bea = two(harness)
    harness.request("DELETE", ref=bea)
    before = harness.items()
    for source in (bea, "crm-2", "nobody", uuid7(1, bytes(10)), "x" * 5000, "@"):
        problem = refused(harness, asked(harness, ada, {"from": source}), 404, "contact_not_found")
        assert problem["field"] == "from"
        assert "field" not in refused(
            harness, asked(harness, source, {"from": ada}), 404, "contact_not_found"
        )
    assert harness.items() == before


def test_a_merge_request_names_every_invalid_field_at_once(harness: EventHarness) -> None:
    ada, bea = two(harness)
    before = harness.items()
    wrong = asked(harness, ada, {"by": "name", "with": bea}, query={"how": "fast"})
    problem = refused(harness, wrong, 400, "invalid_input")
    assert {error["field"] for error in problem["errors"]} == {"from", "by", "with", "how"}
    for body in ({"from": ""}, {"from": None}, {"from": 7}, {"from": "a\0"}, {}, {"from": [bea]}):
        problem = refused(harness, asked(harness, ada, body), 400, "invalid_input")
        assert [error["field"] for error in problem["errors"]] == ["from"]
    refused(harness, asked(harness, ada, None), 400, "invalid_json")
    assert harness.items() == before


def test_a_merge_with_a_stale_version_changes_nothing(harness: EventHarness) -> None:
    ada, bea = two(harness)
    harness.request("PATCH", ref=ada, body={"first_name": "A."})
    before = harness.items()
    refused(harness, asked(harness, ada, {"from": bea}, headers={"if-match": '"1"'}), 412, "stale_version")
    assert harness.items() == before
    assert asked(harness, ada, {"from": bea}, headers={"if-match": '"2-pending"'}).status == 200


def test_a_merge_that_exceeds_a_limit_is_refused_and_changes_nothing(harness: EventHarness) -> None:
    ada = harness.create(
        email="ada@example.com", tags=[f"a{n}" for n in range(60)], lists=[f"a{n}" for n in range(99)]
    )
    bea = harness.create(email="bea@example.com", tags=[f"b{n}" for n in range(41)], lists=["b1", "b2"])
    before = harness.items()
    problem = refused(harness, asked(harness, ada, {"from": bea}), 409, "merge_too_large")
    assert {error["field"] for error in problem["errors"]} == {"tags", "lists"}
    assert "101 tags; at most 100" in problem["errors"][0]["message"]
    assert harness.items() == before
    harness.request("PATCH", ref=bea, body={"remove_tags": ["b0"], "remove_lists": ["b2"]})
    assert len(merge(harness, ada, bea)["tags"]) == 100


def test_a_merge_past_350_kb_is_refused_and_changes_nothing(harness: EventHarness) -> None:
    ada = harness.create(email="ada@example.com", metadata={"a": "x" * 200_000})
    bea = harness.create(email="bea@example.com", metadata={"b": "x" * 170_000})
    before = harness.items()
    problem = refused(harness, asked(harness, ada, {"from": bea}), 409, "merge_too_large")
    assert problem["field"] == "from"
    assert "bytes" in problem["detail"]
    assert harness.items() == before


def test_a_contact_can_have_forty_merged_names_and_no_more(harness: EventHarness) -> None:
    """The largest transactions that a contact's names bring."""
    ada = harness.create(email="ada@example.com", external_id="ada")
    for number in range(12):
        merge(harness, ada, harness.create(email=f"{number}@example.com", external_id=f"crm-{number}"))
    merge(harness, ada, harness.create(external_id="crm-12"))
    one = harness.create(email="cay@example.com", external_id="cay")
    before = harness.items()
    problem = refused(harness, asked(harness, ada, {"from": one}), 409, "merge_too_large")
    message = "the contact would have 41 names of contacts merged into it; at most 40 are kept"
    assert problem["errors"] == [{"field": "from", "message": message}]
    assert harness.items() == before
    # The other way round one of them fills a gap.
    harness.request("PATCH", ref=one, body={"email": None})
    back = merge(harness, one, ada, headers={"idempotency-key": "k"})
    assert (back["email"], back["external_id"]) == ("ada@example.com", "cay")
    for ref in (ada, "11@example.com", "crm-12"):
        assert shown(harness, ref)["id"] == one
    harness.request("DELETE", ref=one, headers={"idempotency-key": "d"})
    harness.request("POST", f"{ONE}/restore", one, headers={"idempotency-key": "r"})
    harness.request("DELETE", ref=one, query=PERMANENT, headers={"idempotency-key": "e"})
    assert not [key for key in harness.items() if key.SK == "CLAIM"]
    assert consistent(harness)


# Once


def test_a_repeated_merge_gets_the_same_answer(harness: EventHarness) -> None:
    ada, bea = two(harness)
    headers = {"idempotency-key": "merge-1"}
    first = asked(harness, ada, {"from": bea}, headers=headers)
    harness.request("PATCH", ref=ada, body={"first_name": "A."})
    again = asked(harness, ada, {"from": bea}, headers=headers)
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (200, first.body, "true")
    other = asked(harness, ada, {"from": "crm-2"}, headers=headers)
    refused(harness, other, 422, "idempotency_key_reused")
    harness.request("DELETE", ref=ada, query=PERMANENT)
    harness.erase(ada, merged_ids=[bea])
    problem = refused(harness, asked(harness, ada, {"from": bea}, headers=headers), 404, "contact_not_found")
    assert "erased" in problem["detail"]


def test_a_merge_takes_no_claim_that_the_loser_does_not_own(harness: EventHarness) -> None:
    """It never comes to that; but if it did, two contacts would have one name."""
    ada, bea = two(harness)
    claim = keys.claim(ACCOUNT_ID, Name(NameKind.EXTERNAL_ID, "crm-2"))
    Table(harness.client, NAME).write_many({claim: {"contact_id": "somebody", "state": "live"}})
    before = harness.items()
    refused(harness, asked(harness, ada, {"from": bea}), 503, "contention")
    assert harness.items() == before


def test_a_merge_sets_a_new_change_id(harness: EventHarness) -> None:
    """By its token an unconditional update tells its own repetition from a write that came in between."""
    ada, bea = two(harness)
    key = keys.contact(ACCOUNT_ID, ada)
    before = harness.items()[key]["change_id"]
    merge(harness, ada, bea)
    assert harness.items()[key]["change_id"] != before


# What is told


def test_a_merge_sends_one_event_with_the_winner_as_of_then(harness: EventHarness) -> None:
    ada, bea = two(harness, is_unsubscribed=True)
    harness.records()
    after = merge(harness, ada, bea)
    told = harness.records()
    harness.request("PATCH", ref=ada, body={"first_name": "Later"})
    harness.dispatch(*told)
    harness.dispatch(*told)
    logged = {event["type"]: event for event in harness.logged()}
    assert logged.keys() == {"contact.updated", "contact.unsubscribed", "contact.merged"}
    assert len(harness.logged()) == 3
    merged = logged["contact.merged"]
    assert merged["data"] == {"contact": json.loads(json.dumps(after)), "merged_id": bea}
    assert merged["contact_id"] == ada
    assert set(logged["contact.updated"]["data"]["changed"]) >= {"external_id", "tags", "is_unsubscribed"}
    assert {kind for hook, kind in harness.asked() if hook == "wh_merged"} == {"contact.merged"}
    (entry,) = harness.api.request("GET", EVENTS, bea, query={"type": "contact.merged"}).body["data"]
    assert (entry["id"], entry["merged_id"]) == (merged["id"], bea)


def test_a_merge_sends_no_deletion_of_the_loser(harness: EventHarness) -> None:
    ada, bea = two(harness)
    harness.records()
    merge(harness, ada, bea)
    told = [change for change in changes(harness.records()) if change.contact_id == bea]
    assert [(change.kind, change.after) for change in told] == [(ChangeKind.CHANGED, None)]


def test_a_merge_that_changes_no_field_sends_its_event(harness: EventHarness) -> None:
    ada = harness.create(email="ada@example.com")
    bea = harness.create(email="bea@example.com")
    harness.records()
    merge(harness, ada, bea)
    harness.dispatch(*harness.records())
    assert [event["type"] for event in harness.logged()] == ["contact.merged"]


def test_a_second_merge_does_not_name_the_first_loser_again(harness: EventHarness) -> None:
    ada, bea = two(harness)
    cay = harness.create(email="cay@example.com")
    merge(harness, bea, ada)
    harness.records()
    merge(harness, cay, bea)
    harness.dispatch(*harness.records())
    harness.request("DELETE", ref=cay)
    harness.dispatch(*harness.records())
    harness.request("POST", f"{ONE}/restore", cay)
    harness.dispatch(*harness.records())
    merged = [event["data"]["merged_id"] for event in harness.logged() if event["type"] == "contact.merged"]
    assert merged == [bea]


def test_a_change_after_a_merge_sends_no_merge_event(harness: EventHarness) -> None:
    ada, bea = two(harness)
    cay = harness.create(email="cay@example.com")
    merge(harness, ada, bea)
    harness.records()
    harness.request("PATCH", ref=ada, body={"first_name": "A."})
    harness.dispatch(*harness.records())
    assert [event["type"] for event in harness.logged()] == ["contact.updated"]
    merge(harness, ada, cay)
    harness.dispatch(*harness.records())
    assert harness.logged()[-1]["data"]["merged_id"] == cay


def test_postings_and_counts_follow_a_merge(harness: EventHarness) -> None:
    ada, bea = two(harness, email=None, external_id="crm-2", name="Zoë")
    projection = Projection(harness.client)

    def project(records: list[Record]) -> None:
        assert projection.take(records) is None

    project(harness.records())
    merge(harness, ada, bea)
    told = harness.records()
    for batch in (told[::-1], told):
        project(batch)
    counted = {
        keys.count(ACCOUNT_ID, one).SK: n for one, n in counted_in(harness.table.items(), ACCOUNT_ID).items()
    }
    assert {name: number for name, number in counted.items() if number} == {
        "ALL": 1, "TAG#vip": 1, "TAG#beta": 1, "TAG#trial": 1, "LIST#newsletter": 1, "LIST#events": 1,
    }  # fmt: skip
    of_the_loser = [key for key in harness.items() if bea in key.SK]
    assert of_the_loser == []
    assert projection.to_erase.sent == []


def test_an_email_still_to_be_validated_is_validated_for_the_winner(harness: EventHarness) -> None:
    ada, bea = harness.create(external_id="crm-1"), harness.create(email="bea@example.com")
    harness.records()
    merge(harness, ada, bea)
    projection = Projection(harness.client)
    assert projection.take(harness.records()) is None
    assert [body["contact_id"] for body in projection.to_validate.bodies] == [ada]


# The timeline


def record_event(harness: EventHarness, ref: str, name: str, **more: Any) -> str:
    event_id: str = harness.request("POST", EVENTS, ref, body={"name": name, **more}).body["id"]
    return event_id


def walk(harness: EventHarness, ref: str, **query: Any) -> Iterator[Any]:
    cursor: dict[str, Any] = {}
    while True:
        found = harness.api.request("GET", EVENTS, ref, query={**query, **cursor}).body
        assert len(found["data"]) <= int(query.get("limit", 50))
        yield from found["data"]
        if not found["has_more"]:
            return
        cursor = {"cursor": found["next_cursor"]}


def test_the_winners_timeline_has_the_losers_events(harness: EventHarness) -> None:
    ada, bea = two(harness)
    made = [record_event(harness, ref, f"{n}") for n, ref in enumerate((ada, bea, bea, ada))]
    merge(harness, ada, bea)
    made.append(record_event(harness, bea, "after"))
    for ref in (ada, bea):
        assert [entry["id"] for entry in walk(harness, ref)] == made[::-1]


@settings(max_examples=examples(40))
@given(
    whose=st.lists(st.integers(0, 2), max_size=14),
    kinds=st.lists(st.sampled_from(["contact.event", "contact.updated"]), min_size=14, max_size=14),
    limit=st.integers(1, 5),
    only=st.none() | st.just("contact.event"),
)
def test_merged_timelines_are_listed_newest_first_and_without_repetition(
    whose: list[int], kinds: list[str], limit: int, only: str | None
) -> None:
    harness = EventHarness()
    ids = [harness.create(external_id=f"{n}") for n in range(3)]
    merge(harness, ids[1], ids[2])
    merge(harness, ids[0], ids[1])
    ttl = harness.clock.at_ms // 1000 + DAY
    entries = {
        keys.timeline_entry(ACCOUNT_ID, ids[who], uuid7(harness.clock.at_ms + number, bytes(10))): {
            "type": kind, "timestamp": iso(harness.clock.at_ms), "name": "n", "data": {}, "ttl": ttl,
        }
        for number, (who, kind) in enumerate(zip(whose, kinds, strict=False))
    }  # fmt: skip
    Table(harness.client, NAME).write_many(entries)
    wanted = [keys.timeline_event_id(key) for key, entry in entries.items() if only in (None, entry["type"])]
    query = {"limit": str(limit)} | ({} if only is None else {"type": only})
    assert [entry["id"] for entry in walk(harness, ids[2], **query)] == wanted[::-1]


@settings(max_examples=examples(40))
@given(
    whose=st.lists(st.integers(0, 2), max_size=12),
    evaluate=st.integers(1, 4),
    at_most=st.integers(1, 4),
)
def test_merged_timelines_are_complete_where_each_read_ends_early(
    whose: list[int], evaluate: int, at_most: int
) -> None:
    """As where expired entries, or others of another type, are all that a page comes to."""
    table = Table(MotoTable().client(), NAME)
    ids = ("a", "b", "c")
    made = [uuid7(1_000_000 + number, bytes(10)) for number in range(len(whose))]
    entries = {
        keys.timeline_entry(ACCOUNT_ID, ids[who], event_id): {
            "type": "contact.updated", "timestamp": iso(1000), "ttl": 2,
        }
        for who, event_id in zip(whose, made, strict=True)
    }  # fmt: skip
    table.write_many(entries)
    store, walked, after = TimelineStore(table, ACCOUNT_ID), list[str](), None
    for _ in range(100):
        found, after = store.newest_first(ids, None, after, 1, at_most=at_most, evaluate=evaluate)
        assert len(found) <= at_most
        walked += [entry.id for entry in found]
        if after is None:
            break
    assert walked == made[::-1]


def test_an_event_of_the_loser_is_sent_after_the_merge(harness: EventHarness) -> None:
    ada, bea = two(harness)
    cay = harness.create(email="cay@example.com")
    harness.records()
    event_id = record_event(harness, bea, "ordered")
    told = harness.records()
    merge(harness, ada, bea)
    merge(harness, cay, ada)
    harness.dispatch(*told)
    (event,) = harness.logged()
    assert (event["id"], event["data"]["contact"]["id"]) == (event_id, cay)
    harness.dispatch(*told)
    assert len(harness.logged()) == 1
    assert [entry["id"] for entry in walk(harness, cay)] == [event_id]


# Erasure


TRACES = ("ada", "Ada", "augusta", "King", "crm-2", "9460958", "Ockham", "gift")


def traces(harness: EventHarness) -> list[str]:
    return [
        f"{item['PK']} {item['SK']}: {word}"
        for item in harness.items().values()
        for word in TRACES
        if word in json.dumps(item, ensure_ascii=False, default=str).replace(ACCOUNT_ID, "")
    ]


def life_of_two(harness: EventHarness, cay: str | None = None) -> tuple[str, str, list[Record]]:
    """Two whose every change came with a key and was dispatched, and who were merged; one event is yet to be told."""
    records = []
    for who, body in (("a", ADA), ("b", BEA)):
        harness.request("POST", "/v1/contacts", body=body, headers={"idempotency-key": who})
        records += harness.records()
    ada, bea = shown(harness, "ada@example.com")["id"], shown(harness, "crm-2")["id"]
    for ref in (ada, bea):
        harness.request("PATCH", ref=ref, body={"add_tags": ["x"]}, headers={"idempotency-key": f"p {ref}"})
        records += harness.records()
        record_event(harness, ref, "gift for Ada")
        records += harness.records()
    late = records.pop()
    harness.dispatch(*records)
    merge(harness, ada, bea, headers={"idempotency-key": "merge ada"})
    harness.dispatch(*harness.records())
    return ada, bea, [late]


def delete_for_good(harness: EventHarness, ada: str) -> None:
    harness.request("DELETE", ref=ada, query=PERMANENT, headers={"idempotency-key": "erase ada"})


def run_out(harness: EventHarness, ada: str) -> None:
    """Have its days in the trash run out: the trash goes by its TTL, the claims with the projection."""
    harness.request("DELETE", ref=ada)
    harness.records()
    harness.clock.at_ms += 31 * DAY * 1000
    trash = keys.trash(ACCOUNT_ID, ada)
    Table(harness.client, NAME).write_many({}, [trash])


@pytest.mark.parametrize("end", [delete_for_good, run_out])
def test_no_trace_of_both_contacts_remains_when_the_winner_is_gone(
    end: Callable[[EventHarness, str], None], harness: EventHarness
) -> None:
    ada, bea, late = life_of_two(harness)
    assert len(traces(harness)) > 20
    end(harness, ada)
    projection = Projection(harness.client)
    expired = [tuple(keys.trash(ACCOUNT_ID, ada))]
    assert projection.take(harness.records(expired=expired)) is None  # type: ignore[arg-type]
    (body,) = projection.to_erase.bodies
    assert (body["contact_id"], body["merged_ids"]) == (ada, [bea])
    begun = harness.table.snapshot()
    harness.life = Life()
    harness.erase(ada, merged_ids=[bea])
    whole, calls = harness.items(), harness.life.made
    assert calls > 20
    for survived in range(1, calls, 5):
        harness.table.bring_back(begun)
        harness.life = Life(survived)
        with pytest.raises(Killed):
            harness.erase(ada, merged_ids=[bea])
        harness.life = Life()
        harness.erase(ada, merged_ids=[bea])
        assert harness.items() == whole, survived
    harness.records()
    harness.dispatch(*late)  # of what had been recorded of the loser
    assert traces(harness) == []
    for contact_id in (ada, bea):
        assert [key for key in harness.items() if keys.about_contact(ACCOUNT_ID, contact_id) == key.PK] == []


def test_only_the_winners_erasure_sends_an_event(harness: EventHarness) -> None:
    ada, bea, _ = life_of_two(harness)
    delete_for_good(harness, ada)
    told = harness.records()
    harness.erase(ada, merged_ids=[bea])
    told += harness.records()
    assert keys.tombstone(ACCOUNT_ID, bea) in harness.items()
    before = len(harness.logged())
    harness.dispatch(*told)
    (event,) = harness.logged()[before:]
    assert (event["type"], event["contact_id"], event["data"]["permanent"]) == ("contact.deleted", ada, True)
    projection = Projection(harness.client)
    assert projection.take(told) is None
    assert [body["contact_id"] for body in projection.to_erase.bodies] == [ada]


def test_a_tombstone_keeps_only_the_ids_of_merged_contacts(harness: EventHarness) -> None:
    ada, bea = two(harness)
    merge(harness, ada, bea)
    harness.records()
    harness.request("DELETE", ref=ada, query=PERMANENT)
    item = harness.items()[keys.tombstone(ACCOUNT_ID, ada)]
    assert item["merged_ids"] == [bea]
    (change,) = [one for one in changes(harness.records()) if one.kind is ChangeKind.ERASED]
    assert change.merged_ids == (bea,)


# The rules of the domain, where no request leads


def test_merged_names_up_to_the_limits_are_stored() -> None:
    names = tuple(Name(NameKind.EMAIL, f"{n}@example.com") for n in range(MAX_ABSORBED - 1))
    at = "2026-01-01T00:00:00.000Z"
    winner = Contact(id="w", version=1, created_at=at, updated_at=at, external_id="w", merged_names=names)
    loser = replace(winner, id="l", external_id=None, email="l@example.com", merged_names=())
    assert len(merged_contact(winner, loser, at).merged_names) == MAX_ABSORBED
    with pytest.raises(MergeTooLarge):
        merged_contact(replace(winner, email="w@example.com"), loser, at)
