"""Hand-written stand-ins for ports."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from contacts.accounts.authentication import AuthContext, Authenticator
from contacts.accounts.model import (
    Account,
    AccountSecret,
    ApiKey,
    Charge,
    KeysModified,
    MakerRevoked,
    Revocation,
    Switches,
    Usage,
)
from contacts.accounts.store import LEASED_SHARE, BeyondLimit
from contacts.book.model import Outcome
from contacts.book.store import OptOuts
from contacts.core.idempotency import AlreadyRecorded, IdempotencyKey, IdempotencyRecord
from contacts.core.time import hour_of
from contacts.table.client import Table

SECRET = AccountSecret(b"s" * 32)


class OneAtATime:
    """A client that several threads may call, of a table that is for one thread: moto's."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._turn = Lock()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._client, method)

        def called(**request: Any) -> Any:
            with self._turn:
                return call(**request)

        return called


def opt_outs(table: Table, account_id: str) -> OptOuts:
    """The addresses of an account that have opted out."""
    return OptOuts(table, account_id, SECRET)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps, or a test says so."""

    at_ms: int = 1_768_473_000_000
    slept: list[float] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.at_ms

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_ms += int(seconds * 1000)


@dataclass
class CountingBytes:
    """Bytes that differ from call to call and are the same in every run."""

    calls: int = 0

    def __call__(self, count: int, /) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(8, "big").rjust(count, b"\x5a")[-count:]


def let_in(authenticator: Authenticator, key: str, written: int = 0) -> AuthContext:
    """Identify a caller and count a request, as the entrypoint does.

    Raises:
        ContactsError: the key or the request is refused.
    """
    caller = authenticator.identify(key)
    auth = authenticator.remembered_refusal(caller) or authenticator.count(caller, written)
    if auth.refusal is not None:
        raise auth.refusal
    return auth


@dataclass
class InMemoryAccounts:
    """`accounts.store.AccountStore` in dictionaries."""

    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    used: dict[tuple[str, str], Usage] = field(default_factory=dict)
    leased: Counter[tuple[str, str]] = field(default_factory=Counter)
    hours: dict[str, str] = field(default_factory=dict)
    records: dict[str, IdempotencyRecord] = field(default_factory=dict)
    switched: Switches = field(default_factory=Switches)
    reads: int = 0
    counted: int = 0
    """Calls that count a request."""

    def account(self, account_id: str) -> Account | None:
        self.reads += 1
        return self.accounts.get(account_id)

    def account_and_switches(self, account_id: str) -> tuple[Account | None, Switches | None]:
        return self.account(account_id), self.switched

    def switches(self) -> Switches:
        self.reads += 1
        return self.switched

    def api_key(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return self.keys.get(key_hash)

    def count(self, account: Account, key_id: str, at_ms: int, charge: Charge) -> Usage:
        self.counted += 1
        hour = hour_of(at_ms)
        used = self.used.get((account.id, hour), Usage())
        after = Usage(used.requests + charge.requests, used.written + charge.written)
        leased = self.leased[account.id, hour] + charge.leased
        if (
            after.requests > account.hourly_limit
            or (charge.written and after.written > account.hourly_written_limit - charge.left_to_others)
            or (charge.leased > 0 and leased > account.hourly_limit // LEASED_SHARE)
        ):
            raise BeyondLimit(used)
        self.used[account.id, hour] = after
        self.leased[account.id, hour] = leased
        self.hours[key_id] = hour
        return after

    def suspend(self, account_id: str, at: str | None, reason: str | None) -> Account | None:
        account = self.accounts.get(account_id)
        if account is None:
            return None
        since = at and (account.suspended_at or at)
        self.accounts[account_id] = replace(account, suspended_at=since, suspension_reason=reason)
        return self.accounts[account_id]

    def open_account(self, account: Account, first_keys: Sequence[ApiKey]) -> None:
        self.accounts[account.id] = account
        self.keys |= {key.key_hash: key for key in first_keys}

    def api_keys(self, account_id: str) -> list[ApiKey]:
        own = (key for key in self.keys.values() if key.account_id == account_id and not key.is_revoked)
        return sorted(own, key=lambda key: key.id)

    def hours_of_use(self, account_id: str) -> Mapping[str, str]:
        return self.hours

    def add_api_key(
        self, key: ApiKey, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        live = {kept.id: kept for kept in self.keys.values() if not kept.is_revoked}
        if key.made_by is not None and key.made_by not in live:
            raise MakerRevoked
        self._record(outcome, idempotency_key)
        self.keys[key.key_hash] = key
        if key.made_by is not None:
            maker = live[key.made_by]
            self.keys[maker.key_hash] = replace(maker, keys_made=maker.keys_made + 1)

    def revoke_api_keys(
        self, revocation: Revocation, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        live = {kept.id: kept for kept in self.keys.values() if not kept.is_revoked}
        if any(live.get(key.id) != key for key in revocation.keys):
            raise KeysModified
        if any(key.id not in live for key in revocation.needed):
            raise KeysModified
        self._record(outcome, idempotency_key)
        self.keys |= {key.key_hash: replace(key, is_revoked=True) for key in revocation.keys}
        if revocation.adopted is not None:
            self.keys[revocation.adopted.key_hash] = revocation.adopted

    def _record(self, outcome: Outcome, idempotency_key: IdempotencyKey | None) -> None:
        if idempotency_key is None:
            return
        if idempotency_key.key in self.records:
            raise AlreadyRecorded(self.records[idempotency_key.key])
        kept = Outcome(action=outcome.action, details=outcome.details, is_replay=True)
        self.records[idempotency_key.key] = IdempotencyRecord(idempotency_key.request_hash, kept)
