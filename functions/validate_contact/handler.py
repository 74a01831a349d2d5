"""From the validation queue: judge the email address of a contact."""

from contacts.core.ids import is_uuid
from contacts.email_validation.service import EmailValidator, pause_after
from contacts.runtime import runtime
from contacts.workers.queue import Message, RetryLater


def validate_contact(message: Message, validator: EmailValidator) -> None:
    """Judge the address of the contact that a message names by its ids."""
    account_id, contact_id = message.body["account_id"], message.body["contact_id"]
    if not is_uuid(account_id) or not is_uuid(contact_id):
        raise ValueError("no ids of an account and a contact")
    if not validator.validate(account_id, contact_id):
        raise RetryLater(pause_after(message.times_received))


AT_ONCE = 10
"""Addresses. A batch of 100 whose domains all time out (5 s each) takes 50 s."""

lambda_handler = runtime.queue_entrypoint(validate_contact, "VALIDATION", AT_ONCE)
