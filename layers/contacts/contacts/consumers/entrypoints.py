"""The way of what arrives without a client: read, handed to a service, and told of what could not be done.

Everything here may be called twice with the same: services are idempotent. Our own, and not Powertools' batch
processor: that goes on after a failed record of a stream, which breaks the order, and costs 100 ms of a cold start.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from contacts import observability
from contacts.domain.errors import TemporarilyUnavailable
from contacts.services.ports import MessageQueue, Outgoing
from contacts.services.streamed import StreamedChange

Begin = Callable[[float], None]
"""Is told at the beginning of an invocation how many seconds it has."""
Event = Mapping[str, Any]
Failures = dict[str, list[dict[str, str]]]
"""Lambda's `batchItemFailures`: what is to be delivered again."""


class RetryLater(Exception):
    """Raised where a message cannot be dealt with now, and better comes back after so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a queue."""

    id: str
    body: Mapping[str, Any]
    times_received: int
    """1 for the first time."""


class HidingQueue(Protocol):
    """A queue whose received messages can be made to come back at another time."""

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a message come back after so many seconds."""
        ...


class StreamEntrypoint:
    """The Lambda handler around a service that takes changes from the stream.

    What passes by itself (a table that throttles) is asked for again, from the first record on: the order of each
    contact is kept. A record that cannot be handled for its own sake is set aside on a queue of its own, by its keys
    and ids alone, and the others go on: Lambda would else repeat the whole batch, and in the end discard it.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[Event], StreamedChange | None],
        identified: Callable[[Event], Mapping[str, object]],
        handle: Callable[[Sequence[StreamedChange]], None],
        set_aside: MessageQueue,
        begin: Begin,
    ) -> None:
        self._name = name
        self._read = read
        self._identified = identified
        self._handle = handle
        self._set_aside = set_aside
        self._begin = begin

    def __call__(self, event: Event, context: Any) -> Failures:
        """Handle a batch; gives back from where on it is to be delivered again, if at all."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        records: Sequence[Event] = event["Records"]
        done = self._done(records, {"lambda_request_id": context.aws_request_id})
        observability.record_batch(
            self._name,
            len(records),
            len(records) - done,
            (perf_counter() - began) * 1000,
            {"lambda_request_id": context.aws_request_id},
        )
        if done == len(records):
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": records[done]["dynamodb"]["SequenceNumber"]}]}

    def _done(self, records: Sequence[Event], fields: Mapping[str, object]) -> int:
        """How many records, from the first on, are dealt with."""
        try:
            changes = [change for record in records if (change := self._read(record)) is not None]
            if changes:
                self._handle(changes)
        except TemporarilyUnavailable:
            return 0
        except Exception as error:  # noqa: BLE001 (one of them is to blame: each for itself shows which)
            if len(records) == 1:
                return self._without(records[0], error, fields)
        else:
            return len(records)
        done = 0
        for record in records:
            if not self._done([record], fields):
                break
            done += 1
        return done

    def _without(self, record: Event, error: Exception, fields: Mapping[str, object]) -> int:
        """Set a record aside; gives back how many are dealt with by that, one or none."""
        identified = self._identified(record)
        observability.record_failure(error, {**fields, "event_id": identified.get("event_id")})
        body = {"function": self._name, "error": type(error).__name__, **identified}
        try:
            self._set_aside.send([Outgoing(body=body)])
        except TemporarilyUnavailable:
            return 0
        return 1


class QueueEntrypoint:
    """The Lambda handler around a service that takes the messages of a queue, each for itself.

    One that fails comes back when its visibility timeout is over, and after as many times as the queue's redrive
    policy allows goes to the dead-letter queue.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Message], None],
        begin: Begin,
        queue: HidingQueue | None = None,
    ) -> None:
        """`queue`: the one the messages come from, where the service may raise `RetryLater`."""
        self._name = name
        self._handle = handle
        self._begin = begin
        self._queue = queue

    def __call__(self, event: Event, context: Any) -> Failures:
        """Handle the messages; gives back the ids of those that are to come back."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        fields = {"lambda_request_id": context.aws_request_id}
        failed = [record["messageId"] for record in event["Records"] if not self._is_done(record, fields)]
        duration_ms = (perf_counter() - began) * 1000
        observability.record_batch(self._name, len(event["Records"]), len(failed), duration_ms, fields)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _is_done(self, record: Event, fields: Mapping[str, object]) -> bool:
        try:
            times = int(record["attributes"]["ApproximateReceiveCount"])
            self._handle(Message(record["messageId"], json.loads(record["body"]), times))
        except RetryLater as later:
            self._hide(record["receiptHandle"], later.seconds)
            return False
        except TemporarilyUnavailable:
            return False
        except Exception as error:  # noqa: BLE001 (logged; the queue's redrive policy deals with it)
            observability.record_failure(error, {**fields, "message_id": record["messageId"]})
            return False
        return True

    def _hide(self, receipt_handle: str, seconds: int) -> None:
        assert self._queue is not None, "only a service with its queue may ask for a time"
        # Where even that fails, it comes back when the visibility timeout is over.
        with suppress(TemporarilyUnavailable):
            self._queue.hide(receipt_handle, seconds)


class NotificationEntrypoint:
    """The Lambda handler around a service that is told of something by SNS.

    What it raises makes Lambda try again (twice), and then send the notification to the on-failure queue.
    """

    def __init__(self, name: str, handle: Callable[[str], None], begin: Begin) -> None:
        """`handle`: takes the text of a notification, which need not be JSON."""
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
