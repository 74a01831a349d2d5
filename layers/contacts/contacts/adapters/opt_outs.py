"""Addresses that have opted out: one item for each, found by an HMAC, which tells the address to nobody.

The item outlives the contact: it stays when the contact is erased or takes another address, so that whoever has the
address next has opted out as well (docs/consent.md).
"""

import hmac
from collections.abc import Iterable

from contacts.adapters import keys
from contacts.adapters.table import Step, Table
from contacts.domain.account_secret import AccountSecret


class OptOuts:
    """The addresses of one account that have opted out."""

    def __init__(self, table: Table, account_id: str, secret: AccountSecret) -> None:
        self._table = table
        self._account = account_id
        self._secret = secret

    def include_any_of(self, emails: Iterable[str]) -> bool:
        """Whether at least one of the addresses has opted out: one GetItem for each, strongly consistent."""
        return any(self._table.get(self._key(email)) is not None for email in emails)

    def put_step(self, email: str) -> Step:
        """The step that records that an address has opted out; an address may be recorded again."""
        return self._table.put_step("opt-out", self._key(email), {})

    def delete_step(self, email: str) -> Step:
        """The step that lifts the opt-out of an address."""
        return self._table.delete_step("opt-out", self._key(email))

    def _key(self, email: str) -> keys.Key:
        digest = hmac.digest(self._secret.derived("opt-outs"), email.encode(), "sha256")
        return keys.opt_out(self._account, digest.hex())
