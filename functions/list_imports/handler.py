"""GET /v1/imports: the imports of the last 38 days."""

from contacts.accounts.model import Scope
from contacts.imports.model import ImportPageOut
from contacts.imports.service import ImportList
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request
from contacts.web.pagination import DEFAULT_PAGE_SIZE, PageSize, fingerprint, from_cursor, shown_page

operation = Operation("list_imports", Scope.IMPORTS_READ)


@operation.on("GET /v1/imports", responds={200: (ImportPageOut, "A page.")})
def list_imports(
    imports: ImportList,
    request: Request,
    limit: PageSize = DEFAULT_PAGE_SIZE,
    cursor: str | None = None,
) -> Answer:
    """List the account's imports of the last 38 days, the newest first."""
    query = fingerprint(request.caller.account_id, "imports")
    after_id = None if cursor is None else from_cursor(query, cursor)
    return shown_page(*imports.page(after_id, limit), query)


lambda_handler = runtime.entrypoint(operation)
