"""Chromium without a window, driven by its DevTools protocol over pipes: no driver, no package, no port."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from local.console.browser import program

SECONDS_TO_ANSWER = 60
SECONDS_TO_END = 10
_PIPED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium takes commands from its file descriptor 3 and answers on 4."""


class PageError(AssertionError):
    """Raised when the page does not do what it is asked to."""


class Page:
    """One page of a browser: what it asks for, what goes wrong on it, and what a user does."""

    def __init__(self, pipe: "_Pipe") -> None:
        self._pipe = pipe
        target = pipe.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._call(
            "Emulation.setDeviceMetricsOverride", width=1280, height=1600, deviceScaleFactor=1, mobile=False
        )

    def open(self, url: str) -> None:
        """Go to an address."""
        self._call("Page.navigate", url=url)

    def wait_for(self, expression: str, seconds: float = 30) -> Any:
        """The value of a JavaScript expression, once there is one that is not false."""
        deadline = time.monotonic() + seconds
        while not (value := self.value_of(expression)):
            if time.monotonic() > deadline:
                raise PageError(f"after {seconds} s still nothing: {expression}; {self.complaints()}")
            time.sleep(0.05)
        return value

    def value_of(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise PageError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Click on an element, once it is there."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        element = f"document.querySelector({json.dumps(selector)})"
        self.value_of(f"{element}.scrollIntoView({{block: 'center'}}); {element}.click()")

    def type(self, selector: str, text: str) -> None:
        """Type a text into a field, once it is there."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        self.value_of(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def text_of(self, selector: str) -> str:
        """What can be read in an element, once there is something."""
        text: str = self.wait_for(f"document.querySelector({json.dumps(selector)})?.innerText")
        return text

    def requested(self) -> list[str]:
        """Every address that the page has asked for; not what stands in the page itself."""
        asked = self._pipe.told("Network.requestWillBeSent", self._session)
        urls = [told["request"]["url"] for told in asked]
        return [url for url in urls if not url.startswith(("data:", "blob:", "about:"))]

    def complaints(self) -> list[str]:
        """What the page threw, logged as an error, or was not allowed to do."""
        thrown = self._pipe.told("Runtime.exceptionThrown", self._session)
        logged = self._pipe.told("Log.entryAdded", self._session)
        return [str(told["exceptionDetails"]) for told in thrown] + [
            f"{told['entry']['text']} {told['entry'].get('url', '')}"
            for told in logged
            if told["entry"]["level"] == "error"
        ]

    def screenshot(self) -> bytes:
        """The page as a PNG."""
        return b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        return self._pipe.call(method, self._session, **parameters)


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page of a Chromium that knows no host but this machine; its profile lies in a folder."""
    chromium = program()
    assert chromium is not None
    # Above those that the program is given.
    to_read, to_write = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in _closed_after(os.pipe()))
    from_read, from_write = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in _closed_after(os.pipe()))
    options = [
        *("--headless=new", "--remote-debugging-pipe", f"--user-data-dir={folder}"),
        *("--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Its sandbox is not for root.
    with (folder / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PIPED, str(to_read), str(from_write), chromium, *options],
            pass_fds=(to_read, from_write),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    os.close(to_read)
    os.close(from_write)
    pipe = _Pipe(to_write, from_read)
    try:
        yield Page(pipe)
    finally:
        os.close(to_write)  # Which it takes for the end.
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # Its session is its own: nothing but it and its children.
        process.wait()
        pipe.end()


def _closed_after(ends: tuple[int, int]) -> Iterator[int]:
    for end in ends:
        yield end
        os.close(end)


class _Pipe:
    """Commands and answers as JSON, each ended by NUL."""

    def __init__(self, write_to: int, read_from: int) -> None:
        self._write_to = write_to
        self._read_from = os.fdopen(read_from, "rb", buffering=0)
        self._number = 0
        self._answers: Queue[Any] = Queue()
        self._events: list[Any] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """What the browser answers to a command."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            command["sessionId"] = session
        os.write(self._write_to, json.dumps(command).encode() + b"\0")
        try:
            answer = self._answers.get(timeout=SECONDS_TO_ANSWER)
        except Empty:
            raise PageError(f"the browser does not answer to {method}") from None
        if "error" in answer:
            raise PageError(f"{method}: {answer['error']}")
        assert answer["id"] == self._number
        return answer["result"]

    def told(self, event: str, session: str) -> list[Any]:
        """What the browser has told of an event."""
        return [
            told["params"]
            for told in list(self._events)
            if told["method"] == event and told.get("sessionId") == session
        ]

    def end(self) -> None:
        """Wait until nothing more comes."""
        self._reader.join(SECONDS_TO_END)
        self._read_from.close()

    def _read(self) -> None:
        pending = b""
        while chunk := self._read_from.read(1 << 16):
            *messages, pending = (pending + chunk).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers.put(message)
                else:
                    self._events.append(message)


def distinct_rows(png: bytes) -> int:
    """How many different rows of pixels a PNG has: of a blank one, one or two."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(png[16:20])
    depth = {2: 3, 6: 4}[png[25]]  # bytes of a pixel: RGB, RGBA
    packed, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    pixels, row = zlib.decompress(packed), width * depth + 1
    return len({pixels[start : start + row] for start in range(0, len(pixels), row)})
