"""Contacts of any account as they are now, for those who follow the stream."""

from typing import Final

from contacts.adapters import keys
from contacts.adapters.contact_items import contact_from
from contacts.adapters.table import Table
from contacts.domain.contact import Contact
from contacts.domain.identity import Name, NameKind

_MERGES: Final = 5
"""How often one looks for where a contact went: it is only seen moving if the winner is merged away at this moment."""


class DynamoContactReader:
    """`services.webhook_dispatch.Contacts` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """One GetItem; where nobody lives there one in the trash, and one more: it may be restored in between. Where
        there is none, the one that it was merged into.
        """
        found: str | None = contact_id
        for _ in range(_MERGES):
            if found is None:
                break
            contact = self._with_id(account_id, found)
            if contact is not None:
                return contact
            before, found = found, self._merged_into(account_id, contact_id)
            if found == before:
                break
        return None

    def _with_id(self, account_id: str, contact_id: str) -> Contact | None:
        return (
            self._live(account_id, contact_id)
            or self._trashed(account_id, contact_id)
            or self._live(account_id, contact_id)
        )

    def _merged_into(self, account_id: str, contact_id: str) -> str | None:
        claim = self._table.get(keys.claim(account_id, Name(NameKind.ALIAS, contact_id)))
        return None if claim is None else claim["contact_id"]

    def _live(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.contact(account_id, contact_id))
        return None if item is None else contact_from(item)

    def _trashed(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.trash(account_id, contact_id))
        return None if item is None else contact_from(item["snapshot"])
