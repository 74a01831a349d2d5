"""Files for everybody, without a key: the OpenAPI document and the page that shows it.

Files are kept compressed and sent so to clients that accept gzip, because the gateway compresses nothing.
"""

import gzip
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

from contacts.core.errors import RouteNotFound
from contacts.web.entrypoint import ApiEntrypoint
from contacts.web.request import Request
from contacts.web.response import Answer, common_headers, takes_gzip

CACHED_S: Final = 300
"""How long a browser shows a file without asking whether it has changed; then an ETag spares sending it again."""
_SWAGGER_UI: Final = "aws_lambda_powertools.event_handler.openapi.swagger_ui"
_SAFE: Final = {"Referrer-Policy": "no-referrer"}


@dataclass(slots=True)
class FileAnswer(Answer):
    """A file, or 304 without it."""

    content: bytes = b""


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file, compressed with gzip."""

    content_type: str
    compressed: bytes
    tag: str
    """The first 16 hex digits of the content's SHA-256, for ETags."""

    @classmethod
    def read(cls, path: Path, content_type: str) -> Self:
        """Read a file of the disk, or the compressed file that the layer's build puts in its place: `<name>.gz`."""
        packed = path.with_name(f"{path.name}.gz")
        # A fixed time, so that the same content is the same file.
        compressed = packed.read_bytes() if packed.exists() else gzip.compress(path.read_bytes(), mtime=0)
        return cls(content_type, compressed, sha256(compressed).hexdigest()[:16])

    def answer(self, request: Request, **headers: str) -> FileAnswer:
        """The file, compressed where the client accepts gzip; 304 where the client has it already.

        `headers`: further headers, with underscores for dashes.
        """
        is_compressed = takes_gzip(request.header("accept-encoding") or "")
        sent = {
            "ETag": f'"{self.tag}-gzip"' if is_compressed else f'"{self.tag}"',
            "Cache-Control": f"public, max-age={CACHED_S}",
            "Vary": "Accept-Encoding",
            **_SAFE,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        known = {tag.strip().removeprefix("W/") for tag in (request.header("if-none-match") or "").split(",")}
        if known & {sent["ETag"], "*"}:
            return FileAnswer(304, headers=sent)
        if is_compressed:
            content, sent["Content-Encoding"] = self.compressed, "gzip"
        else:
            content = gzip.decompress(self.compressed)
        return FileAnswer(200, headers=sent, content_type=self.content_type, content=content)


def swagger_ui(name: str) -> Path:
    """A file of Swagger UI, which Powertools ships. (It is found without importing any of it.)"""
    package = find_spec("aws_lambda_powertools")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent.joinpath(*_SWAGGER_UI.split(".")[1:], name)


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


class OpenEntrypoint(ApiEntrypoint):
    """The Lambda handler around an operation that takes no key and may serve files. It needs no services."""

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """The answer, whose body may be a file."""
        headers = common_headers(reply, request.request_id) | reply.headers
        if not isinstance(reply, FileAnswer):
            headers["Content-Type"] = reply.content_type
            shown = "" if request.method == "HEAD" else reply.encoded()
            return {"statusCode": reply.status, "headers": headers, "body": shown}
        if reply.content:
            headers["Content-Type"] = reply.content_type
        is_binary = "Content-Encoding" in headers
        content = b"" if request.method == "HEAD" else reply.content
        body = b64encode(content).decode() if is_binary else content.decode()
        return {"statusCode": reply.status, "headers": headers, "body": body, "isBase64Encoded": is_binary}
