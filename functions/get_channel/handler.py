"""GET /v1/channels/{id}: one channel."""

from contacts.accounts.model import Scope
from contacts.channels.service import ChannelService
from contacts.runtime import runtime
from contacts.web import Answer, Operation

operation = Operation("get_channel", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels/{id}")
def get_channel(desk: ChannelService, id: str) -> Answer:  # noqa: A002 (the parameter's name in the path)
    """Read a channel of the caller's account."""
    return Answer(200, desk.channel(id))


lambda_handler = runtime.entrypoint(operation)
