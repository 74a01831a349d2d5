"""PUT /v1/channels/{id}: rename a channel, or switch it on or off."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.channel_schemas import ChannelChange
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.channel_desk import ChannelDesk

operation = Operation("update_channel", Scope.CONTACTS_WRITE)


@operation.on("PUT /v1/channels/{id}")
def update_channel(
    desk: ChannelDesk,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    change: ChannelChange,
) -> Answer:
    """Change a channel; its type never does."""
    return answer(desk.change(id, change.accepted, change.errors, request.receipt()))


lambda_handler = runtime.entrypoint(operation)
