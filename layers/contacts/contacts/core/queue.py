"""The port to message queues (SQS)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

LONGEST_DELAY_S: Final = 900
"""Of a message, in seconds: more than SQS does not take."""
_FIRST_DELAY_S: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message for a queue: ids and numbers, never personal data."""

    body: Mapping[str, object]
    group: str | None = None
    """The tenant of an SQS fair queue: a group with many messages does not delay the messages of others."""
    delay_s: int = 0
    """Seconds until it can be received, at most `LONGEST_DELAY_S`."""


def delay_of_busy(tries: int) -> int:
    """The delay of a message that tries again what a busy service has refused: doubled with each try in vain."""
    delay_s: int = _FIRST_DELAY_S * 2**tries
    return min(delay_s, LONGEST_DELAY_S)


class MessageQueue(Protocol):
    """A queue. It delivers each message at least once, in any order."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Put messages on the queue.

        Raises:
            TemporarilyUnavailable: some may be on it, some not.
        """
        ...
