"""POST /v1/contacts: create a contact, or with ?on_conflict=update an upsert."""

from contacts.api import Answer, Operation, Request, answer, contact_requests
from contacts.api.schemas import NewContact
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Scope
from contacts.services.contact_book import OnConflict

operation = Operation("create_contact", Scope.CONTACTS_WRITE, Scope.API_USER)


@operation.on("POST /v1/contacts")
def create_contact(
    request: Request, contact: NewContact, on_conflict: OnConflict = OnConflict.REJECT
) -> Answer:
    """Create a contact in the caller's account."""
    book = contact_book(request.caller)
    return answer(contact_requests.create(book, contact, on_conflict, request.terms()))


lambda_handler = lambda_entry(operation)
