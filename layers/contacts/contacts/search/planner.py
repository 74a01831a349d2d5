"""Which way to find contacts is the cheapest: the driver that gives the candidates.

Each candidate costs about the same to look at, so the fewer the better. How many there are is known from counts, or for
words and changes by a look at up to 1,000 keys, which costs a tenth of reading the contacts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from contacts.search.query import EVERYBODY, ContactQuery, Order, PostingList, SortField

MAX_IN_MEMORY: Final = 1000
"""So many candidates are sorted in memory, or held there by their ids."""
WORTH_LOOKING: Final = 100
"""A posting list as short as this is not beaten by looking for something shorter."""
MAX_WORDS_LOOKED_FOR: Final = 2
MAX_OTHERS: Final = 20
"""Further posting lists that are held against the driver's: each is a read. The rest the contacts themselves tell."""
MUCH_LONGER: Final = 4
"""Of a posting list so many times as long as the shortest, reading the same span costs more than it spares."""


class Driver(StrEnum):
    """What gives the candidates."""

    NAME = "name"
    """The one contact that has an email or an external_id."""
    CREATION = "creation"
    """All contacts by creation; DynamoDB leaves out those that do not match."""
    INDEX = "index"
    """The index of the field that is sorted by."""
    POSTINGS = "postings"
    """The shortest posting list, by creation."""
    SORTED_POSTINGS = "sorted_postings"
    """The shortest posting list, read whole and sorted in memory."""
    KNOWN = "known"
    """The contacts with a word, or changed in a span of time: they have been found already, and are few."""
    WORD = "word"
    """A whole word."""
    WORD_ORDER = "word_order"
    """The words with a beginning, in their order."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A driver, and what it drives by."""

    driver: Driver
    posting_list: PostingList | None = None
    others: Sequence[PostingList] = ()
    """Further posting lists whose ids are held against the driver's."""
    expected: int | None = None
    """How many candidates the driver has, as far as is known."""
    share: float = 1.0
    """Of the candidates, how many are expected to be on the other lists that are wanted, read or not: by the counts."""

    @property
    def is_in_memory(self) -> bool:
        """Whether all candidates are sorted in memory, or known by their ids."""
        return self.driver in (Driver.SORTED_POSTINGS, Driver.KNOWN)


@dataclass(slots=True)
class Sizes:
    """How many candidates there are, as far as is known."""

    posted: Mapping[PostingList, int] = field(default_factory=dict)
    """By posting list, `ALL` among them: from the counts."""
    known: int | None = None
    """How many were found by a word or by a span of changes; None: not looked for, or more than can be held."""
    known_by: str | None = None
    """The word they were found by; None where it was a span of changes."""

    @property
    def everybody(self) -> int | None:
        """How many contacts the account has."""
        return self.posted.get(EVERYBODY)


def lists_to_count(wanted: ContactQuery, order: Order) -> list[PostingList]:
    """The posting lists whose counts there is something to decide by."""
    lists = wanted.posting_lists
    others = bool(wanted.words) or wanted.updated.is_bounded
    if order.is_of_creation and (not lists or (len(lists) == 1 and not others)):
        return []
    if not lists and not wanted.words and not _changes_may_drive(wanted, order):
        return []
    return [EVERYBODY, *lists]


def words_to_look_for(wanted: ContactQuery, sizes: Sizes) -> list[str]:
    """The words worth looking for, the most telling first: long ones begin few words."""
    if _is_short_enough(wanted, sizes):
        return []
    return sorted(wanted.words, key=lambda word: (-len(word), word))[:MAX_WORDS_LOOKED_FOR]


def changes_are_worth_looking_for(wanted: ContactQuery, order: Order, sizes: Sizes) -> bool:
    """Whether to look how many contacts changed in the span of time that is asked for."""
    return _changes_may_drive(wanted, order) and not _is_short_enough(wanted, sizes)


def plan(
    wanted: ContactQuery,
    order: Order,
    limit: int,
    sizes: Sizes,
    *,
    was_in_memory: bool | None = None,
    skip: int = 0,
) -> Plan:
    """The cheapest way to a page of so many contacts, after so many that are skipped.

    `was_in_memory`: how an earlier page of the same walk was found, if one was. Where the order is that of a field,
    the walk goes on like that if it can, as contacts with the same value may stand in another order there.
    """
    if wanted.name is not None:
        return Plan(Driver.NAME, expected=1)
    by_length = sorted(wanted.posting_lists, key=lambda one: (sizes.posted.get(one, 0), one))
    shortest = by_length[0] if by_length else None
    length = None if shortest is None else sizes.posted.get(shortest, 0 if sizes.posted else None)
    if order.is_of_creation:
        if sizes.known is not None and (length is None or sizes.known < length):
            return Plan(Driver.KNOWN, expected=sizes.known)
        if shortest is None and skip > limit and wanted == ContactQuery(created=wanted.created):
            # A posting is a tenth of a contact's size; for less than a page it is not worth the second read.
            return Plan(Driver.POSTINGS, EVERYBODY)
        if shortest is None:
            return Plan(Driver.CREATION, expected=sizes.everybody)
        others = [one for one in by_length[1:] if sizes.posted.get(one, 0) <= MUCH_LONGER * (length or 0)]
        others = others[:MAX_OTHERS]
        share = 1.0
        for one in by_length[1:]:
            share *= sizes.posted.get(one, 0) / max(sizes.everybody or 0, length or 0, 1)
        return Plan(Driver.POSTINGS, shortest, others, length, share)
    candidates = [
        Plan(Driver.KNOWN, expected=sizes.known) if sizes.known is not None else None,
        Plan(Driver.SORTED_POSTINGS, shortest, expected=length) if length is not None else None,
    ]
    few = min((one for one in candidates if one is not None), key=lambda one: one.expected or 0, default=None)
    walk = Plan(Driver.INDEX, expected=sizes.everybody)
    if few is None or was_in_memory is False:
        return walk
    number = few.expected or 0
    if number > MAX_IN_MEMORY * (2 if was_in_memory else 1):
        return walk
    if was_in_memory or sizes.everybody is None:
        return few
    # On its way along the index the walk meets one of the few every so many contacts.
    return few if number * number <= limit * sizes.everybody else walk


def _changes_may_drive(wanted: ContactQuery, order: Order) -> bool:
    return wanted.updated.is_bounded and order.field is not SortField.UPDATED_AT


def _is_short_enough(wanted: ContactQuery, sizes: Sizes) -> bool:
    lists = wanted.posting_lists
    return bool(lists and sizes.posted) and min(sizes.posted.get(one, 0) for one in lists) <= WORTH_LOOKING
