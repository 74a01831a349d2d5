"""What lists and searches ask for, and the values that their code hands around. No input or output.

In this order: posting lists, time ranges, `ContactQuery`, sort orders, where a listing continues, batches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from contacts.book.model import Contact, ValidationStatus
from contacts.core.ids import Name, NameKind
from contacts.core.text import composed, spellings
from contacts.core.time import iso
from contacts.core.violations import FieldErrorCode, InvalidValue, Violation, longer_than
from contacts.search.words import query_words, term, word_count, words_of

MAX_CANDIDATES: Final = 1000
"""Most candidates (contacts, keys of contacts, or counts) that one request examines for a page."""
MAX_FILTER_TERMS: Final = 50
"""Most tags and lists together in one DynamoDB filter expression, which takes 4 KB and 300 operators."""
MAX_QUERY_WORDS: Final = 20
MAX_QUERY_CHARACTERS: Final = 500
_NOTHING_TO_SEARCH: Final = Violation(FieldErrorCode.TOO_SHORT, "has no letter, digit or sign to search for")
_LAST_MS: Final = 253_402_300_799_999
"""The latest time that a timestamp can express: the end of the year 9999."""


class PostingKind(StrEnum):
    """What the contacts of a posting list have in common."""

    ALL = "all"
    TAG = "tag"
    LIST = "list"


class PostingList(NamedTuple):
    """The sorted ids of the contacts with a tag, on a list, or of all contacts. The projection keeps and counts it."""

    kind: PostingKind
    value: str = ""

    @property
    def in_all_spellings(self) -> "list[PostingList]":
        """The lists on which its contacts are: earlier releases stored a tag as it was sent."""
        return [PostingList(self.kind, spelling) for spelling in spellings(self.value)]


ALL_CONTACTS: Final = PostingList(PostingKind.ALL)


def posting_lists(contact: Contact | None) -> frozenset[PostingList]:
    """Returns the posting lists that a live contact is on; for None (there is no such contact), none."""
    if contact is None:
        return frozenset()
    tags = (PostingList(PostingKind.TAG, tag) for tag in contact.tags)
    lists = (PostingList(PostingKind.LIST, slug) for slug in contact.lists)
    return frozenset((ALL_CONTACTS, *tags, *lists))


class TimeRange(NamedTuple):
    """A range of time in ms since the epoch: from `first` (inclusive) to `until` (exclusive; None: no end)."""

    first: int = 0
    until: int | None = None

    @property
    def last(self) -> int:
        """The last millisecond of the range. It is before `first` if the range is empty."""
        return _LAST_MS if self.until is None else min(self.until - 1, _LAST_MS)

    @property
    def is_empty(self) -> bool:
        """Whether the range contains no millisecond."""
        return self.last < self.first

    @property
    def is_bounded(self) -> bool:
        """Whether the range excludes any time."""
        return self.first > 0 or self.until is not None

    def __repr__(self) -> str:
        """The text that stands for the range in the fingerprints of cursors and bookmarks (`search.pages`).

        It contains an earlier name of the class. If it changed, cursors that clients hold would be refused.
        """
        return f"Moments(first={self.first!r}, until={self.until!r})"

    def has(self, timestamp: str) -> bool:
        """Whether the range contains a timestamp; the timestamp is written as in contacts (ISO 8601)."""
        return not self.is_empty and iso(self.first) <= timestamp <= iso(self.last)


ANY_TIME: Final = TimeRange()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactQuery:
    """The conditions that a contact must meet, all of them at once."""

    tags: Sequence[str] = ()
    lists: Sequence[str] = ()
    is_active: bool | None = None
    is_unsubscribed: bool | None = None
    validation_status: ValidationStatus | None = None
    created: TimeRange = ANY_TIME
    updated: TimeRange = ANY_TIME
    email: str | None = None
    external_id: str | None = None
    phone: str | None = None
    words: Sequence[str] = ()
    """Made by `query_words`. Each must match as its `term` says: in general, it begins a word of the contact."""

    @property
    def exact_fields(self) -> dict[str, object]:
        """The fields that must equal one value, with that value."""
        values = {
            "is_active": self.is_active,
            "is_unsubscribed": self.is_unsubscribed,
            "validation_status": self.validation_status,
            "phone": self.phone,
        }
        return {field: value for field, value in values.items() if value is not None}

    @property
    def posting_lists(self) -> list[PostingList]:
        """The posting lists that every match is on, without `ALL_CONTACTS`."""
        tags = [PostingList(PostingKind.TAG, tag) for tag in self.tags]
        return [*tags, *(PostingList(PostingKind.LIST, slug) for slug in self.lists)]

    @property
    def filter_terms(self) -> int:
        """How many tags and lists a DynamoDB filter expression must name, each in all its spellings."""
        return sum(map(len, map(spellings, self.tags))) + len(self.lists)

    @property
    def unique_name(self) -> Name | None:
        """The email or external_id asked for, which at most one contact has; None if the query has neither."""
        if self.email is not None:
            return Name(NameKind.EMAIL, self.email)
        return None if self.external_id is None else Name(NameKind.EXTERNAL_ID, self.external_id)

    @property
    def is_contradictory(self) -> bool:
        """Whether no contact can match, because a time range is empty."""
        return self.created.is_empty or self.updated.is_empty

    @property
    def sole_posting_list(self) -> PostingList | None:
        """The posting list whose contacts are exactly the matches; None if the query needs more than one list.

        For a query without conditions it is `ALL_CONTACTS`.
        """
        if (
            self.exact_fields
            or self.created.is_bounded
            or self.updated.is_bounded
            or self.unique_name
            or self.words
        ):
            return None
        lists = self.posting_lists or [ALL_CONTACTS]
        return lists[0] if len(lists) == 1 else None

    def matches(self, contact: Contact) -> bool:
        """Whether a contact meets every condition."""
        return (
            self.created.has(contact.created_at)
            and self.updated.has(contact.updated_at)
            and all(getattr(contact, field) == value for field, value in self.exact_fields.items())
            and (self.email is None or contact.email == self.email)
            and (self.external_id is None or contact.external_id in spellings(self.external_id))
            and set(map(composed, self.tags)) <= set(map(composed, contact.tags))
            and set(self.lists) <= set(contact.lists)
            and (not self.words or self._words_match(words_of(contact)))
        )

    def is_of_one_word(self) -> bool:
        """Whether the query is one word and nothing else: then the postings tell who matches."""
        return self == ContactQuery(words=self.words[:1]) and all(term(one).is_one_word for one in self.words)

    def has_whole_words(self, words: frozenset[str]) -> bool:
        """Whether a contact with these words has each word of the query as a whole word."""
        return all(term(one).is_whole_in(words) for one in self.words)

    def _words_match(self, words: frozenset[str]) -> bool:
        return all(term(one).matches(words) for one in self.words)


def search_words(text: str) -> tuple[str, ...]:
    """Returns the normalised words of a search text, each once.

    Raises:
        InvalidValue: the text has no word, more than 20 words, or more than 500 characters.
    """
    if len(text) > MAX_QUERY_CHARACTERS:
        raise InvalidValue(longer_than(MAX_QUERY_CHARACTERS))
    words = query_words(text)
    if not words:
        raise InvalidValue(_NOTHING_TO_SEARCH)
    if word_count(words) > MAX_QUERY_WORDS:
        raise InvalidValue(longer_than(MAX_QUERY_WORDS, "words"))
    return words


class SortField(StrEnum):
    """The fields that lists can be sorted by."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"


class Order(NamedTuple):
    """A sort order of contacts. Contacts without the field come last in both directions; ties are sorted by id.

    Ids sort by time of creation, so the order by `created_at` is the order of the ids.
    """

    field: SortField = SortField.CREATED_AT
    descending: bool = True

    @property
    def is_by_creation(self) -> bool:
        """Whether contacts are sorted by their ids alone."""
        return self.field is SortField.CREATED_AT

    def value(self, contact: Contact) -> str | None:
        """Returns the value that a contact is sorted by before its id; None in the order by creation."""
        if self.is_by_creation:
            return None
        value: str | None = getattr(contact, self.field)
        return value


NEWEST_FIRST: Final = Order()


class SortPosition(NamedTuple):
    """A contact's position in a sorted list: the value it is sorted by (None: by the id alone), then its id."""

    value: str | None
    contact_id: str


class Continuation(NamedTuple):
    """Where the next page of a listing starts. Cursors and bookmarks store it.

    A listing consists of one or two parts, read one after the other (`search.service`).
    """

    part: int = 0
    """Number of the part, from 0."""
    after: SortPosition | None = None
    """The page starts after this position; None: at the beginning of the part."""
    in_memory: bool | None = None
    """Whether the first page was sorted in memory. Later pages are then sorted in the same way (`planner.plan`)."""
    in_word_order: bool | None = None
    """Whether a search lists matches in the order of their words, instead of the newest first."""
    skip: int = 0
    """Matches that are still to be skipped."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The continuation of a listing after `offset` contacts."""

    offset: int
    continuation: Continuation


@dataclass(frozen=True, slots=True)
class CandidateBatch:
    """Some of a source's candidates, in order."""

    positions: Sequence[SortPosition]
    next_after: SortPosition | None
    """The next batch starts after this position; None: this batch is the last."""
    examined: int
    """Candidates that the source read, including those it left out."""
    contacts: Mapping[str, Contact] | None = None
    """The candidates' contacts by id, if the source has read them; None if it knows only their ids."""
    bytes_read: int = 0
    """Bytes of contacts that the source read."""


class ContactBatch(NamedTuple):
    """Contacts read by id, as many as fit into memory at a time."""

    ids: Sequence[str]
    """The ids that were read."""
    contacts: Mapping[str, Contact]
    """The contacts that exist, by id."""
    bytes_read: int
