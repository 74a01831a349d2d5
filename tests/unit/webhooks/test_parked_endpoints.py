"""An endpoint that fails is parked: one delivery is attempted on its schedule, the others wait in the table."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from contacts.book.model import Action, Outcome
from contacts.core.time import DAY, HOUR, parsed
from contacts.erasure.store import TraceStore
from contacts.table.expressions import from_item
from contacts.webhooks.delivery_log import DeliveryLog
from contacts.webhooks.model import (
    TRIED_EVERY,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    sent_again,
)
from tests.support.app import caller_of
from tests.support.delivery_harness import ACCOUNT_ID, BROKEN, GONE, HOOK, OK, DeliveryHarness
from tests.support.event_harness import Killed
from tests.support.thorough import THOROUGH

PENDING, DELIVERED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED
FAILED, ERASED = DeliveryStatus.FAILED, DeliveryStatus.ERASED


def parked(events: int = 0) -> tuple[DeliveryHarness, list[DeliveryRef]]:
    """An endpoint that has failed three times, and events that came since. The first delivery is the one attempted."""
    harness = DeliveryHarness(BROKEN)
    harness.register()
    refs = [harness.dispatch()]
    harness.run_until_made(refs[0], 3)
    for _ in range(events):
        harness.clock.at_ms += 1
        refs.append(harness.dispatch())
    harness.run(at_most=events)
    return harness, refs


def waiting(harness: DeliveryHarness) -> int:
    """How many deliveries wait."""
    return sum("WAITING" in item["PK"] for item in map(from_item, harness.moto.items()))


def statuses(harness: DeliveryHarness, refs: list[DeliveryRef]) -> list[DeliveryStatus]:
    return [harness.delivery(ref).status for ref in refs]


def attempts(harness: DeliveryHarness, refs: list[DeliveryRef]) -> list[int]:
    return [len(harness.delivery(ref).attempts) for ref in refs]


def test_what_comes_for_a_parked_endpoint_waits_without_an_attempt_and_without_a_schedule() -> None:
    harness, refs = parked(20)
    harness.run(until_ms=harness.clock.at_ms + 3 * HOUR * 1000)
    # Of the delivery that is tried: at 2, 12 and 42 minutes, and so on.
    assert attempts(harness, refs)[1:] == [0] * 20
    assert len(harness.endpoint.requests) == len(harness.delivery(refs[0]).attempts) == 7
    assert len(harness.scheduler.made) == 3
    assert waiting(harness) == 20
    assert len(harness.queue.waiting) == 0


def test_when_the_endpoint_answers_again_what_waits_is_sent_once() -> None:
    harness, refs = parked(20)
    harness.endpoint.answers = [OK]
    began_ms = harness.clock.at_ms
    harness.run()
    # At the next attempt of the one that is tried: two minutes later.
    assert harness.clock.at_ms - began_ms < 150_000
    assert statuses(harness, refs) == [DELIVERED] * 21
    assert attempts(harness, refs) == [4] + [1] * 20
    assert waiting(harness) == 0
    webhook = harness.webhook()
    assert (webhook.failing_since, webhook.probe, webhook.tried_at, webhook.waiting) == (None, None, 0, None)


def test_what_waits_is_sent_by_several_messages_where_one_has_no_time_left() -> None:
    harness, refs = parked(5)
    harness.endpoint.answers = [OK]
    harness.time_left = 33.0
    harness.run()
    assert statuses(harness, refs) == [DELIVERED] * 6
    assert len(harness.endpoint.requests) == 9
    assert (waiting(harness), harness.webhook().waiting) == (0, None)


def test_where_it_fails_again_meanwhile_the_rest_goes_on_waiting() -> None:
    harness, refs = parked(5)
    harness.endpoint.answers = [OK, OK, BROKEN]
    harness.run(until_ms=harness.clock.at_ms + 150_000)
    assert sorted(statuses(harness, refs)) == [DELIVERED] * 2 + [PENDING] * 4
    assert waiting(harness) == 3
    harness.endpoint.answers = [OK]
    harness.run()
    assert statuses(harness, refs) == [DELIVERED] * 6
    assert waiting(harness) == 0


def test_the_first_event_that_comes_after_ten_minutes_without_an_attempt_is_tried() -> None:
    """So an endpoint that works again is noticed long before the next attempt of twelve hours is due."""
    harness, refs = parked()
    harness.run_until_made(refs[0], 11)
    for minutes, tried in [(1, False), (8, False), (2, True), (1, False), (8, False), (2, True)]:
        harness.clock.at_ms += minutes * 60_000
        refs.append(harness.dispatch())
        sent = len(harness.endpoint.requests)
        harness.run(until_ms=harness.clock.at_ms + 10_000)
        assert len(harness.endpoint.requests) - sent == tried
    harness.endpoint.answers = [OK]
    harness.clock.at_ms += TRIED_EVERY * 1000
    refs.append(harness.dispatch())
    harness.run(until_ms=harness.clock.at_ms + 10_000)
    assert statuses(harness, refs) == [PENDING] + [DELIVERED] * 7
    harness.run()
    assert statuses(harness, refs) == [DELIVERED] * 8


def test_one_that_never_answers_is_switched_off_and_what_waits_ends() -> None:
    harness, refs = parked(10)
    for _ in range(7):
        refs.append(harness.dispatch())
        harness.run(until_ms=harness.clock.at_ms + DAY * 1000)
    harness.run()
    assert harness.webhook().disabled_reason == DisabledReason.FAILING
    assert set(statuses(harness, refs)) == {FAILED}
    # Twice fifteen at most, and one for each of the seven days.
    assert len(harness.endpoint.requests) <= 15 + 15 + 7
    assert waiting(harness) == 0


def test_the_owner_sees_what_waits_and_until_when() -> None:
    harness, refs = parked(2)
    log = DeliveryLog(harness.webhooks, harness.deliveries, harness.clock)
    harness.run_until_made(refs[0], 6)
    shown, _ = log.page(caller_of(ACCOUNT_ID), HOOK, PENDING, None, 10)
    assert [delivery.ref for delivery in shown] == refs[::-1]
    due = parsed(harness.delivery(refs[0]).next_attempt_at or "")
    for delivery in shown:
        assert delivery.next_attempt_at is not None
        assert 0 <= due - parsed(delivery.next_attempt_at) < 1000 or delivery.ref == refs[0]


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_caller_asks_for_again_does_not_wait(number: int) -> None:
    harness, refs = parked(2)
    harness.endpoint.answers = [OK]
    before, now_ms = harness.delivery(refs[number]), harness.clock.now_ms()
    again = sent_again(before, now_ms)
    harness.deliveries.begin_again(before, again, Outcome(action=Action.QUEUED), None, now_ms)
    assert harness.take(refs[number], 1) is None
    assert harness.delivery(refs[number]).status is DELIVERED
    # It was taken, so the others are sent, too.
    assert statuses(harness, refs)[1:] == [DELIVERED, DELIVERED]
    harness.run()
    assert (statuses(harness, refs), waiting(harness)) == ([DELIVERED] * 3, 0)
    assert len(harness.endpoint.requests) == 6


def test_a_test_does_not_wait() -> None:
    harness, refs = parked(1)
    ref = replace(refs[1], delivery_id=refs[1].event_id, event_type="webhook.test", appended_at=None)
    test = Delivery(ref=ref, status=PENDING, next_attempt_at=None, attempts=(), payload={"id": ref.event_id})
    harness.deliveries.add(test, Outcome(action=Action.QUEUED), None, harness.clock.now_ms())
    sent = len(harness.endpoint.requests)
    assert harness.take(ref, 1) is None
    assert (waiting(harness), len(harness.endpoint.requests)) == (1, sent + 1)


@pytest.mark.parametrize("erased", [0, 1])
def test_of_somebody_erased_nothing_is_sent_and_the_others_do_not_wait_for_ever(erased: int) -> None:
    harness, refs = parked(3)
    traces, ref = TraceStore(harness.table), refs[erased]
    assert ref.appended_at is not None
    traces.strip_event(ACCOUNT_ID, ref.appended_at, ref.event_id)
    traces.strip_delivery(ref, harness.clock.now_ms())
    harness.endpoint.answers = [OK]
    harness.run()
    expected = [DELIVERED] * 4
    expected[erased] = ERASED
    assert (statuses(harness, refs), waiting(harness)) == (expected, 0)
    assert sum(request.event_id == ref.event_id for request in harness.endpoint.requests) == 3 * (not erased)


def switched_off(harness: DeliveryHarness) -> None:
    harness.webhooks.disable(harness.webhook(), DisabledReason.FAILING)


def activated(harness: DeliveryHarness) -> None:
    """Its owner says that it works again."""
    before = harness.webhook()
    after = replace(before, failing_since=None)
    harness.webhooks.change(before, after, Outcome(action=Action.UPDATED), None, 0)
    harness.endpoint.answers = [OK]


def deleted(harness: DeliveryHarness) -> None:
    harness.webhooks.remove(ACCOUNT_ID, HOOK, Outcome(action=Action.DELETED), None, 0)


@pytest.mark.parametrize(
    ("happens", "status", "left"),
    [(switched_off, FAILED, 0), (activated, DELIVERED, 0), (deleted, PENDING, 3)],
)
def test_what_its_owner_does_meanwhile(
    happens: Callable[[DeliveryHarness], None], status: DeliveryStatus, left: int
) -> None:
    harness, refs = parked(3)
    sent = len(harness.endpoint.requests)
    happens(harness)
    harness.run()
    assert statuses(harness, refs) == [status] * 4
    assert len(harness.endpoint.requests) - sent == 4 * (status is DELIVERED)
    # Of a deleted endpoint the items expire.
    assert waiting(harness) == left


def test_after_its_owner_has_activated_it_a_single_failure_lets_nobody_wait() -> None:
    harness, refs = parked()
    harness.run_until_made(refs[0], 9)
    activated(harness)
    harness.endpoint.answers = [BROKEN, OK]
    refs += [harness.dispatch(), harness.dispatch()]
    harness.run(until_ms=harness.clock.at_ms + 10_000)
    assert statuses(harness, refs)[1:] == [DELIVERED] * 2
    assert harness.webhook().probe is None


@pytest.mark.parametrize("early_ms", [0, 500, 1900])
def test_the_others_go_on_where_the_one_that_is_tried_ends_a_moment_before_it_is_due(early_ms: int) -> None:
    """Its event was erased meanwhile. Messages are delayed by whole seconds."""
    harness, refs = parked(2)
    ref, due = refs[0], harness.delivery(refs[0]).next_attempt_at
    assert ref.appended_at is not None
    assert due is not None
    TraceStore(harness.table).strip_event(ACCOUNT_ID, ref.appended_at, ref.event_id)
    harness.queue.waiting.clear()
    harness.endpoint.answers = [OK]
    harness.clock.at_ms = parsed(due) // 1000 * 1000 - early_ms
    harness.take(ref, 4)
    harness.run()
    assert (statuses(harness, refs), waiting(harness)) == ([ERASED, DELIVERED, DELIVERED], 0)


def test_while_the_account_is_suspended_one_delivery_is_looked_at_each_hour() -> None:
    harness, refs = parked(5)
    harness.suspended.add(ACCOUNT_ID)
    harness.run(until_ms=harness.clock.at_ms + 5 * HOUR * 1000)
    # The one that the endpoint is tried with waits, too: for its account.
    assert (len(harness.endpoint.requests), waiting(harness)) == (3, 5 + 1)
    assert len(harness.scheduler.made) == 5
    harness.suspended.clear()
    harness.endpoint.answers = [OK]
    harness.run()
    assert (statuses(harness, refs), waiting(harness)) == ([DELIVERED] * 6, 0)


def test_an_endpoint_that_is_gone_ends_what_waits() -> None:
    harness, refs = parked(3)
    harness.endpoint.answers = [GONE]
    harness.run()
    assert (statuses(harness, refs), waiting(harness)) == ([FAILED] * 4, 0)
    assert len(harness.endpoint.requests) == 4


def test_a_delivery_whose_message_got_lost_is_replaced_by_the_next_that_comes() -> None:
    harness, refs = parked(2)
    harness.queue.waiting.clear()
    harness.scheduler.schedules.clear()
    harness.clock.at_ms += 2 * HOUR * 1000
    harness.endpoint.answers = [BROKEN, OK]
    refs.append(harness.dispatch())
    harness.run()
    assert statuses(harness, refs) == [PENDING] + [DELIVERED] * 3


def test_nobody_waits_for_an_attempt_that_was_not_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker dies that has attempted one of those that waited, before it requests that one's next attempt."""
    harness, refs = parked(2)
    harness.endpoint.answers = [OK, BROKEN, OK]
    request = harness.schedule.request

    def dies(*_: object) -> None:
        monkeypatch.setattr(harness.schedule, "request", request)
        raise Killed

    monkeypatch.setattr(harness.schedule, "request", dies)
    harness.run()
    assert harness.kills == 1
    assert (statuses(harness, refs), waiting(harness)) == ([DELIVERED] * 3, 0)


@pytest.mark.parametrize("answers", [[OK], [OK, BROKEN, OK], [GONE]])
def test_killed_after_any_call_nothing_that_waits_is_forgotten(answers: list[object]) -> None:
    for calls in count(1, 1 if THOROUGH else 4):
        harness, refs = parked(2)
        harness.endpoint.answers = list(answers)  # type: ignore[arg-type]
        refs.append(harness.dispatch())
        harness.life.made, harness.life.calls = 0, calls
        harness.run(at_most=3)
        harness.life.calls = 1_000_000_000
        harness.run()
        expected = FAILED if answers == [GONE] else DELIVERED
        assert set(statuses(harness, refs)) == {expected}, calls
        assert waiting(harness) == 0
        sent = [request.event_id for request in harness.endpoint.requests]
        assert len(sent) - sum(attempts(harness, refs)) <= harness.kills + 1
        if not harness.kills:
            break
    assert calls > 5
