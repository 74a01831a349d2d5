"""GET /v1/contacts: contacts by creation, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize, Sort, contact_page
from contacts.api.parameters import Moment
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.contacts import contact_store
from contacts.domain.accounts import Scope
from contacts.domain.contact import ValidationStatus

operation = Operation("list_contacts", Scope.CONTACTS_READ, Scope.API_USER)


@operation.on("GET /v1/contacts")
def list_contacts(
    request: Request,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    starting_after: str | None = None,
    sort: Sort = Sort.NEWEST_FIRST,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    is_active: bool | None = None,
    is_unsubscribed: bool | None = None,
    validation_status: ValidationStatus | None = None,
) -> Answer:
    """List the account's contacts; `starting_after` is another name for `cursor`."""
    flags = {
        "is_active": is_active,
        "is_unsubscribed": is_unsubscribed,
        "validation_status": validation_status,
    }
    store, account_id = contact_store(request.caller), request.caller.account_id
    return contact_page(
        store, account_id, sort, created_after, created_before, flags, cursor, starting_after, limit
    )


lambda_handler = lambda_entry(operation)
