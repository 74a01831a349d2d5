"""GET /v1/lists: the account's lists, each with how many contacts are on it."""

from contacts.api import Answer, Operation, Request
from contacts.api.counts import count_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.counts import count_store
from contacts.domain.accounts import Scope
from contacts.domain.postings import PostingKind

operation = Operation("list_lists", Scope.CONTACTS_READ)


@operation.on("GET /v1/lists")
def list_lists(request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None) -> Answer:
    """List the account's lists by name."""
    store, account_id = count_store(request.caller), request.caller.account_id
    return count_page(store, account_id, PostingKind.LIST, cursor, limit)


lambda_handler = lambda_entry(operation)
