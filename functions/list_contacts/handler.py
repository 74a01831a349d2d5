"""GET /v1/contacts: contacts by filters, in an order, a page at a time."""

from contacts.accounts.model import Scope
from contacts.runtime import runtime
from contacts.search.pages import ContactPageOut, Filters, Paging, Sort, Words, listed_page
from contacts.search.service import Finder
from contacts.web import Answer, Operation, Request

operation = Operation("list_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts", responds={200: (ContactPageOut, "A page.")})
def list_contacts(
    finder: Finder,
    request: Request,
    paging: Paging,
    filters: Filters,
    search: Words | None = None,
    sort: Sort = Sort.NEWEST_FIRST,
) -> Answer:
    """List contacts; `search`: each of its words begins a word of name, email or external_id, or ends the phone."""
    return listed_page(finder, request.caller.account, filters, paging, sort, search)


lambda_handler = runtime.entrypoint(operation)
