"""Invoked with IAM, without a route: open an account and show its first key once."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.model import Dialect
from contacts.accounts.schemas import NewAccount
from contacts.accounts.service import AccountService
from contacts.runtime import runtime


def provision_account(payload: Mapping[str, Any], account_service: AccountService) -> dict[str, object]:
    """Open an account: `{"name", "plan", "hourly_limit"?, "hourly_written_limit"?, "dialect"?}` → `{"key", …}`."""
    command = NewAccount.checked(payload)
    account, keys = account_service.open_account(
        command.name, command.plan, command.hourly_limit, command.dialect, command.hourly_written_limit
    )
    preconditions = {
        "plan": str(account.plan),
        "hourly_limit": account.hourly_limit,
        "hourly_written_limit": account.hourly_written_limit,
        "dialect": str(command.dialect),
    }
    native = {} if command.dialect is Dialect.NATIVE else {"native_key": keys[Dialect.NATIVE]}
    return {"account_id": account.id, "key": keys[command.dialect], **native, **preconditions}


lambda_handler = runtime.direct_entrypoint(provision_account)
