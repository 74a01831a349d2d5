"""GET /v1/contacts/{ref}/events: a contact's timeline, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import contact_answer
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.api.timeline import timeline_page
from contacts.domain.accounts import Scope
from contacts.domain.identity import Ref
from contacts.runtime import runtime
from contacts.services.contact_book import ContactBook
from contacts.services.timeline import Timeline

operation = Operation("list_contact_events", Scope.CONTACTS_READ)


@operation.on("GET /v1/contacts/{ref}/events")
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
