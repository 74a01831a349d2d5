"""GET /v1/webhooks: the account's webhooks, without their secrets."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.webhooks import webhook_desk
from contacts.domain.accounts import Scope

operation = Operation("list_webhooks", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on("GET /v1/webhooks")
def list_webhooks(request: Request) -> Answer:
    """List the account's webhooks, oldest first."""
    return page(webhook_desk(request.caller).webhooks(request.caller))


lambda_handler = lambda_entry(operation)
