"""The timelines of contacts in the table: the entries under each contact, in the order of their ids.

What changed is put there with its event (`event_store`). What a caller recorded is there before its event, which is
known to be in the log by the entry's `appended_at`.
"""

from typing import Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item, entry_size
from contacts.adapters.contact_store import has_name
from contacts.adapters.expressions import Expression
from contacts.adapters.records import write_recorded
from contacts.adapters.table import ConditionsFailed, Table
from contacts.domain.errors import EventTooLarge
from contacts.domain.events import IN_TIMELINE_DAYS, EventType
from contacts.domain.identity import Name
from contacts.domain.outcome import Outcome, Receipt
from contacts.domain.timeline import MAX_DATA_BYTES, CustomEvent, TimelineEntry
from contacts.domain.timestamps import DAY
from contacts.services.ports import Moved

_CONTACT: Final = "contact"
_ENTRY: Final = "timeline entry"


class DynamoTimelineStore:
    """`services.timeline.TimelineStore` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def record(
        self,
        contact_id: str,
        named: Name | None,
        event: CustomEvent,
        outcome: Outcome,
        receipt: Receipt | None,
        at_ms: int,
    ) -> None:
        """One transaction: the entry, a look at the contact, and the request's record.

        It is kept from when it was recorded, like all others: it leads erasure to an event that may lie in the log for
        30 days from then, however long ago it happened.
        """
        size = entry_size("data", event.data)
        if size > MAX_DATA_BYTES:
            raise EventTooLarge(size, MAX_DATA_BYTES)
        is_first, lives = Expression(), Expression()
        is_first.require(is_first.is_free())
        lives.require(lives.is_there())
        if named is not None:
            lives.require(has_name(lives, named))
        entry = {
            "type": EventType.CUSTOM,
            "timestamp": event.recorded_at,
            "occurred_at": event.occurred_at,
            "name": event.name,
            "data": event.data,
            "ttl": at_ms // 1000 + IN_TIMELINE_DAYS * DAY,
        }
        key = keys.timeline_entry(self._account, contact_id, event.id)
        steps = [
            self._table.put_step(_ENTRY, key, entry, is_first),
            self._table.check_step(_CONTACT, keys.contact(self._account, contact_id), lives),
        ]
        try:
            write_recorded(self._table, steps, self._account, receipt, outcome, contact_id, at_ms)
        except ConditionsFailed as failed:
            if _CONTACT in failed.items:
                raise Moved from None
            raise

    def newest_first(
        self,
        contact_id: str,
        kind: EventType | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """Queries on what is kept about the contact, backwards: ids begin with the time of what they tell."""
        expression = Expression.of_beginning(keys.timeline_entry(self._account, contact_id, ""))
        expression.keep(f"{expression.name('ttl')} > {expression.value(now_s)}")
        if kind is not None:
            expression.keep(expression.equals("type", kind))
        start = None if after_id is None else keys.timeline_entry(self._account, contact_id, after_id)
        items, further = self._table.newest_of(
            expression, start, at_most=at_most, evaluate=evaluate, are_few=kind is not None
        )
        entries = [_entry_from(item) for item in items]
        return entries, None if further is None else keys.timeline_event_id(further)


def _entry_from(item: Item) -> TimelineEntry:
    event_id = keys.timeline_event_id(keys.Key.of(item))
    assert event_id is not None, "only entries of timelines were asked for"
    return TimelineEntry(
        id=event_id,
        type=item["type"],
        timestamp=item.get("occurred_at") or item["timestamp"],
        name=item.get("name"),
        data=item.get("data"),
        changed=item.get("changed"),
    )
