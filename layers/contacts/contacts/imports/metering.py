"""The written items of an import: how many rows an hour has room for, and what rows that wrote nothing give back."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from contacts.accounts.model import Account, Charge
from contacts.accounts.store import AccountStore, BeyondLimit
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import Clock, hour_of

RESERVE: Final = 10
"""An import leaves one in so many written items of an hour to the account's own requests."""
_NO_KEY: Final = "import"
"""Key id under which usage is counted for imports that do not know their API key."""


class WrittenItems:
    """The written items of one message.

    They are counted before rows are carried out, since nobody knows yet which rows will write. What rows did not use
    pays for the rows after them. So a part whose rows change nothing is counted once for its first hundred rows, and
    given back once at its end.
    """

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._account: Account | None = None
        self._key_id = _NO_KEY
        self._counted_at_ms = 0
        self._unused = 0
        """Items that are counted, in the hour of `_counted_at_ms`, and that no row has used."""
        self._seen = 0
        """Items of everybody in that hour, when it was last asked."""

    def room_for(self, account: Account, key_id: str | None, weights: Sequence[int]) -> int:
        """Count the written items of as many of the first rows as this hour has room for. Returns how many rows.

        At most two UpdateItems; none where what rows before have left is enough. One more at the turn of an hour.

        Raises:
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        if hour_of(now) != hour_of(self._counted_at_ms):
            self.give_back()
            self._counted_at_ms, self._seen = now, 0
        limit = account.hourly_written_limit
        reserve = limit // RESERVE
        for _ in range(2):
            room = max(0, limit - reserve - self._seen)
            rows, total = _fitting(weights, room + self._unused)
            more = total - self._unused
            if more <= 0:
                return rows
            charge = Charge(requests=0, written=more, left_to_others=reserve)
            try:
                usage = self._accounts.count(account, key_id or _NO_KEY, now, charge)
            except BeyondLimit as beyond:
                self._seen = beyond.usage.written
            else:
                self._account, self._key_id = account, key_id or _NO_KEY
                self._seen, self._unused = usage.written, total
                return rows
        return 0

    def use(self, weight: int) -> None:
        """Rows have written so many of the items that were counted for them."""
        # A row that fits no hour was counted with less than it has.
        self._unused = max(0, self._unused - weight)

    def give_back(self) -> None:
        """Give back what no row has used. One UpdateItem; none where all is used."""
        unused, self._unused = self._unused, 0
        if unused and self._account is not None:
            charge = Charge(requests=0, written=-unused)
            with suppress(TemporarilyUnavailable, BeyondLimit):
                usage = self._accounts.count(self._account, self._key_id, self._counted_at_ms, charge)
                self._seen = usage.written


def _fitting(weights: Sequence[int], room: int) -> tuple[int, int]:
    """How many of the first rows fit, and what they weigh. A row that fits no hour counts as much as there is."""
    total = 0
    for number, weight in enumerate(weights):
        if total + weight > room:
            return (1, room) if number == 0 and 0 < room < weight else (number, total)
        total += weight
    return len(weights), total
