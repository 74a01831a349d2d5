"""The single-call update leaves exactly what `Change.applied_to` says, and so does the update after a read."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.book.model import (
    MAPS,
    MAX_BYTES,
    Absent,
    Action,
    Change,
    Contact,
    ContactState,
    NotInPlace,
    Outcome,
    Transition,
    ValidationStatus,
    VersionDiffers,
    contact_values,
    is_same,
)
from contacts.book.service import MAX_MAP_KEYS_IN_PLACE, ContactBook
from contacts.book.store import ContactStore
from contacts.core.errors import ContactTooLarge, InvalidInput
from contacts.core.ids import Name, NameKind, Ref, uuid7
from contacts.core.json import exact_number, is_storable
from contacts.core.time import iso
from contacts.table.client import Table
from contacts.table.expressions import to_item
from local.table import NAME
from tests.support.deterministic import Dice, SetClock
from tests.support.fakes import opt_outs
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable
from tests.support.scenarios import ACCOUNT_ID, BEGAN_MS

CHANGED_MS = BEGAN_MS + 5000
ID = uuid7(BEGAN_MS, bytes(10))
EMAIL = Name(NameKind.EMAIL, "ada@example.com")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
keys = st.one_of(
    texts.filter(bool), st.sampled_from(["version", "a.b", "#0", ":1", "custom_fields", "[0]", "a"])
)
numbers = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.floats(allow_nan=False, allow_infinity=False)
    .filter(is_storable)
    .map(lambda value: exact_number(repr(value))),
    st.decimals(-1, 1, places=37).map(lambda value: exact_number(str(value))),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), texts, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
objects = st.dictionaries(keys, values, max_size=4)
slugs = st.lists(st.sampled_from(["a", "b", "c_1", "2-d"]), unique=True, max_size=4)
tags = st.lists(texts.filter(bool), unique=True, max_size=4)


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    """Contacts as they may be stored, whatever became of them."""
    email = draw(st.none() | st.just("ada@example.com"))
    unsubscribed = draw(st.booleans())
    return Contact(
        id=ID,
        version=draw(st.integers(1, 10**6)),
        created_at=iso(BEGAN_MS),
        updated_at=iso(BEGAN_MS + draw(st.integers(0, 1000))),
        email=email,
        external_id=draw(texts.filter(bool) if email is None else st.none() | texts.filter(bool)),
        first_name=draw(st.none() | texts),
        last_name=draw(st.none() | texts),
        name=draw(st.none() | texts),
        phone=draw(st.none() | st.just("+4915112345678")),
        tags=tuple(draw(tags)),
        lists=tuple(draw(slugs)),
        custom_fields=draw(objects),
        metadata=draw(objects),
        is_active=draw(st.booleans()),
        is_unsubscribed=unsubscribed,
        unsubscribed_at=iso(BEGAN_MS) if unsubscribed else None,
        validation_status=draw(st.sampled_from(ValidationStatus)),
        validation_reason=draw(st.none() | st.just("no_mx")),
        merged_names=tuple(draw(st.lists(st.just(Name(NameKind.EMAIL, "old@example.com")), max_size=1))),
    )


PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "first_name": texts,
    "last_name": texts,
    "name": texts,
    "phone": st.just("+12"),
    "tags": tags,
    "lists": slugs,
    "custom_fields": objects,
    "metadata": objects,
    "is_active": st.booleans(),
    "is_unsubscribed": st.booleans(),
}
ANY = PLAIN | {
    "email": st.sampled_from(["ada@example.com", "bea@example.com"]),
    "external_id": texts.filter(bool),
    "add_tags": tags,
    "remove_tags": tags,
    "add_lists": slugs,
    "remove_lists": slugs,
}


def changes(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Change]:
    """What a request body with some of the fields stands for."""
    optional = {name: st.none() | strategy for name, strategy in fields.items()}
    return (
        st.fixed_dictionaries({}, optional=optional).map(Change.of).filter(lambda change: not change.is_empty)
    )


@cache
def moto_table() -> MotoTable:
    return MotoTable()


@cache
def empty() -> Any:
    return moto_table().snapshot()


@pytest.fixture
def store() -> ContactStore:
    return new_store()


def new_store() -> ContactStore:
    """A store of contacts on an empty table."""
    moto_table().bring_back(empty())
    table = Table(moto_table().client(), NAME)
    return ContactStore(table, ACCOUNT_ID, opt_outs(table, ACCOUNT_ID), Dice("in place"), CHANGED_MS // 1000)


def put(store: ContactStore, contact: Contact) -> None:
    transition(store, None, contact)


def transition(store: ContactStore, before: Contact | None, after: Contact) -> None:
    store.apply(
        Transition(
            before=before,
            was=None if before is None else ContactState.LIVE,
            after=after,
            becomes=ContactState.LIVE,
            at_ms=CHANGED_MS,
            outcome=Outcome(action=Action.UPDATED, contact=after),
        )
    )


def as_stored(contact: Contact | None) -> dict[str, Any]:
    """Equal where DynamoDB sees no difference: to Python, 1 is True."""
    assert contact is not None
    return to_item(contact_values(contact))


def wrong_in_table() -> list[str]:
    return violations(moto_table().items(), ACCOUNT_ID, CHANGED_MS // 1000)


slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@slow_to_draw
@given(contact=contacts(), change=changes(PLAIN))
def test_a_change_in_place_equals_change_applied_to(contact: Contact, change: Change) -> None:
    store = new_store()
    put(store, contact)
    if change.fields.get("is_unsubscribed") not in (None, contact.is_unsubscribed):
        with pytest.raises(NotInPlace):
            store.change_in_place(ID, change, CHANGED_MS, named=None, versions=())
        assert as_stored(store.by_id(ID)) == as_stored(contact)
        change = replace(change, fields={**change.fields, "is_unsubscribed": contact.is_unsubscribed})
    changed = change.applied_to(contact, iso(CHANGED_MS))
    expected = as_stored(changed if change.alters(contact) else contact)
    try:
        assert as_stored(store.change_in_place(ID, change, CHANGED_MS, named=None, versions=())) == expected
    except NotInPlace:
        # Only what `name` hides changes.
        assert is_same(replace(changed, name=contact.name), contact)
        expected = as_stored(contact)
    assert as_stored(store.by_id(ID)) == expected
    assert wrong_in_table() == []


@slow_to_draw
@given(contact=contacts())
def test_a_change_in_place_to_what_is_there_already_writes_nothing(contact: Contact) -> None:
    """Of every field, and of every key of a map: whatever their values."""
    store = new_store()
    put(store, contact)
    stored = store.by_id(ID)
    assert stored is not None
    there = {name: value for name, value in contact_values(stored).items() if name in PLAIN}
    same = Change(
        fields={name: value for name, value in there.items() if name not in MAPS},
        maps={name: {key: one for key, one in there[name].items() if one is not None} for name in MAPS},  # type: ignore[attr-defined]
    )
    before = moto_table().items()
    assert store.change_in_place(ID, same, CHANGED_MS, named=None, versions=()) == stored
    assert moto_table().items() == before


@slow_to_draw
@given(contact=contacts(), change=changes(ANY))
def test_a_change_after_a_read_equals_change_applied_to(contact: Contact, change: Change) -> None:
    store = new_store()
    put(store, contact)
    try:
        expected = change.applied_to(contact, iso(CHANGED_MS))
    except InvalidInput:
        return
    before = store.by_id(ID)
    assert before is not None
    transition(store, before, change.applied_to(before, iso(CHANGED_MS)))
    assert as_stored(store.by_id(ID)) == as_stored(expected)
    assert wrong_in_table() == []


ADA = Contact(
    id=ID,
    version=3,
    created_at=iso(BEGAN_MS),
    updated_at=iso(BEGAN_MS),
    email=EMAIL.value,
    external_id="crm-1",
)
RENAME = Change.of({"first_name": "Ada"})


def test_only_the_version_asked_for_is_changed(store: ContactStore) -> None:
    put(store, ADA)
    with pytest.raises(VersionDiffers):
        store.change_in_place(ID, RENAME, CHANGED_MS, named=None, versions=(2, 4))
    assert store.by_id(ID) == ADA
    assert store.change_in_place(ID, RENAME, CHANGED_MS, named=None, versions=(2, 3)).version == 4


def test_only_a_contact_that_still_has_the_name_is_changed(store: ContactStore) -> None:
    put(store, ADA)
    with pytest.raises(Absent):
        store.change_in_place(ID, RENAME, CHANGED_MS, named=Name(NameKind.EMAIL, "crm-1"), versions=())
    assert store.by_id(ID) == ADA
    assert store.change_in_place(ID, RENAME, CHANGED_MS, named=EMAIL, versions=()).first_name == "Ada"


def test_a_change_in_place_of_an_absent_contact_is_refused(store: ContactStore) -> None:
    with pytest.raises(Absent):
        store.change_in_place(ID, RENAME, CHANGED_MS, named=None, versions=())
    assert moto_table().items() == []


def kilobytes(count: int) -> dict[str, Any]:
    return {"custom_fields": {"note": "x" * (count * 1024)}}


def test_a_change_that_may_exceed_a_limit_is_made_after_a_read(store: ContactStore) -> None:
    put(store, ADA)
    for number in range(3):
        change = Change.of(kilobytes(100 + number))
        store.change_in_place(ID, change, CHANGED_MS, named=None, versions=())
    before = store.by_id(ID)
    with pytest.raises(NotInPlace):
        store.change_in_place(ID, Change.of(kilobytes(100)), CHANGED_MS, named=None, versions=())
    assert store.by_id(ID) == before


@pytest.fixture
def book(store: ContactStore) -> ContactBook:
    put(store, ADA)
    return ContactBook(store, SetClock(CHANGED_MS), Dice("book"))


def test_a_value_may_be_replaced_again_and_again_as_long_as_the_contact_fits(book: ContactBook) -> None:
    for version in range(4, 8):
        after = book.update(Ref(ID), Change.of(kilobytes(190 + version))).contact
        assert after is not None
        assert after.version == version
        assert wrong_in_table() == []


def test_a_contact_that_would_be_too_large_stays_as_it_is(book: ContactBook) -> None:
    book.update(Ref(ID), Change.of(kilobytes(300)))
    before = book.get(Ref(ID))
    too_much = {"metadata": {"note": "x" * (MAX_BYTES - 300 * 1024)}}
    for body in (too_much, too_much | {"add_tags": ["a"]}, too_much | {"email": "new@example.com"}):
        with pytest.raises(ContactTooLarge):
            book.update(Ref(ID), Change.of(body))
    assert book.get(Ref(ID)) == before
    assert wrong_in_table() == []


def test_more_keys_than_an_expression_holds_are_changed_after_a_read(book: ContactBook) -> None:
    body = {"metadata": {f"key {number}": Decimal(number) for number in range(MAX_MAP_KEYS_IN_PLACE + 1)}}
    after = book.update(Ref(ID), Change.of(body)).contact
    assert after is not None
    assert len(after.metadata) == MAX_MAP_KEYS_IN_PLACE + 1
    assert as_stored(book.get(Ref(ID))) == as_stored(after)
