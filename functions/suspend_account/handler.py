"""Invoked with IAM, without a route: suspend an account, or resume it."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import Suspension
from contacts.accounts.service import SuspensionService
from contacts.runtime import runtime


def suspend_account(payload: Mapping[str, Any], suspension_service: SuspensionService) -> dict[str, object]:
    """Suspend or resume: `{"account_id", "suspended", "reason"?}` → `{"account_id", "suspended_at", "reason"}`.

    `suspended_at` is null where the account is in use.
    """
    command = Suspension.checked(payload)
    account = (
        suspension_service.suspend(command.account_id, command.reason)
        if command.suspended
        else suspension_service.resume(command.account_id)
    )
    return {
        "account_id": account.id,
        "suspended_at": account.suspended_at,
        "reason": account.suspension_reason,
    }


lambda_handler = runtime.direct_entrypoint(suspend_account)
