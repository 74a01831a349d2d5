"""The contacts of an account and what is derived of them, for whoever holds the one against the other."""

from collections.abc import Iterable, Mapping
from typing import Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item
from contacts.adapters.contact_items import contact_from
from contacts.adapters.expressions import Expression
from contacts.adapters.keys import Key
from contacts.adapters.projection_store import derived_key, write_derived
from contacts.adapters.table import ConditionsFailed, Step, Table
from contacts.domain.contact import Contact
from contacts.domain.postings import PostingList
from contacts.services.ports import Moved
from contacts.services.projection import Derived, Posting, WordPosting
from contacts.services.reindexing import Count, Directory

_CONTACTS_PAGE: Final = 100
_KEYS_PAGE: Final = 1000
_CONTACT: Final = "contact"


class DynamoReindexStore:
    """`services.reindexing.ReindexStore` on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # Reads

    def contacts(self, account_id: str, after_id: str | None) -> tuple[list[Contact], str | None]:
        """A page of the contacts' partition."""
        start = None if after_id is None else keys.contact(account_id, after_id)
        found, last = self._page(keys.contacts(account_id), start, _CONTACTS_PAGE)
        page = [contact_from(item) for item in found.values()]
        return page, None if last is None else keys.contact_id(last)

    def contacts_by_id(
        self, account_id: str, ids: Iterable[str], *, latest: bool = False
    ) -> Mapping[str, Contact]:
        """BatchGetItem."""
        wanted = [keys.contact(account_id, contact_id) for contact_id in ids]
        found = self._table.get_many(wanted, consistent=latest)
        return {keys.contact_id(key): contact_from(item) for key, item in found.items()}

    def there(
        self, account_id: str, derived: Iterable[Derived], *, latest: bool = False
    ) -> frozenset[Derived]:
        """BatchGetItem."""
        wanted = {derived_key(account_id, one): one for one in derived}
        return frozenset(wanted[key] for key in self._table.get_many(wanted, consistent=latest))

    def directory(self, account_id: str) -> Directory:
        """A Query over all counts."""
        expression = Expression.of_partition(keys.counts(account_id))
        found = [Key.of(item) for item in self._table.all_of(expression)]
        return Directory(
            frozenset(counted for key in found if (counted := keys.counted(key)) is not None),
            frozenset(character for key in found if (character := keys.listed_character(key))),
        )

    def postings(
        self, account_id: str, posting_list: PostingList, after_id: str | None
    ) -> tuple[list[Posting], str | None]:
        """A page of a posting list."""
        start = None if after_id is None else keys.posting(account_id, posting_list, after_id)
        found, last = self._page(keys.posting(account_id, posting_list, "").PK, start, _KEYS_PAGE)
        page = [Posting(posting_list, keys.contact_id(key)) for key in found]
        return page, None if last is None else keys.contact_id(last)

    def words(
        self, account_id: str, character: str, after: WordPosting | None
    ) -> tuple[list[WordPosting], WordPosting | None]:
        """A page of the words with a first character."""
        start = None if after is None else derived_key(account_id, after)
        found, last = self._page(keys.words_beginning_with(account_id, character), start, _KEYS_PAGE)
        page = [WordPosting(*keys.posted_word(key)) for key in found]
        return page, None if last is None else WordPosting(*keys.posted_word(last))

    def count(self, account_id: str, posting_list: PostingList) -> Count | None:
        """One GetItem."""
        item = self._table.get(keys.count(account_id, posting_list))
        return None if item is None else Count(item.get("n"), item.get("changes"))

    def length(self, account_id: str, posting_list: PostingList) -> int:
        """Counting Queries over a posting list."""
        return self._table.how_many(Expression.of_partition(keys.posting(account_id, posting_list, "").PK))

    # Writes

    def repair(
        self, account_id: str, contact_id: str, version: int | None, wanted: Mapping[Derived, bool]
    ) -> None:
        """One transaction that checks the contact."""
        expression = Expression()
        expression.require(expression.is_free() if version is None else expression.equals("version", version))
        contact = keys.contact(account_id, contact_id)
        write_derived(
            self._table, account_id, wanted, [self._table.check_step(_CONTACT, contact, expression)]
        )

    def list_posting_list(self, account_id: str, posting_list: PostingList, *, dry_run: bool) -> bool:
        """GetItem, and PutItem under a condition."""
        key = keys.count(account_id, posting_list)
        return self._is_new(key, {"n": 0, "changes": 0}, dry_run=dry_run)

    def list_character(self, account_id: str, character: str, *, dry_run: bool) -> bool:
        """GetItem, and PutItem under a condition."""
        return self._is_new(keys.first_character(account_id, character), {}, dry_run=dry_run)

    def set_count(self, account_id: str, posting_list: PostingList, seen: Count | None, n: int) -> None:
        """One UpdateItem, on condition that the count is as it was seen."""
        expression = _as_seen(seen)
        expression.set("n", n)
        expression.add("changes", 1)
        self._change_count(self._table.update_step("count", keys.count(account_id, posting_list), expression))

    def drop_count(self, account_id: str, posting_list: PostingList, seen: Count) -> None:
        """One DeleteItem, on condition that the count is as it was seen."""
        key = keys.count(account_id, posting_list)
        self._change_count(self._table.delete_step("count", key, _as_seen(seen)))

    # How

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
            raise Moved from None


def _as_seen(seen: Count | None) -> Expression:
    expression = Expression()
    if seen is None:
        expression.require(expression.is_free())
        return expression
    expression.require(expression.is_there())
    expression.require(expression.equals("n", seen.n))
    expression.require(expression.equals("changes", seen.changes))
    return expression
