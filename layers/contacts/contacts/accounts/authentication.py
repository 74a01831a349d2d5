"""Authentication by API keys, and the plan's rate limit.

A warm function remembers a key for 50 seconds, so a request costs one call to the table: the one that counts it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from contacts.accounts.meter import REFUSED_MS, Meter, Reading, Remembered
from contacts.accounts.model import Caller
from contacts.accounts.store import AccountStore
from contacts.accounts.switches import SwitchBoard
from contacts.core.errors import (
    AccountSuspended,
    ContactsError,
    KeyRevoked,
    LimitReached,
    NotAuthenticated,
    ReadOnly,
)
from contacts.core.time import Clock, seconds_left_in_hour

REMEMBERED_MS: Final = 50_000
"""How long a function uses a key and its account without reading them again. So a revocation or a suspension takes
effect within 60 seconds, clock drift included."""
_KEY = re.compile(r"(sk_(live|test)|am_(live|test)_sk)_[0-9A-Za-z]{43}")


@dataclass(frozen=True, slots=True)
class AuthContext:
    """An authenticated caller, and the account's use of its hourly limit."""

    caller: Caller
    used: int
    seconds_left: int
    resets_at: int
    """When the next hour begins, in seconds since the epoch."""

    written: int = 0
    """Items that the requests of this hour had to write."""
    refusal: LimitReached | None = None
    """Why the request is refused."""

    @property
    def remaining(self) -> int:
        """Requests left in this hour."""
        return max(0, self.caller.account.hourly_limit - self.used)

    @property
    def written_remaining(self) -> int:
        """Items that may still be written in this hour."""
        return max(0, self.caller.account.hourly_written_limit - self.written)


def _context(caller: Caller, reading: Reading, now: int) -> AuthContext:
    left = seconds_left_in_hour(now)
    usage, refusal = reading
    return AuthContext(caller, usage.requests, left, now // 1000 + left, usage.written, refusal)


class Authenticator:
    """Identifies callers by their API key, and counts their requests."""

    def __init__(self, store: AccountStore, clock: Clock, board: SwitchBoard | None = None) -> None:
        """`board`: the switches of this process; None: it has none besides."""
        self._store = store
        self._clock = clock
        self.board = board or SwitchBoard(store, clock)
        self._meter = Meter(store)
        self._remembered: Remembered[Caller] = Remembered()
        self._refused: Remembered[Callable[[], ContactsError]] = Remembered()
        """What makes the error: one that is raised again would keep the frames of all its requests."""

    def identify(self, key: str) -> Caller:
        """Identify a caller. Two reads at most; none for a key that is remembered.

        Raises:
            NotAuthenticated: there is no such key.
            KeyRevoked.
            AccountSuspended.
            TemporarilyUnavailable.
        """
        caller = self._caller(key, self._clock.now_ms())
        if caller.account.suspended_at is not None:
            raise AccountSuspended(caller.key.dialect)
        return caller

    def refuse_write(self) -> None:
        """
        Raises:
            ReadOnly: an operator has switched writing off.
        """
        if not self.board.switches.writes:
            raise ReadOnly

    def remembered_refusal(self, caller: Caller) -> AuthContext | None:
        """The refusal of any request of a caller, if it is known without a call."""
        now = self._clock.now_ms()
        reading = self._meter.remembered_refusal(caller.account, 0, now)
        return None if reading is None else _context(caller, reading, now)

    def count(self, caller: Caller, written: int) -> AuthContext:
        """Count a request with its written items. If it is refused, the result says why, and nothing is counted.

        Raises:
            TemporarilyUnavailable: the table does not answer. Where it throttles, the request is refused.
        """
        now = self._clock.now_ms()
        return _context(caller, self._meter.count(caller, written, now), now)

    def _caller(self, key: str, now: int) -> Caller:
        if not _KEY.fullmatch(key):
            raise NotAuthenticated(
                "This is not an API key of this service: those begin with sk_live_ or sk_test_ "
                "(in the dialect artamail with am_live_sk_ or am_test_sk_)."
            )
        key_hash = sha256(key.encode()).hexdigest()
        if (caller := self._remembered.get(key_hash, now)) is not None:
            return caller
        if (refusal := self._refused.get(key_hash, now)) is not None:
            raise refusal()
        found = self._looked_up(key_hash)
        if not isinstance(found, Caller):
            self._refused.put(key_hash, found, now + REFUSED_MS)
            raise found()
        self._remembered.put(key_hash, found, now + REMEMBERED_MS)
        return found

    def _looked_up(self, key_hash: str) -> Caller | Callable[[], ContactsError]:
        """The caller with a key, or what makes the error that refuses it. Two GetItems at most."""
        api_key = self._store.api_key(key_hash)
        if api_key is not None and api_key.is_revoked:
            return partial(KeyRevoked, api_key.dialect)
        account = None if api_key is None else self.board.account(api_key.account_id)
        if api_key is None or account is None:
            return partial(NotAuthenticated, "This API key is unknown or was revoked.")
        return Caller(account, api_key)
