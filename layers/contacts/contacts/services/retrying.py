"""Trying again after losing to another writer, within bounds."""

from collections.abc import Iterator
from typing import Final

from contacts.domain.errors import Contention
from contacts.services.ports import Clock, Randomness

TRIES: Final = 8
FIRST_PAUSE: Final = 0.025
"""Seconds; each further pause is up to twice as long ("full jitter": a random share of it)."""
LONGEST_PAUSE: Final = 0.8


def tries(clock: Clock, randomness: Randomness) -> Iterator[int]:
    """Count the tries, with a growing random pause before each but the first.

    Raises:
        Contention: every try was used.
    """
    pause = FIRST_PAUSE
    for attempt in range(TRIES):
        if attempt:
            clock.sleep(pause * randomness(1)[0] / 255)
            pause = min(2 * pause, LONGEST_PAUSE)
        yield attempt
    raise Contention
