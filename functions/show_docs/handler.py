"""GET /openapi.json and /docs: what the API offers, for programs and for people. No key is needed."""

from contacts.core.errors import RouteNotFound
from contacts.web import Answer, Operation, Request
from contacts.web.files import OpenEntrypoint
from contacts.web.reference import Reference

operation = Operation("show_docs")
reference = Reference(__file__)
_UNCHANGED = (None, "It is still as the ETag in `If-None-Match` says.")


@operation.on("GET /openapi.json", responds={200: (dict, "The document."), 304: _UNCHANGED})
def openapi_document(request: Request) -> Answer:
    """Read this document: every operation, what it takes and what it answers, as OpenAPI 3.1."""
    return reference.document(request)


@operation.on("GET /docs", responds={200: ("text/html", "The page."), 304: _UNCHANGED})
def docs_page(request: Request) -> Answer:
    """Show this document as a page on which the operations can be tried out."""
    return reference.page(request)


@operation.on(
    "GET /docs/{file}", responds={200: ("text/*", "The file."), 304: _UNCHANGED}, refuses=(RouteNotFound,)
)
def docs_file(request: Request, file: str) -> Answer:
    """Load a style sheet or a script of that page."""
    return reference.file(request, file)


lambda_handler = OpenEntrypoint(operation)
