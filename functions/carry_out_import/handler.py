"""From the import queue: check a part of an import, carry it out, or take it back."""

from contacts.imports.carrying import ImportCarrier
from contacts.imports.model import step_from
from contacts.runtime import runtime
from contacts.workers.queue import Message, RetryLater


def carry_out_import(message: Message, import_carrier: ImportCarrier) -> None:
    """Do what a message asks for, and send the message for the next part."""
    wait_s = import_carrier.handle(step_from(message.body), message.times_received)
    if wait_s is not None:
        raise RetryLater(wait_s)


lambda_handler = runtime.queue_entrypoint(carry_out_import, "IMPORT")
