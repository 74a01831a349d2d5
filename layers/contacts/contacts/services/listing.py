"""Lists of contacts, a page at a time. A page costs what a page costs, whatever the account's size."""

from dataclasses import dataclass
from typing import Final

from contacts.domain.contact import Contact
from contacts.services.ports import ContactStore, Listing

MAX_CANDIDATES: Final = 1000
"""How many contacts one request looks at; then it answers what it has, with a cursor."""


@dataclass(frozen=True, slots=True)
class Page:
    """Contacts, and the id to go on after (None: that was all)."""

    contacts: list[Contact]
    next_after: str | None


def page_by_creation(store: ContactStore, listing: Listing, after_id: str | None, limit: int) -> Page:
    """The next up to `limit` contacts. The contact a page starts after need not exist any more.

    One more than asked for is looked at, so that the last page knows that it is the last.
    """
    contacts, next_after = store.by_creation(listing, after_id, at_most=limit, evaluate=MAX_CANDIDATES)
    return Page(contacts, next_after)
