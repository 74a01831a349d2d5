"""Wiring of what works on contacts."""

import secrets

from contacts.adapters.contact_store import DynamoContactStore
from contacts.adapters.opt_outs import OptOuts
from contacts.bootstrap import clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.contact_book import ContactBook


def contact_store(caller: Caller) -> DynamoContactStore:
    """The caller's contacts."""
    return DynamoContactStore(
        table_of(caller), caller.account_id, opt_outs(caller), secrets.token_bytes, clock().now_ms() // 1000
    )


def opt_outs(caller: Caller) -> OptOuts:
    """The addresses of the caller's account that have opted out."""
    return OptOuts(table_of(caller), caller.account_id, caller.account.secret)


def contact_book(caller: Caller) -> ContactBook:
    """The caller's contact book."""
    return ContactBook(contact_store(caller), clock(), secrets.token_bytes)
