"""PATCH /v1/webhooks/{id}: change fields; absent keeps."""

from contacts.accounts.model import Scope
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.model import WebhookOut
from contacts.webhooks.schemas import WebhookChange
from contacts.webhooks.service import WebhookService

# Its endpoint receives contacts.
operation = Operation("update_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER, besides=[Scope.CONTACTS_READ])


@operation.on("PATCH /v1/webhooks/{id}", responds={200: (WebhookOut, "Changed.")}, refuses=(WebhookNotFound,))
def update_webhook(
    webhooks: WebhookService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    webhook: WebhookChange,
) -> Answer:
    """Change a webhook; switching it on again clears why it was off."""
    return answer(webhooks.change(request.caller, id, webhook.given(), request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
