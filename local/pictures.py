"""`python -m local.pictures`: the README's pictures of the console, light and dark, of the Demo shop.

It starts a stack of its own, fills it as `make demo` does, and looks at it in Chromium.
"""

import argparse
import json
import sys
import tempfile
from base64 import b64decode
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.console.browser import chromium
from local.demo_shop import shop
from local.errors import LocalStackError
from local.smoke import Api, Failed
from local.stack import ROOT, LocalStack, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Make the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.pictures")
    parser.add_argument("--size", type=int, default=5_000)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they are written")
    given = parser.parse_args()
    try:
        with demo(given.size) as (url, made), chromium() as browser:
            for name, route in routes(url, made).items():
                for scheme in SCHEMES:
                    taken = picture(browser, f"{url}/console#{route}", made["keys"]["native"], scheme)
                    write(given.folder / f"{name}-{scheme}.webp", taken)
    except (LocalStackError, Failed) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def demo(size: int) -> "Iterator[tuple[str, Json]]":
    """A stack with the Demo shop: its address, and what demo.json says."""
    with (
        tempfile.TemporaryDirectory(prefix="contacts-pictures-") as folder,
        LocalStack(Path(folder), free_port(), persistent=False) as stack,
    ):
        yield stack.url, shop.make(stack.description, size)


def routes(url: str, made: Json) -> dict[str, str]:
    """What is on the pictures: the list of contacts, and one with a history."""
    answer = Api(url, made["keys"]["native"]).expect(
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
