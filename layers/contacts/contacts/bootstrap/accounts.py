"""Wiring of what works on accounts and their keys."""

import secrets

from contacts.bootstrap import account_store, clock
from contacts.services.key_ring import KeyRing, Registrar
from contacts.services.suspension import Suspender


def key_ring() -> KeyRing:
    """The API keys of accounts."""
    return KeyRing(account_store(), clock(), secrets.token_bytes)


def registrar() -> Registrar:
    """Opens accounts."""
    return Registrar(account_store(), clock(), secrets.token_bytes)


def suspender() -> Suspender:
    """Suspends accounts and resumes them."""
    return Suspender(account_store(), clock())
