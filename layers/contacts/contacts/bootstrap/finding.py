"""Wiring of what finds contacts."""

from typing import TYPE_CHECKING

from contacts.adapters.contact_index import (
    DynamoBookmarks,
    DynamoContactIndex,
    SandboxBookmarks,
    SandboxContactIndex,
)
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.finding import Finder

if TYPE_CHECKING:
    from contacts.services.contact_book import ContactBook


def finder(caller: Caller) -> Finder:
    """The caller's contacts, to be found; for a test key, none."""
    if caller.is_test:
        return Finder(SandboxContactIndex(), SandboxBookmarks())
    return Finder(
        DynamoContactIndex(table(), caller.account_id), DynamoBookmarks(table(), caller.account_id, clock())
    )


def contact_book(caller: Caller) -> "ContactBook":
    """The caller's contact book, loaded with the first request that reads a contact called `search`: few do."""
    from contacts.bootstrap import contacts

    return contacts.contact_book(caller)
