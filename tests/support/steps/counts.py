"""Counts of tags, lists and contacts, as the API shows them."""

from typing import Any
from urllib.parse import urlencode

from tests.support.api import Api


def counted(api: Api, path: str) -> dict[str, int]:
    """A whole list of counts, a few at a time."""
    found: dict[str, int] = {}
    cursor: dict[str, Any] = {}
    while True:
        answer = api.get(f"{path}?{urlencode({'limit': 2, **cursor})}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert set(page) == {"data", "has_more", "next_cursor"}
        found |= {one[path.removeprefix("/v1/").removesuffix("s")]: one["count"] for one in page["data"]}
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


def contacts(api: Api) -> int:
    count: int = api.get("/v1/account").json()["counts"]["contacts"]
    return count
