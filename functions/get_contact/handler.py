"""GET /v1/contacts/{ref}: one contact, as of the latest write."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("get_contact", Scope.CONTACTS_READ, Scope.USER)


@operation.on("GET /v1/contacts/{ref}")
def get_contact(request: Request, ref: Ref) -> Answer:
    """Read a contact by id, email or external_id; 304 where If-None-Match names its ETag."""
    contact = contact_book(request.caller).get(ref)
    return contact_answer(contact, request.header("if-none-match"))


lambda_handler = lambda_entry(operation)
