"""What the console weighs, and how soon it shows something: `python -m bench.console`.

Chromium opens views of the Demo shop on a local stack, each time with nothing in its cache and a key in its tab. The
time ends with the first frame that has data in it: a row of the table, the name of the contact. It begins with the
navigation, so the page, its modules, `GET /v1/account` and what the view asks for are in it, and MiniStack's Lambda,
which is slower than a warm function in the cloud and nearer than any of them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from bench.results import Results
from local.console.browser import chromium
from local.console.tools import PAGE
from local.demo_shop.shop import make
from local.stack import LocalStack, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

TIMES = 20
SHOP = 500
"""Contacts of the account: a page of the list shows 50 of them."""
BUDGET_KB = 96.0
"""Of all files together; a unit test holds the same (tests/unit/web/test_console.py)."""
BUDGET_MS = 1_000
_SHOWN = """
sessionStorage.setItem("contacts.key", %(key)s);
new MutationObserver((_, observer) => {
  if (!document.querySelector(%(selector)s)) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => shown(performance.now())));
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
_LOADED = """() => [performance.getEntriesByType("navigation"), performance.getEntriesByType("resource")].flat()
  .map((entry) => ({ url: entry.name, bytes: entry.transferSize ? entry.encodedBodySize : 0 }))"""


@dataclass(frozen=True)
class View:
    """What is opened, and what stands there when it shows data."""

    name: str
    route: str
    selector: str


@dataclass(frozen=True)
class Opened:
    """What it took, once."""

    ms: float
    files: int
    kb: float
    asked: int


def main() -> int:
    """Measure, print and keep the results; the exit code is 1 if a budget was not met."""
    parser = argparse.ArgumentParser(prog="python -m bench.console")
    parser.add_argument("--times", type=int, default=TIMES)
    times = parser.parse_args().times
    columns = ("what", "files", "KB", "API requests", "ms", "budget ms")
    results = Results("console", "The console: what it weighs, and how soon it shows data", columns)
    with stack() as (url, shop), chromium() as browser:
        files, kb = weight(url)
        results.rows.append(
            (f"all of it, compressed (budget {BUDGET_KB:.0f} KB)", files, kb, None, None, None)
        )
        if kb > BUDGET_KB:
            results.failures.append(f"the page has {kb:.1f} KB of {BUDGET_KB:.0f}")
        for view in views(url, shop):
            first, again = measured(browser, url, shop["keys"]["native"], view, times)
            for name, opened in ((view.name, first), (f"{view.name}, a second time", again)):
                results.rows.append((name, opened.files, opened.kb, opened.asked, opened.ms, BUDGET_MS))
                if opened.ms > BUDGET_MS:
                    results.failures.append(f"{name} takes {opened.ms:.0f} ms of {BUDGET_MS}")
        results.notes.append(
            f"Medians of {times}, Chromium {browser.version}. KB: what came over the wire for the page's own files, "
            "compressed, without headers. The second time is in the same browser, with the files in its cache."
        )
    results.notes.append((__doc__ or "").partition("\n\n")[2].strip())
    return results.publish()


@contextmanager
def stack() -> Iterator[tuple[str, dict[str, Any]]]:
    """A local stack with the Demo shop: its address, and what demo.json says."""
    with (
        tempfile.TemporaryDirectory(prefix="contacts-console-") as folder,
        LocalStack(Path(folder), free_port(), persistent=False) as running,
    ):
        yield running.url, make(running.description, SHOP)


def weight(url: str) -> tuple[int, float]:
    """How many files the page has, and how many KB they are as they are served."""
    with urlopen(f"{url}/console") as answer:
        page = answer.read().decode()
    names = json.loads(page.partition('<script type="importmap">')[2].partition("</script>")[0])[
        "imports"
    ].values()
    style = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    addresses = ["console", style, *names]
    sizes = []
    for address in addresses:
        request = Request(f"{url}/{address.removeprefix('./')}", headers={"Accept-Encoding": "gzip"})
        with urlopen(request) as answer:
            sizes.append(len(answer.read()))
    assert len(sizes) > len(list(PAGE.rglob("views/*.js")))
    return len(sizes), sum(sizes) / 1000


def views(url: str, shop: dict[str, Any]) -> list[View]:
    """The views that are measured."""
    request = Request(f"{url}/v1/contacts?limit=1", headers={"X-API-Key": shop["keys"]["native"]})
    with urlopen(request) as answer:
        contact = json.load(answer)["data"][0]["id"]
    return [
        View("contacts", "/contacts", "main tbody tr"),
        View("a contact", f"/contact/{contact}", "main .section"),
        View("imports", "/imports", "main tbody tr"),
        View("webhooks", "/webhooks", "main tbody tr, main .section"),
    ]


def measured(browser: "Browser", url: str, key: str, view: View, times: int) -> tuple[Opened, Opened]:
    """The medians of a view that is opened for the first time, and in the same browser again."""
    rounds = []
    for number in range(times + 1):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        try:
            pair = (opened(context, url, key, view), opened(context, url, key, view))
        finally:
            context.close()
        if number:  # The first one wakes the functions.
            rounds.append(pair)
    first, again = zip(*rounds, strict=True)
    return middle(first), middle(again)


def middle(all_opened: tuple[Opened, ...]) -> Opened:
    """The medians of each figure."""
    return Opened(
        ms=round(median(one.ms for one in all_opened)),
        files=round(median(one.files for one in all_opened)),
        kb=median(one.kb for one in all_opened),
        asked=round(median(one.asked for one in all_opened)),
    )


def opened(context: "BrowserContext", url: str, key: str, view: View) -> Opened:
    """What it takes to show a view in a new tab of a browser."""
    page = context.new_page()
    shown: list[float] = []

    def note(
        ms: float,
    ) -> None:  # Playwright keeps something at it, which a method of a list does not let it.
        shown.append(ms)

    page.expose_function("shown", note)
    page.add_init_script(_SHOWN % {"key": json.dumps(key), "selector": json.dumps(view.selector)})
    page.goto(f"{url}/console#{view.route}")
    while not shown:
        page.wait_for_timeout(5)
    loaded = page.evaluate(_LOADED)
    page.close()
    files = [one for one in loaded if "/console" in one["url"] and one["bytes"]]
    return Opened(
        ms=shown[0],
        files=len(files),
        kb=sum(one["bytes"] for one in files) / 1000,
        asked=sum("/v1/" in one["url"] for one in loaded),
    )


if __name__ == "__main__":
    sys.exit(main())
