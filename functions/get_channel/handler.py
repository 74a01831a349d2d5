"""GET /v1/channels/{id}: one channel."""

from contacts.api import Answer, Operation, Request
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.channels import channel_desk
from contacts.domain.accounts import Scope

operation = Operation("get_channel", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels/{id}")
def get_channel(request: Request, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a channel of the caller's account."""
    return Answer(200, channel_desk(request.caller).channel(id))


lambda_handler = lambda_entry(operation)
