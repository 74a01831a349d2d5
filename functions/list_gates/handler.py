"""GET /v1/contacts/{ref}/gates: how a contact can be reached now."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.api.cursors import fingerprint
from contacts.api.short_lists import ShortPaging, short_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_book
from contacts.bootstrap.reach import reach
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("list_gates", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/gates")
def list_gates(request: Request, ref: Ref, paging: ShortPaging) -> Answer:
    """List a contact's gates on channels that are on, with its email and its phone as gates of their own."""
    contact_id, gates = reach(request.caller).gates(ref)
    return short_page(gates, paging, fingerprint(request.caller.account_id, "gates", contact_id))


@operation.on_contact("GET")
def get_contact(request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/gates`."""
    return contact_answer(contact_book(request.caller).get(ref), request.header("if-none-match"))


lambda_handler = lambda_entry(operation)
