"""POST /v1/imports/{id}/undo: an import is taken back."""

from contacts.accounts.model import Scope
from contacts.core.errors import ImportNotFound, ImportNotUndoable
from contacts.imports.control import ImportControl
from contacts.imports.model import ImportOut
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("undo_import", Scope.IMPORTS_WRITE, besides=[Scope.CONTACTS_WRITE])


@operation.on(
    "POST /v1/imports/{id}/undo",
    responds={202: (ImportOut, "It is taken back, the last rows first.")},
    refuses=(ImportNotFound, ImportNotUndoable),
)
def undo_import(
    imports: ImportControl,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Take an import back. What was changed by others since stays as it is; nobody is subscribed by it."""
    return answer(imports.undo(id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
