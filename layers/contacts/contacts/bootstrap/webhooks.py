"""Wiring of what works on webhooks."""

import os
import secrets

from contacts.adapters.endpoint_addresses import EndpointAddresses
from contacts.adapters.webhook_store import DynamoWebhookStore
from contacts.bootstrap import clock, table, table_of
from contacts.domain.accounts import Caller
from contacts.services.webhook_desk import WebhookDesk


def webhook_store() -> DynamoWebhookStore:
    """The endpoints of all accounts."""
    return DynamoWebhookStore(table())


def endpoint_addresses() -> EndpointAddresses:
    """Where endpoints are; private networks are closed unless the environment opens them."""
    return EndpointAddresses(os.environ.get("WEBHOOK_PRIVATE_ADDRESSES") == "allowed")


def webhook_desk(caller: Caller) -> WebhookDesk:
    """The webhooks of the caller's account."""
    return WebhookDesk(
        DynamoWebhookStore(table_of(caller)), endpoint_addresses(), clock(), secrets.token_bytes
    )
