"""GET /console: the page on which people work with contacts. No key is needed: the page asks for one."""

from contacts.core.errors import RouteNotFound
from contacts.web import Answer, Operation, Request
from contacts.web.console import Console
from contacts.web.files import OpenEntrypoint

operation = Operation("show_console")
console = Console(__file__)
_UNCHANGED = (None, "It is still as the ETag in `If-None-Match` says.")


@operation.on("GET /console", responds={200: ("text/html", "The page."), 304: _UNCHANGED})
def console_page(request: Request) -> Answer:
    """Show a page on which people look, find, mend and watch; all that it does goes through this API."""
    return console.page(request)


@operation.on(
    "GET /console/{file}", responds={200: ("text/*", "The file."), 304: _UNCHANGED}, refuses=(RouteNotFound,)
)
def console_file(request: Request, file: str) -> Answer:
    """Load a style sheet or a module of that page, whose name has a hash of its content."""
    return console.file(request, file)


lambda_handler = OpenEntrypoint(operation)
