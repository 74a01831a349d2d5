"""GET /v1/contacts: contacts by filters, in an order, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.contact_pages import Filters, Paging, Sort, Words, listed_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.finding import finder
from contacts.domain.accounts import Scope

operation = Operation("list_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts")
def list_contacts(
    request: Request,
    paging: Paging,
    filters: Filters,
    search: Words | None = None,
    sort: Sort = Sort.NEWEST_FIRST,
) -> Answer:
    """List the account's contacts; `search`: each of its words begins a word of name, email or external_id."""
    return listed_page(finder(request.caller), request.caller.account, filters, paging, sort, search)


lambda_handler = lambda_entry(operation)
