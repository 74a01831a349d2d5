"""What is found out about an email address, and why one is invalid."""

from dataclasses import dataclass
from typing import Final

from contacts.book.model import Reason, ValidationStatus


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a contact's `validation_status` and `validation_reason` become."""

    status: ValidationStatus
    reason: Reason | None = None


VALID: Final = Verdict(ValidationStatus.VALID)


def invalid(reason: Reason) -> Verdict:
    """The verdict that mail to an address cannot arrive."""
    return Verdict(ValidationStatus.INVALID, reason)
