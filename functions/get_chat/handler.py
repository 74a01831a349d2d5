"""GET /v1/contacts/{ref}/chat: the one conversation with a contact."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.contact_book import ContactBook
from contacts.services.reach import Reach

operation = Operation("get_chat", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/chat")
def get_chat(reach: Reach, ref: Ref) -> Answer:
    """Read who a conversation is with, and by which gates it can be had."""
    return Answer(200, reach.chat(ref))


@operation.on_contact("GET")
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/chat`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
