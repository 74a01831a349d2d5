"""A list whose pages are as large as an answer may be."""

import time

from tests.support.accounts import Account
from tests.support.api import path_of
from tests.support.steps.lists import walk


def test_a_page_of_large_contacts_ends_early_and_loses_none(account: Account) -> None:
    """Twenty contacts of 340 KB are more than one answer may hold (5 MB)."""
    names = [f"large {number:02}" for number in range(20)]
    for name in names:
        account.api.created(external_id=name, metadata={"text": "x" * 340_000})
        time.sleep(0.002)
    pages = list(walk(account.api, limit=100, sort="created_at"))
    assert [contact["external_id"] for page in pages for contact in page] == names
    assert len(pages) > 1
    # Whoever looks at the table after this need not wade through them.
    for name in names:
        account.api.delete(path_of(name, "?permanent=true"))
