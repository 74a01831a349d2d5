"""POST /v1/contact-properties: give a custom field a type."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.property_schemas import NewProperty
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.property_desk import PropertyDesk

operation = Operation("create_property", Scope.PROPERTIES_WRITE, Scope.USER)


@operation.on("POST /v1/contact-properties")
def create_property(desk: PropertyDesk, request: Request, new: NewProperty) -> Answer:
    """Define a property; from now on the values of contacts are checked by it."""
    return answer(desk.add(new.wish(), request.receipt()))


lambda_handler = runtime.entrypoint(operation)
