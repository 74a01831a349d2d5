"""GET /v1/events: what happened in the last 30 days, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.events import event_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.events import event_log
from contacts.domain.accounts import Scope

operation = Operation("list_events", Scope.CONTACTS_READ)


@operation.on("GET /v1/events")
def list_events(
    request: Request,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    type: str | None = None,  # noqa: A002 (the parameter's name in the query)
) -> Answer:
    """List the account's events, the oldest first; `type`: only those of one type."""
    return event_page(event_log(request.caller), request.caller.account_id, type, cursor, limit)


lambda_handler = lambda_entry(operation)
