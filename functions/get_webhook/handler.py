"""GET /v1/webhooks/{id}: one webhook, without its secret."""

from contacts.accounts.model import Scope
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.webhooks.model import WebhookOut
from contacts.webhooks.service import WebhookService

operation = Operation("get_webhook", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on(
    "GET /v1/webhooks/{id}", responds={200: (WebhookOut, "As asked for.")}, refuses=(WebhookNotFound,)
)
def get_webhook(
    webhooks: WebhookService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Read a webhook of the caller's account."""
    return Answer(200, webhooks.webhook(request.caller, id))


lambda_handler = runtime.entrypoint(operation)
