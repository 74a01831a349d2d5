"""Wiring of what finds contacts."""

from typing import TYPE_CHECKING

from contacts.adapters.contact_index import DynamoBookmarks, DynamoContactIndex
from contacts.bootstrap import clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.finding import Finder

if TYPE_CHECKING:
    from contacts.services.contact_book import ContactBook


def finder(caller: Caller) -> Finder:
    """The caller's contacts, to be found."""
    table, account_id = table_of(caller), caller.account_id
    return Finder(DynamoContactIndex(table, account_id), DynamoBookmarks(table, account_id, clock()))


def contact_book(caller: Caller) -> "ContactBook":
    """The caller's contact book, loaded with the first request that reads a contact called `search`: few do."""
    from contacts.bootstrap import contacts

    return contacts.contact_book(caller)
