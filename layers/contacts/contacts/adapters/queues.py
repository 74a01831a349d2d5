"""Queues of SQS."""

import json
from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from contacts.adapters.aws_errors import NO_ANSWER, is_busy
from contacts.domain.errors import TemporarilyUnavailable
from contacts.services.ports import Outgoing

_AT_ONCE: Final = 10
"""Messages one call takes."""
_ROUNDS: Final = 3
"""How often what the queue did not take is sent again."""


class SqsQueue:
    """`services.ports.MessageQueue`, and what the functions that read it need."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Outgoing]) -> None:
        """SendMessageBatch, ten at a time; what it did not take is sent again."""
        for start in range(0, len(messages), _AT_ONCE):
            entries = [
                _entry(str(number), message)
                for number, message in enumerate(messages[start : start + _AT_ONCE])
            ]
            for _ in range(_ROUNDS):
                answer = self._call("send_message_batch", Entries=entries)
                failed = {failure["Id"] for failure in answer.get("Failed", ())}
                entries = [entry for entry in entries if entry["Id"] in failed]
                if not entries:
                    break
            else:
                raise TemporarilyUnavailable

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a message that was received come back after so many seconds (at most 12 hours)."""
        self._call("change_message_visibility", ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)

    def _call(self, method: str, **request: Any) -> dict[str, Any]:
        try:
            response: dict[str, Any] = getattr(self._client, method)(QueueUrl=self._url, **request)
            return response
        except ClientError as error:
            if is_busy(error):
                raise TemporarilyUnavailable from None
            raise
        except NO_ANSWER as error:
            raise TemporarilyUnavailable from error


def _entry(entry_id: str, message: Outgoing) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": entry_id, "MessageBody": json.dumps(message.body, separators=(",", ":"))}
    if message.group is not None:
        entry["MessageGroupId"] = message.group
    if message.delay_s:
        entry["DelaySeconds"] = message.delay_s
    return entry
