"""GET /v1/account: plan, limit, what is used of it this hour, and how many contacts there are."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import account_answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.counts import count_store
from contacts.domain.accounts import Scope
from contacts.services.counts import how_many_contacts

operation = Operation("get_account", Scope.ACCOUNT_READ)


@operation.on("GET /v1/account")
def get_account(request: Request) -> Answer:
    """Describe the caller's account."""
    # Letting the caller in has read all of it but the count.
    return account_answer(request.admitted, how_many_contacts(count_store(request.caller)))


lambda_handler = lambda_entry(operation)
