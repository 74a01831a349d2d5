"""GET /v1/contacts: contacts by filters, in an order, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.contact_pages import Filters, Paging, Sort, Words, listed_page
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.finding import Finder

operation = Operation("list_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts")
def list_contacts(
    finder: Finder,
    request: Request,
    paging: Paging,
    filters: Filters,
    search: Words | None = None,
    sort: Sort = Sort.NEWEST_FIRST,
) -> Answer:
    """List the account's contacts; `search`: each of its words begins a word of name, email or external_id."""
    return listed_page(finder, request.caller.account, filters, paging, sort, search)


lambda_handler = runtime.entrypoint(operation)
