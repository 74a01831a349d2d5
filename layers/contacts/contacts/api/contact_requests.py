"""What a request asks of the contact book once its body is validated: on its own, or as one of a batch."""

from contacts.domain.contact import Change
from contacts.domain.contact_input import ContactInput, OnInvalid
from contacts.domain.identity import Ref
from contacts.domain.outcome import Outcome
from contacts.services.contact_book import ContactBook, OnConflict
from contacts.services.terms import Terms


def create(
    book: ContactBook, given: ContactInput, on_conflict: OnConflict, on_invalid: OnInvalid, terms: Terms
) -> Outcome:
    """Create a contact; with `skip` rejected fields are left out and listed.

    Raises: as `ContactInput.resolve` and `ContactBook.create`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.create(accepted, on_conflict, terms, rejected)


def update(book: ContactBook, ref: Ref, given: ContactInput, on_invalid: OnInvalid, terms: Terms) -> Outcome:
    """Change a contact; with `skip` rejected fields are left out and listed.

    Raises: as `ContactInput.resolve` and `ContactBook.update`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.update(ref, Change.of(accepted), terms, rejected)
