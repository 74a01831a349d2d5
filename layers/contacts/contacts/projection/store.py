"""What is derived from contacts, in the table: postings, words and counts.

`ProjectionStore` writes them after a change; `ReindexStore` reads, compares and repairs them. A posting is always
written in one transaction with its count, on condition that it changes something.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from contacts.book.model import MAPS, STORED_FIELDS, Contact, ContactState, contact_from
from contacts.core.idempotency import ConcurrentModification
from contacts.core.ids import Name
from contacts.search.query import PostingKind, PostingList
from contacts.table import keys
from contacts.table.client import ConditionsFailed, Table
from contacts.table.expressions import Expression, Item, Step
from contacts.table.keys import Key


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


class Count(NamedTuple):
    """A count: the stored length of a posting list, and how often it was changed."""

    n: int | None
    changes: int | None
    """None only where the item was not written by this service."""


class Directory(NamedTuple):
    """The partitions that hold an account's derived items."""

    posting_lists: frozenset[PostingList]
    """The posting lists that have a count."""
    characters: frozenset[str]
    """The first characters of words."""


class ProjectionStore:
    """Writes the derived items of all accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def post(self, account_id: str, desired: Mapping[Derived, bool]) -> None:
        """Write postings with the counts of their lists. One transaction.

        `desired`: whether each item has to exist.

        Raises:
            AlreadyApplied, Contention, TemporarilyUnavailable.
        """
        write_derived(self._table, account_id, desired)

    def list_characters(self, characters: Iterable[tuple[str, str]]) -> None:
        """List first characters of words, each with its account. Puts, which may be repeated."""
        self._table.write_many({keys.first_character(*character): {} for character in characters})

    def post_words(self, desired: Mapping[OwnWord, bool]) -> None:
        """Write words without conditions. Puts and deletes, 25 at a time. `desired`: whether each word has to exist."""
        words = {derived_key(*own): should_exist for own, should_exist in desired.items()}
        self._table.write_many(
            {key: {} for key, should_exist in words.items() if should_exist},
            (key for key, should_exist in words.items() if not should_exist),
        )

    def release_claim(self, account_id: str, contact_id: str, name: Name) -> None:
        """Delete a claim, if it still belongs to the contact, and the contact is in the trash. One DeleteItem."""
        expression = Expression()
        expression.require(expression.equals("contact_id", contact_id))
        expression.require(expression.equals("state", ContactState.DELETED))
        with suppress(ConditionsFailed):
            self._table.write([self._table.delete_step("claim", keys.claim(account_id, name), expression)])


def write_derived(
    table: Table, account_id: str, desired: Mapping[Derived, bool], checks: Sequence[Step] = ()
) -> None:
    """Write derived items with the counts of their lists, in one transaction.

    `desired`: whether each item has to exist. `checks`: further steps, whose conditions have to hold.

    Raises:
        AlreadyApplied: some items are as desired already; nothing was written.
        ConcurrentModification: a check failed; nothing was written.
        Contention, TemporarilyUnavailable.
    """
    steps = list(checks)
    by_step: dict[str, Derived] = {}
    longer: dict[PostingList, int] = defaultdict(int)
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
    for posting_list, by in longer.items():
        expression = Expression()
        expression.add("n", by)
        expression.add("changes", 1)
        steps.append(table.update_step("count", keys.count(account_id, posting_list), expression))
    try:
        table.write(steps)
    except ConditionsFailed as failed:
        already = [by_step[name] for name in failed.items if name in by_step]
        if len(already) < len(failed.items):
            raise ConcurrentModification from None
        raise AlreadyApplied(already) from None


def derived_key(account_id: str, derived: Derived) -> Key:
    """The key of a derived item."""
    if isinstance(derived, Posting):
        return keys.posting(account_id, derived.posting_list, derived.contact_id)
    return keys.word_posting(account_id, derived.word, derived.contact_id)


_CONTACTS_PAGE: Final = 100
_KEYS_PAGE: Final = 1000
_CONTACT: Final = "contact"


class ReindexStore:
    """Reads, compares and repairs the derived items of all accounts.

    Pages are read with eventual consistency, unless `latest` is asked for. Every method raises TemporarilyUnavailable
    when the table throttles or does not answer.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

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
        found = [Key.of(item) for item in self._table.all_of(expression)]
        return Directory(
            frozenset(
                PostingList(PostingKind(one[0]), one[1])
                for key in found
                if (one := keys.counted(key)) is not None
            ),
            frozenset(character for key in found if (character := keys.listed_character(key))),
        )

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
        found, last = self._page(keys.words_beginning_with(account_id, character), start, _KEYS_PAGE)
        page = [WordPosting(*keys.posted_word(key)) for key in found]
        return page, None if last is None else WordPosting(*keys.posted_word(last))

    def count(self, account_id: str, posting_list: PostingList) -> Count | None:
        """The count of a posting list; None: there is none. One GetItem."""
        item = self._table.get(keys.count(account_id, posting_list))
        return None if item is None else Count(item.get("n"), item.get("changes"))

    def length(self, account_id: str, posting_list: PostingList) -> int:
        """The number of postings on a list, counted by Queries."""
        return self._table.how_many(Expression.of_partition(keys.posting(account_id, posting_list, "").PK))

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
            self._table, account_id, desired, [self._table.check_step(_CONTACT, contact, expression)]
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
        """Set a count. One UpdateItem.

        Raises:
            ConcurrentModification: the count is no longer as it was seen.
        """
        expression = _as_seen(seen)
        expression.set("n", n)
        expression.add("changes", 1)
        self._change_count(self._table.update_step("count", keys.count(account_id, posting_list), expression))

    def drop_count(self, account_id: str, posting_list: PostingList, seen: Count) -> None:
        """Delete a count. One DeleteItem.

        Raises:
            ConcurrentModification: the count is no longer as it was seen.
        """
        key = keys.count(account_id, posting_list)
        self._change_count(self._table.delete_step("count", key, _as_seen(seen)))

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

    def _change_count(self, step: Step) -> None:
        try:
            self._table.write([step])
        except ConditionsFailed:
            raise ConcurrentModification from None


def _as_seen(seen: Count | None) -> Expression:
    expression = Expression()
    if seen is None:
        expression.require(expression.is_free())
        return expression
    expression.require(expression.is_there())
    expression.require(expression.equals("n", seen.n))
    expression.require(expression.equals("changes", seen.changes))
    return expression
