"""GET /v1/lists: the account's lists, each with how many contacts are on it."""

from contacts.accounts.model import Scope
from contacts.runtime import runtime
from contacts.search.counts import ListPageOut, count_page
from contacts.search.index import CountStore
from contacts.search.query import PostingKind
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize

operation = Operation("list_lists", Scope.CONTACTS_READ)


@operation.on("GET /v1/lists", responds={200: (ListPageOut, "A page.")})
def list_lists(
    counts: CountStore, request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None
) -> Answer:
    """List the account's lists by name."""
    return count_page(counts, request.caller.account_id, PostingKind.LIST, cursor, limit)


lambda_handler = runtime.entrypoint(operation)
