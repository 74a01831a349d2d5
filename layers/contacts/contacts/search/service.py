"""Lists and searches of contacts, a page at a time.

A page costs the same in an account of any size: one request examines at most 1,000 candidates, then returns what it has
and a continuation. A contact that nobody changes during a listing appears in it exactly once.

A listing has one or two parts, read one after the other: a list first has the contacts with the sort field, then those
without it; a search first has the contacts with every word of the query as a whole word, then those with some words
only begun. Each part takes candidates from a source (`search.sources`) and keeps those that match.
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
    CandidateCounts,
    Driver,
    Plan,
    lists_to_count,
    plan,
    should_probe_phone,
    should_probe_updates,
    words_to_probe,
)
from contacts.search.query import (
    ALL_CONTACTS,
    MAX_CANDIDATES,
    NEWEST_FIRST,
    Bookmark,
    CandidateBatch,
    ContactQuery,
    Continuation,
    Order,
    SortField,
    SortPosition,
)
from contacts.search.sources import CandidateSource, KnownCandidates, PostingListIntersection, is_filtered
from contacts.search.words import Term, driving, phone_word, term, words_of

MAX_SKIPPED: Final = 10_000
"""Most matches that one request skips for an offset, and most further candidates that it examines to do so."""
MAX_COUNTED: Final = 10_000
"""Most candidates that one request examines to count a total."""
MAX_BYTES: Final = 6_000_000
"""Bytes of contacts read for one page. A request that has read more makes no further read and returns what it has."""
MAX_BYTES_NOT_SHOWN: Final = 15_000_000
"""Further bytes of contacts read to skip for an offset; and most bytes read to count a total. None of these contacts is
kept in memory."""
MAX_HELD_BYTES: Final = 3_000_000
"""Bytes of contacts kept in memory while a listing is sorted there, so that the page need not read them again."""
ASSUMED_MATCH_FRACTION: Final = 0.8
"""Fraction of candidates expected to match, until a request has examined some; and the margin on what it then sees."""
POSTING_MATCH_FRACTION: Final = 0.93
"""The fraction of posting-list candidates that is expected to match. With 0.93, about one page in seven fetches too few
candidates, and reads a second time."""
_FEWEST_MATCHES: Final = 0.25
"""Stands for the matches among examined candidates where there was none."""
_LOOKAHEAD_PAGES: Final = 4
"""A request that has filled its page examines up to this many pages' worth of candidates to learn whether it is the
last page."""
_IN_WORD_ORDER: Final = "-words"
"""Bookmarks in the order of words have a name of their own: earlier releases, which know none, would misread them."""
_BOOKMARKS_TRIED: Final = 3
"""Bookmarks that one request reads: the contact of the nearest one may be gone."""
MAX_FETCHED_AT_ONCE: Final = 1000
"""Most candidates in one batch."""


BEGINNING: Final = Continuation()


@dataclass(slots=True)
class ContactPage:
    """A page of contacts, and how the request found it."""

    contacts: list[Contact] = field(default_factory=list)
    continuations: list[Continuation] = field(default_factory=list)
    """For each contact, where a page would start that follows it."""
    next_start: Continuation | None = None
    """Where the next page starts; None: this page is the last."""
    total: int | None = None
    """Number of matches; None if it was not asked for, or the request could not examine enough candidates."""
    driver: Driver | None = None
    candidates: int = 0
    """Candidates examined."""
    skipped: int = 0
    """Matches skipped for an offset."""
    bytes_read: int = 0
    """Bytes of contacts read."""


class _LoadedCandidates(NamedTuple):
    """Consecutive candidates of a batch, with their contacts."""

    positions: Sequence[SortPosition]
    contacts: Mapping[str, Contact]
    """By id. A candidate whose contact no longer exists is missing; other contacts may be present."""
    bytes_read: int


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a listing: the source of its candidates, and the condition that they must meet."""

    source: CandidateSource
    accepts: Callable[[Contact, SortPosition], bool]
    all_match: bool = False
    """Whether every candidate matches, except contacts changed a moment ago. Candidates are then skipped and counted
    without being read."""
    match_fraction: float | None = None
    """Fraction of examined candidates expected to match; None: 1 if `all_match`, else `ASSUMED_MATCH_FRACTION`."""

    def batch_size(self, missing: int, matched: int, examined: int) -> int:
        """Returns how many candidates to examine for `missing` more matches, if `matched` of `examined` matched."""
        if not examined:
            fraction = self.match_fraction
            if fraction is None:
                fraction = 1 if self.all_match else ASSUMED_MATCH_FRACTION
            return min(ceil(missing / max(fraction, 1 / MAX_FETCHED_AT_ONCE)), MAX_FETCHED_AT_ONCE)
        density = max(matched, _FEWEST_MATCHES) / examined
        return min(ceil(missing / density / ASSUMED_MATCH_FRACTION), MAX_FETCHED_AT_ONCE)


class Finder:
    """Lists and searches the contacts of one account."""

    def __init__(self, index: ContactIndex, bookmarks: Bookmarks) -> None:
        self._index = index
        self._bookmarks = bookmarks

    def list_contacts(
        self,
        query: ContactQuery,
        order: Order,
        limit: int,
        continuation: Continuation = BEGINNING,
        *,
        with_total: bool = False,
    ) -> ContactPage:
        """Returns up to `limit` contacts of a list, from a continuation on.

        Raises:
            TemporarilyUnavailable.
        """
        if query.is_contradictory:
            return ContactPage(total=0 if with_total else None)
        counts, known = self._count_candidates(query, order, began_in_memory=continuation.in_memory is True)
        chosen = plan(
            query, order, limit, counts, began_in_memory=continuation.in_memory, skip=continuation.skip
        )
        if not order.is_by_creation and chosen.driver is not Driver.NAME:
            continuation = continuation._replace(in_memory=chosen.is_in_memory)
            is_lacking = continuation.after is not None and continuation.after.value is None
            if continuation.part == 0 and is_lacking and not chosen.is_in_memory:
                # The listing began in memory, where contacts without the field belong to part 0. It continues along
                # the index, where they are part 1.
                continuation = continuation._replace(part=1)
        page = self._read_page(self._list_parts(query, order, chosen, known), continuation, limit)
        page.driver = chosen.driver
        if with_total:
            page.total = self._total(query, counts, known)
        return page

    def search_contacts(
        self,
        query: ContactQuery,
        limit: int,
        continuation: Continuation = BEGINNING,
        *,
        with_total: bool = False,
    ) -> ContactPage:
        """Returns up to `limit` contacts of a search, from a continuation on.

        Contacts that have every word of the query as a whole word come first, then the others; in both groups the
        newest first. If more than 1,000 words begin like the query, the others come in the order of these words.

        Raises:
            TemporarilyUnavailable.
        """
        if query.is_contradictory:
            return ContactPage(total=0 if with_total else None)
        page = ContactPage()
        is_of_one_range = query.is_of_one_word() and len(term(query.words[0]).ranges) == 1
        if is_of_one_range and continuation.part == 0 and not with_total:
            # The contacts with the whole word often fill the page: then the others are not looked up.
            page = self._read_page([self._whole_word(query)], continuation, limit)
            if page.next_start is not None:
                page.driver = Driver.WORD
                return page
            continuation = continuation._replace(part=1, after=None)
        counts, known = self._count_candidates(
            query, NEWEST_FIRST, began_in_memory=continuation.in_word_order is False
        )
        chosen = plan(query, NEWEST_FIRST, limit, counts)
        if continuation.in_word_order or (
            chosen.driver is Driver.CREATION and continuation.in_word_order is None
        ):
            chosen = Plan(Driver.WORD_ORDER)
        continuation = continuation._replace(in_word_order=chosen.driver is Driver.WORD_ORDER)
        page = self._read_page(self._search_parts(query, chosen, counts, known), continuation, limit, page)
        page.driver = chosen.driver
        if with_total:
            page.total = self._total(query, counts, known)
        return page

    def continuation_at(
        self, query_id: str, offset: int, order: Order | None, words: Sequence[str] = ()
    ) -> Continuation:
        """Returns where a page with an offset starts: after the nearest bookmark, with the matches left to skip.

        `query_id` names the query among bookmarks. `order`: the order of a list; None for a search, by `words`.

        Raises:
            InvalidInput: the offset is more than 10,000 matches after the nearest bookmark, or after the beginning.
            TemporarilyUnavailable.
        """
        nearest = Bookmark(0, BEGINNING)
        if offset:
            saved = self._bookmarks.latest(query_id, offset, at_most=_BOOKMARKS_TRIED)
            if order is None and not any(bookmark.offset == offset for bookmark in saved):
                by_word = self._bookmarks.latest(query_id + _IN_WORD_ORDER, offset, at_most=_BOOKMARKS_TRIED)
                resolved = (self._resolve_word(bookmark, words) for bookmark in by_word)
                saved += [bookmark for bookmark in resolved if bookmark is not None]
                saved.sort(key=lambda bookmark: -bookmark.offset)
            usable = (self._resolve_bookmark(bookmark, order) for bookmark in saved)
            nearest = next((bookmark for bookmark in usable if bookmark is not None), nearest)
        skip = offset - nearest.offset
        if skip > MAX_SKIPPED:
            raise InvalidInput([FieldError("offset", offset_beyond(MAX_SKIPPED))])
        return nearest.continuation._replace(skip=skip)

    def save_bookmark(
        self,
        query_id: str,
        offset: int,
        continuation: Continuation,
        order: Order | None,
        words: Sequence[str] = (),
    ) -> None:
        """Stores where the page at an offset starts, so that the request for that page skips nothing.

        A bookmark may outlive the erasure of its contact, so it stores no email and no external_id: `continuation_at`
        reads them from the contact. Nor does it store a word, but which one of the contact's words it is.

        Raises:
            TemporarilyUnavailable.
        """
        if continuation.skip:
            return
        if continuation.in_word_order:
            # A short page of whole words may have stored another start at this offset, for clients that count pages.
            self._bookmarks.invalidate(query_id, offset)
            numbered = self._with_word_number(continuation, words)
            if numbered is not None:
                self._bookmarks.save(query_id + _IN_WORD_ORDER, Bookmark(offset, numbered))
            return
        if continuation.after is not None and _is_personal(order):
            continuation = continuation._replace(after=SortPosition(None, continuation.after.contact_id))
        self._bookmarks.save(query_id, Bookmark(offset, continuation))

    def _resolve_bookmark(self, bookmark: Bookmark, order: Order | None) -> Bookmark | None:
        """Returns a bookmark with the sort value of its contact filled in; None if the contact is gone."""
        continuation = bookmark.continuation
        if continuation.part or continuation.after is None or order is None or not _is_personal(order):
            return bookmark
        position = next(self._index.sort_positions([continuation.after.contact_id], order.field), None)
        if position is None:
            return None
        return Bookmark(bookmark.offset, continuation._replace(after=position))

    def _with_word_number(self, continuation: Continuation, words: Sequence[str]) -> Continuation | None:
        """Returns a continuation in the order of words, with the number of its word among those of its contact.

        None if the contact is gone, or has the word no longer.
        """
        after = continuation.after
        if after is None or after.value is None:
            return continuation
        walked = self._walked(after.contact_id, words)
        if after.value not in walked:
            return None
        return continuation._replace(after=after._replace(value=f"{walked.index(after.value)}"))

    def _resolve_word(self, bookmark: Bookmark, words: Sequence[str]) -> Bookmark | None:
        """Returns a bookmark with the number of a word replaced by the word; None if the contact has no such word."""
        continuation = bookmark.continuation
        after = continuation.after
        if after is None or after.value is None:
            return bookmark
        walked, number = self._walked(after.contact_id, words), int(after.value)
        if number >= len(walked):
            return None
        word = after._replace(value=walked[number])
        return Bookmark(bookmark.offset, continuation._replace(after=word))

    def _walked(self, contact_id: str, words: Sequence[str]) -> list[str]:
        read = next(self._index.load([contact_id]), None)
        contact = None if read is None else read.contacts.get(contact_id)
        return [] if contact is None else _words_walked(words, contact)

    # Sources of candidates

    def _count_candidates(
        self, query: ContactQuery, order: Order, *, began_in_memory: bool
    ) -> tuple[CandidateCounts, list[SortPosition]]:
        """Returns the numbers of candidates, and the candidates themselves where probes found them all, unordered."""
        counts = CandidateCounts()
        lists = [] if query.unique_name else lists_to_count(query, order)
        if lists:
            counts.by_posting_list = self._index.counts(lists)
        # A listing that began in memory continues there with up to twice as many, rather than in another order.
        most = MAX_IN_MEMORY * (2 if began_in_memory else 1)
        probes = () if query.unique_name else self._probes(query, order, counts, most + 1)
        for word, batch in probes:
            if batch.next_after is None and len(batch.positions) <= most:
                counts.known = len(_ids(batch.positions))
                counts.known_by_word = word
                return counts, list(batch.positions)
        return counts, []

    def _probes(
        self, query: ContactQuery, order: Order, counts: CandidateCounts, at_most: int
    ) -> Iterator[tuple[str | None, CandidateBatch]]:
        """Reads candidates by phone, by each word worth it, then by the time of update.

        Yields (word or None, candidates).
        """
        if should_probe_phone(query, counts):
            yield None, self._index.by_word_prefixes([phone_word(query.phone or "")], None, at_most)
        for word in words_to_probe(query, counts):
            yield word, self._index.by_word_prefixes(term(word).ranges, None, at_most)
        if should_probe_updates(query, order, counts):
            field, updated = SortField.UPDATED_AT, query.updated
            yield None, self._index.by_field(field, updated, None, descending=True, at_most=at_most)

    def _list_parts(
        self, query: ContactQuery, order: Order, chosen: Plan, known: Sequence[SortPosition]
    ) -> list[_Part]:
        if chosen.driver is Driver.NAME or order.is_by_creation:
            return [self._by_creation(query, order, chosen, known)]
        if not chosen.is_in_memory:
            return self._along_index(query, order)
        ids = _ids(known)
        if chosen.driver is Driver.SORTED_POSTINGS:
            assert chosen.posting_list is not None
            posted = PostingListIntersection(
                self._index, chosen.posting_list, (), query.created, NEWEST_FIRST
            )
            batches = _batches(posted, 2 * MAX_IN_MEMORY)
            ids = [position.contact_id for batch in batches for position in batch.positions]
        return [_Part(self._sorted(ids, order), _matches(query))]

    def _sorted(self, ids: Sequence[str], order: Order) -> CandidateSource:
        """Sorts contacts in memory. Keeps the contacts read first whole, of the others only the sort position."""
        positions: list[SortPosition] = []
        held: dict[str, Contact] = {}
        size = done = 0
        for read in self._index.load(ids):
            held |= read.contacts
            positions += [
                SortPosition(order.value(contact), contact.id) for contact in read.contacts.values()
            ]
            size, done = size + read.bytes_read, done + len(read.ids)
            if size > MAX_HELD_BYTES:
                break
        positions += self._index.sort_positions(ids[done:], order.field)
        return KnownCandidates(positions, order, held)

    def _by_creation(
        self, query: ContactQuery, order: Order, chosen: Plan, known: Sequence[SortPosition]
    ) -> _Part:
        """The matches in the order of their ids."""
        match chosen.driver:
            case Driver.NAME:
                assert query.unique_name is not None
                contact = self._index.by_name(query.unique_name)
                contacts = {} if contact is None else {contact.id: contact}
                return _Part(
                    KnownCandidates((SortPosition(None, one) for one in contacts), order, contacts),
                    _matches(query),
                )
            case Driver.KNOWN:
                source: CandidateSource = KnownCandidates(
                    (SortPosition(None, one) for one in _ids(known)), order
                )
                return _Part(source, _matches(query), all_match=query.is_of_one_word())
            case Driver.POSTINGS:
                assert chosen.posting_list is not None
                source = PostingListIntersection(
                    self._index, chosen.posting_list, chosen.intersected, query.created, order
                )
                posted = {chosen.posting_list, *chosen.intersected}
                all_match = _is_answered_by_postings(query) and posted >= set(query.posting_lists)
                if all_match and not chosen.intersected:
                    margin = 1.0
                else:
                    margin = (
                        POSTING_MATCH_FRACTION if _is_answered_by_postings(query) else ASSUMED_MATCH_FRACTION
                    )
                return _Part(source, _matches(query), all_match, chosen.match_fraction * margin)
            case _:
                is_plain = query == ContactQuery(created=query.created)
                return _Part(
                    self._creation_source(query, order, None),
                    _matches(query),
                    is_filtered(query),
                    1 if is_plain else ASSUMED_MATCH_FRACTION,
                )

    def _along_index(self, query: ContactQuery, order: Order) -> list[_Part]:
        """The contacts with the sort field, in its order; then the contacts without it, by creation."""

        def by_field(after: SortPosition | None, at_most: int) -> CandidateBatch:
            return self._index.by_field(
                order.field, query.updated, after, descending=order.descending, at_most=at_most
            )

        if order.field is SortField.UPDATED_AT:
            all_match = query == ContactQuery(updated=query.updated)
            return [_Part(by_field, _matches(query), all_match)]

        def matches_without_field(contact: Contact, _: SortPosition) -> bool:
            return order.value(contact) is None and query.matches(contact)

        with_field = _Part(by_field, _matches(query), all_match=query == ContactQuery())
        return [
            with_field,
            _Part(
                self._creation_source(query, order, order.field),
                matches_without_field,
                is_filtered(query),
                ASSUMED_MATCH_FRACTION,
            ),
        ]

    def _search_parts(
        self, query: ContactQuery, chosen: Plan, counts: CandidateCounts, known: Sequence[SortPosition]
    ) -> list[_Part]:
        """The contacts that have every word of the query as a whole word, then the others."""
        longest = driving(query.words)[0]

        def has_all_as_whole_words(contact: Contact) -> bool:
            return query.has_whole_words(words_of(contact))

        def whole_words_only(contact: Contact, _: SortPosition) -> bool:
            return has_all_as_whole_words(contact) and query.matches(contact)

        def prefixes_only(contact: Contact, position: SortPosition) -> bool:
            # A contact has one position for each of its words: only the first counts.
            is_first = position.value is None or [position.value] == _words_walked(query.words, contact)[:1]
            return is_first and not has_all_as_whole_words(contact) and query.matches(contact)

        whole_word = self._whole_word(query)
        if chosen.driver is Driver.WORD_ORDER:
            rest: CandidateSource = partial(self._index.by_word_prefixes, term(longest).ranges)
            return [replace(whole_word, accepts=whole_words_only), _Part(rest, prefixes_only)]
        by_creation = self._by_creation(query, NEWEST_FIRST, chosen, known)
        if chosen.driver is Driver.KNOWN and query.words == (counts.known_by_word,):
            # The keys of the postings show which contacts may have the whole word, and which of them surely do.
            asked = term(longest)
            whole = {position.contact_id for position in known if position.value in asked.whole_words}
            surely = {position.contact_id for position in known if position.value in asked.beginnings}
            others = (one for one in _ids(known) if one not in surely)
            all_match = query.is_of_one_word()
            return [
                _Part(
                    KnownCandidates((SortPosition(None, one) for one in ids), NEWEST_FIRST),
                    accepts,
                    all_match,
                )
                for ids, accepts in ((whole, whole_words_only), (others, prefixes_only))
            ]
        if chosen.driver is Driver.CREATION:
            return [replace(whole_word, accepts=whole_words_only), _Part(by_creation.source, prefixes_only)]
        return [_Part(by_creation.source, whole_words_only), _Part(by_creation.source, prefixes_only)]

    def _whole_word(self, query: ContactQuery) -> _Part:
        """The matches that have the longest word of the query as a whole word, the newest first."""
        longest = term(driving(query.words)[0])

        def by_words(after: SortPosition | None, at_most: int) -> CandidateBatch:
            return self._index.by_words(longest.whole_words, after and after.contact_id, at_most)

        return _Part(by_words, partial(_has_whole_word, query, longest), query.is_of_one_word())

    def _creation_source(
        self, query: ContactQuery, order: Order, without: SortField | None
    ) -> CandidateSource:
        def source(after: SortPosition | None, at_most: int) -> CandidateBatch:
            after_id = after and after.contact_id
            return self._index.by_creation(
                query, without, after_id, descending=order.descending, at_most=at_most
            )

        return source

    # Pages

    def _read_page(
        self, parts: Sequence[_Part], continuation: Continuation, limit: int, page: ContactPage | None = None
    ) -> ContactPage:
        """Reads the parts from a continuation on until the page is full or the request's budget is spent.

        `page`: what an earlier call found of the same page, up to the continuation.
        """
        page = page or ContactPage()
        candidates_left = MAX_CANDIDATES + (MAX_SKIPPED if continuation.skip else 0) - page.candidates
        bytes_left = MAX_BYTES + (MAX_BYTES_NOT_SHOWN if continuation.skip else 0) - page.bytes_read
        number, position, skip = continuation.part, continuation.after, continuation.skip - page.skipped
        matched = examined = 0
        while number < len(parts):
            part = parts[number]
            missing = limit - len(page.contacts)
            lookahead = _LOOKAHEAD_PAGES * (limit + 1)
            if candidates_left <= 0 or bytes_left <= 0 or (not missing and examined >= lookahead):
                page.next_start = continuation._replace(part=number, after=position, skip=skip)
                return page
            # One match more than the page holds shows that the page is not the last. For a full page that is looked
            # up only as far as it is cheap.
            at_most = part.batch_size(skip + missing + 1, matched, examined)
            at_most = min(candidates_left, at_most if missing else lookahead - examined)
            batch = part.source(position, at_most)
            candidates_left -= max(batch.examined, 1)
            examined += batch.examined
            page.candidates += batch.examined
            bytes_left -= batch.bytes_read
            page.bytes_read += batch.bytes_read
            positions = batch.positions
            if part.all_match:
                matched += len(positions)
                positions, skip = positions[skip:], max(skip - len(positions), 0)
            to_read = missing if part.all_match and batch.contacts is None else len(positions)
            reading = positions[:to_read]
            last = reading[-1] if reading else position
            for loaded in self._load(batch, reading):
                bytes_left -= loaded.bytes_read
                here = continuation._replace(part=number, skip=skip)
                newly_matched = _take_matching(page, part, here, loaded, limit)
                if page.next_start is not None:
                    return page
                matched += 0 if part.all_match else newly_matched
                skip = max(skip - newly_matched, 0)
                if bytes_left <= 0 and loaded.positions[-1] != last:
                    page.next_start = here._replace(after=loaded.positions[-1], skip=skip)
                    return page
            if len(positions) > to_read:
                page.next_start = continuation._replace(part=number, after=last, skip=0)
                return page
            position = batch.next_after
            if position is None:
                number += 1
                matched = examined = 0
        page.skipped = continuation.skip - skip
        return page

    def _load(self, batch: CandidateBatch, positions: Sequence[SortPosition]) -> Iterator[_LoadedCandidates]:
        """Yields candidates of a batch in order, with their contacts, which it reads where the source has not."""
        held = dict(batch.contacts or {})
        unread = [one for one in _ids(positions) if one not in held]
        if not unread:
            if positions:
                yield _LoadedCandidates(positions, held, 0)
            return
        # A contact may have several positions: it is kept until its last one is yielded.
        remaining = Counter(position.contact_id for position in positions)
        known, done = set(held), 0
        for read in self._index.load(unread):
            held |= read.contacts
            known |= set(read.ids)
            begin = done
            while done < len(positions) and positions[done].contact_id in known:
                done += 1
            yield _LoadedCandidates(positions[begin:done], held, read.bytes_read)
            for position in positions[begin:done]:
                remaining[position.contact_id] -= 1
                if not remaining[position.contact_id]:
                    held.pop(position.contact_id, None)

    def _total(
        self, query: ContactQuery, counts: CandidateCounts, known: Sequence[SortPosition]
    ) -> int | None:
        """Returns the number of matches; None if a request may not examine enough candidates to count them."""
        posting_list = query.sole_posting_list
        if posting_list is not None:
            known_lengths = counts.by_posting_list
            lengths = known_lengths if posting_list in known_lengths else self._index.counts([posting_list])
            return lengths.get(posting_list, 0)
        chosen = plan(query, NEWEST_FIRST, 1, counts)
        if (chosen.expected or 0) > MAX_COUNTED:
            return None
        if chosen.driver is Driver.CREATION:
            # A key has a tenth of a contact's size, so keys are counted where they suffice.
            if query == ContactQuery(updated=query.updated):
                return self._count_matching(*self._along_index(query, Order(SortField.UPDATED_AT)))
            if query == ContactQuery(created=query.created):
                chosen = Plan(Driver.POSTINGS, ALL_CONTACTS)
            elif is_filtered(query):
                return self._index.count_by_creation(query, MAX_COUNTED)
        return self._count_matching(self._by_creation(query, NEWEST_FIRST, chosen, known))

    def _count_matching(self, part: _Part) -> int | None:
        """Returns the number of matches in a part; None if counting them exceeds what a request may read."""
        total, bytes_left = 0, MAX_BYTES_NOT_SHOWN
        batches = _batches(part.source, MAX_COUNTED)
        while True:
            try:
                batch = next(batches)
            except StopIteration as end:
                return total if end.value is None else None
            if part.all_match:
                total += len(batch.positions)
                continue
            bytes_left -= batch.bytes_read
            for loaded in self._load(batch, batch.positions):
                if bytes_left <= 0:
                    return None
                bytes_left -= loaded.bytes_read
                found = (
                    (position, loaded.contacts.get(position.contact_id)) for position in loaded.positions
                )
                total += sum(
                    contact is not None and part.accepts(contact, position) for position, contact in found
                )


def _batches(source: CandidateSource, most: int) -> Generator[CandidateBatch, None, SortPosition | None]:
    """Yields a source's candidates until `most` were examined; returns where it stopped, or None at the end."""
    after: SortPosition | None = None
    while most > 0:
        batch = source(after, min(most, MAX_FETCHED_AT_ONCE))
        yield batch
        after = batch.next_after
        if after is None:
            return None
        most -= max(batch.examined, 1)
    return after


def _take_matching(
    page: ContactPage, part: _Part, start: Continuation, loaded: _LoadedCandidates, limit: int
) -> int:
    """Adds the matches among loaded candidates to the page, after the first `start.skip`, until the page is full.

    If a match does not fit, `page.next_start` is set. Returns the number of matches seen.
    """
    page.bytes_read += loaded.bytes_read
    matched = 0
    for position in loaded.positions:
        contact = loaded.contacts.get(position.contact_id)
        if contact is None or not part.accepts(contact, position):
            continue
        matched += 1
        if matched <= start.skip:
            continue
        if len(page.contacts) == limit:
            page.next_start = page.continuations[-1]
            break
        page.contacts.append(contact)
        page.continuations.append(start._replace(after=position, skip=0))
    return matched


def _has_whole_word(query: ContactQuery, word: Term, contact: Contact, _: SortPosition) -> bool:
    return word.is_whole_in(words_of(contact)) and query.matches(contact)


def _words_walked(query: Sequence[str], contact: Contact) -> list[str]:
    """The words by which a search in the order of words comes to a contact."""
    return term(driving(query)[0]).in_order(words_of(contact))


def _matches(query: ContactQuery) -> Callable[[Contact, SortPosition], bool]:
    return lambda contact, _: query.matches(contact)


def _is_answered_by_postings(query: ContactQuery) -> bool:
    """Whether the keys of posting lists alone decide which contacts match."""
    return query == ContactQuery(tags=query.tags, lists=query.lists, created=query.created)


def _is_personal(order: Order | None) -> bool:
    """Whether contacts are sorted by a value that may identify a person."""
    return order is not None and order.field in (SortField.EMAIL, SortField.EXTERNAL_ID)


def _ids(positions: Iterable[SortPosition]) -> list[str]:
    return list(dict.fromkeys(position.contact_id for position in positions))
