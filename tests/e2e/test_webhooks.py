"""Endpoints are told of every change: once, signed, in time; and after an outage nothing is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.support.accounts import Account, Accounts
from tests.support.api import assert_problem, path_of
from tests.support.receiver import Received, Receiver
from tests.support.steps.webhooks import webhook
from tests.support.stopped_deliveries import StoppedDeliveries, waiting
from tests.support.waiting import until

EVENTS = [
    "contact.created",
    "contact.updated",
    "contact.updated",
    "contact.unsubscribed",
    "contact.deleted",
    "contact.restored",
    "contact.deleted",
]


@pytest.fixture(scope="module", autouse=True)
def begun(accounts: Accounts) -> Iterator[dict[str, Any]]:
    """A receiver that fails twice, and one that hangs beside one that does not.

    Begun before all tests of the module: it takes more than half a minute until the third attempt.
    """
    account, hanging_account = accounts.open(), accounts.open()
    with Receiver(500, 500, 200) as failing, Receiver("hang") as hanging, Receiver() as other:
        hook = webhook(account.api, failing.url)
        hung = webhook(hanging_account.api, hanging.url)
        webhook(hanging_account.api, other.url)
        account.api.created(email="ada@example.com")
        # By then every function that has a part in it has started.
        until(lambda: failing.requests)
        began = time.monotonic()
        for number in range(10):
            hanging_account.api.created(email=f"ada+{number}@example.com")
        until(lambda: len(other.requests) >= 10)
        yield {
            "account": account,
            "failing": failing,
            "hook": hook,
            "hung": hung,
            "others_after": time.monotonic() - began,
            "hung_meanwhile": len(hanging.requests),
            "hanging_account": hanging_account,
            "other": other,
        }


@pytest.fixture
def slow(begun: dict[str, Any]) -> dict[str, Any]:
    """Those, after the third attempt."""
    until(lambda: len(begun["failing"].requests) >= 3, 60)
    return begun


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def verified(received: Received, secret: str) -> Any:
    """The event of a request, if its signature is right."""
    return Webhook(secret).verify(received.body, dict(received.headers))


def types(receiver: Receiver) -> list[str]:
    return sorted(received.json()["type"] for received in receiver.requests)


def test_every_change_arrives_once_and_signed(account: Account, receiver: Receiver) -> None:
    hook = webhook(account.api, receiver.url)
    ada = account.api.created(email="ada@example.com", first_name="Ada", tags=["vip"])
    path = path_of(ada["id"])
    assert account.api.patch(path, {"first_name": "Augusta"}).status_code == 200
    assert account.api.patch(path, {"is_unsubscribed": True}).status_code == 200
    assert account.api.delete(path).status_code == 200
    assert account.api.post(f"{path}/restore").status_code == 200
    # Of somebody who is erased nothing more is sent but that.
    until(lambda: len(receiver.requests) >= len(EVENTS) - 1)

    def told(of: str) -> dict[str, str]:
        """What was sent, by delivery. Two of one millisecond come in either order."""
        return {one["id"]: one["event_type"] for one in account.api.get(f"{of}/deliveries").json()["data"]}

    assert until(lambda: len(told(path)) == len(EVENTS) - 1), told(path)
    assert told(path) == told(f"/v1/webhooks/{hook['id']}")
    assert account.api.delete(f"{path}?permanent=true").status_code == 200
    until(lambda: len(receiver.requests) >= len(EVENTS))
    time.sleep(1)  # for doubles, which must not come
    assert types(receiver) == sorted(EVENTS)
    events = [verified(received, hook["secret"]) for received in receiver.requests]
    assert {received.headers["webhook-id"] for received in receiver.requests} == {
        event["id"] for event in events
    }
    assert len({event["id"] for event in events}) == len(EVENTS)
    assert {event["account_id"] for event in events} == {account.id}
    by_version = {
        (event["type"], event["data"]["contact"]["version"], event["data"].get("permanent")): event
        for event in events
    }
    created = by_version["contact.created", 1, None]
    assert created["data"]["contact"] == ada
    renamed = by_version["contact.updated", 2, None]["data"]
    assert "first_name" in renamed["changed"]
    assert renamed["previous"]["first_name"] == "Ada"
    assert ("contact.unsubscribed", 3, None) in by_version
    assert ("contact.deleted", 3, False) in by_version
    assert ("contact.restored", 4, None) in by_version
    assert by_version["contact.deleted", 4, True]["data"]["contact"] == {"id": ada["id"], "version": 4}


def test_only_what_was_subscribed_arrives(account: Account, receiver: Receiver) -> None:
    webhook(account.api, receiver.url, events=["contact.deleted", "contact.updated"])
    webhook(account.api, receiver.url, events=["contact.created"], is_active=False)
    ada = account.api.created(email="ada@example.com")
    account.api.patch(path_of(ada["id"]), {"first_name": "Ada"})
    account.api.delete(path_of(ada["id"]))
    until(lambda: len(receiver.requests) >= 2)
    time.sleep(0.5)
    assert types(receiver) == ["contact.deleted", "contact.updated"]


def test_nothing_of_one_account_reaches_another(
    account: Account, other_account: Account, receiver: Receiver
) -> None:
    hook = webhook(account.api, receiver.url)
    other_account.api.created(email="eve@example.com")
    account.api.created(email="ada@example.com")
    until(lambda: receiver.requests)
    time.sleep(0.5)
    assert [received.json()["data"]["contact"]["email"] for received in receiver.requests] == [
        "ada@example.com"
    ]
    path = f"/v1/webhooks/{hook['id']}"
    theirs = other_account.api
    for answer in (
        theirs.get(path),
        theirs.patch(path, {"description": "mine"}),
        theirs.delete(path),
        theirs.post(f"{path}/test"),
        theirs.post(f"{path}/rotate-secret"),
        theirs.get(f"{path}/deliveries"),
    ):
        assert_problem(answer, 404, "webhook_not_found")
    assert theirs.get("/v1/webhooks").json()["data"] == []
    assert account.api.get(path).json() == {key: value for key, value in hook.items() if key != "secret"}


def test_a_contact_changed_many_times_at_once_tells_every_version(
    account: Account, receiver: Receiver
) -> None:
    ada = account.api.created(email="ada@example.com")
    webhook(account.api, receiver.url, events=["contact.updated"])
    with ThreadPoolExecutor(8) as clients:
        list(
            clients.map(
                lambda number: account.api.patch(path_of(ada["id"]), {"metadata": {f"k{number}": number}}),
                range(20),
            )
        )
    until(lambda: len(receiver.requests) >= 20)
    versions = [received.json()["data"]["contact"]["version"] for received in receiver.requests]
    assert sorted(versions) == list(range(2, 22))


# What took its time, begun before the tests above.


def test_a_receiver_that_fails_is_tried_again_on_schedule(slow: dict[str, Any]) -> None:
    first, second, third = slow["failing"].requests
    assert 4 <= second.at - first.at <= 15
    assert 26 <= third.at - second.at <= 45
    assert len({received.headers["webhook-id"] for received in (first, second, third)}) == 1
    stamps = [int(received.headers["webhook-timestamp"]) for received in (first, second, third)]
    assert stamps == sorted(set(stamps))
    assert {verified(received, slow["hook"]["secret"])["type"] for received in (first, second, third)} == {
        "contact.created"
    }
    path = f"/v1/webhooks/{slow['hook']['id']}"
    (delivery,) = until(
        lambda: [
            delivery
            for delivery in slow["account"].api.get(f"{path}/deliveries").json()["data"]
            if delivery["status"] == "delivered"
        ]
    )
    assert [attempt["status_code"] for attempt in delivery["attempts"]] == [500, 500, 200]
    assert delivery["next_attempt_at"] is None


def test_a_receiver_that_hangs_delays_nobody_else(slow: dict[str, Any]) -> None:
    assert len(slow["other"].requests) == 10
    # All ten while the requests to the other one were still hanging: one takes 15 seconds to be given up.
    assert slow["others_after"] < 15
    assert slow["hung_meanwhile"] > 0
    path = f"/v1/webhooks/{slow['hung']['id']}/deliveries"
    deliveries = until(
        lambda: [
            delivery
            for delivery in slow["hanging_account"].api.get(path).json()["data"]
            if delivery["attempts"]
        ]
    )
    assert {attempt["error"] for delivery in deliveries for attempt in delivery["attempts"]} == {"timeout"}
    assert all(15_000 <= delivery["attempts"][0]["duration_ms"] < 20_000 for delivery in deliveries)


def test_an_endpoint_that_is_gone_is_never_called_again(account: Account) -> None:
    with Receiver(410) as gone:
        hook = webhook(account.api, gone.url)
        path = f"/v1/webhooks/{hook['id']}"
        account.api.created(email="ada@example.com")
        shown = until(
            lambda: [
                found for found in [account.api.get(path).json()] if found["disabled_reason"] is not None
            ]
        )
        assert (shown[0]["is_active"], shown[0]["disabled_reason"]) == (False, "gone")
        account.api.created(email="bea@example.com")
        (delivery,) = account.api.get(f"{path}/deliveries").json()["data"]
        assert (delivery["status"], delivery["next_attempt_at"]) == ("failed", None)
        refused = account.api.post(f"{path}/deliveries/{delivery['id']}/redeliver")
        assert_problem(refused, 409, "not_deliverable")
        # Back again, its owner says so and has what was missed sent.
        again = account.api.patch(path, {"is_active": True}).json()
        assert (again["is_active"], again["disabled_reason"]) == (True, None)
        gone.answer(200)
        sent = account.api.post(f"{path}/deliveries/{delivery['id']}/redeliver")
        assert (sent.status_code, sent.json()["status"]) == (202, "pending")
        until(lambda: len(gone.requests) >= 2)
        first, second = gone.requests
        assert second.headers["webhook-id"] == first.headers["webhook-id"] == delivery["event_id"]
        assert second.body == first.body
        (done,) = until(
            lambda: [
                found
                for found in account.api.get(f"{path}/deliveries").json()["data"]
                if found["status"] == "delivered"
            ]
        )
        assert [attempt["status_code"] for attempt in done["attempts"]] == [410, 200]


def test_a_test_is_sent_and_its_answer_shown(account: Account) -> None:
    with Receiver((418, b"<teapot>" * 1000)) as teapot:
        hook = webhook(account.api, teapot.url, is_active=False)
        path = f"/v1/webhooks/{hook['id']}"
        sent = account.api.post(f"{path}/test")
        assert sent.status_code == 202, sent.text
        assert sent.json()["event_type"] == "webhook.test"
        (request,) = until(lambda: list(teapot.requests))
        assert verified(request, hook["secret"])["type"] == "webhook.test"
        (delivery,) = until(
            lambda: [
                found
                for found in account.api.get(f"{path}/deliveries").json()["data"]
                if found["status"] == "failed"
            ]
        )
        (attempt,) = delivery["attempts"]
        assert attempt["status_code"] == 418
        assert len(attempt["response"]) == 1024


def test_a_secret_is_rotated_without_missing_any(account: Account, receiver: Receiver) -> None:
    hook = webhook(account.api, receiver.url)
    path = f"/v1/webhooks/{hook['id']}"
    rotated = account.api.post(f"{path}/rotate-secret").json()
    assert rotated["secret"] != hook["secret"]
    account.api.created(email="ada@example.com")
    (request,) = until(lambda: list(receiver.requests))
    for secret in (hook["secret"], rotated["secret"]):
        assert verified(request, secret)["type"] == "contact.created"
    shown = account.api.get(path).text + account.api.get("/v1/webhooks").text
    assert "whsec" not in shown


def test_what_was_missed_is_fetched(account: Account) -> None:
    ada = account.api.created(email="ada@example.com")
    account.api.patch(path_of(ada["id"]), {"tags": ["vip"]})
    first = account.api.get("/v1/events").json()
    assert first["data"] == []
    seen: list[dict[str, Any]] = []
    cursor = first["next_cursor"]

    def fetch() -> bool:
        nonlocal cursor
        page = account.api.get(f"/v1/events?limit=1&cursor={cursor}").json()
        seen.extend(page["data"])
        cursor = page["next_cursor"]
        return len(seen) >= 2

    until(fetch, 60)
    assert [event["type"] for event in seen] == ["contact.created", "contact.updated"]
    assert seen[0]["data"]["contact"] == ada
    assert account.api.get(f"/v1/events?cursor={cursor}").json()["data"] == []
    assert [event["id"] for event in account.api.get("/v1/events").json()["data"]] == [
        event["id"] for event in seen
    ]


def test_deliveries_that_were_stopped_go_on(stopped_deliveries: StoppedDeliveries) -> None:
    stopped_deliveries.known_everywhere()
    account, receiver = stopped_deliveries.account, stopped_deliveries.receiver
    # A new event brings what is older along.
    account.api.created(email="grace@example.com")
    assert until(lambda: len(receiver.requests) == 4)
    assert until(lambda: waiting(account) == 0)
