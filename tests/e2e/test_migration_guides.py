"""What docs/migrate/ shows is what happens."""

import time
from typing import Any

import pytest

from contacts.accounts.model import Dialect
from local.stack import ROOT
from tests.e2e.migration import differences, run, samples
from tests.support.accounts import Account

VENDORS = [dialect for dialect in Dialect if dialect is not Dialect.NATIVE]
SECONDS_THE_INDEX_MAY_TAKE = 30


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_guide_shows_what_is_answered(vendor: Dialect, account: Account, stack: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "migrate" / f"{vendor}.md").read_text(encoding="utf-8")
    variables = {
        "API": stack["url"],
        "KEY": account.key(dialect=vendor)["key"],
        "TEST_KEY": account.key(dialect=vendor, mode="test")["key"],
        "NATIVE_KEY": account.key()["key"],
    }
    ran = 0
    for sample in samples(guide):
        # What follows the stream is a moment behind: a read is repeated until it shows it.
        until = time.monotonic() + (SECONDS_THE_INDEX_MAY_TAKE if "-X" not in sample.command else 0)
        while True:
            status, body = run(sample.command, variables)
            found = [] if sample.shown is None else list(differences(sample.shown, body, variables))
            if status != sample.status:
                found.insert(0, f"status {status}, shown is {sample.status}: {body}")
            if not found or "-d" in sample.command or time.monotonic() > until:
                break
        assert not found, f"{sample.command}\n" + "\n".join(found)
        ran += 1
    assert ran > 5
