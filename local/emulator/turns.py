"""In which order the emulator answers: requests to the API first, calls of what streams and queues invoke second.

On AWS no request waits for another account's import: its function has processors of its own, and DynamoDB answers
thousands of calls side by side. The emulator is one thread. A request is a dozen steps of its event loop, and without
turns it waits at each step for the calls of an import: it takes four times as long.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

MAX_CONCURRENT_REQUESTS: Final = 2 * (os.cpu_count() or 1)
"""More would only take memory, and time: each that waits for another has to start first, and a function that waits for
DynamoDB waits for this machine's own processors."""
LONGEST_WAIT_S: Final = 0.05
"""Seconds that a follower's call waits for requests, counted from when it came. A request takes some 20 ms: usually
nothing is called meanwhile. Where requests never end, what follows goes on, slowly."""
PASSES: Final = 2
"""Passes of the event loop before each follower's call: what else has arrived is dealt with first."""


class Turns:
    """Who may be answered now. Requests are from clients; followers are functions that a stream or a queue invokes."""

    def __init__(self) -> None:
        self._requests = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        self._answering = 0
        self._nobody_asks = asyncio.Event()
        self._follower_turn = asyncio.Lock()
        self._calls_of: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def of_request(self) -> AsyncIterator[None]:
        """Waits until a request may be answered."""
        async with self._requests:
            self._answering += 1
            self._nobody_asks.clear()
            try:
                yield
            finally:
                self._answering -= 1
                if not self._answering:
                    self._nobody_asks.set()

    @asynccontextmanager
    async def of_follower(self, name: str) -> AsyncIterator[None]:
        """Waits until a call of the follower with this name may be answered: one call of all followers at a time.

        Followers take turns, however many calls each has waiting: an import has eight, a webhook one.
        """
        came = time.monotonic()
        async with self._calls_of[name], self._follower_turn:
            for _ in range(PASSES):
                await asyncio.sleep(0)
            if self._answering:
                with suppress(TimeoutError):
                    left = came + LONGEST_WAIT_S - time.monotonic()
                    await asyncio.wait_for(self._nobody_asks.wait(), max(0, left))
            yield
