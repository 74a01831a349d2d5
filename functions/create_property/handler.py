"""POST /v1/contact-properties: give a custom field a type."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.property_schemas import NewProperty
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.properties import property_desk
from contacts.domain.accounts import Scope

operation = Operation("create_property", Scope.PROPERTIES_WRITE, Scope.USER)


@operation.on("POST /v1/contact-properties")
def create_property(request: Request, new: NewProperty) -> Answer:
    """Define a property; from now on the values of contacts are checked by it."""
    return answer(property_desk(request.caller).add(new.wish(), request.receipt()))


lambda_handler = lambda_entry(operation)
