"""How many contacts there are, carry a tag, are on a list: as the projection counted them, a moment behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from contacts.domain.postings import EVERYBODY, PostingKind, PostingList

MAX_CANDIDATES: Final = 1000
"""How many counts one request looks at; then it answers what it has. (That of a tag nobody carries any more is 0.)"""


@dataclass(frozen=True, slots=True)
class Counted:
    """A tag or a list, and how many contacts it has."""

    name: str
    count: int


class CountStore(Protocol):
    """The counts of one account."""

    def count(self, posting_list: PostingList) -> int:
        """How many contacts are on a posting list."""
        ...

    def counts(
        self, kind: PostingKind, after: str | None, *, at_most: int, evaluate: int
    ) -> tuple[Sequence[Counted], str | None]:
        """Up to `at_most` counts above 0, by name in the order of its UTF-8 bytes, looking at no more than `evaluate`.

        The second value is the name to go on after; None when there are no more.
        """
        ...


def how_many_contacts(store: CountStore) -> int:
    """How many contacts the account has."""
    return store.count(EVERYBODY)


def page_of_counts(
    store: CountStore, kind: PostingKind, after: str | None, limit: int
) -> tuple[Sequence[Counted], str | None]:
    """The next up to `limit` tags or lists, and the name to go on after (None: that was all).

    The one a page starts after need not exist any more.
    """
    return store.counts(kind, after, at_most=limit, evaluate=MAX_CANDIDATES)
