"""DELETE /v1/webhooks/{id}: an endpoint is told of nothing more."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.webhooks import webhook_desk
from contacts.domain.accounts import Scope

operation = Operation("delete_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on("DELETE /v1/webhooks/{id}")
def delete_webhook(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Delete a webhook of the caller's account; what was on its way to it is dropped."""
    return answer(webhook_desk(request.caller).remove(request.caller, id, request.receipt()))


lambda_handler = lambda_entry(operation)
