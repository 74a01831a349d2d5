"""From the export queue: write contacts to a file."""

from contacts.exports.writing import ExportWriter
from contacts.runtime import runtime
from contacts.workers.queue import Message, RetryLater


def write_export(message: Message, exports: ExportWriter) -> None:
    """Write the export that a message names by its ids, as far as one invocation gets."""
    wait_s = exports.handle(message.body, message.times_received)
    if wait_s is not None:
        raise RetryLater(wait_s)


lambda_handler = runtime.queue_entrypoint(write_export, "EXPORT")
