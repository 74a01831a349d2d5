"""GET /v1/tags: the account's tags, each with how many contacts carry it."""

from contacts.api import Answer, Operation, Request
from contacts.api.counts import count_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.bootstrap import lambda_entry
from contacts.bootstrap.counts import count_store
from contacts.domain.accounts import Scope
from contacts.domain.postings import PostingKind

operation = Operation("list_tags", Scope.CONTACTS_READ)


@operation.on("GET /v1/tags")
def list_tags(request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None) -> Answer:
    """List the account's tags by name."""
    store, account_id = count_store(request.caller), request.caller.account_id
    return count_page(store, account_id, PostingKind.TAG, cursor, limit)


lambda_handler = lambda_entry(operation)
