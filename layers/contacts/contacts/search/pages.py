"""Pages of contacts: what may be asked for, and the answer.

Their cursors hold the id of the last contact seen and what it is sorted by, so that they stay valid when it is gone.
An email or an external_id in them can be read by nobody: cursors stand in URLs, and these in logs.
"""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, NamedTuple

from contacts.accounts.concealment import concealed, revealed
from contacts.accounts.model import Account, AccountSecret
from contacts.book.model import LONGEST_TAG, MAX_LISTS, MAX_TAGS, SLUG, ValidationStatus, contact_out
from contacts.core import violations
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.ids import MAX_EXTERNAL_ID, stored_email
from contacts.core.violations import InvalidValue
from contacts.search.query import ContactQuery, Moments, Order, Place, Position, SortField, searched
from contacts.search.service import BEGINNING, Finder, Found
from contacts.web.pagination import (
    DEFAULT_PAGE_SIZE,
    Offset,
    PageSize,
    fingerprint,
    fitting,
    not_ours,
    place_from_cursor,
    to_cursor,
)
from contacts.web.response import Answer, page
from contacts.web.routing import Moment, Repeated


class Sort(StrEnum):
    """In which order contacts are listed; `-` is descending."""

    NEWEST_FIRST = "-created_at"
    OLDEST_FIRST = "created_at"
    LAST_CHANGED_FIRST = "-updated_at"
    FIRST_CHANGED_FIRST = "updated_at"
    EMAIL = "email"
    EMAIL_DESCENDING = "-email"
    EXTERNAL_ID = "external_id"
    EXTERNAL_ID_DESCENDING = "-external_id"

    @property
    def order(self) -> Order:
        """The order it stands for."""
        return Order(SortField(self.removeprefix("-")), descending=self.startswith("-"))


class TagFilter(Repeated):
    """Tags that a contact must all have."""

    __slots__ = ()
    most = MAX_TAGS

    @classmethod
    def checked(cls, text: str) -> str:
        """A tag."""
        if not 0 < len(text) <= LONGEST_TAG:
            raise InvalidValue(violations.wrong_length(text, LONGEST_TAG))
        return text


class ListFilter(Repeated):
    """Lists that a contact must all be on."""

    __slots__ = ()
    most = MAX_LISTS

    @classmethod
    def checked(cls, text: str) -> str:
        """A list's name."""
        if not re.fullmatch(SLUG, text):
            raise InvalidValue(violations.NOT_SLUG)
        return text


class Email(str):
    """An email in the form in which it is stored."""

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "Email":
        """
        Raises:
            InvalidValue: the syntax is wrong.
        """
        try:
            return cls(stored_email(text))
        except ValueError as error:
            raise InvalidValue(violations.not_an_email(str(error))) from None


class ExternalId(str):
    """The caller's own id of a contact."""

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "ExternalId":
        """
        Raises:
            InvalidValue: it is too long or empty.
        """
        if not 0 < len(text) <= MAX_EXTERNAL_ID:
            raise InvalidValue(violations.wrong_length(text, MAX_EXTERNAL_ID))
        return cls(text)


class Words(str):
    """A query's words, normalised, with a space between them."""

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "Words":
        """
        Raises:
            InvalidValue: it has none, or too many.
        """
        return cls(" ".join(searched(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What contacts must be like; all of it holds at once. `…_after` is inclusive, `…_before` exclusive."""

    tag: TagFilter | None = None
    list: ListFilter | None = None
    is_active: bool | None = None
    is_unsubscribed: bool | None = None
    validation_status: ValidationStatus | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None
    updated_after: Moment | None = None
    updated_before: Moment | None = None
    email: Email | None = None
    external_id: ExternalId | None = None

    def wanted(self, words: Words | None) -> ContactQuery:
        """The contacts that are wanted."""
        return ContactQuery(
            tags=tuple(self.tag or ()),
            lists=tuple(self.list or ()),
            is_active=self.is_active,
            is_unsubscribed=self.is_unsubscribed,
            validation_status=self.validation_status,
            created=Moments(self.created_after or 0, self.created_before),
            updated=Moments(self.updated_after or 0, self.updated_before),
            email=self.email,
            external_id=self.external_id,
            words=tuple(words.split()) if words else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page: `starting_after` is another name for `cursor`; `offset` skips contacts instead."""

    limit: PageSize = DEFAULT_PAGE_SIZE
    cursor: str | None = None
    starting_after: str | None = None
    offset: Offset | None = None
    include_total: bool = False


class _Query(NamedTuple):
    """What a list is asked for, as its cursors know it, and what their values are concealed with."""

    fingerprint: bytes
    secret: AccountSecret


def listed_page(
    finder: Finder, account: Account, filters: Filters, paging: Paging, sort: Sort, words: Words | None
) -> Answer:
    """A page of a list. One that would exceed 5 MB ends earlier, with a cursor.

    Raises:
        InvalidInput: the cursor is none of this list's, or there are two; or the offset leads too far.
        TemporarilyUnavailable.
    """
    wanted, order = filters.wanted(words), sort.order
    query = _Query(fingerprint(account.id, str(sort), _asked(wanted)), account.secret)
    begin = _begin(finder, query, paging, order)
    found = finder.listed(wanted, order, paging.limit, begin, with_total=paging.include_total)
    return _answer(finder, found, query, paging, order)


def searched_page(finder: Finder, account: Account, filters: Filters, paging: Paging, words: Words) -> Answer:
    """A page of a search, ranked. One that would exceed 5 MB ends earlier, with a cursor.

    Raises: as `listed_page`.
    """
    wanted = filters.wanted(words)
    query = _Query(fingerprint(account.id, "search", _asked(wanted)), account.secret)
    begin = _begin(finder, query, paging, None)
    found = finder.searched(wanted, paging.limit, begin, with_total=paging.include_total)
    return _answer(finder, found, query, paging, None)


def _asked(wanted: ContactQuery) -> list[tuple[str, object]]:
    return [(one.name, getattr(wanted, one.name)) for one in fields(wanted)]


def _begin(finder: Finder, query: _Query, paging: Paging, order: Order | None) -> Position:
    ways = [name for name in ("cursor", "starting_after", "offset") if getattr(paging, name) is not None]
    if len(ways) > 1:
        raise InvalidInput([FieldError(name, violations.another_beginning(ways[0])) for name in ways[1:]])
    # An empty cursor is refused like any other that is none: taken for the beginning, it would make a walk endless.
    for name in ways:
        if name != "offset":
            return _from_cursor(query, getattr(paging, name), name)
    return finder.position_at(query.fingerprint.hex(), paging.offset, order) if paging.offset else BEGINNING


def _answer(finder: Finder, found: Found, query: _Query, paging: Paging, order: Order | None) -> Answer:
    shown, is_cut = fitting(map(contact_out, found.contacts))
    further = found.positions[len(shown) - 1] if is_cut else found.further
    if further is not None and paging.offset is not None:
        name = query.fingerprint.hex()
        finder.leave_bookmark(name, paging.offset + len(shown), further, order)
        if len(shown) < paging.limit:
            # Whoever counts pages asks for the next one there, and must not skip what this one had no time for.
            finder.leave_bookmark(name, paging.offset + paging.limit, further, order)
    total = {"total": found.total} if paging.include_total else {}
    answer = page(shown, None if further is None else _to_cursor(query, further), **total)
    answer.log_fields = {"driver": found.driver and str(found.driver), "candidates": found.candidates}
    return answer


_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_TRISTATES: Final = (None, False, True)
_SKIP_BYTES: Final = 2
_NO_VALUE: Final = 0
_READABLE: Final = 1
"""As values stood in cursors before they were concealed. Such cursors are taken, and no longer made."""
_CONCEALED: Final = 2


def _to_cursor(query: _Query, position: Position) -> str:
    place = position.place
    value = None if place is None else place.value
    states = _TRISTATES.index(position.in_memory) * 3 + _TRISTATES.index(position.in_word_order)
    flags = bytes((position.part, states, _NO_VALUE if value is None else _CONCEALED))
    skip = position.skip.to_bytes(_SKIP_BYTES)
    last_id = _NO_ID if place is None else place.contact_id
    hidden = b"" if value is None else concealed(query.secret, query.fingerprint, value.encode())
    return to_cursor(query.fingerprint, last_id, flags + skip + hidden)


def _from_cursor(query: _Query, cursor: str, parameter: str) -> Position:
    last_id, rest = place_from_cursor(query.fingerprint, cursor, parameter)
    try:
        part, states, kind = rest[:3]
        place = None
        if last_id != _NO_ID:
            place = Place(_value(query, kind, rest[3 + _SKIP_BYTES :]), last_id)
        in_memory, in_word_order = _TRISTATES[states // 3], _TRISTATES[states % 3]
    except (ValueError, IndexError):
        raise not_ours(parameter) from None
    skip = int.from_bytes(rest[3 : 3 + _SKIP_BYTES])
    return Position(part, place, in_memory, in_word_order, skip)


def _value(query: _Query, kind: int, given: bytes) -> str | None:
    """The value in a cursor.

    Raises:
        ValueError: there is none like that.
    """
    if kind == _NO_VALUE:
        return None
    if kind not in (_READABLE, _CONCEALED):
        raise ValueError("a kind of value that is none of ours")
    return (given if kind == _READABLE else revealed(query.secret, query.fingerprint, given)).decode()
