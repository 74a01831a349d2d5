"""Attempts that are to be made later: short delays are SQS's own, longer ones schedules of EventBridge Scheduler."""

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from contacts.adapters.aws_errors import NO_ANSWER, is_busy
from contacts.domain.errors import TemporarilyUnavailable
from contacts.domain.timestamps import iso
from contacts.domain.webhooks import DeliveryRef
from contacts.services.ports import Clock, MessageQueue, Outgoing
from contacts.services.webhook_delivery import UNGROUPED

LONGEST_SQS_DELAY: Final = 900
"""Seconds."""


class DeliverySchedule:
    """`services.webhook_delivery.Schedule`."""

    def __init__(
        self, queue: MessageQueue, scheduler: Any, group: str, queue_arn: str, role_arn: str, clock: Clock
    ) -> None:
        """`scheduler`: the client; `group`: of the schedules; `role_arn`: as whom they send to the queue."""
        self._queue = queue
        self._scheduler = scheduler
        self._group = group
        self._queue_arn = queue_arn
        self._role_arn = role_arn
        self._clock = clock

    def later(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """Up to 15 minutes a delayed message (to the second), else a schedule that deletes itself (to the minute)."""
        if round(delay_s) <= LONGEST_SQS_DELAY:
            message = Outgoing(body=ref.message(attempt), group=ref.webhook_id, delay_s=round(delay_s))
            self._queue.send([message])
        else:
            at_ms = self._clock.now_ms() + round(delay_s * 1000)
            self._create_schedule(f"{ref.delivery_id}-{attempt}", ref, attempt, at_ms)

    def rest(self, ref: DeliveryRef, attempt: int, delay_s: float) -> None:
        """A schedule whose name tells its minute.

        The one that brought the message may still be there, for Scheduler deletes it a moment after it was due. A new
        one of the same name would be taken for that, and the message would never come again.
        """
        at_ms = self._clock.now_ms() + round(delay_s * 1000)
        self._create_schedule(f"{ref.delivery_id}-{attempt}-{at_ms // 60_000}", ref, attempt, at_ms)

    def _create_schedule(self, name: str, ref: DeliveryRef, attempt: int, at_ms: int) -> None:
        """CreateSchedule; what has its name is the same one, asked for before.

        Scheduler gives no group to messages for queues that are not FIFO, so this one says that it needs one.
        """
        try:
            self._scheduler.create_schedule(
                Name=name,
                GroupName=self._group,
                ScheduleExpression=f"at({iso(at_ms)[:19]})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._queue_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps({**ref.message(attempt), UNGROUPED: True}, separators=(",", ":")),
                    "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConflictException":
                return
            if is_busy(error):
                raise TemporarilyUnavailable from None
            raise
        except NO_ANSWER as error:
            raise TemporarilyUnavailable from error
