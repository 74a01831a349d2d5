"""GET /v1/exports: the account's exports, a page at a time."""

from contacts.accounts.model import Scope
from contacts.exports.model import ExportPageOut
from contacts.exports.service import ExportDirectory
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize, fingerprint, from_cursor, shown_page

operation = Operation("list_exports", Scope.EXPORTS_READ)


@operation.on("GET /v1/exports", responds={200: (ExportPageOut, "A page.")})
def list_exports(
    exports: ExportDirectory,
    request: Request,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
) -> Answer:
    """List the exports of the last 30 days, the newest first, without the URLs of their files."""
    query = fingerprint(request.caller.account_id, "exports")
    found, next_after = exports.page(None if cursor is None else from_cursor(query, cursor), limit)
    return shown_page(found, next_after, query)


lambda_handler = runtime.entrypoint(operation)
