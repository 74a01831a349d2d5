"""Tags by their ids, and by a part of their names, for vendors whose clients ask so.

The table has no index of either. So both read the account's counts of tags, 7,000 or so a call, eventually consistent.
"""

from collections.abc import Iterator

from contacts.book.model import LONGEST_TAG, Change, Outcome, Preconditions
from contacts.book.service import ContactBook
from contacts.core.errors import NotFound
from contacts.core.ids import Ref
from contacts.core.tags import tag_id
from contacts.core.text import composed
from contacts.search.index import CountStore, NameCount
from contacts.search.query import PostingKind, PostingList
from contacts.web.response import Answer


class TagDirectory:
    """Finds the tags of one account. A tag is known as soon as the projection has counted it."""

    def __init__(self, counts: CountStore) -> None:
        self._counts = counts

    def matching(self, term: str) -> list[NameCount]:
        """Returns the tags whose names contain `term`, whatever the case, by name, the one named so exactly first.

        Spaces around the term do not count, nor does how a letter with an accent is composed.

        An empty term matches every tag. A tag that no contact carries any more is returned for its exact name only.
        Queries of all counts of tags, and one GetItem.
        """
        sought = composed(term.strip())
        part = sought.casefold()
        found = [one for one in self._all() if one.count > 0 and part in composed(one.name).casefold()]
        exact = [one for one in found if composed(one.name) == sought]
        others = [one for one in found if one not in exact]
        if not exact and 0 < len(sought) <= LONGEST_TAG:
            count = self._counts.known(PostingList(PostingKind.TAG, sought))
            exact = [] if count is None else [NameCount(sought, count)]
        return [*exact, *others]

    def page(self, term: str, offset: int, limit: int) -> Answer:
        """Returns a page of the tags that match a term, each with its number of contacts, and how many tags match."""
        found = self.matching(term)
        shown = [{"tag": one.name, "count": one.count} for one in found[offset : offset + limit]]
        return Answer(200, {"data": shown, "has_more": offset + limit < len(found), "total": len(found)})

    def name_of(self, sought: str) -> str:
        """Returns the name of the tag with an id, whether or not a contact carries it now. Queries until it is found.

        Raises:
            NotFound: no contact of the account has ever carried such a tag.
        """
        for one in self._all():
            if tag_id(one.name) == sought:
                return one.name
        raise NotFound("Tag not found.")

    def _all(self) -> Iterator[NameCount]:
        return self._counts.every(PostingKind.TAG)


class ContactTags:
    """Adds and removes one tag of a contact, by the id of the tag."""

    def __init__(self, book: ContactBook, directory: TagDirectory) -> None:
        self._book = book
        self._directory = directory

    def change(self, ref: Ref, sought: str, preconditions: Preconditions, *, add: bool) -> Outcome:
        """Adds a tag to a contact, or removes it. A contact that has it already, or lacks it, stays as it is.

        Reads the contact, and the counts of tags where the contact does not carry the tag.

        Raises:
            NotFound: neither this contact nor, as far as is counted, another one has ever carried such a tag.
            InvalidInput: the contact has as many tags as it may have.
            ContactNotFound, StaleVersion, ContactTooLarge, IdempotencyKeyReused, TemporarilyUnavailable.
        """
        carried = self._book.get(ref).tags
        name = next((tag for tag in carried if tag_id(tag) == sought), None)
        if name is None:
            name = self._directory.name_of(sought)
        return self._book.update(
            ref, Change.of({"add_tags" if add else "remove_tags": [name]}), preconditions
        )
