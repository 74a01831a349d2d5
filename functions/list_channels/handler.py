"""GET /v1/channels: the account's channels, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.cursors import fingerprint
from contacts.api.short_lists import ShortPaging, short_page
from contacts.domain.accounts import Scope
from contacts.runtime import runtime
from contacts.services.channel_desk import ChannelDesk

operation = Operation("list_channels", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels")
def list_channels(desk: ChannelDesk, request: Request, paging: ShortPaging) -> Answer:
    """List the account's channels, the oldest first."""
    query = fingerprint(request.caller.account_id, "channels")
    return short_page(desk.channels(), paging, query)


lambda_handler = runtime.entrypoint(operation)
