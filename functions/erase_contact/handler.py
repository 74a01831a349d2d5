"""From the erasure queue: take away what is kept about a contact that is gone for good."""

from contacts.bootstrap.consumers import queue_entry
from contacts.bootstrap.erasure import eraser
from contacts.consumers.entrypoints import Message

contact_eraser = eraser()


def erase_contact(message: Message) -> None:
    """Erase the contact that a message names by its ids; with its last version, which its tombstone is to tell, and
    with what is kept about those that had been merged into it.
    """
    body = message.body
    contact_eraser.erase(
        body["account_id"], body["contact_id"], body.get("version", 0), body.get("merged_ids", ())
    )


lambda_handler = queue_entry("erase_contact", erase_contact)
