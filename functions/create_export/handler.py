"""POST /v1/exports: write contacts to a file."""

from contacts.accounts.model import Scope
from contacts.core.errors import TooManyExports
from contacts.exports.model import ExportOut
from contacts.exports.schemas import NewExport
from contacts.exports.service import ExportService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

# Its file has contacts.
operation = Operation("create_export", Scope.EXPORTS_WRITE, besides=[Scope.CONTACTS_READ])


@operation.on(
    "POST /v1/exports",
    responds={202: (ExportOut, "It is being written: look at it from time to time.")},
    refuses=(TooManyExports,),
)
def create_export(exports: ExportService, request: Request, new: NewExport) -> Answer:
    """Write contacts to a CSV or NDJSON file, which can be imported again; `filter` takes what the list takes."""
    return answer(exports.add(request.caller, new.to_command(), request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
