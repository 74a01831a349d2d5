"""Two accounts and one queue: what the endpoints of one do must not delay the deliveries of the other."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.book.model import Action, Outcome
from contacts.core.time import HOUR, iso
from contacts.events.model import Event
from contacts.table import keys
from contacts.table.expressions import from_item
from contacts.webhooks.delivery import LEASE, DeliveryWorker
from contacts.webhooks.model import DeliveryRef, Reply
from tests.support.delivery_harness import ACCOUNT_ID, CONTACT_ID, OK, SILENT, VISIBILITY_S
from tests.support.delivery_simulation import Simulation
from tests.support.hypothesis_profiles import examples

NEIGHBOUR = "01941f29-0000-7000-8000-00000000000b"
SLOW = replace(OK, duration_ms=14_000)


def neighbours_delays(simulation: Simulation, seconds: int) -> list[float]:
    """What a neighbour's deliveries wait that are sent one each second."""
    webhook_id, url = simulation.register(NEIGHBOUR, 1000)
    sent: dict[str, int] = {}
    for _ in range(seconds):
        at_ms = simulation.clock.at_ms
        (ref,) = simulation.dispatch(NEIGHBOUR, webhook_id)
        sent[ref.event_id] = at_ms
        simulation.run(1)
    simulation.run(20)
    delays = simulation.delays(sent, url)
    assert len(delays) == seconds
    return delays


@pytest.mark.parametrize(("workers", "at_once", "batch"), [(10, 2, 1), (50, 2, 1), (10, 2, 10), (50, 25, 10)])
@pytest.mark.parametrize("reply", [SLOW, SILENT], ids=["slow", "silent"])
def test_an_account_whose_endpoints_hang_delays_nobody_else(
    reply: Reply, workers: int, at_once: int, batch: int
) -> None:
    undisturbed = max(neighbours_delays(Simulation(workers), 3))
    simulation = Simulation(workers, at_once, batch)
    hooks = dict(simulation.register(ACCOUNT_ID, number, reply) for number in range(36))
    for _ in range(3):
        simulation.dispatch(ACCOUNT_ID, *hooks)
    delays = neighbours_delays(simulation, 12)
    assert max(delays) <= max(2 * undisturbed, undisturbed + 1)
    assert simulation.endpoints.most_at_once(set(hooks.values())) == simulation.at_once


def is_at_rest(simulation: Simulation) -> bool:
    """Whether nothing waits, no slot is taken, and no message is on its way."""
    items = [item for item in map(from_item, simulation.harness.moto.items()) if "WAITING" in item["PK"]]
    in_flight = simulation.harness.table.get(keys.deliveries_in_flight(ACCOUNT_ID)) or {}
    # The slot of a worker that died stays until somebody needs it.
    now_s = simulation.clock.at_ms // 1000
    taken = [slot for slot in in_flight.get("slots", ()) if int(slot.partition(".")[0]) > now_s]
    return not (items or taken or "waiting" in in_flight or simulation.queue.waiting)


def events_sent(simulation: Simulation, urls: set[str]) -> Counter[tuple[str, str]]:
    return Counter((sent.url, sent.event_id) for sent in simulation.endpoints.sent if sent.url in urls)


@pytest.mark.parametrize(("reply", "seconds"), [(SLOW, 150), (OK, 5)], ids=["slow", "fast"])
@pytest.mark.parametrize("at_once", [1, 2, 10])
def test_what_waits_is_sent_once_and_costs_few_messages(reply: Reply, seconds: int, at_once: int) -> None:
    simulation = Simulation(50, at_once)
    hooks = dict(simulation.register(ACCOUNT_ID, number, reply) for number in range(6))
    for _ in range(3):
        simulation.dispatch(ACCOUNT_ID, *hooks)
    simulation.run(seconds * 2 // at_once + 1)
    assert set(events_sent(simulation, set(hooks.values())).values()) == {1}
    assert len(simulation.endpoints.sent) == 18
    assert simulation.endpoints.most_at_once(set(hooks.values())) == at_once
    # Each was received once at the beginning, and at most once more when its turn came.
    assert simulation.received <= 2 * 18
    # Two may have been handed the same one: the later message comes back once the claim of the other has ended.
    simulation.run(LEASE * 2)
    assert len(simulation.endpoints.sent) == 18
    assert is_at_rest(simulation)


def test_the_slot_of_a_worker_that_died_is_free_after_its_lease() -> None:
    simulation = Simulation(50)
    (webhook_id, url), (dead_id, dead_url) = (simulation.register(ACCOUNT_ID, number) for number in range(2))
    simulation.kills = [dead_url, dead_url]
    simulation.dispatch(ACCOUNT_ID, dead_id)
    simulation.dispatch(ACCOUNT_ID, dead_id)
    simulation.run(1)
    simulation.dispatch(ACCOUNT_ID, webhook_id)
    simulation.run(LEASE - 2)
    assert not events_sent(simulation, {url})
    assert simulation.received == 3
    # The next delivery finds their leases ended, and does not forget what waits.
    simulation.run(2)
    simulation.dispatch(ACCOUNT_ID, webhook_id)
    simulation.run(1)
    assert list(events_sent(simulation, {url}).values()) == [1, 1]
    simulation.run(VISIBILITY_S)
    assert list(events_sent(simulation, {dead_url}).values()) == [2, 2]
    assert is_at_rest(simulation)


def test_whoever_comes_after_workers_that_died_attempts_what_waits() -> None:
    """Nothing else happens in the account: the messages of the dead come back, and find their attempts' leases over."""
    simulation = Simulation(50)
    (webhook_id, url), (dead_id, dead_url) = (simulation.register(ACCOUNT_ID, number) for number in range(2))
    simulation.kills = [dead_url, dead_url]
    simulation.dispatch(ACCOUNT_ID, dead_id)
    simulation.dispatch(ACCOUNT_ID, dead_id)
    simulation.run(1)
    for _ in range(5):
        simulation.dispatch(ACCOUNT_ID, webhook_id)
    simulation.harness.webhooks.remove(ACCOUNT_ID, dead_id, Outcome(action=Action.DELETED), None, 0)
    simulation.run(VISIBILITY_S + 1)
    assert list(events_sent(simulation, {url}).values()) == [1] * 5
    assert is_at_rest(simulation)


def deleted(simulation: Simulation, webhook_id: str) -> None:
    simulation.harness.webhooks.remove(ACCOUNT_ID, webhook_id, Outcome(action=Action.DELETED), None, 0)


def parked(simulation: Simulation, webhook_id: str) -> None:
    """Its endpoint fails, and is tried with another delivery, in twelve hours."""
    webhook, now_s = simulation.harness.webhook(webhook_id), simulation.clock.at_ms // 1000
    simulation.harness.webhooks.note_failure(webhook, iso(simulation.clock.at_ms))
    simulation.harness.webhooks.set_probe(webhook, CONTACT_ID, now_s + 12 * HOUR, now_s)


@pytest.mark.parametrize("happens", [deleted, parked])
def test_a_message_whose_delivery_needs_no_slot_goes_on_with_what_waits(
    happens: Callable[[Simulation, str], None],
) -> None:
    """It may be the message by which a worker without time left handed over all that waits."""
    simulation = Simulation(50, 1)
    (webhook_id, url), (other_id, _) = (simulation.register(ACCOUNT_ID, number, SLOW) for number in range(2))
    for _ in range(4):
        simulation.dispatch(ACCOUNT_ID, webhook_id)
        simulation.dispatch(ACCOUNT_ID, other_id)
    simulation.run(1)
    happens(simulation, other_id)
    simulation.run(120)
    assert list(events_sent(simulation, {url}).values()) == [1] * 4
    in_flight = simulation.harness.table.get(keys.deliveries_in_flight(ACCOUNT_ID)) or {}
    assert not simulation.queue.waiting
    assert "waiting" not in in_flight


def test_a_message_that_fails_each_time_does_not_keep_the_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All that waits was handed over with it."""
    simulation = Simulation(50, 1)
    webhook_id, url = simulation.register(ACCOUNT_ID, 1, SLOW)
    events = [simulation.dispatch(ACCOUNT_ID, webhook_id)[0] for _ in range(6)]
    event, broken = DeliveryWorker._event, events[1::2]

    def fails(worker: DeliveryWorker, ref: DeliveryRef, *found: Any) -> Event | None:
        if ref in broken:
            raise ValueError
        return event(worker, ref, *found)

    monkeypatch.setattr(DeliveryWorker, "_event", fails)
    simulation.run(4 * VISIBILITY_S)
    assert len(events_sent(simulation, {url})) == 3


def test_what_waits_and_cannot_be_attempted_is_left_to_a_message_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It then fails by itself, and ends in the dead letters. Others that wait are attempted."""
    simulation = Simulation(50, 1)
    webhook_id, url = simulation.register(ACCOUNT_ID, 1, replace(OK, duration_ms=1000))
    first, broken, last = (simulation.dispatch(ACCOUNT_ID, webhook_id)[0] for _ in range(3))
    event = DeliveryWorker._event

    def fails(worker: DeliveryWorker, ref: DeliveryRef, *found: Any) -> Event | None:
        if ref == broken:
            raise ValueError
        return event(worker, ref, *found)

    monkeypatch.setattr(DeliveryWorker, "_event", fails)
    simulation.run(60)
    assert {event_id for _, event_id in events_sent(simulation, {url})} == {first.event_id, last.event_id}
    assert simulation.fails
    (left,) = simulation.queue.waiting
    assert left.message.body == broken.message(1)
    simulation.queue.waiting.clear()
    assert is_at_rest(simulation)


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_whatever_happens_the_cap_holds_and_everything_is_sent(data: st.DataObject) -> None:
    """Fast, slow and broken endpoints, workers that die, an operator who stops and starts them: never more in flight
    than allowed, and nothing is left."""
    at_once = data.draw(st.sampled_from([1, 2, 3, 5, 9]))
    simulation = Simulation(data.draw(st.integers(1, 8)), at_once)
    replies = data.draw(
        st.lists(st.sampled_from([OK, SLOW, replace(OK, duration_ms=400)]), min_size=1, max_size=3)
    )
    hooks = dict(simulation.register(ACCOUNT_ID, number, reply) for number, reply in enumerate(replies))
    urls = set(hooks.values())
    simulation.kills = data.draw(st.lists(st.sampled_from(sorted(urls)), max_size=2))
    kills = len(simulation.kills)
    events = data.draw(st.lists(st.sampled_from([0, 0, 1, 20]), min_size=1, max_size=6))
    for pause in events:
        simulation.stopped = data.draw(st.sampled_from([set(), set(), {ACCOUNT_ID}]))
        simulation.dispatch(ACCOUNT_ID, *hooks)
        simulation.run(pause)
    simulation.stopped = set()
    simulation.run(1500)
    sent = events_sent(simulation, urls)
    assert len(sent) == len(events) * len(hooks)
    assert sum(sent.values()) - len(sent) <= kills
    assert simulation.endpoints.most_at_once(urls) <= at_once
    assert is_at_rest(simulation)
