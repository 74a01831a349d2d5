"""The console in Chromium, as a person uses it. What goes wrong on the page fails the test that opened it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.console.browser import missing
from local.console.tools import NODE_MODULES

if reason := missing():
    pytest.skip(reason, allow_module_level=True)

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect

expect.set_options(timeout=60_000)
"""Milliseconds: far more than it takes, so that a busy machine fails no test."""
AXE = NODE_MODULES / "axe-core" / "axe.min.js"
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 740}
LOADS_FAILED = "Failed to load resource"
"""Chromium's own line for an answer that is no success; `refused` has these."""

_SIGNED_IN = """
if (!sessionStorage.getItem("begun")) {
  sessionStorage.setItem("begun", "yes");
  sessionStorage.setItem("contacts.key", %s);
}
"""
_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  violated(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
_AXE = """
axe.run(document, {resultTypes: ["violations"]}).then((found) => JSON.stringify(found.violations.map(
  (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`)))
"""


class Console:
    """One tab with the console."""

    def __init__(self, context: BrowserContext, url: str, hosts: set[str]) -> None:
        self.url = url
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        """What the page did that it must not: errors, violations of its policy, requests to other hosts."""
        self.refused: list[tuple[int, str, str]] = []
        """Status, method and path of each answer that was no success."""
        self.requested: list[str] = []
        self._hosts = hosts
        context.expose_binding("violated", lambda _, what: self.complaints.append(f"policy: {what}"))
        context.add_init_script(_VIOLATIONS)
        self.page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        self.page.on("console", self._logged)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)
        self.page.on("dialog", self._asked_by_script)

    def show(self, route: str) -> None:
        """Go to a view, and wait until it has loaded."""
        self.page.goto(f"{self.url}/console#{route}")
        self.settled()

    def settled(self) -> None:
        """Wait until the view has its title and loads nothing."""
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator(".loading")).to_have_count(0)
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    @property
    def heading(self) -> str:
        """The view's title."""
        return self.page.locator("h1").inner_text()

    @property
    def text(self) -> str:
        """All that can be read."""
        return self.page.locator("body").inner_text()

    def axe(self) -> list[str]:
        """What axe-core finds on the page as it is now. It comes by the debugger, so the page's policy stays."""
        debugger = self.context.new_cdp_session(self.page)
        if not debugger.send("Runtime.evaluate", {"expression": "typeof axe === 'object'"})["result"][
            "value"
        ]:
            debugger.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
        answer = debugger.send(
            "Runtime.evaluate", {"expression": _AXE, "awaitPromise": True, "returnByValue": True}
        )
        debugger.detach()
        assert "exceptionDetails" not in answer, answer
        found: list[str] = json.loads(answer["result"]["value"])
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider

    def focused(self) -> str:
        """What has the focus: its element, and its label or text."""
        shown: str = self.page.evaluate(
            """() => { const it = document.activeElement;
            return `${it.localName} ${it.labels?.[0]?.innerText ?? it.ariaLabel ?? it.innerText ?? ""}`.trim(); }"""
        )
        return shown

    def tab_to(self, *words: str, most: int = 80) -> None:
        """Press Tab until the focus is where all these words are: by keyboard alone."""
        seen = []
        for _ in range(most):
            self.page.keyboard.press("Tab")
            seen.append(self.focused())
            if all(word.lower() in seen[-1].lower() for word in words):
                return
        raise AssertionError(f"no Tab leads to {words}: {seen}")

    def _asked_by_script(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self.complaints.append(f"a script's {dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _logged(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(LOADS_FAILED):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("data", "blob"):
            return
        self.requested.append(f"{request.method} {parts.path}")
        if parts.netloc not in self._hosts:
            self.complaints.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            path = urlsplit(response.url).path
            self.refused.append((response.status, response.request.method, path))


class Consoles:
    """Opens the console, each time as another person would: with nothing of the tabs before."""

    def __init__(self, browser: Browser, url: str, hosts: set[str]) -> None:
        self.url = url
        self._browser = browser
        self._hosts = hosts
        self._open: list[Console] = []

    def open(self, key: str | None = None, route: str = "/contacts", **context: Any) -> Console:
        """A tab that shows a view; `key`: somebody has signed in with it."""
        options: dict[str, Any] = {"viewport": WIDE, "reduced_motion": "reduce", "locale": "en-GB", **context}
        console = Console(self._browser.new_context(**options), self.url, self._hosts)
        self._open.append(console)
        if key is not None:
            console.context.add_init_script(_SIGNED_IN % json.dumps(key))
        console.page.goto(f"{self.url}/console#{route}")
        expect(console.page.locator("h1")).to_be_visible()
        return console

    def complaints(self) -> list[str]:
        """What went wrong in any of the tabs."""
        return [complaint for console in self._open for complaint in console.complaints]

    def close(self) -> None:
        """Close the tabs."""
        for console in self._open:
            console.context.close()


def picture(console: Console, folder: Path, name: str) -> None:
    """Keep what the page looks like, for people to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    console.page.screenshot(path=folder / f"{name}.png")
