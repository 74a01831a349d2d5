"""GET /v1/contacts/search: contacts by words, the best match first, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.contact_pages import Filters, Paging, Words, searched_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.finding import finder
from contacts.domain.accounts import Scope

operation = Operation("search_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts/search")
def search_contacts(request: Request, q: Words, paging: Paging, filters: Filters) -> Answer:
    """Search contacts: who has all the words as they are comes before who has words that begin like them."""
    return searched_page(finder(request.caller), request.caller.account, filters, paging, q)


lambda_handler = lambda_entry(operation)
