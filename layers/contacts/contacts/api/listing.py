"""Pages of a list: how many things, and where the next page begins."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from contacts.api.answers import MAX_ANSWER_BYTES, Answer, page
from contacts.api.cursors import to_cursor
from contacts.api.parameters import Bounded
from contacts.domain.json_text import to_json


class PageSize(Bounded):
    """How many things a page has at most."""

    minimum = 1
    maximum = 100


class Offset(Bounded):
    """How many things are skipped."""

    minimum = 0
    maximum = 2_000_000_000


DEFAULT_PAGE_SIZE: Final = PageSize(50)
_ENVELOPE_BYTES: Final = 200


def shown_page(things: Iterable[Mapping[str, Any]], next_after: str | None, query: bytes) -> Answer:
    """A page of things as they are shown, each with its `id`. One that would exceed 5 MB ends earlier, with a cursor.

    `next_after`: the id to go on after where all of them fit; None: that was all.
    """
    shown, is_cut = fitting(things)
    if is_cut:
        next_after = shown[-1]["id"]
    return page(shown, None if next_after is None else to_cursor(query, next_after))


def fitting(things: Iterable[Mapping[str, Any]]) -> tuple[list[Any], bool]:
    """As many things as an answer of 5 MB has room for, and whether there were more."""
    shown: list[Any] = []
    room = MAX_ANSWER_BYTES - _ENVELOPE_BYTES
    for thing in things:
        room -= len(to_json(thing).encode()) + 1
        if room < 0:
            return shown, True
        shown.append(thing)
    return shown, False
