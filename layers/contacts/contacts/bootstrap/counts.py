"""Wiring of the counts, for those who read them."""

from contacts.adapters.count_store import DynamoCountStore
from contacts.bootstrap import table_of
from contacts.domain.accounts import Caller


def count_store(caller: Caller) -> DynamoCountStore:
    """The counts of the caller's account."""
    return DynamoCountStore(table_of(caller), caller.account_id)
