"""What a request asks of the contact book once its body is read: on its own, or as one of a batch."""

from contacts.api.schemas import ContactChange, NewContact, OnInvalid
from contacts.domain.contact import Change
from contacts.domain.identity import Ref
from contacts.domain.outcome import Outcome
from contacts.services.contact_book import ContactBook, OnConflict
from contacts.services.terms import Terms
from contacts.services.typed_fields import TypedFields


def create(
    book: ContactBook,
    typed: TypedFields,
    contact: NewContact,
    on_conflict: OnConflict,
    on_invalid: OnInvalid,
    terms: Terms,
) -> Outcome:
    """Create a contact; with `skip` what cannot be taken is left out and listed.

    Raises: as `ContactFields.taken` and `ContactBook.create`.
    """
    fields, skipped = contact.taken(typed, on_invalid)
    return book.create(fields, on_conflict, terms, skipped)


def update(
    book: ContactBook,
    typed: TypedFields,
    ref: Ref,
    contact: ContactChange,
    on_invalid: OnInvalid,
    terms: Terms,
) -> Outcome:
    """Change a contact; with `skip` what cannot be taken is left out and listed.

    Raises: as `ContactFields.taken` and `ContactBook.update`.
    """
    fields, skipped = contact.taken(typed, on_invalid)
    return book.update(ref, Change.of(fields), terms, skipped)
