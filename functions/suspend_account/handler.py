"""Invoked with IAM, without a route: suspend an account, or resume it."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import Suspension
from contacts.accounts.service import Suspender
from contacts.runtime import runtime


def suspend_account(payload: Mapping[str, Any], suspender: Suspender) -> dict[str, object]:
    """Suspend or resume: `{"account_id", "suspended", "reason"?}` → `{"account_id", "suspended_at", "reason"}`.

    `suspended_at` is null where the account is in use.
    """
    wish = Suspension.checked(payload)
    account = (
        suspender.suspend(wish.account_id, wish.reason)
        if wish.suspended
        else suspender.resume(wish.account_id)
    )
    return {
        "account_id": account.id,
        "suspended_at": account.suspended_at,
        "reason": account.suspension_reason,
    }


lambda_handler = runtime.direct_entrypoint(suspend_account)
