"""GET /v1/account: plan, limit, and what is used of it this hour."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import account_answer
from contacts.bootstrap import lambda_entry
from contacts.domain.accounts import Scope

operation = Operation("get_account", Scope.ACCOUNT_READ)


@operation.on("GET /v1/account")
def get_account(request: Request) -> Answer:
    """Describe the caller's account; letting the caller in has read all of it already."""
    return account_answer(request.admitted)


lambda_handler = lambda_entry(operation)
