"""POST /v1/webhooks/{id}/rotate-secret: a new secret; the one before signs for 24 hours more."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.webhooks import webhook_desk
from contacts.domain.accounts import Scope

operation = Operation("rotate_webhook_secret", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on("POST /v1/webhooks/{id}/rotate-secret")
def rotate_webhook_secret(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Give a webhook of the caller's account a new secret, shown once, in this answer."""
    return answer(webhook_desk(request.caller).rotate(request.caller, id, request.receipt()))


lambda_handler = lambda_entry(operation)
