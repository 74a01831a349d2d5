"""MiniStack's own process: `python -I local/emulator.py`, run by the interpreter of .venv/ministack.

What a person's machine needs and `python -m ministack` does not do:

- MiniStack writes its state only when it is asked to end. Here the data is also written while it runs, so that
  a crash or `kill -9` loses seconds, not the day.
- MiniStack gives each concurrent invocation a process of its own, without limit. A hundred requests at once
  would start a hundred interpreters on a laptop; here the rest wait for their turn.
- Each of those processes unpacks the layers for itself, inside the emulator, where nothing else runs meanwhile:
  half a second each. Here a layer is unpacked once and shared.
- It ends when the process that started it ends, however that ended.
"""

import asyncio
import hashlib
import os
import signal
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import ministack.app as ministack
from ministack.core import lambda_runtime
from ministack.core.persistence import PERSIST_STATE, save_all

# Where the API answers. Functions reach the emulator as `localhost`, so none of them ever waits in this line.
API_HOST = "127.0.0.1"

# Deploying changes everything and is followed by a request to this path. Between deployments only data changes.
SAVE_PATH = "/_local/save"
DATA = ("dynamodb", "sqs", "scheduler")

# Writing the data blocks the emulator, so it may take at most one part in twenty of the time.
SECONDS_BETWEEN_SAVES = 2.0
SAVE_SHARE = 20

# More would only take memory: a function that waits for DynamoDB waits for this machine's own processors.
MAX_CONCURRENT_REQUESTS = 4 * (os.cpu_count() or 1)


class Emulator:
    """MiniStack's ASGI application with the habits above."""

    def __init__(self, application):
        self.application = application
        self.turns = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        self.changed = False
        self.saver = None

    async def __call__(self, scope, receive, send):
        """Answers one request."""
        if scope["type"] != "http":
            return await self.application(scope, receive, send)
        if scope["path"] == SAVE_PATH:
            return await self.answer_save(send)
        self.changed = True
        if PERSIST_STATE and self.saver is None:
            self.saver = asyncio.create_task(self.save_now_and_then())
        if is_api_request(scope):
            async with self.turns:
                return await self.application(scope, receive, send)
        return await self.application(scope, receive, send)

    async def answer_save(self, send):
        """Writes everything, and answers when it is on disk."""
        if PERSIST_STATE:
            save_all(ministack._build_persistence_save_dict())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def save_now_and_then(self):
        """Writes the data while there are changes.

        Every DynamoDB call is one step of the event loop and so is this, so what is written is a moment in time.
        """
        pause = SECONDS_BETWEEN_SAVES
        while True:
            await asyncio.sleep(pause)
            if self.changed:
                self.changed = False
                started = time.monotonic()
                everything = ministack._build_persistence_save_dict()
                save_all({name: everything[name] for name in DATA if name in everything})
                pause = max(SECONDS_BETWEEN_SAVES, SAVE_SHARE * (time.monotonic() - started))


def is_api_request(scope) -> bool:
    """Whether a client of the API sent this, not a function or a tool that takes the emulator for AWS."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return host.split(b":")[0] == API_HOST.encode()


class SharedZipFile(zipfile.ZipFile):
    """A zip file whose content is unpacked once; everyone else gets links to it."""

    unpacking = threading.Lock()

    def extractall(self, path=None, members=None, pwd=None):
        """Makes `path` hold what the zip file holds."""
        content = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "unpacked" / content
        with self.unpacking:
            if not shared.exists():
                unfinished = shared.with_suffix(".unfinished")
                super().extractall(unfinished, members, pwd)
                unfinished.rename(shared)
        for entry in shared.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


class ZipModule:
    """What the emulator's workers take for the module zipfile."""

    ZipFile = SharedZipFile

    def __getattr__(self, name):
        """Everything else of the module."""
        return getattr(zipfile, name)


def end_with_parent() -> None:
    """Ends this process in good order as soon as its standard input, the parent's pipe, is closed."""
    # Not sys.stdin: the interpreter could not end while a thread reads that.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    lambda_runtime.zipfile = ZipModule()
    # `main` looks its application up by this name.
    ministack.app = Emulator(ministack.app)
    sys.argv = ["ministack"]
    ministack.main()
