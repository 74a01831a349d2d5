"""The items that store a contact: its item, its sizes, tombstones; and `ContactReader`, which reads contacts anywhere.

Every field is a DynamoDB attribute; a field without value is absent, never NULL. Tags and lists are lists, as their
order matters. `custom_fields` and `metadata` are maps that are always present, so that one update can set a key in
them.
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
"""Left out of the size: a validation result may come at any time and must never make the contact too large."""


def absorbed_value(name: Name) -> str:
    """Returns a merged name as the attribute `absorbed` stores it."""
    return f"{name.kind}:{name.value}"


def contact_item(contact: Contact, change_id: str, before: Contact | None = None) -> dict[str, object]:
    """Returns a contact's item without its key. `before`: the contact before the change, if it existed.

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
    """Returns the number of JSON values in a contact's maps.

    A contact that had more than the limit when the limit was introduced can be changed as long as the number does not
    grow.

    Raises:
        ContactTooLarge: the number exceeds 10,000 and has grown; the error names the map with the most values.
    """
    # The size of a contact limits the number, so all values are counted.
    number = json_values((contact.custom_fields, contact.metadata), MAX_BYTES)
    if number > MAX_VALUES:
        had = 0 if before is None else json_values((before.custom_fields, before.metadata), MAX_BYTES)
        if number > had:
            field = max(MAPS, key=lambda name: json_values((getattr(contact, name),), MAX_BYTES))
            raise ContactTooLarge(number, MAX_VALUES, "JSON values in custom_fields and metadata", field)
    return number


def measured(values: Mapping[str, object]) -> int:
    """Returns an upper bound of the item's size in bytes.

    Raises:
        ContactTooLarge: it would exceed 350 KB.
    """
    size = item_size({**values, **_OF_THE_VERDICT}) + _KEY_AND_BOOKKEEPING_BYTES
    if size > MAX_BYTES:
        raise ContactTooLarge(size, MAX_BYTES)
    return size


def tombstone_item(version: int, at_ms: int, merged_ids: Sequence[str] = ()) -> dict[str, object]:
    """Returns the item that remains of an erased contact, without its key: time of erasure, last version, merged ids.

    The erasure finds by the merged ids what is stored about the contacts merged into this one.
    """
    item: dict[str, object] = {"erased_at": iso(at_ms), "version": version, "ttl": at_ms // 1000 + DAY}
    return item | {"merged_ids": list(merged_ids)} if merged_ids else item


def merged_tombstone_item(winner_id: str, at_ms: int) -> dict[str, object]:
    """Returns the tombstone of a contact that was merged into an erased one. No event is sent for it."""
    return {"erased_at": iso(at_ms), "merged_into": winner_id, "ttl": at_ms // 1000 + DAY}


_MERGES: Final = 5
"""Most merges that a read follows. More than one is rare: a further merge must happen during the read."""


class ContactReader:
    """Reads a contact of any account, live or in the trash, as webhooks and workers need it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def contact(self, account_id: str, contact_id: str) -> Contact | None:
        """Returns the live contact with an id, or the one in the trash, or the one that it was merged into.

        One GetItem for a live contact. Otherwise one in the trash and one more, as the contact may be restored in
        between; then one on the claim of the id, for the merge.
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
