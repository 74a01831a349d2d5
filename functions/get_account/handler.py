"""GET /v1/account: plan, limit, what is used of it this hour, how many contacts there are, and what the key may do."""

from contacts.accounts.model import AccountOut, Scope
from contacts.runtime import runtime
from contacts.search.counts import how_many_contacts
from contacts.search.index import CountStore
from contacts.web import Answer, Operation, Request
from contacts.web.response import account_answer

operation = Operation("get_account", Scope.ACCOUNT_READ)


@operation.on("GET /v1/account", responds={200: (AccountOut, "As asked for.")})
def get_account(counts: CountStore, request: Request) -> Answer:
    """Describe the caller's account, and the key that asks."""
    # Letting the caller in has read all of it but the count.
    return account_answer(request.authenticated, how_many_contacts(counts))


lambda_handler = runtime.entrypoint(operation)
