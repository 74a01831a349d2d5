"""The timelines of contacts in the table: the entries under each contact, in the order of their ids.

What changed is put there with its event (`event_store`). What a caller recorded is there before its event, which is
known to be in the log by the entry's `appended_at`.
"""

from collections.abc import Sequence
from operator import attrgetter
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
LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""No id stands behind it."""


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
        contact_ids: Sequence[str],
        kind: EventType | None,
        after_id: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """Queries for each id, one after the other, and no further back than where the page is known to end by then:
        under the id of a contact that was merged away there is rarely anything as new, and then it is one call and one
        read unit.
        """
        found: list[TimelineEntry] = []
        down_to: str | None = None
        for contact_id in contact_ids:
            more, further = self._newest_of(
                *(contact_id, kind, after_id, down_to, now_s), at_most=at_most, evaluate=evaluate
            )
            # What is older than what was looked at under every id is for the next page.
            down_to = max(filter(None, (down_to, further)), default=None)
            found = sorted((*found, *more), key=attrgetter("id"), reverse=True)
            found = [entry for entry in found if down_to is None or entry.id >= down_to]
            if len(found) > at_most:
                found = found[:at_most]
                down_to = found[-1].id
        return found, down_to

    def _newest_of(
        self,
        contact_id: str,
        kind: EventType | None,
        after_id: str | None,
        down_to: str | None,
        now_s: int,
        *,
        at_most: int,
        evaluate: int,
    ) -> tuple[list[TimelineEntry], str | None]:
        """Queries on what is kept under an id, backwards: ids begin with the time of what they tell.

        `down_to`: the id before which nothing is asked for.
        """
        below = keys.timeline_entry(self._account, contact_id, "")
        if down_to is None:
            expression = Expression.of_beginning(below)
        else:
            ends = (keys.timeline_entry(self._account, contact_id, end) for end in (down_to, LAST_ID))
            expression = Expression.of_span(*ends)
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
        merged_id=item.get("merged_id"),
    )
