"""POST /v1/channels: make a way by which contacts arrive."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.channel_schemas import NewChannel
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.channel_desk import ChannelDesk

operation = Operation("create_channel", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/channels")
def create_channel(desk: ChannelDesk, request: Request, new: NewChannel) -> Answer:
    """Make a channel; it is on unless it says otherwise."""
    return answer(desk.add(new.type, new.name, state=new.state, receipt=request.receipt()))


lambda_handler = runtime.entrypoint(operation)
