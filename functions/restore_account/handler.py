"""Invoked with IAM, without a route: bring contacts of an account back from a restored table, without a sound."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import Restoring
from contacts.restoring.service import Restorer
from contacts.runtime import runtime


def restore_account(payload: Mapping[str, Any], restorer: Restorer) -> dict[str, object]:
    """Restore an account: `{"account_id", "table", "dry_run", …}` → `{"account_id", "contacts", "lost", "ids", …}`.

    `finished` false: time ran out; invoked again with `resume` as reported, it goes on.
    """
    return restorer.restore(Restoring.checked(payload)).as_json()


lambda_handler = runtime.direct_entrypoint(restore_account)
