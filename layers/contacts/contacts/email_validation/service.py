"""Validates the email addresses of contacts, and marks addresses that bounced.

A contact may be validated any number of times: only a pending address is looked at, and a verdict is written only if
the contact still has the address.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from email.utils import parseaddr
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from contacts.book.model import Reason, ValidationStatus
from contacts.core.idempotency import ConcurrentModification, retry_on_conflict
from contacts.core.ids import MAX_EMAIL, Name, NameKind, Randomness, is_uuid, looked_up_email, stored_email
from contacts.core.time import Clock
from contacts.email_validation.model import VALID, Verdict, invalid
from contacts.email_validation.store import VerdictStore

_PAUSES_S: Final = (60, 5 * 60, 15 * 60, 30 * 60)
"""Seconds until a message comes back after its first, second, third and fourth receipt: 51 minutes in all."""


class Resolver(Protocol):
    """Asks the DNS whether a domain receives mail."""

    def verdict_on(self, domain: str) -> Verdict | None:
        """Valid, `no_mx` or `null_mx`, within a few seconds; None: the DNS gives no answer now."""
        ...


def pause_after(times_received: int) -> int:
    """Seconds until a message comes back that asks for a validation without an answer of the DNS.

    The message is received five times within an hour. After the fifth receipt it comes back at once, so the queue's
    redrive policy moves it to the dead-letter queue.
    """
    return _PAUSES_S[times_received - 1] if times_received <= len(_PAUSES_S) else 0


Found = TypeVar("Found")


class OncePerInvocation(Generic[Found]):
    """Finds something once for each key and invocation. Threads that ask for one key wait for the first of them."""

    def __init__(self, find: Callable[[str], Found], invocation: Callable[[], int]) -> None:
        """`invocation`: returns the number of the invocation that is being served."""
        self._find = find
        self._invocation = invocation
        self._number = 0
        self._found: dict[str, Future[Found]] = {}

    def __call__(self, key: str) -> Found:
        """What was found for a key; what `find` raised, to all who asked in this invocation."""
        number = self._invocation()
        if number != self._number:
            self._found, self._number = {}, number
        own: Future[Found] = Future()
        found = self._found.setdefault(key, own)
        if found is own:
            try:
                own.set_result(self._find(key))
            except BaseException as error:  # noqa: BLE001 (raised below)
                own.set_exception(error)
        return found.result()


def never_quiet(_account_id: str) -> bool:
    """Every verdict is heard by the stream's readers."""
    return False


class EmailValidator:
    """Validates addresses: syntax, disposable domains, and the DNS. Threads may share one."""

    def __init__(
        self,
        contacts: VerdictStore,
        is_disposable: Callable[[str], bool],
        resolver: Resolver | None,
        clock: Clock,
        randomness: Randomness,
        *,
        is_quiet: Callable[[str], bool] = never_quiet,
        invocation: Callable[[], int] | None = None,
        asks_dns: Callable[[], bool] = lambda: True,
    ) -> None:
        """`resolver`: None: the DNS is not asked, and every domain counts as valid. So it is while `asks_dns` is False.

        `is_quiet`: whether nobody is told of the verdicts of an account (its id). `invocation`: the number of the
        invocation that is being served; a domain is looked up once in it. None: it is looked up each time.
        """
        self._contacts = contacts
        self._is_disposable = is_disposable
        self._resolver = resolver
        self._clock = clock
        self._randomness = randomness
        self._is_quiet = is_quiet
        self._asks_dns = asks_dns
        self._look_up: Callable[[str], Verdict | None] = (
            self._verdict_of_dns
            if invocation is None
            else OncePerInvocation(self._verdict_of_dns, invocation)
        )

    def validate(self, account_id: str, contact_id: str) -> bool:
        """Validate a contact's address, if it is pending. Returns False where the DNS gives no answer now.

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
        retry_on_conflict(partial(record, quiet=self._is_quiet(account_id)), self._clock, self._randomness)
        return True

    def _verdict_on(self, email: str) -> Verdict | None:
        try:
            domain = stored_email(email).rpartition("@")[2]
        except ValueError:
            return invalid(Reason.SYNTAX)
        if self._is_disposable(domain):
            return invalid(Reason.DISPOSABLE)
        if self._resolver is None or not self._asks_dns():
            return VALID
        return self._look_up(domain)

    def _verdict_of_dns(self, domain: str) -> Verdict | None:
        assert self._resolver is not None, "only called where the DNS is to be asked"
        now_s = self._clock.now_ms() // 1000
        known = self._contacts.known(domain, now_s)
        if known is not None:
            return known
        verdict = self._resolver.verdict_on(domain)
        if verdict is not None:
            self._contacts.remember(domain, verdict, now_s)
        return verdict


ACCOUNT_TAG: Final = "account_id"
"""The SES message tag with the account that an email was sent for."""
ACCOUNT_HEADER: Final = "x-contacts-account-id"
"""The header with the same account: notifications of an SES identity do not contain tags."""
_GREETING: Final = "Successfully validated SNS topic"
"""The beginning of the text (no JSON) that SES sends when a topic becomes an event destination."""


class BounceRecorder:
    """Marks addresses that bounced."""

    def __init__(
        self,
        contacts: VerdictStore,
        clock: Clock,
        randomness: Randomness,
        on_unknown_account: Callable[[str], None],
        is_quiet: Callable[[str], bool] = never_quiet,
    ) -> None:
        """`on_unknown_account`: is called with SES's message id when a bounce names no account.

        `is_quiet`: whether nobody is told of the verdicts of an account (its id).
        """
        self._contacts = contacts
        self._clock = clock
        self._randomness = randomness
        self._on_unknown_account = on_unknown_account
        self._is_quiet = is_quiet

    def record(self, notification: str) -> None:
        """Mark the addresses of a permanent bounce. Ignores all other notifications of SES.

        A bounce that names no account is no error: a retry would not change it.

        Raises:
            TemporarilyUnavailable: some addresses may be marked, some not.
            ValueError, KeyError, TypeError: the text is no notification of SES.
        """
        if notification.startswith(_GREETING):
            return
        message: Mapping[str, Any] = json.loads(notification)
        kind = message["notificationType"] if "notificationType" in message else message["eventType"]
        if kind != "Bounce" or message["bounce"]["bounceType"] != "Permanent":
            return
        addresses = [recipient["emailAddress"] for recipient in message["bounce"]["bouncedRecipients"]]
        account_id = _account_of(message["mail"])
        if account_id is None:
            self._on_unknown_account(message["mail"]["messageId"])
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
                raise ConcurrentModification  # The contact was deleted, or lost the email, since the claim was read.
            if contact.email != email or contact.validation_reason == Reason.BOUNCED:
                return  # A status is about the contact's own email, not about one that came with a merge.
            quiet = self._is_quiet(account_id)
            if not self._contacts.mark_bounced(account_id, contact_id, email, quiet=quiet):
                raise ConcurrentModification

        retry_on_conflict(attempt, self._clock, self._randomness)


def _account_of(mail: Mapping[str, Any]) -> str | None:
    """The id of the account that an email was sent for, from its tag or its header; None: neither has one."""
    tagged = mail.get("tags", {}).get(ACCOUNT_TAG, [])[:1]
    headed = [
        header["value"].strip()
        for header in mail.get("headers", ())
        if header["name"].lower() == ACCOUNT_HEADER
    ]
    return next((account_id.lower() for account_id in (*tagged, *headed) if is_uuid(account_id)), None)
