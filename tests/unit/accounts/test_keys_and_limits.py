"""Who gets in, how often, and what keys may be made."""

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from contacts.accounts.authentication import Authenticator
from contacts.accounts.meter import MAX_REMEMBERED
from contacts.accounts.model import BUNDLES, MAX_API_KEYS, Caller, Dialect, Mode, Plan, Scope, full_keys
from contacts.accounts.service import AccountService, ApiKeyService, CreateApiKey
from contacts.core.errors import (
    ApiKeyNotFound,
    IdempotencyKeyReused,
    InvalidInput,
    KeyRevoked,
    LimitReached,
    NotAuthenticated,
    ScopeMissing,
    TooManyApiKeys,
)
from contacts.core.idempotency import IdempotencyKey
from tests.support.app import App
from tests.support.fakes import CountingBytes, FakeClock, InMemoryAccounts, let_in


class Harness:
    """An account with its first key, and everything around it."""

    def __init__(self, plan: Plan = Plan.FREE, hourly_limit: int | None = None) -> None:
        self.clock, self.store, randomness = FakeClock(), InMemoryAccounts(), CountingBytes()
        self.account_service = AccountService(self.store, self.clock, randomness)
        self.account, keys = self.account_service.open_account("Acme", plan, hourly_limit)
        self.key = keys[Dialect.NATIVE]
        self.ring = ApiKeyService(self.store, self.clock, randomness)
        self.authenticator = Authenticator(self.store, self.clock)

    @property
    def caller(self) -> Caller:
        return let_in(self.authenticator, self.key).caller


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_the_store_never_sees_a_key(harness: Harness) -> None:
    (kept,) = harness.store.keys.values()
    assert harness.key not in repr(harness.store)
    assert kept.key_hash == sha256(harness.key.encode()).hexdigest()
    assert harness.key.endswith(kept.last_four)


def test_a_known_key_costs_no_read_for_most_of_a_minute(harness: Harness) -> None:
    let_in(harness.authenticator, harness.key)
    reads = harness.store.reads
    harness.clock.at_ms += 49_000
    let_in(harness.authenticator, harness.key)
    assert harness.store.reads == reads


def test_a_revoked_key_stops_within_a_minute(harness: Harness) -> None:
    let_in(harness.authenticator, harness.key)
    harness.store.keys.clear()
    harness.clock.at_ms += 60_000
    with pytest.raises(NotAuthenticated, match="revoked"):
        let_in(harness.authenticator, harness.key)


@pytest.mark.parametrize(
    "key", ["", "x", "sk_live_", "sk_live_" + "a" * 42, "sk_prod_" + "a" * 43, "sk_live_" + "é" * 43]
)
def test_what_is_no_key_costs_no_read(harness: Harness, key: str) -> None:
    reads = harness.store.reads
    with pytest.raises(NotAuthenticated):
        let_in(harness.authenticator, key)
    assert harness.store.reads == reads


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_key_that_was_refused_costs_a_read_in_five_seconds(is_revoked: bool, harness: Harness) -> None:
    key = f"sk_live_{'a' * 43}"
    if is_revoked:
        made = harness.ring.add(harness.caller, CreateApiKey(name="lost"), None)
        key = str(made.secrets["key"])
        harness.ring.revoke(harness.caller, str(made.details["id"]), None)
    reads = [harness.store.reads]
    for at_ms in (0, 1_000, 3_900, 100):
        harness.clock.at_ms += at_ms
        with pytest.raises((NotAuthenticated, KeyRevoked)):
            let_in(harness.authenticator, key)
        reads.append(harness.store.reads)
    assert [after - before for before, after in pairwise(reads)] == [1, 0, 0, 1]


def test_a_flood_of_unknown_keys_displaces_no_known_one(harness: Harness) -> None:
    let_in(harness.authenticator, harness.key)
    for number in range(MAX_REMEMBERED + 1):
        with pytest.raises(NotAuthenticated):
            let_in(harness.authenticator, f"sk_live_{number:043}")
    reads = harness.store.reads
    let_in(harness.authenticator, harness.key)
    assert harness.store.reads == reads


def test_beyond_the_limit_a_request_costs_a_write_in_five_seconds(harness: Harness) -> None:
    for _ in range(100):
        let_in(harness.authenticator, harness.key)
    counted = []
    for at_ms in (0, 1_000, 3_999, 1):
        harness.clock.at_ms += at_ms
        before = harness.store.counted
        with pytest.raises(LimitReached, match="All 100 requests"):
            let_in(harness.authenticator, harness.key)
        counted.append(harness.store.counted - before)
    assert counted == [1, 0, 0, 1]


def test_a_limit_that_is_used_up_at_the_end_of_an_hour_is_full_in_the_next(harness: Harness) -> None:
    harness.clock.at_ms += 1_800_000 - 1_000
    for _ in range(100):
        let_in(harness.authenticator, harness.key)
    with pytest.raises(LimitReached):
        let_in(harness.authenticator, harness.key)
    harness.clock.at_ms += 1_000
    assert let_in(harness.authenticator, harness.key).used == 1


def test_the_limit_is_exact_and_ends_with_the_hour(harness: Harness) -> None:
    admitted = [let_in(harness.authenticator, harness.key).used for _ in range(100)]
    assert admitted == list(range(1, 101))
    with pytest.raises(LimitReached) as refused:
        let_in(harness.authenticator, harness.key)
    assert refused.value.retry_after == 1800  # the clock says 10:30
    auth = harness.authenticator.count(harness.authenticator.identify(harness.key), 0)
    assert (auth.used, auth.remaining) == (100, 0)
    harness.clock.at_ms += 1_800_000
    assert let_in(harness.authenticator, harness.key).used == 1


@pytest.mark.parametrize(("plan", "limit", "ok"), [
    (Plan.FREE, None, True), (Plan.PRO, None, True), (Plan.ENTERPRISE, 5, True),
    (Plan.ENTERPRISE, None, False), (Plan.FREE, 5, False),
])  # fmt: skip
def test_only_an_enterprise_has_a_limit_of_its_own(plan: Plan, limit: int | None, ok: bool) -> None:
    if ok:
        assert Harness(plan, limit).account.hourly_limit == {Plan.FREE: 100, Plan.PRO: 10_000}.get(
            plan, limit
        )
    else:
        with pytest.raises(InvalidInput, match="hourly_limit"):
            Harness(plan, limit)


def test_a_key_gives_on_no_scope_it_lacks(harness: Harness) -> None:
    narrow = replace(harness.caller.key, scopes=(Scope.KEYS_WRITE, Scope.CONTACTS_READ))
    caller = Caller(harness.account, narrow)
    with pytest.raises(ScopeMissing, match="contacts:write"):
        harness.ring.add(caller, CreateApiKey(name="wide", scopes=[Scope.CONTACTS_WRITE]), None)
    made = harness.ring.add(caller, CreateApiKey(name="same"), None)
    assert made.details["scopes"] == ["keys:write", "contacts:read"]


def test_a_bundle_admits_to_its_operations_only(harness: Harness) -> None:
    narrow = replace(harness.caller.key, scopes=(Scope.API_USER,))
    caller = Caller(harness.account, narrow)
    assert caller.lacking([Scope.CONTACTS_WRITE], Scope.API_USER) is None
    assert caller.lacking([Scope.CONTACTS_WRITE], Scope.USER) is Scope.CONTACTS_WRITE
    assert caller.lacking([Scope.CONTACTS_WRITE]) is Scope.CONTACTS_WRITE


@pytest.mark.parametrize(
    ("scopes", "lacking"),
    [
        (set(), "webhooks:write"),
        ({"contacts:read"}, "webhooks:write"),
        ({"webhooks:write"}, "contacts:read"),
        ({"webhooks:write", "webhooks:read", "contacts:write", "keys:write"}, "contacts:read"),
        # The bundle `user` reads single contacts that its client can name; an endpoint is told of every one.
        ({"webhooks:write", "user"}, "contacts:read"),
        ({"webhooks:write", "contacts:read"}, None),
        ({"api_user"}, None),
    ],
)
def test_of_two_scopes_the_one_that_is_lacking_is_named(
    scopes: set[str], lacking: str | None, harness: Harness
) -> None:
    key = replace(harness.caller.key, scopes=tuple(Scope(scope) for scope in scopes))
    caller = Caller(harness.account, key)
    assert caller.lacking([Scope.WEBHOOKS_WRITE, Scope.CONTACTS_READ], Scope.API_USER) == lacking


@pytest.mark.parametrize("bundle", [Scope.API_USER, Scope.USER])
def test_a_bundle_is_given_by_whoever_has_it_or_all_it_stands_for(bundle: Scope, harness: Harness) -> None:
    assert harness.caller.may_grant([bundle]) is None
    for own in ([bundle], [*BUNDLES[bundle]]):
        assert (
            Caller(harness.account, replace(harness.caller.key, scopes=tuple(own))).may_grant([bundle])
            is None
        )
    for lacking in BUNDLES[bundle]:
        scopes = tuple(BUNDLES[bundle] - {lacking})
        caller = Caller(harness.account, replace(harness.caller.key, scopes=scopes))
        assert caller.may_grant([bundle]) is bundle


FILES = ("imports:read", "imports:write", "exports:read", "exports:write")


@pytest.mark.parametrize(
    ("own", "changes", "granted"),
    [
        (("keys:write", "contacts:write"), {}, FILES[:2]),
        (("keys:write", "contacts:read"), {}, FILES[2:]),
        (("keys:write", "contacts:read", "contacts:write"), {}, FILES),
        (("contacts:read", "contacts:write"), {}, ()),
        (("keys:write", "api_user"), {}, ()),
        (("keys:write", "contacts:read", "contacts:write"), {"mode": Mode.TEST}, ()),
        (("keys:write", "contacts:read", "contacts:write"), {"dialect": Dialect.ARTAMAIL}, ()),
        (FILES, {"mode": Mode.TEST}, FILES),
    ],
)
def test_a_key_of_an_earlier_release_gives_on_imports_and_exports(
    own: tuple[str, ...], changes: dict[str, Any], granted: tuple[str, ...], harness: Harness
) -> None:
    key = replace(harness.caller.key, scopes=tuple(map(Scope, own)), **changes)
    caller = Caller(harness.account, key)
    assert [scope for scope in FILES if caller.may_grant([Scope(scope)]) is None] == list(granted)


def test_a_key_of_an_earlier_release_stays_one_that_may_do_all(harness: Harness) -> None:
    own = harness.caller.key
    earlier = tuple(scope for scope in own.scopes if scope not in FILES)
    first = replace(own, scopes=earlier)
    made = replace(own, id="key_2", scopes=(Scope.CONTACTS_WRITE, Scope.IMPORTS_WRITE))
    assert full_keys([first, made]) == [first]


def test_a_new_key_is_shown_once(harness: Harness) -> None:
    idempotency_key = IdempotencyKey("k", "hash")
    made = harness.ring.add(harness.caller, CreateApiKey(name="shop"), idempotency_key)
    shown = str(made.secrets["key"])
    assert let_in(harness.authenticator, shown).caller.key.name == "shop"
    again = harness.ring.add(harness.caller, CreateApiKey(name="shop"), idempotency_key)
    assert again.is_replay
    assert again.secrets == {}
    assert shown not in repr(again)
    assert len(harness.store.keys) == 2
    with pytest.raises(IdempotencyKeyReused):
        harness.ring.add(harness.caller, CreateApiKey(name="other"), IdempotencyKey("k", "other hash"))


def test_a_test_key_makes_keys_that_do_not_exist(harness: Harness) -> None:
    test_caller = Caller(harness.account, replace(harness.caller.key, mode=Mode.TEST))
    ring = App(None).api_key_service(test_caller)
    made = ring.add(test_caller, CreateApiKey(name="pretend"), None)
    assert str(made.secrets["key"]).startswith("sk_live_")
    assert ring.keys(test_caller) == []
    with pytest.raises(ApiKeyNotFound):
        ring.revoke(test_caller, harness.caller.key.id, None)


def test_keys_are_listed_with_their_last_hour_and_revoked_by_id(harness: Harness) -> None:
    made = harness.ring.add(harness.caller, CreateApiKey(name="shop"), None)
    listed = harness.ring.keys(harness.caller)
    assert [key["name"] for key in listed] == ["first key", "shop"]
    assert listed[0]["last_used_hour"] == "2026-01-15T10"
    assert "last_used_hour" not in listed[1]
    harness.ring.revoke(harness.caller, str(made.details["id"]), None)
    assert [key["name"] for key in harness.ring.keys(harness.caller)] == ["first key"]
    with pytest.raises(ApiKeyNotFound):
        harness.ring.revoke(harness.caller, str(made.details["id"]), None)


def test_another_accounts_key_cannot_be_revoked(harness: Harness) -> None:
    other, _ = AccountService(harness.store, harness.clock, CountingBytes(1000)).open_account(
        "Other", Plan.FREE, None
    )
    (theirs,) = harness.store.api_keys(other.id)
    with pytest.raises(ApiKeyNotFound):
        harness.ring.revoke(harness.caller, theirs.id, None)


def test_an_account_has_a_bounded_number_of_keys(harness: Harness) -> None:
    for number in range(MAX_API_KEYS - 1):
        harness.ring.add(harness.caller, CreateApiKey(name=str(number)), None)
    with pytest.raises(TooManyApiKeys):
        harness.ring.add(harness.caller, CreateApiKey(name="one more"), None)


def test_a_revoked_keys_client_is_told_so_in_its_dialect(harness: Harness) -> None:
    made = harness.ring.add(harness.caller, CreateApiKey(name="shop", dialect=Dialect.SMARTSENDER), None)
    harness.ring.revoke(harness.caller, str(made.details["id"]), None)
    with pytest.raises(KeyRevoked) as refused:
        let_in(harness.authenticator, str(made.secrets["key"]))
    assert refused.value.dialect == Dialect.SMARTSENDER


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("mode", Mode)
def test_a_key_looks_as_its_dialects_clients_know_it(dialect: Dialect, mode: Mode, harness: Harness) -> None:
    made = harness.ring.add(harness.caller, CreateApiKey(name="shop", dialect=dialect, mode=mode), None)
    shown = str(made.secrets["key"])
    assert shown.startswith(f"am_{mode}_sk_" if dialect is Dialect.ARTAMAIL else f"sk_{mode}_")
    assert let_in(harness.authenticator, shown).caller.key.dialect is dialect


def test_an_account_of_another_dialect_has_a_native_key_too(harness: Harness) -> None:
    account, keys = harness.account_service.open_account("Mover", Plan.FREE, None, Dialect.ARTAMAIL)
    assert list(keys) == [Dialect.NATIVE, Dialect.ARTAMAIL]
    for dialect, key in keys.items():
        caller = let_in(harness.authenticator, key).caller
        assert (caller.account_id, caller.key.dialect) == (account.id, dialect)
