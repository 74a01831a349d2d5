"""Queues that messages are put on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a queue: ids and numbers, never personal data."""

    body: Mapping[str, object]
    group: str | None = None
    """Messages of one group wait for each other's share of the consumers (SQS fair queues)."""
    delay_s: int = 0
    """Seconds until it can be received, at most 900."""


class MessageQueue(Protocol):
    """A queue that messages are put on; at least once, in any order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Put messages on the queue.

        Raises:
            TemporarilyUnavailable: some may be on it, some not.
        """
        ...
