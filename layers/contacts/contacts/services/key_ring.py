"""The API keys of an account, and the account itself: making, listing and revoking."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from contacts.domain.account_secret import SECRET_BYTES, AccountSecret
from contacts.domain.accounts import (
    HOURLY_LIMITS,
    MAX_API_KEYS,
    Account,
    ApiKey,
    Caller,
    Dialect,
    Mode,
    Plan,
    Scope,
    key_prefix,
)
from contacts.domain.errors import (
    ApiKeyNotFound,
    FieldError,
    InvalidInput,
    ScopeMissing,
    TooManyApiKeys,
)
from contacts.domain.identity import uuid7
from contacts.domain.outcome import Did, Outcome, Receipt
from contacts.domain.timestamps import iso
from contacts.services.once import once
from contacts.services.ports import AccountStore, Clock, Randomness

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = 43
"""Characters in which 32 bytes fit: 62 ** 43 > 256 ** 32."""
_FULL_SCOPES: Final = tuple(scope for scope in Scope if scope not in (Scope.API_USER, Scope.USER))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """What a new key is to be. No scopes named: those of the key that makes it."""

    name: str
    scopes: Sequence[Scope] | None = None
    mode: Mode = Mode.LIVE
    dialect: Dialect = Dialect.NATIVE


def make_key(account_id: str, wish: KeyWish, at_ms: int, randomness: Randomness) -> tuple[ApiKey, str]:
    """A new key as it is kept, and as it is shown once."""
    shown = key_prefix(wish.dialect, wish.mode) + _base62(randomness(_SECRET_BYTES))
    key = ApiKey(
        id=f"key_{at_ms:011x}{randomness(4).hex()}",
        account_id=account_id,
        key_hash=sha256(shown.encode()).hexdigest(),
        name=wish.name,
        scopes=tuple(dict.fromkeys(wish.scopes or _FULL_SCOPES)),
        mode=wish.mode,
        dialect=wish.dialect,
        last_four=shown[-4:],
        created_at=iso(at_ms),
    )
    return key, shown


def _base62(secret: bytes) -> str:
    number, digits = int.from_bytes(secret, "big"), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_SECRET_LENGTH, _ALPHABET[0])


def described(key: ApiKey) -> dict[str, object]:
    """A key as callers may see it."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": [str(scope) for scope in key.scopes],
        "mode": str(key.mode),
        "dialect": str(key.dialect),
        "last_four": key.last_four,
        "created_at": key.created_at,
    }


class KeyRing:
    """What callers do with the keys of their account."""

    def __init__(self, store: AccountStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def keys(self, caller: Caller) -> list[Mapping[str, object]]:
        """The account's keys, oldest first, each with the hour in which it was last used."""
        if caller.is_test:
            return []
        hours = self._store.hours_of_use(caller.account_id)
        return [
            described(key) | ({"last_used_hour": hours[key.id]} if key.id in hours else {})
            for key in self._store.api_keys(caller.account_id)
        ]

    def add(self, caller: Caller, wish: KeyWish, receipt: Receipt | None) -> Outcome:
        """Make a key. It can hold no scope that the caller's own key lacks.

        Raises:
            ScopeMissing: the caller lacks a scope that the new key would have.
            TooManyApiKeys: the account has 30 already.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        scopes = tuple(caller.key.scopes) if wish.scopes is None else tuple(wish.scopes)
        beyond = caller.may_grant(scopes)
        if beyond is not None:
            raise ScopeMissing(beyond, f"A key can give on only scopes it has; this one lacks {beyond}.")
        now = self._clock.now_ms()
        wish = KeyWish(name=wish.name, scopes=scopes, mode=wish.mode, dialect=wish.dialect)
        key, shown = make_key(caller.account_id, wish, now, self._randomness)
        outcome = Outcome(did=Did.CREATED, details=described(key), secrets={"key": shown})
        if caller.is_test:
            return outcome
        if len(self._store.api_keys(caller.account_id)) >= MAX_API_KEYS:
            raise TooManyApiKeys(f"An account has at most {MAX_API_KEYS} API keys; revoke one first.")
        return self._once(lambda: self._store.add_api_key(key, outcome, receipt, now), outcome, receipt)

    def revoke(self, caller: Caller, key_id: str, receipt: Receipt | None) -> Outcome:
        """Make a key useless, within 60 seconds everywhere.

        Raises:
            ApiKeyNotFound: the account has none with that id.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        keys = [] if caller.is_test else self._store.api_keys(caller.account_id)
        key = next((key for key in keys if key.id == key_id), None)
        if key is None:
            raise ApiKeyNotFound("API key not found.")
        outcome = Outcome(did=Did.DELETED, details={"id": key.id})
        now = self._clock.now_ms()

        def remove() -> None:
            if not self._store.remove_api_key(key, outcome, receipt, now):
                raise ApiKeyNotFound("API key not found.")

        return self._once(remove, outcome, receipt)

    def _once(self, write: Callable[[], None], outcome: Outcome, receipt: Receipt | None) -> Outcome:
        def attempt() -> Outcome:
            write()
            return outcome

        return once(attempt, receipt, self._clock, self._randomness)


class Registrar:
    """Opens accounts: for operators, not for callers."""

    def __init__(self, store: AccountStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def open_account(
        self, name: str, plan: Plan, hourly_limit: int | None, dialect: Dialect = Dialect.NATIVE
    ) -> tuple[Account, dict[Dialect, str]]:
        """A new account and its first keys, which hold every scope: a native one, and one of its dialect.

        Raises:
            InvalidInput: an enterprise account without its own hourly limit, or another plan with one.
            TemporarilyUnavailable.
        """
        if plan is Plan.ENTERPRISE and hourly_limit is None:
            raise InvalidInput([FieldError("hourly_limit", "an enterprise account needs its own")])
        if plan is not Plan.ENTERPRISE and hourly_limit is not None:
            raise InvalidInput([FieldError("hourly_limit", f"the plan {plan} sets it")])
        now = self._clock.now_ms()
        account = Account(
            id=uuid7(now, self._randomness(10)),
            name=name,
            plan=plan,
            hourly_limit=HOURLY_LIMITS[plan] if hourly_limit is None else hourly_limit,
            created_at=iso(now),
            secret=AccountSecret(self._randomness(SECRET_BYTES)),
        )
        made = {
            spoken: make_key(account.id, KeyWish(name="first key", dialect=spoken), now, self._randomness)
            for spoken in dict.fromkeys((Dialect.NATIVE, dialect))
        }
        self._store.open_account(account, [key for key, _ in made.values()])
        return account, {spoken: shown for spoken, (_, shown) in made.items()}
