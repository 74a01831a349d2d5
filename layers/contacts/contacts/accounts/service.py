"""API keys (list, make, revoke), and for operators accounts (open, suspend, resume)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from contacts.accounts.authentication import REMEMBERED_MS
from contacts.accounts.meter import MAX_REMEMBERED
from contacts.accounts.model import (
    MAX_API_KEYS,
    PLAN_LIMITS,
    SECRET_BYTES,
    Account,
    AccountSecret,
    ApiKey,
    ApiKeyOut,
    Caller,
    Dialect,
    MakerRevoked,
    Mode,
    Plan,
    Revocation,
    Scope,
    api_key_out,
    full_keys,
    key_prefix,
    revoked_with,
)
from contacts.accounts.store import AccountStore
from contacts.accounts.switches import SwitchBoard
from contacts.book.model import Action, Outcome
from contacts.core.errors import (
    ApiKeyNotFound,
    FieldError,
    InvalidInput,
    KeyRevoked,
    LastFullKey,
    ScopeMissing,
    TooManyApiKeys,
)
from contacts.core.idempotency import IdempotencyKey, run_idempotent
from contacts.core.ids import Randomness, uuid7
from contacts.core.time import Clock, iso
from contacts.core.violations import NO_ACCOUNT, FieldErrorCode, Violation

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = 43
"""Characters in which 32 bytes fit: 62 ** 43 > 256 ** 32."""
MOST_AT_ONCE: Final = 40
"""Keys that one transaction revokes. Each takes two of its 100 steps."""
_FULL_SCOPES: Final = tuple(scope for scope in Scope if scope not in (Scope.API_USER, Scope.USER))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey:
    """The fields of a new API key. `scopes` None: those of the key that makes it."""

    name: str
    scopes: Sequence[Scope] | None = None
    mode: Mode = Mode.LIVE
    dialect: Dialect = Dialect.NATIVE


def make_key(
    account_id: str, command: CreateApiKey, at_ms: int, randomness: Randomness
) -> tuple[ApiKey, str]:
    """A new API key as it is stored, and the key itself, which only the response to its creation shows."""
    shown = key_prefix(command.dialect, command.mode) + _base62(randomness(_SECRET_BYTES))
    key = ApiKey(
        id=f"key_{at_ms:011x}{randomness(4).hex()}",
        account_id=account_id,
        key_hash=sha256(shown.encode()).hexdigest(),
        name=command.name,
        scopes=tuple(dict.fromkeys(command.scopes or _FULL_SCOPES)),
        mode=command.mode,
        dialect=command.dialect,
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


class ApiKeyService:
    """The API keys of accounts."""

    def __init__(self, store: AccountStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def keys(self, caller: Caller) -> list[ApiKeyOut]:
        """The account's keys, oldest first, each with the hour in which it was last used."""
        hours = self._store.hours_of_use(caller.account_id)
        return [api_key_out(key, hours.get(key.id)) for key in self._store.api_keys(caller.account_id)]

    def add(self, caller: Caller, command: CreateApiKey, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Make an API key. It cannot have a scope that the caller's own key lacks.

        Raises:
            ScopeMissing: the caller lacks a scope that the new key would have.
            TooManyApiKeys: the account has 30 already.
            KeyRevoked: the caller's own key was revoked a moment ago.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        scopes = tuple(caller.key.scopes) if command.scopes is None else tuple(command.scopes)
        beyond = caller.may_grant(scopes)
        if beyond is not None:
            raise ScopeMissing(beyond, f"A key can give on only scopes it has; this one lacks {beyond}.")
        now = self._clock.now_ms()
        command = CreateApiKey(name=command.name, scopes=scopes, mode=command.mode, dialect=command.dialect)
        key, shown = make_key(caller.account_id, command, now, self._randomness)
        key = replace(key, made_by=caller.key.id)
        outcome = Outcome(action=Action.CREATED, details=api_key_out(key), secrets={"key": shown})
        if caller.is_test:  # Its table holds no keys, not even the one that makes this.
            return outcome
        if len(self._store.api_keys(caller.account_id)) >= MAX_API_KEYS:
            raise TooManyApiKeys(f"An account has at most {MAX_API_KEYS} API keys; revoke one first.")

        def attempt() -> Outcome:
            try:
                self._store.add_api_key(key, outcome, idempotency_key, now)
            except MakerRevoked:
                raise KeyRevoked(caller.key.dialect) from None
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)

    def revoke(self, caller: Caller, key_id: str, idempotency_key: IdempotencyKey | None) -> Outcome:
        """Revoke an API key, and with it the keys that it made, the keys that these made, and so on.

        The revocation takes effect within 60 seconds. The caller's own key, unless it is the named one, is not revoked,
        nor are the keys that it made. If the key that made it is revoked, its new maker is the maker of the named key.

        Raises:
            ApiKeyNotFound: the account has none with that id.
            LastFullKey: no key would be left that has all scopes of the account's keys.
            KeyRevoked: the caller's own key was revoked a moment ago.
            IdempotencyKeyReused, TemporarilyUnavailable.
        """
        if caller.is_test:  # Its table holds no keys, not even its own: that would look like a revoked one.
            raise ApiKeyNotFound("API key not found.")
        gone: list[str] = []

        def attempt() -> Outcome:
            plan = _revocation(self._store.api_keys(caller.account_id), key_id, caller)
            now = self._clock.now_ms()
            keys = list(plan.keys)
            while len(keys) > MOST_AT_ONCE:
                # Keys are revoked before their makers: if this ends half-way, the same request can do the rest.
                part = replace(plan, keys=keys[-MOST_AT_ONCE:], adopted=None)
                self._store.revoke_api_keys(part, Outcome(action=Action.DELETED), None, now)
                gone.extend(key.id for key in part.keys)
                del keys[-MOST_AT_ONCE:]
            others = sorted({*gone, *(key.id for key in keys)} - {key_id})
            outcome = Outcome(action=Action.DELETED, details={"id": key_id, "also_revoked": others})
            self._store.revoke_api_keys(replace(plan, keys=keys), outcome, idempotency_key, now)
            return outcome

        return run_idempotent(attempt, idempotency_key, self._clock, self._randomness)


def _revocation(keys: Sequence[ApiKey], key_id: str, caller: Caller) -> Revocation:
    """The revocation of one of an account's keys.

    Raises: as `ApiKeyService.revoke`.
    """
    own = next((key for key in keys if key.id == caller.key.id), None)
    named = next((key for key in keys if key.id == key_id), None)
    if own is None:
        raise KeyRevoked(caller.key.dialect)
    if named is None:
        raise ApiKeyNotFound("API key not found.")
    goes = revoked_with(keys, named.id, spared_id=own.id)
    full = full_keys(keys)
    stays = [key for key in full if key not in goes]
    if full and not stays:
        raise LastFullKey
    needed = {key.id: key for key in (own, *stays[:1]) if key not in goes}
    is_orphan = own not in goes and own.made_by in {key.id for key in goes}
    adopted = replace(own, made_by=named.made_by) if is_orphan else None
    return Revocation(keys=goes, needed=list(needed.values()), adopted=adopted)


class AccountService:
    """Opens accounts, for operators."""

    def __init__(self, store: AccountStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def open_account(
        self,
        name: str,
        plan: Plan,
        hourly_limit: int | None,
        dialect: Dialect = Dialect.NATIVE,
        written_limit: int | None = None,
    ) -> tuple[Account, dict[Dialect, str]]:
        """Open an account. Returns it, and its first API keys by their dialect: a native key, and one of `dialect`.

        Both keys have every scope. `hourly_limit`, `written_limit`: requests and written items an hour, of an
        enterprise account. It may do without the second.

        Raises:
            InvalidInput: an enterprise account without its own hourly limit, or another plan with limits.
            TemporarilyUnavailable.
        """
        of_plan = PLAN_LIMITS[plan].requests_an_hour
        misplaced = Violation(FieldErrorCode.MISPLACED, f"the plan {plan} sets it")
        own = {"hourly_limit": hourly_limit, "hourly_written_limit": written_limit}
        wrong = [FieldError(name, misplaced) for name, one in own.items() if of_plan and one is not None]
        limit = of_plan or hourly_limit
        if limit is None:
            missing = Violation(FieldErrorCode.REQUIRED, "an enterprise account needs its own")
            wrong.append(FieldError("hourly_limit", missing))
        if wrong or limit is None:
            raise InvalidInput(wrong)
        now = self._clock.now_ms()
        account = Account(
            id=uuid7(now, self._randomness(10)),
            name=name,
            plan=plan,
            hourly_limit=limit,
            own_written_limit=written_limit,
            created_at=iso(now),
            secret=AccountSecret(self._randomness(SECRET_BYTES)),
        )
        made = {
            key_dialect: make_key(
                account.id, CreateApiKey(name="first key", dialect=key_dialect), now, self._randomness
            )
            for key_dialect in dict.fromkeys((Dialect.NATIVE, dialect))
        }
        self._store.open_account(account, [key for key, _ in made.values()])
        return account, {key_dialect: shown for key_dialect, (_, shown) in made.items()}


class SuspensionService:
    """Suspends and resumes accounts, for operators."""

    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def suspend(self, account_id: str, reason: str | None) -> Account:
        """Refuse an account's callers, within 60 seconds. An account that is suspended keeps its `suspended_at`.

        Raises:
            InvalidInput: there is no such account.
            TemporarilyUnavailable.
        """
        return _known(self._store.suspend(account_id, iso(self._clock.now_ms()), reason))

    def resume(self, account_id: str) -> Account:
        """Accept an account's callers again, within 60 seconds.

        Raises: as `suspend`.
        """
        return _known(self._store.suspend(account_id, None, None))


class DeliveryTerms:
    """Tells whether an account's deliveries may be attempted, and how many at once.

    It remembers each account for 50 seconds, as `Authenticator` remembers keys.
    """

    def __init__(self, board: SwitchBoard, clock: Clock, enterprise_deliveries: int) -> None:
        """`enterprise_deliveries`: how many deliveries an enterprise account may have in flight at once."""
        self._board = board
        self._clock = clock
        self._enterprise_deliveries = enterprise_deliveries
        self._remembered: dict[str, tuple[int, Account | None]] = {}

    def is_suspended(self, account_id: str) -> bool:
        """Whether an account is suspended. One read; none for the next 50 seconds.

        Raises:
            TemporarilyUnavailable.
        """
        account = self._account(account_id)
        return account is not None and account.suspended_at is not None

    def are_stopped(self, account_id: str) -> bool:
        """Whether an operator has stopped the deliveries of an account, or of all. One read; none for 50 seconds.

        Raises:
            TemporarilyUnavailable.
        """
        account = self._account(account_id)
        is_own = account is not None and account.deliveries_stopped_at is not None
        return is_own or not self._board.switches.deliveries

    def deliveries_at_once(self, account_id: str) -> int:
        """How many deliveries of an account may be in flight at once. One read; none for the next 50 seconds.

        Raises:
            TemporarilyUnavailable.
        """
        account = self._account(account_id)
        plan = Plan.FREE if account is None else account.plan
        return PLAN_LIMITS[plan].deliveries_in_flight or self._enterprise_deliveries

    def _account(self, account_id: str) -> Account | None:
        now = self._clock.now_ms()
        until, known = self._remembered.get(account_id, (0, None))
        if now < until:
            return known
        account = self._board.account(account_id)
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[account_id] = (now + REMEMBERED_MS, account)
        return account


def _known(account: Account | None) -> Account:
    if account is None:
        raise InvalidInput([FieldError("account_id", NO_ACCOUNT)])
    return account
