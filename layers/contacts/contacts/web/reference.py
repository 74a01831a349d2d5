"""The reference: the OpenAPI document, and the page that shows it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from contacts.core.errors import RouteNotFound
from contacts.web.files import CSS, HTML, JS, ServedFile
from contacts.web.request import Request
from contacts.web.response import Answer

_SWAGGER_UI: Final = "aws_lambda_powertools.event_handler.openapi.swagger_ui"


def swagger_ui(name: str) -> Path:
    """A file of Swagger UI, which Powertools ships. (It is found without importing any of it.)"""
    package = find_spec("aws_lambda_powertools")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent.joinpath(*_SWAGGER_UI.split(".")[1:], name)


_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    # Swagger UI writes style attributes; its images stand in its style sheet.
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Reference:
    """What `show_docs` serves, read when the function starts."""

    def __init__(self, handler: str) -> None:
        """`handler`: the file of the handler; beside it lie the document, the page and its script."""
        folder = Path(handler).resolve().parent
        self._document = ServedFile.read(folder / "openapi.json", "application/json")
        self._page = ServedFile.read(folder / "page.html", HTML)
        self._files = {
            "start.js": ServedFile.read(folder / "start.js", JS),
            "swagger-ui.css": ServedFile.read(swagger_ui("swagger-ui.min.css"), CSS),
            "swagger-ui.js": ServedFile.read(swagger_ui("swagger-ui-bundle.min.js"), JS),
        }

    def document(self, request: Request) -> Answer:
        """The OpenAPI document; pages of other hosts may read it, too."""
        return self._document.answer(request, Access_Control_Allow_Origin="*")

    def page(self, request: Request) -> Answer:
        """The page."""
        return self._page.answer(request, Content_Security_Policy=_POLICY)

    def file(self, request: Request, name: str) -> Answer:
        """A style sheet or a script of the page.

        Raises:
            RouteNotFound: it has no such file.
        """
        if name not in self._files:
            raise RouteNotFound("Nothing is served at this path.")
        return self._files[name].answer(request)
