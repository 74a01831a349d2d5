"""`show_docs`: the document and its page, for everybody, as small as can be, and with nothing from elsewhere."""

import gzip
import json
import re
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contacts.web import Operation, Request
from contacts.web.files import OpenEntrypoint, ServedFile
from contacts.web.reference import swagger_ui
from local.openapi.operations import loaded
from tests.support import sample_events
from tests.support.documented import assert_answer, document

CONTEXT = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 20_000)
HANDLER = loaded("show_docs").lambda_handler
FILES = ["start.js", "swagger-ui.css", "swagger-ui.js"]


def get(path: str, query: str = "", **headers: str) -> Any:
    route, _, file = path.partition("/docs/")
    event = sample_events.event("show_docs") | {
        "routeKey": "GET /docs/{file}" if file else f"GET {route}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "pathParameters": {"file": file},
    }
    answer = HANDLER(event, CONTEXT)
    assert_answer(event, answer)
    return answer


def content(answer: Any) -> str:
    if not answer.get("isBase64Encoded"):
        return str(answer["body"])
    assert answer["headers"]["Content-Encoding"] == "gzip"
    return gzip.decompress(b64decode(answer["body"])).decode()


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", *(f"/docs/{file}" for file in FILES)])
def test_a_file_is_the_same_compressed_or_not_and_is_not_sent_twice(path: str) -> None:
    plain, compressed = get(path), get(path, accept_encoding="br, gzip")
    assert (plain["statusCode"], compressed["statusCode"]) == (200, 200)
    assert "Content-Encoding" not in plain["headers"]
    assert content(plain) == content(compressed) != ""
    assert plain["headers"]["ETag"] != compressed["headers"]["ETag"]
    for answer, accepted in ((plain, "identity"), (compressed, "gzip")):
        headers = answer["headers"]
        assert (headers["Cache-Control"], headers["Vary"]) == ("public, max-age=300", "Accept-Encoding")
        assert headers["Referrer-Policy"] == "no-referrer"
        known = get(path, accept_encoding=accepted, if_none_match=f'W/{headers["ETag"]}, "other"')
        assert (known["statusCode"], known["body"]) == (304, "")
        assert known["headers"]["ETag"] == headers["ETag"]
        assert get(path, accept_encoding=accepted, if_none_match='"other"')["statusCode"] == 200


def test_the_document_is_the_one_that_is_committed_and_other_pages_may_read_it() -> None:
    answer = get("/openapi.json")
    assert json.loads(content(answer)) == document()
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"


def test_whatever_is_sent_fits_into_what_lambda_can_answer() -> None:
    sizes = [len(get(f"/docs/{file}")["body"]) for file in FILES]
    assert max(sizes) < 5_000_000
    assert sum(len(get(f"/docs/{file}", accept_encoding="gzip")["body"]) for file in FILES) < 700_000


def test_the_page_loads_its_own_files_and_may_load_no_others() -> None:
    page = get("/docs")
    linked = re.findall(r'(?:src|href)="([^"]+)"', content(page))
    assert sorted(linked) == ["data:,", *(f"docs/{file}" for file in FILES), "openapi.json"]
    assert "<script>" not in content(page)
    policy = dict(part.split(" ", 1) for part in page["headers"]["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["connect-src"]) == ("'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"


def test_the_page_tells_no_other_host_of_the_document_and_keeps_no_key() -> None:
    script = content(get("/docs/start.js"))
    assert "validatorUrl: null" in script
    assert "persistAuthorization: false" in script


@pytest.mark.parametrize(
    "file", ["swagger-ui-bundle.js", "handler.py", "..", "%2e%2e", "openapi.json", "page.html"]
)
def test_another_file_is_not_there(file: str) -> None:
    answer = get(f"/docs/{file}")
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["code"] == "route_not_found"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_a_link_may_have_the_parameters_of_a_campaign(path: str) -> None:
    assert get(path, "utm_source=mail")["statusCode"] == 200


def test_a_key_is_not_looked_at() -> None:
    assert get("/openapi.json", x_api_key="sk_live_wrong")["statusCode"] == 200


def test_an_internal_error_reveals_nothing() -> None:
    operation = Operation("show_docs")

    @operation.on("GET /docs")
    def fail(request: Request) -> Any:
        raise RuntimeError("cannot read /var/task")

    event = sample_events.event("show_docs") | {"routeKey": "GET /docs"}
    answer = OpenEntrypoint(operation)(event, CONTEXT)
    assert_answer(event, answer)
    assert answer["statusCode"] == 500
    assert "/var/task" not in answer["body"]


def test_what_the_layer_has_compressed_is_the_same_file(tmp_path: Path) -> None:
    """With the same tag, so that a browser notices nothing of how it was built."""
    plain = swagger_ui("swagger-ui.min.css")
    (tmp_path / "page.css.gz").write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    assert ServedFile.read(tmp_path / "page.css", "text/css") == ServedFile.read(plain, "text/css")
