"""`python -m local.pictures`: the README's pictures of the console, light and dark, of what `make demo` made."""

import argparse
import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.console.browser import chromium
from local.demo_shop.__main__ import known
from local.errors import LocalStackError
from local.invoke import running_stack
from local.smoke import Api, Failed
from local.stack import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER: Final = ROOT / "docs" / "pictures"
SIZE: Final = {"width": 1280, "height": 800}
SHARPNESS: Final = 1.5
"""Pixels of the picture for one of the page: readable on a fine screen, and still light."""
QUALITY: Final = 80
LARGEST: Final = 150_000
"""Bytes of one picture."""
SCHEMES: Final = ("light", "dark")

Json = dict[str, Any]


def main() -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.pictures")
    parser.add_argument(
        "--directory", type=Path, default=ROOT / ".local", help="where stack.json and demo.json are"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures are written")
    given = parser.parse_args()
    try:
        made = demo(given.directory)
        with chromium() as browser:
            for name, route in routes(made).items():
                for scheme in SCHEMES:
                    address = f"{made['url']}/console#{route}"
                    taken = picture(browser, address, made["keys"]["native"], scheme)
                    write(given.folder / f"{name}-{scheme}.webp", taken)
    except (LocalStackError, Failed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def demo(directory: Path) -> Json:
    """What demo.json says of the Demo shop on the running stack.

    Raises:
        LocalStackError: there is none.
        Failed: the API does not say whether there is one.
    """
    stack = running_stack(directory)
    made = known(directory / "demo.json", stack) if stack else None
    if made is None:
        raise LocalStackError("there is no Demo shop: `make run` and `make demo` make it")
    return made


def routes(made: Json) -> dict[str, str]:
    """What is on the pictures: the list of contacts, and one with a history."""
    answer = Api(made["url"], made["keys"]["native"]).expect(
        200, "GET", "/v1/contacts?tag=vip&sort=-updated_at&limit=1"
    )
    return {"contacts": "/contacts", "contact": f"/contact/{answer.body['data'][0]['id']}"}


def picture(browser: "Browser", address: str, key: str, scheme: str) -> bytes:
    """A view as WebP."""
    context = browser.new_context(
        viewport=SIZE, device_scale_factor=SHARPNESS, color_scheme=scheme, locale="en-GB"
    )
    context.add_init_script(f'sessionStorage.setItem("contacts.key", {json.dumps(key)})')
    page = context.new_page()
    page.goto(address)
    page.locator("main h1").wait_for()
    page.locator(".loading").first.wait_for(state="detached")
    page.wait_for_load_state("networkidle")  # The total is counted apart.
    page.evaluate("() => document.activeElement.blur()")
    taken = as_webp(page)
    context.close()
    return taken


def as_webp(page: "Page") -> bytes:
    """What the window shows. (Playwright itself writes PNG and JPEG only.)"""
    debugger = page.context.new_cdp_session(page)
    shot = debugger.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return b64decode(shot["data"])


def write(file: Path, picture: bytes) -> None:
    """Keep a picture.

    Raises:
        LocalStackError: it is too large for a README.
    """
    if len(picture) > LARGEST:
        raise LocalStackError(f"{file.name} has {len(picture):,} bytes of {LARGEST:,}")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture)
    print(f"{file.name}: {len(picture):,} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
