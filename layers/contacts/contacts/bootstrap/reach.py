"""Wiring of how contacts are reached."""

from contacts.bootstrap.channels import channel_store
from contacts.bootstrap.contacts import contact_book
from contacts.domain.accounts import Caller
from contacts.services.reach import Reach


def reach(caller: Caller) -> Reach:
    """How the caller's contacts are reached."""
    return Reach(contact_book(caller), channel_store(caller))
