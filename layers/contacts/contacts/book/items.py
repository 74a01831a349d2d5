"""Contacts as items: every field a native attribute; one without value is absent, never NULL.

Tags and lists are lists (their order counts), `custom_fields` and `metadata` maps that are always there, so
that a single update can set a key in them.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from contacts.book.model import MAPS, MAX_BYTES, Contact, contact_from, contact_values
from contacts.core.errors import ContactTooLarge
from contacts.core.ids import Name, NameKind
from contacts.core.json import MAX_VALUES, json_values
from contacts.core.time import DAY, iso
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import item_size

KIND: Final = "contact"
_KEY_AND_BOOKKEEPING_BYTES: Final = 256
"""Upper bound for PK, SK, kind, size_bound, values_bound, change_id and the longest verdict on an email with their
names (220 bytes), and for the item's own overhead."""
_OF_THE_VERDICT: Final = {"validation_status": None, "validation_reason": None}
"""Not measured: a verdict comes at any time, and must neither be refused nor make a later change too large."""


def absorbed_value(name: Name) -> str:
    """How a name of a merged contact stands in `absorbed`."""
    return f"{name.kind}:{name.value}"


def contact_item(contact: Contact, change_id: str, before: Contact | None = None) -> dict[str, object]:
    """A contact's whole item, but for its key; `before`: the contact that it is made of.

    Raises:
        ContactTooLarge: it would exceed 350 KB, or 10,000 JSON values.
    """
    values = contact_values(contact)
    return {
        **values,
        "kind": KIND,
        "size_bound": measured(values),
        "values_bound": counted(contact, before),
        "change_id": change_id,
    }


def counted(contact: Contact, before: Contact | None) -> int:
    """How many JSON values a contact has.

    One that has more than it may, since before that was so, can still be changed as long as it gets no more of them.

    Raises:
        ContactTooLarge: it would exceed 10,000; names the map that has most of them.
    """
    # A contact's bytes bound them, so they are counted to their end.
    number = json_values((contact.custom_fields, contact.metadata), MAX_BYTES)
    if number > MAX_VALUES:
        had = 0 if before is None else json_values((before.custom_fields, before.metadata), MAX_BYTES)
        if number > had:
            field = max(MAPS, key=lambda name: json_values((getattr(contact, name),), MAX_BYTES))
            raise ContactTooLarge(number, MAX_VALUES, "JSON values in custom_fields and metadata", field)
    return number


def measured(values: Mapping[str, object]) -> int:
    """An upper bound of the item's bytes.

    Raises:
        ContactTooLarge: it would exceed 350 KB.
    """
    size = item_size({**values, **_OF_THE_VERDICT}) + _KEY_AND_BOOKKEEPING_BYTES
    if size > MAX_BYTES:
        raise ContactTooLarge(size, MAX_BYTES)
    return size


def tombstone_item(version: int, at_ms: int, merged_ids: Sequence[str] = ()) -> dict[str, object]:
    """What is left of a contact that was erased, but for its key: when, its last version, and the ids of those that
    were merged into it, by which erasure finds what was kept about them.
    """
    item: dict[str, object] = {"erased_at": iso(at_ms), "version": version, "ttl": at_ms // 1000 + DAY}
    return item | {"merged_ids": list(merged_ids)} if merged_ids else item


def merged_tombstone_item(winner_id: str, at_ms: int) -> dict[str, object]:
    """The tombstone of a contact that was merged into one that was erased; it tells of no erasure of its own."""
    return {"erased_at": iso(at_ms), "merged_into": winner_id, "ttl": at_ms // 1000 + DAY}


_MERGES: Final = 5
"""How often one looks for where a contact went: it is only seen moving if the winner is merged away at this moment."""


class ContactReader:
    """`webhooks.dispatch.Contacts` on the table."""

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
