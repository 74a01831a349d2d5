"""Invoked with IAM, without a route: switch something off, or on again, without a deployment."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import SwitchChange
from contacts.accounts.switch_service import SwitchService
from contacts.core import observability
from contacts.runtime import runtime


def set_switches(payload: Mapping[str, Any], switch_service: SwitchService) -> dict[str, object]:
    """Flip switches, of all accounts or (`deliveries` only) of one; `{}` changes nothing and tells how they stand.

    `{"deliveries"?, "writes"?, "dns"?, "imports"?: "on" | "off", "log_level"?: "INFO" | "DEBUG", "reason"?}` → all
    switches, `changed_at`, `reason`. `{"account_id", "deliveries"?, "reason"?}` → `deliveries`, `stopped_at`, `reason`.
    """
    change = SwitchChange.checked(payload)
    stand = switch_service.flip(change)
    if change.flips:
        flipped = " ".join(f"{name}={value}" for name, value in change.flips.items())
        observability.note({"flipped": flipped, "of": change.account_id or "all accounts"})
    return stand


lambda_handler = runtime.direct_entrypoint(set_switches)
