"""Wiring of what erases."""

import secrets

from contacts.adapters.erasure_store import DynamoTraceStore
from contacts.bootstrap import clock, table
from contacts.services.erasure import Eraser


def eraser() -> Eraser:
    """Erases what is kept about contacts that are gone for good."""
    return Eraser(DynamoTraceStore(table()), clock(), secrets.token_bytes)
