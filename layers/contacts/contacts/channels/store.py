"""The channels of one account in the table.

No attribute is called `updated_at`: that one is a contact's, and in an index.
"""

from typing import Final

from contacts.book.model import Outcome
from contacts.channels.model import MAX_CHANNELS, Channel, ChannelType
from contacts.core.errors import TooManyChannels
from contacts.core.idempotency import ConcurrentModification, IdempotencyKey
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.records import write_recorded

_CHANNEL: Final = "channel"
_COUNT: Final = "channel count"
"""The names of the steps."""


class ChannelStore:
    """`channels.store.ChannelStore` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def by_id(self, channel_id: str) -> Channel | None:
        """One GetItem, strongly consistent."""
        item = self._table.get(keys.channel(self._account, channel_id))
        return None if item is None else _channel_from(item)

    def all(self) -> list[Channel]:
        """One Query, strongly consistent; ids begin with the time they were made. There are 50 at most."""
        expression = Expression.of_partition(keys.channel(self._account, "").PK)
        return [_channel_from(item) for item in self._table.all_of(expression)]

    def add(self, new: Channel, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int) -> None:
        """One transaction over the channel, the account's count of channels and the request's record.

        Raises:
            TooManyChannels.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        fresh, room = Expression(), Expression()
        fresh.require(fresh.is_free())
        room.count_up("n", MAX_CHANNELS)
        count = self._table.update_step(_COUNT, keys.channel_count(self._account), room)
        try:
            self._write([self._step(new, fresh), count], outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            if _COUNT in failed.items:
                raise TooManyChannels(f"An account has at most {MAX_CHANNELS} channels.") from None
            raise

    def change(
        self,
        before: Channel,
        after: Channel,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> None:
        """One PutItem; with an Idempotency-Key a transaction, together with the request's record.

        Raises:
            Moved: it is no longer as it was read; nothing was written.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        as_read = Expression()
        as_read.require(as_read.equals("version", before.version))
        try:
            self._write([self._step(after, as_read)], outcome, idempotency_key, at_ms)
        except ConditionsFailed:
            raise ConcurrentModification from None

    def _step(self, one: Channel, condition: Expression) -> Step:
        item = {
            "type": one.type,
            "name": one.name,
            "state": one.state,
            "created_at": one.created_at,
            "changed_at": one.updated_at,
            "version": one.version,
        }
        return self._table.put_step(_CHANNEL, keys.channel(self._account, one.id), item, condition)

    def _write(
        self, steps: list[Step], outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        write_recorded(self._table, steps, self._account, idempotency_key, outcome, None, at_ms)


def _channel_from(item: Item) -> Channel:
    return Channel(
        id=item["SK"],
        type=ChannelType(item["type"]),
        name=item["name"],
        state=item["state"],
        created_at=item["created_at"],
        updated_at=item["changed_at"],
        version=item["version"],
    )
