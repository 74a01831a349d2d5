"""GET /v1/contact-properties/{id}: one typed custom field."""

from contacts.accounts.model import Scope
from contacts.core.errors import PropertyNotFound
from contacts.properties.model import PropertyOut
from contacts.properties.service import PropertyService
from contacts.runtime import runtime
from contacts.web import Answer, Operation

operation = Operation("get_property", Scope.PROPERTIES_READ)


@operation.on(
    "GET /v1/contact-properties/{id}",
    responds={200: (PropertyOut, "As asked for.")},
    refuses=(PropertyNotFound,),
)
def get_property(properties: PropertyService, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a property of the caller's account, archived or not."""
    return Answer(200, properties.property(id))


lambda_handler = runtime.entrypoint(operation)
