"""From the delivery queue: make attempts at delivering events to endpoints, each message's in a thread of its own."""

from contacts.runtime import runtime
from contacts.webhooks.delivery import DeliveryWorker
from contacts.workers.queue import Message, RetryLater


def deliver_webhook(message: Message, delivery_worker: DeliveryWorker) -> None:
    """Make the attempt that a message asks for; while somebody else is making it, the message waits."""
    wait_s = delivery_worker.handle(message.body, is_repeated=message.times_received > 1)
    if wait_s is not None:
        raise RetryLater(wait_s)


lambda_handler = runtime.queue_entrypoint(deliver_webhook, "DELIVERY", at_once=10)
