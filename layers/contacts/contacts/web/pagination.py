"""Cursors and pages. A cursor says where a walk through a list stands; it is bound to the list's query and account.

A cursor is base64url of a fingerprint of account and query (8 bytes) and of a place in the list: mostly the id of the
last thing seen, and what else it takes to go on from there. It opens nothing: the account always comes from the key.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from contacts.core.errors import FieldError, InvalidInput
from contacts.core.json import to_json
from contacts.core.violations import FieldErrorCode, Violation, another_beginning
from contacts.web.response import MAX_ANSWER_BYTES, Answer, page
from contacts.web.routing import Bounded

_FINGERPRINT_BYTES: Final = 8
_ID_BYTES: Final = 16
_PLACE_BYTES: Final = range(_ID_BYTES, 1529)
"""Of a place that begins with an id: a cursor has up to 2,048 characters."""
_NOT_A_CURSOR: Final = Violation(FieldErrorCode.INVALID_CURSOR, "is not a next_cursor of this API")
_OF_ANOTHER_LIST: Final = Violation(FieldErrorCode.INVALID_CURSOR, "belongs to a list with other parameters")


def fingerprint(*query: object) -> bytes:
    """The fingerprint of a query in its cursors (8 bytes). `query`: the account and all that selects or sorts."""
    return sha256(repr(query).encode()).digest()[:_FINGERPRINT_BYTES]


def sealed(query: bytes, place: bytes) -> str:
    """The cursor of a place in the list of a query."""
    return urlsafe_b64encode(query + place).decode().rstrip("=")


def opened(query: bytes, cursor: str, sizes: Container[int], parameter: str = "cursor") -> bytes:
    """The place in a cursor. `sizes`: the bytes that a place may have; `parameter`: the one that held the cursor.

    Raises:
        InvalidInput: this API never made the cursor, or made it for another query.
    """
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:  # no base64
        raise not_ours(parameter) from None
    its_query, place = content[:_FINGERPRINT_BYTES], content[_FINGERPRINT_BYTES:]
    if len(place) not in sizes or sealed(its_query, place) != cursor:
        raise not_ours(parameter)
    if its_query != query:
        raise InvalidInput([FieldError(parameter, _OF_ANOTHER_LIST)])
    return place


def to_cursor(query: bytes, last_id: str, rest: bytes = b"") -> str:
    """The cursor that goes on after the item with an id. `rest`: what else it takes to go on from there."""
    return sealed(query, UUID(last_id).bytes + rest)


def from_cursor(query: bytes, cursor: str, parameter: str = "cursor") -> str:
    """The id in a cursor, to go on after it. `parameter`: the one that held the cursor.

    Raises:
        InvalidInput: this API never made the cursor, or made it for another query.
    """
    last_id, rest = place_from_cursor(query, cursor, parameter)
    if rest:
        raise not_ours(parameter)
    return last_id


def place_from_cursor(query: bytes, cursor: str, parameter: str = "cursor") -> tuple[str, bytes]:
    """The id in a cursor, to go on after it, and the rest that the cursor holds.

    Raises:
        InvalidInput: this API never made the cursor, or made it for another query.
    """
    place = opened(query, cursor, _PLACE_BYTES, parameter)
    return str(UUID(bytes=place[:_ID_BYTES])), place[_ID_BYTES:]


def not_ours(parameter: str = "cursor") -> InvalidInput:
    """The error for a cursor that this API never made."""
    return InvalidInput([FieldError(parameter, _NOT_A_CURSOR)])


class PageSize(Bounded):
    """The most items of a page."""

    minimum = 1
    maximum = 100


class Offset(Bounded):
    """How many items a list skips."""

    minimum = 0
    maximum = 2_000_000_000


DEFAULT_PAGE_SIZE: Final = PageSize(50)
_ENVELOPE_BYTES: Final = 200


def shown_page(things: Iterable[Mapping[str, Any]], next_after: str | None, query: bytes) -> Answer:
    """A page of items in their JSON form, each with its `id`. Where they exceed 5 MB the page ends earlier.

    `next_after`: the id after which the next page starts if all of them fit; None: there is no next page.
    """
    shown, is_cut = fitting(things)
    if is_cut:
        next_after = shown[-1]["id"]
    return page(shown, None if next_after is None else to_cursor(query, next_after))


def fitting(things: Iterable[Mapping[str, Any]]) -> tuple[list[Any], bool]:
    """The first items that fit an answer of 5 MB, and whether some did not."""
    shown: list[Any] = []
    room = MAX_ANSWER_BYTES - _ENVELOPE_BYTES
    for thing in things:
        room -= len(to_json(thing).encode()) + 1
        if room < 0:
            return shown, True
        shown.append(thing)
    return shown, False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPaging:
    """Query parameters: which page of a short list, and whether to count the list."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: str | None = None
    offset: Offset | None = None
    include_total: bool = False


def short_page(things: Sequence[Mapping[str, Any]], paging: ShortPaging, query: bytes) -> Answer:
    """A page of a short list. `things`: the whole list in the order of ids.

    A cursor goes on after an id, whether or not its item still exists.

    Raises:
        InvalidInput: the cursor belongs to another list, or there is an offset as well.
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
