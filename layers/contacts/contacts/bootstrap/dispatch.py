"""Wiring of what turns changes into events."""

import secrets

from contacts.adapters.contact_reader import DynamoContactReader
from contacts.adapters.event_store import DynamoEventStore
from contacts.adapters.webhook_store import DynamoWebhookStore
from contacts.bootstrap import clock, table
from contacts.bootstrap.consumers import queue
from contacts.services.webhook_dispatch import Dispatcher


def dispatcher() -> Dispatcher:
    """Puts events into the log and deliveries on their queue."""
    return Dispatcher(
        DynamoWebhookStore(table()),
        DynamoContactReader(table()),
        DynamoEventStore(table()),
        queue("DELIVERY_QUEUE_URL"),
        clock(),
        secrets.token_bytes,
    )
