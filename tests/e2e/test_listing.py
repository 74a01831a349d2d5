"""A list whose pages are as large as an answer may be."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tests.support.accounts import Account
from tests.support.api import Api, path_of


def walk(api: Api, cursor_name: str = "cursor", **query: Any) -> Iterator[list[dict[str, Any]]]:
    """Every page of a list."""
    cursor = None
    while True:
        asked = query | ({} if cursor is None else {cursor_name: cursor})
        answer = api.get(f"/v1/contacts?{urlencode(asked)}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert set(page) == {"data", "has_more", "next_cursor"}
        assert page["has_more"] == (page["next_cursor"] is not None)
        yield page["data"]
        if not page["has_more"]:
            return
        cursor = page["next_cursor"]


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
