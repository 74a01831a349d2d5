"""GET /v1/channels/{id}: one channel."""

from contacts.api import Answer, Operation
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.channel_desk import ChannelDesk

operation = Operation("get_channel", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels/{id}")
def get_channel(desk: ChannelDesk, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a channel of the caller's account."""
    return Answer(200, desk.channel(id))


lambda_handler = runtime.entrypoint(operation)
