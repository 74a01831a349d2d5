"""Files for everybody, without a key: how they are kept, answered and served.

Files are kept compressed and sent so to clients that accept gzip, because the gateway compresses nothing.
"""

import gzip
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from contacts.web.entrypoint import ApiEntrypoint
from contacts.web.request import Request
from contacts.web.response import Answer, common_headers, takes_gzip
from contacts.web.routing import page_without_slash

CACHED_S: Final = 300
"""How long a browser shows a file without asking whether it has changed; then an ETag spares sending it again."""
CSS: Final = "text/css; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
JS: Final = "text/javascript; charset=utf-8"
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
        if packed.exists():
            return cls._packed(packed.read_bytes(), content_type)
        return cls.of(path.read_bytes(), content_type)

    @classmethod
    def of(cls, content: bytes, content_type: str) -> Self:
        """A file with this content."""
        # A fixed time, so that the same content is the same file.
        return cls._packed(gzip.compress(content, mtime=0), content_type)

    @classmethod
    def _packed(cls, compressed: bytes, content_type: str) -> Self:
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


class OpenEntrypoint(ApiEntrypoint):
    """The Lambda handler around an operation that takes no key and may serve files. It needs no services."""

    def reply(self, request: Request) -> Answer:
        """Call the operation, without parameters: it takes none, and a link may have those of a campaign.

        Raises:
            ContactsError: the operation refuses the request.
        """
        request.query = {}
        return page_without_slash(request.method, request.path) or super().reply(request)

    def response(self, reply: Answer, request: Request) -> dict[str, Any]:
        """The answer, whose body may be a file."""
        headers = common_headers(reply, request.request_id) | reply.headers
        if not isinstance(reply, FileAnswer):
            if reply.body is not None:
                headers["Content-Type"] = reply.content_type
            shown = "" if request.method == "HEAD" else reply.encoded()
            return {"statusCode": reply.status, "headers": headers, "body": shown}
        if reply.content:
            headers["Content-Type"] = reply.content_type
        is_binary = "Content-Encoding" in headers
        content = b"" if request.method == "HEAD" else reply.content
        body = b64encode(content).decode() if is_binary else content.decode()
        return {"statusCode": reply.status, "headers": headers, "body": body, "isBase64Encoded": is_binary}
