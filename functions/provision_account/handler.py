"""Invoked with IAM, without a route: open an account and show its first key once."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.model import Dialect
from contacts.accounts.schemas import NewAccount
from contacts.accounts.service import Registrar
from contacts.runtime import runtime


def provision_account(payload: Mapping[str, Any], registrar: Registrar) -> dict[str, object]:
    """Open an account: `{"name", "plan", "hourly_limit"?, "dialect"?}` → `{"account_id", "key", …}`."""
    wish = NewAccount.checked(payload)
    account, keys = registrar.open_account(wish.name, wish.plan, wish.hourly_limit, wish.dialect)
    terms = {"plan": str(account.plan), "hourly_limit": account.hourly_limit, "dialect": str(wish.dialect)}
    native = {} if wish.dialect is Dialect.NATIVE else {"native_key": keys[Dialect.NATIVE]}
    return {"account_id": account.id, "key": keys[wish.dialect], **native, **terms}


lambda_handler = runtime.direct_entrypoint(provision_account)
