"""The document's `webhooks`: what is sent to endpoints, type by type."""

from collections.abc import Mapping
from typing import Any, Final

from contacts.events.changes import (
    ChangedDataOut,
    ContactDataOut,
    CustomDataOut,
    DeletedDataOut,
    MergedDataOut,
    NoDataOut,
)
from contacts.events.jobs import ExportEndedDataOut, ImportEndedDataOut
from contacts.events.model import EventType
from local.openapi.schemas import Schema, name_of, reference

_TOLD: Final[Mapping[EventType, tuple[str, type]]] = {
    EventType.CREATED: ("A contact is new", ContactDataOut),
    EventType.UPDATED: ("Something about a contact changed", ChangedDataOut),
    EventType.UNSUBSCRIBED: ("A contact unsubscribed; comes besides `contact.updated`", ContactDataOut),
    EventType.RESUBSCRIBED: ("A contact subscribed again; comes besides `contact.updated`", ContactDataOut),
    EventType.DELETED: ("A contact went to the trash, or was deleted for good", DeletedDataOut),
    EventType.RESTORED: ("A contact came out of the trash", ContactDataOut),
    EventType.MERGED: (
        "Another contact was merged into this one; comes besides `contact.updated` where that changed something",
        MergedDataOut,
    ),
    EventType.VALIDATED: (
        "A verdict on the email of a contact, for endpoints that name this event; changes neither `version` nor "
        "`updated_at`",
        ContactDataOut,
    ),
    EventType.CUSTOM: ("A caller recorded something that a contact did", CustomDataOut),
    EventType.IMPORT_COMPLETED: ("An import is done, with or without rows that failed", ImportEndedDataOut),
    EventType.IMPORT_FAILED: (
        "The file of an import could not be read; nothing was written",
        ImportEndedDataOut,
    ),
    EventType.EXPORT_COMPLETED: ("The file of an export can be fetched", ExportEndedDataOut),
    EventType.TEST: ("Only where it is asked for, to try an endpoint out", NoDataOut),
}
"""By type of event: when it is sent, and what its `data` is."""


class NotDescribed(LookupError):
    """Raised when a type of event is missing in `_TOLD`."""


def data_types() -> list[type]:
    """The TypedDicts of `data`."""
    return [data for _, data in _TOLD.values()]


def webhooks() -> dict[str, Any]:
    """What is sent to endpoints, by type of event.

    Raises:
        NotDescribed
    """
    missing = sorted(set(EventType) - _TOLD.keys())
    if missing:
        raise NotDescribed(f"say in local/openapi/notifications.py (_TOLD) what {', '.join(missing)} tells")
    return {str(kind): {"post": _sent(kind, *told)} for kind, told in _TOLD.items()}


def data_of(kind: str) -> str:
    """The name of the schema of the `data` of events of a type."""
    return name_of(_TOLD[EventType(kind)][1])


def _sent(kind: EventType, summary: str, data: type) -> dict[str, Any]:
    of_kind: Schema = {
        "allOf": [
            reference("Event"),
            {
                "type": "object",
                "properties": {"type": {"const": str(kind)}, "data": reference(name_of(data))},
            },
        ]
    }
    return {
        "operationId": f"on_{str(kind).replace('.', '_')}",
        "tags": ["Webhooks"],
        "summary": summary,
        "parameters": [
            _header("webhook-id", "Of the event: the same at every attempt, at every endpoint."),
            _header("webhook-timestamp", "Of this attempt, in seconds since the epoch."),
            _header("webhook-signature", "`v1,` and the base64 HMAC-SHA256; of two, one must be right."),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": of_kind}}},
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "You want nothing more: the endpoint is switched off at once."},
            "default": {"description": "It is tried again, up to 15 times over 3.3 days."},
        },
    }


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }
