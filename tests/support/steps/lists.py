"""The list of contacts, walked page by page through the API."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tests.support.api import Api


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
