"""`POST /v1/contacts`, traced: how many of our files and calls a reader meets (docs/decisions/0063)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from local.stack import ROOT
from tests.support.accounts import Accounts

MOST_FILES: Final = 28
MOST_CALLS: Final = 123
"""From one file into another."""
MOST_MODULES: Final = 34
"""Ours, without packages, that a function loads to create contacts."""
OURS: Final = (f"{ROOT}/layers/contacts/contacts/", f"{ROOT}/functions/")


class Trace:
    """The files that calls go through, and the calls between them."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self._stack: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if not file.startswith(OURS):
            return
        if event == "call":
            self.files.add(file)
            if self._stack and self._stack[-1] != file:
                self.calls.append((self._stack[-1], file))
            self._stack.append(file)
        elif event == "return" and self._stack:
            self._stack.pop()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Traces what is done meanwhile."""
        sys.setprofile(self)
        try:
            yield
        finally:
            sys.setprofile(None)


def test_it_goes_through_few_files(accounts: Accounts) -> None:
    account = accounts.open()
    for number in range(2):  # The next one finds all that is remembered.
        account.api.created(email=f"ada+{number}@example.com")
    trace = Trace()
    with trace.taken():
        account.api.created(email="grace@example.com")
    assert 20 < len(trace.files) <= MOST_FILES, sorted(trace.files)
    assert 60 < len(trace.calls) <= MOST_CALLS, trace.calls


def test_it_loads_few_modules() -> None:
    loaded = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("handler", "functions/create_contact/handler.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(*(name for name, module in sys.modules.items()
        if name.startswith("contacts.") and not hasattr(module, "__path__")))
"""
    done = subprocess.run(
        [sys.executable, "-c", loaded],
        cwd=ROOT,
        env={"PYTHONPATH": "layers/contacts", "AWS_DEFAULT_REGION": "us-east-1", "TABLE_NAME": "t"},
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stdout.split()
    assert 20 < len(modules) <= MOST_MODULES, modules
