"""Invoked with IAM, without a route: open an account and show its first key once."""

from collections.abc import Mapping
from typing import Any

from contacts.api.account_schemas import NewAccount
from contacts.bootstrap import direct_entry
from contacts.bootstrap.accounts import registrar


def provision_account(payload: Mapping[str, Any]) -> dict[str, object]:
    """Open an account: `{"name", "plan", "hourly_limit"?}` → `{"account_id", "key", …}`."""
    wish = NewAccount.checked(payload)
    account, key = registrar().open_account(wish.name, wish.plan, wish.hourly_limit)
    limit = account.hourly_limit
    return {"account_id": account.id, "key": key, "plan": str(account.plan), "hourly_limit": limit}


lambda_handler = direct_entry("provision_account", provision_account)
