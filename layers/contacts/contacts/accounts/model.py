"""The secret of an account, from which the keys for single purposes are derived."""

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
    """A key as it is kept: never the key itself, only its SHA-256 (hex) and its last four characters."""

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
    """The id of the key that made it; None of an account's first ones, and of those made before this was kept."""
    keys_made: int = 0
    """How many it has made, those revoked since included. (Only the listing knows.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Keys that are revoked together, as they were listed, and what must hold for it."""

    keys: Sequence[ApiKey]
    needed: Sequence[ApiKey]
    """Those that must still be live."""
    adopted: ApiKey | None = None
    """The key that stays although one of its makers goes, with its new `made_by`."""


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
"""The scopes that the operations of each bundle need: who has all of them may give the bundle to another key."""


READING_CONTACTS: Final = frozenset({Scope.CONTACTS_READ, *BUNDLES})
"""Who has one of these may read contacts: `api_user` lists them, `user` reads one by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant: an island of contacts, keys and usage."""

    id: str
    name: str
    plan: Plan
    hourly_limit: int
    created_at: str
    secret: AccountSecret
    suspended_at: str | None = None
    """Since when an operator lets nobody in; None: the account is in use."""
    suspension_reason: str | None = None
    """What the operator said about it, for operators."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: one key of one account."""

    account: Account
    key: ApiKey
    account_id: str = field(init=False, repr=False, compare=False)
    """The account that holds everything the caller names."""
    is_test: bool = field(init=False, repr=False, compare=False)
    """Whether the table keeps nothing of what the caller does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "account_id", self.account.id)
        object.__setattr__(self, "is_test", self.key.mode is Mode.TEST)

    def lacking(self, scopes: Sequence[Scope], bundle: Scope | None = None) -> Scope | None:
        """The first scope of an operation that the key lacks; None where it has all, or the operation's bundle."""
        if bundle is not None and bundle in self.key.scopes:
            return None
        return next((scope for scope in scopes if scope not in self.key.scopes), None)

    @property
    def may_read_contacts(self) -> bool:
        """Whether some operation shows the key contacts that it can name: the scope does, and so do both bundles."""
        return not READING_CONTACTS.isdisjoint(self.key.scopes)

    def may_grant(self, scopes: Collection[Scope]) -> Scope | None:
        """The first scope the caller lacks itself and so cannot give to another key."""
        own = set(self.key.scopes)
        return next(
            (scope for scope in scopes if scope not in own and not BUNDLES.get(scope, {scope}) <= own), None
        )


def revoked_with(keys: Sequence[ApiKey], key_id: str, spared_id: str) -> list[ApiKey]:
    """A key, and those that it has made, those that these have made and so on; whoever made others stands before them.

    `spared_id`: the key that asks for it. Unless it names itself, it stays with all that it has made: so a key can be
    replaced by one that it has made itself.
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
    """The keys that may do all that any key of the account may do, and make others that may.

    They are native and live: in other dialects keys cannot be made, and test keys make none that work.
    """
    live = [key for key in keys if key.mode is Mode.LIVE]
    every = frozenset[Scope]().union(*map(_single_scopes, live))
    return [
        key
        for key in live
        if key.dialect is Dialect.NATIVE and Scope.KEYS_WRITE in key.scopes and every <= _single_scopes(key)
    ]


def _single_scopes(key: ApiKey) -> frozenset[Scope]:
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
