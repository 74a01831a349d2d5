"""An operator brings back what a client has lost: with IAM, a restored table, and nobody who hears of it."""

from typing import Any

import pytest

from local.restore_drill import drill
from tests.support.accounts import Account, Accounts


def test_a_drill_loses_and_restores_contacts_without_a_sound(
    stack: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """120 contacts; `python -m local.restore_drill` takes a thousand."""
    assert drill(stack, 120) == 0, capsys.readouterr()


def test_a_table_that_is_no_restored_one_is_refused(
    stack: dict[str, Any], account: Account, accounts: Accounts
) -> None:
    for table in (stack["table"], "contacts-restored-none"):
        payload = {"account_id": account.id, "table": table, "dry_run": True}
        answer = accounts.invoke("RestoreAccount", payload)
        assert answer["errorMessage"].startswith("table: "), answer
