"""POST /v1/webhooks/{id}/test: send an endpoint a `webhook.test`."""

from contacts.accounts.model import Scope
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.delivery_log import DeliveryService
from contacts.webhooks.model import QueuedDeliveryOut

operation = Operation("test_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on(
    "POST /v1/webhooks/{id}/test",
    responds={202: (QueuedDeliveryOut, "Will be sent in a moment.")},
    refuses=(WebhookNotFound,),
)
def test_webhook(
    deliveries: DeliveryService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Try an endpoint out, active or not: one attempt, signed like any other."""
    return answer(deliveries.test(request.caller, id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
