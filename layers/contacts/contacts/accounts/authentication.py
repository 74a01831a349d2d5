"""Authentication by API keys, and the plan's rate limit.

A warm function remembers a key for 50 seconds, so a request costs one call to the table: the one that counts it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final, Generic, TypeVar

from contacts.accounts.model import Caller
from contacts.accounts.store import AccountStore
from contacts.core.errors import (
    AccountSuspended,
    ContactsError,
    KeyRevoked,
    LimitReached,
    NotAuthenticated,
)
from contacts.core.time import Clock, seconds_left_in_hour

REMEMBERED_MS: Final = 50_000
"""How long a function uses a key and its account without reading them again. So a revocation or a suspension takes
effect within 60 seconds, clock drift included."""
REFUSED_MS: Final = 5_000
"""How long a function refuses a key that it found to be unknown or revoked, and an account without requests left,
without asking the table. A flood from one of them costs a call in 5 seconds."""
MAX_REMEMBERED: Final = 1000
"""Keys that a warm function remembers at most; so many refused keys, and accounts without requests left, too."""
_KEY = re.compile(r"(sk_(live|test)|am_(live|test)_sk)_[0-9A-Za-z]{43}")


@dataclass(frozen=True, slots=True)
class AuthContext:
    """An authenticated caller, and the account's use of its hourly limit."""

    caller: Caller
    used: int
    seconds_left: int
    resets_at: int
    """When the next hour begins, in seconds since the epoch."""

    @property
    def remaining(self) -> int:
        """Requests left in this hour."""
        return max(0, self.caller.account.hourly_limit - self.used)


class RateLimitExceeded(LimitReached):
    """Raised when the hourly limit is used up. `auth`: for the headers of the response."""

    def __init__(self, auth: AuthContext) -> None:
        super().__init__(auth.caller.account.hourly_limit, auth.seconds_left)
        self.auth = auth


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


class Authenticator:
    """Identifies callers by their API key, and counts their requests."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: Remembered[Caller] = Remembered()
        self._refused: Remembered[Callable[[], ContactsError]] = Remembered()
        """What makes the error: one that is raised again would keep the frames of all its requests."""
        self._used_up: Remembered[int] = Remembered()

    def authenticate(self, key: str) -> AuthContext:
        """Identify a caller and count the request.

        Raises:
            NotAuthenticated: there is no such key.
            KeyRevoked.
            AccountSuspended: the request is not counted.
            RateLimitExceeded: the account's hourly limit is used up.
            TemporarilyUnavailable.
        """
        now = self._clock.now_ms()
        left = seconds_left_in_hour(now)
        caller = self._caller(key, now)
        if caller.account.suspended_at is not None:
            raise AccountSuspended(caller.key.dialect)
        limit, used = caller.account.hourly_limit, None
        if self._used_up.get(caller.account.id, now) is None:
            used = self._store.count_request(caller.account, caller.key.id, now)
            if used is None:
                self._used_up.put(caller.account.id, limit, min(now + REFUSED_MS, now + left * 1000))
        auth = AuthContext(caller, limit if used is None else used, left, now // 1000 + left)
        if used is None:
            raise RateLimitExceeded(auth)
        return auth

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
        account = None if api_key is None else self._store.account(api_key.account_id)
        if api_key is None or account is None:
            return partial(NotAuthenticated, "This API key is unknown or was revoked.")
        return Caller(account, api_key)
