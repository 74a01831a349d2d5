"""Which contacts are asked for, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from contacts.domain.contact import Contact, ValidationStatus
from contacts.domain.identity import Name, NameKind
from contacts.domain.postings import EVERYBODY, PostingKind, PostingList
from contacts.domain.timestamps import iso
from contacts.domain.violations import FieldErrorCode, InvalidValue, Violation, longer_than
from contacts.domain.words import query_words, words_of

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
class Wanted:
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
