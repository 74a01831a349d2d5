"""Wiring of what takes events to endpoints."""

import os
import secrets

from contacts.adapters.delivery_schedule import DeliverySchedule
from contacts.adapters.delivery_store import DynamoDeliveryStore
from contacts.adapters.event_store import DynamoEventStore
from contacts.adapters.webhook_sender import WebhookSender, tls_context
from contacts.bootstrap import account_store, client, clock, deadline, table
from contacts.bootstrap.consumers import queue
from contacts.bootstrap.webhooks import endpoint_addresses, webhook_store
from contacts.services.suspension import Suspensions
from contacts.services.webhook_delivery import Courier


def courier() -> Courier:
    """Takes events to endpoints."""
    schedule = DeliverySchedule(
        queue("DELIVERY_QUEUE_URL"),
        client("scheduler"),
        os.environ["SCHEDULE_GROUP"],
        os.environ["DELIVERY_QUEUE_ARN"],
        os.environ["SCHEDULER_ROLE_ARN"],
        clock(),
    )
    return Courier(
        webhook_store(),
        DynamoEventStore(table()),
        DynamoDeliveryStore(table()),
        WebhookSender(endpoint_addresses(), tls_context()),
        schedule,
        queue("FAILED_DELIVERIES_QUEUE_URL"),
        clock(),
        secrets.token_bytes,
        deadline().leaves,
        Suspensions(account_store(), clock()).is_suspended,
    )
