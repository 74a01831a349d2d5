"""Accounts, their API keys and plans, and callers: who may do what."""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple, NotRequired, TypedDict

from contacts.core.answers import Count, JsonSchema, Moment, PageOut, Uuid
from contacts.core.idempotency import ConcurrentModification


class KeysModified(ConcurrentModification):
    """Raised by a store when API keys are no longer as they were listed; nothing was written."""


class MakerRevoked(Exception):
    """Raised by a store when the API key that makes another one has been revoked; nothing was written."""


class Mode(StrEnum):
    """Whether a key works on the account's contacts or only answers as if it did."""

    LIVE = "live"
    TEST = "test"


class Dialect(StrEnum):
    """The wire format a key speaks."""

    NATIVE = "native"
    SENDMATOR = "sendmator"
    SMASHSEND = "smashsend"
    SMASHSEND_V2 = "smashsend_v2"
    """The vendor's newer API, which its Node SDK speaks. Its paths are the older one's, so only the key tells."""
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
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    KEYS_WRITE = "keys:write"
    ACCOUNT_READ = "account:read"
    API_USER = "api_user"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is stored: not the key itself, only its SHA-256 (hex) and its last four characters."""

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
    """The id of the key that made it; None for an account's first keys, and for keys older than this field."""
    keys_made: int = 0
    """How many keys it has made, revoked ones included. Only keys read from the listing have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Keys that are revoked together, as they were listed, and the conditions of the transaction."""

    keys: Sequence[ApiKey]
    needed: Sequence[ApiKey]
    """Keys that must still be live."""
    adopted: ApiKey | None = None
    """The key that stays although the key that made it is revoked, with its new `made_by`."""


SECRET_BYTES: Final = 32
"""Length of an account's secret, and of the keys that are derived from it."""


@dataclass(frozen=True, slots=True)
class AccountSecret:
    """Random bytes that an account keeps for ever. No response, event or log line contains them."""

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: the secret is too short or too long.
        """
        if len(self.value) != SECRET_BYTES:
            raise ValueError(f"the secret of an account has {SECRET_BYTES} bytes")

    def derived(self, purpose: str) -> bytes:
        """The key (32 bytes) for a purpose: HMAC-SHA256 of the purpose. No key reveals another one."""
        return hmac.digest(self.value, purpose.encode(), "sha256")


class Plan(StrEnum):
    """What an account pays for."""

    FREE = "free"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class PlanLimits(NamedTuple):
    """What a plan allows an account."""

    requests_an_hour: int | None
    """None: each account of the plan has a number of its own."""
    written_items_an_hour: int | None
    """Items that requests may create, change or delete; each item of a batch is one. None: as `requests_an_hour`."""
    endpoints: int
    """Webhook endpoints. Those that exist keep working where they are more."""
    deliveries_in_flight: int | None
    """Deliveries to its endpoints that may be attempted at the same moment. None: a parameter of the stack says it."""


PLAN_LIMITS: Final[Mapping[Plan, PlanLimits]] = {
    Plan.FREE: PlanLimits(
        requests_an_hour=100, written_items_an_hour=2_000, endpoints=5, deliveries_in_flight=2
    ),
    Plan.PRO: PlanLimits(
        requests_an_hour=10_000, written_items_an_hour=100_000, endpoints=25, deliveries_in_flight=10
    ),
    Plan.ENTERPRISE: PlanLimits(
        requests_an_hour=None, written_items_an_hour=None, endpoints=100, deliveries_in_flight=None
    ),
}
"""The one place where the limits of plans are said."""

LARGEST_LIMIT: Final = 100_000_000
"""The largest number an hour that an account may be given, of requests and of written items.

The meter can count it: 28,000 requests a second. A function that is busy asks at most twice in three seconds, so 1,500
of them at once are the thousand units a second that one item takes.
"""
LEAST_WRITTEN_LIMIT: Final = 1_000
"""The least number of written items an hour that an account may be given: the largest batch fits."""


def written_limit(plan: Plan, hourly_limit: int, own: int | None = None) -> int:
    """The items that an account may write in an hour. `own`: the number that it was given, if any.

    An enterprise account that was given none may write ten for each of its requests, and no less than a pro account.
    """
    of_plan = PLAN_LIMITS[plan].written_items_an_hour
    if own is not None or of_plan is not None:
        return own or of_plan or 0
    return max(10 * hourly_limit, PLAN_LIMITS[Plan.PRO].written_items_an_hour or 0)


MAX_API_KEYS: Final = 30
"""API keys of an account. Concurrent creates may exceed it.

The item that counts an hour's requests holds the ids of the keys. It stays below 1 KB, so a request costs one unit.
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
"""The scopes that the operations of each bundle need. A key that has all of them may grant the bundle."""


OF_FILES: Final = {
    Scope.IMPORTS_READ: Scope.CONTACTS_WRITE,
    Scope.IMPORTS_WRITE: Scope.CONTACTS_WRITE,
    Scope.EXPORTS_READ: Scope.CONTACTS_READ,
    Scope.EXPORTS_WRITE: Scope.CONTACTS_READ,
}
"""The scopes of imports and exports, and what a live native key with `keys:write` needs to grant them.

Keys that earlier releases have made lack them, and a key only grants what it has: no account would ever get them. Who
may write all contacts one by one may do so by a file; who may read them all may have them as one.
"""


READING_CONTACTS: Final = frozenset({Scope.CONTACTS_READ, *BUNDLES})
"""Scopes that allow to read contacts: `api_user` to list them, `user` to read one by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A tenant, with its own contacts, API keys and usage."""

    id: str
    name: str
    plan: Plan
    hourly_limit: int
    """Requests an hour."""
    created_at: str
    secret: AccountSecret
    own_written_limit: int | None = None
    """The written items an hour that the account was given; None: those of its plan."""
    suspended_at: str | None = None
    """When an operator suspended the account; None: it is in use."""
    suspension_reason: str | None = None
    """The operator's reason, for operators."""
    deliveries_stopped_at: str | None = None
    """When an operator stopped the account's deliveries; None: they are made."""
    stop_reason: str | None = None
    """The operator's reason, for operators."""

    @property
    def hourly_written_limit(self) -> int:
        """Items that it may write in an hour."""
        return written_limit(self.plan, self.hourly_limit, self.own_written_limit)


LOG_LEVELS: Final = ("INFO", "DEBUG")
"""The first one is the default. DEBUG: a line for each call of the table."""


class Switches(NamedTuple):
    """What operators may switch off for all accounts while the service runs. As made: nothing is."""

    deliveries: bool = True
    """Whether webhooks are sent. What is not sent waits."""
    writes: bool = True
    """Whether requests may write."""
    dns: bool = True
    """Whether the DNS is asked about the domains of new addresses."""
    imports: bool = True
    """Whether imports go on. Those that are running pause."""
    log_level: str = LOG_LEVELS[0]

    def shown(self) -> dict[str, str]:
        """Each switch as operators write it."""
        return {
            name: value if isinstance(value, str) else _ON_OFF[not value]
            for name, value in self._asdict().items()
        }


_ON_OFF: Final = ("on", "off")


def switches_from(item: Mapping[str, object] | None) -> Switches:
    """The switches that an item of the table holds. What it does not say, or says wrongly, is as if not said."""
    item = item or {}
    level = item.get("log_level")
    return Switches(
        deliveries=item.get("deliveries") != "off",
        writes=item.get("writes") != "off",
        dns=item.get("dns") != "off",
        imports=item.get("imports") != "off",
        log_level=str(level) if level in LOG_LEVELS else LOG_LEVELS[0],
    )


class Usage(NamedTuple):
    """What an account has used of an hour."""

    requests: int = 0
    written: int = 0
    """Items that these requests had to write."""


class Charge(NamedTuple):
    """What one call of the meter counts."""

    requests: int = 1
    written: int = 0
    leased: int = 0
    """How many more requests are counted and not yet known to be used; negative where some were used."""
    left_to_others: int = 0
    """Written items of the hour that must be left afterwards: an import leaves some to the account's own requests."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The API key that a request came with, and its account."""

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
        """The first scope of an operation that the key lacks; None: it has all of them, or the operation's bundle."""
        if bundle is not None and bundle in self.key.scopes:
            return None
        return next((scope for scope in scopes if scope not in self.key.scopes), None)

    @property
    def may_read_contacts(self) -> bool:
        """Whether any operation shows contacts to the key: the key has `contacts:read`, or a bundle."""
        return not READING_CONTACTS.isdisjoint(self.key.scopes)

    def may_grant(self, scopes: Collection[Scope]) -> Scope | None:
        """The first scope that the caller may not grant to another key, because its own key lacks it; else None.

        Those of imports and exports also a key may grant that lacks them (`OF_FILES`).
        """
        own = {*self.key.scopes, *_of_files(self.key)}
        return next(
            (scope for scope in scopes if scope not in own and not BUNDLES.get(scope, {scope}) <= own), None
        )


def revoked_with(keys: Sequence[ApiKey], key_id: str, spared_id: str) -> list[ApiKey]:
    """A key with its family: the keys that it made, the keys that these made, and so on. Makers come first.

    `spared_id`: the caller's key. Unless it is `key_id`, it is left out, with its own family. So a key can be replaced
    by one that it made.
    """
    made_by: dict[str | None, list[ApiKey]] = {}
    for key in keys:
        if key.id != spared_id:
            made_by.setdefault(key.made_by, []).append(key)
    family = [key for key in keys if key.id == key_id]
    # The list grows during the loop. Each key is added once, after the key that made it.
    for key in family:
        family += [made for made in made_by.get(key.id, ()) if made not in family]
    return family


def full_keys(keys: Collection[ApiKey]) -> list[ApiKey]:
    """The keys that have or may grant all scopes which any live key of the account has, and can make keys with them.

    They are native and live: keys of other dialects make no keys, and test keys make none that are stored.
    """
    live = [key for key in keys if key.mode is Mode.LIVE]
    every = frozenset[Scope]().union(*map(_single_scopes, live))
    return [
        key
        for key in live
        if key.dialect is Dialect.NATIVE
        and Scope.KEYS_WRITE in key.scopes
        and every <= _single_scopes(key) | _of_files(key)
    ]


def _of_files(key: ApiKey) -> frozenset[Scope]:
    """The scopes of imports and exports that a key may grant though it may lack them (`OF_FILES`)."""
    if key.dialect is not Dialect.NATIVE or key.mode is not Mode.LIVE or Scope.KEYS_WRITE not in key.scopes:
        return frozenset()
    return frozenset(scope for scope, needed in OF_FILES.items() if needed in key.scopes)


def _single_scopes(key: ApiKey) -> frozenset[Scope]:
    """The scopes of a key, with each bundle replaced by the scopes that it stands for."""
    return frozenset[Scope]().union(*(BUNDLES.get(scope, {scope}) for scope in key.scopes))


class CountsOut(TypedDict):
    """How many of a kind there are."""

    contacts: Count


class AskingKeyOut(TypedDict):
    """The key that a request came with."""

    id: str
    name: str
    mode: Annotated[str, Mode]
    scopes: list[Annotated[str, Scope]]


class AccountOut(TypedDict):
    """The account that a key belongs to."""

    id: Uuid
    name: str
    plan: Annotated[str, Plan]
    hourly_limit: int
    """Requests an hour."""
    used_this_hour: int
    hourly_written_limit: int
    """Items that may be written in an hour."""
    written_this_hour: int
    webhook_limit: int
    """Webhooks that may be registered."""
    resets_at: Moment
    """When the next hour begins."""
    counts: CountsOut
    key: AskingKeyOut
    """The key that asks, and what it may do."""


class UsedHourOut(TypedDict):
    """What was used in one hour."""

    hour: Annotated[str, JsonSchema(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$")]
    """In UTC, as `2026-01-15T10`."""
    requests: Count
    written: Count
    """Items that these requests had to write."""


class AccountUsageOut(TypedDict):
    """What an account has used of its limits, hour by hour."""

    data: list[UsedHourOut]
    hourly_limit: int
    """Requests an hour, as the plan allows now."""
    hourly_written_limit: int
    """Items that may be written in an hour, as the plan allows now."""


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
