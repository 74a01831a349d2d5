"""Accounts, API keys and hourly usage in the table.

An API key is two items: one under its hash, which authentication reads, and one in its account's listing.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Final

from contacts.accounts.model import (
    SECRET_BYTES,
    Account,
    AccountSecret,
    ApiKey,
    Charge,
    Dialect,
    KeysModified,
    MakerRevoked,
    Mode,
    Plan,
    Revocation,
    Scope,
    Switches,
    Usage,
    switches_from,
)
from contacts.book.model import Outcome
from contacts.core.idempotency import IdempotencyKey
from contacts.core.ids import Randomness
from contacts.core.time import DAY, hour_of, iso
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.records import write_recorded

_MAKER: Final = "maker"
"""The name of the step that counts the keys that a key has made."""
REVOKED_DAYS: Final = 365
"""Days for which a revoked key is distinguished from an unknown one."""
USAGE_DAYS: Final = 31
"""Days for which an hour's usage is kept. It also says when a key was last used."""


_SCOPES: Final = frozenset(Scope)
LEASED_SHARE: Final = 50
"""One of so many requests of an hour may be leased."""


class BeyondLimit(Exception):
    """Raised when a limit has no room for what is to be counted. `usage`: that of the hour.

    `is_repetition`: the SDK had sent the call before and got no answer, so the first one may have counted.
    """

    def __init__(self, usage: Usage, *, is_repetition: bool = False) -> None:
        super().__init__("beyond the limit")
        self.usage = usage
        self.is_repetition = is_repetition


class AccountStore:
    """The accounts, their API keys and their usage."""

    def __init__(self, table: Table, randomness: Randomness = os.urandom) -> None:
        self._table = table
        self._randomness = randomness

    def account(self, account_id: str) -> Account | None:
        """An account; None: there is none. One GetItem.

        An account that was opened before accounts had secrets gets its secret here, by one UpdateItem.

        Raises:
            TemporarilyUnavailable.
        """
        return self._account(account_id, self._table.get(keys.account(account_id)))

    def account_and_switches(self, account_id: str) -> tuple[Account | None, Switches | None]:
        """An account as `account` gives it, and in the same call the switches; None: they are not known now.

        Raises:
            TemporarilyUnavailable.
        """
        item, switches, is_known = self._table.get_beside(keys.account(account_id), keys.switches())
        return self._account(account_id, item), switches_from(switches) if is_known else None

    def switches(self) -> Switches:
        """The switches. One GetItem.

        Raises:
            TemporarilyUnavailable.
        """
        return switches_from(self._table.get(keys.switches()))

    def _account(self, account_id: str, item: Item | None) -> Account | None:
        if item is not None and "secret" not in item:
            item = self._with_secret(account_id)
        return None if item is None else _account_from(item, account_id)

    def stop_deliveries(self, account_id: str, at: str | None, reason: str | None) -> Account | None:
        """Stop an account's deliveries at a time, with a reason; `at` None: let them go on. One UpdateItem.

        Returns the account; None: there is none. Deliveries that are stopped keep the time of the first stop.

        Raises:
            TemporarilyUnavailable.
        """
        return self._halt(account_id, at, reason, "deliveries_stopped_at", "stop_reason")

    def suspend(self, account_id: str, at: str | None, reason: str | None) -> Account | None:
        """Suspend an account at a time, with a reason; `at` None: resume it. One UpdateItem.

        Returns the account; None: there is none. An account that is suspended keeps the time of the first suspension.

        Raises:
            TemporarilyUnavailable.
        """
        return self._halt(account_id, at, reason, "suspended_at", "suspension_reason")

    def _halt(
        self, account_id: str, at: str | None, reason: str | None, since: str, why: str
    ) -> Account | None:
        """Say on an account since when something is halted, and why. `since`, `why`: the attributes."""
        expression = Expression()
        expression.require(expression.is_there())
        expression.set_once("secret", self._fresh_secret())
        if at is None:
            expression.remove(since)
            expression.remove(why)
        else:
            expression.set_once(since, at)
            expression.assign(why, reason)
        try:
            item = self._table.update("account", keys.account(account_id), expression)
        except ConditionsFailed:
            return None
        return _account_from(item, account_id)

    def _with_secret(self, account_id: str) -> Item | None:
        """Give a secret to an account that was opened before accounts had secrets. Returns the item."""
        expression = Expression()
        expression.require(expression.is_there())
        expression.set_once("secret", self._fresh_secret())
        try:
            return self._table.update("account", keys.account(account_id), expression)
        except ConditionsFailed:
            return None

    def _fresh_secret(self) -> str:
        return _secret_text(AccountSecret(self._randomness(SECRET_BYTES)))

    def api_key(self, key_hash: str) -> ApiKey | None:
        """The API key with a hash; None: there is none. One GetItem, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        item = self._table.get(keys.api_key(key_hash))
        return None if item is None else _api_key_from(item)

    def count(self, account: Account, key_id: str, at_ms: int, charge: Charge) -> Usage:
        """Count requests of a key, and their written items. Returns the usage of this hour.

        One conditional UpdateItem of one write unit. The SDK may repeat a call whose response got lost, so a charge
        may be counted twice, but is never missed.

        Raises:
            BeyondLimit: a limit of the account has no room for the charge, or 2 % of its requests are leased; nothing
                was counted.
            TemporarilyUnavailable.
        """
        expression = Expression()
        expression.count_up("used", account.hourly_limit, charge.requests)
        if charge.written:
            most = account.hourly_written_limit - charge.left_to_others
            expression.count_up("written", most, charge.written)
        if charge.leased > 0:
            expression.count_up("leased", account.hourly_limit // LEASED_SHARE, charge.leased)
        elif charge.leased:
            expression.add("leased", charge.leased)
        expression.add("key_ids", frozenset({key_id}))
        expression.set("ttl", at_ms // 1000 + USAGE_DAYS * DAY)
        key = keys.usage(account.id, hour_of(at_ms))
        try:
            return _usage_from(self._table.update("usage", key, expression))
        except ConditionsFailed as failed:
            raise BeyondLimit(
                _usage_from(failed.items["usage"] or {}), is_repetition=failed.is_repetition
            ) from None

    def open_account(self, account: Account, first_keys: Sequence[ApiKey]) -> None:
        """Write a new account and its first API keys. One transaction.

        Raises:
            ConditionsFailed, Contention, TemporarilyUnavailable.
        """
        fresh = Expression()
        fresh.require(fresh.is_free())
        item = {
            "name": account.name,
            "plan": account.plan,
            "hourly_limit": account.hourly_limit,
            "shards": 1,
            "created_at": account.created_at,
            "secret": _secret_text(account.secret),
            "hourly_written_limit": account.own_written_limit,
        }
        account_step = self._table.put_step("account", keys.account(account.id), item, fresh)
        self._table.write([account_step, *(step for key in first_keys for step in self._key_steps(key))])

    def api_keys(self, account_id: str) -> list[ApiKey]:
        """The API keys of an account, the oldest first. One Query.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.listed_api_key(account_id, "").PK)
        items, more = self._table.query(expression)
        assert more is None, "thirty keys fit one page"
        return [_api_key_from(item) for item in items]

    def hours_of_use(self, account_id: str) -> Mapping[str, str]:
        """The hour (`2026-01-15T10`) in which each key was last used, by the key's id.

        Queries over the usage of 31 days (at most 744 small items). Keys that were not used in these are left out.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_partition(keys.usage(account_id, "").PK)
        hours: dict[str, str] = {}
        start = None
        while True:
            items, start = self._table.query(expression, start=start, forward=False)
            for item in items:
                for key_id in item["key_ids"]:
                    hours.setdefault(key_id, item["SK"])
            if start is None:
                return hours

    def usage_between(self, account_id: str, first: str, last: str) -> list[tuple[str, Usage]]:
        """The usage of the hours from one to another (`2026-01-15T10`, both included) that have some, the oldest first.

        One Query over at most 744 items of less than 1 KB, which mostly is one page. It may lack the last second: no
        request is let in or refused by it, and so it costs half.

        Raises:
            TemporarilyUnavailable.
        """
        expression = Expression.of_span(keys.usage(account_id, first), keys.usage(account_id, last))
        return [(item["SK"], _usage_from(item)) for item in self._table.all_of(expression, consistent=False)]

    def add_api_key(
        self, key: ApiKey, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        """Write a new API key. One transaction over its two items, its maker's listing, and the request's record.

        The maker's listing counts the keys that it made. A concurrent revocation that does not know the new key finds
        another count, and fails.

        Raises:
            MakerRevoked: the key that makes this one has been revoked.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        steps = list(self._key_steps(key))
        if key.made_by is not None:
            made = Expression()
            made.require(made.is_there())
            made.add("keys_made", 1)
            steps.append(
                self._table.update_step(_MAKER, keys.listed_api_key(key.account_id, key.made_by), made)
            )
        try:
            self._write(steps, key.account_id, outcome, idempotency_key, at_ms)
        except ConditionsFailed as failed:
            if _MAKER in failed.items:
                raise MakerRevoked from None
            raise

    def revoke_api_keys(
        self, revocation: Revocation, outcome: Outcome, idempotency_key: IdempotencyKey | None, at_ms: int
    ) -> None:
        """Revoke API keys. One transaction over their items, the keys that must stay, and the request's record.

        The item under a key's hash is kept for a year, so a client with a revoked key gets its error in its dialect.

        Raises:
            KeysModified: the keys are no longer as they were listed.
            AlreadyRecorded, Contention, TemporarilyUnavailable.
        """
        steps = [step for key in revocation.keys for step in self._revoking_steps(key, at_ms)]
        if revocation.adopted is not None:
            steps += self._adopting_steps(revocation.adopted)
        for key in revocation.needed:
            if (
                revocation.adopted is None or key.id != revocation.adopted.id
            ):  # Its own step has the condition.
                is_live = Expression()
                is_live.require(is_live.is_there())
                steps.append(
                    self._table.check_step("needed key", keys.listed_api_key(key.account_id, key.id), is_live)
                )
        try:
            self._write(steps, revocation.keys[0].account_id, outcome, idempotency_key, at_ms)
        except ConditionsFailed:
            raise KeysModified from None

    def _revoking_steps(self, key: ApiKey, at_ms: int) -> list[Step]:
        revoked = Expression()
        revoked.require(revoked.is_there())
        revoked.require(revoked.equals("revoked_at", None))
        revoked.set("revoked_at", iso(at_ms))
        revoked.set("ttl", at_ms // 1000 + REVOKED_DAYS * DAY)
        as_listed = Expression()
        as_listed.require(as_listed.is_there())
        as_listed.require(as_listed.equals("keys_made", key.keys_made or None))
        listed = keys.listed_api_key(key.account_id, key.id)
        return [
            self._table.update_step(f"key {key.id}", keys.api_key(key.key_hash), revoked),
            self._table.delete_step(f"listed key {key.id}", listed, as_listed),
        ]

    def _adopting_steps(self, key: ApiKey) -> list[Step]:
        steps = []
        for place in (keys.api_key(key.key_hash), keys.listed_api_key(key.account_id, key.id)):
            adopted = Expression()
            adopted.require(adopted.is_there())
            adopted.require(adopted.equals("revoked_at", None))
            adopted.assign("made_by", key.made_by)
            steps.append(self._table.update_step("adopted key", place, adopted))
        return steps

    def _write(
        self,
        steps: list[Step],
        account_id: str,
        outcome: Outcome,
        idempotency_key: IdempotencyKey | None,
        at_ms: int,
    ) -> None:
        write_recorded(self._table, steps, account_id, idempotency_key, outcome, None, at_ms)

    def _key_steps(self, key: ApiKey) -> list[Step]:
        fresh = Expression()
        fresh.require(fresh.is_free())
        item = {
            "id": key.id,
            "account_id": key.account_id,
            "key_hash": key.key_hash,
            "name": key.name,
            "scopes": [str(scope) for scope in key.scopes],
            "mode": key.mode,
            "dialect": key.dialect,
            "last_four": key.last_four,
            "created_at": key.created_at,
            "made_by": key.made_by,
        }
        return [
            self._table.put_step("key", keys.api_key(key.key_hash), item, fresh),
            self._table.put_step("listed key", keys.listed_api_key(key.account_id, key.id), item),
        ]


def _account_from(item: Item, account_id: str) -> Account:
    return Account(
        id=account_id,
        name=item["name"],
        plan=Plan(item["plan"]),
        hourly_limit=item["hourly_limit"],
        created_at=item["created_at"],
        secret=AccountSecret(b64decode(item["secret"])),
        own_written_limit=item.get("hourly_written_limit"),
        suspended_at=item.get("suspended_at"),
        suspension_reason=item.get("suspension_reason"),
        deliveries_stopped_at=item.get("deliveries_stopped_at"),
        stop_reason=item.get("stop_reason"),
    )


def _usage_from(item: Item) -> Usage:
    # An hour that began before written items were counted has none.
    return Usage(item.get("used", 0), item.get("written", 0))


def _secret_text(secret: AccountSecret) -> str:
    return b64encode(secret.value).decode()


def _api_key_from(item: Item) -> ApiKey:
    return ApiKey(
        id=item["id"],
        account_id=item["account_id"],
        key_hash=item["key_hash"],
        name=item["name"],
        # A scope that a later release has given allows nothing here.
        scopes=tuple(Scope(scope) for scope in item["scopes"] if scope in _SCOPES),
        mode=Mode(item["mode"]),
        dialect=Dialect(item["dialect"]),
        last_four=item["last_four"],
        created_at=item["created_at"],
        is_revoked="revoked_at" in item,
        made_by=item.get("made_by"),
        keys_made=item.get("keys_made", 0),
    )
