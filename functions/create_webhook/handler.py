"""POST /v1/webhooks: register an endpoint; its secret is shown once, in this answer."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.webhook_schemas import NewWebhook
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.webhooks import webhook_desk
from contacts.domain.accounts import Scope

# Its endpoint receives contacts.
operation = Operation("create_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER, besides=[Scope.CONTACTS_READ])


@operation.on("POST /v1/webhooks")
def create_webhook(request: Request, webhook: NewWebhook) -> Answer:
    """Register an endpoint that is told of events from now on."""
    return answer(webhook_desk(request.caller).add(request.caller, webhook.wish(), request.receipt()))


lambda_handler = lambda_entry(operation)
