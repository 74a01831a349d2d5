"""Accounts, their secrets, API keys and scopes, and how the API shows them."""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final, Literal, NotRequired, TypedDict

from contacts.core.answers import Count, Moment, PageOut, Uuid
from contacts.core.idempotency import ConcurrentModification


class KeysModified(ConcurrentModification):
    """Raised by a store when keys are no longer as they were listed; nothing was written."""


class MakerRevoked(Exception):
    """Raised by a store when the key that makes another one has been revoked; nothing was written."""


class Mode(StrEnum):
    """Whether a key works on the account's contacts or only answers as if it did."""

    LIVE = "live"
    TEST = "test"


class Dialect(StrEnum):
    """The wire format a key speaks."""

    NATIVE = "native"
    SENDMATOR = "sendmator"
    SMASHSEND = "smashsend"
    SMARTSENDER = "smartsender"
    ARTAMAIL = "artamail"


class Scope(StrEnum):
    """What a key may do. `api_user` and `user` are bundles of single operations."""

    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    PROPERTIES_READ = "properties:read"
    PROPERTIES_WRITE = "properties:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    KEYS_WRITE = "keys:write"
    ACCOUNT_READ = "account:read"
    API_USER = "api_user"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is stored: its SHA-256 (hex) and its last four characters, never the key itself."""

    id: str
    account_id: str
    key_hash: str
    name: str
    scopes: tuple[Scope, ...]
    mode: Mode
    dialect: Dialect
    last_four: str
    created_at: str
    is_revoked: bool = False
    made_by: str | None = None
    """The id of the key that made it; None for an account's first keys, and for keys made before this was stored."""
    keys_made: int = 0
    """How many keys it has made, revoked ones included. Only a list of the account's keys sets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Keys that are revoked together, as they were listed, and the conditions of the revocation."""

    keys: Sequence[ApiKey]
    needed: Sequence[ApiKey]
    """Keys that must still be live."""
    adopted: ApiKey | None = None
    """The key that stays although its maker is revoked, with its new `made_by`."""


SECRET_BYTES: Final = 32
"""How long an account's secret is: as long as the keys that are derived from it."""


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """Random bytes that belong to one account for ever. They leave the table for no answer, event or log line."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: the secret is too short or too long.
        """
        if len(self.value) != SECRET_BYTES:
            raise ValueError(f"the secret of an account has {SECRET_BYTES} bytes")

    def derived(self, purpose: str) -> bytes:
        """The key (32 bytes) for a purpose: HMAC-SHA256 of the purpose.

        The keys for two purposes tell nothing of each other.
        """
        return hmac.digest(self.value, purpose.encode(), "sha256")


class Plan(StrEnum):
    """What an account pays for."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


HOURLY_LIMITS: Final = {Plan.FREE: 100, Plan.PRO: 10_000}
"""Requests an hour; an enterprise account has a number of its own."""

MAX_API_KEYS: Final = 30
"""Keys an account may have (those made at the same moment may exceed it).

Their ids stand in the hour's usage item, which stays below 1 KB, so that counting a request costs one unit.
"""


ARTAMAIL_KEY: Final = "am_"
"""How Artamail's keys begin; all others begin with `sk_`."""


def key_prefix(dialect: Dialect, mode: Mode) -> str:
    """How the keys of a dialect and mode begin: `sk_live_`, `am_test_sk_`."""
    return f"{ARTAMAIL_KEY}{mode}_sk_" if dialect is Dialect.ARTAMAIL else f"sk_{mode}_"


BUNDLES: Final = {
    Scope.API_USER: frozenset(
        {
            Scope.CONTACTS_READ,
            Scope.CONTACTS_WRITE,
            Scope.PROPERTIES_READ,
            Scope.WEBHOOKS_READ,
            Scope.WEBHOOKS_WRITE,
        }
    ),
    Scope.USER: frozenset({Scope.CONTACTS_READ, Scope.CONTACTS_WRITE, Scope.PROPERTIES_WRITE}),
}
"""The scopes that each bundle stands for. A key that holds all of them may give the bundle to another key."""


READING_CONTACTS: Final = frozenset({Scope.CONTACTS_READ, *BUNDLES})
"""A key with one of these scopes may read contacts: `api_user` lists them, `user` reads one by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant: contacts, keys and usage that no other account sees."""

    id: str
    name: str
    plan: Plan
    hourly_limit: int
    created_at: str
    secret: AccountSecret
    suspended_at: str | None = None
    """When an operator suspended the account; None: it is not suspended."""
    suspension_reason: str | None = None
    """Why the operator suspended it; shown to operators only."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The account and the API key that send a request."""

    account: Account
    key: ApiKey

    @property
    def account_id(self) -> str:
        """The id of the account in which everything that the caller names is looked up."""
        return self.account.id

    @property
    def is_test(self) -> bool:
        """Whether the key is a test key: nothing that the caller does is stored."""
        return self.key.mode is Mode.TEST

    def lacking(self, scopes: Sequence[Scope], bundle: Scope | None = None) -> Scope | None:
        """The first scope of an operation that the key lacks; None where it has all, or the operation's bundle."""
        if bundle is not None and bundle in self.key.scopes:
            return None
        return next((scope for scope in scopes if scope not in self.key.scopes), None)

    @property
    def may_read_contacts(self) -> bool:
        """Whether the key may read contacts: by the scope `contacts:read` or by one of the bundles."""
        return not READING_CONTACTS.isdisjoint(self.key.scopes)

    def may_grant(self, scopes: Collection[Scope]) -> Scope | None:
        """The first scope that the caller lacks and so cannot give to another key; None where it may give all."""
        own = set(self.key.scopes)
        return next(
            (scope for scope in scopes if scope not in own and not BUNDLES.get(scope, {scope}) <= own), None
        )


def revoked_with(keys: Sequence[ApiKey], key_id: str, spared_id: str) -> list[ApiKey]:
    """A key with all keys that it made, directly or through other keys; a maker stands before the keys it made.

    `spared_id`: the key that asks. Unless it names itself, it stays with all keys that it made, so that a key can be
    replaced by one that it has made.
    """
    made_by: dict[str | None, list[ApiKey]] = {}
    for key in keys:
        if key.id != spared_id:
            made_by.setdefault(key.made_by, []).append(key)
    found = [key for key in keys if key.id == key_id]
    # A loop over what grows: each key is found once, by whoever made it, because a maker is older.
    for key in found:
        found += [made for made in made_by.get(key.id, ()) if made not in found]
    return found


def full_keys(keys: Collection[ApiKey]) -> list[ApiKey]:
    """The keys that hold `keys:write` and every scope that some live key of the account holds.

    They are native and live: other dialects have no operation that makes keys, and a test key makes none that work.
    """
    live = [key for key in keys if key.mode is Mode.LIVE]
    every = frozenset[Scope]().union(*map(_reach, live))
    return [
        key
        for key in live
        if key.dialect is Dialect.NATIVE and Scope.KEYS_WRITE in key.scopes and every <= _reach(key)
    ]


def _reach(key: ApiKey) -> frozenset[Scope]:
    """The scopes of a key, with those that its bundles stand for instead of them."""
    return frozenset[Scope]().union(*(BUNDLES.get(scope, {scope}) for scope in key.scopes))


class CountsOut(TypedDict):
    """How many of a kind there are."""

    contacts: Count


class AccountOut(TypedDict):
    """The account that a key belongs to."""

    id: Uuid
    name: str
    plan: Annotated[str, Plan]
    hourly_limit: int
    used_this_hour: int
    resets_at: Moment
    """When the next hour begins."""
    counts: CountsOut


class ApiKeyOut(TypedDict):
    """An API key, without the key itself."""

    id: str
    name: str
    scopes: list[Annotated[str, Scope]]
    mode: Annotated[str, Mode]
    dialect: Annotated[str, Dialect]
    last_four: str
    created_at: Moment
    made_by: str | None
    """The id of the key that made it, with which it is revoked; null where there is none."""
    last_used_hour: NotRequired[str]
    """`2026-01-15T10`; absent where it was not used in the last 31 days."""


class MadeApiKeyOut(ApiKeyOut):
    """A key with itself, which is shown in this answer only (and not where a request is repeated)."""

    key: NotRequired[str]
    test_mode: NotRequired[Literal[True]]


class RevokedApiKeyOut(TypedDict):
    """The key that was revoked, and those that it had made."""

    deleted: Literal[True]
    id: str
    also_revoked: list[str]
    """The ids of all keys that the revoked one made, and that these made. (Not the key that asked for it.)"""


class ApiKeyPageOut(PageOut):
    """All keys, oldest first."""

    data: list[ApiKeyOut]


def api_key_out(key: ApiKey, last_used_hour: str | None = None) -> ApiKeyOut:
    """A key as callers may see it.

    `last_used_hour`: `2026-01-15T10`; None where it is not known or not asked for.
    """
    shown: ApiKeyOut = {
        "id": key.id,
        "name": key.name,
        "scopes": [str(scope) for scope in key.scopes],
        "mode": str(key.mode),
        "dialect": str(key.dialect),
        "last_four": key.last_four,
        "created_at": key.created_at,
        "made_by": key.made_by,
    }
    if last_used_hour is not None:
        shown["last_used_hour"] = last_used_hour
    return shown
