"""One attempt after the other: what is sent, what is written down, and what happens when things go wrong in between."""

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier

from contacts.book.model import Action, Outcome
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.time import DAY, iso, parsed
from contacts.erasure.store import TraceStore
from contacts.table import keys
from contacts.webhooks.delivery import LEASE, signed_headers
from contacts.webhooks.model import (
    MAX_ATTEMPTS_EVER,
    Attempt,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
    Reply,
    sent_again,
)
from contacts.webhooks.store import DeliveryModified, DeliveryStore, WebhookStore
from tests.support.app import App
from tests.support.delivery_harness import (
    ACCOUNT_ID,
    BROKEN,
    CONTACT_ID,
    GONE,
    HOOK,
    OK,
    OLD_SECRET,
    SECRET,
    SILENT,
    VISIBILITY_S,
    DeliveryHarness,
)
from tests.support.event_harness import ErasureDesk
from tests.support.hypothesis_profiles import examples
from tests.support.interrupted import Interrupted

PENDING, DELIVERED = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED
FAILED, ERASED = DeliveryStatus.FAILED, DeliveryStatus.ERASED


@pytest.fixture
def harness() -> DeliveryHarness:
    made = DeliveryHarness()
    made.register()
    return made


def verified(harness: DeliveryHarness, secret: str = SECRET, number: int = -1) -> Any:
    """The event of a request, if its signature is right; the moment of signing is not held against it."""
    request = harness.endpoint.requests[number]
    stamp = int(request.headers["webhook-timestamp"])
    again = signed_headers(request.event_id, stamp, request.body.decode(), [secret])
    assert again["webhook-signature"] in request.headers["webhook-signature"].split(" ")
    return json.loads(request.body)


def erase(harness: DeliveryHarness) -> None:
    desk = ErasureDesk(App(harness.moto.client(), clock=harness.clock))
    for _ in ("writes the tombstone", "erases"):
        desk.handle({"account_id": ACCOUNT_ID, "contact_id": CONTACT_ID, "version": 1})
    desk.second_passes()


# What is sent


def test_an_event_arrives_signed_and_is_written_down(harness: DeliveryHarness) -> None:
    ref = harness.dispatch()
    harness.run()
    (request,) = harness.endpoint.requests
    assert request.url == "https://hooks.example.com/contacts"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == "Contacts-Webhooks/1"
    assert request.headers["webhook-id"] == ref.event_id
    assert request.headers["webhook-timestamp"] == str(request.at_ms // 1000)
    event = verified(harness)
    assert event["id"] == ref.event_id
    assert event["data"]["contact"]["email"] == "ada@example.com"
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.next_attempt_at) == (DELIVERED, None)
    (attempt,) = delivery.attempts
    assert (attempt.at, attempt.status_code, attempt.error) == (iso(request.at_ms), 200, None)
    assert (attempt.duration_ms, attempt.response) == (12, "thanks")
    assert harness.next_due_ms() is None
    assert harness.item(ref) is not None
    assert harness.item(ref)["ttl"] == request.at_ms // 1000 + 30 * DAY  # type: ignore[index]


def test_the_public_package_verifies_it() -> None:
    """By its own clock; the signature over the very bytes that are sent."""
    now = __import__("time").time_ns() // 1_000_000
    harness = DeliveryHarness()
    harness.clock.at_ms = now
    harness.register()
    harness.dispatch()
    harness.run()
    (request,) = harness.endpoint.requests
    assert Verifier(SECRET).verify(request.body, dict(request.headers))["type"] == "contact.updated"


@pytest.mark.parametrize(("hours", "secrets"), [(23, 2), (25, 1)])
def test_both_secrets_sign_for_a_day_after_a_rotation(hours: int, secrets: int) -> None:
    harness = DeliveryHarness()
    until_s = harness.clock.at_ms // 1000 + DAY
    harness.register(previous_secret=OLD_SECRET, previous_secret_until=until_s)
    harness.clock.at_ms += hours * 3_600_000
    harness.dispatch()
    harness.run()
    signatures = harness.endpoint.requests[0].headers["webhook-signature"].split(" ")
    assert len(signatures) == secrets
    assert all(signature.startswith("v1,") for signature in signatures)
    verified(harness)
    if secrets == 2:
        verified(harness, OLD_SECRET)


def test_a_secret_rotated_between_two_attempts_signs_the_second(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN, OK]
    harness.dispatch()
    harness.run(at_most=1)
    new = "whsec_" + b64encode(b"n" * 32).decode()
    before = harness.webhook()
    until = harness.clock.at_ms // 1000 + DAY
    after = replace(before, secret=new, previous_secret=before.secret, previous_secret_until=until)
    harness.webhooks.change(before, after, Outcome(action=Action.UPDATED), None, harness.clock.at_ms)
    harness.run()
    verified(harness, SECRET, 0)
    verified(harness, new, 1)
    verified(harness, SECRET, 1)


def test_numbers_keep_their_value(harness: DeliveryHarness) -> None:
    fields = {"score": Decimal("0.1234567890123456789"), "n": 12, "text": "Олена さくら 😀"}
    harness.dispatch(changed=["custom_fields"], previous={"custom_fields": fields})
    harness.run()
    body = harness.endpoint.requests[0].body.decode()
    assert '"score":0.1234567890123456789,' in body
    assert "Олена さくら 😀" in body
    verified(harness)


def test_each_endpoint_has_a_delivery_of_its_own(harness: DeliveryHarness) -> None:
    harness.register("wh_other", url="https://other.example.com/")
    harness.dispatch(HOOK, "wh_other")
    harness.run()
    assert sorted(request.url for request in harness.endpoint.requests) == [
        "https://hooks.example.com/contacts",
        "https://other.example.com/",
    ]
    (one,), (other,) = harness.log(), harness.log("wh_other")
    assert one.ref.delivery_id != other.ref.delivery_id
    assert one.ref.event_id == other.ref.event_id


# What is not sent


def test_a_deleted_endpoint_is_sent_nothing_and_keeps_no_log(harness: DeliveryHarness) -> None:
    ref = harness.dispatch()
    harness.webhooks.remove(ACCOUNT_ID, HOOK, Outcome(action=Action.DELETED), None, harness.clock.at_ms)
    harness.run()
    assert (harness.endpoint.requests, harness.item(ref)) == ([], None)


def test_an_endpoint_that_is_switched_off_is_sent_nothing(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN]
    waiting = harness.dispatch()
    harness.run(at_most=1)
    fresh = harness.dispatch()
    harness.webhooks.disable(harness.webhook(), DisabledReason.GONE)
    harness.run()
    assert len(harness.endpoint.requests) == 1
    for ref, attempts in ((waiting, 1), (fresh, 0)):
        delivery = harness.delivery(ref)
        assert (delivery.status, delivery.next_attempt_at) == (FAILED, None)
        assert len(delivery.attempts) == attempts
    assert harness.dead_letters.sent == []


def test_one_that_is_switched_off_after_a_kill_keeps_no_message_waiting(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    harness.deliveries.claim(ref, 1, "killed", harness.clock.now_ms(), LEASE)
    harness.clock.at_ms += VISIBILITY_S * 1000
    harness.webhooks.disable(harness.webhook(), DisabledReason.GONE)
    assert [harness.take(ref, 1), harness.take(ref, 1)] == [None, None]
    assert harness.delivery(ref).status is FAILED


def test_an_event_that_is_no_longer_kept_fails(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    lost = replace(ref, appended_at="2025-01-01T00:00:00.000Z")
    assert harness.take(lost, 1) is None
    assert harness.endpoint.requests == []
    assert harness.delivery(ref).status is FAILED


@pytest.mark.parametrize("attempts_before", [0, 2])
def test_nothing_is_sent_of_somebody_who_was_erased(harness: DeliveryHarness, attempts_before: int) -> None:
    harness.endpoint.answers = [BROKEN]
    ref = harness.dispatch()
    for _ in range(attempts_before):
        harness.run(at_most=1)
    erase(harness)
    harness.run()
    assert len(harness.endpoint.requests) == attempts_before
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.next_attempt_at) == (ERASED, None)
    assert [attempt.response for attempt in delivery.attempts] == [None] * attempts_before


def test_an_erased_event_ends_the_delivery_even_where_erasure_has_not_come_to_it(
    harness: DeliveryHarness,
) -> None:
    ref = harness.dispatch()
    assert ref.appended_at is not None
    TraceStore(harness.table).strip_event(ACCOUNT_ID, ref.appended_at, ref.event_id)
    harness.run()
    assert harness.endpoint.requests == []
    assert harness.delivery(ref).status is ERASED


@pytest.mark.parametrize("reply", [OK, BROKEN, SILENT], ids=["taken", "refused", "silent"])
def test_of_somebody_erased_meanwhile_no_answer_is_kept(harness: DeliveryHarness, reply: Reply) -> None:
    harness.endpoint.answers = [reply]
    harness.endpoint.meanwhile = lambda: erase(harness)
    ref = harness.dispatch()
    harness.run()
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.done, delivery.next_attempt_at) == (ERASED, 1, None)
    assert [attempt.response for attempt in delivery.attempts] == [None]
    assert "Oops" not in str(harness.moto.items())
    assert harness.next_due_ms() is None


def test_what_is_answered_to_the_news_of_an_erasure_is_not_kept(harness: DeliveryHarness) -> None:
    """An endpoint may well say whom it has deleted now, and nobody erases that afterwards."""
    harness.endpoint.answers = [BROKEN, OK]
    ref = harness.dispatch(contact={"id": CONTACT_ID, "version": 3}, permanent=True)
    harness.run()
    delivery = harness.delivery(ref)
    assert [(attempt.status_code, attempt.response) for attempt in delivery.attempts] == [
        (500, None),
        (200, None),
    ]


def test_an_attempt_is_not_begun_that_could_not_be_finished(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    harness.time_left = 32.9
    with pytest.raises(TemporarilyUnavailable):
        harness.take(ref, 1)
    assert (harness.endpoint.requests, harness.item(ref)) == ([], None)
    harness.time_left = 33.0
    harness.take(ref, 1)
    assert harness.delivery(ref).status is DELIVERED


@pytest.mark.parametrize(
    "body", [{}, {"delivery_id": "x"}, {"attempt": 1}, {"attempt": None, "ungrouped": True}]
)
def test_what_is_no_such_message_is_refused(harness: DeliveryHarness, body: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        harness.delivery_worker().handle(body)


# Messages that come twice


def test_a_message_that_comes_again_is_dropped(harness: DeliveryHarness) -> None:
    ref = harness.dispatch()
    harness.run()
    for attempt in (1, 2, 7):
        assert harness.take(ref, attempt) is None
    assert len(harness.endpoint.requests) == 1
    assert harness.next_due_ms() is None


def test_a_message_that_comes_again_between_two_attempts_asks_for_the_next_one_again(
    harness: DeliveryHarness,
) -> None:
    harness.endpoint.answers = [BROKEN, OK]
    ref = harness.dispatch()
    harness.run(at_most=1)
    assert harness.take(ref, 1) is None
    assert [message.body["attempt"] for message in harness.queue.sent] == [1, 2, 2]
    harness.run()
    assert len(harness.endpoint.requests) == 2
    assert harness.delivery(ref).status is DELIVERED


def test_of_two_at_once_one_sends_and_the_other_waits_for_its_lease(harness: DeliveryHarness) -> None:
    waits: list[int | None] = []
    (ref,) = harness.happen()
    harness.endpoint.answers = [replace(BROKEN, duration_ms=0), OK]
    harness.endpoint.meanwhile = lambda: waits.append(harness.take(ref, 1))
    assert harness.take(ref, 1) is None
    assert waits == [LEASE]
    assert len(harness.endpoint.requests) == 1
    # The other one comes back, and finds the attempt made.
    assert harness.take(ref, 1) is None
    assert len(harness.endpoint.requests) == 1


def test_the_lease_of_whoever_ended_is_over_before_its_message_comes_back(harness: DeliveryHarness) -> None:
    assert LEASE < VISIBILITY_S
    (ref,) = harness.happen()
    harness.deliveries.claim(ref, 1, "whoever", harness.clock.now_ms(), LEASE)
    harness.clock.at_ms += (LEASE - 1) * 1000
    assert harness.take(ref, 1) == 1
    assert harness.endpoint.requests == []
    harness.clock.at_ms += 1000
    assert harness.take(ref, 1) is None
    assert harness.delivery(ref).status is DELIVERED


def test_who_comes_after_its_lease_writes_nothing_over_its_successor(harness: DeliveryHarness) -> None:
    """It cannot be, because a function ends before; but if it could, the successor's word would count."""
    (ref,) = harness.happen()
    harness.endpoint.answers = [replace(BROKEN, duration_ms=61_000), replace(OK, duration_ms=10)]
    harness.endpoint.meanwhile = lambda: harness.take(ref, 1)
    harness.take(ref, 1)
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.done) == (DELIVERED, 1)
    assert [attempt.status_code for attempt in delivery.attempts] == [200]
    assert harness.next_due_ms() is None


def test_only_the_latest_to_begin_an_attempt_can_record_it(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    early = harness.deliveries.claim(ref, 1, "early", harness.clock.now_ms(), LEASE)
    harness.clock.at_ms += LEASE * 1000
    late = harness.deliveries.claim(ref, 1, "late", harness.clock.now_ms(), LEASE)
    with pytest.raises(DeliveryModified) as moved:
        harness.deliveries.record(early, replace(early, done=1, status=FAILED))
    assert moved.value.delivery == late
    harness.deliveries.record(late, replace(late, done=1, status=DELIVERED))
    assert harness.delivery(ref).status is DELIVERED


def test_a_message_from_before_the_delivery_was_forgotten_is_dropped(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    assert harness.take(ref, 3) is None
    assert (harness.endpoint.requests, harness.item(ref)) == ([], None)


# Kills


def ended(
    *answers: Reply, kills: tuple[int, ...] = (), before: Callable[[DeliveryHarness], object] = lambda _: None
) -> tuple[DeliveryHarness, DeliveryRef]:
    """Everything that follows from an event; the n-th process ends after its call number kills[n]."""
    harness = DeliveryHarness(*answers)
    harness.register()
    before(harness)
    ref = harness.dispatch()
    for calls in kills:
        harness.life.made, harness.life.calls = 0, calls
        harness.run(at_most=1)
    harness.life.made, harness.life.calls = 0, 1_000_000
    harness.run()
    return harness, ref


def failing_for_days(harness: DeliveryHarness) -> None:
    webhook = harness.webhook()
    harness.webhooks.note_failure(webhook, iso(harness.clock.at_ms - 6 * DAY * 1000))


SITUATIONS = [
    pytest.param((OK,), lambda _: None, id="taken"),
    pytest.param((BROKEN, OK), lambda _: None, id="refused first"),
    pytest.param((GONE,), lambda _: None, id="gone"),
    pytest.param((BROKEN, BROKEN), failing_for_days, id="failing for days"),
    pytest.param((OK,), failing_for_days, id="works again"),
]


@pytest.mark.parametrize(("answers", "before"), SITUATIONS)
def test_killed_after_any_call_the_next_try_completes_it(
    answers: tuple[Reply, ...], before: Callable[[DeliveryHarness], object]
) -> None:
    expected, its_ref = ended(*answers, before=before)
    for calls in count(1):
        harness, ref = ended(*answers, kills=(calls,), before=before)
        if harness.kills == 0:
            break
        # What was sent and not written down is sent again.
        assert len(harness.endpoint.requests) - len(harness.delivery(ref).attempts) in (0, 1)
        delivery, wanted = harness.delivery(ref), expected.delivery(its_ref)
        assert delivery.status is wanted.status, calls
        webhook, other = harness.webhook(), expected.webhook()
        assert (webhook.is_active, webhook.disabled_reason) == (other.is_active, other.disabled_reason)
        assert (webhook.failing_since is None) == (other.failing_since is None)
        assert delivery.done == delivery.begun == len(delivery.attempts)
        assert {request.event_id for request in harness.endpoint.requests} == {ref.event_id}
    assert calls > 5


def test_killed_after_any_call_the_last_attempt_still_ends_in_a_dead_letter() -> None:
    for calls in count(1):
        harness = DeliveryHarness(BROKEN)
        harness.register()
        ref = harness.dispatch()
        harness.run_until_made(ref, 14)
        harness.life.made, harness.life.calls = 0, calls
        harness.run()
        harness.life.calls = 1_000_000
        assert harness.delivery(ref).status is FAILED
        assert len(harness.delivery(ref).attempts) == 15
        assert harness.dead_letters.sent
        assert {message.body["delivery_id"] for message in harness.dead_letters.sent} == {ref.delivery_id}
        if harness.kills == 0:
            assert len(harness.dead_letters.sent) == 1
            break
    assert calls > 5


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
@given(
    answers=st.lists(st.sampled_from([OK, BROKEN, SILENT, BROKEN]), min_size=1, max_size=8),
    kills=st.lists(st.integers(1, 9), max_size=4),
    repeated=st.lists(st.integers(1, 4), max_size=3),
)
def test_whatever_happens_each_attempt_is_made_and_written_down_once(
    answers: list[Reply], kills: list[int], repeated: list[int]
) -> None:
    """Kills anywhere, messages that come again: in the end an endpoint that takes it has got it."""
    harness = DeliveryHarness(*answers, OK)
    harness.register()
    ref = harness.dispatch()
    for number, calls in enumerate(kills):
        harness.life.made, harness.life.calls = 0, calls
        harness.run(at_most=1)
        harness.life.calls = 1_000_000
        if number < len(repeated):
            wait_s = harness.take(ref, repeated[number])
            assert wait_s is None or 0 < wait_s <= LEASE
    harness.run()
    delivery = harness.delivery(ref)
    assert delivery.status is DELIVERED
    assert delivery.done == delivery.begun == len(delivery.attempts)
    assert [attempt.is_success for attempt in delivery.attempts].count(True) == 1
    assert delivery.attempts[-1].is_success
    moments = [attempt.at for attempt in delivery.attempts]
    assert moments == sorted(moments)
    sent = [iso(request.at_ms) for request in harness.endpoint.requests]
    assert set(moments) <= set(sent)
    # Sent without being written down: only where somebody was killed right after.
    assert len(sent) - len(moments) <= harness.kills
    assert harness.next_due_ms() is None
    assert harness.webhook().failing_since is None


# Faults


class Faulty:
    """A client whose n-th call fails with an error code, before or after it was carried out."""

    def __init__(self, client: Any, at_call: int, code: str, *, is_late: bool = False) -> None:
        self._client, self._at_call, self._code, self._is_late = client, at_call, code, is_late
        self.calls = 0

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls += 1
            if self.calls != self._at_call:
                return getattr(self._client, method)(**request)
            if self._is_late:
                getattr(self._client, method)(**request)
            raise ClientError(
                {"Error": {"Code": self._code}, "ResponseMetadata": {"HTTPStatusCode": 500}}, method
            )

        return call


class Repeating:
    """A client that makes each write twice, as the SDK does when the first answer gets lost."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if method == "update_item":
                # A condition that does not hold the first time does not hold the second time.
                with suppress(ClientError):
                    getattr(self._client, method)(**request)
            return getattr(self._client, method)(**request)

        return call


def on(wire: Callable[[Any], Any], *answers: Reply) -> DeliveryHarness:
    """A harness in which everything works until the event is on its way, and from then on over a wire."""
    harness = DeliveryHarness(*answers)
    harness.register()
    harness.dispatch()
    table: Any = harness.table
    table._client = wire(table._client)
    return harness


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "TransactionConflictException"])
@pytest.mark.parametrize("is_late", [False, True], ids=["not done", "done"])
def test_a_fault_at_any_call_passes(code: str, is_late: bool) -> None:
    for at_call in range(1, 8):
        harness = on(lambda client, at=at_call: Faulty(client, at, code, is_late=is_late), BROKEN, BROKEN, OK)
        harness.run()
        (delivery,) = harness.log()
        assert delivery.status is DELIVERED
        assert delivery.done == delivery.begun == len(delivery.attempts)
        assert len(harness.endpoint.requests) <= len(delivery.attempts) + 1
        assert harness.next_due_ms() is None


def test_a_call_that_the_sdk_repeats_is_taken_for_what_it_is() -> None:
    harness = on(Repeating, BROKEN, OK)
    harness.run()
    (delivery,) = harness.log()
    assert delivery.status is DELIVERED
    assert len(harness.endpoint.requests) == len(delivery.attempts) == 2
    assert [message.body["attempt"] for message in harness.queue.sent] == [1, 2]


def test_where_the_queue_is_down_the_message_comes_back(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN, OK]
    ref = harness.dispatch()
    harness.queue.is_down = True
    harness.run(at_most=1)
    harness.queue.is_down = False
    assert harness.delivery(ref).status is PENDING
    harness.run()
    assert harness.delivery(ref).status is DELIVERED
    assert len(harness.endpoint.requests) == 2


def test_a_writer_that_never_gives_way_is_waited_for_and_then_left_to_the_next_try(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ref,) = harness.happen()

    def conflict(*_: object) -> None:
        raise Contention

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(DeliveryStore, "record", conflict)
        with pytest.raises(Contention):
            harness.take(ref, 1)
    assert len(harness.clock.slept) == 7
    harness.clock.at_ms += VISIBILITY_S * 1000
    harness.take(ref, 1)
    assert harness.delivery(ref).status is DELIVERED


# Asked for again meanwhile


def ask_again(harness: DeliveryHarness, ref: DeliveryRef) -> None:
    """What `redeliver` writes and sends."""
    before = harness.delivery(ref)
    now_ms = harness.clock.now_ms()
    harness.deliveries.begin_again(
        before, sent_again(before, now_ms), Outcome(action=Action.QUEUED), None, now_ms
    )
    harness.queue.put(type(harness.queue.sent[0])(body=ref.message(before.done + 1), group=ACCOUNT_ID), 0)


def test_redelivering_begins_the_whole_schedule_anew(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN]
    ref = harness.dispatch()
    harness.run()
    assert harness.delivery(ref).status is FAILED
    # Without a success of another one it would be disabled before the second round is over.
    harness.endpoint.answers = [OK]
    other = harness.dispatch()
    harness.run()
    harness.endpoint.answers = [BROKEN]
    harness.clock.at_ms += 60_000
    ask_again(harness, ref)
    assert harness.delivery(ref).status is PENDING
    harness.run()
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.done) == (FAILED, 30)
    assert [message.body["attempt"] for message in harness.dead_letters.sent] == [15, 30]
    harness.endpoint.answers = [OK]
    harness.clock.at_ms += 60_000
    ask_again(harness, ref)
    harness.run()
    assert harness.delivery(ref).status is DELIVERED
    requests = [request for request in harness.endpoint.requests if request.event_id != other.event_id]
    assert {request.event_id for request in requests} == {ref.event_id}
    assert len({request.headers["webhook-timestamp"] for request in requests}) == 31


def test_a_delivery_that_waits_is_sent_now_and_its_later_message_dropped(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN] * 6 + [OK]
    ref = harness.dispatch()
    harness.run_until_made(ref, 6)
    began_ms = harness.clock.now_ms()
    ask_again(harness, ref)
    harness.run(at_most=1)
    assert harness.clock.now_ms() - began_ms < 1000
    assert harness.delivery(ref).status is DELIVERED
    harness.run()
    assert harness.clock.now_ms() - began_ms > 3_000_000
    assert len(harness.endpoint.requests) == 7


@pytest.mark.parametrize(("reply", "status"), [(OK, DELIVERED), (BROKEN, PENDING)])
def test_asked_for_again_while_the_endpoint_answers(
    harness: DeliveryHarness, reply: Reply, status: DeliveryStatus
) -> None:
    """The attempt under way is the first of the new round."""
    harness.endpoint.answers = [BROKEN, reply]
    ref = harness.dispatch()
    harness.run(at_most=1)
    harness.endpoint.meanwhile = lambda: ask_again(harness, ref)
    harness.run(at_most=1)
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.done, delivery.round_began_after) == (status, 2, 1)
    if delivery.next_attempt_at is not None:
        assert 4_500 <= parsed(delivery.next_attempt_at) - harness.clock.now_ms() <= 5_500
    harness.endpoint.answers = [OK]
    harness.run()
    assert harness.delivery(ref).status is DELIVERED


# How endpoints do


def test_the_first_failure_is_remembered_and_a_success_forgets_it(harness: DeliveryHarness) -> None:
    harness.endpoint.answers = [BROKEN, BROKEN, OK]
    harness.dispatch()
    harness.run(at_most=1)
    first = iso(harness.endpoint.requests[0].at_ms)
    assert harness.webhook().failing_since == first
    harness.run(at_most=1)
    assert harness.webhook().failing_since == first
    harness.run()
    assert harness.webhook().failing_since is None


def test_a_message_that_comes_late_does_not_undo_later_failures(harness: DeliveryHarness) -> None:
    early = harness.dispatch()
    harness.run()
    harness.endpoint.answers = [BROKEN]
    harness.clock.at_ms += 1000
    harness.dispatch()
    harness.run(at_most=1)
    failing_since = harness.webhook().failing_since
    assert failing_since is not None
    harness.take(early, 1)
    assert harness.webhook().failing_since == failing_since


def test_a_message_that_comes_late_does_not_undo_what_the_owner_did(harness: DeliveryHarness) -> None:
    """Such as the promised message of a redelivery, half a minute later."""
    harness.endpoint.answers = [GONE]
    ref = harness.dispatch()
    harness.run()
    webhook = harness.webhook()
    assert not webhook.is_active
    back = replace(webhook, is_active=True, disabled_reason=None, failing_since=None)
    harness.webhooks.change(webhook, back, Outcome(action=Action.UPDATED), None, harness.clock.at_ms)
    harness.take(ref, 1)
    assert harness.webhook() == back


def test_where_a_failure_cannot_be_noted_the_attempt_still_is(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise TemporarilyUnavailable

    harness.endpoint.answers = [BROKEN]
    ref = harness.dispatch()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(WebhookStore, "note_failure", busy)
        harness.run(at_most=1)
    assert [attempt.status_code for attempt in harness.delivery(ref).attempts] == [500]
    assert harness.webhook().failing_since is None
    harness.run(at_most=1)
    assert harness.webhook().failing_since == harness.delivery(ref).attempts[1].at


def test_sending_costs_no_write_of_an_endpoint_that_works(
    harness: DeliveryHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = harness.dispatch()
    harness.life.made = 0
    harness.run()
    # Webhook, event and delivery; a slot; the endpoint itself; record; the slot back.
    assert harness.life.made == 5
    assert harness.delivery(ref).status is DELIVERED


def slots(harness: DeliveryHarness) -> set[str]:
    return set((harness.table.get(keys.deliveries_in_flight(ACCOUNT_ID)) or {}).get("slots", ()))


def test_a_worker_of_a_large_account_gives_several_slots_back_at_once(harness: DeliveryHarness) -> None:
    """A quarter of 25 may be kept. The seventh goes back with the six before it."""
    harness.at_once = 25
    worker, made, taken = harness.delivery_worker(), [], []
    for _ in range(14):
        (ref,) = harness.happen()
        harness.life.made = 0
        worker.handle(ref.message(1))
        made.append(harness.life.made)
        taken.append(len(slots(harness)))
    assert taken == [1, 2, 3, 4, 5, 6, 0] * 2
    assert made == [4, 4, 4, 4, 4, 4, 5] * 2
    assert {one.status for one in harness.log()} == {DELIVERED}


def test_threads_of_one_worker_deliver_each_event_once(harness: DeliveryHarness) -> None:
    harness.at_once = 25
    worker, refs = harness.delivery_worker(), [harness.happen()[0] for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        waits = list(pool.map(lambda ref: worker.handle(ref.message(1)), refs))
    assert waits == [None] * 20
    assert sorted(request.event_id for request in harness.endpoint.requests) == [ref.event_id for ref in refs]
    assert {(one.status, one.done) for one in harness.log()} == {(DELIVERED, 1)}
    assert len(slots(harness)) <= 25 // 4


def test_slots_that_their_workers_have_left_behind_are_given_back_by_others(harness: DeliveryHarness) -> None:
    harness.at_once = 8
    for number in range(6):
        (ref,) = harness.happen()
        harness.take(ref, 1)  # each by a worker of its own
        harness.clock.at_ms += (LEASE + 1) * 1000 if number == 2 else 0
    assert len(slots(harness)) == 2


def test_a_slot_that_was_kept_is_not_in_the_way_of_a_message_that_comes_again(
    harness: DeliveryHarness,
) -> None:
    harness.at_once = 25
    (ref,) = harness.happen()
    assert [harness.take(ref, 1), harness.take(ref, 1)] == [None, None]
    assert len(harness.endpoint.requests) == 1


def test_slots_of_an_earlier_release_are_counted(harness: DeliveryHarness) -> None:
    """They name no delivery."""
    until_s = harness.clock.at_ms // 1000 + LEASE
    for token in ("0123456789abcdef", "fedcba9876543210"):
        harness.app.delivery_worker()._slots.take(ACCOUNT_ID, f"{until_s}.{token}", 2, 0)
    (ref,) = harness.happen()
    assert harness.take(ref, 1) is None
    assert harness.endpoint.requests == []
    harness.clock.at_ms += LEASE * 1000
    (other,) = harness.happen()
    harness.take(other, 1)
    assert {request.event_id for request in harness.endpoint.requests} == {ref.event_id, other.event_id}


def test_whenever_somebody_is_erased_no_answer_about_them_is_kept() -> None:
    """Between any two calls of a first attempt, which nothing in the table but a slot tells of."""
    for after in count(1):
        harness = DeliveryHarness(replace(OK, response="Oops"))
        harness.register()
        (ref,) = harness.happen()
        client = Interrupted(harness.moto.client(), after, partial(erase, harness))
        table: Any = harness.table
        table._client = client
        harness.take(ref, 1)
        if client.calls < after:
            break
        assert "Oops" not in str(harness.moto.items()), after
        assert harness.delivery(ref).status in (ERASED, DELIVERED)
    assert after > 3


@pytest.mark.parametrize("happens", ["ends", "is held", "is erased"])
def test_what_is_written_of_a_first_attempt_meanwhile_does_not_hide_its_result(
    harness: DeliveryHarness, happens: str
) -> None:
    """Another message for the same delivery may end it, or let it wait: it has not begun as far as the table tells."""
    (ref,) = harness.happen()

    def meanwhile() -> None:
        now_ms = harness.clock.at_ms
        if happens == "ends":
            harness.deliveries.end(ref, 1, FAILED, now_ms)
        elif happens == "is held":
            harness.deliveries.hold(ref, 1, iso(now_ms + 1000), now_ms)
        else:
            TraceStore(harness.table).strip_delivery(ref, now_ms)

    harness.endpoint.meanwhile = meanwhile
    harness.take(ref, 1)
    delivery = harness.delivery(ref)
    assert delivery.status is (ERASED if happens == "is erased" else DELIVERED)
    assert (delivery.done, delivery.begun, delivery.next_attempt_at) == (1, 1, None)
    assert [attempt.response for attempt in delivery.attempts] == [
        None if happens == "is erased" else "thanks"
    ]


def test_a_hundred_attempts_fit_an_item(harness: DeliveryHarness) -> None:
    (ref,) = harness.happen()
    claimed = harness.deliveries.claim(ref, 1, "whoever", harness.clock.now_ms(), LEASE)
    attempt = Attempt(
        at=iso(0), status_code=500, error="redirect not followed", duration_ms=15_000, response="x" * 1024
    )
    nearly = replace(claimed, done=99, attempts=(attempt,) * 99)
    harness.deliveries.record(claimed, nearly)
    harness.endpoint.answers = [replace(BROKEN, response="x" * 1024)]
    harness.clock.at_ms += LEASE * 1000
    harness.take(ref, 100)
    delivery = harness.delivery(ref)
    assert (delivery.status, delivery.done, len(delivery.attempts)) == (FAILED, MAX_ATTEMPTS_EVER, 100)
    assert len(json.dumps(harness.item(ref), default=str).encode()) < 130 * 1024
