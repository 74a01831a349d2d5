"""GET /v1/contacts/{ref}/gates: how a contact can be reached now."""

from contacts.api import Answer, Operation, Request
from contacts.api.cursors import fingerprint
from contacts.api.short_lists import ShortPaging, short_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.reach import reach
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref, RefKind

operation = Operation("list_gates", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/gates")
def list_gates(request: Request, ref: str, paging: ShortPaging, by: RefKind | None = None) -> Answer:
    """List a contact's gates on channels that are on, with its email and its phone as gates of their own."""
    contact_id, gates = reach(request.caller).gates(Ref(ref, by))
    return short_page(gates, paging, fingerprint(request.caller.account_id, "gates", contact_id))


lambda_handler = lambda_entry(operation)
