"""DELETE /v1/contact-properties/{id}: archive a property."""

from contacts.api import Answer, Operation, Request, answer
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.properties import property_desk
from contacts.domain.accounts import Scope

operation = Operation("delete_property", Scope.PROPERTIES_WRITE)


@operation.on("DELETE /v1/contact-properties/{id}")
def delete_property(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Archive a property of the caller's account: its values stay and are no longer checked."""
    return answer(property_desk(request.caller).archive(id, request.receipt()))


lambda_handler = lambda_entry(operation)
