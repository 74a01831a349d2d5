"""Where webhooks and the events for them are looked up, by all who deal with deliveries."""

from typing import Protocol

from contacts.domain.accounts import Caller
from contacts.domain.errors import WebhookNotFound
from contacts.domain.events import Event
from contacts.domain.webhooks import Webhook


class Webhooks(Protocol):
    """The endpoints of accounts."""

    def webhook(self, account_id: str, webhook_id: str) -> Webhook | None:
        """An endpoint as of the latest write."""
        ...


class Events(Protocol):
    """The event log."""

    def event(self, account_id: str, appended_at: str, event_id: str) -> Event | None:
        """An event by its place."""
        ...


def existing_webhook(caller: Caller, webhook_id: str, webhooks: Webhooks) -> Webhook:
    """The webhook of that id in the caller's account.

    Raises:
        WebhookNotFound: there is none.
    """
    webhook = webhooks.webhook(caller.account_id, webhook_id)
    if webhook is None:
        raise WebhookNotFound
    return webhook
