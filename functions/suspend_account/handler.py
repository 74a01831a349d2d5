"""Invoked with IAM, without a route: suspend an account, or resume it."""

from collections.abc import Mapping
from typing import Any

from contacts.api.operator_requests import Suspension
from contacts.bootstrap import direct_entry
from contacts.bootstrap.accounts import suspender


def suspend_account(payload: Mapping[str, Any]) -> dict[str, object]:
    """Suspend or resume: `{"account_id", "suspended", "reason"?}` → `{"account_id", "suspended_at", "reason"}`.

    `suspended_at` is null where the account is in use.
    """
    wish = Suspension.checked(payload)
    if wish.suspended:
        account = suspender().suspend(wish.account_id, wish.reason)
    else:
        account = suspender().resume(wish.account_id)
    return {
        "account_id": account.id,
        "suspended_at": account.suspended_at,
        "reason": account.suspension_reason,
    }


lambda_handler = direct_entry("suspend_account", suspend_account)
