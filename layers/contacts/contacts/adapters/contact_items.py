"""Contacts as items: every field a native attribute; one without value is absent, never NULL.

Tags and lists are lists (their order counts), `custom_fields` and `metadata` maps that are always there, so
that a single update can set a key in them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from contacts.adapters.attribute_values import Item, item_size
from contacts.domain.contact import MAPS, MAX_BYTES, Contact, ValidationStatus
from contacts.domain.errors import ContactTooLarge
from contacts.domain.gates import Gate
from contacts.domain.identity import Name, NameKind
from contacts.domain.json_size import MAX_VALUES, json_values
from contacts.domain.timestamps import DAY, iso

KIND: Final = "contact"
_KEY_AND_BOOKKEEPING_BYTES: Final = 256
"""Upper bound for PK, SK, kind, size_bound, values_bound, change_id and the longest verdict on an email with their
names (220 bytes), and for the item's own overhead."""
_OF_THE_VERDICT: Final = {"validation_status": None, "validation_reason": None}
"""Not measured: a verdict comes at any time, and must neither be refused nor make a later change too large."""
_FIELDS: Final = tuple(entry.name for entry in fields(Contact))
_SEQUENCES: Final = frozenset({"tags", "lists"})


def contact_values(contact: Contact) -> dict[str, object]:
    """The attributes of a contact."""
    values: dict[str, object] = {key: getattr(contact, key) for key in _FIELDS}
    values["absorbed"] = [f"{name.kind}:{name.value}" for name in contact.absorbed] or None
    values["gates"] = [":".join(gate) for gate in contact.gates] or None
    return values


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


def contact_from(item: Item) -> Contact:
    """The contact an item holds."""
    values: dict[str, Any] = {key: item[key] for key in _FIELDS if key in item}
    for key in _SEQUENCES:
        values[key] = tuple(values.get(key, ()))
    values["validation_status"] = ValidationStatus(values["validation_status"])
    values["absorbed"] = tuple(
        Name(NameKind(kind), value)
        for kind, _, value in (entry.partition(":") for entry in values.get("absorbed", ()))
    )
    values["gates"] = tuple(Gate(*entry.split(":", 2)) for entry in values.get("gates", ()))
    return Contact(**values)
