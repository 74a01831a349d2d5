"""From the table's stream: keep postings, words and counts as the contacts are, and pass on what else must follow."""

from collections.abc import Sequence

from contacts.events.changes import StreamChange
from contacts.projection.service import Projector
from contacts.runtime import runtime


def project_changes(changes: Sequence[StreamChange], projector: Projector) -> None:
    """Write what some changes, in their order, make of the projection."""
    projector.handle(changes)


lambda_handler = runtime.stream_entrypoint(project_changes)
