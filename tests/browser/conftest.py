"""The console in a browser: one Chromium and one stack for all tests, an account with something of everything.

`make test-browser` runs them. Who works on the page sees each change at once with CONTACTS_CONSOLE, the address of a
server that gives the page from the sources and passes /v1 on to the stack.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from local.console import browser
from tests.browser.shop import Shop
from tests.support.accounts import Accounts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.support.console import Consoles


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """The browser."""
    from tests.support.console import AXE

    if not AXE.exists():
        pytest.skip("axe-core is not installed: it needs Node.js and npm")
    with browser.chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def url(stack: dict[str, Any]) -> str:
    """What /console stands behind."""
    return os.environ.get("CONTACTS_CONSOLE") or stack["url"]


@pytest.fixture
def consoles(chromium: "Browser", stack: dict[str, Any], url: str) -> Iterator["Consoles"]:
    """Opens the console. At the end nothing may have gone wrong on any page, nor any other host been asked."""
    from tests.support.console import Consoles

    addresses = (url, stack["url"], stack["endpoint_url"])
    opened = Consoles(chromium, url, {urlsplit(address).netloc for address in addresses})
    try:
        yield opened
        assert opened.complaints() == []
    finally:
        opened.close()


@pytest.fixture(scope="session")
def shop(accounts: Accounts) -> Iterator[Shop]:
    """An account with something of everything, good and bad. Tests that change something open one of their own."""
    with ExitStack() as until_the_end:
        yield Shop(accounts.open("Demo shop"), until_the_end)
