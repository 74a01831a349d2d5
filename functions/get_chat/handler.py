"""GET /v1/contacts/{ref}/chat: the one conversation with a contact."""

from contacts.accounts.model import Scope
from contacts.book.service import ContactBook
from contacts.channels.model import ChatOut
from contacts.channels.service import ContactPointService
from contacts.core.errors import ContactNotFound
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import contact_answer

operation = Operation("get_chat", Scope.CONTACTS_READ)


@operation.on(
    "GET /v1/contacts/{ref}/chat", responds={200: (ChatOut, "As asked for.")}, refuses=(ContactNotFound,)
)
def get_chat(reach: ContactPointService, ref: Ref) -> Answer:
    """Read who a conversation is with, and by which gates it can be had."""
    return Answer(200, reach.chat(ref))


@operation.on_contact("GET")
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/chat`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
