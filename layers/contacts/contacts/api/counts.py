"""Pages of tags and lists with their counts: what may be asked for, and the answer.

A cursor is a fingerprint of account and query with the last name seen behind it, in base64url: at most 544 characters.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from contacts.api.answers import Answer, page
from contacts.api.cursors import fingerprint
from contacts.api.listing import PageSize
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.postings import PostingKind
from contacts.services.counts import CountStore, page_of_counts

MAX_NAME: Final = 100
"""Characters, of a tag as of a list."""


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
    return urlsafe_b64encode(query + name.encode()).decode().rstrip("=")


def _from_cursor(query: bytes, cursor: str) -> str:
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        name = content[len(query) :].decode()
    except ValueError:  # no base64, or no UTF-8
        content, name = b"", ""
    if not 0 < len(name) <= MAX_NAME or _to_cursor(content[: len(query)], name) != cursor:
        raise InvalidInput([FieldError("cursor", "is not a next_cursor of this API")])
    if content[: len(query)] != query:
        raise InvalidInput([FieldError("cursor", "belongs to a list with other parameters")])
    return name
