"""GET /v1/imports/{id}: how far an import is."""

from contacts.accounts.model import Scope
from contacts.core.errors import ImportNotFound
from contacts.imports.model import ImportOut
from contacts.imports.service import ImportService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request

operation = Operation("get_import", Scope.IMPORTS_READ)


@operation.on("GET /v1/imports/{id}", responds={200: (ImportOut, "The import.")}, refuses=(ImportNotFound,))
def get_import(
    imports: ImportService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Read an import: its state, what came of its rows, and how far it is."""
    return Answer(200, imports.one(request.caller, id))


lambda_handler = runtime.entrypoint(operation)
