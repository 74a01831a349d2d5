"""GET /v1/api-keys: the account's keys, without the keys themselves."""

from contacts.accounts.model import ApiKeyPageOut, Scope
from contacts.accounts.service import ApiKeyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.response import page

operation = Operation("list_api_keys", Scope.KEYS_WRITE)


@operation.on("GET /v1/api-keys", responds={200: (ApiKeyPageOut, "A page.")})
def list_api_keys(ring: ApiKeyService, request: Request) -> Answer:
    """List the account's keys, oldest first."""
    return page(ring.keys(request.caller))


lambda_handler = runtime.entrypoint(operation)
