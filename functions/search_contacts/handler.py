"""GET /v1/contacts/search: contacts by words, the best match first, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.api.contact_pages import Filters, Paging, Words, searched_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.finding import contact_book, finder
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref

operation = Operation("search_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts/search")
def search_contacts(request: Request, q: Words, paging: Paging, filters: Filters) -> Answer:
    """Search contacts: who has all the words as they are comes before who has words that begin like them."""
    return searched_page(finder(request.caller), request.caller.account, filters, paging, q)


@operation.on_contact("GET")
def get_contact(request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is `search`."""
    return contact_answer(contact_book(request.caller).get(ref), request.header("if-none-match"))


lambda_handler = lambda_entry(operation)
