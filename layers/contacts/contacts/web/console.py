"""The console: the page on which people work with contacts, and its modules (docs/decisions/0060).

The page is plain ES modules. Each file is served under a name with a hash of its content, so a browser keeps it for
good, and an import map in the page leads from the names that the sources import to those. A source that changes
changes its own name and the page, and no other file's.
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Final
from urllib.parse import urlsplit

from contacts.core.errors import RouteNotFound
from contacts.web.files import CSS, HTML, JS, ServedFile
from contacts.web.request import Request
from contacts.web.response import Answer

BELOW: Final = "console"
"""Where the files are, as seen from the page."""
STYLES: Final = "console.css"
MAIN: Final = "main.js"
FIRST_VIEW: Final = "views/contacts.js"
"""What most sessions begin with: it is loaded beside the main module, not after it."""
_TYPES: Final = {".js": JS, ".css": CSS}
"""By suffix. What has another one is for readers of the sources."""
_IMPORT: Final = re.compile(r"""^(?:import|export)\b[^"'();]*["'](\.[^"']+)["'];""", re.MULTILINE)
"""A static import of another module of the page. (`import()` waits until its view is shown.)"""


_COMMENT: Final = re.compile(
    r"^[ \t]*(?://[^\n]*|/\*(?:(?!\*/).)*\*/)[ \t]*$|(?P<beside>/\*(?:(?!\*/).)*\*/)",
    re.MULTILINE | re.DOTALL,
)
"""A comment with nothing else on its lines, or (`beside`) one in brackets that has something there."""


def without_comments(source: str) -> str:
    """A source with empty lines in the place of comments: they are a fifth of what would be sent.

    Each line keeps its number, so what a browser says of a fault leads to the source. Within a template, where a text
    may look like a comment, nothing is changed: there is an odd number of backticks before it.
    """

    def emptied(found: re.Match[str]) -> str:
        is_in_template = source.count("`", 0, found.start()) % 2
        return found[0] if found["beside"] or is_in_template else "\n" * found[0].count("\n")

    return _COMMENT.sub(emptied, source)


def bucket_origin(variables: Mapping[str, str]) -> str | None:
    """The origin of the URLs that `table.aws.presigning_client` signs for the bucket of files. `variables`: as of
    `Console`. None: there is no bucket, as where the handler is only looked at.

    A client of AWS takes longer to make than all else here, so the origin is put together; a test compares the two.
    """
    endpoint = variables.get("SERVICES_ENDPOINT") or variables.get("AWS_ENDPOINT_URL")
    if endpoint:
        url = urlsplit(endpoint)
        return f"{url.scheme}://{url.netloc}"
    region = variables.get("AWS_DEFAULT_REGION")  # by which botocore goes; Lambda sets it
    if region is None or "FILES_BUCKET" not in variables:
        return None
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{variables['FILES_BUCKET']}.s3.{region}.{suffix}"


def imported(name: str, source: str) -> list[str]:
    """The modules that a module of the page imports statically, by their names below the page's folder."""
    return [normpath(join(dirname(name), path)) for path in _IMPORT.findall(source)]


class Console:
    """What `show_console` serves, read when the function starts."""

    def __init__(self, handler: str, variables: Mapping[str, str] = os.environ) -> None:
        """`handler`: the file of the handler; beside it lies the folder `page`. `variables`: the environment."""
        folder = Path(handler).resolve().parent / "page"
        contents = {
            path.relative_to(folder).as_posix(): without_comments(path.read_text(encoding="utf-8"))
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES and not path.name.startswith(".")
        }
        self.names = {name: _hashed(name, content) for name, content in contents.items()}
        """By the name of a source, the name under which it is served."""
        self.files = {
            self.names[name]: ServedFile.of(content.encode(), _TYPES[Path(name).suffix])
            for name, content in contents.items()
        }
        sources = {name: content for name, content in contents.items() if name.endswith(".js")}
        modules = {f"./{BELOW}/{name}": f"./{self._served(name)}" for name in sources}
        import_map = json.dumps({"imports": modules}, separators=(",", ":"))
        filled = {
            "css": self._served(STYLES),
            "importmap": import_map,
            "main": self._served(MAIN),
            "preloads": "\n  ".join(
                f'<link rel="modulepreload" href="{self._served(name)}">'
                for name in _with_imports([MAIN, FIRST_VIEW], sources)
            ),
        }
        page = (folder / "index.html").read_text(encoding="utf-8")
        for placeholder, text in filled.items():
            page = page.replace(f"{{{{{placeholder}}}}}", text)
        self._page = ServedFile.of(page.encode(), HTML)
        self._policy = _policy(import_map, bucket_origin(variables))

    def page(self, request: Request) -> Answer:
        """The page. A browser asks each time whether it is still the same: it names all the other files."""
        return self._page.answer(
            request,
            Cache_Control="no-cache",
            Content_Security_Policy=self._policy,
            Cross_Origin_Opener_Policy="same-origin",
        )

    def file(self, request: Request, name: str) -> Answer:
        """A file of the page.

        Raises:
            RouteNotFound: there is no such file, or not any more: the page was opened before the last deployment.
        """
        if name not in self.files:
            raise RouteNotFound("Nothing is served at this path.")
        return self.files[name].answer(request, Cache_Control="public, max-age=31536000, immutable")

    def _served(self, name: str) -> str:
        return f"{BELOW}/{self.names[name]}"


def _hashed(name: str, content: str) -> str:
    """`views/contacts.js` as `views/contacts.0123456789abcdef.js`."""
    beginning, _, suffix = name.rpartition(".")
    return f"{beginning}.{sha256(content.encode()).hexdigest()[:16]}.{suffix}"


def _with_imports(names: Iterable[str], sources: Mapping[str, str]) -> list[str]:
    """Modules with all that they import, directly or not, each once."""
    found = list(dict.fromkeys(names))
    # The list grows during the loop.
    for name in found:
        found += [other for other in imported(name, sources[name]) if other not in found]
    return found


def _policy(import_map: str, bucket: str | None) -> str:
    """The page runs its own modules, talks to the API and to the bucket, and puts no text into the page as markup."""
    digest = b64encode(sha256(import_map.encode()).digest()).decode()
    hosts = " ".join(filter(None, ("'self'", bucket)))
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        f"connect-src {hosts}; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
