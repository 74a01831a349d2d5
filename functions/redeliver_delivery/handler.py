"""POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver: send an event once more."""

from contacts.accounts.model import Scope
from contacts.core.errors import DeliveryNotFound, NotDeliverable, WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.delivery_log import DeliveryService
from contacts.webhooks.model import QueuedDeliveryOut

operation = Operation("redeliver_delivery", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on(
    "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    responds={202: (QueuedDeliveryOut, "Will be sent in a moment.")},
    refuses=(WebhookNotFound, DeliveryNotFound, NotDeliverable),
)
def redeliver_delivery(
    deliveries: DeliveryService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    delivery_id: str,
) -> Answer:
    """Send a delivery again at once, with the same `webhook-id`; its schedule begins anew."""
    return answer(deliveries.redeliver(request.caller, id, delivery_id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
