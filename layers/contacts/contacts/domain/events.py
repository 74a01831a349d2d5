"""Events: what is told of a contact's changes, to webhooks and in the account's event log."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from contacts.domain.identity import uuid7
from contacts.domain.timestamps import iso

KEPT_DAYS: Final = 30
"""In the event log."""
IN_TIMELINE_DAYS: Final = 90
WITHHELD_MS: Final = 10_000
"""The newest events are not listed yet: what is being appended at this moment must not slip in behind a cursor.

More than a write may take with all of its attempts (9 s, `adapters.table.LONGEST_CALL`).
"""


class EventType(StrEnum):
    """What happened."""

    CREATED = "contact.created"
    UPDATED = "contact.updated"
    UNSUBSCRIBED = "contact.unsubscribed"
    RESUBSCRIBED = "contact.resubscribed"
    DELETED = "contact.deleted"
    RESTORED = "contact.restored"
    MERGED = "contact.merged"
    """Another contact was merged into this one."""
    VALIDATED = "contact.validated"
    CUSTOM = "contact.event"
    """What a caller recorded of a contact."""
    TEST = "webhook.test"
    """Only sent where it is asked for; not in the log, and nothing to subscribe to."""


SUBSCRIBABLE: Final = tuple(kind for kind in EventType if kind is not EventType.TEST)
EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. Its id is a UUID version 7 of the moment it happened.

    Its `timestamp` is that moment, too; but that of a custom event is when it was recorded, which may be later.
    """

    id: str
    type: EventType
    timestamp: str
    account_id: str
    contact_id: str | None
    data: Mapping[str, object]
    """`contact` as the native API shows it, and by type: `changed`, `previous`, `permanent`, `merged_id`, `name` and
    `data`.
    """
    is_erased: bool = False
    """The person it was about is gone, and `data` with them."""

    @property
    def tells_of_erasure(self) -> bool:
        """Whether it says that a person is erased: what an endpoint answers to that may tell who it was."""
        return self.data.get("permanent") is True

    def payload(self) -> dict[str, object]:
        """The event as receivers and `GET /events` see it."""
        if self.is_erased:
            return {"id": self.id, "type": str(self.type), "erased": True}
        return {
            "id": self.id,
            "type": str(self.type),
            "timestamp": self.timestamp,
            "account_id": self.account_id,
            "data": dict(self.data),
        }


def event_id(record_id: str, kind: EventType, at_ms: int) -> str:
    """The id of the event that a record of the stream stands for: always the same, however often it is delivered."""
    return uuid7(at_ms, sha256(f"{record_id} {kind}".encode()).digest()[:10])


def event_at(
    record_id: str,
    kind: EventType,
    at_ms: int,
    account_id: str,
    contact_id: str | None,
    data: Mapping[str, object],
) -> Event:
    """An event of a record of the stream."""
    return Event(
        id=event_id(record_id, kind, at_ms),
        type=kind,
        timestamp=iso(at_ms),
        account_id=account_id,
        contact_id=contact_id,
        data=data,
    )
