"""Wiring of what works on contact properties."""

import secrets

from contacts.adapters.property_store import DynamoPropertyStore
from contacts.bootstrap import clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.property_desk import PropertyDesk


def property_desk(caller: Caller) -> PropertyDesk:
    """The caller's properties."""
    store = DynamoPropertyStore(table_of(caller), caller.account_id)
    return PropertyDesk(store, clock(), secrets.token_bytes)
