"""GET /v1/channels: the account's channels, a page at a time."""

from contacts.accounts.model import Scope
from contacts.channels.model import ChannelPageOut
from contacts.channels.service import ChannelService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import ShortPaging, fingerprint, short_page

operation = Operation("list_channels", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels", responds={200: (ChannelPageOut, "A page.")})
def list_channels(channels: ChannelService, request: Request, paging: ShortPaging) -> Answer:
    """List the account's channels, the oldest first."""
    query = fingerprint(request.caller.account_id, "channels")
    return short_page(channels.channels(), paging, query)


lambda_handler = runtime.entrypoint(operation)
