"""Lists and searches, walked page by page through the API."""

from collections.abc import Iterator
from urllib.parse import urlencode

from tests.support.api import Api
from tests.support.finding_harness import Json


def pages(api: Api, path: str, query: Json, *, by_offset: bool = False) -> Iterator[Json]:
    """Every page of a walk."""
    text = {key: str(value).lower() if isinstance(value, bool) else value for key, value in query.items()}
    where: Json = {"offset": 0} if by_offset else {}
    while True:
        answer = api.get(f"{path}?{urlencode({**text, **where}, doseq=True)}")
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        yield page
        if not page["has_more"]:
            return
        where = (
            {"offset": where["offset"] + len(page["data"])} if by_offset else {"cursor": page["next_cursor"]}
        )
