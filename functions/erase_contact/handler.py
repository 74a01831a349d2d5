"""From the erasure queue: take away what is kept about a contact that is gone for good."""

from contacts.erasure.service import Eraser
from contacts.runtime import runtime
from contacts.workers.queue import Message


def erase_contact(message: Message, eraser: Eraser) -> None:
    """Erase the contact that a message names by its ids; with its last version, which its tombstone is to tell, and
    with what is kept about those that had been merged into it.
    """
    body = message.body
    eraser.erase(body["account_id"], body["contact_id"], body.get("version", 0), body.get("merged_ids", ()))


lambda_handler = runtime.queue_entrypoint(erase_contact)
