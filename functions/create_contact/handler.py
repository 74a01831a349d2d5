"""POST /v1/contacts: create a contact, or with ?on_conflict=update an upsert."""

from contacts.accounts.model import Scope
from contacts.book.model import CREATE_ERRORS, WrittenContactOut
from contacts.book.schemas import NewContact
from contacts.book.service import ContactBook, OnConflict
from contacts.book.weight import items_of_contact
from contacts.core.errors import StaleVersion
from contacts.properties.model import OnInvalid
from contacts.properties.typed_fields import TypedFields
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("create_contact", Scope.CONTACTS_WRITE, Scope.API_USER)


@operation.on(
    "POST /v1/contacts",
    responds={
        201: (WrittenContactOut, "Created; or brought back from the trash, with the same id."),
        200: (WrittenContactOut, "With `on_conflict=update`: the contact was there and has been changed."),
    },
    refuses=(*CREATE_ERRORS, StaleVersion),
    written=items_of_contact,
)
def create_contact(
    book: ContactBook,
    typed: TypedFields,
    request: Request,
    contact: NewContact,
    on_conflict: OnConflict = OnConflict.REJECT,
    on_invalid: OnInvalid = OnInvalid.REJECT,
) -> Answer:
    """Create a contact; with on_invalid=skip what cannot be taken is left out and listed in `skipped`."""
    given = typed.validate(contact.to_input())
    return answer(book.create_from(given, on_conflict, on_invalid, request.preconditions()))


lambda_handler = runtime.entrypoint(operation)
