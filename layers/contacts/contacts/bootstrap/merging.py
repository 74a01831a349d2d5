"""Wiring of merges."""

import secrets

from contacts.adapters.merge_store import DynamoMergeStore
from contacts.bootstrap import clock, table_of
from contacts.bootstrap.contacts import contact_book, opt_outs
from contacts.domain.accounts import Caller
from contacts.services.merging import Merger


def merger(caller: Caller) -> Merger:
    """Merges the caller's contacts."""
    store = DynamoMergeStore(table_of(caller), caller.account_id, opt_outs(caller), secrets.token_bytes)
    return Merger(contact_book(caller), store, clock(), secrets.token_bytes)
