"""GET /v1/webhooks/{id}/deliveries: what was sent to an endpoint, and what came of it."""

from contacts.api import Answer, Operation, Request
from contacts.api.deliveries import delivery_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.delivery_log import delivery_log
from contacts.domain.accounts import Scope
from contacts.domain.webhooks import DeliveryStatus

operation = Operation("list_deliveries", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on("GET /v1/webhooks/{id}/deliveries")
def list_deliveries(
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
    status: DeliveryStatus | None = None,
) -> Answer:
    """List an endpoint's deliveries of the last 30 days with all their attempts, the newest first."""
    return delivery_page(delivery_log(request.caller), request.caller, id, status, cursor, limit)


lambda_handler = lambda_entry(operation)
