"""Texts that look the same are one: new ones are stored composed, and what an earlier release stored is still found."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unicodedata import normalize
from unittest.mock import patch
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from contacts.accounts.model import Scope
from contacts.book import schemas, store
from contacts.search.index import _united
from contacts.search.query import CandidateBatch, SortPosition
from contacts.web import bodies
from tests.support.app import Reply
from tests.support.finding_harness import FindingHarness
from tests.support.hypothesis_profiles import examples

Json = dict[str, Any]
NFC, NFD = "crème", normalize("NFD", "crème")
MIXED = "Vi\N{LATIN SMALL LETTER E WITH CIRCUMFLEX}\N{COMBINING DOT BELOW}t"
"""As a keyboard for Vietnamese writes it: neither composed nor decomposed."""
SPELLED = [NFC, NFD]


@contextmanager
def an_earlier_release() -> Iterator[None]:
    """What is written meanwhile is stored as it was sent."""
    with (
        patch.object(bodies, "composed", str),
        patch.object(schemas, "composed", str),
        patch.object(store, "spellings", lambda text: (text,)),
    ):
        yield


the_harness = cache(FindingHarness)


@cache
def the_beginning() -> Any:
    return the_harness().table.snapshot()


@pytest.fixture
def harness() -> FindingHarness:
    the_harness().project()  # What the test before left to be projected is not for this one's table.
    the_harness().table.bring_back(the_beginning())
    the_harness().project()
    return the_harness()


def send(harness: FindingHarness, method: str, target: str, body: Any = None) -> Reply:
    return harness.api.send(method, target, body, {"x-api-key": "any"})


def found(harness: FindingHarness, **query: Any) -> list[str]:
    return [one["id"] for page in harness.pages({**query, "limit": 1}) for one in page["data"]]


@pytest.mark.parametrize("field", ["external_id", "first_name", "last_name", "name"])
def test_a_text_is_stored_composed(field: str, harness: FindingHarness) -> None:
    made = send(harness, "POST", "/v1/contacts", {"email": "a@example.com", field: NFD}).body
    assert made[field] == NFC


def test_other_texts_are_stored_composed(harness: FindingHarness) -> None:
    channel = send(harness, "POST", "/v1/channels", {"type": "telegram", "name": NFD}).body
    assert channel["name"] == NFC


def test_a_text_is_measured_composed(harness: FindingHarness) -> None:
    made = send(harness, "POST", "/v1/contacts", {"external_id": "x", "tags": [normalize("NFD", "é" * 100)]})
    assert (made.status, made.body["tags"]) == (201, ["é" * 100])
    # A letter that is three characters when composed.
    long = send(
        harness,
        "POST",
        "/v1/contacts",
        {"external_id": "\N{HEBREW LETTER SHIN WITH DAGESH AND SHIN DOT}" * 255},
    )
    assert long.wrong == {"external_id": "must have at most 255 characters"}


KEPT = {
    "a value": ({"custom_fields": {"a": NFD}}, "custom_fields", {"a": NFD}),
    "a key inside a value": ({"metadata": {"a": {NFD: 1}}}, "metadata", {"a": {NFD: 1}}),
}


@pytest.mark.parametrize(("body", "field", "stored"), KEPT.values(), ids=list(KEPT))
def test_what_an_account_keeps_in_an_object_is_kept(
    body: Json, field: str, stored: Any, harness: FindingHarness
) -> None:
    assert send(harness, "POST", "/v1/contacts", {"external_id": "x", **body}).body[field] == stored


# Tags


@pytest.mark.parametrize("tag", [NFC, NFD, "\N{ANGSTROM SIGN}", MIXED, "한", normalize("NFD", "한")])
def test_a_tag_is_found_by_each_of_its_spellings(tag: str, harness: FindingHarness) -> None:
    made = [harness.create(external_id="1", tags=[tag])]
    made.append(harness.create(external_id="2", tags=[normalize("NFD", tag)]))
    harness.project()
    for spelling in (tag, normalize("NFC", tag), normalize("NFD", tag)):
        assert found(harness, tag=spelling) == made[::-1]
    listed = send(harness, "GET", "/v1/contacts?include_total=true&tag=" + quote(tag)).body
    assert listed["total"] == 2


def two_spellings(harness: FindingHarness) -> tuple[str, str, str]:
    """An old contact, one of today, and an old one with a second tag."""
    with an_earlier_release():
        old = harness.create(external_id="old", tags=[NFD], lists=["news"])
    new = harness.create(external_id="new", tags=[NFC], lists=["news"])
    with an_earlier_release():
        both = harness.create(external_id="both", tags=[NFD, "b"])
    harness.project()
    return old, new, both


@pytest.mark.parametrize("tag", SPELLED)
def test_old_and_new_tags_are_found_together(tag: str, harness: FindingHarness) -> None:
    old, new, both = two_spellings(harness)
    assert found(harness, tag=tag) == [both, new, old]
    assert found(harness, tag=tag, sort="created_at") == [old, new, both]
    assert found(harness, tag=tag, sort="external_id") == [both, new, old]
    assert found(harness, tag=tag, sort="email") == [old, new, both]
    assert found(harness, tag=[tag, "b"]) == [both]
    assert found(harness, tag=tag, list="news") == [new, old]
    assert found(harness, tag=tag, created_after="2020-01-01T00:00:00Z", is_active=True) == [both, new, old]
    assert found(harness, tag=tag, search="new") == [new]


@pytest.mark.parametrize("tag", SPELLED)
@pytest.mark.parametrize("left", [["b"], []])
def test_an_old_tag_is_removed_by_either_spelling(tag: str, left: list[str], harness: FindingHarness) -> None:
    with an_earlier_release():
        made = harness.create(external_id="x", tags=[NFD, *left])
    harness.change(made, remove_tags=[tag])
    harness.project()
    assert send(harness, "GET", f"/v1/contacts/{made}").body["tags"] == left
    assert found(harness, tag=NFC) == found(harness, tag=NFD) == []


@pytest.mark.parametrize(
    "change", [{"add_tags": [NFC]}, {"add_tags": ["b"]}, {"tags": [NFD]}, {"remove_tags": ["b"]}]
)
def test_a_change_of_tags_leaves_one_spelling(change: Json, harness: FindingHarness) -> None:
    with an_earlier_release():
        made = harness.create(external_id="x", tags=[NFD, NFC])
    harness.change(made, **change)
    harness.project()
    after = send(harness, "GET", f"/v1/contacts/{made}").body["tags"]
    assert after == [NFC, *change.get("add_tags", [])][: len(after)]
    assert [one["tag"] for one in send(harness, "GET", "/v1/tags").body["data"]] == sorted(set(after))


def test_a_merge_leaves_one_spelling(harness: FindingHarness) -> None:
    old, new, _ = two_spellings(harness)
    after = send(harness, "POST", f"/v1/contacts/{new}/merge", {"from": old})
    assert after.body["tags"] == [NFC]


# External ids


@pytest.mark.parametrize(("stored", "sent"), [
    (NFC, NFC), (NFC, NFD), (NFD, NFC), (NFD, NFD), (MIXED, MIXED), (normalize("NFC", MIXED), MIXED),
])  # fmt: skip
def test_an_old_external_id_is_found_by_its_spellings(
    stored: str, sent: str, harness: FindingHarness
) -> None:
    with an_earlier_release():
        made = harness.create(external_id=stored)
    path = f"/v1/contacts/{quote(sent)}"
    assert send(harness, "GET", path).body["id"] == made
    assert found(harness, external_id=sent) == [made]
    assert send(harness, "PATCH", path, {"first_name": "x"}).body["id"] == made
    batch = {"operations": [{"op": "update", "ref": sent, "contact": {"first_name": "y"}}]}
    assert send(harness, "POST", "/v1/contacts/batch", batch).body["results"][0]["status"] == 200
    other = harness.create(external_id="other")
    merged = send(harness, "POST", f"/v1/contacts/{other}/merge", {"from": sent, "by": "external_id"})
    assert (merged.status, send(harness, "GET", path).body["id"]) == (200, other)


@pytest.mark.parametrize("sent", SPELLED)
@pytest.mark.parametrize("stored", SPELLED)
def test_an_external_id_is_one_in_any_spelling(stored: str, sent: str, harness: FindingHarness) -> None:
    with an_earlier_release():
        made = harness.create(external_id=stored, email="a@example.com")
    taken = send(harness, "POST", "/v1/contacts", {"external_id": sent})
    assert (taken.status, taken.body["existing_id"]) == (409, made)
    for _ in range(2):
        again = send(
            harness, "POST", "/v1/contacts?on_conflict=update", {"external_id": sent, "last_name": "x"}
        )
        assert (again.status, again.body["id"], again.body["external_id"]) == (200, made, NFC)
    for spelling in SPELLED:
        assert send(harness, "GET", f"/v1/contacts/{quote(spelling)}?by=external_id").body["id"] == made


def test_an_upsert_with_two_names_is_by_the_email_first(harness: FindingHarness) -> None:
    with an_earlier_release():
        by_id = harness.create(external_id=NFD)
    harness.create(email="a@example.com")
    body = {"email": "a@example.com", "external_id": NFC}
    reply = send(harness, "POST", "/v1/contacts?on_conflict=update", body)
    assert (reply.status, reply.body["existing_id"], reply.body["field"]) == (409, by_id, "external_id")
    assert send(harness, "POST", "/v1/contacts", body).status == 409
    other = harness.create(external_id="other")
    renamed = send(harness, "PATCH", f"/v1/contacts/{other}", {"external_id": NFC})
    assert (renamed.status, renamed.body["existing_id"]) == (409, by_id)


def test_two_contacts_of_an_earlier_release_stay_two(harness: FindingHarness) -> None:
    with an_earlier_release():
        old, exact = harness.create(external_id=NFD), harness.create(external_id=NFC)
    body = {"external_id": NFC, "first_name": "x"}
    assert send(harness, "POST", "/v1/contacts?on_conflict=update", body).body["id"] == exact
    assert send(harness, "POST", "/v1/contacts", body).body["existing_id"] == exact
    for contact_id in (old, exact):
        assert send(harness, "DELETE", f"/v1/contacts/{contact_id}").status == 200
        assert send(harness, "POST", f"/v1/contacts/{contact_id}/restore").status == 200
    for spelling, contact_id in ((NFD, old), (NFC, exact)):
        assert send(harness, "GET", f"/v1/contacts/{quote(spelling)}").body["id"] == contact_id
        assert found(harness, external_id=spelling) == [contact_id]


def test_a_gate_finds_an_old_external_id_taken(harness: FindingHarness) -> None:
    with an_earlier_release():
        made = harness.create(external_id=NFD)
    channel = send(harness, "POST", "/v1/channels", {"type": "telegram", "name": "Bot"}).body["id"]
    gate = f"/v1/channels/{channel}/gates"
    reply = send(harness, "POST", gate, {"identifier": "7", "external_id": NFC})
    assert (reply.status, reply.body["existing_id"]) == (409, made)
    kept = [send(harness, "POST", gate, {"identifier": one}).body["identifier"] for one in SPELLED]
    assert kept == SPELLED


# Keys of custom_fields and metadata


@pytest.mark.parametrize("sent", SPELLED)
@pytest.mark.parametrize("stored", SPELLED)
@pytest.mark.parametrize("slowly", [{}, {"add_tags": ["x"]}])
def test_a_key_is_one_in_any_spelling(stored: str, sent: str, slowly: Json, harness: FindingHarness) -> None:
    with an_earlier_release():
        made = harness.create(external_id="x", custom_fields={stored: 1, "b": 2}, metadata={stored: 1})
    harness.change(made, custom_fields={sent: 3}, metadata={sent: None}, **slowly)
    after = send(harness, "GET", f"/v1/contacts/{made}").body
    assert after["custom_fields"] == {NFC: 3, "b": 2}
    assert after["metadata"] == {}


def test_a_key_that_is_neither_composed_nor_decomposed_goes_by_its_own_spelling(
    harness: FindingHarness,
) -> None:
    with an_earlier_release():
        made = harness.create(external_id="x", custom_fields={MIXED: 1})
    harness.change(made, custom_fields={MIXED: 2})
    after = send(harness, "GET", f"/v1/contacts/{made}").body
    assert after["custom_fields"] == {normalize("NFC", MIXED): 2}


@pytest.mark.parametrize("field", ["custom_fields", "metadata"])
def test_two_keys_that_look_the_same_are_refused(field: str, harness: FindingHarness) -> None:
    body = {"external_id": "x", field: {NFC: 1, NFD: 2, "a": 3}}
    reply = send(harness, "POST", "/v1/contacts", body)
    assert reply.wrong == {f"{field}.{NFD}": "is given twice in one object"}
    skipped = send(harness, "POST", "/v1/contacts?on_invalid=skip", body)
    assert skipped.body[field] == {NFC: 1, "a": 3}
    assert [one["field"] for one in skipped.body["skipped"]] == [f"{field}.{NFD}"]


def test_as_many_keys_as_one_expression_takes_may_have_two_spellings(harness: FindingHarness) -> None:
    made = harness.create(external_id="x")
    keys = {f"é{number}": number for number in range(50)}
    harness.change(made, custom_fields=keys)
    assert send(harness, "GET", f"/v1/contacts/{made}").body["custom_fields"] == keys


def test_a_merge_fills_no_gap_that_only_looks_like_one(harness: FindingHarness) -> None:
    with an_earlier_release():
        loser = harness.create(external_id="loser", metadata={NFD: 1, "b": 2})
    winner = harness.create(external_id="winner", metadata={NFC: 3})
    after = send(harness, "POST", f"/v1/contacts/{winner}/merge", {"from": loser}).body
    assert after["metadata"] == {NFC: 3, "b": 2}


@pytest.mark.parametrize("option", SPELLED)
@pytest.mark.parametrize("value", SPELLED)
def test_a_value_is_an_option_in_any_spelling(option: str, value: str, harness: FindingHarness) -> None:
    harness.api.with_key(scopes=tuple(Scope))
    enum = {"name": "cake", "type": "enum", "options": [option]}
    defined = send(harness, "POST", "/v1/contact-properties", enum)
    assert (defined.status, defined.body["options"]) == (201, [NFC])
    body = {"external_id": "x", "custom_fields": {"cake": value}}
    assert send(harness, "POST", "/v1/contacts", body).body["custom_fields"] == {"cake": value}
    twice = {"name": "other", "type": "enum", "options": SPELLED}
    assert list(send(harness, "POST", "/v1/contact-properties", twice).wrong) == ["options"]


# What several posting lists have


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(
    some.lists(some.sets(some.sampled_from("abcdefghij")), min_size=2, max_size=3),
    some.integers(1, 4),
    some.booleans(),
)
def test_lists_read_together_are_read_whole_and_once(
    lists: list[set[str]], at_most: int, descending: bool
) -> None:
    def batch(ids: set[str], after: str | None) -> CandidateBatch:
        left = sorted(
            (one for one in ids if after is None or ((one < after) is descending and one != after)),
            reverse=descending,
        )
        positions = [SortPosition(None, one) for one in left[:at_most]]
        return CandidateBatch(positions, positions[-1] if len(left) > at_most else None, len(positions))

    read: list[str] = []
    after: str | None = None
    while True:
        united = _united([batch(ids, after) for ids in lists], descending=descending, at_most=at_most)
        assert len(united.positions) <= at_most
        read += [position.contact_id for position in united.positions]
        if united.next_after is None:
            break
        after = united.next_after.contact_id
    assert read == sorted(set().union(*lists), reverse=descending)
