"""What a request asks of the contact book once its body is validated: on its own, or as one of a batch."""

from contacts.book.model import Change
from contacts.book.outcome import Outcome, Preconditions
from contacts.book.service import ContactBook, OnConflict
from contacts.core.ids import Ref
from contacts.properties.validation import ContactInput, OnInvalid


def create(
    book: ContactBook,
    given: ContactInput,
    on_conflict: OnConflict,
    on_invalid: OnInvalid,
    preconditions: Preconditions,
) -> Outcome:
    """Create a contact; with `skip` rejected fields are left out and listed.

    Raises: as `ContactInput.resolve` and `ContactBook.create`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.create(accepted, on_conflict, preconditions, rejected)


def update(
    book: ContactBook, ref: Ref, given: ContactInput, on_invalid: OnInvalid, preconditions: Preconditions
) -> Outcome:
    """Change a contact; with `skip` rejected fields are left out and listed.

    Raises: as `ContactInput.resolve` and `ContactBook.update`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.update(ref, Change.of(accepted), preconditions, rejected)
