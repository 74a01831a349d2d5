"""Pages of lists so short that they are read whole: by cursor, or by offset and with a total, as page numbers need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contacts.api.answers import Answer, page
from contacts.api.cursors import from_cursor, to_cursor
from contacts.api.listing import DEFAULT_PAGE_SIZE, Offset, PageSize
from contacts.domain.errors import FieldError, InvalidInput
from contacts.domain.violations import another_beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPaging:
    """Which page, and whether to tell how many things there are."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: str | None = None
    offset: Offset | None = None
    include_total: bool = False


def short_page(things: Sequence[Mapping[str, Any]], paging: ShortPaging, query: bytes) -> Answer:
    """A page of things, all of which are given, in the order of their ids.

    A cursor goes on after an id, whether or not it is still there.

    Raises:
        InvalidInput: the cursor is none of this list's, or there is an offset as well.
    """
    first = paging.offset or 0
    if paging.cursor is not None:
        if paging.offset is not None:
            raise InvalidInput([FieldError("offset", another_beginning("cursor"))])
        last_id = from_cursor(query, paging.cursor)
        first = sum(one["id"] <= last_id for one in things)
    end = first + paging.limit
    shown = list(things[first:end])
    further = to_cursor(query, shown[-1]["id"]) if shown and end < len(things) else None
    return page(shown, further, **({"total": len(things)} if paging.include_total else {}))
