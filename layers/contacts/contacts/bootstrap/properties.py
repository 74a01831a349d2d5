"""Wiring of what works on contact properties."""

import secrets

from contacts.adapters.property_store import DynamoPropertyStore, SandboxPropertyStore
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.property_desk import PropertyDesk, PropertyStore


def property_desk(caller: Caller) -> PropertyDesk:
    """The caller's properties; for a test key, none that stay."""
    store: PropertyStore = SandboxPropertyStore()
    if not caller.is_test:
        store = DynamoPropertyStore(table(), caller.account_id)
    return PropertyDesk(store, clock(), secrets.token_bytes)
