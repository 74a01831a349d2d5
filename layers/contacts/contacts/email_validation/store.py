"""Verdicts on email addresses in the table: those on contacts, and what the DNS says of domains.

A verdict on a contact changes nothing that a caller wrote: no `version`, no `updated_at`. It needs no room in
`size_bound` either, which has some for the longest (`book.store`).
"""

from contextlib import suppress
from hashlib import sha256

from contacts.book.model import Contact, ContactState, Reason, ValidationStatus, contact_from
from contacts.core.ids import Name, NameKind
from contacts.core.time import DAY
from contacts.email_validation.model import Verdict, invalid
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression


class VerdictStore:
    """`email_validation.service.JudgedContacts` and `email_validation.service.Addressees` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """One GetItem."""
        item = self._table.get(keys.contact(account_id, contact_id))
        return None if item is None else contact_from(item)

    def contact_id_of(self, account_id: str, email: str) -> str | None:
        """One GetItem on the claim."""
        claim = self._table.get(keys.claim(account_id, Name(NameKind.EMAIL, email)))
        if claim is None or claim["state"] != ContactState.LIVE:
            return None
        contact_id: str = claim["contact_id"]
        return contact_id

    def record_verdict(self, account_id: str, contact_id: str, email: str, verdict: Verdict) -> None:
        """One UpdateItem, if the contact still has the email and is pending."""
        expression = _verdict_update(verdict, email)
        expression.require(expression.equals("validation_status", ValidationStatus.PENDING))
        # Somebody else has changed what it was about; or it was us, and the SDK repeats the call.
        with suppress(ConditionsFailed):
            self._update(account_id, contact_id, expression)

    def mark_bounced(self, account_id: str, contact_id: str, email: str) -> bool:
        """One UpdateItem, if the contact still has the email, whatever was thought of that so far."""
        expression = _verdict_update(invalid(Reason.BOUNCED), email)
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
        """One GetItem."""
        item = self._table.get(_domain_key(domain))
        if item is None or item["ttl"] <= now_s:
            return None
        reason = item.get("reason")
        return Verdict(ValidationStatus(item["status"]), None if reason is None else Reason(reason))

    def remember(self, domain: str, verdict: Verdict, now_s: int) -> None:
        """One PutItem; of several at once any may win."""
        item = {"status": verdict.status, "reason": verdict.reason, "ttl": now_s + DAY}
        self._table.write([self._table.put_step("domain verdict", _domain_key(domain), item)])

    def _update(self, account_id: str, contact_id: str, expression: Expression) -> None:
        key = keys.contact(account_id, contact_id)
        self._table.write([self._table.update_step("contact", key, expression)])


def _verdict_update(verdict: Verdict, email: str) -> Expression:
    """The update that writes a verdict on an email that the contact has."""
    expression = Expression()
    expression.set("validation_status", verdict.status)
    expression.assign("validation_reason", verdict.reason)
    expression.require(expression.equals("email", email))
    return expression


def _domain_key(domain: str) -> keys.Key:
    return keys.domain_verdict(sha256(domain.encode()).hexdigest())
