"""Pages of contacts: what may be asked for, and the answer."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from contacts.api.answers import MAX_ANSWER_BYTES, Answer, page
from contacts.api.cursors import fingerprint, from_cursor, to_cursor
from contacts.api.parameters import Bounded, Moment
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.json_text import to_json
from contacts.domain.native import contact_out
from contacts.services.listing import page_by_creation
from contacts.services.ports import ContactStore, Listing


class PageSize(Bounded):
    """How many contacts a page has at most."""

    minimum = 1
    maximum = 100


DEFAULT_PAGE_SIZE: Final = PageSize(50)


class Sort(StrEnum):
    """In which order contacts are listed; `-` is descending."""

    NEWEST_FIRST = "-created_at"
    OLDEST_FIRST = "created_at"


_ENVELOPE_BYTES: Final = 200


def contact_page(
    store: ContactStore,
    account_id: str,
    sort: Sort,
    created_after: Moment | None,
    created_before: Moment | None,
    flags: Mapping[str, object],
    cursor: str | None,
    starting_after: str | None,
    limit: PageSize,
) -> Answer:
    """A page of contacts. One that would exceed 5 MB ends earlier, with a cursor.

    `starting_after` is another name for `cursor`.

    Raises:
        InvalidInput: the cursor is none of this list's, or there are two.
    """
    asked = {name: value for name, value in flags.items() if value is not None}
    query = fingerprint(account_id, str(sort), created_after, created_before, sorted(asked.items()))
    listing = Listing(
        created_from_ms=created_after or 0,
        created_until_ms=created_before,
        newest_first=sort is Sort.NEWEST_FIRST,
        flags=asked,
    )
    found = page_by_creation(store, listing, _after_id(query, cursor, starting_after), limit)
    return shown_page(map(contact_out, found.contacts), found.next_after, query)


def shown_page(things: Iterable[Mapping[str, Any]], next_after: str | None, query: bytes) -> Answer:
    """A page of things as they are shown, each with its `id`. One that would exceed 5 MB ends earlier, with a cursor.

    `next_after`: the id to go on after where all of them fit; None: that was all.
    """
    shown: list[Any] = []
    room = MAX_ANSWER_BYTES - _ENVELOPE_BYTES
    for thing in things:
        room -= len(to_json(thing).encode()) + 1
        if room < 0:
            next_after = shown[-1]["id"]
            break
        shown.append(thing)
    return page(shown, None if next_after is None else to_cursor(query, next_after))


def _after_id(query: bytes, cursor: str | None, starting_after: str | None) -> str | None:
    # An empty cursor is refused like any other that is none: taken for the beginning, it would make a walk endless.
    if starting_after is None:
        return None if cursor is None else from_cursor(query, cursor)
    if cursor is not None:
        raise InvalidInput([FieldError("starting_after", "is another name for cursor: send one of them")])
    return from_cursor(query, starting_after, "starting_after")
