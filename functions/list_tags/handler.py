"""GET /v1/tags: the account's tags, each with how many contacts carry it."""

from contacts.accounts.model import Scope
from contacts.runtime import runtime
from contacts.search.counts import TagPageOut, count_page
from contacts.search.index import CountStore
from contacts.search.query import PostingKind
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize

operation = Operation("list_tags", Scope.CONTACTS_READ)


@operation.on("GET /v1/tags", responds={200: (TagPageOut, "A page.")})
def list_tags(
    counts: CountStore, request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None
) -> Answer:
    """List the account's tags by name."""
    return count_page(counts, request.caller.account_id, PostingKind.TAG, cursor, limit)


lambda_handler = runtime.entrypoint(operation)
