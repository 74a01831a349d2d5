"""POST /v1/webhooks/{id}/rotate-secret: a new secret; the one before signs for 24 hours more."""

from contacts.accounts.model import Scope
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.model import WebhookWithSecretOut
from contacts.webhooks.service import WebhookService

operation = Operation("rotate_webhook_secret", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on(
    "POST /v1/webhooks/{id}/rotate-secret",
    responds={200: (WebhookWithSecretOut, "The new secret is shown now and never again.")},
    refuses=(WebhookNotFound,),
)
def rotate_webhook_secret(
    webhooks: WebhookService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Give a webhook of the caller's account a new secret, shown once, in this answer."""
    return answer(webhooks.rotate(request.caller, id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
