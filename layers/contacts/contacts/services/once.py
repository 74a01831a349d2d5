"""Carrying out a request once, however often it is sent."""

from collections.abc import Callable

from contacts.domain.errors import (
    ContactNotFound,
    ContactsError,
    IdempotencyKeyReused,
    TemporarilyUnavailable,
)
from contacts.domain.outcome import Outcome, Receipt, RecordedRequest
from contacts.services.ports import AlreadyRecorded, Clock, Randomness, RecordStore
from contacts.services.retrying import settled


def once(
    attempt: Callable[[], Outcome], receipt: Receipt | None, clock: Clock, randomness: Randomness
) -> Outcome:
    """Attempt until no other writer is in the way, unless the request turns out to have been carried out before.

    Raises:
        Contention, and whatever `replayed` raises.
    """
    try:
        return settled(attempt, clock, randomness)
    except AlreadyRecorded as already:
        return replayed(already.record, receipt)


def recalled(refusal: ContactsError, receipt: Receipt | None, records: RecordStore) -> Outcome:
    """What a request that is refused now did when it came before: its record wins, so that a repetition gets the answer
    it had even where the change itself would now fail.

    Raises:
        ContactsError: the refusal, where there is no record; else whatever `replayed` raises.
    """
    if receipt is None or isinstance(refusal, TemporarilyUnavailable):
        raise refusal
    record = records.recorded(receipt.key)
    if record is None:
        raise refusal
    return replayed(record, receipt)


def replayed(record: RecordedRequest, receipt: Receipt | None) -> Outcome:
    """The outcome on record, if it is of this very request.

    Raises:
        IdempotencyKeyReused: the key was used for another one.
        ContactNotFound: the contact it was about has been erased, and so has the answer.
    """
    if receipt is None or record.request_hash != receipt.request_hash:
        raise IdempotencyKeyReused
    if record.outcome is None:
        raise ContactNotFound("The contact this request was about has been erased.")
    return record.outcome
