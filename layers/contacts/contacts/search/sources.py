"""Candidates: contacts that may be what a list asks for, in the list's order, a batch at a time.

A source gives them without saying whether they match; that is checked on the contacts themselves (`search.service`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from contacts.book.model import Contact
from contacts.search.index import ContactIndex
from contacts.search.query import MAX_FILTERED, Batch, ContactQuery, Moments, Order, Place, PostingList

Source = Callable[[Place | None, int], Batch]
"""Up to so many candidates that come after a place; the contact there need not exist any more."""


def is_filtered(wanted: ContactQuery) -> bool:
    """Whether `ContactIndex.created` leaves out all that does not match. If not, the contacts have to be looked at."""
    return not wanted.words and len(wanted.tags) + len(wanted.lists) <= MAX_FILTERED


class Known:
    """A source of candidates that are known already, all of them."""

    def __init__(
        self, places: Iterable[Place], order: Order, contacts: Mapping[str, Contact] | None = None
    ) -> None:
        """`places`: in any order, and possibly more than once; `contacts`: by id, those that have been read."""
        self._order = order
        self._places = sorted(set(places), key=self._rank)
        self._contacts = contacts

    def __call__(self, after: Place | None, at_most: int) -> Batch:
        """The next of them."""
        begin = 0 if after is None else bisect_right(self._places, self._rank(after), key=self._rank)
        end = begin + at_most
        places = self._places[begin:end]
        further = places[-1] if places and end < len(self._places) else None
        return Batch(places, further, len(places), self._contacts)

    def _rank(self, place: Place) -> tuple[bool, "_Downwards | tuple[str, str]"]:
        key = (place.value or "", place.contact_id)
        return place.value is None, _Downwards(key) if self._order.descending else key


class _Downwards:
    """A sort key whose order is turned round."""

    __slots__ = ("_key",)

    def __init__(self, key: tuple[str, str]) -> None:
        self._key = key

    def __lt__(self, other: "_Downwards") -> bool:
        return other._key < self._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Downwards) and self._key == other._key

    __hash__ = None  # type: ignore[assignment]


class Posted:
    """A source of the contacts that are on several posting lists, by creation: what their ids alone can tell."""

    def __init__(
        self,
        index: ContactIndex,
        driver: PostingList,
        others: Sequence[PostingList],
        created: Moments,
        order: Order,
    ) -> None:
        """`driver`: the shortest of the lists; `others`: none much longer, as of each the same span is read."""
        self._index = index
        self._driver = driver
        self._others = others
        self._created = created
        self._descending = order.descending

    def __call__(self, after: Place | None, at_most: int) -> Batch:
        """The next of them, looking at so many of the shortest list."""
        after_id = after and after.contact_id
        batch = self._read(self._driver, after_id, at_most)
        places, further = list(batch.places), batch.further
        for posting_list in self._others:
            if not places:
                break
            # As far as the driver has been read, and a bound in case this list is much denser there.
            span = self._read(posting_list, after_id, 4 * at_most, places[-1].contact_id)
            if span.further is not None:
                end = span.further.contact_id
                places = [place for place in places if not self._is_past(place.contact_id, end)]
                further = span.further
            on_list = {place.contact_id for place in span.places}
            places = [place for place in places if place.contact_id in on_list]
        return Batch(places, further, batch.looked_at)

    def _read(
        self, posting_list: PostingList, after_id: str | None, at_most: int, last_id: str | None = None
    ) -> Batch:
        return self._index.posted(
            posting_list,
            self._created,
            after_id,
            descending=self._descending,
            at_most=at_most,
            last_id=last_id,
        )

    def _is_past(self, contact_id: str, end: str) -> bool:
        return contact_id < end if self._descending else contact_id > end
