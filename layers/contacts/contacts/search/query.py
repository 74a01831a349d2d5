"""Posting lists: which contacts are there at all, carry a tag, are on a list. The projection keeps and counts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from contacts.book.model import Contact, ValidationStatus
from contacts.core.ids import Name, NameKind
from contacts.core.time import iso
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation, longer_than
from contacts.search.words import query_words, words_of


class Place(NamedTuple):
    """Where a contact stands in a list: what it is sorted by (None: only by its id), and its id."""

    value: str | None
    contact_id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some candidates."""

    places: Sequence[Place]
    further: Place | None
    """Where to go on after; None: there are no more."""
    looked_at: int
    """How many were read, with those that are left out."""
    contacts: Mapping[str, Contact] | None = None
    """By id, those that have been read already; None: their ids alone are known."""
    size: int = 0
    """What that cost, in bytes."""


class Read(NamedTuple):
    """Some of many contacts, as many as memory can hold at a time."""

    ids: Sequence[str]
    """Those that were asked for."""
    contacts: Mapping[str, Contact]
    """Those that are there, by id."""
    size: int
    """What that cost, in bytes."""


MAX_FILTERED: Final = 50
"""Tags and lists together that one filter of DynamoDB's can hold contacts to: it takes 4 KB and 300 operators."""


class Position(NamedTuple):
    """Where a walk stands: after `place` in its part of so many, or at that part's beginning (`place` None).

    `in_memory`: how its first page was found where ways differ in the order of equals; see `planning.plan`.
    `in_word_order`: whether what a search finds comes in the order of the words. `skip`: contacts to be skipped yet.
    """

    part: int = 0
    place: Place | None = None
    in_memory: bool | None = None
    in_word_order: bool | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a walk by offset stands after so many contacts."""

    offset: int
    position: Position


class PostingKind(StrEnum):
    """What the contacts of a posting list have in common."""

    ALL = "all"
    TAG = "tag"
    LIST = "list"


class PostingList(NamedTuple):
    """The contacts with a tag, on a list, or all of them."""

    kind: PostingKind
    value: str = ""


EVERYBODY: Final = PostingList(PostingKind.ALL)


def posting_lists(contact: Contact | None) -> frozenset[PostingList]:
    """The posting lists a live contact is on; None, for one that is not there, is on none."""
    if contact is None:
        return frozenset()
    tags = (PostingList(PostingKind.TAG, tag) for tag in contact.tags)
    lists = (PostingList(PostingKind.LIST, slug) for slug in contact.lists)
    return frozenset((EVERYBODY, *tags, *lists))


MAX_QUERY_WORDS: Final = 20
MAX_QUERY_CHARACTERS: Final = 500
_NOTHING_TO_SEARCH: Final = Violation(FieldErrorCode.TOO_SHORT, "has no letter, digit or sign to search for")
_LAST_MS: Final = 253_402_300_799_999
"""The latest moment a timestamp can name: the end of the year 9999."""


class Moments(NamedTuple):
    """A span of time in ms since the epoch: `first` is in it, `until` no longer."""

    first: int = 0
    until: int | None = None

    @property
    def last(self) -> int:
        """The last millisecond in it; before the first where there is none."""
        return _LAST_MS if self.until is None else min(self.until - 1, _LAST_MS)

    @property
    def is_empty(self) -> bool:
        """Whether no moment is in it."""
        return self.last < self.first

    @property
    def is_bounded(self) -> bool:
        """Whether some moment is not in it."""
        return self.first > 0 or self.until is not None

    def has(self, timestamp: str) -> bool:
        """Whether a moment, as contacts have it, is in it."""
        return not self.is_empty and iso(self.first) <= timestamp <= iso(self.last)


ALWAYS: Final = Moments()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactQuery:
    """What a contact must be like; all of it holds at once."""

    tags: Sequence[str] = ()
    lists: Sequence[str] = ()
    is_active: bool | None = None
    is_unsubscribed: bool | None = None
    validation_status: ValidationStatus | None = None
    created: Moments = ALWAYS
    updated: Moments = ALWAYS
    email: str | None = None
    external_id: str | None = None
    words: Sequence[str] = ()
    """Normalised (`query_words`): each must begin a word of the contact."""

    @property
    def flags(self) -> dict[str, object]:
        """The fields that must have one certain value."""
        values = {
            "is_active": self.is_active,
            "is_unsubscribed": self.is_unsubscribed,
            "validation_status": self.validation_status,
        }
        return {field: value for field, value in values.items() if value is not None}

    @property
    def posting_lists(self) -> list[PostingList]:
        """The posting lists that all of these contacts are on, but for the list of everybody."""
        tags = [PostingList(PostingKind.TAG, tag) for tag in self.tags]
        return [*tags, *(PostingList(PostingKind.LIST, slug) for slug in self.lists)]

    @property
    def name(self) -> Name | None:
        """A name that at most one contact has."""
        if self.email is not None:
            return Name(NameKind.EMAIL, self.email)
        return None if self.external_id is None else Name(NameKind.EXTERNAL_ID, self.external_id)

    @property
    def is_contradictory(self) -> bool:
        """Whether nothing can be like that."""
        return self.created.is_empty or self.updated.is_empty

    @property
    def only_posted(self) -> PostingList | None:
        """The one posting list that has just these contacts (`ALL` where every contact is wanted), if one has."""
        if self.flags or self.created.is_bounded or self.updated.is_bounded or self.name or self.words:
            return None
        lists = self.posting_lists or [EVERYBODY]
        return lists[0] if len(lists) == 1 else None

    def matches(self, contact: Contact) -> bool:
        """Whether a contact is like that."""
        return (
            self.created.has(contact.created_at)
            and self.updated.has(contact.updated_at)
            and all(getattr(contact, field) == value for field, value in self.flags.items())
            and (self.email is None or contact.email == self.email)
            and (self.external_id is None or contact.external_id == self.external_id)
            and set(self.tags) <= set(contact.tags)
            and set(self.lists) <= set(contact.lists)
            and (not self.words or begins_words(self.words, words_of(contact)))
        )


def begins_words(wanted: Sequence[str], words: frozenset[str]) -> bool:
    """Whether each of the wanted begins one of the words."""
    return all(any(word.startswith(beginning) for word in words) for beginning in wanted)


def searched(text: str) -> tuple[str, ...]:
    """The words of a query.

    Raises:
        InvalidValue: there are none, or more than 20, or the text has more than 500 characters.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidValue(longer_than(MAX_QUERY_CHARACTERS))
    words = query_words(text)
    if not words:
        raise InvalidValue(_NOTHING_TO_SEARCH)
    if len(words) > MAX_QUERY_WORDS:
        raise InvalidValue(longer_than(MAX_QUERY_WORDS, "words"))
    return words


class SortField(StrEnum):
    """What lists can be sorted by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"


class Order(NamedTuple):
    """In which order contacts are listed.

    By creation it is the order of their ids. Contacts without the field come last, whichever the direction; those that
    have the same value, or none, are in the order of their ids.
    """

    field: SortField = SortField.CREATED_AT
    descending: bool = True

    @property
    def is_of_creation(self) -> bool:
        """Whether it is the order of ids."""
        return self.field is SortField.CREATED_AT

    def value(self, contact: Contact) -> str | None:
        """What a contact is sorted by before its id: nothing where the order is of creation."""
        if self.is_of_creation:
            return None
        found: str | None = getattr(contact, self.field)
        return found


NEWEST_FIRST: Final = Order()
