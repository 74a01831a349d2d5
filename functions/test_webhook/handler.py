"""POST /v1/webhooks/{id}/test: send an endpoint a `webhook.test`."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.delivery_log import delivery_desk
from contacts.domain.accounts import Scope

operation = Operation("test_webhook", Scope.WEBHOOKS_WRITE, Scope.API_USER)


@operation.on("POST /v1/webhooks/{id}/test")
def test_webhook(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Try an endpoint out, active or not: one attempt, signed like any other."""
    return answer(delivery_desk(request.caller).test(request.caller, id, request.receipt()))


lambda_handler = lambda_entry(operation)
