"""From the erasure queues: take away what is kept about a contact that is gone for good."""

from contacts.erasure.service import Eraser
from contacts.runtime import runtime
from contacts.workers.queue import Message, RetryLater


def erase_contact(message: Message, eraser: Eraser) -> None:
    """Erase the contact that a message names by its ids, with what is kept about those that had been merged into it."""
    wait_s = eraser.handle(message.body, message.times_received)
    if wait_s is not None:
        raise RetryLater(wait_s)


lambda_handler = runtime.queue_entrypoint(erase_contact, "ERASURE")
