"""From the import file queue: an upload has come, or reading it goes on."""

from contacts.imports.planning import Planner
from contacts.runtime import runtime
from contacts.workers.queue import Message


def plan_import(message: Message, planner: Planner) -> None:
    """Cut the upload of an import into parts, and have the first one checked or carried out."""
    planner.handle(message.body, message.times_received)


lambda_handler = runtime.queue_entrypoint(plan_import)
