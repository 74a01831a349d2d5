"""POST /v1/channels: make a way by which contacts arrive."""

from contacts.accounts.model import Scope
from contacts.channels.model import ChannelOut
from contacts.channels.schemas import NewChannel
from contacts.channels.service import ChannelService
from contacts.core.errors import TooManyChannels
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("create_channel", Scope.CONTACTS_WRITE)


@operation.on("POST /v1/channels", responds={201: (ChannelOut, "Made.")}, refuses=(TooManyChannels,))
def create_channel(channels: ChannelService, request: Request, new: NewChannel) -> Answer:
    """Make a channel; it is on unless it says otherwise."""
    return answer(
        channels.add(new.type, new.name, state=new.state, idempotency_key=request.idempotency_key())
    )


lambda_handler = runtime.entrypoint(operation)
