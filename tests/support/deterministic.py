"""A clock and a randomness that tests can foresee."""

from hashlib import sha256
from itertools import count

_never_the_same = count(1)


class SetClock:
    """`core.time.Clock` that stands still until it is set or slept on."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.slept = 0.0
        """Seconds that were waited for; they do not pass."""

    def now_ms(self) -> int:
        return self.at_ms

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


class Dice:
    """`core.ids.Randomness`: the ids that a label draws are always the same, all else never comes twice."""

    ID_BYTES = 10

    def __init__(self, label: str) -> None:
        self._label = label
        self._drawn = count(1)

    def __call__(self, size: int, /) -> bytes:
        if size == self.ID_BYTES:
            return sha256(f"{self._label} {next(self._drawn)}".encode()).digest()[:size]
        return next(_never_the_same).to_bytes(max(size, 16))[-size:]
