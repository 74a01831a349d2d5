"""GET /v1/account: plan, limit, what is used of it this hour, and how many contacts there are."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import account_answer
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.counts import CountStore, how_many_contacts

operation = Operation("get_account", Scope.ACCOUNT_READ)


@operation.on("GET /v1/account")
def get_account(counts: CountStore, request: Request) -> Answer:
    """Describe the caller's account."""
    # Letting the caller in has read all of it but the count.
    return account_answer(request.admitted, how_many_contacts(counts))


lambda_handler = runtime.entrypoint(operation)
