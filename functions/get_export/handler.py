"""GET /v1/exports/{id}: how far an export is, and where its file is."""

from contacts.accounts.model import Scope
from contacts.core.errors import ExportNotFound
from contacts.exports.model import ExportOut
from contacts.exports.service import ExportDirectory
from contacts.runtime import runtime
from contacts.web import Answer, Operation

# Its URL leads to contacts.
operation = Operation("get_export", Scope.EXPORTS_READ, besides=[Scope.CONTACTS_READ])


@operation.on("GET /v1/exports/{id}", responds={200: (ExportOut, "As asked for.")}, refuses=(ExportNotFound,))
def get_export(
    exports: ExportDirectory,
    id: str,  # noqa: A002 (the parameter's name in the path)
) -> Answer:
    """Read how far an export is. Once its file is ready, `url` leads to it for five minutes."""
    return Answer(200, exports.export(id))


lambda_handler = runtime.entrypoint(operation)
