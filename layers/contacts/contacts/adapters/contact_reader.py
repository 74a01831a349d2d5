"""Contacts of any account as they are now, for those who follow the stream."""

from contacts.adapters import keys
from contacts.adapters.contact_items import contact_from
from contacts.adapters.table import Table
from contacts.domain.contact import Contact


class DynamoContactReader:
    """`services.webhook_dispatch.Contacts` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """One GetItem; where nobody lives there one in the trash, and one more: it may be restored in between."""
        return (
            self._live(account_id, contact_id)
            or self._trashed(account_id, contact_id)
            or self._live(account_id, contact_id)
        )

    def _live(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.contact(account_id, contact_id))
        return None if item is None else contact_from(item)

    def _trashed(self, account_id: str, contact_id: str) -> Contact | None:
        item = self._table.get(keys.trash(account_id, contact_id))
        return None if item is None else contact_from(item["snapshot"])
