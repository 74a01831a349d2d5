"""Posting lists: which contacts are there at all, carry a tag, are on a list. The projection keeps and counts them."""

from enum import StrEnum
from typing import Final, NamedTuple

from contacts.domain.contact import Contact


class PostingKind(StrEnum):
    """What the contacts of a posting list have in common."""

    ALL = "all"
    TAG = "tag"
    LIST = "list"


class PostingList(NamedTuple):
    """The contacts with a tag, on a list, or all of them."""

    kind: PostingKind
    value: str = ""


EVERYBODY: Final = PostingList(PostingKind.ALL)


def posting_lists(contact: Contact | None) -> frozenset[PostingList]:
    """The posting lists a live contact is on; None, for one that is not there, is on none."""
    if contact is None:
        return frozenset()
    tags = (PostingList(PostingKind.TAG, tag) for tag in contact.tags)
    lists = (PostingList(PostingKind.LIST, slug) for slug in contact.lists)
    return frozenset((EVERYBODY, *tags, *lists))
