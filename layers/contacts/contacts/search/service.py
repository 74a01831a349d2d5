"""Finding contacts: lists and searches, a page at a time.

A page costs what a page costs, whatever the account's size: one request looks at no more than 1,000 candidates, then
answers what it has and where to go on. A contact that nobody touches meanwhile turns up exactly once in a walk.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Final, NamedTuple

from contacts.book.model import Contact
from contacts.core.errors import FieldError, InvalidInput
from contacts.core.violations import offset_beyond
from contacts.search.index import Bookmarks, ContactIndex
from contacts.search.planner import (
    MAX_IN_MEMORY,
    Driver,
    Plan,
    Sizes,
    changes_are_worth_looking_for,
    lists_to_count,
    plan,
    words_to_look_for,
)
from contacts.search.query import (
    EVERYBODY,
    NEWEST_FIRST,
    Batch,
    Bookmark,
    ContactQuery,
    Order,
    Place,
    Position,
    SortField,
)
from contacts.search.sources import Known, Posted, Source, is_filtered
from contacts.search.words import words_of

MAX_CANDIDATES: Final = 1000
"""How many contacts one request looks at for a page."""
MAX_SKIPPED: Final = 10_000
"""How many it skips for an offset, and how many it looks at to do so."""
MAX_COUNTED: Final = 10_000
"""How many it looks at to tell a total."""
MAX_BYTES: Final = 6_000_000
"""What it reads of contacts for a page, as they come from the table: then it answers what it has. One answer of the
table may go beyond; the next one is not asked for."""
MAX_BYTES_PASSED: Final = 15_000_000
"""What it reads besides to skip for an offset, and at most to tell a total: of these contacts none is kept."""
_HELD: Final = 3_000_000
"""Bytes of contacts that are kept of those that are sorted in memory, so that they need not be read again."""
_MOST: Final = 0.8
"""Of candidates that may not match, how many are taken to do so until it is known."""
_ABOUT: Final = 0.93
"""Of those that the counts promise, how many are counted on: for one page in seven that is too many."""
_PAGES_LOOKED_THROUGH: Final = 4
"""So many candidates for each contact of a page are looked at to know whether it is the last."""
_BOOKMARKS: Final = 3
"""So many are tried, where the contacts they stand on may be gone."""
_AT_ONCE: Final = 1000
"""Candidates that are asked for in one go, at most."""


BEGINNING: Final = Position()


@dataclass(slots=True)
class Found:
    """A page of contacts, each with the position after it; and how it was found."""

    contacts: list[Contact] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    further: Position | None = None
    """Where to go on; None: that was all."""
    total: int | None = None
    driver: Driver | None = None
    candidates: int = 0
    """How many contacts, or keys of contacts, were looked at."""
    skipped: int = 0
    """How many were skipped for an offset."""
    size: int = 0
    """Bytes of contacts that were read."""


class _Some(NamedTuple):
    """Some places of a batch, with the contacts there by id."""

    places: Sequence[Place]
    contacts: Mapping[str, Contact]
    size: int
    """What they cost to read, in bytes."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a walk: where its candidates come from, and which of them are meant."""

    source: Source
    accepts: Callable[[Contact, Place], bool]
    is_sure: bool = False
    """Whether every candidate is meant, but for what changed in the last moment: they can be skipped, and counted,
    without being read."""
    share: float | None = None
    """Of what the source looks at, how much is expected to be meant; None: all of it where that is sure, else most."""

    def to_read(self, wanted: int, matched: int, looked_at: int) -> int:
        """How many candidates are to be looked at to find so many, when so many of so many matched before."""
        if not looked_at:
            share = (1 if self.is_sure else _MOST) if self.share is None else self.share
            return min(ceil(wanted / max(share, 1 / _AT_ONCE)), _AT_ONCE)
        density = max(matched, 0.25) / looked_at
        return min(ceil(wanted / density / _MOST), _AT_ONCE)


class Finder:
    """The contacts of one account, to be found."""

    def __init__(self, index: ContactIndex, bookmarks: Bookmarks) -> None:
        self._index = index
        self._bookmarks = bookmarks

    def listed(
        self,
        wanted: ContactQuery,
        order: Order,
        limit: int,
        position: Position = BEGINNING,
        *,
        with_total: bool = False,
    ) -> Found:
        """Up to `limit` contacts that come after a position in an order.

        Raises:
            TemporarilyUnavailable.
        """
        if wanted.is_contradictory:
            return Found(total=0 if with_total else None)
        sizes, known = self._sizes(wanted, order, was_in_memory=position.in_memory is True)
        chosen = plan(wanted, order, limit, sizes, was_in_memory=position.in_memory, skip=position.skip)
        if not order.is_of_creation and chosen.driver is not Driver.NAME:
            position = position._replace(in_memory=chosen.is_in_memory)
            is_lacking = position.place is not None and position.place.value is None
            if position.part == 0 and is_lacking and not chosen.is_in_memory:
                # In memory, those that lack the field are no part of their own; along the index they are.
                position = position._replace(part=1)
        found = self._walk(self._list_parts(wanted, order, chosen, known), position, limit)
        found.driver = chosen.driver
        if with_total:
            found.total = self._total(wanted, sizes, known)
        return found

    def searched(
        self, wanted: ContactQuery, limit: int, position: Position = BEGINNING, *, with_total: bool = False
    ) -> Found:
        """Up to `limit` contacts after a position in the ranking of a search.

        Those of whom every word of the query is a whole word come first, then the others; of each the newest first. But
        where more than 1,000 words begin like the query, the others come in the order of these words.

        Raises:
            TemporarilyUnavailable.
        """
        if wanted.is_contradictory:
            return Found(total=0 if with_total else None)
        found = Found()
        if wanted == ContactQuery(words=wanted.words[:1]) and position.part == 0 and not with_total:
            # Those that have the word are often enough for a page: the others need not be looked for.
            found = self._walk([self._whole_word(wanted)], position, limit)
            if found.further is not None:
                found.driver = Driver.WORD
                return found
            position = position._replace(part=1, place=None)
        sizes, known = self._sizes(wanted, NEWEST_FIRST, was_in_memory=position.in_word_order is False)
        chosen = plan(wanted, NEWEST_FIRST, limit, sizes)
        if position.in_word_order or (chosen.driver is Driver.CREATION and position.in_word_order is None):
            chosen = Plan(Driver.WORD_ORDER)
        position = position._replace(in_word_order=chosen.driver is Driver.WORD_ORDER)
        found = self._walk(self._search_parts(wanted, chosen, sizes, known), position, limit, found)
        found.driver = chosen.driver
        if with_total:
            found.total = self._total(wanted, sizes, known)
        return found

    def position_at(self, query: str, offset: int, order: Order | None) -> Position:
        """Where the page begins that follows so many contacts of a query: at the bookmark nearest to it, and then some.

        `order`: of a list; None for a search.

        Raises:
            InvalidInput: more than 10,000 contacts lie between it and what is before it, a bookmark or the beginning.
            TemporarilyUnavailable.
        """
        nearest = Bookmark(0, BEGINNING)
        if offset:
            found = self._bookmarks.latest(query, offset, at_most=_BOOKMARKS)
            standing = (self._standing(bookmark, order) for bookmark in found)
            nearest = next((bookmark for bookmark in standing if bookmark is not None), nearest)
        skip = offset - nearest.offset
        if skip > MAX_SKIPPED:
            raise InvalidInput([FieldError("offset", offset_beyond(MAX_SKIPPED))])
        return nearest.position._replace(skip=skip)

    def leave_bookmark(self, query: str, offset: int, position: Position, order: Order | None) -> None:
        """Keep where a walk by offset stands, so that its next page need not skip what came before.

        What contacts are sorted by may be personal and the bookmark outlive an erasure: such a value is not kept, and
        looked up when it is needed; for words that lead to a search it could not be.

        Raises:
            TemporarilyUnavailable.
        """
        if position.skip or position.in_word_order:
            return
        if position.place is not None and _is_personal(order):
            position = position._replace(place=Place(None, position.place.contact_id))
        self._bookmarks.leave(query, Bookmark(offset, position))

    def _standing(self, bookmark: Bookmark, order: Order | None) -> Bookmark | None:
        """A bookmark as it was before it was left; None where its contact is gone."""
        position = bookmark.position
        if position.part or position.place is None or order is None or not _is_personal(order):
            return bookmark
        place = next(self._index.places([position.place.contact_id], order.field), None)
        if place is None:
            return None
        return Bookmark(bookmark.offset, position._replace(place=place))

    # Where candidates come from

    def _sizes(self, wanted: ContactQuery, order: Order, *, was_in_memory: bool) -> tuple[Sizes, list[Place]]:
        """How many candidates there are, and those that were found on the way, in no order."""
        sizes = Sizes()
        lists = [] if wanted.name else lists_to_count(wanted, order)
        if lists:
            sizes.posted = self._index.counts(lists)
        # A walk that began with few goes on with twice as many, rather than in another order.
        most = MAX_IN_MEMORY * (2 if was_in_memory else 1)
        looked_for = () if wanted.name else self._looked_for(wanted, order, sizes, most + 1)
        for word, batch in looked_for:
            if batch.further is None and len(batch.places) <= most:
                sizes.known = len(_ids(batch.places))
                sizes.known_by = word
                return sizes, list(batch.places)
        return sizes, []

    def _looked_for(
        self, wanted: ContactQuery, order: Order, sizes: Sizes, at_most: int
    ) -> Iterator[tuple[str | None, Batch]]:
        """What words, one after the other, and changes lead to."""
        for word in words_to_look_for(wanted, sizes):
            yield word, self._index.worded(word, None, at_most)
        if changes_are_worth_looking_for(wanted, order, sizes):
            field, updated = SortField.UPDATED_AT, wanted.updated
            yield None, self._index.sorted_by(field, updated, None, descending=True, at_most=at_most)

    def _list_parts(
        self, wanted: ContactQuery, order: Order, chosen: Plan, known: Sequence[Place]
    ) -> list[_Part]:
        if chosen.driver is Driver.NAME or order.is_of_creation:
            return [self._by_creation(wanted, order, chosen, known)]
        if not chosen.is_in_memory:
            return self._by_index(wanted, order)
        ids = _ids(known)
        if chosen.driver is Driver.SORTED_POSTINGS:
            assert chosen.posting_list is not None
            posted = Posted(self._index, chosen.posting_list, (), wanted.created, NEWEST_FIRST)
            batches = _batches(posted, 2 * MAX_IN_MEMORY)
            ids = [place.contact_id for batch in batches for place in batch.places]
        return [_Part(self._sorted(ids, order), _meant(wanted))]

    def _sorted(self, ids: Sequence[str], order: Order) -> Source:
        """Contacts sorted in memory, which holds those read first, and of the others what they are sorted by."""
        places: list[Place] = []
        held: dict[str, Contact] = {}
        size = passed = 0
        for read in self._index.contacts(ids):
            held |= read.contacts
            places += [Place(order.value(contact), contact.id) for contact in read.contacts.values()]
            size, passed = size + read.size, passed + len(read.ids)
            if size > _HELD:
                break
        places += self._index.places(ids[passed:], order.field)
        return Known(places, order, held)

    def _by_creation(self, wanted: ContactQuery, order: Order, chosen: Plan, known: Sequence[Place]) -> _Part:
        """Those that match, in the order of their ids."""
        match chosen.driver:
            case Driver.NAME:
                assert wanted.name is not None
                contact = self._index.named(wanted.name)
                contacts = {} if contact is None else {contact.id: contact}
                return _Part(Known((Place(None, one) for one in contacts), order, contacts), _meant(wanted))
            case Driver.KNOWN:
                source: Source = Known((Place(None, one) for one in _ids(known)), order)
                return _Part(source, _meant(wanted), is_sure=wanted == ContactQuery(words=wanted.words[:1]))
            case Driver.POSTINGS:
                assert chosen.posting_list is not None
                source = Posted(self._index, chosen.posting_list, chosen.others, wanted.created, order)
                posted = {chosen.posting_list, *chosen.others}
                is_sure = _is_posted(wanted) and posted >= set(wanted.posting_lists)
                is_all = is_sure and not chosen.others
                margin = 1 if is_all else _ABOUT if _is_posted(wanted) else _MOST
                return _Part(source, _meant(wanted), is_sure, chosen.share * margin)
            case _:
                is_plain = wanted == ContactQuery(created=wanted.created)
                return _Part(
                    self._created(wanted, order, None),
                    _meant(wanted),
                    is_filtered(wanted),
                    1 if is_plain else _MOST,
                )

    def _by_index(self, wanted: ContactQuery, order: Order) -> list[_Part]:
        """Those that have the field, in its order; then those that lack it, by creation."""

        def indexed(after: Place | None, at_most: int) -> Batch:
            return self._index.sorted_by(
                order.field, wanted.updated, after, descending=order.descending, at_most=at_most
            )

        if order.field is SortField.UPDATED_AT:
            is_sure = wanted == ContactQuery(updated=wanted.updated)
            return [_Part(indexed, _meant(wanted), is_sure)]

        def lacks(contact: Contact, _: Place) -> bool:
            return order.value(contact) is None and wanted.matches(contact)

        having = _Part(indexed, _meant(wanted), is_sure=wanted == ContactQuery())
        return [having, _Part(self._created(wanted, order, order.field), lacks, is_filtered(wanted), _MOST)]

    def _search_parts(
        self, wanted: ContactQuery, chosen: Plan, sizes: Sizes, known: Sequence[Place]
    ) -> list[_Part]:
        """Those of whom every word is a whole one, then the others."""
        longest = _longest(wanted.words)

        def is_exact(contact: Contact) -> bool:
            return words_of(contact).issuperset(wanted.words)

        def exact(contact: Contact, _: Place) -> bool:
            return is_exact(contact) and wanted.matches(contact)

        def begun(contact: Contact, place: Place) -> bool:
            # A contact has a place for each of its words: the first one counts.
            is_first = place.value is None or place.value == _first_word(contact, longest)
            return is_first and not is_exact(contact) and wanted.matches(contact)

        whole_word = self._whole_word(wanted)
        if chosen.driver is Driver.WORD_ORDER:
            rest: Source = partial(self._index.worded, longest)
            return [replace(whole_word, accepts=exact), _Part(rest, begun)]
        by_creation = self._by_creation(wanted, NEWEST_FIRST, chosen, known)
        if chosen.driver is Driver.KNOWN and wanted.words == (sizes.known_by,):
            # Which have it as a whole word, their keys have told.
            whole = {place.contact_id for place in known if place.value == longest}
            others = (one for one in _ids(known) if one not in whole)
            is_sure = wanted == ContactQuery(words=wanted.words)
            return [
                _Part(Known((Place(None, one) for one in ids), NEWEST_FIRST), accepts, is_sure)
                for ids, accepts in ((whole, exact), (others, begun))
            ]
        if chosen.driver is Driver.CREATION:
            return [replace(whole_word, accepts=exact), _Part(by_creation.source, begun)]
        return [_Part(by_creation.source, exact), _Part(by_creation.source, begun)]

    def _whole_word(self, wanted: ContactQuery) -> _Part:
        """Those that have the longest word of a search as it is, the newest first."""
        longest = _longest(wanted.words)

        def worded_exactly(after: Place | None, at_most: int) -> Batch:
            return self._index.worded_exactly(longest, after and after.contact_id, at_most)

        is_sure = wanted == ContactQuery(words=wanted.words[:1])
        accepts = partial(_has_whole, wanted, longest)
        return _Part(worded_exactly, accepts, is_sure)

    def _created(self, wanted: ContactQuery, order: Order, lacking: SortField | None) -> Source:
        def source(after: Place | None, at_most: int) -> Batch:
            after_id = after and after.contact_id
            return self._index.created(
                wanted, lacking, after_id, descending=order.descending, at_most=at_most
            )

        return source

    # How they are gone through

    def _walk(
        self, parts: Sequence[_Part], position: Position, limit: int, found: Found | None = None
    ) -> Found:
        """A page from a position on; `found`: what of it an earlier walk found, up to there."""
        found = found or Found()
        budget = MAX_CANDIDATES + (MAX_SKIPPED if position.skip else 0) - found.candidates
        room = MAX_BYTES + (MAX_BYTES_PASSED if position.skip else 0) - found.size
        number, place, skip = position.part, position.place, position.skip - found.skipped
        matched = looked_at = 0
        while number < len(parts):
            part = parts[number]
            missing = limit - len(found.contacts)
            far = _PAGES_LOOKED_THROUGH * (limit + 1)
            if budget <= 0 or room <= 0 or (not missing and looked_at >= far):
                found.further = position._replace(part=number, place=place, skip=skip)
                return found
            # One more, so that the last page is known to be it. Of a full page only so far as that is cheap.
            at_most = part.to_read(skip + missing + 1, matched, looked_at)
            at_most = min(budget, at_most if missing else far - looked_at)
            batch = part.source(place, at_most)
            budget -= max(batch.looked_at, 1)
            looked_at += batch.looked_at
            found.candidates += batch.looked_at
            room -= batch.size
            found.size += batch.size
            places = batch.places
            if part.is_sure:
                matched += len(places)
                places, skip = places[skip:], max(skip - len(places), 0)
            to_read = missing if part.is_sure and batch.contacts is None else len(places)
            reading = places[:to_read]
            last = reading[-1] if reading else place
            for some in self._reads(batch, reading):
                room -= some.size
                here = position._replace(part=number, skip=skip)
                meant = _taken(found, part, here, some, limit)
                if found.further is not None:
                    return found
                matched += 0 if part.is_sure else meant
                skip = max(skip - meant, 0)
                if room <= 0 and some.places[-1] != last:
                    found.further = here._replace(place=some.places[-1], skip=skip)
                    return found
            if len(places) > to_read:
                found.further = position._replace(part=number, place=last, skip=0)
                return found
            place = batch.further
            if place is None:
                number += 1
                matched = looked_at = 0
        found.skipped = position.skip - skip
        return found

    def _reads(self, batch: Batch, places: Sequence[Place]) -> Iterator[_Some]:
        """The contacts at places of a batch, some after the other. Where they have not been read yet, that costs."""
        held = dict(batch.contacts or {})
        unread = [one for one in _ids(places) if one not in held]
        if not unread:
            if places:
                yield _Some(places, held, 0)
            return
        # A contact may have several places, and is kept until the last of them.
        yet = Counter(place.contact_id for place in places)
        known, done = set(held), 0
        for read in self._index.contacts(unread):
            held |= read.contacts
            known |= set(read.ids)
            begin = done
            while done < len(places) and places[done].contact_id in known:
                done += 1
            yield _Some(places[begin:done], held, read.size)
            for place in places[begin:done]:
                yet[place.contact_id] -= 1
                if not yet[place.contact_id]:
                    held.pop(place.contact_id, None)

    def _total(self, wanted: ContactQuery, sizes: Sizes, known: Sequence[Place]) -> int | None:
        """How many contacts match; None: more would have to be looked at than a request may."""
        only = wanted.only_posted
        if only is not None:
            counts = sizes.posted if only in sizes.posted else self._index.counts([only])
            return counts.get(only, 0)
        chosen = plan(wanted, NEWEST_FIRST, 1, sizes)
        if (chosen.expected or 0) > MAX_COUNTED:
            return None
        if chosen.driver is Driver.CREATION:
            # Keys are a tenth of a contact's size.
            if wanted == ContactQuery(updated=wanted.updated):
                return self._counted(*self._by_index(wanted, Order(SortField.UPDATED_AT)))
            if wanted == ContactQuery(created=wanted.created):
                chosen = Plan(Driver.POSTINGS, EVERYBODY)
            elif is_filtered(wanted):
                return self._index.how_many_created(wanted, MAX_COUNTED)
        return self._counted(self._by_creation(wanted, NEWEST_FIRST, chosen, known))

    def _counted(self, part: _Part) -> int | None:
        total, room = 0, MAX_BYTES_PASSED
        batches = _batches(part.source, MAX_COUNTED)
        while True:
            try:
                batch = next(batches)
            except StopIteration as end:
                return total if end.value is None else None
            if part.is_sure:
                total += len(batch.places)
                continue
            room -= batch.size
            for some in self._reads(batch, batch.places):
                if room <= 0:
                    return None
                room -= some.size
                found = ((place, some.contacts.get(place.contact_id)) for place in some.places)
                total += sum(contact is not None and part.accepts(contact, place) for place, contact in found)


def _batches(source: Source, most: int) -> Generator[Batch, None, Place | None]:
    """Everything a source has, but at most so many; in the end, where it would go on."""
    after: Place | None = None
    while most > 0:
        batch = source(after, min(most, _AT_ONCE))
        yield batch
        after = batch.further
        if after is None:
            return None
        most -= max(batch.looked_at, 1)
    return after


def _taken(found: Found, part: _Part, here: Position, some: _Some, limit: int) -> int:
    """How many of some candidates are meant. Those that are not skipped are put on the page; if it is full before the
    last of them, it knows from where to go on.
    """
    found.size += some.size
    meant = 0
    for one in some.places:
        contact = some.contacts.get(one.contact_id)
        if contact is None or not part.accepts(contact, one):
            continue
        meant += 1
        if meant <= here.skip:
            continue
        if len(found.contacts) == limit:
            found.further = found.positions[-1]
            break
        found.contacts.append(contact)
        found.positions.append(here._replace(place=one, skip=0))
    return meant


def _longest(words: Iterable[str]) -> str:
    return max(words, key=lambda word: (len(word), word))


def _has_whole(wanted: ContactQuery, word: str, contact: Contact, _: Place) -> bool:
    return word in words_of(contact) and wanted.matches(contact)


def _meant(wanted: ContactQuery) -> Callable[[Contact, Place], bool]:
    return lambda contact, _: wanted.matches(contact)


def _is_posted(wanted: ContactQuery) -> bool:
    """Whether posting lists tell all there is to know."""
    return wanted == ContactQuery(tags=wanted.tags, lists=wanted.lists, created=wanted.created)


def _is_personal(order: Order | None) -> bool:
    """Whether what contacts are sorted by may say who they are."""
    return order is not None and order.field in (SortField.EMAIL, SortField.EXTERNAL_ID)


def _first_word(contact: Contact, beginning: str) -> str | None:
    return min((word for word in words_of(contact) if word.startswith(beginning)), default=None)


def _ids(places: Iterable[Place]) -> list[str]:
    return list(dict.fromkeys(place.contact_id for place in places))
