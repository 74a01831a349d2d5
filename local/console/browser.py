"""Chromium for what looks at the console: tests, a benchmark, pictures. Driven by Playwright's package of PyPI."""

import os
import shutil
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from local.errors import LocalStackError
from local.stack import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# `.venv/browser` stands beside `.venv/dev`, so that nothing else has to install it; what both have is dev's.
_PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
site.addsitedir(str(ROOT / ".venv" / "browser" / "lib" / _PYTHON / "site-packages"))


def program() -> str | None:
    """Where a Chromium is on this machine, if anywhere; CHROMIUM says it where no usual name leads there."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


def missing() -> str | None:
    """What this machine lacks, for a person to read."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "Playwright is not installed: `make test-browser` installs it"
    return None if program() else "there is no Chromium on this machine (Debian: apt-get install chromium)"


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A Chromium that knows no host but this machine.

    Raises:
        LocalStackError: something is missing.
    """
    if lacks := missing():
        raise LocalStackError(lacks)
    from playwright.sync_api import sync_playwright

    options = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Its sandbox is not for root.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=options)
        try:
            yield browser
        finally:
            browser.close()
