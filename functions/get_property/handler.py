"""GET /v1/contact-properties/{id}: one typed custom field."""

from contacts.api import Answer, Operation, Request
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.properties import property_desk
from contacts.domain.accounts import Scope

operation = Operation("get_property", Scope.PROPERTIES_READ)


@operation.on("GET /v1/contact-properties/{id}")
def get_property(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a property of the caller's account, archived or not."""
    return Answer(200, property_desk(request.caller).property(id))


lambda_handler = lambda_entry(operation)
