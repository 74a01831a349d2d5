"""Trying again after losing to another writer, within bounds."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from contacts.domain.errors import Contention
from contacts.services.ports import Clock, Moved, Randomness

Result = TypeVar("Result")

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


def settled(attempt: Callable[[], Result], clock: Clock, randomness: Randomness) -> Result:
    """What an attempt gives back once no other writer is in its way; each looks anew at what there is.

    Raises:
        Contention: others were faster every time.
    """
    for _ in tries(clock, randomness):
        try:
            return attempt()
        except (Moved, Contention):
            continue
    raise Contention
