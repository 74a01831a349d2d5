"""POST /v1/imports/{id}/cancel: an import ends before its end."""

from contacts.accounts.model import Scope
from contacts.core.errors import ImportEnded, ImportNotFound
from contacts.imports.control import ImportControl
from contacts.imports.model import ImportOut
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("cancel_import", Scope.IMPORTS_WRITE, besides=[Scope.CONTACTS_WRITE])


@operation.on(
    "POST /v1/imports/{id}/cancel",
    responds={202: (ImportOut, "Cancelled; nothing more of it is carried out in a moment.")},
    refuses=(ImportNotFound, ImportEnded),
)
def cancel_import(
    imports: ImportControl,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """End an import before its end. What is written stays written; undo takes it back."""
    return answer(imports.cancel(id, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
