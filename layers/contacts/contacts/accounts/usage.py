"""What an account has used of its limits, hour by hour: what the meter has counted."""

from contacts.accounts.model import Account, AccountUsageOut
from contacts.accounts.store import USAGE_DAYS, AccountStore
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.time import DAY, Clock, hour_of
from contacts.core.violations import FieldErrorCode, Violation

_NOT_LATER = Violation(FieldErrorCode.OUT_OF_RANGE, "must be later than from")


class UsageHistory:
    """The usage of accounts in the last 31 days."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def shown(self, account: Account, from_ms: int | None, to_ms: int | None) -> AccountUsageOut:
        """The hours of use that lie, also with a part, between two moments (ms since the epoch), and the limits.

        `from_ms`: the first moment; None: 31 days ago, before which nothing is kept. `to_ms`: the end, which is not
        included; None: now.

        Raises:
            InvalidInput: the end is not after the beginning.
            TemporarilyUnavailable.
        """
        if from_ms is not None and to_ms is not None and to_ms <= from_ms:
            raise InvalidInput([FieldError("to", _NOT_LATER)])
        now_ms = self._clock.now_ms()
        first = max(from_ms or 0, now_ms - USAGE_DAYS * DAY * 1000)
        last = now_ms if to_ms is None else to_ms - 1
        hours = self._store.usage_between(account.id, hour_of(first), hour_of(last)) if first <= last else []
        return {
            "data": [
                {"hour": hour, "requests": used.requests, "written": used.written} for hour, used in hours
            ],
            "hourly_limit": account.hourly_limit,
            "hourly_written_limit": account.hourly_written_limit,
        }
