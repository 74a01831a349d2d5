"""Chooses the cheapest way to find the contacts of a query.

The driver (as in the driving table of a join) supplies the candidates. Each candidate costs about the same to examine,
so the driver with the fewest candidates wins. Their numbers come from the counts of posting lists; for words and times
of update they come from a probe, which reads up to 1,000 keys at a tenth of the cost of the contacts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from contacts.search.query import ALL_CONTACTS, ContactQuery, Order, PostingList, SortField
from contacts.search.words import driving

MAX_IN_MEMORY: Final = 1000
"""Most candidates that a listing sorts in memory when it begins. It may continue with twice as many."""
SHORT_POSTING_LIST: Final = 100
"""With a posting list of at most this length, a probe for fewer candidates costs more than it saves."""
MAX_PROBED_WORDS: Final = 2
MAX_INTERSECTED_LISTS: Final = 20
"""Most posting lists intersected with the shortest; each costs a read. For others the contacts are checked."""
MAX_LENGTH_RATIO: Final = 4
"""A posting list more than this many times as long as the shortest costs more to intersect than it saves."""


class Driver(StrEnum):
    """Where the candidates come from. Logs show the values."""

    NAME = "name"
    """The contact with a given email or external_id."""
    CREATION = "creation"
    """All contacts by creation; DynamoDB filters them."""
    INDEX = "index"
    """The index of the sort field."""
    POSTINGS = "postings"
    """The shortest posting list, by creation."""
    SORTED_POSTINGS = "sorted_postings"
    """The shortest posting list, read whole and sorted in memory."""
    KNOWN = "known"
    """The contacts that a probe found: few have the word, or were updated in the time range."""
    WORD = "word"
    """The contacts with the query's only word as a whole word, the newest first."""
    WORD_ORDER = "word_order"
    """The contacts by the words that begin with the longest word of the query, in the order of the words."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A driver, with what it needs."""

    driver: Driver
    posting_list: PostingList | None = None
    intersected: Sequence[PostingList] = ()
    """Posting lists to intersect with `posting_list`."""
    expected: int | None = None
    """Number of the driver's candidates; None if unknown."""
    match_fraction: float = 1.0
    """Fraction of candidates expected on all other posting lists of the query, intersected or not, by the counts."""

    @property
    def is_in_memory(self) -> bool:
        """Whether the request holds all candidates in memory."""
        return self.driver in (Driver.SORTED_POSTINGS, Driver.KNOWN)


@dataclass(slots=True)
class CandidateCounts:
    """Numbers of candidates, as far as the request has read them."""

    by_posting_list: Mapping[PostingList, int] = field(default_factory=dict)
    """Lengths of posting lists, `ALL_CONTACTS` among them. Empty lists may be missing."""
    known: int | None = None
    """Candidates that a probe found; None if there was no probe, or each found too many."""
    known_by_word: str | None = None
    """The word that the probe looked up; None if it looked up times of update."""

    @property
    def all_contacts(self) -> int | None:
        """Number of contacts of the account; None if it was not read."""
        return self.by_posting_list.get(ALL_CONTACTS)


def lists_to_count(query: ContactQuery, order: Order) -> list[PostingList]:
    """Returns the posting lists whose lengths matter to `plan`; none where the plan is clear without."""
    lists = query.posting_lists
    has_alternatives = bool(query.words or query.phone) or query.updated.is_bounded
    if order.is_by_creation and (not lists or (len(lists) == 1 and not has_alternatives)):
        return []
    if not lists and not query.words and not query.phone and not _updates_may_drive(query, order):
        return []
    return [ALL_CONTACTS, *lists]


def words_to_probe(query: ContactQuery, counts: CandidateCounts) -> list[str]:
    """Returns the words worth a probe, the longest first: few words begin with a long one."""
    if _has_short_posting_list(query, counts):
        return []
    return driving(query.words)[:MAX_PROBED_WORDS]


def should_probe_phone(query: ContactQuery, counts: CandidateCounts) -> bool:
    """Whether a probe of the contacts with the query's phone may find few enough candidates."""
    return query.phone is not None and not _has_short_posting_list(query, counts)


def should_probe_updates(query: ContactQuery, order: Order, counts: CandidateCounts) -> bool:
    """Whether a probe of the contacts updated in the query's time range may find few enough candidates."""
    return _updates_may_drive(query, order) and not _has_short_posting_list(query, counts)


def plan(
    query: ContactQuery,
    order: Order,
    limit: int,
    counts: CandidateCounts,
    *,
    began_in_memory: bool | None = None,
    skip: int = 0,
) -> Plan:
    """Returns the cheapest plan for a page of `limit` contacts after `skip` skipped ones.

    `began_in_memory`: whether the first page of the same listing was sorted in memory; None for the first page. A
    listing sorted by a field continues as it began if it can: the index and memory may order contacts with equal values
    differently.
    """
    if query.unique_name is not None:
        return Plan(Driver.NAME, expected=1)
    by_length = sorted(query.posting_lists, key=lambda one: (counts.by_posting_list.get(one, 0), one))
    shortest = by_length[0] if by_length else None
    shortest_length = (
        None
        if shortest is None
        else counts.by_posting_list.get(shortest, 0 if counts.by_posting_list else None)
    )
    if order.is_by_creation:
        if counts.known is not None and (shortest_length is None or counts.known < shortest_length):
            return Plan(Driver.KNOWN, expected=counts.known)
        if shortest is None and skip > limit and query == ContactQuery(created=query.created):
            # A posting has a tenth of a contact's size. To skip less than a page, it is not worth the second read.
            return Plan(Driver.POSTINGS, ALL_CONTACTS)
        if shortest is None:
            return Plan(Driver.CREATION, expected=counts.all_contacts)
        intersected = [
            one
            for one in by_length[1:]
            if counts.by_posting_list.get(one, 0) <= MAX_LENGTH_RATIO * (shortest_length or 0)
        ]
        intersected = intersected[:MAX_INTERSECTED_LISTS]
        match_fraction = 1.0
        for one in by_length[1:]:
            match_fraction *= counts.by_posting_list.get(one, 0) / max(
                counts.all_contacts or 0, shortest_length or 0, 1
            )
        return Plan(Driver.POSTINGS, shortest, intersected, shortest_length, match_fraction)
    candidates = [
        Plan(Driver.KNOWN, expected=counts.known) if counts.known is not None else None,
        Plan(Driver.SORTED_POSTINGS, shortest, expected=shortest_length)
        if shortest_length is not None
        else None,
    ]
    fewest = min(
        (one for one in candidates if one is not None), key=lambda one: one.expected or 0, default=None
    )
    along_index = Plan(Driver.INDEX, expected=counts.all_contacts)
    if fewest is None or began_in_memory is False:
        return along_index
    number = fewest.expected or 0
    if number > MAX_IN_MEMORY * (2 if began_in_memory else 1):
        return along_index
    if began_in_memory or counts.all_contacts is None:
        return fewest
    # With n candidates among N contacts, the index yields one every N/n contacts: a page costs limit * N/n of them.
    return fewest if number * number <= limit * counts.all_contacts else along_index


def _updates_may_drive(query: ContactQuery, order: Order) -> bool:
    return query.updated.is_bounded and order.field is not SortField.UPDATED_AT


def _has_short_posting_list(query: ContactQuery, counts: CandidateCounts) -> bool:
    lists = query.posting_lists
    return (
        bool(lists and counts.by_posting_list)
        and min(counts.by_posting_list.get(one, 0) for one in lists) <= SHORT_POSTING_LIST
    )
