"""Deliveries that an operator has stopped wait, cost one message an account, and go out in their order."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import Action, Outcome
from contacts.core.queue import Outgoing
from contacts.webhooks.delivery import STOPPED_LOOK
from contacts.webhooks.in_flight import Waiting, WaitingStore
from contacts.webhooks.model import DeliveryRef, DeliveryStatus
from tests.support.delivery_harness import ACCOUNT_ID, BROKEN, OK, DeliveryHarness
from tests.support.hypothesis_profiles import examples

HOUR_MS = 3_600_000


def stopped(deliveries: int, at_once: int = 1) -> tuple[DeliveryHarness, list[DeliveryRef]]:
    """Deliveries that came while they were stopped, of an account that may have `at_once` in flight."""
    harness = DeliveryHarness(OK)
    harness.at_once = at_once
    harness.register()
    harness.stopped.add(ACCOUNT_ID)
    refs = []
    for _ in range(deliveries):
        refs.append(harness.dispatch())
        harness.run(until_ms=harness.clock.at_ms + 1000)
    return harness, refs


def sent(harness: DeliveryHarness) -> list[str]:
    return [request.event_id for request in harness.endpoint.requests]


def waiting(harness: DeliveryHarness) -> int:
    return len(harness.moto.items_below(f"ACCOUNT#{ACCOUNT_ID}#WAITING"))


def test_nothing_is_sent_and_one_message_looks_after_them_all() -> None:
    harness, refs = stopped(20)
    messages = len(harness.queue.sent)
    harness.run(until_ms=harness.clock.at_ms + 3 * HOUR_MS)
    assert (sent(harness), waiting(harness), len(harness.queue.waiting)) == ([], 20, 1)
    # A look every five minutes, whatever the number of deliveries; no schedule, no attempt used up.
    assert len(harness.queue.sent) - messages == pytest.approx(3 * 3600 / STOPPED_LOOK, abs=1)
    assert harness.scheduler.made == []
    assert {harness.item(ref) is None for ref in refs} == {True}


def test_switched_on_again_they_go_out_in_the_order_of_the_events() -> None:
    harness, refs = stopped(7)
    harness.stopped.clear()
    harness.run()
    assert sent(harness) == [ref.event_id for ref in refs]
    assert (waiting(harness), len(harness.queue.waiting), harness.scheduler.made) == (0, 0, [])
    assert {harness.delivery(ref).status for ref in refs} == {DeliveryStatus.DELIVERED}


def test_with_several_in_flight_each_is_sent_near_its_place() -> None:
    harness, refs = stopped(24, at_once=2)
    harness.stopped.clear()
    harness.run()
    ids = [ref.event_id for ref in refs]
    places = {event_id: place for place, event_id in enumerate(sent(harness))}
    assert sorted(places) == sorted(ids)
    assert max(abs(places[event_id] - place) for place, event_id in enumerate(ids)) < 2 * 4


def test_a_new_event_brings_what_is_older_first() -> None:
    harness, refs = stopped(5)
    harness.stopped.clear()
    refs.append(harness.dispatch())
    # Nobody has to wait for the look.
    harness.run(until_ms=harness.clock.at_ms + 1000)
    assert sent(harness) == [ref.event_id for ref in refs]
    harness.run()
    assert len(sent(harness)) == 6


def test_no_more_are_in_flight_than_the_account_may_have() -> None:
    harness, refs = stopped(30, at_once=2)
    harness.stopped.clear()
    slots = []
    key = f"ACCOUNT#{ACCOUNT_ID}#DELIVERIES"
    post = harness.endpoint.post

    def noted(*arguments: object) -> object:
        item = harness.moto.item(key, "IN_FLIGHT")
        slots.append(len((item or {}).get("slots", {"SS": []})["SS"]))
        return post(*arguments)  # type: ignore[arg-type]

    harness.endpoint.post = noted  # type: ignore[assignment, method-assign]
    harness.run()
    assert len(sent(harness)) == len(refs)
    assert max(slots) <= harness.at_once


def test_what_waited_for_a_slot_when_they_were_stopped_waits_on() -> None:
    harness = DeliveryHarness(OK)
    harness.register()
    harness.at_once = 1
    others: list[DeliveryRef] = []

    def stop() -> None:
        # Two come while the only slot is taken, and then an operator stops them all.
        others.extend(harness.dispatch() for _ in range(2))
        harness.run(at_most=2)
        harness.stopped.add(ACCOUNT_ID)

    harness.endpoint.meanwhile = stop
    first = harness.dispatch()
    harness.run(until_ms=harness.clock.at_ms + HOUR_MS)
    assert sent(harness) == [first.event_id]
    harness.stopped.clear()
    harness.run()
    assert sent(harness) == [ref.event_id for ref in (first, *others)]


def test_a_test_waits_too() -> None:
    harness, _ = stopped(1)
    test = harness.happen()[0]
    harness.queue.send([Outgoing(body=test.message(1), group=ACCOUNT_ID)])
    harness.run(until_ms=harness.clock.at_ms + 1000)
    assert sent(harness) == []


def test_another_account_is_not_stopped() -> None:
    harness, _ = stopped(1)
    other = "01941f29-0000-7000-8000-00000000000b"
    harness.register("wh_01941f29000a1b2c3d5", account_id=other)
    (ref,) = harness.happen("wh_01941f29000a1b2c3d5", account_id=other)
    harness.queue.send([Outgoing(body=ref.message(1), group=other)])
    harness.run(until_ms=harness.clock.at_ms + 1000)
    assert sent(harness) == [ref.event_id]


def test_a_message_that_comes_twice_leaves_one_look() -> None:
    harness, refs = stopped(3)
    for ref in refs * 3:
        harness.take(ref, 1)
    (look,) = harness.queue.waiting
    for _ in range(3):
        harness.queue.send([look.message])
    harness.run(until_ms=harness.clock.at_ms + HOUR_MS)
    assert (len(harness.queue.waiting), waiting(harness)) == (1, 3)


@pytest.mark.parametrize("calls", range(1, 9))
def test_wherever_a_worker_dies_nothing_is_forgotten(calls: int) -> None:
    harness = DeliveryHarness(OK)
    harness.register()
    harness.stopped.add(ACCOUNT_ID)
    ref = harness.dispatch()
    harness.life.calls = harness.life.made + calls
    harness.run(until_ms=harness.clock.at_ms + HOUR_MS)
    assert len(harness.queue.waiting) == 1
    harness.stopped.clear()
    harness.run()
    assert (sent(harness), waiting(harness)) == ([ref.event_id], 0)


def test_who_is_stopped_while_suspended_is_looked_at_as_soon_as_who_is_stopped() -> None:
    harness = DeliveryHarness(OK)
    harness.register()
    harness.suspended.add(ACCOUNT_ID)
    refs = [harness.dispatch()]
    harness.run(until_ms=harness.clock.at_ms + 1000)
    harness.suspended, harness.stopped = set(), {ACCOUNT_ID}
    refs.append(harness.dispatch())
    harness.run(until_ms=harness.clock.at_ms + 1000)
    harness.stopped.clear()
    harness.run(until_ms=harness.clock.at_ms + STOPPED_LOOK * 1000)
    assert sent(harness) == [ref.event_id for ref in refs]


def test_all_of_a_suspended_account_end_when_their_events_are_gone() -> None:
    """One look leads to the next, also where the endpoint is gone of the delivery that it is for."""
    harness = DeliveryHarness(OK)
    harness.register()
    other = harness.register("wh_01941f29000a1b2c3d5")
    harness.suspended.add(ACCOUNT_ID)
    gone, *refs = (harness.dispatch(*hooks) for hooks in ([other.id], [], [], []))
    harness.run(until_ms=harness.clock.at_ms + HOUR_MS)
    harness.webhooks.remove(ACCOUNT_ID, other.id, Outcome(action=Action.DELETED), None, harness.clock.at_ms)
    harness.clock.at_ms += 30 * 24 * HOUR_MS
    harness.run()
    assert {harness.delivery(ref).status for ref in refs} == {DeliveryStatus.FAILED}
    assert (sent(harness), waiting(harness), harness.item(gone)) == ([], 0, None)


def test_a_late_message_takes_no_place_of_a_later_attempt() -> None:
    harness = DeliveryHarness(BROKEN, OK)
    harness.register()
    ref = harness.dispatch()
    harness.run_until_made(ref, 1)
    harness.stopped.add(ACCOUNT_ID)
    harness.take(ref, 2)
    harness.take(ref, 1)
    store = WaitingStore(harness.table)
    assert store.first(ACCOUNT_ID, None, 2) == [Waiting(ref, 2)]
    store.remove(Waiting(ref, 1), None)
    assert store.first(ACCOUNT_ID, None, 2) == [Waiting(ref, 2)]
    harness.stopped.clear()
    harness.run()
    assert (harness.delivery(ref).status, harness.delivery(ref).done) == (DeliveryStatus.DELIVERED, 2)


def test_what_a_worker_let_wait_before_it_died_does_not_wait_for_ever() -> None:
    """It died before it had said that something waits, and deliveries go on when its message comes back."""
    harness = DeliveryHarness(OK)
    harness.register()
    harness.stopped.add(ACCOUNT_ID)
    ref = harness.dispatch()
    harness.life.calls = harness.life.made + 1
    harness.run(at_most=1)
    harness.stopped.clear()
    harness.run()
    assert (sent(harness), waiting(harness)) == ([ref.event_id], 0)


@settings(max_examples=examples(20))
@given(
    steps=some.lists(
        some.tuples(
            some.integers(0, 3),
            some.integers(0, 900),
            some.sampled_from(["", "stopped", "suspended", "both"]),
            some.integers(1, 40),
        ),
        min_size=1,
        max_size=8,
    ),
    answers=some.lists(some.booleans(), max_size=4),
)
def test_however_often_they_are_stopped_nothing_is_lost(
    steps: list[tuple[int, int, str, int]], answers: list[bool]
) -> None:
    """In each step events come, an operator flips a switch or suspends the account, and a process dies."""
    harness = DeliveryHarness(*(OK if is_ok else BROKEN for is_ok in answers), OK)
    harness.register()
    refs, number = [], count()
    for events, seconds, rests, calls in steps:
        harness.life.calls = 1_000_000_000
        refs += [harness.dispatch(number=next(number)) for _ in range(events)]
        harness.stopped = {ACCOUNT_ID} if rests in ("stopped", "both") else set()
        harness.suspended = {ACCOUNT_ID} if rests in ("suspended", "both") else set()
        before = len(sent(harness))
        harness.life.calls = harness.life.made + calls
        harness.run(until_ms=harness.clock.at_ms + seconds * 1000)
        assert not rests or len(sent(harness)) == before
    harness.life.calls = 1_000_000_000
    harness.stopped, harness.suspended = set(), set()
    harness.run()
    assert {harness.delivery(ref).status for ref in refs} <= {DeliveryStatus.DELIVERED}
    assert (waiting(harness), len(harness.queue.waiting)) == (0, 0)
