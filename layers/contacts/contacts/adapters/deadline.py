"""How much of a request's time is left."""

from math import inf
from time import monotonic


class Deadline:
    """When the request that is being served must be answered; a process serves one at a time."""

    def __init__(self) -> None:
        self._ends = inf

    def begin(self, seconds: float) -> None:
        """A request begins that must be answered within so many seconds."""
        self._ends = monotonic() + seconds

    def leaves(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        return monotonic() + seconds <= self._ends
