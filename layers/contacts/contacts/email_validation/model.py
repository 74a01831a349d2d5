"""What is found out about an email address, and why one is invalid."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contacts.book.model import ValidationStatus


class Reason(StrEnum):
    """Why an address is invalid."""

    SYNTAX = "syntax"
    """It is no email address."""
    DISPOSABLE = "disposable"
    """Its domain hands out addresses that are thrown away after use."""
    NO_MX = "no_mx"
    """Its domain does not exist, or has neither a mail exchanger nor an address (RFC 5321 §5.1)."""
    NULL_MX = "null_mx"
    """Its domain says that it takes no mail (RFC 7505)."""
    BOUNCED = "bounced"
    """Mail to it came back for good."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a contact's `validation_status` and `validation_reason` become."""

    status: ValidationStatus
    reason: Reason | None = None


VALID: Final = Verdict(ValidationStatus.VALID)


def invalid(reason: Reason) -> Verdict:
    """The verdict that mail to an address cannot arrive."""
    return Verdict(ValidationStatus.INVALID, reason)
