"""DELETE /v1/api-keys/{id}: a key stops working, within 60 seconds everywhere."""

from contacts.accounts.model import RevokedApiKeyOut, Scope
from contacts.accounts.service import ApiKeyService
from contacts.core.errors import ApiKeyNotFound, LastFullKey
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("revoke_api_key", Scope.KEYS_WRITE)


@operation.on(
    "DELETE /v1/api-keys/{id}",
    responds={200: (RevokedApiKeyOut, "Revoked: within 60 seconds it opens nothing.")},
    refuses=(ApiKeyNotFound, LastFullKey),
)
def revoke_api_key(
    ring: ApiKeyService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Revoke a key of the caller's account, with all keys that it made, and that these made.

    The key that asks stays, with what it made, unless it names itself: so a key is replaced by one that it has made.
    """
    return answer(ring.revoke(request.caller, id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
