"""Judging the email address of a contact: its syntax, its domain, and what the DNS says of that.

May be asked for the same contact any number of times: only one that is pending is judged, and a verdict counts only
for the address that was looked at.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from contacts.domain.contact import Contact, ValidationStatus
from contacts.domain.identity import stored_email
from contacts.domain.verdicts import VALID, Reason, Verdict, invalid
from contacts.services.ports import Clock, Randomness
from contacts.services.retrying import settled

_PAUSES_S: Final = (60, 5 * 60, 15 * 60, 30 * 60)
"""Seconds until a message comes back after it was received the first, second, third and fourth time: 51 minutes."""


class JudgedContacts(Protocol):
    """The contacts whose addresses are judged, and what is known of domains."""

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """A live contact, as of the latest write."""
        ...

    def judge(self, account_id: str, contact_id: str, email: str, verdict: Verdict) -> None:
        """Write a verdict, unless the contact has another email by now or is no longer pending.

        Raises:
            TemporarilyUnavailable.
        """
        ...

    def known(self, domain: str, now_s: int) -> Verdict | None:
        """What the DNS said of a domain less than a day ago; None where nobody has asked."""
        ...

    def remember(self, domain: str, verdict: Verdict, now_s: int) -> None:
        """Keep for a day what the DNS says of a domain."""
        ...


class Resolver(Protocol):
    """Knows from the DNS whether a domain takes mail."""

    def verdict_on(self, domain: str) -> Verdict | None:
        """Valid, `no_mx` or `null_mx`, within a few seconds; None where the DNS gives no answer now."""
        ...


def pause_after(times_received: int) -> int:
    """Seconds until a message that could not be settled comes back.

    It is received five times within an hour. After the fifth time it comes back at once, which makes the queue's
    redrive policy take it away.
    """
    return _PAUSES_S[times_received - 1] if times_received <= len(_PAUSES_S) else 0


class EmailValidator:
    """Judges addresses."""

    def __init__(
        self,
        contacts: JudgedContacts,
        is_disposable: Callable[[str], bool],
        resolver: Resolver | None,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`resolver`: None where the DNS is not to be asked."""
        self._contacts = contacts
        self._is_disposable = is_disposable
        self._resolver = resolver
        self._clock = clock
        self._randomness = randomness

    def settle(self, account_id: str, contact_id: str) -> bool:
        """Judge the contact's address if that is still to be done; False where no verdict can be had now.

        Raises:
            TemporarilyUnavailable: the table throttles or does not answer.
        """
        contact = self._contacts.contact(account_id, contact_id)
        if contact is None or contact.email is None:
            return True
        if contact.validation_status is not ValidationStatus.PENDING:
            return True
        verdict = self._verdict_on(contact.email)
        if verdict is None:
            return False
        judge = partial(self._contacts.judge, account_id, contact_id, contact.email, verdict)
        settled(judge, self._clock, self._randomness)
        return True

    def _verdict_on(self, email: str) -> Verdict | None:
        try:
            domain = stored_email(email).rpartition("@")[2]
        except ValueError:
            return invalid(Reason.SYNTAX)
        if self._is_disposable(domain):
            return invalid(Reason.DISPOSABLE)
        return VALID if self._resolver is None else self._verdict_of_dns(domain, self._resolver)

    def _verdict_of_dns(self, domain: str, resolver: Resolver) -> Verdict | None:
        now_s = self._clock.now_ms() // 1000
        known = self._contacts.known(domain, now_s)
        if known is not None:
            return known
        verdict = resolver.verdict_on(domain)
        if verdict is not None:
            self._contacts.remember(domain, verdict, now_s)
        return verdict
