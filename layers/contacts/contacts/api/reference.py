"""The API's reference: the OpenAPI document, and the page that shows it (Swagger UI, as Powertools ships it).

Nothing is loaded from anywhere else, and the page may not: `Content-Security-Policy` says so to the browser.
"""

from pathlib import Path
from typing import Final

from contacts.api.answers import Answer
from contacts.api.files import ServedFile, swagger_ui
from contacts.api.request import Request
from contacts.domain.errors import RouteNotFound

_CSS, _JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
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
        self._page = ServedFile.read(folder / "page.html", "text/html; charset=utf-8")
        self._files = {
            "start.js": ServedFile.read(folder / "start.js", _JS),
            "swagger-ui.css": ServedFile.read(swagger_ui("swagger-ui.min.css"), _CSS),
            "swagger-ui.js": ServedFile.read(swagger_ui("swagger-ui-bundle.min.js"), _JS),
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
