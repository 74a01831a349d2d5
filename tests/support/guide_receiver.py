"""The receiver of docs/webhooks.md, cut out of the page and run."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from local.stack import free_port
from tests.support.guides import blocks, section

PATIENCE = 20.0
"""Seconds."""


@dataclass(frozen=True)
class GuideReceiver:
    """A running receiver."""

    port: int
    printed: Path

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Send it a request; the status it answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        finally:
            connection.close()

    def lines(self) -> list[list[str]]:
        """The words of each line that it has printed."""
        return [line.split() for line in self.printed.read_text(encoding="utf-8").splitlines()]


@contextmanager
def guide_receiver(secret: str, folder: Path, port: int | None = None) -> Iterator[GuideReceiver]:
    """Run it with a secret, for as long as it is entered; `port`: None for any that is free."""
    port = port or free_port()
    (code,) = blocks(section("webhooks.md", "A receiver in twenty lines"), "python")
    script = folder / "receiver.py"
    script.write_text(code, encoding="utf-8")
    printed, complaints = folder / "printed", folder / "complaints"
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with printed.open("w") as output, complaints.open("w") as errors:
        process = subprocess.Popen([sys.executable, script], env=environment, stdout=output, stderr=errors)
    try:
        _wait_for(port, process, complaints)
        yield GuideReceiver(port, printed)
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], complaints: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(complaints.read_text(encoding="utf-8"))
