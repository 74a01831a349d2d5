"""POST /v1/webhooks: register an endpoint; its secret is shown once, in this answer."""

from contacts.accounts.model import Scope
from contacts.core.errors import TooManyWebhooks
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.model import WebhookWithSecretOut
from contacts.webhooks.schemas import NewWebhook
from contacts.webhooks.service import WebhookService

# Its endpoint receives contacts.
operation = Operation("create_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER, besides=[Scope.CONTACTS_READ])


@operation.on(
    "POST /v1/webhooks",
    responds={201: (WebhookWithSecretOut, "Registered; the secret is shown now and never again.")},
    refuses=(TooManyWebhooks,),
)
def create_webhook(webhooks: WebhookService, request: Request, webhook: NewWebhook) -> Answer:
    """Register an endpoint that is told of events from now on."""
    return answer(webhooks.add(request.caller, webhook.to_command(), request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
