"""Bounces that Amazon SES tells of: an address that refuses mail for good becomes invalid, in the account it was for.

What SES sends: "Contents of event data" and "Amazon SNS notification contents" in its developer guide. Marking an
address twice is marking it once, so a notification may come any number of times.
"""

import json
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import Any, Final, Protocol

from contacts.domain.contact import Contact
from contacts.domain.identity import MAX_EMAIL, Name, NameKind, is_uuid, looked_up_email
from contacts.domain.verdicts import Reason
from contacts.services.ports import Clock, Moved, Randomness
from contacts.services.retrying import settled

ACCOUNT_TAG: Final = "account_id"
"""The message tag by which the sender says for which account an email is."""
ACCOUNT_HEADER: Final = "x-contacts-account-id"
"""The header that says the same, where tags are not told: notifications of an identity have none."""
_GREETING: Final = "Successfully validated SNS topic"
"""How the text begins, no JSON, that SES sends when a topic is made an event destination."""


class Addressees(Protocol):
    """The contacts that mail was sent to."""

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """A live contact, as of the latest write."""
        ...

    def contact_id_of(self, account_id: str, email: str) -> str | None:
        """The id of the live contact that an email leads to."""
        ...

    def mark_bounced(self, account_id: str, contact_id: str, email: str) -> bool:
        """Make the contact's address invalid; False where the contact has another one by now, or has bounced already.

        Raises:
            TemporarilyUnavailable.
        """
        ...


class BounceRecorder:
    """Marks addresses that bounced."""

    def __init__(
        self,
        contacts: Addressees,
        clock: Clock,
        randomness: Randomness,
        nobodys: Callable[[str], None],
    ) -> None:
        """`nobodys`: is told SES's message id where a bounce does not say for which account it is."""
        self._contacts = contacts
        self._clock = clock
        self._randomness = randomness
        self._nobodys = nobodys

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
            self._nobodys(told["mail"]["messageId"])
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
                raise Moved  # It has gone, or given the email away, since the email led to it.
            if contact.email != email or contact.validation_reason == Reason.BOUNCED:
                return  # A verdict is about the contact's own email, not one that came with a merge.
            if not self._contacts.mark_bounced(account_id, contact_id, email):
                raise Moved

        settled(attempt, self._clock, self._randomness)


def _account_of(mail: Mapping[str, Any]) -> str | None:
    """The account that an email was sent for, as its tag or its header says."""
    tagged = mail.get("tags", {}).get(ACCOUNT_TAG, [])[:1]
    headed = [
        header["value"].strip()
        for header in mail.get("headers", ())
        if header["name"].lower() == ACCOUNT_HEADER
    ]
    return next((account_id.lower() for account_id in (*tagged, *headed) if is_uuid(account_id)), None)
