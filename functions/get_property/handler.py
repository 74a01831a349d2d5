"""GET /v1/contact-properties/{id}: one typed custom field."""

from contacts.api import Answer, Operation
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.property_desk import PropertyDesk

operation = Operation("get_property", Scope.PROPERTIES_READ)


@operation.on("GET /v1/contact-properties/{id}")
def get_property(desk: PropertyDesk, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a property of the caller's account, archived or not."""
    return Answer(200, desk.property(id))


lambda_handler = runtime.entrypoint(operation)
