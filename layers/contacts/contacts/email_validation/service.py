"""Judging the email address of a contact: its syntax, its domain, and what the DNS says of that.

May be asked for the same contact any number of times: only one that is pending is judged, and a verdict counts only
for the address that was looked at.
"""

import json
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from functools import partial
from typing import Any, Final, Protocol

from contacts.book.model import Reason, ValidationStatus
from contacts.core.idempotency import ConcurrentModification, retry_on_conflict
from contacts.core.ids import MAX_EMAIL, Name, NameKind, Randomness, is_uuid, looked_up_email, stored_email
from contacts.core.time import Clock
from contacts.email_validation.model import VALID, Verdict, invalid
from contacts.email_validation.store import VerdictStore

_PAUSES_S: Final = (60, 5 * 60, 15 * 60, 30 * 60)
"""Seconds until a message comes back after it was received the first, second, third and fourth time: 51 minutes."""


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
        contacts: VerdictStore,
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

    def validate(self, account_id: str, contact_id: str) -> bool:
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
        record = partial(self._contacts.record_verdict, account_id, contact_id, contact.email, verdict)
        retry_on_conflict(record, self._clock, self._randomness)
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


ACCOUNT_TAG: Final = "account_id"
"""The message tag by which the sender says for which account an email is."""
ACCOUNT_HEADER: Final = "x-contacts-account-id"
"""The header that says the same, where tags are not told: notifications of an identity have none."""
_GREETING: Final = "Successfully validated SNS topic"
"""How the text begins, no JSON, that SES sends when a topic is made an event destination."""


class BounceRecorder:
    """Marks addresses that bounced."""

    def __init__(
        self,
        contacts: VerdictStore,
        clock: Clock,
        randomness: Randomness,
        on_unknown_account: Callable[[str], None],
    ) -> None:
        """`on_unknown_account`: is told SES's message id where a bounce does not say for which account it is."""
        self._contacts = contacts
        self._clock = clock
        self._randomness = randomness
        self._on_unknown_account = on_unknown_account

    def record(self, notification: str) -> None:
        """Mark every address for which a notification tells of a permanent bounce; all else is of no concern.

        A bounce of no account is not an error: it would be of none the next time, too. Whatever is none of SES's
        notifications raises what reading it raises.

        Raises:
            TemporarilyUnavailable: some may be marked, some not.
        """
        if notification.startswith(_GREETING):
            return
        told: Mapping[str, Any] = json.loads(notification)
        kind = told["notificationType"] if "notificationType" in told else told["eventType"]
        if kind != "Bounce" or told["bounce"]["bounceType"] != "Permanent":
            return
        addresses = [recipient["emailAddress"] for recipient in told["bounce"]["bouncedRecipients"]]
        account_id = _account_of(told["mail"])
        if account_id is None:
            self._on_unknown_account(told["mail"]["messageId"])
            return
        for address in addresses:
            email = looked_up_email(parseaddr(address)[1])
            if email and len(email) <= MAX_EMAIL:
                self._mark(account_id, email)

    def _mark(self, account_id: str, email: str) -> None:
        def attempt() -> None:
            contact_id = self._contacts.contact_id_of(account_id, email)
            if contact_id is None:
                return
            contact = self._contacts.contact(account_id, contact_id)
            if contact is None or Name(NameKind.EMAIL, email) not in contact.names:
                raise ConcurrentModification  # It has gone, or given the email away, since the email led to it.
            if contact.email != email or contact.validation_reason == Reason.BOUNCED:
                return  # A verdict is about the contact's own email, not one that came with a merge.
            if not self._contacts.mark_bounced(account_id, contact_id, email):
                raise ConcurrentModification

        retry_on_conflict(attempt, self._clock, self._randomness)


def _account_of(mail: Mapping[str, Any]) -> str | None:
    """The account that an email was sent for, as its tag or its header says."""
    tagged = mail.get("tags", {}).get(ACCOUNT_TAG, [])[:1]
    headed = [
        header["value"].strip()
        for header in mail.get("headers", ())
        if header["name"].lower() == ACCOUNT_HEADER
    ]
    return next((account_id.lower() for account_id in (*tagged, *headed) if is_uuid(account_id)), None)
