"""GET /v1/webhooks: the account's webhooks, without their secrets."""

from contacts.accounts.model import Scope
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import page
from contacts.webhooks.model import WebhookPageOut
from contacts.webhooks.service import WebhookService

operation = Operation("list_webhooks", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on("GET /v1/webhooks", responds={200: (WebhookPageOut, "A page.")})
def list_webhooks(webhooks: WebhookService, request: Request) -> Answer:
    """List the account's webhooks, oldest first."""
    return page(webhooks.webhooks(request.caller))


lambda_handler = runtime.entrypoint(operation)
