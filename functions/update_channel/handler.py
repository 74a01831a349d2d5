"""PUT /v1/channels/{id}: rename a channel, or switch it on or off."""

from contacts.api import Answer, Operation, Request, answer
from contacts.api.channel_schemas import ChannelChange
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.channels import channel_desk
from contacts.domain.accounts import Scope

operation = Operation("update_channel", Scope.CONTACTS_WRITE)


@operation.on("PUT /v1/channels/{id}")
def update_channel(
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    change: ChannelChange,
) -> Answer:
    """Change a channel; its type never does."""
    desk = channel_desk(request.caller)
    return answer(desk.change(id, change.accepted, change.errors, request.receipt()))


lambda_handler = lambda_entry(operation)
