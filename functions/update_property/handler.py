"""PUT /v1/contact-properties/{id}: change what is shown of a property, its options, or bring it back."""

from contacts.accounts.model import Scope
from contacts.core.errors import PropertyNotFound
from contacts.properties.model import PropertyOut
from contacts.properties.schemas import PropertyChange
from contacts.properties.service import PropertyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("update_property", Scope.PROPERTIES_WRITE, Scope.USER)


@operation.on(
    "PUT /v1/contact-properties/{id}", responds={200: (PropertyOut, "Changed.")}, refuses=(PropertyNotFound,)
)
def update_property(
    properties: PropertyService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    change: PropertyChange,
) -> Answer:
    """Change a property; name and type never do. Values that contacts have are not touched."""
    return answer(properties.change(id, change.accepted, change.errors, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
