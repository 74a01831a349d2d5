"""Changes of contacts, as the table's stream delivers them, and the events that they become."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NotRequired, TypedDict, cast

from contacts.book.model import MAPS, Contact, ContactOut, contact_out
from contacts.core.answers import Json, Moment, Uuid
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import parsed
from contacts.events.model import CustomEvent, Event, EventType, event_at
from contacts.table.expressions import same_value


class ChangeKind(StrEnum):
    """What a record of the stream means."""

    CHANGED = "changed"
    """A contact's own item was put (`before` None), changed, or removed (`after` None)."""
    TRASHED = "trashed"
    """A contact was deleted and is in the trash; `after` is the contact there."""
    ERASED = "erased"
    """A contact was erased; only its id and its last version are left."""
    EXPIRED = "expired"
    """A contact's days in the trash are over; `before` is the contact there."""
    RECORDED = "recorded"
    """A caller recorded an event of a contact; `recorded` is the event."""
    ANNOUNCED = "announced"
    """A job has ended, and `announced` is the event that says so. In place of a contact's id there is the job's."""
    OPTED_OUT = "opted_out"
    """An address has opted out; in place of a contact's id there is the HMAC of the address."""


class PartlyHandled(TemporarilyUnavailable):
    """Raised where only the first `handled` of some changes are handled. The others have to come again."""

    def __init__(self, handled: int) -> None:
        super().__init__()
        self.handled = handled


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChange:
    """One record of the stream."""

    record_id: str
    """The same each time the record is delivered."""
    kind: ChangeKind
    account_id: str
    contact_id: str
    at_ms: int
    """When the item was written, in ms since the epoch; of some records exact to the second only."""
    before: Contact | None = None
    after: Contact | None = None
    version: int = 0
    """The contact's version: of `after`, else of `before`, else of the tombstone."""
    recorded: CustomEvent | None = None
    announced: Event | None = None
    merged_ids: tuple[str, ...] = ()
    """Of a contact that was erased or expired: the ids of the contacts that had been merged into it."""


class ContactDataOut(TypedDict):
    """What an event tells."""

    contact: ContactOut


class ChangedDataOut(ContactDataOut):
    """What an update changed."""

    changed: list[str]
    """Names of the fields that changed."""
    previous: NotRequired[Json]
    """Their old values; absent where both would be too large together (380 KB)."""


class ErasedContactOut(TypedDict):
    """All that is left of a contact that was erased."""

    id: Uuid
    version: int


class MergedDataOut(ContactDataOut):
    """Which contact was merged into this one."""

    merged_id: Uuid
    """What it was known by; it leads to this contact now."""


class DeletedDataOut(TypedDict):
    """What was deleted, and whether it can come back."""

    contact: ContactOut | ErasedContactOut
    permanent: bool


class CustomDataOut(TypedDict):
    """What a caller recorded."""

    contact: NotRequired[ContactOut]
    """As it was when the event went out, unless it had been deleted."""
    name: str
    data: Json
    occurred_at: NotRequired[Moment]
    """Where that was said."""


class NoDataOut(TypedDict):
    """Of a test: nothing about anybody."""


_OF_EVERY_CHANGE: Final = frozenset({"version", "updated_at"})
"""Fields that every change changes."""
_OF_A_VERDICT: Final = frozenset({"validation_status", "validation_reason"})


def events_of_change(
    record_id: str, at_ms: int, account_id: str, before: Contact | None, after: Contact
) -> Iterator[Event]:
    """The events of a contact that was put (`before` None) or changed, in their order.

    A merge is a change of the contact that stays, and its event shows that contact. (The removal of the other contact
    has no event.)

    `at_ms`: when the record was written. A change by a caller has the contact's `updated_at` as its time instead: the
    stream is exact to the second only, and a timeline is in the order of its events' ids, which begin with the time.
    """
    contact = _shown(after)
    changed_ms = parsed(after.updated_at)

    def event(
        kind: EventType, moment: int, data: ContactDataOut | ChangedDataOut | MergedDataOut | None = None
    ) -> Event:
        return event_at(record_id, kind, moment, account_id, after.id, data or {"contact": contact})

    if before is None:
        yield event(EventType.CREATED if after.version == 1 else EventType.RESTORED, changed_ms)
        return
    merged_id = _newly_merged(before, after)
    if merged_id is not None:
        yield event(EventType.MERGED, changed_ms, {"contact": contact, "merged_id": merged_id})
    previous = differences(before, after)
    if not previous:
        return
    if previous.keys() <= _OF_A_VERDICT:
        yield event(EventType.VALIDATED, max(at_ms, changed_ms))
        return
    changed: ChangedDataOut = {"contact": contact, "changed": list(previous), "previous": previous}
    yield event(EventType.UPDATED, changed_ms, changed)
    if after.is_unsubscribed != before.is_unsubscribed:
        kind = EventType.UNSUBSCRIBED if after.is_unsubscribed else EventType.RESUBSCRIBED
        yield event(kind, changed_ms)


def _newly_merged(before: Contact, after: Contact) -> str | None:
    """The id of the contact that a change merged into this one; None: it was no merge.

    The ids of contacts merged into that contact earlier come behind its own id.
    """
    known = frozenset(before.merged_ids)
    return next((merged_id for merged_id in after.merged_ids if merged_id not in known), None)


def event_of_trashing(record_id: str, at_ms: int, account_id: str, contact: Contact) -> Event:
    """The event of a contact that was deleted and can be restored."""
    data: DeletedDataOut = {"contact": _shown(contact), "permanent": False}
    return event_at(record_id, EventType.DELETED, at_ms, account_id, contact.id, data)


def event_of_erasure(record_id: str, at_ms: int, account_id: str, contact_id: str, version: int) -> Event:
    """The event of a contact that was erased. It shows only the contact's id and version."""
    data: DeletedDataOut = {"contact": {"id": contact_id, "version": version}, "permanent": True}
    return event_at(record_id, EventType.DELETED, at_ms, account_id, contact_id, data)


def event_of_recording(
    account_id: str, contact_id: str, recorded: CustomEvent, contact: Contact | None
) -> Event:
    """The event of a custom event that a caller recorded, with the contact as it is now (None: no longer live).

    Its id is that of the timeline entry, which begins with `occurred_at`. Its timestamp is `recorded_at`.
    """
    data: CustomDataOut = {"name": recorded.name, "data": dict(recorded.data)}
    if contact is not None:
        data = {"contact": contact_out(contact), **data}
    if recorded.occurred_at is not None:
        data["occurred_at"] = recorded.occurred_at
    return Event(
        id=recorded.id,
        type=EventType.CUSTOM,
        timestamp=recorded.recorded_at,
        account_id=account_id,
        contact_id=contact_id,
        data=data,
    )


def differences(before: Contact, after: Contact) -> dict[str, object]:
    """The fields that differ, as the API shows them, with their old values, sorted by name.

    The shown `name` is composed of first and last name, so it is included where one of these changed it. A receiver
    that keeps a copy of the contact can apply exactly the named fields.
    """
    old, new = (cast("Mapping[str, object]", _shown(contact)) for contact in (before, after))
    return {
        field: old[field]
        for field in sorted(old)
        if field not in _OF_EVERY_CHANGE and not same_value(old[field], new[field])
    }


def _shown(contact: Contact) -> ContactOut:
    """A contact as the API shows it, with its maps as they are: an event stores them as the stream brought them."""
    shown: dict[str, Any] = {**contact_out(replace(contact, custom_fields={}, metadata={}))}
    for name in MAPS:
        shown[name] = getattr(contact, name)
    return cast("ContactOut", shown)
