"""POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver: send an event once more."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.delivery_log import delivery_desk
from contacts.domain.accounts import Scope

operation = Operation("redeliver_delivery", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on("POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver")
def redeliver_delivery(
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    delivery_id: str,
) -> Answer:
    """Send a delivery again at once, with the same `webhook-id`; its schedule begins anew."""
    return answer(delivery_desk(request.caller).redeliver(request.caller, id, delivery_id, request.receipt()))


lambda_handler = lambda_entry(operation)
