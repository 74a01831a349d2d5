"""A contact as the native API and its events show it."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from contacts.domain.contact import Contact


class ContactOut(TypedDict):
    """A contact as the API shows it."""

    id: str
    external_id: str | None
    email: str | None
    first_name: str | None
    last_name: str | None
    name: str | None
    phone: str | None
    tags: list[str]
    lists: list[str]
    custom_fields: dict[str, Any]
    metadata: dict[str, Any]
    is_active: bool
    is_unsubscribed: bool
    unsubscribed_at: str | None
    validation_status: str
    validation_reason: str | None
    version: int
    created_at: str
    updated_at: str


def contact_out(contact: Contact) -> ContactOut:
    """A contact as the API shows it."""
    return {
        "id": contact.id,
        "external_id": contact.external_id,
        "email": contact.email,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "name": contact.display_name,
        "phone": contact.phone,
        "tags": list(contact.tags),
        "lists": list(contact.lists),
        "custom_fields": dict(contact.custom_fields),
        "metadata": dict(contact.metadata),
        "is_active": contact.is_active,
        "is_unsubscribed": contact.is_unsubscribed,
        "unsubscribed_at": contact.unsubscribed_at,
        "validation_status": contact.validation_status,
        "validation_reason": contact.validation_reason,
        "version": contact.version,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
    }


SHOWN_TO_WRITERS: Final = ("id", "version", "created_at", "updated_at")
"""What of a contact is shown to a key that may write but not read: nothing that was not its own to send."""
HIDDEN: Final[Mapping[str, Any]] = {
    **dict.fromkeys(ContactOut.__annotations__),
    "tags": [],
    "lists": [],
    "custom_fields": {},
    "metadata": {},
}
"""A contact of which nothing is shown, for dialects whose answers need every field."""
