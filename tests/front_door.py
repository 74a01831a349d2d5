"""The way in that houses of tests share: who is asking, the handlers as they are, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any
from unittest.mock import patch

from contacts import bootstrap
from contacts.adapters.dry_run import DryRunTable
from contacts.adapters.records import DynamoRecordStore
from contacts.adapters.table import Table
from contacts.api.entrypoint import Entrypoint
from contacts.domain.accounts import Account, ApiKey, Caller, Dialect, Mode, Plan, Scope
from contacts.services.gatekeeper import Admission, Gatekeeper
from contacts.services.ports import RecordStore
from local.stack import ROOT
from tests.fakes import SECRET, FakeClock

ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000a"
OTHER_ACCOUNT_ID = "01941f29-0000-7000-8000-00000000000b"
_OPENED = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Reply:
    """An answer off the wire."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def wrong(self) -> dict[str, str]:
        """The fields that a refusal names, with what it says of them."""
        assert self.status == 400, self
        return {error["field"]: error["message"] for error in self.body["errors"]}


class OpenGate(Gatekeeper):
    """Lets every key in, as the same caller."""

    def __init__(self, caller: Caller) -> None:
        self._always = caller

    def admit(self, key: str) -> Admission:
        """Whose request it is, uncounted."""
        return Admission(self._always, used=1, seconds_left=1, resets_at=0)


def caller_of(account_id: str = ACCOUNT_ID, mode: Mode = Mode.LIVE) -> Caller:
    """Somebody with every scope."""
    account = Account(
        id=account_id, name="Demo", plan=Plan.PRO, hourly_limit=10_000, created_at=_OPENED, secret=SECRET
    )
    key = ApiKey(
        id="k",
        account_id=account_id,
        key_hash="0" * 64,
        name="Demo",
        scopes=tuple(Scope),
        mode=mode,
        dialect=Dialect.NATIVE,
        last_four="0000",
        created_at=_OPENED,
    )
    return Caller(account, key)


def table_of(caller: Caller, table: Table) -> Table:
    """The table on which a caller's requests are carried out."""
    return DryRunTable() if caller.is_test else table


def opened(handler: Any, caller: Caller, table: Table, clock: FakeClock) -> Entrypoint:
    """The way of a caller's requests to a handler."""

    def records(caller: Caller) -> RecordStore:
        return DynamoRecordStore(table_of(caller, table), caller.account_id, clock.now_ms() // 1000)

    return Entrypoint(handler.operation, OpenGate(caller), records, lambda _seconds: None)


@cache
def handler_of(operation: str) -> Any:
    """The module of a function, which takes its services from whoever called it last."""
    return loaded(operation)


def loaded(operation: str) -> Any:
    """The module of a function, anew."""
    path = ROOT / "functions" / operation / "handler.py"
    spec = spec_from_file_location(f"behind_the_front_door_{operation}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with patch.object(bootstrap, "lambda_entry"):
        spec.loader.exec_module(module)
    return module
