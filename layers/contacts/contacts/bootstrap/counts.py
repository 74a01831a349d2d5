"""Wiring of the counts, for those who read them."""

from contacts.adapters.count_store import DynamoCountStore, SandboxCountStore
from contacts.bootstrap import table
from contacts.domain.accounts import Caller
from contacts.services.counts import CountStore


def count_store(caller: Caller) -> CountStore:
    """The counts of the caller's account; for a test key, of nobody."""
    return SandboxCountStore() if caller.is_test else DynamoCountStore(table(), caller.account_id)
