"""GET /v1/channels/{id}: one channel."""

from contacts.accounts.model import Scope
from contacts.channels.model import ChannelOut
from contacts.channels.service import ChannelService
from contacts.core.errors import ChannelNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation

operation = Operation("get_channel", Scope.CONTACTS_READ)


@operation.on(
    "GET /v1/channels/{id}", responds={200: (ChannelOut, "As asked for.")}, refuses=(ChannelNotFound,)
)
def get_channel(channels: ChannelService, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a channel of the caller's account."""
    return Answer(200, channels.channel(id))


lambda_handler = runtime.entrypoint(operation)
