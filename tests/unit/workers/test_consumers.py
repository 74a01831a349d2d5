"""What Lambda is told of a batch: nothing lost, the order of a stream kept, one bad record in nobody's way."""

import json
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import Outgoing
from contacts.events.changes import ChangeKind, PartlyHandled, StreamChange
from contacts.workers.queue import Message, NotificationEntrypoint, QueueEntrypoint, RetryLater
from contacts.workers.stream import StreamEntrypoint

CONTEXT = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 60_000)


def begin(seconds: float) -> None:
    assert seconds == 60


def record(number: int) -> dict[str, Any]:
    return {"eventID": f"e{number}", "dynamodb": {"SequenceNumber": f"s{number}"}}


def read(record: Mapping[str, Any]) -> StreamChange | None:
    """Odd ones say something; "e99" cannot be read."""
    if record["eventID"] == "e99":
        raise ValueError("ada@example.com makes no sense")
    if int(record["eventID"][1:]) % 2 == 0:
        return None
    return StreamChange(
        record_id=record["eventID"], kind=ChangeKind.CHANGED, account_id="a", contact_id="c", at_ms=0
    )


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What is logged of failures."""
    (handler,) = observability.logger.handlers
    written = StringIO()
    former = handler.setStream(written)  # type: ignore[attr-defined]
    yield written
    handler.setStream(former)  # type: ignore[attr-defined]


class Aside:
    def __init__(self, *, broken: bool = False) -> None:
        self.bodies: list[Mapping[str, object]] = []
        self._broken = broken

    def send(self, messages: Sequence[Outgoing]) -> None:
        if self._broken:
            raise TemporarilyUnavailable
        self.bodies += [message.body for message in messages]


class Service:
    """Cannot handle some records now, and others never."""

    def __init__(self, *, busy: Sequence[str] = (), poison: Sequence[str] = ()) -> None:
        self.busy, self.poison = set(busy), set(poison)
        self.handled: list[str] = []

    def handle(self, changes: Sequence[StreamChange]) -> None:
        ids = [change.record_id for change in changes]
        if self.busy & set(ids):
            raise TemporarilyUnavailable
        if self.poison & set(ids):
            raise KeyError("somebody's name")
        self.handled += ids


def stream(service: Service, aside: Aside, *numbers: int) -> list[str]:
    entry = StreamEntrypoint(
        "project", read, lambda found: {"event_id": found["eventID"]}, service.handle, aside, begin
    )
    answer = entry({"Records": [record(number) for number in numbers]}, CONTEXT)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_batch_is_handled_in_its_order() -> None:
    service = Service()
    assert stream(service, Aside(), 1, 2, 3, 5) == []
    assert service.handled == ["e1", "e3", "e5"]


def test_records_of_no_consequence_are_passed_over() -> None:
    service = Service(busy=["e1"])
    assert stream(service, Aside(), 2, 4) == []
    assert service.handled == []


def test_what_passes_by_itself_is_asked_for_again_from_the_first_record_on() -> None:
    assert stream(Service(busy=["e5"]), Aside(), 1, 3, 5) == ["s1"]


@pytest.mark.parametrize(("handled", "again"), [(0, "s1"), (1, "s3"), (2, "s5")])
def test_what_is_handled_does_not_come_again(handled: int, again: str) -> None:
    service = Service()

    def busy(changes: Sequence[StreamChange]) -> None:
        raise PartlyHandled(handled)

    service.handle = busy  # type: ignore[method-assign]
    assert stream(service, Aside(), 1, 2, 3, 4, 5) == [again]


@pytest.mark.parametrize("number", [99, 7])
def test_a_record_that_cannot_be_handled_is_set_aside_and_the_others_go_on(
    number: int, log: StringIO
) -> None:
    service, aside = Service(poison=["e7"]), Aside()
    assert stream(service, aside, 1, number, 3) == []
    assert service.handled == ["e1", "e3"]
    ((body),) = aside.bodies
    assert (body["function"], body["event_id"]) == ("project", f"e{number}")
    logged = log.getvalue()
    assert f"e{number}" in logged
    assert "ada" not in logged
    assert "somebody" not in logged


def test_a_busy_record_behind_a_bad_one_is_asked_for_again_and_what_came_before_is_not() -> None:
    service, aside = Service(busy=["e5"], poison=["e3"]), Aside()
    # Alone, e1 goes; e3 is set aside; e5 is to come again.
    service.busy, busy = set(), service.busy
    handle = service.handle

    def busy_when_alone(changes: Sequence[StreamChange]) -> None:
        if [change.record_id for change in changes] == ["e5"]:
            raise TemporarilyUnavailable
        handle(changes)

    service.handle = busy_when_alone  # type: ignore[method-assign]
    assert busy == {"e5"}
    assert stream(service, aside, 1, 3, 5, 7) == ["s5"]
    assert service.handled == ["e1"]
    assert [body["event_id"] for body in aside.bodies] == ["e3"]


def test_what_cannot_even_be_set_aside_comes_again() -> None:
    assert stream(Service(), Aside(broken=True), 1, 99, 3) == ["s99"]


def queue(records: Sequence[dict[str, Any]], handle: Any, own: Any = None) -> list[str]:
    entry = QueueEntrypoint("validate", handle, begin, own)
    answer = entry({"Records": records}, CONTEXT)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def message(number: int, body: str | None = None, received: int = 1) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": json.dumps({"n": number}) if body is None else body,
        "attributes": {"ApproximateReceiveCount": str(received)},
    }


def test_each_message_stands_for_itself(log: StringIO) -> None:
    seen: list[Message] = []

    def handle(found: Message) -> None:
        if found.body["n"] == 2:
            raise TemporarilyUnavailable
        if found.body["n"] == 3:
            raise ValueError("bea@example.com")
        seen.append(found)

    records = [message(1, received=4), message(2), message(3), message(4, "{"), message(5)]
    assert queue(records, handle) == ["m2", "m3", "m4"]
    assert seen == [Message("m1", {"n": 1}, 4), Message("m5", {"n": 5}, 1)]
    logged = log.getvalue()
    assert "bea" not in logged
    assert '"message_id":"m3"' in logged


@pytest.mark.parametrize("is_hidden", [True, False])
def test_a_message_can_ask_to_come_back_at_another_time(is_hidden: bool) -> None:
    hidden: list[tuple[str, int]] = []

    class Queue:
        def hide(self, receipt_handle: str, seconds: int) -> None:
            if not is_hidden:
                raise TemporarilyUnavailable
            hidden.append((receipt_handle, seconds))

    def handle(_: Message) -> None:
        raise RetryLater(300)

    assert queue([message(1)], handle, Queue()) == ["m1"]
    assert hidden == ([("r1", 300)] if is_hidden else [])


@pytest.mark.parametrize(
    ("code", "is_logged"),
    [
        ("ReceiptHandleIsInvalid", False),  # It is too old.
        ("InvalidParameterValue", False),  # Another has received the message since, or deleted it.
        ("AccessDenied", True),
    ],
)
def test_a_message_that_cannot_be_hidden_holds_up_no_other(code: str, is_logged: bool, log: StringIO) -> None:
    class Queue:
        def hide(self, receipt_handle: str, seconds: int) -> None:
            raise ClientError({"Error": {"Code": code}}, "ChangeMessageVisibility")

    seen: list[str] = []

    def handle(found: Message) -> None:
        if found.body["n"] == 1:
            raise RetryLater(300)
        seen.append(found.id)

    assert queue([message(1), message(2)], handle, Queue()) == ["m1"]
    assert seen == ["m2"]
    assert (code in log.getvalue()) is is_logged


def test_a_notification_that_cannot_be_handled_fails_the_invocation() -> None:
    seen: list[str] = []

    def handle(notification: str) -> None:
        if notification == "poison":
            raise ValueError(notification)
        seen.append(notification)

    entry = NotificationEntrypoint("bounce", handle, begin)
    entry({"Records": [{"Sns": {"Message": "no JSON"}}]}, CONTEXT)
    assert seen == ["no JSON"]
    with pytest.raises(ValueError, match="poison"):
        entry({"Records": [{"Sns": {"Message": "poison"}}]}, CONTEXT)
