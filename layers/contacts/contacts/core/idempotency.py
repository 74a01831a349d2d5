"""Idempotent requests, and retries after another writer was faster.

A request with an Idempotency-Key leaves a record in the transaction of its change. When the request is repeated, the
record is in the way of the transaction, and its outcome is returned instead.
"""

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
    """The Idempotency-Key of a request, and what it stands for: the request, as two hashes."""

    key: str
    request_hash: str
    """SHA-256 (hex) of the bytes of the request."""
    meaning_hash: str | None = None
    """Of what the body says, however it is spelled: half a SHA-256 (32 hex digits). None: the body is no JSON."""


@dataclass(frozen=True, slots=True)
class IdempotencyRecord(Generic[Result]):
    """What an earlier request with an Idempotency-Key asked, and did."""

    request_hash: str
    outcome: Result | None
    """None: the contact has been erased since, and the outcome with it."""
    meaning_hash: str | None = None
    """None: an earlier release has left the record, or the body was no JSON."""

    def is_of(self, request: IdempotencyKey) -> bool:
        """Whether a request says what the recorded one said."""
        if self.request_hash == request.request_hash:
            return True
        return self.meaning_hash is not None and self.meaning_hash == request.meaning_hash


class ConcurrentModification(Exception):
    """Raised by a store when what it was to write has changed since it was read; nothing was written."""


class AlreadyRecorded(Exception):
    """Raised by a store when the Idempotency-Key has a record; nothing was written."""

    def __init__(self, record: IdempotencyRecord[Any]) -> None:
        super().__init__("already recorded")
        self.record = record


def run_idempotent(
    attempt: Callable[[], Result],
    idempotency_key: IdempotencyKey | None,
    clock: Clock,
    randomness: Randomness,
) -> Result:
    """Call `attempt` until no other writer interferes. If the request was carried out before, return what it did then.

    Raises:
        Contention, and whatever `replay` raises.
    """
    try:
        return retry_on_conflict(attempt, clock, randomness)
    except AlreadyRecorded as already:
        record: IdempotencyRecord[Result] = already.record
        return replay(record, idempotency_key)


def replay(record: IdempotencyRecord[Result], idempotency_key: IdempotencyKey | None) -> Result:
    """Returns the recorded outcome, if the record is of the same request.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
        ContactNotFound: the contact has been erased since, and the outcome with it.
    """
    if idempotency_key is None or not record.is_of(idempotency_key):
        raise IdempotencyKeyReused
    if record.outcome is None:
        raise ContactNotFound("The contact this request was about has been erased.")
    return record.outcome


TRIES: Final = 8
FIRST_PAUSE: Final = 0.025
"""Seconds before the second try. Each further pause doubles; a random share of it is waited ("full jitter")."""
LONGEST_PAUSE: Final = 0.8
"""Seconds."""


def tries(clock: Clock, randomness: Randomness) -> Iterator[int]:
    """Yields the number of each try, after a growing random pause before every try but the first.

    Raises:
        Contention: all tries are used.
    """
    pause = FIRST_PAUSE
    for attempt in range(TRIES):
        if attempt:
            clock.sleep(pause * randomness(1)[0] / 255)
            pause = min(2 * pause, LONGEST_PAUSE)
        yield attempt
    raise Contention


def retry_on_conflict(attempt: Callable[[], Result], clock: Clock, randomness: Randomness) -> Result:
    """Returns what `attempt` returns once no other writer interferes. Each call of `attempt` reads anew.

    Raises:
        Contention: other writers were faster in every try.
    """
    for _ in tries(clock, randomness):
        try:
            return attempt()
        except (ConcurrentModification, Contention):
            continue
    raise Contention
