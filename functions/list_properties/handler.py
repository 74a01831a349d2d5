"""GET /v1/contact-properties: the account's typed custom fields, a page at a time."""

from typing import TYPE_CHECKING

from contacts.accounts.model import Scope
from contacts.core.ids import Ref
from contacts.properties.model import PropertyPageOut
from contacts.properties.pages import DEFAULT_PAGE_SIZE, PropertyPageSize, property_page
from contacts.properties.service import PropertyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import contact_answer

if TYPE_CHECKING:
    from contacts.book.service import ContactBook

operation = Operation("list_properties", Scope.PROPERTIES_READ, Scope.API_USER)


@operation.on("GET /v1/contact-properties", responds={200: (PropertyPageOut, "A page.")})
def list_properties(
    properties: PropertyService,
    request: Request,
    archived: bool = False,
    limit: PropertyPageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
) -> Answer:
    """List the account's properties, oldest first; `archived`: those that are archived, too."""
    return property_page(properties, request.caller.account_id, archived, cursor, limit)


@operation.on_contact("GET", Scope.CONTACTS_READ)
def get_contact(book: "ContactBook", request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is `properties`. In quotes, the book is loaded with the first such request."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
