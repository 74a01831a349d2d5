"""The contact book by example: one contact through each of its operations, with the table below it."""

from dataclasses import dataclass
from typing import Any

import pytest

from contacts.book.model import Action, Change, Contact, Preconditions
from contacts.book.service import ContactBook, OnConflict
from contacts.core.errors import (
    ContactNotFound,
    DuplicateContact,
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    NamesTaken,
    StaleVersion,
)
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Ref
from tests.support.moto_table import MotoTable
from tests.support.scenarios import BEGAN_MS, contact_book

ADA = {"email": "ada@example.com", "external_id": "crm-1", "first_name": "Ada", "tags": ("vip",)}
MINUTE_MS = 60_000


@dataclass
class Book:
    """A contact book of which each use is a minute after the one before."""

    table: MotoTable
    uses: int = 0

    def open(self) -> ContactBook:
        self.uses += 1
        return contact_book(self.table.client(), BEGAN_MS + self.uses * MINUTE_MS, f"use {self.uses}")

    def create(self, **given: object) -> Contact:
        """A new contact."""
        outcome = self.open().create(given)
        assert outcome.contact is not None
        return outcome.contact

    def get(self, ref: str) -> Contact:
        return self.open().get(Ref(ref))

    def update(self, ref: str, **given: object) -> Contact:
        """A contact after a change."""
        outcome = self.open().update(Ref(ref), Change.of(given))
        assert outcome.contact is not None
        return outcome.contact


@pytest.fixture
def book() -> Book:
    return Book(MotoTable())


@pytest.fixture
def ada(book: Book) -> Contact:
    return book.create(**ADA)


# Create


def test_a_new_contact_is_found_by_each_of_its_names(book: Book, ada: Contact) -> None:
    assert (ada.version, ada.first_name, ada.is_active, ada.is_unsubscribed) == (1, "Ada", True, False)
    assert ada.created_at == ada.updated_at
    for ref in (ada.id, "ada@example.com", "crm-1"):
        assert book.get(ref) == ada


def test_a_contact_without_a_name_to_find_it_by_is_refused(book: Book) -> None:
    with pytest.raises(InvalidInput) as refused:
        book.open().create({"first_name": "Ada"}, skipped=[])
    assert {field for field, _ in refused.value.field_errors} == {"email", "external_id"}


def test_a_create_with_a_taken_name_is_refused_and_names_the_owner(book: Book, ada: Contact) -> None:
    with pytest.raises(DuplicateContact) as refused:
        book.create(email="ada@example.com", external_id="crm-2")
    assert list(refused.value.taken) == [("email", ada.id)]
    assert book.get("ada@example.com") == ada
    with pytest.raises(ContactNotFound):
        book.get("crm-2")


# Upsert


def test_an_upsert_of_a_known_contact_adds_what_it_gives(book: Book, ada: Contact) -> None:
    given = {"email": "ada@example.com", "last_name": "Lovelace", "add_tags": ("beta",)}
    outcome = book.open().create(given, OnConflict.UPDATE)
    assert outcome.action is Action.UPDATED
    contact = book.get(ada.id)
    assert (contact.first_name, contact.last_name, contact.tags) == ("Ada", "Lovelace", ("vip", "beta"))
    assert contact.version == 2


def test_an_upsert_of_somebody_new_creates(book: Book) -> None:
    assert book.open().create(ADA, OnConflict.UPDATE).action is Action.CREATED


def test_an_upsert_that_names_two_contacts_is_refused(book: Book, ada: Contact) -> None:
    bea = book.create(email="bea@example.com")
    with pytest.raises(DuplicateContact):
        book.open().create({"email": "bea@example.com", "external_id": "crm-1"}, OnConflict.UPDATE)
    assert (book.get(ada.id), book.get(bea.id)) == (ada, bea)


# Update


def test_an_update_keeps_what_it_does_not_name(book: Book, ada: Contact) -> None:
    contact = book.update("crm-1", last_name="Lovelace")
    assert (contact.first_name, contact.last_name) == ("Ada", "Lovelace")
    assert (contact.email, contact.tags, contact.version) == (ada.email, ada.tags, 2)
    assert contact.updated_at > ada.updated_at
    assert book.get(ada.id) == contact


def test_an_empty_update_changes_nothing(book: Book, ada: Contact) -> None:
    assert book.update(ada.id) == ada


def test_a_map_merges_by_key_and_none_drops_a_key(book: Book, ada: Contact) -> None:
    book.update(ada.id, custom_fields={"plan": "pro", "city": "London"})
    contact = book.update(ada.id, custom_fields={"plan": None, "seats": 5})
    assert contact.custom_fields == {"city": "London", "seats": 5}


def test_tags_are_added_and_removed_in_their_order(book: Book, ada: Contact) -> None:
    contact = book.update(ada.id, add_tags=["beta", "vip"], remove_tags=["absent"])
    assert contact.tags == ("vip", "beta")
    assert book.update(ada.id, remove_tags=["vip"]).tags == ("beta",)
    assert book.update(ada.id, remove_tags=["beta"], add_tags=["beta"]).tags == ("beta",)


def test_none_clears_a_field_and_frees_a_name(book: Book, ada: Contact) -> None:
    contact = book.update(ada.id, email=None, first_name=None)
    assert (contact.email, contact.first_name, contact.name) == (None, None, None)
    with pytest.raises(ContactNotFound):
        book.get("ada@example.com")
    assert book.create(email="ada@example.com").id != ada.id


def test_the_last_name_to_find_a_contact_by_stays(book: Book, ada: Contact) -> None:
    with pytest.raises(InvalidInput):
        book.update(ada.id, email=None, external_id=None)
    assert book.get(ada.id) == ada


def test_a_name_of_another_contact_is_refused_or_skipped(book: Book, ada: Contact) -> None:
    book.create(email="bea@example.com")
    change = Change.of({"email": "bea@example.com", "first_name": "A."})
    with pytest.raises(DuplicateContact):
        book.open().update(Ref(ada.id), change)
    skipped: list[FieldError] = []
    outcome = book.open().update(Ref(ada.id), change, skipped=skipped)
    contact = book.get(ada.id)
    assert (contact.email, contact.first_name) == ("ada@example.com", "A.")
    told: Any = outcome.details["skipped"]
    assert [one["field"] for one in told] == ["email"]


# Delete and restore


def test_a_deleted_contact_is_gone_and_comes_back_under_its_id(book: Book, ada: Contact) -> None:
    assert book.open().delete(Ref("crm-1")).details == {"id": ada.id, "permanent": False}
    for ref in (ada.id, "ada@example.com", "crm-1"):
        with pytest.raises(ContactNotFound):
            book.get(ref)
    outcome = book.open().restore(Ref("ada@example.com"))
    assert (outcome.action, book.get("crm-1")) == (Action.RESTORED, outcome.contact)
    assert outcome.contact is not None
    assert (outcome.contact.id, outcome.contact.tags, outcome.contact.version) == (ada.id, ("vip",), 2)


def test_an_erased_contact_does_not_come_back(book: Book, ada: Contact) -> None:
    assert book.open().delete(Ref(ada.id), permanent=True).details == {"id": ada.id, "permanent": True}
    with pytest.raises(ContactNotFound):
        book.open().restore(Ref(ada.id))
    assert book.create(**ADA).id != ada.id


def test_what_is_in_the_trash_can_be_erased(book: Book, ada: Contact) -> None:
    book.open().delete(Ref(ada.id))
    book.open().delete(Ref("ada@example.com"), permanent=True)
    with pytest.raises(ContactNotFound):
        book.open().restore(Ref(ada.id))


def test_a_create_with_an_email_in_the_trash_brings_its_contact_back(book: Book, ada: Contact) -> None:
    book.open().delete(Ref(ada.id))
    outcome = book.open().create({"email": "ada@example.com", "last_name": "Lovelace"})
    assert outcome.action is Action.RECREATED
    contact = book.get("crm-1")
    assert (contact.id, contact.last_name, contact.tags) == (ada.id, "Lovelace", ("vip",))


def test_a_restore_does_not_take_back_a_name_taken_meanwhile(book: Book, ada: Contact) -> None:
    book.open().delete(Ref(ada.id))
    taker = book.create(external_id="crm-1")
    back = book.open().restore(Ref(ada.id)).contact
    assert back is not None
    assert (back.email, back.external_id) == ("ada@example.com", None)
    assert book.get("crm-1") == taker


def test_a_contact_that_lost_every_name_stays_in_the_trash(book: Book) -> None:
    contact = book.create(external_id="crm-1")
    book.open().delete(Ref(contact.id))
    book.create(external_id="crm-1")
    with pytest.raises(NamesTaken):
        book.open().restore(Ref(contact.id))


# Preconditions


@pytest.mark.parametrize("operation", ["update", "delete", "upsert"])
def test_a_change_of_another_version_is_refused(operation: str, book: Book, ada: Contact) -> None:
    preconditions = Preconditions(versions=[7])
    change = {
        "update": lambda: book.open().update(Ref(ada.id), Change.of({"first_name": "x"}), preconditions),
        "delete": lambda: book.open().delete(Ref(ada.id), preconditions=preconditions),
        "upsert": lambda: book.open().create(ADA, OnConflict.UPDATE, preconditions),
    }[operation]
    with pytest.raises(StaleVersion):
        change()
    assert book.get(ada.id) == ada


def test_a_change_of_the_version_it_names_gets_through(book: Book, ada: Contact) -> None:
    outcome = book.open().update(Ref(ada.id), Change.of({"first_name": "A."}), Preconditions(versions=[1]))
    assert outcome.contact is not None
    assert outcome.contact.version == 2


def test_a_create_on_a_version_is_refused(book: Book) -> None:
    with pytest.raises(StaleVersion):
        book.open().create(ADA, OnConflict.UPDATE, Preconditions(versions=[1]))


# Idempotency


def test_a_request_with_the_same_key_is_carried_out_once(book: Book) -> None:
    preconditions = Preconditions(idempotency_key=IdempotencyKey("k", "0" * 64))
    first, again = (book.open().create(ADA, OnConflict.REJECT, preconditions) for _ in range(2))
    assert (first.is_replay, again.is_replay) == (False, True)
    assert again.contact == first.contact


def test_a_key_stands_for_one_request(book: Book, ada: Contact) -> None:
    change = Change.of({"first_name": "A."})
    book.open().update(Ref(ada.id), change, Preconditions(idempotency_key=IdempotencyKey("k", "0" * 64)))
    with pytest.raises(IdempotencyKeyReused):
        book.open().delete(
            Ref(ada.id), preconditions=Preconditions(idempotency_key=IdempotencyKey("k", "1" * 64))
        )


def test_a_refused_request_leaves_its_key_free(book: Book, ada: Contact) -> None:
    preconditions = Preconditions(idempotency_key=IdempotencyKey("k", "0" * 64))
    with pytest.raises(DuplicateContact):
        book.open().create(ADA, OnConflict.REJECT, preconditions)
    book.open().delete(Ref(ada.id), permanent=True)
    assert book.open().create(ADA, OnConflict.REJECT, preconditions).is_replay is False


# Opting out


def test_unsubscribing_keeps_the_first_moment_and_subscribing_clears_it(book: Book, ada: Contact) -> None:
    unsubscribed = book.update(ada.id, is_unsubscribed=True)
    assert unsubscribed.unsubscribed_at == unsubscribed.updated_at
    assert book.update(ada.id, is_unsubscribed=True).unsubscribed_at == unsubscribed.unsubscribed_at
    assert book.update(ada.id, is_unsubscribed=False).unsubscribed_at is None


def test_an_upsert_does_not_subscribe_again(book: Book, ada: Contact) -> None:
    book.update(ada.id, is_unsubscribed=True)
    book.open().create({"email": "ada@example.com", "is_unsubscribed": False}, OnConflict.UPDATE)
    assert book.get(ada.id).is_unsubscribed is True


def test_an_address_that_opted_out_stays_so_in_the_next_contact(book: Book, ada: Contact) -> None:
    book.update(ada.id, is_unsubscribed=True)
    book.open().delete(Ref(ada.id), permanent=True)
    assert book.create(email="ada@example.com").is_unsubscribed is True
