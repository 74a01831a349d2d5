"""Wiring of what is called by the stream, by queues and by topics."""

import os
from collections.abc import Callable, Sequence
from functools import cache

from contacts.adapters.queues import SqsQueue
from contacts.adapters.stream_records import identified, streamed_change
from contacts.bootstrap import client, deadline, started
from contacts.consumers.entrypoints import (
    Message,
    NotificationEntrypoint,
    QueueEntrypoint,
    StreamEntrypoint,
)
from contacts.services.streamed import StreamedChange


@cache
def queue(variable: str) -> SqsQueue:
    """The queue whose URL an environment variable holds."""
    return SqsQueue(client("sqs"), os.environ[variable])


def stream_entry(name: str, handle: Callable[[Sequence[StreamedChange]], None]) -> StreamEntrypoint:
    """The Lambda handler of a function that reads the table's stream."""
    set_aside = queue("UNREADABLE_QUEUE_URL")
    return started(StreamEntrypoint(name, streamed_change, identified, handle, set_aside, deadline().begin))


def queue_entry(name: str, handle: Callable[[Message], None], variable: str | None = None) -> QueueEntrypoint:
    """The Lambda handler of a function that reads a queue.

    `variable`: the environment variable with its URL, where messages may be asked for again at another time.
    """
    own = None if variable is None else queue(variable)
    return started(QueueEntrypoint(name, handle, deadline().begin, own))


def notification_entry(name: str, handle: Callable[[str], None]) -> NotificationEntrypoint:
    """The Lambda handler of a function that is told by SNS."""
    return started(NotificationEntrypoint(name, handle, deadline().begin))
