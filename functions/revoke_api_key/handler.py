"""DELETE /v1/api-keys/{id}: a key stops working, within 60 seconds everywhere."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.accounts import key_ring
from contacts.domain.accounts import Scope

operation = Operation("revoke_api_key", Scope.KEYS_WRITE)


@operation.on("DELETE /v1/api-keys/{id}")
def revoke_api_key(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Revoke a key of the caller's account, with all keys that it made, and that these made.

    The key that asks stays, with what it made, unless it names itself: so a key is replaced by one that it has made.
    """
    return answer(key_ring(request.caller).revoke(request.caller, id, request.receipt()))


lambda_handler = lambda_entry(operation)
