"""From the table's stream: put the events of changes into the log, and ask for their deliveries."""

from collections.abc import Sequence

from contacts.events.changes import StreamChange
from contacts.runtime import runtime
from contacts.webhooks.dispatch import Dispatcher


def dispatch_webhooks(changes: Sequence[StreamChange], dispatcher: Dispatcher) -> None:
    """Append the events of some changes, in their order."""
    dispatcher.handle(changes)


lambda_handler = runtime.stream_entrypoint(dispatch_webhooks)
