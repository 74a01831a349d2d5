"""Verdicts in the table: on contacts, and on domains.

A verdict on a contact changes neither `version` nor `updated_at`. It leaves `size_bound` as it is, which includes room
for the longest verdict (`book.store`).
"""

from contextlib import suppress
from hashlib import sha256

from contacts.book.model import Contact, ContactState, Reason, ValidationStatus, contact_from
from contacts.book.store import QUIET
from contacts.core.ids import Name, NameKind
from contacts.core.time import DAY
from contacts.email_validation.model import Verdict, invalid
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression


class VerdictStore:
    """Reads contacts of all accounts, and writes verdicts on their addresses and on domains."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """A live contact; None: there is none. One GetItem."""
        item = self._table.get(keys.contact(account_id, contact_id))
        return None if item is None else contact_from(item)

    def contact_id_of(self, account_id: str, email: str) -> str | None:
        """The id of the live contact that has an email; None: there is none. One GetItem on the claim."""
        claim = self._table.get(keys.claim(account_id, Name(NameKind.EMAIL, email)))
        if claim is None or claim["state"] != ContactState.LIVE:
            return None
        contact_id: str = claim["contact_id"]
        return contact_id

    def record_verdict(
        self, account_id: str, contact_id: str, email: str, verdict: Verdict, *, quiet: bool = False
    ) -> None:
        """Write a verdict, if the contact still has the email and is pending. One UpdateItem.

        `quiet`: the stream's readers do not hear of it.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        expression = _verdict_update(verdict, email, quiet=quiet)
        expression.require(expression.equals("validation_status", ValidationStatus.PENDING))
        # Another writer was first, or the SDK has repeated the call.
        with suppress(ConditionsFailed):
            self._update(account_id, contact_id, expression)

    def mark_bounced(self, account_id: str, contact_id: str, email: str, *, quiet: bool = False) -> bool:
        """Mark a contact's email as bounced, whatever its status. One UpdateItem.

        Returns False where the email is marked already, or no longer the contact's. `quiet`: the stream's readers do
        not hear of it.

        Raises:
            Contention, TemporarilyUnavailable.
        """
        expression = _verdict_update(invalid(Reason.BOUNCED), email, quiet=quiet)
        reason = expression.name("validation_reason")
        expression.require(
            f"(attribute_not_exists({reason}) OR {reason} <> {expression.value(Reason.BOUNCED)})"
        )
        try:
            self._update(account_id, contact_id, expression)
        except ConditionsFailed:
            return False
        return True

    def known(self, domain: str, now_s: int) -> Verdict | None:
        """The verdict on a domain that was stored within 24 hours; None: there is none. One GetItem."""
        item = self._table.get(_domain_key(domain))
        if item is None or item["ttl"] <= now_s:
            return None
        reason = item.get("reason")
        return Verdict(ValidationStatus(item["status"]), None if reason is None else Reason(reason))

    def remember(self, domain: str, verdict: Verdict, now_s: int) -> None:
        """Store a verdict on a domain for 24 hours. One PutItem; of concurrent ones, any may win."""
        item = {"status": verdict.status, "reason": verdict.reason, "ttl": now_s + DAY}
        self._table.write([self._table.put_step("domain verdict", _domain_key(domain), item)])

    def _update(self, account_id: str, contact_id: str, expression: Expression) -> None:
        key = keys.contact(account_id, contact_id)
        self._table.write([self._table.update_step("contact", key, expression)])


def _verdict_update(verdict: Verdict, email: str, *, quiet: bool) -> Expression:
    """The update that writes a verdict, on condition that the contact has the email."""
    expression = Expression()
    expression.assign(QUIET, quiet or None)
    expression.set("validation_status", verdict.status)
    expression.assign("validation_reason", verdict.reason)
    expression.require(expression.equals("email", email))
    return expression


def _domain_key(domain: str) -> keys.Key:
    return keys.domain_verdict(sha256(domain.encode()).hexdigest())
