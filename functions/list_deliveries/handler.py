"""GET /v1/webhooks/{id}/deliveries: what was sent to an endpoint, and what came of it."""

from contacts.accounts.model import Scope
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize, fingerprint, from_cursor, shown_page
from contacts.webhooks.delivery_log import DeliveryLog
from contacts.webhooks.model import DeliveryPageOut, DeliveryStatus, delivery_out

operation = Operation("list_deliveries", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on(
    "GET /v1/webhooks/{id}/deliveries",
    responds={200: (DeliveryPageOut, "A page.")},
    refuses=(WebhookNotFound,),
)
def list_deliveries(
    log: DeliveryLog,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    status: DeliveryStatus | None = None,
) -> Answer:
    """List an endpoint's deliveries of the last 30 days with all their attempts, the newest first."""
    query = fingerprint(request.caller.account_id, "deliveries", id, status and str(status))
    after_id = None if cursor is None else from_cursor(query, cursor)
    deliveries, next_after = log.page(request.caller, id, status, after_id, limit)
    return shown_page(map(delivery_out, deliveries), next_after, query)


lambda_handler = runtime.entrypoint(operation)
