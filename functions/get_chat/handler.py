"""GET /v1/contacts/{ref}/chat: the one conversation with a contact."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.bootstrap.reach import reach
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("get_chat", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/chat")
def get_chat(request: Request, ref: Ref) -> Answer:
    """Read who a conversation is with, and by which gates it can be had."""
    return Answer(200, reach(request.caller).chat(ref))


@operation.on_contact("GET")
def get_contact(request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/chat`."""
    return contact_answer(contact_book(request.caller).get(ref), request.header("if-none-match"))


lambda_handler = lambda_entry(operation)
