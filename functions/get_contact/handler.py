"""GET /v1/contacts/{ref}: one contact, as of the latest write."""

from contacts.accounts.model import Scope
from contacts.book.model import ContactOut
from contacts.book.service import ContactBook
from contacts.core.errors import ContactNotFound
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import contact_answer

operation = Operation("get_contact", Scope.CONTACTS_READ, Scope.USER)


@operation.on(
    "GET /v1/contacts/{ref}",
    responds={
        200: (ContactOut, "The contact as of the latest write."),
        304: (None, "The contact is still as the ETag in `If-None-Match` says."),
    },
    refuses=(ContactNotFound,),
)
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact by id, email or external_id; 304 where If-None-Match names its ETag."""
    contact = book.get(ref)
    return contact_answer(contact, request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
