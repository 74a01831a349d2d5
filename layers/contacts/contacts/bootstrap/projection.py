"""Wiring of the projection."""

import secrets

from contacts.adapters.projection_store import DynamoProjectionStore
from contacts.bootstrap import clock, table
from contacts.bootstrap.consumers import queue
from contacts.services.projection import Projector


def projector() -> Projector:
    """Keeps what is derived of contacts as the contacts are."""
    return Projector(
        DynamoProjectionStore(table()),
        queue("VALIDATION_QUEUE_URL"),
        queue("ERASURE_QUEUE_URL"),
        clock(),
        secrets.token_bytes,
    )
