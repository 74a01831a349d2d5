"""The pages as people see them: the reference, which lets the API be tried out, and how the console is served."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contacts.web.routing import ROUTES
from tests.support import browser
from tests.support.accounts import Account, Accounts
from tests.support.api import Api, assert_problem
from tests.support.browser import Page
from tests.support.documented import document

ACCOUNT = "#operations-Account-get_account"


@pytest.fixture
def page(stack: dict[str, Any], tmp_path: Path) -> Iterator[Page]:
    """The page under /docs, once it shows the document."""
    if browser.program() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with browser.browser(tmp_path) as opened:
        opened.open(f"{stack['url']}/docs")
        opened.wait_for("document.querySelectorAll('.opblock').length > 0")
        yield opened


def test_the_document_and_the_page_need_no_key(stack: dict[str, Any], accounts: Accounts) -> None:
    with Api(accounts.url, None) as nobody:
        served = nobody.get("/openapi.json")
        assert served.json() == document()
        assert served.headers["Content-Encoding"] == "gzip"
        assert nobody.get("/openapi.json", If_None_Match=served.headers["ETag"]).status_code == 304
        plain = nobody.get("/openapi.json", Accept_Encoding="identity")
        assert plain.json() == document()
        assert "Content-Encoding" not in plain.headers
        assert nobody.get("/docs").headers["Content-Type"].startswith("text/html")
        for file in ("start.js", "swagger-ui.css", "swagger-ui.js"):
            assert nobody.get(f"/docs/{file}").status_code == 200
        assert nobody.get("/docs/nothing.js").status_code == 404
        assert nobody.post("/openapi.json", {}).headers["Allow"] == "GET, HEAD"


def test_the_page_shows_every_operation_and_asks_nobody_else(
    stack: dict[str, Any], page: Page, tmp_path: Path
) -> None:
    shown = page.value_of("document.querySelectorAll('.opblock:not(.opblock-webhook)').length")
    assert shown >= sum(map(len, ROUTES.values()))
    text = page.text_of("#reference")
    for path in ROUTES:
        assert path in text.replace("\u200b", "")
    host = urlsplit(stack["url"]).netloc
    assert {urlsplit(url).netloc for url in page.requested()} == {host}
    assert page.complaints() == []
    seen = page.screenshot()
    (tmp_path / "docs.png").write_bytes(seen)
    assert browser.distinct_rows(seen) > 100


def test_an_operation_can_be_tried_out_with_a_key(
    stack: dict[str, Any], page: Page, account: Account, tmp_path: Path
) -> None:
    page.click(".btn.authorize")
    page.type("#api_key_value", account.api.key or "")
    page.click(".auth-btn-wrapper .btn.authorize")
    page.click(".auth-btn-wrapper .btn-done")
    page.click(f"{ACCOUNT} .opblock-summary-control")
    page.click(f"{ACCOUNT} .execute")
    answered = f"{ACCOUNT} .live-responses-table .response"
    assert page.text_of(f"{answered} .response-col_status").split()[0] == "200"
    assert account.id in page.text_of(f"{answered} .response-col_description")
    asked = [url for url in page.requested() if url.endswith("/v1/account")]
    assert asked == [f"{stack['url']}/v1/account"]
    assert page.complaints() == []
    (tmp_path / "tried.png").write_bytes(page.screenshot())
    # What was typed is nowhere but in the page.
    assert (
        page.value_of("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        == '[{},{},""]'
    )


def test_the_console_is_served_with_its_modules(account: Account, accounts: Accounts) -> None:
    """Its bucket is where uploads go, and a slash at the end of its address does no harm."""
    upload = account.api.post("/v1/imports", {"file_name": "a.csv", "size": 8}).json()["upload"]["url"]
    with Api(accounts.url, None) as nobody:
        page = nobody.get("/console")
        assert page.headers["Content-Type"].startswith("text/html")
        policy = page.headers["Content-Security-Policy"]
        origin = f"{urlsplit(upload).scheme}://{urlsplit(upload).netloc}"
        assert f"connect-src 'self' {origin};" in policy
        assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
        found = re.search(r'<script type="importmap">(.*?)</script>', page.text)
        assert found is not None
        for path in json.loads(found[1])["imports"].values():
            module = nobody.get(path.removeprefix("."))
            assert (module.status_code, module.headers["Content-Encoding"]) == (200, "gzip"), path
            assert module.headers["Content-Type"].startswith("text/javascript")
            assert "immutable" in module.headers["Cache-Control"]
        assert nobody.get("/console", If_None_Match=page.headers["ETag"]).status_code == 304
        assert nobody.get("/console/").text == page.text
        assert_problem(nobody.get("/console/views/contacts.0000000000000000.js"), 404, "route_not_found")
        assert nobody.post("/console", {}).headers["Allow"] == "GET, HEAD"


def test_the_console_asks_for_a_key_and_keeps_its_policy(stack: dict[str, Any], tmp_path: Path) -> None:
    if browser.program() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with browser.browser(tmp_path) as opened:
        opened.open(f"{stack['url']}/console")
        opened.wait_for("document.querySelector('form input') !== null")
        host = urlsplit(stack["url"]).netloc
        assert {urlsplit(url).netloc for url in opened.requested() if not url.startswith("data:")} == {host}
        assert opened.complaints() == []
