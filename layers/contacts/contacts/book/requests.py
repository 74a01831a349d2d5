"""Creates and updates from a validated body; single requests and items of batches share them."""

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
    """Creates a contact. With `on_invalid=skip` rejected fields are left out and listed in the outcome.

    Raises: as `ContactInput.resolve` and `ContactBook.create`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.create(accepted, on_conflict, preconditions, rejected)


def update(
    book: ContactBook, ref: Ref, given: ContactInput, on_invalid: OnInvalid, preconditions: Preconditions
) -> Outcome:
    """Changes a contact. With `on_invalid=skip` rejected fields are left out and listed in the outcome.

    Raises: as `ContactInput.resolve` and `ContactBook.update`.
    """
    accepted, rejected = given.resolve(on_invalid)
    return book.update(ref, Change.of(accepted), preconditions, rejected)
