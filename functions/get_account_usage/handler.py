"""GET /v1/account/usage: what an account has used of its limits, hour by hour, for 31 days."""

from contacts.accounts.model import AccountUsageOut, Scope
from contacts.accounts.usage import UsageHistory
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.routing import Moment

operation = Operation("get_account_usage", Scope.ACCOUNT_READ)


@operation.on("GET /v1/account/usage", responds={200: (AccountUsageOut, "As asked for.")})
def get_account_usage(
    history: UsageHistory, request: Request, from_: Moment | None = None, to: Moment | None = None
) -> Answer:
    """List the hours with requests, the oldest first; hours without any are left out."""
    return Answer(200, history.shown(request.caller.account, from_, to))


lambda_handler = runtime.entrypoint(operation)
