"""GET /v1/events: what happened in the last 30 days, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.events import event_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.event_log import EventLog

operation = Operation("list_events", Scope.CONTACTS_READ)


@operation.on("GET /v1/events")
def list_events(
    log: EventLog,
    request: Request,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    type: str | None = None,  # noqa: A002 (the parameter's name in the query)
) -> Answer:
    """List the account's events, the oldest first; `type`: only those of one type."""
    return event_page(log, request.caller.account_id, type, cursor, limit)


lambda_handler = runtime.entrypoint(operation)
