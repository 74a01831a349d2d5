"""GET /v1/api-keys: the account's keys, without the keys themselves."""

from contacts.api import Answer, Operation, Request
from contacts.api.answers import page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.accounts import key_ring
from contacts.domain.accounts import Scope

operation = Operation("list_api_keys", Scope.KEYS_WRITE)


@operation.on("GET /v1/api-keys")
def list_api_keys(request: Request) -> Answer:
    """List the account's keys, oldest first."""
    return page(key_ring(request.caller).keys(request.caller))


lambda_handler = lambda_entry(operation)
