"""POST /v1/contact-properties: give a custom field a type."""

from contacts.accounts.model import Scope
from contacts.core.errors import DuplicateProperty, TooManyProperties
from contacts.properties.model import PropertyOut
from contacts.properties.schemas import NewProperty
from contacts.properties.service import PropertyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("create_property", Scope.PROPERTIES_WRITE, Scope.USER)


@operation.on(
    "POST /v1/contact-properties",
    responds={201: (PropertyOut, "Defined.")},
    refuses=(DuplicateProperty, TooManyProperties),
)
def create_property(properties: PropertyService, request: Request, new: NewProperty) -> Answer:
    """Define a property; from now on the values of contacts are checked by it."""
    return answer(properties.add(new.to_command(), request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
