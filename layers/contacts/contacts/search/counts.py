"""How many contacts there are, carry a tag, are on a list: as the projection counted them, a moment behind."""

from collections.abc import Sequence
from typing import Final, TypedDict

from contacts.book.model import LONGEST_TAG
from contacts.core.answers import Count, PageOut
from contacts.search.index import Counted, CountStore
from contacts.search.query import EVERYBODY, PostingKind
from contacts.web.pagination import PageSize, fingerprint, not_ours, opened, sealed
from contacts.web.response import Answer, page

MAX_CANDIDATES: Final = 1000
"""How many counts one request looks at; then it answers what it has. (That of a tag nobody carries any more is 0.)"""


class TagCountOut(TypedDict):
    """A tag, and how many contacts carry it."""

    tag: str
    count: Count


class TagPageOut(PageOut):
    """A page of tags, by name."""

    data: list[TagCountOut]


class ListCountOut(TypedDict):
    """A list, and how many contacts are on it."""

    list: str
    count: Count


class ListPageOut(PageOut):
    """A page of lists, by name."""

    data: list[ListCountOut]


def how_many_contacts(store: CountStore) -> int:
    """How many contacts the account has."""
    return store.count(EVERYBODY)


def page_of_counts(
    store: CountStore, kind: PostingKind, after: str | None, limit: int
) -> tuple[Sequence[Counted], str | None]:
    """The next up to `limit` tags or lists, and the name to go on after (None: that was all).

    The one a page starts after need not exist any more.
    """
    return store.counts(kind, after, at_most=limit, evaluate=MAX_CANDIDATES)


_NAME_BYTES: Final = range(1, 4 * LONGEST_TAG + 1)
"""Of a tag in UTF-8; the name of a list is shorter."""


def count_page(
    store: CountStore, account_id: str, kind: PostingKind, cursor: str | None, limit: PageSize
) -> Answer:
    """A page of tags or lists, each with how many contacts it has, by name.

    Raises:
        InvalidInput: the cursor is none of this list's.
    """
    query = fingerprint(account_id, "counts", str(kind))
    after = None if cursor is None else _from_cursor(query, cursor)
    found, next_after = page_of_counts(store, kind, after, limit)
    shown = [{str(kind): one.name, "count": one.count} for one in found]
    return page(shown, None if next_after is None else _to_cursor(query, next_after))


def _to_cursor(query: bytes, name: str) -> str:
    return sealed(query, name.encode())


def _from_cursor(query: bytes, cursor: str) -> str:
    place = opened(query, cursor, _NAME_BYTES)
    try:
        name = place.decode()
    except UnicodeDecodeError:
        raise not_ours() from None
    if len(name) > LONGEST_TAG:
        raise not_ours()
    return name
