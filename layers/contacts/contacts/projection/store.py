"""What is derived from contacts, in the table: postings, words and counts.

`ProjectionStore` writes them after a change; `ReindexStore` reads, compares and repairs them. A posting is written in
one transaction with its count, on condition that it changes something. The postings of a new contact may be put before,
without a condition: they are counted in the transaction that puts the posting of all. So a posting counts only while
its contact is posted among all (decision 45).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os import urandom
from string import ascii_lowercase, digits
from typing import Final, NamedTuple

from contacts.book.model import MAPS, STORED_FIELDS, Contact, ContactState, contact_from
from contacts.core.errors import Contention
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Name, Randomness
from contacts.projection.count_places import COUNTS, CountPlaces
from contacts.search.count_items import (
    ROOM_TAKEN,
    SHARD_COUNT,
    Count,
    carried_bytes,
    counts_of,
    further_shards,
)
from contacts.search.query import ALL_CONTACTS, PostingList
from contacts.search.words import PHONE
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.keys import Key

UNLISTED: Final = frozenset({*ascii_lowercase, *digits, PHONE})
"""First characters of words that are not listed: any account may have words that begin with them."""


class Posting(NamedTuple):
    """An item that says that a contact is on a posting list."""

    posting_list: PostingList
    contact_id: str


class WordPosting(NamedTuple):
    """An item that says that a contact has a word."""

    word: str
    contact_id: str


Derived = Posting | WordPosting
OwnWord = tuple[str, WordPosting]
"""An account's id, and a word in it."""


class AlreadyApplied(Exception):
    """Raised by a store when some items are already as desired; nothing was written. `derived`: these items."""

    def __init__(self, derived: Iterable[Derived]) -> None:
        super().__init__("already applied")
        self.derived = frozenset(derived)


class Directory(NamedTuple):
    """The partitions that hold an account's derived items."""

    posting_lists: frozenset[PostingList]
    """The posting lists that have a count."""
    characters: frozenset[str]
    """The first characters of words: those that are listed, and those that no account lists."""


class ProjectionStore:
    """Writes the derived items of all accounts."""

    def __init__(self, table: Table, randomness: Randomness = urandom) -> None:
        self._table = table
        self._places = CountPlaces(table, randomness)

    def post(
        self, account_id: str, desired: Mapping[Derived, bool], uncounted: Iterable[Posting] = ()
    ) -> None:
        """Write postings with the counts of their lists. One transaction.

        `desired`: whether each item has to exist. `uncounted`: postings that exist, and are to be counted as well.

        Raises:
            AlreadyApplied, Contention, TemporarilyUnavailable.
        """
        write_derived(self._table, self._places, account_id, desired, uncounted=uncounted)

    def post_uncounted(self, account_id: str, desired: Mapping[Posting, bool]) -> None:
        """Put and delete postings without conditions and without their counts, 25 at a time.

        `desired`: whether each has to exist.

        Raises:
            TemporarilyUnavailable: some may be written, others not.
        """
        self._write_plainly({derived_key(account_id, one): exists for one, exists in desired.items()})

    def there(self, account_id: str, postings: Iterable[Posting]) -> frozenset[Posting]:
        """The postings that exist, among some. BatchGetItem, strongly consistent."""
        by_key = {derived_key(account_id, one): one for one in postings}
        return frozenset(by_key[key] for key in self._table.get_many(by_key))

    def list_characters(self, characters: Iterable[tuple[str, str]]) -> None:
        """List first characters of words, each with its account. Puts, which may be repeated."""
        self._table.write_many({keys.first_character(*character): {} for character in characters})

    def post_words(self, desired: Mapping[OwnWord, bool]) -> None:
        """Write words without conditions. Puts and deletes, 25 at a time. `desired`: whether each word has to exist."""
        self._write_plainly({derived_key(*own): should_exist for own, should_exist in desired.items()})

    def release_claim(self, account_id: str, contact_id: str, name: Name) -> None:
        """Delete a claim, if it still belongs to the contact, and the contact is in the trash. One DeleteItem."""
        expression = Expression()
        expression.require(expression.equals("contact_id", contact_id))
        expression.require(expression.equals("state", ContactState.DELETED))
        with suppress(ConditionsFailed):
            self._table.write([self._table.delete_step("claim", keys.claim(account_id, name), expression)])

    def _write_plainly(self, desired: Mapping[Key, bool]) -> None:
        self._table.write_many(
            {key: {} for key, should_exist in desired.items() if should_exist},
            (key for key, should_exist in desired.items() if not should_exist),
        )


def write_derived(
    table: Table,
    places: CountPlaces,
    account_id: str,
    desired: Mapping[Derived, bool],
    checks: Sequence[Step] = (),
    uncounted: Iterable[Posting] = (),
) -> None:
    """Write derived items with the counts of their lists, in one transaction.

    `desired`: whether each item has to exist. `checks`: further steps, whose conditions have to hold. `uncounted`:
    postings that exist, and are to be counted as well.

    Raises:
        AlreadyApplied: some items are as desired already; nothing was written.
        ConcurrentModification: a check failed; nothing was written.
        Contention: others hold an item, or the counts lie elsewhere than was remembered; nothing was written.
        TemporarilyUnavailable.
    """
    steps = list(checks)
    by_step: dict[str, Derived] = {}
    longer = Counter(posting.posting_list for posting in uncounted)
    for number, (derived, should_exist) in enumerate(desired.items()):
        name, key, expression = f"{number}", derived_key(account_id, derived), Expression()
        by_step[name] = derived
        if should_exist:
            expression.require(expression.is_free())
            steps.append(table.put_step(name, key, {}, expression))
        else:
            expression.require(expression.is_there())
            steps.append(table.delete_step(name, key, expression))
        if isinstance(derived, Posting):
            longer[derived.posting_list] += 1 if should_exist else -1
    counts = places.steps(account_id, longer) if longer else None
    try:
        table.write([*steps, *counts.steps] if counts else steps)
    except ConditionsFailed as failed:
        if COUNTS in failed.items:
            places.learn(account_id, failed.items[COUNTS])
        already = [by_step[name] for name in failed.items if name in by_step]
        if len(already) + (COUNTS in failed.items) < len(failed.items):
            raise ConcurrentModification from None
        if not already:
            raise Contention from None
        raise AlreadyApplied(already) from None
    except Contention:
        places.conflicted(account_id)
        raise
    if counts:
        places.remember(account_id, counts.then)


def derived_key(account_id: str, derived: Derived) -> Key:
    """The key of a derived item."""
    if isinstance(derived, Posting):
        return keys.posting(account_id, derived.posting_list, derived.contact_id)
    return keys.word_posting(account_id, derived.word, derived.contact_id)


_CONTACTS_PAGE: Final = 100
_KEYS_PAGE: Final = 1000
_FEW: Final = 1000
"""Postings that are looked up one by one, a hundred in a call, rather than by reading all between them."""
_CONTACT: Final = "contact"


class ReindexStore:
    """Reads, compares and repairs the derived items of all accounts.

    Pages are read with eventual consistency, unless `latest` is asked for. Every method raises TemporarilyUnavailable
    when the table throttles or does not answer.
    """

    def __init__(self, table: Table, randomness: Randomness = urandom) -> None:
        self._table = table
        self._places = CountPlaces(table, randomness)

    # Reads

    def contacts(self, account_id: str, after_id: str | None) -> tuple[list[Contact], str | None]:
        """A page of contacts in the order of their ids, and the id to go on after (None: that was the last page)."""
        start = None if after_id is None else keys.contact(account_id, after_id)
        found, last = self._page(keys.contacts(account_id), start, _CONTACTS_PAGE)
        page = [contact_from(item) for item in found.values()]
        return page, None if last is None else keys.contact_id(last)

    def contacts_by_id(
        self, account_id: str, ids: Iterable[str], *, latest: bool = False
    ) -> Mapping[str, Contact]:
        """The live contacts among some ids, without their maps: nothing is derived from these, and 50 of the largest
        would take 130 MB. BatchGetItem.
        """
        contact_keys = [keys.contact(account_id, contact_id) for contact_id in ids]
        derived_from = [name for name in STORED_FIELDS if name not in MAPS]
        return {
            keys.contact_id(key): contact_from({**item, **{name: {} for name in MAPS}})
            for turn in self._table.get_in_turns(contact_keys, consistent=latest, only=derived_from)
            for key, item in turn.items.items()
        }

    def there(
        self, account_id: str, derived: Iterable[Derived], *, latest: bool = False
    ) -> frozenset[Derived]:
        """The derived items that exist, among some. BatchGetItem."""
        by_key = {derived_key(account_id, one): one for one in derived}
        return frozenset(by_key[key] for key in self._table.get_many(by_key, consistent=latest))

    def directory(self, account_id: str) -> Directory:
        """The posting lists and first characters that are listed. Queries over all counts."""
        expression = Expression.of_partition(keys.counts(account_id))
        posting_lists: set[PostingList] = set()
        characters: set[str] = set()
        for item in self._table.all_of(expression):
            posting_lists.update(counts_of([item]))
            character = keys.listed_character(Key.of(item))
            if character:
                characters.add(character)
        return Directory(frozenset(posting_lists), UNLISTED | characters)

    def postings(
        self, account_id: str, posting_list: PostingList, after_id: str | None
    ) -> tuple[list[Posting], str | None]:
        """A page of a posting list, and the contact's id to go on after (None: that was the last page)."""
        start = None if after_id is None else keys.posting(account_id, posting_list, after_id)
        found, last = self._page(keys.posting(account_id, posting_list, "").PK, start, _KEYS_PAGE)
        page = [Posting(posting_list, keys.contact_id(key)) for key in found]
        return page, None if last is None else keys.contact_id(last)

    def words(
        self, account_id: str, character: str, after: WordPosting | None
    ) -> tuple[list[WordPosting], WordPosting | None]:
        """A page of the words with a first character, and the one to go on after (None: that was the last page)."""
        start = None if after is None else derived_key(account_id, after)
        found, last = self._page(keys.word_partition(account_id, character), start, _KEYS_PAGE)
        page = [WordPosting(*keys.posted_word(key)) for key in found]
        return page, None if last is None else WordPosting(*keys.posted_word(last))

    def count(self, account_id: str, posting_list: PostingList) -> Count | None:
        """The count of a posting list; None: there is none. A GetItem for each item that may hold a part of it."""
        return _count_in(self._count_items(account_id, posting_list), posting_list)

    def length(self, account_id: str, posting_list: PostingList) -> int:
        """The number of postings on a list that count: those of contacts that are posted among all.

        Queries of the list; for each page of it (1 MB) Queries of the posting list of all, or BatchGetItems of it where
        the page has few postings. Strongly consistent.
        """
        postings = Expression.of_partition(keys.posting(account_id, posting_list, "").PK)
        if posting_list == ALL_CONTACTS:
            return self._table.how_many(postings)
        found, start = 0, None
        while True:
            items, start = self._table.query(postings, start=start)
            found += self._posted_among_all(account_id, [keys.contact_id(Key.of(item)) for item in items])
            if start is None:
                return found

    def _posted_among_all(self, account_id: str, ids: Sequence[str]) -> int:
        """How many contacts are posted among all, of some whose ids are in order."""
        if len(ids) <= _FEW:
            return len(self._table.get_many(keys.posting(account_id, ALL_CONTACTS, one) for one in ids))
        span = (keys.posting(account_id, ALL_CONTACTS, one) for one in (ids[0], ids[-1]))
        wanted = frozenset(ids)
        return sum(
            keys.contact_id(Key.of(item)) in wanted for item in self._table.all_of(Expression.of_span(*span))
        )

    # Writes

    def repair(
        self, account_id: str, contact_id: str, version: int | None, desired: Mapping[Derived, bool]
    ) -> None:
        """Write derived items, if their contact still has a version (None: is still gone). One transaction.

        Raises:
            AlreadyApplied, Contention.
            ConcurrentModification: the contact has changed.
        """
        expression = Expression()
        expression.require(expression.is_free() if version is None else expression.equals("version", version))
        contact = keys.contact(account_id, contact_id)
        write_derived(
            self._table,
            self._places,
            account_id,
            desired,
            [self._table.check_step(_CONTACT, contact, expression)],
        )

    def list_posting_list(self, account_id: str, posting_list: PostingList, *, dry_run: bool) -> bool:
        """Begin the count of a posting list, if there is none. Returns whether there was none. GetItem and PutItem.

        `dry_run`: write nothing.
        """
        key = keys.count(account_id, posting_list)
        return self._is_new(key, {"n": 0, "changes": 0}, dry_run=dry_run)

    def list_character(self, account_id: str, character: str, *, dry_run: bool) -> bool:
        """List a first character, if it is not listed. Returns whether it was not. GetItem and PutItem.

        `dry_run`: write nothing.
        """
        return self._is_new(keys.first_character(account_id, character), {}, dry_run=dry_run)

    def set_count(self, account_id: str, posting_list: PostingList, seen: Count | None, n: int) -> None:
        """Set a count, by changing its own item. One transaction, after a GetItem for each item that holds a part.

        Raises:
            ConcurrentModification: the count is no longer as it was seen.
            Contention.
        """
        items = self._as_seen(account_id, posting_list, seen)
        own = keys.count(account_id, posting_list)
        steps = []
        for key in items.keys() - {own}:
            part = _count_in({key: items[key]}, posting_list)
            n -= (part and part.n) or 0
            steps.append(self._table.check_step("part", key, _unchanged(posting_list, key, items[key])))
        expression = _unchanged(posting_list, own, items[own])
        expression.set("n", n)
        expression.add("changes", 1)
        self._change_count([*steps, self._table.update_step("count", own, expression)])

    def drop_count(self, account_id: str, posting_list: PostingList, seen: Count) -> None:
        """Delete a count. One transaction, after a GetItem for each item that holds a part.

        The count of all stays where its item carries others.

        Raises:
            ConcurrentModification: the count is no longer as it was seen.
            Contention.
        """
        steps = []
        for key, item in self._as_seen(account_id, posting_list, seen).items():
            if _count_in({key: item}, posting_list) is None:
                continue
            expression = _unchanged(posting_list, key, item)
            if key == keys.count(account_id, posting_list):
                if ROOM_TAKEN in item or SHARD_COUNT in item:
                    return
                expression.require(expression.equals(ROOM_TAKEN, None))
                steps.append(self._table.delete_step("count", key, expression))
            else:
                expression.remove(keys.carried_name(posting_list))
                if not keys.is_count_shard(key):
                    expression.add(ROOM_TAKEN, -carried_bytes(posting_list))
                steps.append(self._table.update_step("part", key, expression))
        self._change_count(steps)

    # Helpers

    def _page(self, partition: str, start: Key | None, at_most: int) -> tuple[dict[Key, Item], Key | None]:
        items, last = self._table.query(
            Expression.of_partition(partition), start=start, limit=at_most, consistent=False
        )
        return {Key.of(item): item for item in items}, last

    def _is_new(self, key: Key, item: Mapping[str, object], *, dry_run: bool) -> bool:
        if self._table.get(key) is not None:
            return False
        if dry_run:
            return True
        expression = Expression()
        expression.require(expression.is_free())
        try:
            self._table.write([self._table.put_step("listed", key, item, expression)])
        except ConditionsFailed:
            return False
        return True

    def _count_items(self, account_id: str, posting_list: PostingList) -> dict[Key, Item]:
        """The items that may hold a part of a count; empty where there is none. A GetItem for each."""
        of_all = keys.count(account_id, ALL_CONTACTS)
        found = {of_all: self._table.get(of_all)}
        others = (keys.count(account_id, posting_list), *further_shards(account_id, found[of_all]))
        found |= {key: self._table.get(key) for key in others if key != of_all}
        return {key: item or {} for key, item in found.items()}

    def _as_seen(self, account_id: str, posting_list: PostingList, seen: Count | None) -> dict[Key, Item]:
        """The same.

        Raises:
            ConcurrentModification: the count is no longer as it was seen.
        """
        items = self._count_items(account_id, posting_list)
        if _count_in(items, posting_list) != seen:
            raise ConcurrentModification
        return items

    def _change_count(self, steps: Sequence[Step]) -> None:
        try:
            self._table.write(steps)
        except ConditionsFailed:
            raise ConcurrentModification from None


def _count_in(items: Mapping[Key, Item], posting_list: PostingList) -> Count | None:
    return counts_of(filter(None, items.values())).get(posting_list)


def _unchanged(posting_list: PostingList, key: Key, item: Item) -> Expression:
    """The condition that an item holds the same part of a count. `item`: it, or empty where there is none."""
    expression = Expression()
    if posting_list != ALL_CONTACTS and keys.counted(key) == ALL_CONTACTS:
        name = keys.carried_name(posting_list)
        expression.require(expression.equals(name, item.get(name)))
    elif item:
        expression.require(expression.is_there())
        expression.require(expression.equals("n", item.get("n")))
        expression.require(expression.equals("changes", item.get("changes")))
    else:
        expression.require(expression.is_free())
    return expression
