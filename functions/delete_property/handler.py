"""DELETE /v1/contact-properties/{id}: archive a property."""

from contacts.accounts.model import Scope
from contacts.core.errors import PropertyNotFound
from contacts.properties.model import ArchivedPropertyOut
from contacts.properties.service import PropertyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("delete_property", Scope.PROPERTIES_WRITE)


@operation.on(
    "DELETE /v1/contact-properties/{id}",
    responds={200: (ArchivedPropertyOut, "Archived.")},
    refuses=(PropertyNotFound,),
)
def delete_property(
    properties: PropertyService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Archive a property of the caller's account: its values stay and are no longer checked."""
    return answer(properties.archive(id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
