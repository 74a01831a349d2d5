"""Messages are put on a queue ten at a time, each until it is taken."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import Outgoing
from contacts.workers.queue import SqsQueue

URL = "https://sqs.example/queue"


class Sqs:
    """SQS as far as it is used here; refuses entries by their place in a call, once each."""

    def __init__(self, *refusals: set[str]) -> None:
        self.refusals = list(refusals)
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[dict[str, Any]] = []
        self.hidden: list[tuple[str, int]] = []

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        assert QueueUrl == URL
        self.calls.append(Entries)
        refused = self.refusals.pop(0) if self.refusals else set()
        self.taken += [entry for entry in Entries if entry["Id"] not in refused]
        return {"Failed": [{"Id": each} for each in refused]} if refused else {"Successful": []}

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        self.hidden.append((ReceiptHandle, VisibilityTimeout))


def test_ten_at_a_time_with_group_and_delay() -> None:
    sqs = Sqs()
    SqsQueue(sqs, URL).send([Outgoing(body={"n": n}, group="g", delay_s=5 * n) for n in range(23)])
    assert [len(call) for call in sqs.calls] == [10, 10, 3]
    assert [json.loads(entry["MessageBody"])["n"] for entry in sqs.taken] == list(range(23))
    assert sqs.taken[0] == {"Id": "0", "MessageBody": '{"n":0}', "MessageGroupId": "g"}
    assert sqs.taken[1]["DelaySeconds"] == 5
    for call in sqs.calls:
        assert len({entry["Id"] for entry in call}) == len(call)


def test_what_was_not_taken_is_sent_again() -> None:
    sqs = Sqs({"0", "2"}, {"2"})
    SqsQueue(sqs, URL).send([Outgoing(body={"n": n}) for n in range(3)])
    assert [json.loads(entry["MessageBody"])["n"] for entry in sqs.taken] == [1, 0, 2]


def test_what_is_never_taken_is_told() -> None:
    with pytest.raises(TemporarilyUnavailable):
        SqsQueue(Sqs({"0"}, {"0"}, {"0"}), URL).send([Outgoing(body={})])


def refusal(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "any")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (refusal("RequestThrottled"), TemporarilyUnavailable),
        (refusal("Any", 503), TemporarilyUnavailable),
        (ReadTimeoutError(endpoint_url=URL), TemporarilyUnavailable),
        (refusal("AccessDenied", 403), ClientError),
    ],
)
def test_what_passes_by_itself_is_told_from_what_does_not(error: Exception, raised: type[Exception]) -> None:
    class Failing:
        def change_message_visibility(self, **_: Any) -> None:
            raise error

    with pytest.raises(raised):
        SqsQueue(Failing(), URL).hide("r", 1)
