"""Reads contacts in the orders that the table keeps: by id, by index, by posting list, by word; and counts, bookmarks.

Three stores of one account: `ContactIndex` (candidates and contacts), `Bookmarks` (where pages at an offset start),
`CountStore` (counts of posting lists). Candidates found by key and then read with BatchGetItem are read eventually
consistent, at half the cost: indexes, and what the projection writes, lag behind the contacts anyway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contacts.book.model import Contact, ContactState, contact_from
from contacts.core.ids import Name, first_uuid7, last_uuid7
from contacts.core.text import spellings
from contacts.core.time import HOUR, Clock, iso
from contacts.search.count_items import counts_of, further_shards
from contacts.search.query import (
    ALL_CONTACTS,
    ANY_TIME,
    MAX_FILTER_TERMS,
    Bookmark,
    CandidateBatch,
    ContactBatch,
    ContactQuery,
    Continuation,
    PostingKind,
    PostingList,
    SortField,
    SortPosition,
    TimeRange,
)
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression, Item
from contacts.table.keys import Key


@dataclass(frozen=True, slots=True)
class NameCount:
    """A tag or a list, with its number of contacts."""

    name: str
    count: int


_NO_CANDIDATES: Final = CandidateBatch((), None, 0)
_BOOKMARK_SECONDS: Final = HOUR


class ContactIndex:
    """Reads the candidates of queries, and contacts, of one account. Each method states its calls to DynamoDB."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def by_creation(
        self,
        query: ContactQuery,
        without: SortField | None,
        after_id: str | None,
        *,
        descending: bool,
        at_most: int,
    ) -> CandidateBatch:
        """Returns contacts by id that match the query, words excepted. One Query, strongly consistent.

        `without`: only contacts without this field.
        """
        span = _id_span(query.created, after_id, None, descending=descending)
        if span is None:
            return _NO_CANDIDATES
        expression = Expression.of_span(*(keys.contact(self._account, one) for one in span))
        _filter_by(expression, query)
        if without is not None:
            expression.keep(expression.equals(without, None))
        items, further, size = self._table.query_page(expression, limit=at_most, forward=not descending)
        contacts = [contact_from(item) for item in items]
        return CandidateBatch(
            [SortPosition(None, contact.id) for contact in contacts],
            None if further is None else SortPosition(None, keys.contact_id(further)),
            len(items) if further is None else at_most,
            {contact.id: contact for contact in contacts},
            size,
        )

    def count_by_creation(self, query: ContactQuery, at_most: int) -> int | None:
        """Returns the number of contacts that match the query, words excepted; None if it may not examine enough.

        Queries that return counts only and examine `at_most` contacts in all.
        """
        span = _id_span(query.created, None, None, descending=False)
        if span is None:
            return 0
        expression = Expression.of_span(*(keys.contact(self._account, one) for one in span))
        _filter_by(expression, query)
        return self._table.how_many_of(expression, at_most)

    def by_posting_list(
        self,
        posting_list: PostingList,
        created: TimeRange,
        after_id: str | None,
        *,
        descending: bool,
        at_most: int,
        last_id: str | None = None,
    ) -> CandidateBatch:
        """Returns candidates from a posting list, by id, up to `last_id` (inclusive). One Query for each spelling."""
        span = _id_span(created, after_id, last_id, descending=descending)
        if span is None:
            return _NO_CANDIDATES
        batches = [
            self._posted(one, span, descending=descending, at_most=at_most)
            for one in posting_list.in_all_spellings
        ]
        return batches[0] if len(batches) == 1 else _united(batches, descending=descending, at_most=at_most)

    def _posted(
        self, posting_list: PostingList, span: tuple[str, str], *, descending: bool, at_most: int
    ) -> CandidateBatch:
        expression = Expression.of_span(*(keys.posting(self._account, posting_list, one) for one in span))
        items, further = self._table.query(
            expression, limit=at_most, forward=not descending, consistent=False
        )
        positions = [SortPosition(None, keys.contact_id(Key.of(item))) for item in items]
        return CandidateBatch(
            positions,
            None if further is None else SortPosition(None, keys.contact_id(further)),
            len(positions),
        )

    def by_field(
        self,
        field: SortField,
        updated: TimeRange,
        after: SortPosition | None,
        *,
        descending: bool,
        at_most: int,
    ) -> CandidateBatch:
        """Returns the contacts that have a field, in its order. One Query of the index of the field."""
        expression = Expression.of_partition(keys.contacts(self._account))
        start = None
        if after is not None and after.value is not None:
            start = {**keys.contact(self._account, after.contact_id)._asdict(), str(field): after.value}
        if field is SortField.UPDATED_AT and updated.is_bounded:
            if after is not None and not updated.has(after.value or ""):
                return _NO_CANDIDATES  # A cursor that no page returned. DynamoDB refuses to start outside of the range.
            expression.require(expression.between(field, iso(updated.first), iso(updated.last)))
        items, is_all = self._table.query_index(
            field, expression, start=start, limit=at_most, forward=not descending
        )
        positions = [SortPosition(item[field], keys.contact_id(Key.of(item))) for item in items]
        return CandidateBatch(positions, None if is_all or not positions else positions[-1], len(positions))

    def by_word_prefixes(
        self, prefixes: Sequence[str], after: SortPosition | None, at_most: int
    ) -> CandidateBatch:
        """Returns contacts by the words that begin with one prefix, then with the next. A Query for each prefix.

        Of a prefix in the order of the words. A contact comes once for each such word. `prefixes`: none begins another.
        """
        if after is not None:
            of_after = (one for one, prefix in enumerate(prefixes) if (after.value or "").startswith(prefix))
            prefixes = prefixes[next(of_after, len(prefixes)) :]
        positions: list[SortPosition] = []
        for prefix in prefixes:
            if len(positions) >= at_most:
                return CandidateBatch(positions, positions[-1], len(positions))
            batch = self._by_word_prefix(prefix, after, at_most - len(positions))
            positions += batch.positions
            if batch.next_after is not None:
                return CandidateBatch(positions, batch.next_after, len(positions))
            after = None
        return CandidateBatch(positions, None, len(positions))

    def _by_word_prefix(self, prefix: str, after: SortPosition | None, at_most: int) -> CandidateBatch:
        words = keys.word_partition(self._account, prefix[0])
        expression = Expression.of_beginning(Key(words, prefix))
        start = None
        if after is not None:
            start = keys.word_posting(self._account, after.value or prefix, after.contact_id)
        items, further = self._table.query(expression, start=start, limit=at_most, consistent=False)
        positions = [SortPosition(*keys.posted_word(Key.of(item))) for item in items]
        return CandidateBatch(
            positions, None if further is None else SortPosition(*keys.posted_word(further)), len(positions)
        )

    def by_words(self, words: Sequence[str], after_id: str | None, at_most: int) -> CandidateBatch:
        """Returns the contacts that have at least one of some whole words, the newest first. A Query for each word."""
        batches = [self._by_word(word, after_id, at_most) for word in words]
        # Beyond where the first Query ended, there may be contacts that only this Query would have found.
        ends = [batch.next_after.contact_id for batch in batches if batch.next_after is not None]
        found = {position.contact_id for batch in batches for position in batch.positions}
        reached = sorted((one for one in found if not ends or one >= max(ends)), reverse=True)
        return CandidateBatch(
            [SortPosition(None, one) for one in reached],
            SortPosition(None, max(ends)) if ends else None,
            sum(batch.examined for batch in batches),
        )

    def _by_word(self, word: str, after_id: str | None, at_most: int) -> CandidateBatch:
        span = _id_span(ANY_TIME, after_id, None, descending=True)
        if span is None:
            return _NO_CANDIDATES
        expression = Expression.of_span(*(keys.word_posting(self._account, word, one) for one in span))
        items, further = self._table.query(expression, limit=at_most, forward=False, consistent=False)
        posted = [SortPosition(*keys.posted_word(Key.of(item))) for item in items]
        # A key is the word and the id. A longer word may read like this word with an id: such keys are left out.
        positions = [SortPosition(None, position.contact_id) for position in posted if position.value == word]
        last = None if further is None else SortPosition(None, keys.posted_word(further)[1])
        return CandidateBatch(positions, last, len(posted))

    def load(self, ids: Iterable[str]) -> Iterator[ContactBatch]:
        """Reads contacts by id, as many at a time as memory holds. BatchGetItems."""
        contact_keys = [keys.contact(self._account, contact_id) for contact_id in ids]
        for turn in self._table.get_in_turns(contact_keys, consistent=False):
            found = {keys.contact_id(key): contact_from(item) for key, item in turn.items.items()}
            yield ContactBatch([keys.contact_id(key) for key in turn.keys], found, turn.size)

    def sort_positions(self, ids: Iterable[str], field: SortField) -> Iterator[SortPosition]:
        """Reads the sort positions of contacts by id, unordered; contacts that are gone are left out. BatchGetItems."""
        contact_keys = [keys.contact(self._account, contact_id) for contact_id in ids]
        for turn in self._table.get_in_turns(contact_keys, consistent=False, only=[field]):
            for key, item in turn.items.items():
                yield SortPosition(item.get(field), keys.contact_id(key))

    def by_name(self, name: Name) -> Contact | None:
        """Returns the live contact with a name. Two GetItems (the claim, the contact), strongly consistent.

        Where no claim has the name as it is spelled, one more for each other spelling.
        """
        claims = (
            self._table.get(keys.claim(self._account, Name(name.kind, one))) for one in spellings(name.value)
        )
        claim = next((one for one in claims if one is not None and one["state"] == ContactState.LIVE), None)
        if claim is None:
            return None
        item = self._table.get(keys.contact(self._account, claim["contact_id"]))
        return None if item is None else contact_from(item)

    def counts(self, posting_lists: Iterable[PostingList]) -> Mapping[PostingList, int]:
        """Returns the lengths of posting lists, without the empty ones. One BatchGetItem for up to 99 lists.

        Another one where the account's counts are spread. A contact that has a tag in two spellings counts twice.
        """
        spelled = {one: one.in_all_spellings for one in posting_lists}
        of_all = keys.count(self._account, ALL_CONTACTS)
        own = (keys.count(self._account, each) for of_one in spelled.values() for each in of_one)
        items = self._table.get_many((of_all, *own), consistent=False)
        shards = further_shards(self._account, items.get(of_all))
        if shards:
            items |= self._table.get_many(shards, consistent=False)
        found = counts_of(items.values())
        return {
            one: sum(found[each].n or 0 for each in of_one if each in found)
            for one, of_one in spelled.items()
            if not found.keys().isdisjoint(of_one)
        }


class Bookmarks:
    """Stores where the pages of a query at an offset start, for an hour."""

    def __init__(self, table: Table, account_id: str, clock: Clock) -> None:
        self._table = table
        self._account = account_id
        self._clock = clock

    def latest(self, query_id: str, offset: int, at_most: int) -> list[Bookmark]:
        """Returns up to `at_most` bookmarks of a query at or before an offset, the nearest first. One Query."""
        expression = Expression.of_span(*(keys.bookmark(self._account, query_id, one) for one in (1, offset)))
        items, _ = self._table.query(expression, limit=at_most, forward=False)
        now_s = self._clock.now_ms() // 1000
        return [_bookmark(item) for item in items if item["ttl"] > now_s]

    def save(self, query_id: str, bookmark: Bookmark) -> None:
        """Stores a bookmark. One PutItem."""
        continuation = bookmark.continuation
        item = {
            "part": continuation.part,
            "in_memory": continuation.in_memory,
            "in_word_order": continuation.in_word_order,
            "value": continuation.after and continuation.after.value,
            "contact_id": continuation.after and continuation.after.contact_id,
            "ttl": self._clock.now_ms() // 1000 + _BOOKMARK_SECONDS,
        }
        self._put(keys.bookmark(self._account, query_id, bookmark.offset), item)

    def invalidate(self, query_id: str, offset: int) -> None:
        """Makes an earlier bookmark at this offset, if there is one, count as expired. One PutItem."""
        self._put(keys.bookmark(self._account, query_id, offset), {"ttl": self._clock.now_ms() // 1000})

    def _put(self, key: Key, item: Item) -> None:
        self._table.write([self._table.put_step("bookmark", key, item)])


def _id_span(
    created: TimeRange, after_id: str | None, last_id: str | None, *, descending: bool
) -> tuple[str, str] | None:
    """Returns the lowest and highest possible id of contacts created in a time range, in the direction of reading.

    `after_id` is exclusive, `last_id` inclusive. None if no id is possible.
    """
    low, high = first_uuid7(created.first), last_uuid7(created.last)
    if descending:
        high = high if after_id is None else min(high, _neighbour(after_id, -1))
        low = low if last_id is None else max(low, last_id)
    else:
        low = low if after_id is None else max(low, _neighbour(after_id, 1))
        high = high if last_id is None else min(high, last_id)
    return (low, high) if low <= high else None


def _united(batches: Sequence[CandidateBatch], *, descending: bool, at_most: int) -> CandidateBatch:
    """Returns the candidates of several lists as one batch, as far as every list was read."""
    found = {position.contact_id for batch in batches for position in batch.positions}
    ends = [batch.next_after.contact_id for batch in batches if batch.next_after is not None]
    if ends:
        end = max(ends) if descending else min(ends)
        found = {one for one in found if (one >= end if descending else one <= end)}
    in_order = sorted(found, reverse=descending)
    positions = [SortPosition(None, one) for one in in_order[:at_most]]
    is_last = not ends and len(in_order) <= at_most
    return CandidateBatch(
        positions, None if is_last else positions[-1], sum(batch.examined for batch in batches)
    )


def _neighbour(contact_id: str, step: int) -> str:
    """Returns the next id (`step` 1) or the previous one (-1)."""
    number = min(max(int(contact_id.replace("-", ""), 16) + step, 0), (1 << 128) - 1)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _filter_by(expression: Expression, query: ContactQuery) -> None:
    """Makes DynamoDB leave out contacts that do not match; see `search.sources.is_filtered`.

    It does not filter by words, which no expression can, nor by more tags and lists than an expression can hold.
    """
    for attribute, value in query.exact_fields.items():
        expression.keep(expression.equals(attribute, value))
    listed = [
        *(("tags", spellings(tag)) for tag in query.tags),
        *(("lists", (slug,)) for slug in query.lists),
    ]
    terms = 0
    for attribute, values in listed:
        terms += len(values)
        if terms > MAX_FILTER_TERMS:
            break
        name = expression.name(attribute)
        alternatives = " OR ".join(f"contains({name}, {expression.value(value)})" for value in values)
        expression.keep(f"({alternatives})" if len(values) > 1 else alternatives)
    if query.updated.is_bounded:
        expression.keep(expression.between("updated_at", iso(query.updated.first), iso(query.updated.last)))


def _bookmark(item: Item) -> Bookmark:
    position = None if item.get("contact_id") is None else SortPosition(item.get("value"), item["contact_id"])
    continuation = Continuation(
        int(item["part"]), position, in_memory=item.get("in_memory"), in_word_order=item.get("in_word_order")
    )
    return Bookmark(keys.bookmark_offset(Key.of(item)), continuation)


_COUNTS_PER_QUERY: Final = 250
"""Counts that each further Query examines, after the first did not fill the page: about 35 KB, five read units."""


class CountStore:
    """Reads the counts of one account's posting lists, as the projection keeps them.

    The count of all contacts is read strongly consistent, as are the counts that its item carries.
    """

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def count(self, posting_list: PostingList) -> int:
        """Returns the length of a posting list. GetItems as for `known`."""
        return self.known(posting_list) or 0

    def known(self, posting_list: PostingList) -> int | None:
        """Returns the length of a posting list; None if nothing was ever on it.

        One GetItem for the count of all contacts, two for another one. One more for each further shard.
        """
        items = self._carrying_items()
        if posting_list != ALL_CONTACTS:
            own = self._table.get(keys.count(self._account, posting_list))
            items += [] if own is None else [own]
        count = counts_of(items).get(posting_list)
        return None if count is None else count.n or 0

    def every(self, kind: PostingKind) -> Iterator[NameCount]:
        """Reads all tags or lists by name, with counts of 0 as well. Queries of 1 MB, and GetItems as for `known`."""
        carried = self._carried(kind)
        expression = Expression.of_beginning(keys.count(self._account, PostingList(kind)))
        start = None
        while True:
            items, start = self._table.query(expression, start=start, consistent=False)
            yield from _with_carried(items, carried, None if start is None else _counted_name(start))
            if start is None:
                return

    def counts(
        self, kind: PostingKind, after: str | None, *, at_most: int, evaluate: int
    ) -> tuple[Sequence[NameCount], str | None]:
        """Returns up to `at_most` tags or lists after a name, with counts above 0, and where the next page starts.

        It starts after the second value, a name; None: this page is the last. Queries that examine `evaluate` counts in
        all, eventually consistent (the projection lags further behind), and GetItems as for `known`.
        """
        carried = {name: n for name, n in self._carried(kind).items() if after is None or name > after}
        expression = Expression.of_beginning(keys.count(self._account, PostingList(kind)))
        start = None if after is None else keys.count(self._account, PostingList(kind, after))
        found: list[NameCount] = []
        chunk = at_most + 1  # One more than the page holds shows that the page is not the last.
        while True:
            chunk = min(evaluate, chunk)
            items, start = self._table.query(expression, start=start, limit=chunk, consistent=False)
            read_up_to = None if start is None else _counted_name(start)
            found.extend(one for one in _with_carried(items, carried, read_up_to) if one.count > 0)
            evaluate, chunk = evaluate - chunk, _COUNTS_PER_QUERY
            if len(found) > at_most:
                found = found[:at_most]
                return found, found[-1].name
            if start is None:
                return found, None
            if evaluate <= 0:
                return found, read_up_to

    def _carrying_items(self) -> list[Item]:
        of_all = self._table.get(keys.count(self._account, ALL_CONTACTS))
        shards = (self._table.get(key) for key in further_shards(self._account, of_all))
        return [item for item in (of_all, *shards) if item is not None]

    def _carried(self, kind: PostingKind) -> dict[str, int]:
        """The carried counts of tags or lists, by name."""
        found = counts_of(self._carrying_items())
        return {one.value: count.n or 0 for one, count in found.items() if one.kind is kind}


def _with_carried(
    items: Iterable[Item], carried: dict[str, int], read_up_to: str | None
) -> Iterator[NameCount]:
    """Yields the counts of items by name, those that are carried among them, which are taken out of `carried`.

    `read_up_to`: the name that the items end with; None: they end with the last one there is.
    """
    own = {_counted_name(Key.of(item)): item.get("n") or 0 for item in items}
    due = [name for name in carried if read_up_to is None or name <= read_up_to]
    for name in sorted({*own, *due}):
        yield NameCount(name, own.get(name, 0) + carried.pop(name, 0))


def _counted_name(key: keys.Key) -> str:
    counted = keys.counted(key)
    assert counted is not None, "the Query reads keys of counts only"
    return counted[1]
