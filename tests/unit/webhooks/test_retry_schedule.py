"""The schedule of retries from its beginning to its end, on a clock that is set: days in a moment."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.session import get_session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from contacts.core.errors import TemporarilyUnavailable
from contacts.core.time import DAY, iso, parsed
from contacts.webhooks.model import (
    JITTER,
    MAX_ATTEMPTS_EVER,
    RETRY_DELAYS,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    Reply,
    after_attempt,
    delivery_id,
    retry_delay,
    sent_again,
)
from contacts.webhooks.store import DeliverySchedule
from tests.support.delivery_harness import (
    ACCOUNT_ID,
    BROKEN,
    DEAD_LETTERS_ARN,
    GONE,
    HOOK,
    OK,
    QUEUE_ARN,
    SILENT,
    DeliveryHarness,
    due_ms,
)

DAY_MS = DAY * 1000
FAILED = Attempt(
    at="2026-01-15T10:30:00.000Z", status_code=500, error=None, duration_ms=34, response="<h1>Oops</h1>"
)
REF = DeliveryRef(
    account_id=ACCOUNT_ID,
    webhook_id=HOOK,
    delivery_id="019bc1d4-8e00-7000-8000-000000000001",
    event_id="019bc1d4-8e00-7000-8000-000000000002",
    event_type="contact.updated",
    appended_at="2026-01-15T10:30:00.000Z",
)


def harness(*answers: Reply) -> DeliveryHarness:
    made = DeliveryHarness(*answers)
    made.register()
    return made


# The rule


def test_fifteen_attempts_take_more_than_three_days() -> None:
    assert len(RETRY_DELAYS) == 15
    assert sum(RETRY_DELAYS) / DAY == pytest.approx(3.3, abs=0.03)
    assert RETRY_DELAYS[:5] == (0, 5, 30, 120, 600)


@given(st.integers(1, 15), st.integers(0, 255))
def test_a_delay_is_as_long_as_it_says_or_up_to_a_tenth_off(attempt: int, random_byte: int) -> None:
    delay, nominal = retry_delay(attempt, random_byte), RETRY_DELAYS[attempt - 1]
    assert delay is not None
    assert (1 - JITTER) * nominal <= delay <= (1 + JITTER) * nominal + 1e-9


def test_the_whole_width_is_used() -> None:
    assert retry_delay(7, 0) == pytest.approx(0.9 * 3600)
    assert retry_delay(7, 255) == pytest.approx(1.1 * 3600)
    assert retry_delay(16, 0) is None


@given(st.lists(st.tuples(st.sampled_from([200, 410, 500, None]), st.integers(0, 255), st.booleans())))
def test_a_delivery_is_pending_exactly_while_something_is_to_come(
    steps: list[tuple[int | None, int, bool]],
) -> None:
    """Whatever endpoints answer and however often it is asked for again: the numbers add up, and it ends."""
    delivery = Delivery(ref=REF, status=DeliveryStatus.PENDING, next_attempt_at=None, attempts=())
    for status_code, random_byte, is_asked_for in steps:
        if delivery.status is not DeliveryStatus.PENDING:
            if not is_asked_for or delivery.done >= MAX_ATTEMPTS_EVER:
                break
            delivery = sent_again(delivery, 0)
        attempt = replace(FAILED, status_code=status_code)
        delivery = after_attempt(delivery, attempt, 0, random_byte)
        assert delivery.done == len(delivery.attempts) <= MAX_ATTEMPTS_EVER
        assert (delivery.next_attempt_at is not None) == (delivery.status is DeliveryStatus.PENDING)
        assert (delivery.status is DeliveryStatus.DELIVERED) == (status_code == 200)
        if status_code == 410:
            assert delivery.status is DeliveryStatus.FAILED
        if status_code in (500, None):
            in_round = delivery.done - delivery.round_began_after
            is_last = in_round == 15 or delivery.done == MAX_ATTEMPTS_EVER
            assert (delivery.status is DeliveryStatus.FAILED) == is_last == delivery.has_run_out


def test_a_delivery_is_as_old_as_its_event() -> None:
    ref = replace(REF, delivery_id=delivery_id(REF.event_id, HOOK, 1_768_473_000_123))
    delivery = Delivery(ref=ref, status=DeliveryStatus.PENDING, next_attempt_at=None, attempts=())
    assert delivery.created_at == "2026-01-15T10:30:00.123Z"


def test_no_delivery_is_attempted_more_than_a_hundred_times() -> None:
    """However often it is asked for: all of its attempts are in one item."""
    delivery = Delivery(ref=REF, status=DeliveryStatus.PENDING, next_attempt_at=None, attempts=())
    for _ in range(MAX_ATTEMPTS_EVER):
        assert delivery.status is DeliveryStatus.PENDING
        delivery = after_attempt(sent_again(delivery, 0), FAILED, 0, 0)
    assert (delivery.status, delivery.done) == (DeliveryStatus.FAILED, MAX_ATTEMPTS_EVER)
    assert delivery.has_run_out


# The whole of it


def test_a_dead_endpoint_is_tried_fifteen_times_over_three_days_and_then_given_up() -> None:
    with_dead = harness(BROKEN)
    began_ms = with_dead.clock.now_ms()
    ref = with_dead.dispatch()
    with_dead.run()
    requests = with_dead.endpoint.requests
    assert len(requests) == 15
    # Each counts from the end of the one before; SQS and Scheduler know whole seconds only.
    for (before, after), nominal in zip(pairwise(requests), RETRY_DELAYS[1:], strict=True):
        waited = (after.at_ms - before.at_ms - BROKEN.duration_ms) / 1000
        assert (1 - JITTER) * nominal - 1 <= waited <= (1 + JITTER) * nominal + 1
    assert requests[0].at_ms == began_ms
    whole_days = (requests[-1].at_ms - began_ms) / DAY_MS
    assert (1 - JITTER) * 3.28 - 0.01 <= whole_days <= (1 + JITTER) * 3.28 + 0.01
    # The same message each time, signed anew.
    assert {request.headers["webhook-id"] for request in requests} == {ref.event_id}
    assert {request.body for request in requests} == {requests[0].body}
    stamps = [request.headers["webhook-timestamp"] for request in requests]
    assert stamps == [str(request.at_ms // 1000) for request in requests]
    assert len(set(stamps)) == len({request.headers["webhook-signature"] for request in requests}) == 15
    # How it ends.
    delivery = with_dead.delivery(ref)
    assert (delivery.status, delivery.next_attempt_at) == (DeliveryStatus.FAILED, None)
    assert [attempt.at for attempt in delivery.attempts] == [iso(request.at_ms) for request in requests]
    assert {(attempt.status_code, attempt.response) for attempt in delivery.attempts} == {
        (500, "<h1>Oops</h1>")
    }
    (dead_letter,) = with_dead.dead_letters.sent
    assert dead_letter.body == ref.message(15)
    assert not with_dead.scheduler.schedules
    # Three days of failures are not five.
    assert with_dead.webhook().is_active
    assert with_dead.webhook().failing_since == iso(began_ms)


def test_what_is_to_come_can_be_seen_between_the_attempts() -> None:
    with_dead = harness(BROKEN)
    ref = with_dead.dispatch()
    for number in range(1, 15):
        with_dead.run_until_made(ref, number)
        delivery = with_dead.delivery(ref)
        assert delivery.status is DeliveryStatus.PENDING
        assert delivery.next_attempt_at is not None
        due = with_dead.next_due_ms()
        assert due is not None
        assert abs(due - parsed(delivery.next_attempt_at)) <= 1000


def test_short_delays_are_the_queues_and_long_ones_schedules_that_delete_themselves() -> None:
    with_dead = harness(BROKEN)
    ref = with_dead.dispatch()
    with_dead.run()
    short = [message for message in with_dead.queue.sent if message.delay_s]
    assert [message.body["attempt"] for message in short] == [2, 3, 4, 5]
    assert {message.group for message in with_dead.queue.sent} == {ACCOUNT_ID}
    made = with_dead.scheduler.made
    assert [schedule["Name"] for schedule in made] == [f"{ref.delivery_id}-{n}" for n in range(6, 16)]
    for schedule in made:
        assert schedule["ActionAfterCompletion"] == "DELETE"
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert schedule["ScheduleExpressionTimezone"] == "UTC"
        assert schedule["GroupName"] == "retries"
        assert schedule["Target"]["Arn"] == QUEUE_ARN
        assert schedule["Target"]["DeadLetterConfig"] == {"Arn": DEAD_LETTERS_ARN}
        attempt = int(schedule["Name"].rpartition("-")[2])
        assert json.loads(schedule["Target"]["Input"]) == {**ref.message(attempt), "ungrouped": True}
    # What Scheduler sends goes on the queue once more, with its group.
    at_once = [message.body["attempt"] for message in with_dead.queue.sent if not message.delay_s]
    assert at_once == [1, *range(6, 16)]


def test_what_scheduler_sends_gets_its_group_before_it_is_dealt_with() -> None:
    """Scheduler gives none, and a message without one counts as that of a quiet stranger."""
    with_dead = harness(OK)
    (ref,) = with_dead.happen()
    assert with_dead.delivery_worker().handle({**ref.message(1), "ungrouped": True}) is None
    assert with_dead.endpoint.requests == []
    (message,) = with_dead.queue.sent
    assert (message.body, message.group, message.delay_s) == (ref.message(1), ACCOUNT_ID, 0)


def test_the_request_is_one_that_scheduler_takes() -> None:
    with_dead = harness()
    with_dead.schedule.request(REF, 7, 3600.4)
    model = get_session().get_service_model("scheduler")
    (request,) = with_dead.scheduler.made
    problems = ParamValidator().validate(request, model.operation_model("CreateSchedule").input_shape)
    assert not problems.has_errors(), problems.generate_report()
    assert due_ms(request) == (with_dead.clock.now_ms() + 3_600_400) // 1000 * 1000


@pytest.mark.parametrize(
    ("delay_s", "expected"), [(0, 0), (0.4, 0), (4.5, 4), (4.6, 5), (660, 660), (900.4, 900)]
)
def test_the_queue_waits_whole_seconds(delay_s: float, expected: int) -> None:
    with_dead = harness()
    with_dead.schedule.request(REF, 2, delay_s)
    assert [message.delay_s for message in with_dead.queue.sent] == [expected]
    assert not with_dead.scheduler.made


def test_a_schedule_that_is_there_is_the_same_one() -> None:
    with_dead = harness()
    with_dead.schedule.request(REF, 7, 3600)
    with_dead.schedule.request(REF, 7, 3500)
    assert len(with_dead.scheduler.made) == 1


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerException", "ServiceQuotaExceededException"]
)
def test_a_busy_scheduler_is_asked_again_later(code: str) -> None:
    with_dead = harness()
    with_dead.scheduler.error = code
    with pytest.raises(TemporarilyUnavailable):
        with_dead.schedule.request(REF, 7, 3600)


def test_a_silent_scheduler_is_asked_again_later() -> None:
    class Silent:
        def create_schedule(self, **_: object) -> None:
            raise ReadTimeoutError(endpoint_url="https://scheduler.us-east-1.amazonaws.com")

    with_dead = harness()
    schedule = DeliverySchedule(
        with_dead.queue,
        Silent(),
        "retries",
        QUEUE_ARN,
        DEAD_LETTERS_ARN,
        "arn:aws:iam::123456789012:role/r",
        with_dead.clock,
    )
    with pytest.raises(TemporarilyUnavailable):
        schedule.request(REF, 7, 3600)


# Endpoints that fail for long


def test_an_endpoint_without_a_success_for_five_days_is_no_longer_tried() -> None:
    failing = harness(BROKEN, SILENT)
    began_ms = failing.clock.now_ms()
    refs = []
    for _ in range(5):
        refs.append(failing.dispatch())
        failing.run(until_ms=failing.clock.now_ms() + DAY_MS)
    assert failing.webhook().is_active
    failing.run()
    webhook = failing.webhook()
    assert (webhook.is_active, webhook.disabled_reason) == (False, DisabledReason.FAILING)
    assert webhook.failing_since == iso(began_ms)
    # The attempt that came five days after the first was the last one.
    sent = [request.at_ms - began_ms for request in failing.endpoint.requests]
    assert sum(moment >= 5 * DAY_MS for moment in sent) == 1
    assert {delivery.status for delivery in failing.log()} == {DeliveryStatus.FAILED}
    exhausted = [ref for ref in refs if len(failing.delivery(ref).attempts) == 15]
    assert [message.body["delivery_id"] for message in failing.dead_letters.sent] == [
        ref.delivery_id for ref in exhausted
    ]
    assert 0 < len(exhausted) < 5


def test_a_success_in_between_begins_the_five_days_anew() -> None:
    failing = harness(BROKEN)
    failing.dispatch()
    failing.run(until_ms=failing.clock.now_ms() + 3 * DAY_MS)
    failing.endpoint.answers = [OK]
    failing.dispatch()
    failing.run(until_ms=failing.clock.now_ms() + 60_000)
    assert failing.webhook().failing_since is None
    failing.endpoint.answers = [BROKEN]
    failing.dispatch()
    failing.run()
    webhook = failing.webhook()
    assert webhook.is_active
    assert webhook.failing_since is not None


def test_an_endpoint_that_is_gone_is_never_tried_again() -> None:
    gone = harness(GONE)
    first, second = gone.dispatch(), gone.dispatch()
    gone.run()
    webhook = gone.webhook()
    assert (webhook.is_active, webhook.disabled_reason) == (False, DisabledReason.GONE)
    assert len(gone.endpoint.requests) == 1
    assert gone.delivery(first).status is DeliveryStatus.FAILED
    assert [attempt.status_code for attempt in gone.delivery(first).attempts] == [410]
    assert (gone.delivery(second).status, gone.delivery(second).attempts) == (DeliveryStatus.FAILED, ())
    assert gone.dead_letters.sent == []


def test_an_endpoint_that_comes_back_gets_what_waits_for_it() -> None:
    back = harness(BROKEN, SILENT, BROKEN, OK)
    ref = back.dispatch()
    back.run()
    delivery = back.delivery(ref)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert [(attempt.status_code, attempt.error) for attempt in delivery.attempts] == [
        (500, None),
        (None, "timeout"),
        (500, None),
        (200, None),
    ]
    assert back.webhook().failing_since is None
