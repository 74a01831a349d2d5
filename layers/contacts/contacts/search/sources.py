"""Sources of candidates: contacts that may match a query, in the order of the list, a batch at a time.

A source does not decide whether a candidate matches; `search.service` checks that on the contact itself.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from contacts.book.model import Contact
from contacts.search.index import ContactIndex
from contacts.search.query import (
    MAX_FILTER_TERMS,
    CandidateBatch,
    ContactQuery,
    Order,
    PostingList,
    SortPosition,
    TimeRange,
)

CandidateSource = Callable[[SortPosition | None, int], CandidateBatch]
"""Takes (position, at_most); returns up to `at_most` candidates after the position. Its contact may be gone."""


def is_filtered(query: ContactQuery) -> bool:
    """Whether the filter of `ContactIndex.by_creation` leaves out every contact that does not match the query."""
    return not query.words and query.filter_terms <= MAX_FILTER_TERMS


class KnownCandidates:
    """A source over candidates that were all found before."""

    def __init__(
        self, positions: Iterable[SortPosition], order: Order, contacts: Mapping[str, Contact] | None = None
    ) -> None:
        """`positions`: in any order, with or without repetitions. `contacts`: by id, the contacts already read."""
        self._order = order
        self._positions = sorted(set(positions), key=self._rank)
        self._contacts = contacts

    def __call__(self, after: SortPosition | None, at_most: int) -> CandidateBatch:
        """Returns up to `at_most` candidates after a position."""
        begin = 0 if after is None else bisect_right(self._positions, self._rank(after), key=self._rank)
        end = begin + at_most
        positions = self._positions[begin:end]
        next_after = positions[-1] if positions and end < len(self._positions) else None
        return CandidateBatch(positions, next_after, len(positions), self._contacts)

    def _rank(self, position: SortPosition) -> tuple[bool, "_Descending | tuple[str, str]"]:
        key = (position.value or "", position.contact_id)
        return position.value is None, _Descending(key) if self._order.descending else key


class _Descending:
    """A sort key in reverse order."""

    __slots__ = ("_key",)

    def __init__(self, key: tuple[str, str]) -> None:
        self._key = key

    def __lt__(self, other: "_Descending") -> bool:
        return other._key < self._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._key == other._key

    __hash__ = None  # type: ignore[assignment]


class PostingListIntersection:
    """A source of the contacts that are on every one of several posting lists, by creation. It reads ids only."""

    def __init__(
        self,
        index: ContactIndex,
        shortest: PostingList,
        others: Sequence[PostingList],
        created: TimeRange,
        order: Order,
    ) -> None:
        """`shortest`: the shortest list. `others`: lists not much longer, as the same span of ids is read of each."""
        self._index = index
        self._shortest = shortest
        self._others = others
        self._created = created
        self._descending = order.descending

    def __call__(self, after: SortPosition | None, at_most: int) -> CandidateBatch:
        """Returns the candidates among the next `at_most` ids of the shortest list."""
        after_id = after and after.contact_id
        batch = self._read(self._shortest, after_id, at_most)
        positions, next_after = list(batch.positions), batch.next_after
        for posting_list in self._others:
            if not positions:
                break
            # Up to where the shortest list was read. The bound holds where this list is much denser there.
            span = self._read(posting_list, after_id, 4 * at_most, positions[-1].contact_id)
            if span.next_after is not None:
                end = span.next_after.contact_id
                positions = [
                    position for position in positions if not self._is_past(position.contact_id, end)
                ]
                next_after = span.next_after
            on_list = {position.contact_id for position in span.positions}
            positions = [position for position in positions if position.contact_id in on_list]
        return CandidateBatch(positions, next_after, batch.examined)

    def _read(
        self, posting_list: PostingList, after_id: str | None, at_most: int, last_id: str | None = None
    ) -> CandidateBatch:
        return self._index.by_posting_list(
            posting_list,
            self._created,
            after_id,
            descending=self._descending,
            at_most=at_most,
            last_id=last_id,
        )

    def _is_past(self, contact_id: str, end: str) -> bool:
        return contact_id < end if self._descending else contact_id > end
