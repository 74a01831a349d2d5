"""POST /v1/channels: make a way by which contacts arrive."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.channel_schemas import NewChannel
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.channels import channel_desk
from contacts.domain.accounts import Scope

operation = Operation("create_channel", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/channels")
def create_channel(request: Request, new: NewChannel) -> Answer:
    """Make a channel; it is on unless it says otherwise."""
    desk = channel_desk(request.caller)
    return answer(desk.add(new.type, new.name, state=new.state, receipt=request.receipt()))


lambda_handler = lambda_entry(operation)
