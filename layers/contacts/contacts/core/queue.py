"""The port to message queues (SQS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a queue: ids and numbers, never personal data."""

    body: Mapping[str, object]
    group: str | None = None
    """The tenant of an SQS fair queue: a group with many messages does not delay the messages of others."""
    delay_s: int = 0
    """Seconds until it can be received, at most 900."""


class MessageQueue(Protocol):
    """A queue. It delivers each message at least once, in any order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Put messages on the queue.

        Raises:
            TemporarilyUnavailable: some may be on it, some not.
        """
        ...
