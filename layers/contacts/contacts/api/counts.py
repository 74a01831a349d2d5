"""Pages of tags and lists with their counts: what may be asked for, and the answer.

A cursor holds the last name seen: it has at most 544 characters.
"""

from typing import Final

from contacts.api.answers import Answer, page
from contacts.api.cursors import fingerprint, not_ours, opened, sealed
from contacts.api.listing import PageSize
from contacts.domain.contact import LONGEST_TAG
from contacts.domain.postings import PostingKind
from contacts.services.counts import CountStore, page_of_counts

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
