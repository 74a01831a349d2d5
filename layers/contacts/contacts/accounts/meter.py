"""The meter: counts an account's requests and written items of an hour, and says when a limit of its plan is reached.

A request costs one conditional UpdateItem of one write unit. An account of more than 100,000 requests an hour would
come to the thousand units a second that one item takes. So for such an account a function counts requests ahead: it
*leases* as many as it had in the last two seconds, in one call, and lets that many in without another one.

- Leased requests are counted when they are leased, so the limit is never exceeded.
- The usage counts what is leased and not yet known to be used: at most 2 % of the limit, or nothing more is leased.
  So if functions die with their leases, at most 2 % of the limit are lost.
- Near the limit a lease becomes smaller, and at last one request.
- A request that writes is counted on its own, exactly: what it writes takes at least as much of the contacts' own
  partition as the count takes of the usage.
"""

from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from contacts.accounts.model import Account, Caller, Charge, Usage
from contacts.accounts.store import AccountStore, BeyondLimit
from contacts.core.errors import LimitReached, MeterThrottled, TemporarilyUnavailable, WrittenLimitReached
from contacts.core.time import hour_of, seconds_left_in_hour

LARGEST_EXACT_LIMIT: Final = 100_000
"""Requests an hour up to which each one is counted on its own: 28 a second."""
REFUSED_MS: Final = 5_000
"""How long a function refuses what it knows to be refused, without asking the table: an account without requests left,
and a key that is unknown or revoked. So a flood of one of them costs a call in 5 seconds."""
THROTTLED_MS: Final = 1_000
"""How long a function refuses an account whose meter was throttled, without asking the table."""
LEASED_FOR_MS: Final = 2_000
"""A lease has as many requests as the function had in this time."""
NEAR_THE_LIMIT: Final = 100
"""A lease has at most one of so many requests that are left."""
MAX_REMEMBERED: Final = 1000
"""Values of a kind that a warm function remembers at most."""

NOTHING_USED: Final = Usage()

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values that a function remembers for a while; all are forgotten where they become too many."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[int, Value]] = {}

    def get(self, name: str, now: int) -> Value | None:
        """The value, unless its time is over. `now`: ms since the epoch."""
        until, value = self._values.get(name, (0, None))
        return value if now < until else None

    def put(self, name: str, value: Value, until: int) -> None:
        """Remember a value. `until`: ms since the epoch."""
        if len(self._values) >= MAX_REMEMBERED:
            self._values.clear()
        self._values[name] = (until, value)


class Reading(NamedTuple):
    """What an account has used of this hour, and why its request is refused (None: it is not)."""

    usage: Usage
    refusal: LimitReached | None = None


@dataclass(slots=True)
class _Lease:
    """What a function has counted ahead for a key."""

    hour: str
    usage: Usage = NOTHING_USED
    """The account's usage after the last call, with all that is leased."""
    left: int = 0
    """Requests that may still be let in."""
    unreported: int = 0
    """Requests of which the table does not know yet that they were used."""
    alone_until: int = 0
    """Until then every request is counted on its own: there was no room to lease more."""
    recent: list[int] = field(default_factory=list)
    """When requests came, in ms since the epoch."""


class Meter:
    """Counts the requests of accounts. A process serves one request at a time, and has one meter."""

    def __init__(self, store: AccountStore, exact_up_to: int = LARGEST_EXACT_LIMIT) -> None:
        """`exact_up_to`: the largest hourly limit without leases."""
        self._store = store
        self._exact_up_to = exact_up_to
        self._beyond: Remembered[Usage] = Remembered()
        """By account, what was used when a request was refused."""
        self._latest: Remembered[Usage] = Remembered()
        """By account, what was used when it was counted last."""
        self._throttled: Remembered[bool] = Remembered()
        self._leases: dict[str, _Lease] = {}
        """By the id of the key."""

    def remembered_refusal(self, account: Account, written: int, now: int) -> Reading | None:
        """The refusal of a request, if it is known without a call. `written`: its items; `now`: ms since the epoch."""
        if self._throttled.get(account.id, now):
            return Reading(self._latest.get(account.id, now) or NOTHING_USED, MeterThrottled())
        usage = self._beyond.get(account.id, now)
        if usage is None:
            if written <= account.hourly_written_limit:
                return None
            usage = self._latest.get(account.id, now) or NOTHING_USED  # No hour has room for so many.
        refusal = _refusal(account, usage, written, now)
        return None if refusal is None else Reading(usage, refusal)

    def count(self, caller: Caller, written: int, now: int) -> Reading:
        """Count a request with its written items, or refuse it, which counts nothing. One call at most, seldom two.

        Raises:
            TemporarilyUnavailable: the table does not answer. Where it throttles, the request is refused.
        """
        account = caller.account
        known = self.remembered_refusal(account, written, now)
        if known is not None:
            return known
        until = now + seconds_left_in_hour(now) * 1000
        try:
            usage = self._counted(caller, written, now)
        except BeyondLimit as beyond:
            self._beyond.put(account.id, beyond.usage, min(now + REFUSED_MS, until))
            return Reading(beyond.usage, _refusal(account, beyond.usage, written, now))
        except TemporarilyUnavailable as busy:
            if not busy.is_throttled:
                raise
            self._throttled.put(account.id, True, now + THROTTLED_MS)  # noqa: FBT003 (a value, no switch)
            return Reading(self._latest.get(account.id, now) or NOTHING_USED, MeterThrottled())
        self._latest.put(account.id, usage, until)
        return Reading(usage)

    def _counted(self, caller: Caller, written: int, now: int) -> Usage:
        """The usage after a request was counted.

        Raises:
            BeyondLimit, TemporarilyUnavailable.
        """
        account, key_id = caller.account, caller.key.id
        if written or account.hourly_limit <= self._exact_up_to:
            return self._store.count(account, key_id, now, Charge(written=written))
        lease = self._lease(key_id, now)
        lease.recent.append(now)
        if lease.left:
            lease.left -= 1
        else:
            self._renew(lease, account, key_id, now)
        return lease.usage._replace(requests=lease.usage.requests - lease.left)

    def _lease(self, key_id: str, now: int) -> _Lease:
        """The lease of a key for the hour that it is. What is left of another hour's is lost with it."""
        hour = hour_of(now)
        lease = self._leases.get(key_id)
        if lease is None or lease.hour != hour:
            if len(self._leases) >= MAX_REMEMBERED:
                self._leases.clear()
            lease = self._leases[key_id] = _Lease(hour, recent=[] if lease is None else lease.recent)
        return lease

    def _renew(self, lease: _Lease, account: Account, key_id: str, now: int) -> None:
        """Lease as many requests as there were in the last two seconds; one of them is let in now.

        Raises:
            BeyondLimit, TemporarilyUnavailable.
        """
        lease.recent = [at for at in lease.recent if 0 <= now - at < LEASED_FOR_MS]
        room = (account.hourly_limit - lease.usage.requests) // NEAR_THE_LIMIT
        size = 1 if now < lease.alone_until else max(1, min(len(lease.recent), room))
        try:
            self._take(lease, size, account, key_id, now)
        except BeyondLimit as beyond:
            if size == 1 or beyond.usage.requests >= account.hourly_limit:
                raise
            lease.alone_until = now + LEASED_FOR_MS
            self._take(lease, 1, account, key_id, now)

    def _take(self, lease: _Lease, size: int, account: Account, key_id: str, now: int) -> None:
        """Count `size` requests, and report that those of the lease before were used. One call.

        Raises:
            BeyondLimit, TemporarilyUnavailable.
        """
        reported, lease.unreported = lease.unreported, 0  # If the answer is lost, nothing is reported twice.
        try:
            charge = Charge(requests=size, leased=size - 1 - reported)
            lease.usage = self._store.count(account, key_id, now, charge)
        except BeyondLimit as beyond:
            lease.usage = beyond.usage
            lease.unreported = 0 if beyond.is_repetition else reported
            raise
        lease.unreported = lease.left = size - 1


def _refusal(account: Account, usage: Usage, written: int, now: int) -> LimitReached | None:
    """Why a request with so many written items is refused after so much usage; None: it is not."""
    seconds = seconds_left_in_hour(now)
    begins = f"the next hour begins in {seconds} seconds."
    limit, most = account.hourly_limit, account.hourly_written_limit
    if usage.requests >= limit:
        return LimitReached(f"All {limit} requests of this hour are used; {begins}", seconds)
    if written and usage.written + written > most:
        left = max(0, most - usage.written)
        return WrittenLimitReached(
            f"Of the {most} items that may be written in an hour {left} are left, "
            f"and this request has {written}; {begins}",
            seconds,
        )
    return None
