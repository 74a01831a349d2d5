"""Queues of SQS, and the Lambda handlers of functions that read a queue or are notified by SNS."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import Outgoing
from contacts.core.threads import side_by_side
from contacts.table.aws import called
from contacts.workers.stream import Begin, Event, Failures

_AT_ONCE: Final = 10
"""Messages of one call."""
_ROUNDS: Final = 3
"""How often messages are sent that the queue did not accept."""
_NOT_HELD: Final = frozenset({"InvalidParameterValue", "MessageNotInflight", "ReceiptHandleIsInvalid"})
"""What SQS answers where a message is no longer held by who received it: it came again to another, or is deleted."""


class SqsQueue:
    """`core.queue.MessageQueue` and `HidingQueue` on SQS."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Send messages by SendMessageBatch, ten at a time. Messages that were not accepted are sent again.

        Raises:
            TemporarilyUnavailable: some messages may be sent.
        """
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
        """Let a received message come back after `seconds` (at most 12 hours).

        Raises:
            TemporarilyUnavailable.
        """
        self._call("change_message_visibility", ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)

    def _call(self, method: str, **request: Any) -> dict[str, Any]:
        return called(self._client, method, QueueUrl=self._url, **request)


def _entry(entry_id: str, message: Outgoing) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": entry_id, "MessageBody": json.dumps(message.body, separators=(",", ":"))}
    if message.group is not None:
        entry["MessageGroupId"] = message.group
    if message.delay_s:
        entry["DelaySeconds"] = message.delay_s
    return entry


class RetryLater(Exception):
    """Raised where a message cannot be handled now and has to come back after some seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a queue."""

    id: str
    body: Mapping[str, Any]
    times_received: int
    """How often the message was received; 1 the first time."""


class HidingQueue(Protocol):
    """A queue that can delay the return of a received message."""

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a message come back after `seconds`."""
        ...


class QueueEntrypoint:
    """The Lambda handler of a function that reads a queue, one message after the other or several at once.

    A message that fails comes back when its visibility timeout is over. After as many receipts as the queue's redrive
    policy allows, SQS moves it to the dead-letter queue.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Message], None],
        begin: Begin,
        queue: HidingQueue | None = None,
        at_once: int = 1,
    ) -> None:
        """`queue`: the queue that the messages come from; needed if `handle` raises `RetryLater`.

        `at_once`: how many messages are handled at once, each in a thread of its own.
        """
        self._name = name
        self._handle = handle
        self._begin = begin
        self._queue = queue
        self._at_once = at_once

    def __call__(self, event: Event, context: Any) -> Failures:
        """Handle the messages. Returns the ids of those that have to come back."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        fields = {"lambda_request_id": context.aws_request_id}
        records = event["Records"]
        done = side_by_side(lambda record: self._is_done(record, fields), records, self._at_once)
        failed = [record["messageId"] for record, is_done in zip(records, done, strict=True) if not is_done]
        duration_ms = (perf_counter() - began) * 1000
        observability.record_batch(self._name, len(records), len(failed), duration_ms, fields)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _is_done(self, record: Event, fields: Mapping[str, object]) -> bool:
        try:
            times = int(record["attributes"]["ApproximateReceiveCount"])
            self._handle(Message(record["messageId"], json.loads(record["body"]), times))
        except RetryLater as later:
            self._hide(record, later.seconds, fields)
            return False
        except TemporarilyUnavailable:
            return False
        except Exception as error:  # noqa: BLE001 (logged; the queue's redrive policy handles the message)
            observability.record_failure(error, {**fields, "message_id": record["messageId"]})
            return False
        return True

    def _hide(self, record: Event, seconds: int, fields: Mapping[str, object]) -> None:
        assert self._queue is not None, "only a function with its queue may raise RetryLater"
        # If this fails, the message comes back when its visibility timeout is over; the others are not held up.
        try:
            self._queue.hide(record["receiptHandle"], seconds)
        except TemporarilyUnavailable:
            pass
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NOT_HELD:
                observability.record_failure(error, {**fields, "message_id": record["messageId"]})


class NotificationEntrypoint:
    """The Lambda handler of a function that SNS notifies.

    After an exception Lambda tries again, twice, and then sends the notification to the on-failure queue.
    """

    def __init__(self, name: str, handle: Callable[[str], None], begin: Begin) -> None:
        """`handle`: takes the text of a notification, which may be no JSON."""
        self._name = name
        self._handle = handle
        self._begin = begin

    def __call__(self, event: Event, context: Any) -> None:
        """Handle the notifications (SNS sends one at a time)."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        fields = {"lambda_request_id": context.aws_request_id}
        failed = len(event["Records"])
        try:
            for record in event["Records"]:
                self._handle(record["Sns"]["Message"])
                failed -= 1
        finally:
            duration_ms = (perf_counter() - began) * 1000
            observability.record_batch(self._name, len(event["Records"]), failed, duration_ms, fields)
