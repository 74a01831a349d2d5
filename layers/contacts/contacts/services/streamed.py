"""What the table's stream tells: changes of contacts, in the order of each contact."""

from dataclasses import dataclass
from enum import StrEnum

from contacts.domain.contact import Contact
from contacts.domain.timeline import CustomEvent


class Happened(StrEnum):
    """What a record of the stream stands for."""

    CHANGED = "changed"
    """A contact's own item was put (`before` None), changed, or removed (`after` None)."""
    TRASHED = "trashed"
    """A contact went to the trash; `after` is the contact as it lies there."""
    ERASED = "erased"
    """A contact was erased; only its id and its last version are left."""
    EXPIRED = "expired"
    """A contact's days in the trash are over; `before` is the contact as it lay there."""
    RECORDED = "recorded"
    """A caller recorded an event of a contact; `recorded` is that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedChange:
    """One record of the stream."""

    record_id: str
    """The same however often the record is delivered."""
    happened: Happened
    account_id: str
    contact_id: str
    at_ms: int
    """When it was written, in ms since the epoch; of some records only to the second."""
    before: Contact | None = None
    after: Contact | None = None
    version: int = 0
    """The contact's version: of `after`, else of `before`, else as the tombstone tells."""
    recorded: CustomEvent | None = None
    merged_ids: tuple[str, ...] = ()
    """Of a contact that is gone for good: the ids of those that had been merged into it."""
