"""The log of deliveries as its owners use it: listing, sending again, trying an endpoint out."""

import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contacts.accounts.model import Caller, Mode, Scope
from contacts.core.time import DAY, iso
from contacts.erasure.store import TraceStore
from contacts.webhooks.delivery import LEASE
from contacts.webhooks.delivery_log import DELAYED_MESSAGE_S
from contacts.webhooks.model import (
    MAX_ATTEMPTS_EVER,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    DisabledReason,
)
from contacts.webhooks.store import DeliveryStore
from local.template import template
from tests.support.app import OTHER_ACCOUNT_ID, Reply, caller_of
from tests.support.delivery_harness import (
    ACCOUNT_ID,
    BROKEN,
    CONTACT_ID,
    HOOK,
    OK,
    SECRET,
    SILENT,
    DeliveryHarness,
)
from tests.support.event_harness import Killed

LIST = "/v1/webhooks/{id}/deliveries"
REDELIVER = "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver"
TEST = "/v1/webhooks/{id}/test"
OPERATIONS = {
    f"GET {LIST}": "list_deliveries",
    f"POST {REDELIVER}": "redeliver_delivery",
    f"POST {TEST}": "test_webhook",
}
UNKNOWN = "019bc1d4-8e00-7000-8000-00000000dead"


class DeliveriesHarness(DeliveryHarness):
    """A harness with its front door: the handlers as they are."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.register()

    @property
    def caller(self) -> Caller:
        """Who asks now."""
        return self.app.caller

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self.app.caller = caller

    def request(self, method: str, route: str, *, key: str | None = None, **more: str) -> Reply:
        """Send a request; what is not in the route is its query."""
        names = {"id": HOOK} | {name: more.pop(name) for name in ("id", "delivery_id") if name in more}
        path = {name: value for name, value in names.items() if f"{{{name}}}" in route}
        headers = {} if key is None else {"idempotency-key": key}
        function = OPERATIONS[f"{method} {route}"]
        return self.app.ask(function, method, route, path, query=more, headers=headers)

    def redeliver(self, ref: DeliveryRef, key: str | None = None) -> Reply:
        return self.request("POST", REDELIVER, key=key, delivery_id=ref.delivery_id)

    def listed(self, **query: str) -> list[dict[str, Any]]:
        """Every page of the list, one after the other."""
        found: list[dict[str, Any]] = []
        for _ in range(1000):
            reply = self.request("GET", LIST, **query)
            assert reply.status == 200, reply
            found += reply.body["data"]
            assert reply.body["has_more"] == (reply.body["next_cursor"] is not None)
            if not reply.body["has_more"]:
                return found
            query["cursor"] = reply.body["next_cursor"]
        raise AssertionError("the list has no end")


@pytest.fixture
def service() -> DeliveriesHarness:
    return DeliveriesHarness()


def delivered(service: DeliveriesHarness) -> DeliveryRef:
    service.endpoint.answers = [OK]
    ref = service.dispatch()
    service.run()
    service.queue.sent.clear()
    return ref


def failed(service: DeliveriesHarness) -> DeliveryRef:
    service.endpoint.answers = [BROKEN]
    ref = service.dispatch()
    service.run()
    # Else the next one would be the end of its five days.
    service.webhooks.note_success(service.webhook())
    service.endpoint.answers = [OK]
    service.queue.sent.clear()
    return ref


def pending(service: DeliveriesHarness) -> DeliveryRef:
    service.endpoint.answers = [BROKEN]
    ref = service.dispatch()
    service.run_until_made(ref, 6)
    service.endpoint.answers = [OK]
    service.queue.sent.clear()
    return ref


# Listing


def test_a_delivery_is_shown_with_all_its_attempts(service: DeliveriesHarness) -> None:
    service.endpoint.answers = [BROKEN, SILENT, OK]
    began_ms = service.clock.now_ms()
    ref = service.dispatch()
    service.run()
    (shown,) = service.listed()
    moments = [iso(request.at_ms) for request in service.endpoint.requests]
    assert shown == {
        "id": ref.delivery_id,
        "webhook_id": HOOK,
        "event_id": ref.event_id,
        "event_type": "contact.updated",
        "status": "delivered",
        "created_at": iso(began_ms),
        "next_attempt_at": None,
        "attempts": [
            {
                "at": moments[0],
                "status_code": 500,
                "error": None,
                "duration_ms": 34,
                "response": "<h1>Oops</h1>",
            },
            {
                "at": moments[1],
                "status_code": None,
                "error": "timeout",
                "duration_ms": 15_000,
                "response": None,
            },
            {"at": moments[2], "status_code": 200, "error": None, "duration_ms": 12, "response": "thanks"},
        ],
    }
    assert SECRET not in json.dumps(shown)


def test_the_newest_come_first_a_page_at_a_time(service: DeliveriesHarness) -> None:
    refs = []
    for _ in range(7):
        refs.append(service.dispatch())
        service.clock.at_ms += 1000
    service.run()
    expected = [ref.delivery_id for ref in reversed(refs)]
    for limit in (1, 2, 3, 7, 100):
        assert [shown["id"] for shown in service.listed(limit=str(limit))] == expected
    page = service.request("GET", LIST, limit="3").body
    assert [len(page["data"]), page["has_more"]] == [3, True]
    assert service.request("GET", LIST, limit="7").body["has_more"] is False


def test_a_status_is_asked_for(service: DeliveriesHarness) -> None:
    some_failed = [failed(service) for _ in range(2)]
    some_delivered = [delivered(service) for _ in range(3)]
    waiting = pending(service)
    for status, refs in (("failed", some_failed), ("delivered", some_delivered), ("pending", [waiting])):
        shown = service.listed(status=status, limit="1")
        assert [delivery["id"] for delivery in shown] == [ref.delivery_id for ref in reversed(refs)]
        assert {delivery["status"] for delivery in shown} == {status}
    assert service.listed(status="erased") == []
    (shown,) = service.listed(status="pending")
    assert shown["next_attempt_at"] == service.delivery(waiting).next_attempt_at is not None


def test_what_is_over_is_not_shown(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    service.clock.at_ms += 30 * DAY * 1000 - 60_000
    assert len(service.listed()) == 1
    service.clock.at_ms += 120_000
    assert service.listed() == []
    assert service.redeliver(ref).status == 404


def test_a_request_looks_at_so_many_and_goes_on_with_a_cursor(service: DeliveriesHarness) -> None:
    """Rare ones among many: a page may be shorter than asked for, even empty, while there is more."""
    for number in range(40):
        ref = replace(
            service.happen()[0], delivery_id=f"019bc1d4-8e00-7000-8000-{number:012x}", appended_at=None
        )
        status = DeliveryStatus.FAILED if number in (3, 30) else DeliveryStatus.DELIVERED
        delivery = Delivery(ref=ref, status=status, next_attempt_at=None, attempts=(), payload={})
        service.deliveries.add(delivery, None, None, service.clock.now_ms())  # type: ignore[arg-type]
    found, after, requests, is_over = [], None, 0, False
    while not is_over:
        requests += 1
        part, after = service.deliveries.newest_first(
            *(ACCOUNT_ID, HOOK, DeliveryStatus.FAILED, after, 0), at_most=2, evaluate=10
        )
        found += [int(delivery.ref.delivery_id[-12:], 16) for delivery in part]
        is_over = after is None
    assert found == [30, 3]
    assert requests > 3


def test_a_page_stays_below_what_an_answer_may_have(service: DeliveriesHarness) -> None:
    """A hundred deliveries with a hundred attempts each are 12 MB."""
    attempt = Attempt(at=iso(0), status_code=500, error=None, duration_ms=1, response="\\" * 1024)
    refs = []
    for number in range(30):
        ref = replace(
            service.happen()[0], delivery_id=f"019bc1d4-8e00-7000-8000-{number:012x}", appended_at=None
        )
        delivery = Delivery(
            ref=ref, status=DeliveryStatus.PENDING, next_attempt_at=None, attempts=(), payload={}
        )
        service.deliveries.add(delivery, None, None, service.clock.now_ms())  # type: ignore[arg-type]
        claimed = service.deliveries.claim(ref, 1, "whoever", service.clock.now_ms(), LEASE)
        service.deliveries.record(claimed, replace(claimed, done=100, attempts=(attempt,) * 100))
        refs.append(ref)
    page = service.request("GET", LIST, limit="100")
    assert len(json.dumps(page.body).encode()) < 5_500_000
    assert page.body["has_more"]
    assert 0 < len(page.body["data"]) < 30
    assert [shown["id"] for shown in service.listed()] == [ref.delivery_id for ref in reversed(refs)]


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"status": "lost"}, "status"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "A" * 32}, "cursor"),
        ({"cursor": "not a cursor"}, "cursor"),
        ({"sort": "id"}, "sort"),
    ],
)
def test_a_bad_question_is_refused_by_name(
    service: DeliveriesHarness, query: dict[str, str], culprit: str
) -> None:
    reply = service.request("GET", LIST, **query)
    assert (reply.status, reply.body["field"]) == (400, culprit)


def test_a_cursor_belongs_to_its_list(service: DeliveriesHarness) -> None:
    service.register("wh_other")
    for _ in range(3):
        service.dispatch(HOOK, "wh_other")
        service.clock.at_ms += 1000
    service.run()
    cursor = service.request("GET", LIST, limit="1").body["next_cursor"]
    assert service.request("GET", LIST, limit="2", cursor=cursor).status == 200
    for other in ({"status": "failed"}, {"id": "wh_other"}):
        assert service.request("GET", LIST, cursor=cursor, **other).status == 400
    service.caller = caller_of(OTHER_ACCOUNT_ID)
    assert service.request("GET", LIST, cursor=cursor).status == 400


# Whose it is


ODD_IDS = ["wh_unknown", "x", "é", "..", "%2F", "wh_" + "x" * 3000, "\x00", "🙂" * 400, HOOK.upper()]


@pytest.mark.parametrize("webhook_id", ODD_IDS)
def test_an_unknown_endpoint_is_not_found(service: DeliveriesHarness, webhook_id: str) -> None:
    ref = delivered(service)
    for reply in (
        service.request("GET", LIST, id=webhook_id),
        service.request("POST", TEST, id=webhook_id),
        service.request("POST", REDELIVER, id=webhook_id, delivery_id=ref.delivery_id),
    ):
        assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert service.queue.sent == []


@pytest.mark.parametrize("delivery_id", [UNKNOWN, *ODD_IDS])
def test_an_unknown_delivery_is_not_found(service: DeliveriesHarness, delivery_id: str) -> None:
    reply = service.request("POST", REDELIVER, delivery_id=delivery_id)
    assert (reply.status, reply.body["code"]) == (404, "delivery_not_found")
    assert service.queue.sent == []


def test_one_account_sees_nothing_of_another(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    before = service.moto.items()
    service.caller = caller_of(OTHER_ACCOUNT_ID)
    for reply in (service.request("GET", LIST), service.request("POST", TEST), service.redeliver(ref)):
        assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert (service.moto.items(), service.queue.sent) == (before, [])


def test_a_delivery_belongs_to_its_endpoint(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    service.register("wh_other")
    reply = service.request("POST", REDELIVER, id="wh_other", delivery_id=ref.delivery_id)
    assert (reply.status, reply.body["code"]) == (404, "delivery_not_found")


def test_a_test_key_has_no_endpoints(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    before = service.moto.items()
    service.caller = caller_of(ACCOUNT_ID)
    service.caller = replace(service.caller, key=replace(service.caller.key, mode=Mode.TEST))
    for reply in (service.request("GET", LIST), service.request("POST", TEST), service.redeliver(ref)):
        assert reply.status == 404
    assert (service.moto.items(), service.queue.sent) == (before, [])


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [
        ((Scope.WEBHOOKS_READ,), (200, 403, 403)),
        ((Scope.WEBHOOKS_WRITE,), (403, 202, 202)),
        ((Scope.API_USER,), (200, 202, 202)),
        ((Scope.USER, Scope.CONTACTS_WRITE), (403, 403, 403)),
    ],
)
def test_a_key_needs_the_scope(
    service: DeliveriesHarness, scopes: tuple[Scope, ...], statuses: tuple[int, int, int]
) -> None:
    ref = delivered(service)
    service.caller = replace(service.caller, key=replace(service.caller.key, scopes=scopes))
    replies = (service.request("GET", LIST), service.request("POST", TEST), service.redeliver(ref))
    assert tuple(reply.status for reply in replies) == statuses


# Sending again


@pytest.mark.parametrize("begin", [delivered, failed, pending])
def test_it_is_sent_again_with_the_same_id(service: DeliveriesHarness, begin: Any) -> None:
    ref = begin(service)
    before = len(service.endpoint.requests)
    service.clock.at_ms += 60_000
    asked_at = service.clock.now_ms()
    reply = service.redeliver(ref)
    assert reply.status == 202
    assert (reply.body["id"], reply.body["status"]) == (ref.delivery_id, "pending")
    assert reply.body["next_attempt_at"] == iso(asked_at)
    assert len(reply.body["attempts"]) == before
    service.run(at_most=1)
    request = service.endpoint.requests[before]
    assert request.at_ms == asked_at
    assert request.event_id == ref.event_id
    assert request.body == service.endpoint.requests[0].body
    assert request.headers["webhook-timestamp"] == str(asked_at // 1000)
    # The promised message, and that of the schedule before, find nothing to do.
    service.run()
    assert len(service.endpoint.requests) == before + 1
    delivery = service.delivery(ref)
    assert (delivery.status, delivery.done) == (DeliveryStatus.DELIVERED, before + 1)


def test_if_it_fails_again_its_schedule_begins_anew(service: DeliveriesHarness) -> None:
    ref = failed(service)
    service.endpoint.answers = [BROKEN]
    service.redeliver(ref)
    service.run()
    delivery = service.delivery(ref)
    assert (delivery.status, delivery.done) == (DeliveryStatus.FAILED, 30)


def test_an_answer_does_not_repeat_what_endpoints_said(service: DeliveriesHarness) -> None:
    """They may say what they were sent, and what an Idempotency-Key remembers no erasure comes to."""
    service.endpoint.answers = [replace(BROKEN, response="ada@example.com")]
    ref = service.dispatch()
    service.run()
    reply = service.redeliver(ref, key="again")
    assert len(reply.body["attempts"]) == 15
    assert {attempt["response"] for attempt in reply.body["attempts"]} == {None}
    records = [item for item in service.moto.items() if "request_hash" in item]
    assert len(records) == 1
    assert "ada@example.com" not in json.dumps(records)


def test_an_idempotency_key_sends_it_once(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    first = service.redeliver(ref, key="again")
    service.run()
    second = service.redeliver(ref, key="again")
    service.run()
    assert (second.status, second.body) == (first.status, first.body) == (202, first.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(service.endpoint.requests) == 2
    other = service.request("POST", TEST, key="again")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")


def test_a_replay_wins_over_what_would_now_stand_in_the_way(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    first = service.redeliver(ref, key="again")
    service.run()
    service.webhooks.disable(service.webhook(), DisabledReason.GONE)
    assert service.redeliver(ref, key="again").body == first.body
    assert service.redeliver(ref, key="another").status == 409


def not_deliverable(service: DeliveriesHarness, ref: DeliveryRef) -> str:
    service.queue.sent.clear()
    before = service.moto.items()
    reply = service.redeliver(ref, key="again")
    assert (reply.status, reply.body["code"]) == (409, "not_deliverable")
    assert (service.moto.items(), service.queue.sent) == (before, [])
    detail: str = reply.body["detail"]
    return detail


def test_an_endpoint_that_is_not_active_is_sent_nothing(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    service.webhooks.disable(service.webhook(), DisabledReason.FAILING)
    assert "is_active" in not_deliverable(service, ref)


def test_what_was_erased_is_not_sent_again(service: DeliveriesHarness) -> None:
    done, waiting = delivered(service), pending(service)
    traces = TraceStore(service.table)
    for ref in (done, waiting):
        assert ref.appended_at is not None
        traces.strip_event(ACCOUNT_ID, ref.appended_at, ref.event_id)
        traces.strip_delivery(ref, service.clock.now_ms())
    for ref in (done, waiting):
        assert "erased" in not_deliverable(service, ref)
    assert [shown["status"] for shown in service.listed()] == ["erased", "delivered"]


def test_what_is_no_longer_in_the_log_is_not_sent_again(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    (event,) = [item for item in service.moto.items() if item.get("contact_id") == {"S": CONTACT_ID}]
    service.moto.remove(event)
    assert "no longer kept" in not_deliverable(service, ref)


def test_a_delivery_is_attempted_a_hundred_times_at_most(service: DeliveriesHarness) -> None:
    (ref,) = service.happen()
    claimed = service.deliveries.claim(ref, 1, "whoever", service.clock.now_ms(), LEASE)
    attempt = Attempt(at=iso(0), status_code=500, error=None, duration_ms=1, response="")
    full = replace(claimed, status=DeliveryStatus.FAILED, done=100, attempts=(attempt,) * MAX_ATTEMPTS_EVER)
    service.deliveries.record(claimed, full)
    assert "100 times" in not_deliverable(service, ref)


def test_it_is_kept_for_thirty_days_from_then_on(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    service.clock.at_ms += 29 * DAY * 1000
    assert service.redeliver(ref).status == 202
    item = service.item(ref)
    assert item is not None
    assert item["ttl"] == service.clock.now_ms() // 1000 + 30 * DAY


# Trying out


@pytest.mark.parametrize("is_active", [True, False])
def test_a_test_is_sent_active_or_not(service: DeliveriesHarness, is_active: bool) -> None:
    if not is_active:
        service.webhooks.disable(service.webhook(), DisabledReason.FAILING)
    now_ms = service.clock.now_ms()
    reply = service.request("POST", TEST)
    assert reply.status == 202
    shown = reply.body
    assert (shown["event_type"], shown["status"], shown["attempts"]) == ("webhook.test", "pending", [])
    assert shown["created_at"] == shown["next_attempt_at"] == iso(now_ms)
    service.run()
    (request,) = service.endpoint.requests
    assert request.event_id == shown["event_id"]
    assert json.loads(request.body) == {
        "id": shown["event_id"],
        "type": "webhook.test",
        "timestamp": iso(now_ms),
        "account_id": ACCOUNT_ID,
        "data": {},
    }
    (listed,) = service.listed()
    assert (listed["id"], listed["status"]) == (shown["id"], "delivered")
    assert listed["attempts"][0]["response"] == "thanks"


@pytest.mark.parametrize("status_code", [410, 500, None])
def test_a_test_is_tried_once_and_says_nothing_about_the_endpoint(
    service: DeliveriesHarness, status_code: int | None
) -> None:
    service.endpoint.answers = [replace(BROKEN, status_code=status_code)]
    service.request("POST", TEST)
    before = service.webhook()
    service.run()
    assert len(service.endpoint.requests) == 1
    (listed,) = service.listed()
    assert (listed["status"], listed["next_attempt_at"]) == ("failed", None)
    assert (service.webhook(), service.dead_letters.sent, service.next_due_ms()) == (before, [], None)


def test_a_test_that_works_does_not_forgive_what_failed(service: DeliveriesHarness) -> None:
    service.webhooks.note_failure(service.webhook(), iso(0))
    service.request("POST", TEST)
    service.run()
    assert service.webhook().failing_since == iso(0)


def test_a_test_can_be_sent_again(service: DeliveriesHarness) -> None:
    service.endpoint.answers = [BROKEN, OK]
    shown = service.request("POST", TEST).body
    service.run()
    assert service.request("POST", REDELIVER, delivery_id=shown["id"]).status == 202
    service.run()
    first, second = service.endpoint.requests
    assert (first.body, first.event_id) == (second.body, second.event_id)
    (listed,) = service.listed()
    assert [attempt["status_code"] for attempt in listed["attempts"]] == [500, 200]


def test_each_test_is_one_of_its_own_but_not_with_an_idempotency_key(service: DeliveriesHarness) -> None:
    first, second = (service.request("POST", TEST).body["id"] for _ in range(2))
    assert first != second
    kept, again = (service.request("POST", TEST, key="try") for _ in range(2))
    assert kept.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"
    service.run()
    assert len(service.endpoint.requests) == 3


# Ends and faults


def test_the_promised_message_comes_when_the_function_is_surely_over() -> None:
    longest = template()["Globals"]["Function"]["Timeout"]
    assert longest < DELAYED_MESSAGE_S


@pytest.mark.parametrize("key", [None, "again"])
@pytest.mark.parametrize("what", ["redeliver", "test"])
def test_killed_after_any_call_it_is_sent_without_a_second_request_or_not_at_all(
    what: str, key: str | None
) -> None:
    """Nobody has to come back: what was written is sent, what was not written is not."""
    for calls in count(1):
        service = DeliveriesHarness()
        ref = delivered(service)
        before = len(service.endpoint.requests)
        service.life.made, service.life.calls = 0, calls
        was_killed, written = False, service.moto.items()
        try:
            reply = (
                service.redeliver(ref, key) if what == "redeliver" else service.request("POST", TEST, key=key)
            )
            assert reply.status == 202
        except Killed:
            was_killed = True
        service.life.calls = 1_000_000
        is_written = service.moto.items() != written
        service.run()
        assert len(service.endpoint.requests) - before == int(is_written), calls
        statuses = {delivery.status for delivery in service.log()}
        assert statuses == {DeliveryStatus.DELIVERED}
        if key is not None:
            # Who comes back with the key has it sent once in all.
            service.redeliver(ref, key) if what == "redeliver" else service.request("POST", TEST, key=key)
            service.run()
            assert len(service.endpoint.requests) - before == 1
        if not was_killed:
            break
    assert calls > 3


def test_without_the_queue_nothing_is_written(service: DeliveriesHarness) -> None:
    ref = delivered(service)
    before = service.moto.items()
    service.queue.is_down = True
    for reply in (service.redeliver(ref), service.request("POST", TEST)):
        assert (reply.status, reply.body["code"]) == (503, "temporarily_unavailable")
    assert service.moto.items() == before


def test_if_the_queue_fails_after_the_write_the_promised_message_does_it(
    service: DeliveriesHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = delivered(service)
    begin_again = DeliveryStore.begin_again

    def then_down(*arguments: Any) -> None:
        begin_again(*arguments)
        service.queue.is_down = True

    monkeypatch.setattr(DeliveryStore, "begin_again", then_down)
    assert service.redeliver(ref).status == 202
    service.queue.is_down = False
    service.run()
    assert len(service.endpoint.requests) == 2


@pytest.mark.parametrize("key", [None, "again"])
def test_a_fault_at_any_call_leaves_it_sent_once_or_asks_to_try_again(key: str | None) -> None:
    for at_call in range(1, 6):
        service = DeliveriesHarness()
        ref = delivered(service)
        table: Any = service.table
        sound = table._client
        calls = count(1)

        def faulty(method: str, sound: Any = sound, calls: Any = calls, at_call: int = at_call) -> Any:
            def call(**request: Any) -> Any:
                if next(calls) == at_call:
                    raise ClientError({"Error": {"Code": "ThrottlingException"}}, method)
                return getattr(sound, method)(**request)

            return call

        table._client = type("Wire", (), {"__getattr__": lambda _, method: faulty(method)})()
        reply = service.redeliver(ref, key)
        assert reply.status in (202, 503)
        table._client = sound
        if reply.status == 503:
            assert service.redeliver(ref, key).status == 202
        service.run()
        assert len(service.endpoint.requests) == 2


def test_of_two_requests_at_once_both_are_answered_and_one_attempt_is_made(
    service: DeliveriesHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = failed(service)
    before = len(service.endpoint.requests)
    begin_again = DeliveryStore.begin_again
    others: list[Reply] = []

    def after_another(*arguments: Any) -> None:
        monkeypatch.setattr(DeliveryStore, "begin_again", begin_again)
        others.append(service.redeliver(ref))
        begin_again(*arguments)

    monkeypatch.setattr(DeliveryStore, "begin_again", after_another)
    assert service.redeliver(ref).status == 202
    assert [reply.status for reply in others] == [202]
    service.run()
    assert len(service.endpoint.requests) == before + 1
