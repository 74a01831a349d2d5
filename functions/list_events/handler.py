"""GET /v1/events: what happened in the last 30 days, a page at a time."""

from contacts.accounts.model import Scope
from contacts.events.model import EventPageOut
from contacts.events.pages import event_page
from contacts.events.service import EventLog
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize

operation = Operation("list_events", Scope.CONTACTS_READ)


@operation.on("GET /v1/events", responds={200: (EventPageOut, "A page.")})
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
