"""`show_console`: the page for people, its modules under names with hashes, and what the page may do."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from contacts.table.aws import presigning_client
from contacts.web.console import BELOW, FIRST_VIEW, MAIN, Console, bucket_origin, imported, without_comments
from local.openapi.operations import loaded
from local.stack import ROOT
from local.template import functions
from tests.support import sample_events
from tests.support.documented import assert_answer
from tests.support.gateway import handed_over
from tests.unit.web.test_handlers import handler, settings, table

__all__ = ["settings", "table"]

CONTEXT = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
HANDLER = ROOT / "functions" / "show_console" / "handler.py"
ENTRY = loaded("show_console").lambda_handler
SOURCES = HANDLER.parent / "page"
IN_CLOUD = {"FILES_BUCKET": "contacts-files-1a2b3c", "AWS_DEFAULT_REGION": "eu-west-1"}
MODULES = sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.js"))
MOST_BYTES, MOST_BYTES_AT_FIRST = 96_000, 40_000


def get(path: str, method: str = "GET", **headers: str) -> Any:
    """The answer to a request, as the gateway hands it over."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    handed = handed_over(method, path, headers=sent)
    assert handed.operation == "show_console"
    event = sample_events.event("show_console") | handed.event
    answer = ENTRY(event, CONTEXT)
    if method == "GET":
        assert_answer(event, answer)
    return answer


def text(answer: Any) -> str:
    assert answer["statusCode"] == 200, answer
    if not answer.get("isBase64Encoded"):
        return str(answer["body"])
    assert answer["headers"]["Content-Encoding"] == "gzip"
    return gzip.decompress(b64decode(answer["body"])).decode()


def import_map(page: str) -> dict[str, str]:
    found = re.search(r'<script type="importmap">(.*?)</script>', page)
    assert found is not None
    modules: dict[str, str] = json.loads(found[1])["imports"]
    return modules


def policy(answer: Any) -> dict[str, str]:
    parts = answer["headers"]["Content-Security-Policy"].split("; ")
    return {name: rest for name, _, rest in (part.partition(" ") for part in parts)}


def linked(page: str) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]+)"', page)


# The page


def test_the_page_names_files_that_are_served_and_nothing_else() -> None:
    page = text(get("/console"))
    assert "{{" not in page
    assert "data:," in linked(page)
    for path in {*linked(page), *import_map(page).values()} - {"data:,", "docs"}:
        assert not urlsplit(path).netloc
        assert get(f"/{path.removeprefix('./')}")["statusCode"] == 200, path


def test_a_browser_asks_each_time_whether_the_page_is_the_same() -> None:
    for accepted in ("identity", "gzip"):
        answer = get("/console", accept_encoding=accepted)
        headers = answer["headers"]
        assert (headers["Cache-Control"], headers["Vary"]) == ("no-cache", "Accept-Encoding")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        known = get("/console", accept_encoding=accepted, if_none_match=headers["ETag"])
        assert (known["statusCode"], known["body"]) == (304, "")
        assert known["headers"]["Content-Security-Policy"] == headers["Content-Security-Policy"]
        assert get("/console", accept_encoding=accepted, if_none_match='"other"')["statusCode"] == 200


def test_the_policy_lets_the_page_run_its_own_modules_and_no_text() -> None:
    answer = get("/console")
    found = policy(answer)
    (inline,) = re.findall(r"<script(?: type=\"importmap\")?>(.*?)</script>", text(answer), re.DOTALL)
    digest = b64encode(sha256(inline.encode()).digest()).decode()
    assert found.pop("script-src") == f"'self' 'sha256-{digest}'"
    assert found == {
        "default-src": "'none'",
        "style-src": "'self'",
        "connect-src": "'self'",  # and the bucket, where there is one
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_the_page_has_no_handlers_styles_or_scripts_of_its_own() -> None:
    page = text(get("/console"))
    assert re.findall(r"<script(?![^>]* src=)[^>]*>", page) == ['<script type="importmap">']
    assert not re.search(r"<style| style=| on[a-z]+=|javascript:", page)


def test_the_first_view_is_loaded_beside_the_main_module() -> None:
    """Each module that the page needs before it shows something, and that no other module has to name first."""
    page = text(get("/console"))
    preloaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
    names = {path.removeprefix("./"): name for name, path in import_map(page).items()}
    found = [names[path].removeprefix(f"./{BELOW}/") for path in preloaded]
    assert found[:2] == [MAIN, FIRST_VIEW]
    assert len(found) == len(set(found))
    for name in found:
        assert set(imported(name, (SOURCES / name).read_text(encoding="utf-8"))) <= set(found)
    assert preloaded[0] in linked(page.partition("</head>")[2])


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('import { a } from "../api.js";\nimport "./b.js";', ["api.js", "views/b.js"]),
        ('import {\n  a,\n  b,\n} from "./b.js";', ["views/b.js"]),
        (
            'export { a } from "./b.js";\nexport * from "../vendor/preact.js";',
            ["views/b.js", "vendor/preact.js"],
        ),
        ('const view = () => import("./b.js");', []),
        ('/** @param {import("./b.js").B} b */\nexport function a(b) {}', []),
        ('export const name = "b.js";\nexport const a = f("./b.js");', []),
    ],
)
def test_static_imports_are_found(source: str, names: list[str]) -> None:
    assert imported("views/a.js", source) == names


# Its files


def references(source: str) -> Iterator[str]:
    """Every module that a source imports, statically or when it is needed, but for types."""
    code = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    for static, on_demand in re.findall(
        r'(?:\} from|^import) "([^"]+)"|\bimport\("([^"]+)"\)', code, re.MULTILINE
    ):
        yield static or on_demand


@pytest.mark.parametrize("name", MODULES)
def test_every_import_leads_to_a_file_that_is_served(name: str) -> None:
    console = Console(str(HANDLER), IN_CLOUD)
    for path in references((SOURCES / name).read_text(encoding="utf-8")):
        assert path.startswith("."), f"{name} imports {path}: paths are relative"
        resolved = (SOURCES / name).parent.joinpath(path).resolve()
        assert resolved.relative_to(SOURCES.resolve()).as_posix() in console.names, f"{name} imports {path}"


@pytest.mark.parametrize("name", [*MODULES, "console.css"])
def test_a_file_is_served_under_a_name_with_its_hash_and_kept_for_good(name: str) -> None:
    console = Console(str(HANDLER), IN_CLOUD)
    content = without_comments((SOURCES / name).read_text(encoding="utf-8"))
    beginning, _, suffix = name.rpartition(".")
    served = console.names[name]
    assert served == f"{beginning}.{sha256(content.encode()).hexdigest()[:16]}.{suffix}"
    plain, compressed = get(f"/console/{served}"), get(f"/console/{served}", accept_encoding="gzip")
    assert text(plain) == text(compressed) == content
    kind = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}[suffix]
    assert plain["headers"]["Content-Type"] == compressed["headers"]["Content-Type"] == kind
    assert plain["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
    head = get(f"/console/{served}", "HEAD")
    assert (head["statusCode"], head["body"], head["headers"]["ETag"]) == (200, "", plain["headers"]["ETag"])


def test_nothing_is_served_that_is_not_a_module_or_a_style_of_the_page() -> None:
    console = Console(str(HANDLER), IN_CLOUD)
    assert set(console.names) == {*MODULES, "console.css"}


@pytest.mark.parametrize(
    "file",
    [
        *(
            "main.js",
            "views/contacts.js",
            "index.html",
            "handler.py",
            "vendor/preact.d.ts",
            "vendor/LICENSES.md",
        ),
        *(
            "main.0000000000000000.js",
            "..",
            "../handler.py",
            "%2e%2e/handler.py",
            "..%2fhandler.py",
            "views",
            "x/",
        ),
    ],
)
def test_another_file_is_not_there(file: str) -> None:
    """Nor one of an earlier deployment: then the page says that it has changed."""
    answer = get(f"/console/{file}")
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["code"] == "route_not_found"
    assert "immutable" not in answer["headers"]["Cache-Control"]


def test_a_change_of_a_source_changes_its_own_name_and_the_page_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name / "page"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("{{importmap}} {{css}} {{main}} {{preloads}}", encoding="utf-8")
        (folder / "console.css").write_text("", encoding="utf-8")
        (folder / "main.js").write_text('import "./views/contacts.js";\n', encoding="utf-8")
        (folder / "views").mkdir()
        (folder / "views" / "contacts.js").write_text(f"export const a = {name!r};", encoding="utf-8")
        (folder / ".hidden.js").write_text("", encoding="utf-8")
        (folder / "types.d.ts").write_text("", encoding="utf-8")
    before, after = (Console(str(tmp_path / name / "handler.py"), IN_CLOUD) for name in ("a", "b"))
    assert before.names.keys() == {"console.css", "main.js", "views/contacts.js"}
    changed = {name for name in before.names if before.names[name] != after.names[name]}
    assert changed == {"views/contacts.js"}


def test_what_is_sent_is_small() -> None:
    """All of it: who goes through every view. And what comes before somebody sees a list of contacts."""
    console = Console(str(HANDLER), IN_CLOUD)
    page = get("/console", accept_encoding="gzip")
    sizes = {name: len(console.files[served].compressed) for name, served in console.names.items()}
    html = len(b64decode(page["body"]))
    assert html + sum(sizes.values()) <= MOST_BYTES, dict(sorted(sizes.items(), key=lambda one: -one[1]))
    first = {
        name for name, served in console.names.items() if f'{BELOW}/{served}"' in linked_once(text(page))
    }
    assert html + sum(sizes[name] for name in first) <= MOST_BYTES_AT_FIRST, sorted(first)


def linked_once(page: str) -> str:
    """What the page loads without being asked: not what its import map only names."""
    return re.sub(r'<script type="importmap">.*?</script>', "", page)


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("// @ts-check\n/** Two\n * lines. */\nconst a = 1; // why\n", "\n\n\nconst a = 1; // why\n"),
        ("  /** @type {A} */\n  const a = 1;\n", "\n  const a = 1;\n"),
        ("const a = /** @type {A} */ (b);\n/** @type {A} */ (b).c();\n", None),
        ("const a = `\n// text\n/* text */\n`;\n// Why.\n", "const a = `\n// text\n/* text */\n`;\n\n"),
        ("/* One */ a { b: c }\n/* two\n*/\nd { e: f }", "/* One */ a { b: c }\n\n\nd { e: f }"),
        ("a = b /* not\n// at a line of its own */ + c;\n", None),
    ],
)
def test_comments_are_not_sent_and_lines_keep_their_numbers(source: str, served: str | None) -> None:
    assert without_comments(source) == (source if served is None else served)


@pytest.mark.parametrize("name", [*MODULES, "console.css"])
def test_backticks_come_in_pairs(name: str) -> None:
    """By which is told what stands within a template."""
    assert (SOURCES / name).read_text(encoding="utf-8").count("`") % 2 == 0


# What it is asked, and where the bucket is


def test_a_link_may_have_the_parameters_of_a_campaign() -> None:
    assert get("/console?utm_source=mail")["statusCode"] == 200


def test_a_key_is_not_looked_at() -> None:
    assert get("/console", x_api_key="sk_live_wrong")["statusCode"] == 200


@pytest.mark.parametrize("path", ["/console/", "/docs/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_slash_at_the_end_leads_to_the_page(path: str, method: str, table: Any) -> None:
    """Who types the address may end it so. A gateway may take that for no route, or for a file without a name."""
    handed = handed_over(method, path)
    assert handed.operation == "refuse_request"
    named = {"routeKey": f"{method} {path}{{proxy+}}", "pathParameters": {"proxy": ""}}
    for operation, more in (("refuse_request", {}), ("show_console", named)):
        event = sample_events.event(operation) | handed.event | {"headers": {}} | more
        answer = handler(operation)(event, CONTEXT)
        assert (answer["statusCode"], answer["body"]) == (308, "")
        assert answer["headers"]["Location"] == f"..{path[:-1]}"
        assert "Content-Type" not in answer["headers"]


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-west-1", "ap-southeast-3", "cn-north-1", "us-gov-west-1"]
)
def test_the_bucket_in_the_policy_is_the_one_of_signed_urls(
    region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    for endpoint in (None, "http://127.0.0.1:4566", "http://host.docker.internal:4566"):
        client = presigning_client(endpoint, is_local=endpoint is not None)
        signed = client.generate_presigned_url(
            "put_object", Params={"Bucket": "contacts-files-1", "Key": "a/b c"}
        )
        url = urlsplit(signed)
        variables = {"FILES_BUCKET": "contacts-files-1", "AWS_DEFAULT_REGION": region}
        for name in ("SERVICES_ENDPOINT", "AWS_ENDPOINT_URL"):
            origin = bucket_origin({**variables, **({name: endpoint} if endpoint else {})})
            assert origin == f"{url.scheme}://{url.netloc}"


def test_the_function_knows_the_bucket_and_may_do_nothing_with_it() -> None:
    (function,) = [one for one in functions() if one.name == "show_console"]
    assert function.environment["FILES_BUCKET"] == {"Ref": "Files"}
    console = Console(str(HANDLER), IN_CLOUD)
    answer = console.page(SimpleNamespace(header=lambda _: None))  # type: ignore[arg-type]
    assert policy({"headers": answer.headers})["connect-src"] == (
        "'self' https://contacts-files-1a2b3c.s3.eu-west-1.amazonaws.com"
    )
