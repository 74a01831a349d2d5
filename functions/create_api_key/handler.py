"""POST /v1/api-keys: make a key; it is shown once, in this answer."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.account_schemas import NewApiKey
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.key_ring import KeyRing

operation = Operation("create_api_key", Scope.KEYS_WRITE)


@operation.on("POST /v1/api-keys")
def create_api_key(ring: KeyRing, request: Request, key: NewApiKey) -> Answer:
    """Make a key with no more scopes than the one that makes it."""
    return answer(ring.add(request.caller, key.wish(), request.receipt()))


lambda_handler = runtime.entrypoint(operation)
