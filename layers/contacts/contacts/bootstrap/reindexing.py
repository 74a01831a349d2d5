"""Wiring of what rebuilds the projection."""

import secrets
from typing import Final

from contacts.adapters.reindex_store import DynamoReindexStore
from contacts.bootstrap import account_store, clock, deadline, table
from contacts.services.reindexing import Reindexer

_TO_END_S: Final = 60
"""In which a page is read and what differs is put right, with a wait between the two."""


def reindexer() -> Reindexer:
    """Rebuilds what is derived of an account's contacts."""
    return Reindexer(
        DynamoReindexStore(table()),
        account_store(),
        clock(),
        secrets.token_bytes,
        lambda: deadline().leaves(_TO_END_S),
    )
