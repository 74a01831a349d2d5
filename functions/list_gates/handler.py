"""GET /v1/contacts/{ref}/gates: how a contact can be reached now."""

from contacts.accounts.model import Scope
from contacts.book.service import ContactBook
from contacts.channels.model import GatePageOut
from contacts.channels.service import ContactPointService
from contacts.core.errors import ContactNotFound
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import ShortPaging, fingerprint, short_page
from contacts.web.response import contact_answer

operation = Operation("list_gates", Scope.CONTACTS_READ)


@operation.on(
    "GET /v1/contacts/{ref}/gates", responds={200: (GatePageOut, "A page.")}, refuses=(ContactNotFound,)
)
def list_gates(reach: ContactPointService, request: Request, ref: Ref, paging: ShortPaging) -> Answer:
    """List a contact's gates on channels that are on, with its email and its phone as gates of their own."""
    contact_id, gates = reach.gates(ref)
    return short_page(gates, paging, fingerprint(request.caller.account_id, "gates", contact_id))


@operation.on_contact("GET")
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/gates`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
