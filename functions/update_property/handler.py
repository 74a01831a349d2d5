"""PUT /v1/contact-properties/{id}: change what is shown of a property, its options, or bring it back."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.property_schemas import PropertyChange
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.properties import property_desk
from contacts.domain.accounts import Scope

operation = Operation("update_property", Scope.PROPERTIES_WRITE, Scope.USER)


@operation.on("PUT /v1/contact-properties/{id}")
def update_property(
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    change: PropertyChange,
) -> Answer:
    """Change a property; name and type never do. Values that contacts have are not touched."""
    desk = property_desk(request.caller)
    return answer(desk.change(id, change.accepted, change.errors, request.receipt()))


lambda_handler = lambda_entry(operation)
