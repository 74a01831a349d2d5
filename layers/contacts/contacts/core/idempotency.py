"""Carrying out a request once, however often it is sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from contacts.core.errors import (
    ContactNotFound,
    Contention,
    IdempotencyKeyReused,
)
from contacts.core.ids import Randomness
from contacts.core.time import Clock

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A request that is to be carried out once: its Idempotency-Key and the hash of what it asks (hex)."""

    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class IdempotencyRecord(Generic[Result]):
    """What an Idempotency-Key already stands for."""

    request_hash: str
    outcome: Result | None
    """None where the person it was about has been erased since, and the answer with them."""


class ConcurrentModification(Exception):
    """Raised by a store when the contact is no longer as it was read; nothing was written."""


class AlreadyRecorded(Exception):
    """Raised by a store when the Idempotency-Key has a record already; nothing was written."""

    def __init__(self, record: IdempotencyRecord[Any]) -> None:
        super().__init__("already recorded")
        self.record = record


def run_idempotent(
    attempt: Callable[[], Result],
    idempotency_key: IdempotencyKey | None,
    clock: Clock,
    randomness: Randomness,
) -> Result:
    """Attempt until no other writer is in the way, unless the request turns out to have been carried out before.

    Raises:
        Contention, and whatever `replay` raises.
    """
    try:
        return retry_on_conflict(attempt, clock, randomness)
    except AlreadyRecorded as already:
        record: IdempotencyRecord[Result] = already.record
        return replay(record, idempotency_key)


def replay(record: IdempotencyRecord[Result], idempotency_key: IdempotencyKey | None) -> Result:
    """The outcome on record, if it is of this very request.

    Raises:
        IdempotencyKeyReused: the key was used for another one.
        ContactNotFound: the contact it was about has been erased, and so has the answer.
    """
    if idempotency_key is None or record.request_hash != idempotency_key.request_hash:
        raise IdempotencyKeyReused
    if record.outcome is None:
        raise ContactNotFound("The contact this request was about has been erased.")
    return record.outcome


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


def retry_on_conflict(attempt: Callable[[], Result], clock: Clock, randomness: Randomness) -> Result:
    """What an attempt gives back once no other writer is in its way; each looks anew at what there is.

    Raises:
        Contention: others were faster every time.
    """
    for _ in tries(clock, randomness):
        try:
            return attempt()
        except (ConcurrentModification, Contention):
            continue
    raise Contention
