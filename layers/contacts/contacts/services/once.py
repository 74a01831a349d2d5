"""Carrying out a request once, however often it is sent."""

from contacts.domain.errors import ContactNotFound, IdempotencyKeyReused
from contacts.domain.outcome import Outcome, Receipt, RecordedRequest


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
