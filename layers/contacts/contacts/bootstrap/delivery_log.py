"""Wiring of the log of deliveries, and of where they are asked for."""

import os
import secrets

from contacts.adapters.delivery_store import DynamoDeliveryStore
from contacts.adapters.event_store import DynamoEventStore
from contacts.adapters.queues import SqsQueue
from contacts.adapters.webhook_store import DynamoWebhookStore
from contacts.bootstrap import client, clock, table
from contacts.services.delivery_log import DeliveryDesk, DeliveryLog


def delivery_log() -> DeliveryLog:
    """What has been delivered, and what has not."""
    return DeliveryLog(DynamoWebhookStore(table()), DynamoDeliveryStore(table()), clock())


def delivery_desk() -> DeliveryDesk:
    """Where deliveries are asked for."""
    return DeliveryDesk(
        DynamoWebhookStore(table()),
        DynamoEventStore(table()),
        DynamoDeliveryStore(table()),
        SqsQueue(client("sqs"), os.environ["DELIVERY_QUEUE_URL"]),
        clock(),
        secrets.token_bytes,
    )
