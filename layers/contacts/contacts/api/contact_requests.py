"""What a request asks of the contact book once its body is checked: on its own, or as one of a batch."""

from contacts.api.schemas import ContactChange, NewContact, OnInvalid
from contacts.domain.contact import Change
from contacts.domain.identity import Ref
from contacts.domain.outcome import Outcome
from contacts.services.contact_book import ContactBook, OnConflict
from contacts.services.terms import Terms


def create(book: ContactBook, contact: NewContact, on_conflict: OnConflict, terms: Terms) -> Outcome:
    """Create a contact.

    Raises: as `ContactBook.create`.
    """
    return book.create(contact.given(), on_conflict, terms)


def update(
    book: ContactBook, ref: Ref, contact: ContactChange, on_invalid: OnInvalid, terms: Terms
) -> Outcome:
    """Change a contact; with `skip` what cannot be taken is left out and listed.

    Raises: as `ContactBook.update`.
    """
    skipped = contact.skipped if on_invalid is OnInvalid.SKIP else None
    return book.update(ref, Change.of(contact.given()), terms, skipped)
