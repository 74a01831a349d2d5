"""GET /v1/imports/{id}/errors: the rows that failed, as a file."""

from contacts.accounts.model import Scope
from contacts.core.errors import ImportNotFinished, ImportNotFound
from contacts.imports.model import ImportErrorsOut
from contacts.imports.service import ImportService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request

operation = Operation("get_import_errors", Scope.IMPORTS_READ)


@operation.on(
    "GET /v1/imports/{id}/errors",
    responds={200: (ImportErrorsOut, "Where the file is.")},
    refuses=(ImportNotFound, ImportNotFinished),
)
def get_import_errors(
    imports: ImportService,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Get the rows that failed, as they came, each with line, field and reason. Mended, the file can be imported."""
    return Answer(200, imports.errors(request.caller, id))


lambda_handler = runtime.entrypoint(operation)
