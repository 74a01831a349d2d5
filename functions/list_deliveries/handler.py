"""GET /v1/webhooks/{id}/deliveries, GET /v1/contacts/{ref}/deliveries: what was sent, and what came of it."""

from typing import TYPE_CHECKING

from contacts.accounts.model import Scope
from contacts.core.errors import ContactNotFound, WebhookNotFound
from contacts.core.ids import Ref
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize
from contacts.web.response import contact_answer
from contacts.webhooks.delivery_log import DeliveryLog
from contacts.webhooks.model import DeliveryPageOut, DeliveryStatus
from contacts.webhooks.pages import about_page, endpoint_page

if TYPE_CHECKING:
    from contacts.book.service import ContactBook
    from contacts.webhooks.contact_deliveries import ContactDeliveries

operation = Operation("list_deliveries", Scope.WEBHOOKS_READ, Scope.API_USER)
PAGE = {200: (DeliveryPageOut, "A page.")}


@operation.on("GET /v1/webhooks/{id}/deliveries", responds=PAGE, refuses=(WebhookNotFound,))
def list_deliveries(
    log: DeliveryLog,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    status: DeliveryStatus | None = None,
) -> Answer:
    """List an endpoint's deliveries of the last 30 days with all their attempts, the newest first."""
    return endpoint_page(log, request.caller, id, status, cursor, limit)


# In quotes, what reads contacts is loaded with the first request that needs it: most are about endpoints.
ABOUT = "GET /v1/contacts/{ref}/deliveries"


@operation.on(ABOUT, responds=PAGE, refuses=(ContactNotFound,), besides=[Scope.CONTACTS_READ])
def list_contact_deliveries(
    deliveries: "ContactDeliveries", ref: Ref, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None
) -> Answer:
    """List what endpoints were sent about a contact in the last 30 days, with all attempts, the newest first."""
    return about_page(deliveries, ref, cursor, limit)


@operation.on_contact("GET", Scope.CONTACTS_READ)
def get_contact(book: "ContactBook", request: Request, ref: Ref) -> Answer:
    """Read a contact whose name is a path of this operation: `a/deliveries`."""
    return contact_answer(book.get(ref), request.header("if-none-match"))


lambda_handler = runtime.entrypoint(operation)
