"""POST /v1/imports: a file of contacts is to come."""

from contacts.accounts.model import Scope
from contacts.core.errors import TooManyImports
from contacts.imports.model import ImportFile, ImportOut
from contacts.imports.schemas import NewImport
from contacts.imports.service import ImportService
from contacts.runtime import runtime
from contacts.web import Answer, Operation, Request, answer

operation = Operation("create_import", Scope.IMPORTS_WRITE, besides=[Scope.CONTACTS_WRITE])


@operation.on(
    "POST /v1/imports",
    responds={201: (ImportOut, "Made; it goes on by itself when the file is where `upload` says.")},
    refuses=(TooManyImports,),
)
def create_import(imports: ImportService, request: Request, new: NewImport) -> Answer:
    """Make an import of a file: CSV, TSV, NDJSON, JSON or XLSX, up to 5 GB, also gzipped."""
    file = ImportFile(name=new.file_name, size=new.size)
    return answer(imports.add(request.caller, file, new.options(), new.mapping, request.idempotency_key()))


lambda_handler = runtime.entrypoint(operation)
