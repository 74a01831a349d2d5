"""Waiting for what happens by itself a moment later."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PATIENCE = 30.0
"""Seconds: far more than it takes, so that a busy machine fails no test."""

REMEMBERED_S = 60.0
"""Seconds for which a function may go by what it knows of a key, an account or the switches."""


def until(look: Callable[[], Found], seconds: float = PATIENCE) -> Found:
    """What `look` finds, as soon as it is true (or all that it found until the end)."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def known_everywhere(since: float) -> None:
    """Waits until every function knows what was changed. `since`: when it was, on the monotonic clock."""
    time.sleep(max(0.0, since + REMEMBERED_S - time.monotonic()))
