"""Wiring of the timelines of contacts."""

import secrets

from contacts.adapters.timeline_store import DynamoTimelineStore
from contacts.bootstrap import clock, table_of
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Caller
from contacts.services.timeline import Timeline


def timeline(caller: Caller) -> Timeline:
    """The timelines of the caller's contacts."""
    entries = DynamoTimelineStore(table_of(caller), caller.account_id)
    return Timeline(contact_book(caller), entries, clock(), secrets.token_bytes)
