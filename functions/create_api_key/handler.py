"""POST /v1/api-keys: make a key; it is shown once, in this answer."""

from contacts.accounts.model import MadeApiKeyOut, Scope
from contacts.accounts.schemas import NewApiKey
from contacts.accounts.service import ApiKeyService
from contacts.core.errors import TooManyApiKeys
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("create_api_key", Scope.KEYS_WRITE)


@operation.on(
    "POST /v1/api-keys",
    responds={201: (MadeApiKeyOut, "Made; the key is shown now and never again.")},
    refuses=(TooManyApiKeys,),
)
def create_api_key(ring: ApiKeyService, request: Request, key: NewApiKey) -> Answer:
    """Make a key with no more scopes than the one that makes it."""
    return answer(ring.add(request.caller, key.to_command(), request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
