"""GET /v1/channels: the account's channels, a page at a time."""

from contacts.api import Answer, Operation, Request
from contacts.api.cursors import fingerprint
from contacts.api.short_lists import ShortPaging, short_page
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.channels import channel_desk
from contacts.domain.accounts import Scope

operation = Operation("list_channels", Scope.CONTACTS_READ)


@operation.on("GET /v1/channels")
def list_channels(request: Request, paging: ShortPaging) -> Answer:
    """List the account's channels, the oldest first."""
    query = fingerprint(request.caller.account_id, "channels")
    return short_page(channel_desk(request.caller).channels(), paging, query)


lambda_handler = lambda_entry(operation)
