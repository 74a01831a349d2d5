"""Verdicts on email addresses."""

from dataclasses import dataclass
from typing import Final

from contacts.book.model import Reason, ValidationStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a validation: a contact's `validation_status` and `validation_reason`."""

    status: ValidationStatus
    reason: Reason | None = None


VALID: Final = Verdict(ValidationStatus.VALID)


def invalid(reason: Reason) -> Verdict:
    """The verdict on an address that cannot receive mail."""
    return Verdict(ValidationStatus.INVALID, reason)
