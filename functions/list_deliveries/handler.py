"""GET /v1/webhooks/{id}/deliveries: what was sent to an endpoint, and what came of it."""

from contacts.api import Answer, Operation, Request
from contacts.api.deliveries import delivery_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.domain.accounts import Scope
from contacts.domain.webhooks import DeliveryStatus
from contacts.runtime import runtime
from contacts.services.delivery_log import DeliveryLog

operation = Operation("list_deliveries", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on("GET /v1/webhooks/{id}/deliveries")
def list_deliveries(
    log: DeliveryLog,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    status: DeliveryStatus | None = None,
) -> Answer:
    """List an endpoint's deliveries of the last 30 days with all their attempts, the newest first."""
    return delivery_page(log, request.caller, id, status, cursor, limit)


lambda_handler = runtime.entrypoint(operation)
