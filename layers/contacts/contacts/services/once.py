"""Carrying out a request once, however often it is sent."""

from collections.abc import Callable

from contacts.domain.errors import ContactNotFound, IdempotencyKeyReused
from contacts.domain.outcome import Outcome, Receipt, RecordedRequest
from contacts.services.ports import AlreadyRecorded, Clock, Randomness
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
