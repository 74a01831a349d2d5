"""GET /v1/contacts/{ref}/events: a contact's timeline, a page at a time."""

from contacts.accounts.model import Scope
from contacts.book.service import ContactBook
from contacts.core.errors import ContactNotFound
from contacts.core.ids import Ref
from contacts.events.model import TimelinePageOut
from contacts.events.pages import timeline_page
from contacts.events.service import Timeline
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize
from contacts.web.response import contact_answer

operation = Operation("list_contact_events", Scope.CONTACTS_READ)


@operation.on(
    "GET /v1/contacts/{ref}/events", responds={200: (TimelinePageOut, "A page.")}, refuses=(ContactNotFound,)
)
def list_contact_events(
    timeline: Timeline,
    request: Request,
    ref: Ref,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    type: str | None = None,  # noqa: A002 (the parameter's name in the query)
) -> Answer:
    """List what happened to a contact and what it did, the newest first; `type`: only entries of one type."""
    return timeline_page(timeline, request.caller.account_id, ref, type, cursor, limit)


@operation.on_contact("GET")
def get_contact(book: ContactBook, request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/events`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
