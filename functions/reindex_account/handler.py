"""Invoked with IAM, without a route: rebuild what is derived of an account's contacts, and report what differed."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import Reindexing
from contacts.projection.reindex import Reindexer
from contacts.runtime import runtime


def reindex_account(payload: Mapping[str, Any], reindexer: Reindexer) -> dict[str, object]:
    """Rebuild an account: `{"account_id", "dry_run"?, "resume"?}` → `{"account_id", "contacts", "missing", …}`.

    `finished` false: time ran out; invoked again with `resume` as reported, it goes on.
    """
    command = Reindexing.checked(payload)
    return reindexer.reindex(command.account_id, dry_run=command.dry_run, resume=command.resume).as_json()


lambda_handler = runtime.direct_entrypoint(reindex_account)
