"""The query parameters of lists and searches of contacts, their cursors, and the response with a page.

A cursor contains the id of the last contact shown and the value it is sorted by, so the cursor stays valid when that
contact is gone. The value is encrypted, as it may be an email or an external_id: cursors are parts of URLs, and URLs of
logs.
"""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final, NamedTuple, NotRequired

from contacts.accounts.concealment import concealed, revealed
from contacts.accounts.model import Account, AccountSecret
from contacts.book.model import (
    LONGEST_TAG,
    MAX_LISTS,
    MAX_TAGS,
    SLUG,
    ContactOut,
    ValidationStatus,
    contact_out,
)
from contacts.core import violations
from contacts.core.answers import Count, PageOut
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.ids import MAX_EXTERNAL_ID, stored_email
from contacts.core.violations import InvalidValue
from contacts.search.query import (
    MAX_QUERY_CHARACTERS,
    ContactQuery,
    Continuation,
    Order,
    SortField,
    SortPosition,
    TimeRange,
    search_words,
)
from contacts.search.service import BEGINNING, ContactPage, Finder
from contacts.search.words import dialled
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

_NOT_A_PHONE: Final = violations.Violation(
    violations.FieldErrorCode.INVALID_FORMAT,
    "must be a phone number with its country, such as +4915112345678",
)


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
        """The sort order that this parameter value names."""
        return Order(SortField(self.removeprefix("-")), descending=self.startswith("-"))


class TagFilter(Repeated):
    """Tags that a contact must all have."""

    __slots__ = ()
    most = MAX_TAGS

    @classmethod
    def checked(cls, text: str) -> str:
        """Returns the tag.

        Raises:
            InvalidValue: it is empty or too long.
        """
        if not 0 < len(text) <= LONGEST_TAG:
            raise InvalidValue(violations.wrong_length(text, LONGEST_TAG))
        return text


class ListFilter(Repeated):
    """Lists that a contact must all be on."""

    __slots__ = ()
    most = MAX_LISTS

    @classmethod
    def checked(cls, text: str) -> str:
        """Returns the name of the list.

        Raises:
            InvalidValue: it is no slug.
        """
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


class PhoneNumber(str):
    """A telephone number with its country, as it is stored (E.164)."""

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "PhoneNumber":
        """
        Raises:
            InvalidValue: it is no number, or has no country.
        """
        phone = dialled(text) if len(text) <= MAX_QUERY_CHARACTERS else None
        if phone is None:
            raise InvalidValue(_NOT_A_PHONE)
        return cls(phone)


class Words(str):
    """A query's words, normalised, with a space between them."""

    __slots__ = ()

    @classmethod
    def checked(cls, text: str) -> "Words":
        """
        Raises:
            InvalidValue: it has none, or too many.
        """
        return cls(" ".join(search_words(text)))


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
    phone: PhoneNumber | None = None

    def query(self, words: Words | None) -> ContactQuery:
        """Returns the query with these filters and words."""
        return ContactQuery(
            tags=tuple(self.tag or ()),
            lists=tuple(self.list or ()),
            is_active=self.is_active,
            is_unsubscribed=self.is_unsubscribed,
            validation_status=self.validation_status,
            created=TimeRange(self.created_after or 0, self.created_before),
            updated=TimeRange(self.updated_after or 0, self.updated_before),
            email=self.email,
            external_id=self.external_id,
            phone=self.phone,
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


class _CursorScope(NamedTuple):
    """What a cursor is bound to: the query it belongs to, and the account's secret that encrypts its value."""

    fingerprint: bytes
    secret: AccountSecret


class ContactPageOut(PageOut):
    """A page of contacts. It may be shorter than `limit` although there are more."""

    data: list[ContactOut]
    total: NotRequired[Count | None]
    """Only with `include_total`: how many contacts match, null where there are too many to count."""


def listed_page(
    finder: Finder, account: Account, filters: Filters, paging: Paging, sort: Sort, words: Words | None
) -> Answer:
    """Returns a page of a list. A page that would exceed 5 MB ends earlier, with a cursor.

    Raises:
        InvalidInput: the cursor belongs to another list, there are two, or the offset is too large.
        TemporarilyUnavailable.
    """
    query, order = filters.query(words), sort.order
    scope = _CursorScope(fingerprint(account.id, str(sort), _criteria(query)), account.secret)
    start = _start(finder, scope, paging, order, query)
    found = finder.list_contacts(query, order, paging.limit, start, with_total=paging.include_total)
    return _response(finder, found, scope, paging, order, query)


def searched_page(finder: Finder, account: Account, filters: Filters, paging: Paging, words: Words) -> Answer:
    """Returns a page of a search, ranked. A page that would exceed 5 MB ends earlier, with a cursor.

    Raises: as `listed_page`.
    """
    query = filters.query(words)
    scope = _CursorScope(fingerprint(account.id, "search", _criteria(query)), account.secret)
    start = _start(finder, scope, paging, None, query)
    found = finder.search_contacts(query, paging.limit, start, with_total=paging.include_total)
    return _response(finder, found, scope, paging, None, query)


def _criteria(query: ContactQuery) -> list[tuple[str, object]]:
    criteria = [(one.name, getattr(query, one.name)) for one in fields(query)]
    # Cursors and bookmarks of releases without this filter go on in queries without it.
    return [one for one in criteria if one != ("phone", None)]


def _start(
    finder: Finder, scope: _CursorScope, paging: Paging, order: Order | None, query: ContactQuery
) -> Continuation:
    ways = [name for name in ("cursor", "starting_after", "offset") if getattr(paging, name) is not None]
    if len(ways) > 1:
        raise InvalidInput([FieldError(name, violations.another_beginning(ways[0])) for name in ways[1:]])
    # An empty cursor is refused: if it meant the beginning, a client that sends one would list without end.
    for name in ways:
        if name != "offset":
            return _from_cursor(scope, getattr(paging, name), name)
    if not paging.offset:
        return BEGINNING
    return finder.continuation_at(scope.fingerprint.hex(), paging.offset, order, query.words)


def _response(
    finder: Finder,
    found: ContactPage,
    scope: _CursorScope,
    paging: Paging,
    order: Order | None,
    query: ContactQuery,
) -> Answer:
    shown, is_cut = fitting(map(contact_out, found.contacts))
    next_start = found.continuations[len(shown) - 1] if is_cut else found.next_start
    if next_start is not None and paging.offset is not None:
        name = scope.fingerprint.hex()
        finder.save_bookmark(name, paging.offset + len(shown), next_start, order, query.words)
        if len(shown) < paging.limit:
            # A client that counts pages asks for this offset next. It must not miss what this short page left out.
            finder.save_bookmark(name, paging.offset + paging.limit, next_start, order, query.words)
    total = {"total": found.total} if paging.include_total else {}
    answer = page(shown, None if next_start is None else _to_cursor(scope, next_start), **total)
    answer.log_fields = {
        "driver": found.driver and str(found.driver),
        "candidates": found.candidates,
    }
    return answer


_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_TRISTATES: Final = (None, False, True)
_SKIP_BYTES: Final = 2
_NO_VALUE: Final = 0
_READABLE: Final = 1
"""Kind of value in cursors of earlier releases, not encrypted. They are still accepted, but no longer made."""
_CONCEALED: Final = 2


def _to_cursor(scope: _CursorScope, continuation: Continuation) -> str:
    after = continuation.after
    value = None if after is None else after.value
    states = _TRISTATES.index(continuation.in_memory) * 3 + _TRISTATES.index(continuation.in_word_order)
    flags = bytes((continuation.part, states, _NO_VALUE if value is None else _CONCEALED))
    skip = continuation.skip.to_bytes(_SKIP_BYTES)
    last_id = _NO_ID if after is None else after.contact_id
    hidden = b"" if value is None else concealed(scope.secret, scope.fingerprint, value.encode())
    return to_cursor(scope.fingerprint, last_id, flags + skip + hidden)


def _from_cursor(scope: _CursorScope, cursor: str, parameter: str) -> Continuation:
    last_id, rest = place_from_cursor(scope.fingerprint, cursor, parameter)
    try:
        part, states, kind = rest[:3]
        after = None
        if last_id != _NO_ID:
            after = SortPosition(_value(scope, kind, rest[3 + _SKIP_BYTES :]), last_id)
        in_memory, in_word_order = _TRISTATES[states // 3], _TRISTATES[states % 3]
    except (ValueError, IndexError):
        raise not_ours(parameter) from None
    skip = int.from_bytes(rest[3 : 3 + _SKIP_BYTES])
    return Continuation(part, after, in_memory, in_word_order, skip)


def _value(scope: _CursorScope, kind: int, given: bytes) -> str | None:
    """Returns the sort value in a cursor.

    Raises:
        ValueError: the cursor contains no value that this module has written.
    """
    if kind == _NO_VALUE:
        return None
    if kind not in (_READABLE, _CONCEALED):
        raise ValueError("unknown kind of value")
    return (given if kind == _READABLE else revealed(scope.secret, scope.fingerprint, given)).decode()
