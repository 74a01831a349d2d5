"""The ways in which an account's contacts are kept in order: their partition, its indexes, posting lists and words.

What is read by keys only and then by BatchGetItem is read without strong consistency, which costs half: indexes and
what the projection writes follow the contacts anyway.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contacts.book.model import Contact, ContactState, contact_from
from contacts.core.ids import Name, first_uuid7, last_uuid7
from contacts.core.time import HOUR, Clock, iso
from contacts.search.query import (
    ALWAYS,
    MAX_FILTERED,
    Batch,
    Bookmark,
    ContactQuery,
    Moments,
    Place,
    Position,
    PostingKind,
    PostingList,
    Read,
    SortField,
)
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import Expression, Item
from contacts.table.keys import Key


@dataclass(frozen=True, slots=True)
class Counted:
    """A tag or a list, and how many contacts it has."""

    name: str
    count: int


_NOTHING: Final = Batch((), None, 0)
_BOOKMARK_KEPT: Final = HOUR
"""Seconds."""


class ContactIndex:
    """`search.index.ContactIndex` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def created(
        self,
        wanted: ContactQuery,
        lacking: SortField | None,
        after_id: str | None,
        *,
        descending: bool,
        at_most: int,
    ) -> Batch:
        """One Query of the contacts' partition, strongly consistent."""
        span = _ids(wanted.created, after_id, None, descending=descending)
        if span is None:
            return _NOTHING
        expression = Expression.of_span(*(keys.contact(self._account, one) for one in span))
        _keep_matching(expression, wanted)
        if lacking is not None:
            expression.keep(expression.equals(lacking, None))
        items, further, size = self._table.query_page(expression, limit=at_most, forward=not descending)
        contacts = [contact_from(item) for item in items]
        return Batch(
            [Place(None, contact.id) for contact in contacts],
            None if further is None else Place(None, keys.contact_id(further)),
            len(items) if further is None else at_most,
            {contact.id: contact for contact in contacts},
            size,
        )

    def how_many_created(self, wanted: ContactQuery, at_most: int) -> int | None:
        """Queries of the contacts' partition that give back numbers only."""
        span = _ids(wanted.created, None, None, descending=False)
        if span is None:
            return 0
        expression = Expression.of_span(*(keys.contact(self._account, one) for one in span))
        _keep_matching(expression, wanted)
        return self._table.how_many_of(expression, at_most)

    def posted(
        self,
        posting_list: PostingList,
        created: Moments,
        after_id: str | None,
        *,
        descending: bool,
        at_most: int,
        last_id: str | None = None,
    ) -> Batch:
        """One Query of a posting list."""
        span = _ids(created, after_id, last_id, descending=descending)
        if span is None:
            return _NOTHING
        expression = Expression.of_span(*(keys.posting(self._account, posting_list, one) for one in span))
        items, further = self._table.query(
            expression, limit=at_most, forward=not descending, consistent=False
        )
        places = [Place(None, keys.contact_id(Key.of(item))) for item in items]
        return Batch(places, None if further is None else Place(None, keys.contact_id(further)), len(places))

    def sorted_by(
        self, field: SortField, updated: Moments, after: Place | None, *, descending: bool, at_most: int
    ) -> Batch:
        """One Query of the index of a field."""
        expression = Expression.of_partition(keys.contacts(self._account))
        start = None
        if after is not None and after.value is not None:
            start = {**keys.contact(self._account, after.contact_id)._asdict(), str(field): after.value}
        if field is SortField.UPDATED_AT and updated.is_bounded:
            if after is not None and not updated.has(after.value or ""):
                return _NOTHING  # Made up: no list leads there, and DynamoDB refuses to start there.
            expression.require(expression.between(field, iso(updated.first), iso(updated.last)))
        items, is_all = self._table.query_index(
            field, expression, start=start, limit=at_most, forward=not descending
        )
        places = [Place(item[field], keys.contact_id(Key.of(item))) for item in items]
        return Batch(places, None if is_all or not places else places[-1], len(places))

    def worded(self, beginning: str, after: Place | None, at_most: int) -> Batch:
        """One Query of the words that begin with a character."""
        words = keys.words_beginning_with(self._account, beginning[0])
        expression = Expression.of_beginning(Key(words, beginning))
        start = None
        if after is not None:
            if after.value is None or not after.value.startswith(beginning):
                return _NOTHING
            start = keys.word_posting(self._account, after.value, after.contact_id)
        items, further = self._table.query(expression, start=start, limit=at_most, consistent=False)
        places = [Place(*keys.posted_word(Key.of(item))) for item in items]
        return Batch(places, None if further is None else Place(*keys.posted_word(further)), len(places))

    def worded_exactly(self, word: str, after_id: str | None, at_most: int) -> Batch:
        """One Query of the words that begin with a character."""
        span = _ids(ALWAYS, after_id, None, descending=True)
        if span is None:
            return _NOTHING
        expression = Expression.of_span(*(keys.word_posting(self._account, word, one) for one in span))
        items, further = self._table.query(expression, limit=at_most, forward=False, consistent=False)
        posted = [Place(*keys.posted_word(Key.of(item))) for item in items]
        # A word may hold anything: another one may look like this one and an id.
        places = [Place(None, place.contact_id) for place in posted if place.value == word]
        last = None if further is None else Place(None, keys.posted_word(further)[1])
        return Batch(places, last, len(posted))

    def contacts(self, ids: Iterable[str]) -> Iterator[Read]:
        """A BatchGetItem for each of them."""
        wanted = [keys.contact(self._account, contact_id) for contact_id in ids]
        for turn in self._table.get_in_turns(wanted, consistent=False):
            found = {keys.contact_id(key): contact_from(item) for key, item in turn.items.items()}
            yield Read([keys.contact_id(key) for key in turn.keys], found, turn.size)

    def places(self, ids: Iterable[str], field: SortField) -> Iterator[Place]:
        """BatchGetItem, of one attribute."""
        wanted = [keys.contact(self._account, contact_id) for contact_id in ids]
        for turn in self._table.get_in_turns(wanted, consistent=False, only=[field]):
            for key, item in turn.items.items():
                yield Place(item.get(field), keys.contact_id(key))

    def named(self, name: Name) -> Contact | None:
        """Its claim, then the contact: two GetItems, strongly consistent."""
        claim = self._table.get(keys.claim(self._account, name))
        if claim is None or claim["state"] != ContactState.LIVE:
            return None
        item = self._table.get(keys.contact(self._account, claim["contact_id"]))
        return None if item is None else contact_from(item)

    def counts(self, posting_lists: Iterable[PostingList]) -> Mapping[PostingList, int]:
        """One BatchGetItem for up to 100."""
        by_key = {keys.count(self._account, one): one for one in posting_lists}
        found = self._table.get_many(by_key, consistent=False)
        return {by_key[key]: item["n"] for key, item in found.items()}


class Bookmarks:
    """`search.index.Bookmarks` on the table."""

    def __init__(self, table: Table, account_id: str, clock: Clock) -> None:
        self._table = table
        self._account = account_id
        self._clock = clock

    def latest(self, query: str, offset: int, at_most: int) -> list[Bookmark]:
        """One Query of the bookmarks."""
        expression = Expression.of_span(*(keys.bookmark(self._account, query, one) for one in (1, offset)))
        items, _ = self._table.query(expression, limit=at_most, forward=False)
        now_s = self._clock.now_ms() // 1000
        return [_bookmark(item) for item in items if item["ttl"] > now_s]

    def leave(self, query: str, bookmark: Bookmark) -> None:
        """One PutItem."""
        position = bookmark.position
        item = {
            "part": position.part,
            "in_memory": position.in_memory,
            "in_word_order": position.in_word_order,
            "value": position.place and position.place.value,
            "contact_id": position.place and position.place.contact_id,
            "ttl": self._clock.now_ms() // 1000 + _BOOKMARK_KEPT,
        }
        key = keys.bookmark(self._account, query, bookmark.offset)
        self._table.write([self._table.put_step("bookmark", key, item)])


def _ids(
    created: Moments, after_id: str | None, last_id: str | None, *, descending: bool
) -> tuple[str, str] | None:
    """The lowest and the highest id of contacts created in a span of time that come after one, up to another.

    None where there can be none.
    """
    low, high = first_uuid7(created.first), last_uuid7(created.last)
    if descending:
        high = high if after_id is None else min(high, _neighbour(after_id, -1))
        low = low if last_id is None else max(low, last_id)
    else:
        low = low if after_id is None else max(low, _neighbour(after_id, 1))
        high = high if last_id is None else min(high, last_id)
    return (low, high) if low <= high else None


def _neighbour(contact_id: str, step: int) -> str:
    """The id just before or after one."""
    number = min(max(int(contact_id.replace("-", ""), 16) + step, 0), (1 << 128) - 1)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _keep_matching(expression: Expression, wanted: ContactQuery) -> None:
    """Leave out what does not match but for words, which no expression can tell, and for more tags and lists than an
    expression can hold (`search.sources.is_filtered`).
    """
    for attribute, value in wanted.flags.items():
        expression.keep(expression.equals(attribute, value))
    listed = [*(("tags", tag) for tag in wanted.tags), *(("lists", slug) for slug in wanted.lists)]
    for attribute, value in listed[:MAX_FILTERED]:
        expression.keep(f"contains({expression.name(attribute)}, {expression.value(value)})")
    if wanted.updated.is_bounded:
        expression.keep(expression.between("updated_at", iso(wanted.updated.first), iso(wanted.updated.last)))


def _bookmark(item: Item) -> Bookmark:
    place = None if item.get("contact_id") is None else Place(item.get("value"), item["contact_id"])
    position = Position(
        int(item["part"]), place, in_memory=item.get("in_memory"), in_word_order=item.get("in_word_order")
    )
    return Bookmark(keys.bookmark_offset(Key.of(item)), position)


_MANY: Final = 250
"""Counts that are looked at together where few of the first ones were in use: some 35 KB, or five read units."""


class CountStore:
    """`search.index.CountStore` on the table."""

    def __init__(self, table: Table, account_id: str) -> None:
        self._table = table
        self._account = account_id

    def count(self, posting_list: PostingList) -> int:
        """One GetItem."""
        item = self._table.get(keys.count(self._account, posting_list))
        return 0 if item is None else item["n"]

    def counts(
        self, kind: PostingKind, after: str | None, *, at_most: int, evaluate: int
    ) -> tuple[Sequence[Counted], str | None]:
        """Queries, eventually consistent: the projection is further behind. A count of 0 is left out by a filter."""
        expression = self._those_in_use(kind)
        start = None if after is None else keys.count(self._account, PostingList(kind, after))
        found: list[Counted] = []
        chunk = at_most + 1  # One more than wanted, so that the last page is known to be it.
        while True:
            chunk = min(evaluate, chunk)
            items, start = self._table.query(expression, start=start, limit=chunk, consistent=False)
            found.extend(Counted(_name(keys.Key.of(item)), item["n"]) for item in items)
            evaluate, chunk = evaluate - chunk, _MANY
            if len(found) > at_most:
                found = found[:at_most]
                return found, found[-1].name
            if start is None:
                return found, None
            if evaluate <= 0:
                return found, _name(start)

    def _those_in_use(self, kind: PostingKind) -> Expression:
        expression = Expression.of_beginning(keys.count(self._account, PostingList(kind)))
        expression.keep(f"{expression.name('n')} > {expression.value(0)}")
        return expression


def _name(key: keys.Key) -> str:
    counted = keys.counted(key)
    assert counted is not None, "no other key begins like that of a count"
    return counted[1]
