"""GET /v1/contact-properties: the account's typed custom fields, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.contact_properties import DEFAULT_PAGE_SIZE, PropertyPageSize, property_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.properties import property_desk
from contacts.domain.accounts import Scope

operation = Operation("list_properties", Scope.PROPERTIES_READ, Scope.API_USER)


@operation.on("GET /v1/contact-properties")
def list_properties(
    request: Request,
    archived: bool = False,
    limit: PropertyPageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
) -> Answer:
    """List the account's properties, oldest first; `archived`: those that are archived, too."""
    return property_page(property_desk(request.caller), request.caller.account_id, archived, cursor, limit)


lambda_handler = lambda_entry(operation)
