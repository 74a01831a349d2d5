"""From the delivery queue: make one attempt at delivering one event to one endpoint."""

from contacts.bootstrap.consumers import queue_entry
from contacts.bootstrap.delivery import courier
from contacts.consumers.entrypoints import Message, RetryLater

event_courier = courier()


def deliver_webhook(message: Message) -> None:
    """Make the attempt that a message asks for; while somebody else is making it, the message waits."""
    wait_s = event_courier.take(message.body)
    if wait_s is not None:
        raise RetryLater(wait_s)


lambda_handler = queue_entry("deliver_webhook", deliver_webhook, "DELIVERY_QUEUE_URL")
