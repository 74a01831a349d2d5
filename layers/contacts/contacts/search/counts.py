"""Counts of contacts: all, by tag, by list. The projection keeps them, a moment behind the contacts."""

from collections.abc import Sequence
from typing import Final, TypedDict

from contacts.book.model import LONGEST_TAG
from contacts.core.answers import Count, PageOut
from contacts.search.index import CountStore, NameCount
from contacts.search.query import ALL_CONTACTS, MAX_CANDIDATES, PostingKind
from contacts.web.pagination import PageSize, fingerprint, not_ours, opened, sealed
from contacts.web.response import Answer, page


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
    """Returns the number of contacts of the account."""
    return store.count(ALL_CONTACTS)


def page_of_counts(
    store: CountStore, kind: PostingKind, after: str | None, limit: int
) -> tuple[Sequence[NameCount], str | None]:
    """Returns up to `limit` tags or lists after the name `after`, and the name that the next page starts after.

    That name is None on the last page. `after` need not exist any more. A page may be shorter than `limit` and not the
    last: a request examines 1,000 counts, and the count of a tag that no contact has any more is 0.
    """
    return store.counts(kind, after, at_most=limit, evaluate=MAX_CANDIDATES)


_NAME_BYTES: Final = range(1, 4 * LONGEST_TAG + 1)
"""Bytes of a tag in UTF-8; the name of a list is shorter."""


def count_page(
    store: CountStore, account_id: str, kind: PostingKind, cursor: str | None, limit: PageSize
) -> Answer:
    """Returns a page of tags or lists in the order of their names, each with its number of contacts.

    Raises:
        InvalidInput: the cursor does not belong to this list.
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
