"""Wiring of what works on contacts."""

import secrets

from contacts.adapters.contact_store import DynamoContactStore
from contacts.adapters.opt_outs import OptOuts
from contacts.adapters.sandbox import SandboxContactStore
from contacts.bootstrap import clock, table
from contacts.domain.accounts import Caller
from contacts.services.contact_book import ContactBook
from contacts.services.ports import ContactStore


def contact_store(caller: Caller) -> ContactStore:
    """The caller's contacts; for a test key, none that stay."""
    if caller.is_test:
        return SandboxContactStore()
    return DynamoContactStore(
        table(), caller.account_id, opt_outs(caller), secrets.token_bytes, clock().now_ms() // 1000
    )


def opt_outs(caller: Caller) -> OptOuts:
    """The addresses of the caller's account that have opted out."""
    return OptOuts(table(), caller.account_id, caller.account.secret)


def contact_book(caller: Caller) -> ContactBook:
    """The caller's contact book."""
    return ContactBook(contact_store(caller), clock(), secrets.token_bytes)
