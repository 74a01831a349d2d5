"""GET /v1/webhooks/{id}: one webhook, without its secret."""

from contacts.api import Answer, Operation, Request
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.webhooks import webhook_desk
from contacts.domain.accounts import Scope

operation = Operation("get_webhook", Scope.WEBHOOKS_READ, Scope.API_USER)


@operation.on("GET /v1/webhooks/{id}")
def get_webhook(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a webhook of the caller's account."""
    return Answer(200, webhook_desk(request.caller).webhook(request.caller, id))


lambda_handler = lambda_entry(operation)
