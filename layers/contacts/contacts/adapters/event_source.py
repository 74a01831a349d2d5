"""The event log of an account in the table, a partition for each day, in the order in which events were appended."""

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item
from contacts.adapters.expressions import Expression
from contacts.adapters.table import Table
from contacts.domain.events import Event, EventType
from contacts.domain.timestamps import iso, parsed
from contacts.services.event_log import Logged, Position


class DynamoEventSource:
    """`services.event_log.EventSource` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def of_day(self, after: Position, until: Position, at_most: int) -> tuple[list[Logged], Position | None]:
        """One query of a day's partition."""
        first, last = self._key(after), self._key(until)
        items, further = self._table.query(Expression.of_span(first, last), start=first, limit=at_most)
        return [self._logged(item) for item in items], None if further is None else _position(further)

    def _key(self, position: Position) -> keys.Key:
        return keys.event(self._account, iso(position.at_ms), position.event_id)

    def _logged(self, item: Item) -> Logged:
        position = _position(keys.Key.of(item))
        return Logged(position, item["ttl"], event_from(item, self._account, iso(position.at_ms)))


def event_from(item: Item, account_id: str, appended_at: str) -> Event:
    """The event an item holds; of one that erasure went through, that it was there."""
    return Event(
        id=item["id"],
        type=EventType(item["type"]),
        timestamp=item.get("timestamp", appended_at),
        account_id=account_id,
        contact_id=item.get("contact_id"),
        data=item.get("data", {}),
        is_erased=item.get("erased", False),
    )


def _position(key: keys.Key) -> Position:
    appended_at, event_id = keys.event_position(key)
    return Position(parsed(appended_at), event_id)
