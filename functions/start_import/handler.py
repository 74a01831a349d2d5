"""POST /v1/imports/{id}/start: an import that is ready is carried out."""

from contacts.accounts.model import Scope
from contacts.core.errors import ImportNotFound, ImportNotReady
from contacts.imports.control import ImportControl
from contacts.imports.model import ImportOut
from contacts.imports.schemas import ImportStart
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("start_import", Scope.IMPORTS_WRITE, besides=[Scope.CONTACTS_WRITE])


@operation.on(
    "POST /v1/imports/{id}/start",
    responds={202: (ImportOut, "Its rows are carried out.")},
    refuses=(ImportNotFound, ImportNotReady),
)
def start_import(
    imports: ImportControl,
    request: Request,
    id: str,  # noqa: A002 (the parameter's name in the path)
    start: ImportStart,
) -> Answer:
    """Carry out an import that is ready: a dry run that is over, or a file whose columns could not be mapped."""
    return answer(imports.start(id, start.mapping, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
