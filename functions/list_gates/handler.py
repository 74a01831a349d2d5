"""GET /v1/contacts/{ref}/gates: how a contact can be reached now."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.api.cursors import fingerprint
from contacts.api.short_lists import ShortPaging, short_page
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.contact_book import ContactBook
from contacts.services.reach import Reach

operation = Operation("list_gates", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/gates")
def list_gates(reach: Reach, request: Request, ref: Ref, paging: ShortPaging) -> Answer:
    """List a contact's gates on channels that are on, with its email and its phone as gates of their own."""
    contact_id, gates = reach.gates(ref)
    return short_page(gates, paging, fingerprint(request.caller.account_id, "gates", contact_id))


@operation.on_contact("GET")
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/gates`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
