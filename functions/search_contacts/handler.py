"""GET /v1/contacts/search: contacts by words, the best match first, a page at a time."""

from typing import TYPE_CHECKING

from contacts.accounts.model import Scope
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.search.pages import ContactPageOut, Filters, Paging, Words, searched_page
from contacts.search.service import Finder
from contacts.web import Answer, Operation, Request
from contacts.web.response import contact_answer

if TYPE_CHECKING:
    from contacts.book.service import ContactBook

operation = Operation("search_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts/search", responds={200: (ContactPageOut, "A page.")})
def search_contacts(finder: Finder, request: Request, q: Words, paging: Paging, filters: Filters) -> Answer:
    """Search contacts: who has all the words as they are comes before who has words that begin like them."""
    return searched_page(finder, request.caller.account, filters, paging, q)


@operation.on_contact("GET")
def get_contact(book: "ContactBook", request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is `search`. In quotes, the book is loaded with the first such request: few come."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
