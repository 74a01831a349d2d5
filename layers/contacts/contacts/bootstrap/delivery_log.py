"""Wiring of the log of deliveries, and of where they are asked for."""

import os
import secrets

from contacts.adapters.delivery_store import DynamoDeliveryStore
from contacts.adapters.event_store import DynamoEventStore
from contacts.adapters.queues import SqsQueue
from contacts.adapters.webhook_store import DynamoWebhookStore
from contacts.bootstrap import client, clock, table_of
from contacts.domain.accounts import Caller
from contacts.services.delivery_log import DeliveryDesk, DeliveryLog


def delivery_log(caller: Caller) -> DeliveryLog:
    """What has been delivered, and what has not."""
    return DeliveryLog(DynamoWebhookStore(table_of(caller)), DynamoDeliveryStore(table_of(caller)), clock())


def delivery_desk(caller: Caller) -> DeliveryDesk:
    """Where deliveries are asked for."""
    return DeliveryDesk(
        DynamoWebhookStore(table_of(caller)),
        DynamoEventStore(table_of(caller)),
        DynamoDeliveryStore(table_of(caller)),
        SqsQueue(client("sqs"), os.environ["DELIVERY_QUEUE_URL"]),
        clock(),
        secrets.token_bytes,
    )
