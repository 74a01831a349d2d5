"""Wiring: the only place that reads the environment and builds adapters.

Built lazily and kept for the life of the process. Functions are imported where they are needed, so that a
Lambda loads nothing its one operation does not use.
"""

import gc
import os

_IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API" in os.environ
if _IN_LAMBDA:
    # Nothing made while starting is garbage: looking for some costs 17 ms (see docs/decisions on cold starts).
    gc.disable()

# ruff: noqa: E402 - the collector is to rest before the imports
import secrets
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

from contacts.adapters.account_store import DynamoAccountStore
from contacts.adapters.clock import SystemClock
from contacts.adapters.records import DynamoRecordStore
from contacts.adapters.sandbox import SandboxContactStore, SandboxRecordStore
from contacts.adapters.table import Table
from contacts.api.entrypoint import DirectEntrypoint, Entrypoint, LambdaHandler
from contacts.api.operation import Operation
from contacts.domain.accounts import Caller
from contacts.services.gatekeeper import Gatekeeper
from contacts.services.ports import ContactStore, RecordStore

if TYPE_CHECKING:
    from contacts.services.contact_book import ContactBook
    from contacts.services.key_ring import KeyRing, Registrar

_TABLE_CALLS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    tcp_keepalive=True,
)
"""Seconds. Three attempts take at most 9 s with their pauses, so an answer comes before the function's 20 s end."""


def lambda_entry(operation: Operation) -> LambdaHandler:
    """The Lambda handler of an operation, with everything built that its first request will need."""
    entry = Entrypoint(operation, gatekeeper(), record_store)
    _started()
    return entry


def direct_entry(name: str, function: Callable[[Mapping[str, Any]], dict[str, object]]) -> LambdaHandler:
    """The Lambda handler of a function that is invoked by its name."""
    entry = DirectEntrypoint(name, function)
    _started()
    return entry


def _started() -> None:
    if _IN_LAMBDA:
        gc.freeze()
        gc.enable()


@cache
def clock() -> SystemClock:
    """The system's clock."""
    return SystemClock()


@cache
def client(service: str) -> Any:
    """A low-level client (boto3's resources would cost 60 ms of a cold start)."""
    return botocore.session.get_session().create_client(service, config=_TABLE_CALLS)


@cache
def table() -> Table:
    """The table."""
    return Table(client("dynamodb"), os.environ["TABLE_NAME"])


@cache
def account_store() -> DynamoAccountStore:
    """Accounts, keys and usage."""
    return DynamoAccountStore(table())


@cache
def gatekeeper() -> Gatekeeper:
    """The key check and the meter."""
    return Gatekeeper(account_store(), clock())


def contact_store(caller: Caller) -> ContactStore:
    """The caller's contacts; for a test key, none that stay."""
    if caller.is_test:
        return SandboxContactStore()
    from contacts.adapters.contact_store import DynamoContactStore

    return DynamoContactStore(table(), caller.account_id, secrets.token_bytes, clock().now_ms() // 1000)


def record_store(caller: Caller) -> RecordStore:
    """What the account's Idempotency-Keys stand for."""
    if caller.is_test:
        return SandboxRecordStore()
    return DynamoRecordStore(table(), caller.account_id, clock().now_ms() // 1000)


def contact_book(caller: Caller) -> "ContactBook":
    """The caller's contact book."""
    from contacts.services.contact_book import ContactBook

    return ContactBook(contact_store(caller), clock(), secrets.token_bytes)


def key_ring() -> "KeyRing":
    """The API keys of accounts."""
    from contacts.services.key_ring import KeyRing

    return KeyRing(account_store(), clock(), secrets.token_bytes)


def registrar() -> "Registrar":
    """Opens accounts."""
    from contacts.services.key_ring import Registrar

    return Registrar(account_store(), clock(), secrets.token_bytes)
