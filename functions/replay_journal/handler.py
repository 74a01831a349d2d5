"""Invoked with IAM, without a route: erase again, and opt out again, whom a restored table does not know of."""

from collections.abc import Mapping
from typing import Any

from contacts.accounts.operator_requests import Replaying
from contacts.restoring.replaying import Replayer
from contacts.runtime import runtime


def replay_journal(payload: Mapping[str, Any], replayer: Replayer) -> dict[str, object]:
    """Replay the journal: `{"since", "dry_run", "table"?, …}` → `{"accounts", "erasures", "erased_again", …}`.

    `finished` false: time ran out; invoked again with `resume` as reported, it goes on.
    """
    return replayer.replay(Replaying.checked(payload)).as_json()


lambda_handler = runtime.direct_entrypoint(replay_journal)
