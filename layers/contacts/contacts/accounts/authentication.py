"""Authentication by API keys, and the plan's rate limit.

A warm function remembers a key for 50 seconds, so a request costs one call to the table: the one that counts it.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from contacts.accounts.model import Caller
from contacts.accounts.store import AccountStore
from contacts.core.errors import AccountSuspended, KeyRevoked, LimitReached, NotAuthenticated
from contacts.core.time import Clock, seconds_left_in_hour

REMEMBERED_MS: Final = 50_000
"""How long a function uses a key and its account without reading them again. So a revocation or a suspension takes
effect within 60 seconds, clock drift included."""
MAX_REMEMBERED: Final = 1000
"""Keys that a warm function remembers at most."""
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


class Authenticator:
    """Identifies callers by their API key, and counts their requests."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._remembered: dict[str, tuple[int, Caller]] = {}

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
        used = self._store.count_request(caller.account, caller.key.id, now)
        limit = caller.account.hourly_limit
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
        until, caller = self._remembered.get(key_hash, (0, None))
        if caller is not None and now < until:
            return caller
        self._remembered.pop(key_hash, None)
        api_key = self._store.api_key(key_hash)
        if api_key is not None and api_key.is_revoked:
            raise KeyRevoked(api_key.dialect)
        account = None if api_key is None else self._store.account(api_key.account_id)
        if api_key is None or account is None:
            raise NotAuthenticated("This API key is unknown or was revoked.")
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        caller = Caller(account, api_key)
        self._remembered[key_hash] = (now + REMEMBERED_MS, caller)
        return caller
