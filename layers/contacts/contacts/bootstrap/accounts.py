"""Wiring of what works on accounts and their keys."""

import secrets

from contacts.adapters.account_store import DynamoAccountStore
from contacts.bootstrap import account_store, clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.key_ring import KeyRing, Registrar
from contacts.services.suspension import Suspender


def key_ring(caller: Caller) -> KeyRing:
    """The API keys of the caller's account."""
    return KeyRing(DynamoAccountStore(table_of(caller)), clock(), secrets.token_bytes)


def registrar() -> Registrar:
    """Opens accounts."""
    return Registrar(account_store(), clock(), secrets.token_bytes)


def suspender() -> Suspender:
    """Suspends accounts and resumes them."""
    return Suspender(account_store(), clock())
