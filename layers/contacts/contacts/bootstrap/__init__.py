"""Wiring: the only place that reads the environment and builds adapters.

Built once and kept for the life of the process. What only some operations need is in modules beside this one, so
that a Lambda loads nothing its one operation does not use; and all of it while it starts, not in the first request:
Lambda gives a starting function a whole processor, a 256 MB one that answers about a seventh.
"""

import gc
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from contacts.adapters.account_store import DynamoAccountStore
from contacts.adapters.clock import SystemClock
from contacts.adapters.deadline import Deadline
from contacts.adapters.dry_run import DryRunTable
from contacts.adapters.records import DynamoRecordStore
from contacts.adapters.responses import ResponseParsers
from contacts.adapters.table import Table
from contacts.api.entrypoint import DirectEntrypoint, Entrypoint, LambdaHandler
from contacts.api.operation import Operation
from contacts.domain.accounts import Caller
from contacts.domain.errors import TemporarilyUnavailable
from contacts.services.gatekeeper import Gatekeeper
from contacts.services.ports import RecordStore

Entry = TypeVar("Entry", bound=Callable[..., object])

_IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API" in os.environ
_CALLS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    tcp_keepalive=True,
)
"""Seconds. Three attempts take at most 9 s with their pauses (`adapters.table.LONGEST_CALL`)."""


def lambda_entry(operation: Operation) -> LambdaHandler:
    """The Lambda handler of an operation, with everything built that its first request will need."""
    entry = Entrypoint(operation, gatekeeper(), record_store, deadline().begin)
    if _IN_LAMBDA:
        # Loads the certificates, shakes hands and runs the SDK's code once: 30 ms here, 200 in the first request.
        with suppress(TemporarilyUnavailable, BotoCoreError, ClientError):
            account_store().api_key("warm-up")
    _started()
    return entry


def direct_entry(name: str, function: Callable[[Mapping[str, Any]], dict[str, object]]) -> LambdaHandler:
    """The Lambda handler of a function that is invoked by its name."""
    entry = DirectEntrypoint(name, function, deadline().begin)
    _started()
    return entry


def started(entry: Entry) -> Entry:
    """A Lambda handler, with all that was made while the function started taken for permanent."""
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
    endpoint_url = os.environ.get("SERVICES_ENDPOINT") or None
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", ResponseParsers())
    made = session.create_client(service, endpoint_url=endpoint_url, config=_CALLS)
    if endpoint_url or os.environ.get("AWS_ENDPOINT_URL"):
        from contacts.bootstrap.local_endpoint import say_that_nothing_listens

        say_that_nothing_listens(made)
    return made


@cache
def deadline() -> Deadline:
    """When the request that is being served must be answered."""
    return Deadline()


@cache
def table() -> Table:
    """The table."""
    return Table(client("dynamodb"), os.environ["TABLE_NAME"], deadline())


def table_of(caller: Caller) -> Table:
    """The table on which a caller's requests are carried out: for a test key, one that keeps nothing."""
    return DryRunTable() if caller.is_test else table()


@cache
def account_store() -> DynamoAccountStore:
    """Accounts, keys and usage."""
    return DynamoAccountStore(table())


@cache
def gatekeeper() -> Gatekeeper:
    """The key check and the meter."""
    return Gatekeeper(account_store(), clock())


def record_store(caller: Caller) -> RecordStore:
    """What the account's Idempotency-Keys stand for."""
    return DynamoRecordStore(table_of(caller), caller.account_id, clock().now_ms() // 1000)
