"""Wiring of the gates, through which contacts arrive."""

import secrets

from contacts.bootstrap import clock
from contacts.bootstrap.channels import account_channels
from contacts.bootstrap.contacts import contact_book, contact_store
from contacts.domain.accounts import Caller
from contacts.services.gate_desk import GateDesk


def gate_desk(caller: Caller) -> GateDesk:
    """The gates of the caller's account. A test key's contacts arrive through the account's own channels."""
    contacts, book = contact_store(caller), contact_book(caller)
    return GateDesk(account_channels(caller), contacts, book, clock(), secrets.token_bytes)
