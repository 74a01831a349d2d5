"""GET /v1/lists: the account's lists, each with how many contacts are on it."""

from contacts.api import Answer, Operation, Request
from contacts.api.counts import count_page
from contacts.api.listing import DEFAULT_PAGE_SIZE, PageSize
from contacts.domain.accounts import Scope
from contacts.domain.postings import PostingKind
from contacts.runtime import runtime
from contacts.services.counts import CountStore

operation = Operation("list_lists", Scope.CONTACTS_READ)


@operation.on("GET /v1/lists")
def list_lists(
    counts: CountStore, request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None
) -> Answer:
    """List the account's lists by name."""
    return count_page(counts, request.caller.account_id, PostingKind.LIST, cursor, limit)


lambda_handler = runtime.entrypoint(operation)
