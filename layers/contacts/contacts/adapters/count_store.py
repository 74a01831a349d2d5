"""The counts of one account in the table: read here, written by the projection."""

from collections.abc import Sequence
from typing import Final

from contacts.adapters import keys
from contacts.adapters.expressions import Expression
from contacts.adapters.table import Table
from contacts.domain.postings import PostingKind, PostingList
from contacts.services.counts import Counted

_MANY: Final = 250
"""Counts that are looked at together where few of the first ones were in use: some 35 KB, or five read units."""


class DynamoCountStore:
    """`services.counts.CountStore` on the table."""

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
    posting_list = keys.counted(key)
    assert posting_list is not None, "no other key begins like that of a count"
    return posting_list.value
