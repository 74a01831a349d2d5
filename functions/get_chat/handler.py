"""GET /v1/contacts/{ref}/chat: the one conversation with a contact."""

from contacts.api import Answer, Operation, Request
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.reach import reach
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref, RefKind

operation = Operation("get_chat", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/chat")
def get_chat(request: Request, ref: str, by: RefKind | None = None) -> Answer:
    """Read who a conversation is with, and by which gates it can be had."""
    return Answer(200, reach(request.caller).chat(Ref(ref, by)))


lambda_handler = lambda_entry(operation)
