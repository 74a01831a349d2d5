"""Wiring of what finds contacts."""

from contacts.adapters.contact_index import (
    DynamoBookmarks,
    DynamoContactIndex,
    SandboxBookmarks,
    SandboxContactIndex,
)
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.finding import Finder


def finder(caller: Caller) -> Finder:
    """The caller's contacts, to be found; for a test key, none."""
    if caller.is_test:
        return Finder(SandboxContactIndex(), SandboxBookmarks())
    return Finder(
        DynamoContactIndex(table(), caller.account_id), DynamoBookmarks(table(), caller.account_id, clock())
    )
