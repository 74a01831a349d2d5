"""DELETE /v1/webhooks/{id}: an endpoint is told of nothing more."""

from contacts.accounts.model import Scope
from contacts.core.answers import DeletedOut
from contacts.core.errors import WebhookNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer
from contacts.webhooks.service import WebhookService

operation = Operation("delete_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on(
    "DELETE /v1/webhooks/{id}", responds={200: (DeletedOut, "Deleted.")}, refuses=(WebhookNotFound,)
)
def delete_webhook(
    webhooks: WebhookService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Delete a webhook of the caller's account; what was on its way to it is dropped."""
    return answer(webhooks.remove(request.caller, id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
