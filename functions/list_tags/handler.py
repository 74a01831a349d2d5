"""GET /v1/tags: the account's tags, each with how many contacts carry it."""

from typing import TYPE_CHECKING

from contacts.accounts.model import Scope
from contacts.runtime import runtime
from contacts.search.counts import TagPageOut, count_page
from contacts.search.index import CountStore
from contacts.search.query import PostingKind
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, Offset, PageSize

if TYPE_CHECKING:
    from contacts.search.tags import TagDirectory

operation = Operation("list_tags", Scope.CONTACTS_READ)


@operation.on("GET /v1/tags", responds={200: (TagPageOut, "A page.")})
def list_tags(
    counts: CountStore, request: Request, limit: PageSize = DEFAULT_PAGE_SIZE, cursor: str | None = None
) -> Answer:
    """List the account's tags by name."""
    return count_page(counts, request.caller.account_id, PostingKind.TAG, cursor, limit)


@operation.on_dialect("GET /v1/tags/search")
def search_tags(tags: "TagDirectory", limit: PageSize, offset: Offset, q: str = "") -> Answer:
    """List the tags whose names contain a text, by page numbers."""
    return tags.page(q, offset, limit)


lambda_handler = runtime.entrypoint(operation)
