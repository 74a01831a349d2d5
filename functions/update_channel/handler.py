"""PUT /v1/channels/{id}: rename a channel, or switch it on or off."""

from contacts.accounts.model import Scope
from contacts.channels.model import ChannelOut
from contacts.channels.schemas import ChannelChange
from contacts.channels.service import ChannelService
from contacts.core.errors import ChannelNotFound
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("update_channel", Scope.CONTACTS_WRITE)


@operation.on("PUT /v1/channels/{id}", responds={200: (ChannelOut, "Changed.")}, refuses=(ChannelNotFound,))
def update_channel(
    channels: ChannelService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    change: ChannelChange,
) -> Answer:
    """Change a channel; its type never does."""
    return answer(channels.change(id, change.accepted, change.errors, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
