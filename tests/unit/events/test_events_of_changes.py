"""What a change of a contact is told as."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.book.model import Change, Contact, ValidationStatus, contact_out
from contacts.core.ids import Name, NameKind
from contacts.events.changes import differences, event_of_erasure, event_of_trashing, events_of_change
from contacts.events.model import Event, EventType, event_id

ACCOUNT = "0198f3a0-0000-7000-8000-000000000001"
AT_MS = 1_768_473_001_000
"""When the stream saw it: to the second."""
BEFORE = Contact(
    id="0198f3a0-0000-7000-8000-0000000000ad",
    version=3,
    created_at="2026-01-15T10:00:00.000Z",
    updated_at="2026-01-15T10:00:00.000Z",
    email="ada@example.com",
    first_name="Ada",
    last_name="Lovelace",
    tags=("vip", "trial"),
    custom_fields={"seats": 1, "plan": {"name": "pro", "limits": [1, 2]}},
)
CHANGED_AT = "2026-01-15T10:30:00.789Z"


def events(before: Contact | None, after: Contact) -> list[Event]:
    return list(events_of_change("record-1", AT_MS, ACCOUNT, before, after))


def told(before: Contact | None, after: Contact) -> list[tuple[str, Mapping[str, Any]]]:
    """Types and data, but for the contact, which always is as the API shows it."""
    found = []
    for event in events(before, after):
        data = dict(event.data)
        assert data.pop("contact") == contact_out(after)
        assert (event.account_id, event.contact_id) == (ACCOUNT, after.id)
        found.append((str(event.type), data))
    return found


def changed(**fields: object) -> Contact:
    """The contact after a caller's change."""
    return Change.of(fields).applied_to(BEFORE, CHANGED_AT)


def test_a_first_version_is_a_creation_and_a_later_one_a_return() -> None:
    assert told(None, replace(BEFORE, version=1)) == [("contact.created", {})]
    assert told(None, replace(BEFORE, version=4)) == [("contact.restored", {})]


def test_an_update_names_what_differs_with_what_it_was() -> None:
    after = changed(first_name="Augusta", tags=["vip"])
    previous = {"first_name": "Ada", "name": "Ada Lovelace", "tags": ["vip", "trial"]}
    assert told(BEFORE, after) == [
        ("contact.updated", {"changed": ["first_name", "name", "tags"], "previous": previous})
    ]


def test_a_new_email_is_an_update_though_it_is_to_be_validated_again() -> None:
    judged = replace(BEFORE, validation_status=ValidationStatus.VALID)
    after = Change.of({"email": "ada@example.org"}).applied_to(judged, CHANGED_AT)
    previous = {"email": "ada@example.com", "validation_status": "valid"}
    assert told(judged, after) == [
        ("contact.updated", {"changed": ["email", "validation_status"], "previous": previous})
    ]


@pytest.mark.parametrize(
    ("before", "command", "kind"),
    [
        (BEFORE, True, "contact.unsubscribed"),
        (replace(BEFORE, is_unsubscribed=True, unsubscribed_at=CHANGED_AT), False, "contact.resubscribed"),
    ],
)
def test_who_leaves_or_comes_back_is_told_of_besides(before: Contact, command: bool, kind: str) -> None:
    after = Change.of({"is_unsubscribed": command}).applied_to(before, CHANGED_AT)
    update, flip = told(before, after)
    assert (update[0], update[1]["changed"]) == ("contact.updated", ["is_unsubscribed", "unsubscribed_at"])
    assert flip == (kind, {})


def test_a_verdict_alone_is_no_update() -> None:
    judged = replace(BEFORE, validation_status=ValidationStatus.INVALID, validation_reason="no_mx")
    assert told(BEFORE, judged) == [("contact.validated", {})]
    bounced = replace(judged, validation_reason="bounced")
    assert told(judged, bounced) == [("contact.validated", {})]


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        replace(BEFORE, version=4, updated_at=CHANGED_AT),
        replace(BEFORE, merged_names=(Name(NameKind.EMAIL, "a@example.com"),)),
        replace(BEFORE, custom_fields={"plan": {"limits": [1, 2], "name": "pro"}, "seats": 1}),
    ],
    ids=["nothing", "the version", "an internal field", "the order of keys"],
)
def test_what_the_api_does_not_show_is_not_told(after: Contact) -> None:
    assert told(BEFORE, after) == []


@pytest.mark.parametrize(
    "value", [True, 1.5, Decimal("1.00000000000000000001"), "1", None, [1], {"1": 1}], ids=repr
)
def test_every_other_value_is_a_difference(value: object) -> None:
    after = replace(BEFORE, custom_fields={**BEFORE.custom_fields, "seats": value})
    assert differences(BEFORE, after) == {"custom_fields": dict(BEFORE.custom_fields)}
    deep = replace(BEFORE, custom_fields={"seats": 1, "plan": {"name": "pro", "limits": [value, 2]}})
    assert differences(BEFORE, deep) == {"custom_fields": dict(BEFORE.custom_fields)}


def test_tags_in_another_order_are_a_difference() -> None:
    assert differences(BEFORE, replace(BEFORE, tags=("trial", "vip"))) == {"tags": ["vip", "trial"]}


def test_the_trash_tells_of_the_contact_as_it_lies_there() -> None:
    event = event_of_trashing("record-1", AT_MS, ACCOUNT, BEFORE)
    assert (event.type, event.data) == (
        EventType.DELETED,
        {"contact": contact_out(BEFORE), "permanent": False},
    )


def test_an_erasure_tells_of_nobody() -> None:
    event = event_of_erasure("record-1", AT_MS, ACCOUNT, BEFORE.id, 3)
    assert (event.type, event.data) == (
        EventType.DELETED,
        {"contact": {"id": BEFORE.id, "version": 3}, "permanent": True},
    )


def test_what_a_caller_did_happened_when_the_contact_says_so() -> None:
    """The stream knows the second only; two changes within one must stay in their order."""
    (created,) = events(None, replace(BEFORE, version=1, updated_at=CHANGED_AT))
    (updated,) = events(BEFORE, changed(first_name="Augusta"))
    assert created.timestamp == updated.timestamp == CHANGED_AT


def test_a_verdict_was_given_when_the_stream_saw_it_but_after_what_it_judges() -> None:
    def judged(contact: Contact) -> str:
        verdict = replace(contact, validation_status=ValidationStatus.VALID)
        (event,) = events(contact, verdict)
        return event.timestamp

    assert judged(BEFORE) == "2026-01-15T10:30:01.000Z"
    assert judged(replace(BEFORE, updated_at="2026-01-15T10:30:01.500Z")) == "2026-01-15T10:30:01.500Z"


def test_ids_are_of_the_record_and_the_type() -> None:
    update, flip = events(BEFORE, changed(is_unsubscribed=True))
    assert [event.id for event in events(BEFORE, changed(is_unsubscribed=True))] == [update.id, flip.id]
    assert update.id != flip.id
    assert update.id == event_id("record-1", EventType.UPDATED, 1_768_473_000_789)
    (other,) = events_of_change("record-2", AT_MS, ACCOUNT, BEFORE, changed(first_name="Augusta"))
    assert other.id != update.id


# Any two states of a contact.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-3, 3) | st.sampled_from(["", "1", "a"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("ab"), values, max_size=2),
    max_leaves=5,
)
TEXT = st.none() | st.sampled_from(["Ada", "Bea", "1"])
STATES = st.builds(
    Contact,
    id=st.just(BEFORE.id),
    version=st.integers(1, 5),
    created_at=st.just(BEFORE.created_at),
    updated_at=st.just(CHANGED_AT),
    email=TEXT,
    external_id=TEXT,
    first_name=TEXT,
    last_name=TEXT,
    name=TEXT,
    phone=TEXT,
    tags=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    lists=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    custom_fields=st.dictionaries(st.sampled_from("abc"), JSON, max_size=2),
    metadata=st.dictionaries(st.sampled_from("abc"), JSON, max_size=2),
    is_active=st.booleans(),
    is_unsubscribed=st.booleans(),
    unsubscribed_at=st.none() | st.just(CHANGED_AT),
    validation_status=st.sampled_from(ValidationStatus),
    validation_reason=st.none() | st.just("no_mx"),
)


@given(before=STATES, after=STATES)
def test_who_applies_each_difference_has_the_contact_as_it_is(before: Contact, after: Contact) -> None:
    """And who takes it back has it as it was: nothing differs that is not named, and nothing is named that does not."""
    old, new = dict(contact_out(before)), dict(contact_out(after))
    previous = differences(before, after)
    copy = {**old, **{field: new[field] for field in previous}}
    counted = {field: new[field] for field in ("version", "updated_at")}
    assert typed({**copy, **counted}) == typed(new)
    assert typed(previous) == typed({field: old[field] for field in previous})
    assert all(typed(old[field]) != typed(new[field]) for field in previous)
    assert list(previous) == sorted(previous)


def typed(value: object) -> object:
    """A value that equals another only if both are the same JSON."""
    if isinstance(value, Mapping):
        return {key: typed(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [typed(entry) for entry in value]
    return isinstance(value, bool), value
