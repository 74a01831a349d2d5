"""What a contact did is recorded once, told once, shown at once, and gone with the person."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.support.accounts import Account
from tests.support.api import MAX_THREADS, assert_problem, culprits, path_of
from tests.support.receiver import Receiver
from tests.support.waiting import until

ORDER = {
    "name": "gift for Zuzanna ordered",
    "data": {
        "order": 417,
        "total": 149.9,
        "ship_to": {"name": "Zuzanna Wiśniewska", "lines": ["Długa 7", None]},
    },
}
TRACES = ("zuzanna", "wisniewska", "Wiśniewska", "Długa", "149.9")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def contact(account: Account) -> Any:
    return account.api.created(email="zuzanna@example.com", external_id="crm-7", first_name="Zuzanna")


def events_of(account: Account, ref: str, query: str = "") -> Any:
    """A page of a contact's timeline."""
    answer = account.api.get(path_of(ref, f"/events{query}"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def traces(account: Account) -> list[str]:
    """Items that know something of the person."""
    items = [json.dumps(item, ensure_ascii=False) for item in account.everything().values()]
    return [item for item in items if any(trace.lower() in item.lower() for trace in TRACES)]


def test_from_recording_to_erasure(account: Account, contact: Any, receiver: Receiver) -> None:
    hook = account.api.post("/v1/webhooks", {"url": receiver.url, "events": ["contact.event"]}).json()
    assert hook["events"] == ["contact.event"]
    path = path_of(contact["id"], "/events")
    answer = account.api.post(path, ORDER, Idempotency_Key="order-417-zuzanna")
    assert answer.status_code == 202, answer.text
    entry = answer.json()
    assert entry == {"id": entry["id"], "type": "contact.event", "timestamp": entry["timestamp"], **ORDER}

    # Shown at once, by any name.
    for ref in (contact["id"], "Zuzanna@example.com", "crm-7"):
        shown = [found for found in events_of(account, ref)["data"] if found["type"] == "contact.event"]
        assert shown == [entry]

    # Told once.
    (received,) = until(lambda: list(receiver.requests))
    event = Webhook(hook["secret"]).verify(received.body, dict(received.headers))
    payload = {
        "id": entry["id"],
        "type": "contact.event",
        "timestamp": entry["timestamp"],
        "account_id": account.id,
        "data": {"contact": contact, **ORDER},
    }
    assert event == payload
    assert received.headers["webhook-id"] == entry["id"]
    again = account.api.post(path, ORDER, Idempotency_Key="order-417-zuzanna")
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (202, entry, "true")
    time.sleep(1)  # for a double, which must not come
    assert len(receiver.requests) == 1
    (delivery,) = until(
        lambda: [
            found
            for found in account.api.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["data"]
            if found["status"] == "delivered"
        ]
    )
    assert (delivery["event_id"], delivery["event_type"]) == (entry["id"], "contact.event")
    # The newest ten seconds are withheld.
    logged = until(lambda: account.api.get("/v1/events?type=contact.event").json()["data"])
    assert logged == [payload]

    # And gone.
    account.api.delete(path_of(contact["id"], "?permanent=true"))
    assert_problem(account.api.get(path), 404, "contact_not_found")
    assert_problem(account.api.post(path, ORDER), 404, "contact_not_found")
    assert until(lambda: not traces(account), 60), traces(account)
    forgotten = account.api.post(path, ORDER, Idempotency_Key="order-417-zuzanna")
    assert_problem(forgotten, 404, "contact_not_found")
    logged = account.api.get("/v1/events?type=contact.event").json()["data"]
    assert logged == [{"id": entry["id"], "type": "contact.event", "erased": True}]


def test_a_timeline_has_changes_and_events_in_their_order(account: Account, contact: Any) -> None:
    path = path_of(contact["id"])
    account.api.patch(path, {"is_unsubscribed": True})
    account.api.post(f"{path}/events", {"name": "called"})
    account.api.delete(path)
    assert_problem(account.api.get(f"{path}/events"), 404, "contact_not_found")
    assert_problem(account.api.post(f"{path}/events", {"name": "lost"}), 404, "contact_not_found")
    account.api.post(f"{path}/restore")
    now = time.time()
    earlier = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(now - 86_400))
    backdated = account.api.post(f"{path}/events", {"name": "opened", "occurred_at": earlier}).json()
    expected = ["restored", "deleted", "event", "unsubscribed", "updated", "created", "event"]

    def shown() -> list[Any]:
        entries: list[Any] = events_of(account, contact["id"])["data"]
        return entries

    until(lambda: len(shown()) == len(expected))
    types = [entry["type"].removeprefix("contact.") for entry in shown()]
    # Of one moment the ids alone say the order.
    assert sorted(types) == sorted(expected)
    assert types[-1] == "event"
    assert shown()[-1] == backdated
    assert [entry["timestamp"] for entry in shown()] == sorted(
        (entry["timestamp"] for entry in shown()), reverse=True
    )
    (updated,) = [entry for entry in shown() if entry["type"] == "contact.updated"]
    assert updated["changed"] == ["is_unsubscribed", "unsubscribed_at"]
    assert all("previous" not in entry for entry in shown())
    assert [entry["name"] for entry in events_of(account, "crm-7", "?type=contact.event")["data"]] == [
        *("called", "opened")
    ]


def test_a_walk_through_the_pages(account: Account, contact: Any) -> None:
    path = f"/api{path_of(contact['external_id'], '/events')}?by=external_id"
    names = [f"seen {number}" for number in range(7)]
    for name in names:
        assert account.api.post(path, {"name": name}).status_code == 202
    until(lambda: len(events_of(account, contact["id"])["data"]) == 8)
    walked, query = [], "?limit=3"
    while query:
        page = events_of(account, contact["id"], query)
        walked += page["data"]
        query = f"?limit=3&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert [entry.get("name", entry["type"]) for entry in walked] == [*reversed(names), "contact.created"]
    assert len({entry["id"] for entry in walked}) == 8
    cursor = events_of(account, contact["id"], "?limit=3")["next_cursor"]
    other = account.api.created(email="other@example.com")
    refused = account.api.get(path_of(other["id"], f"/events?cursor={cursor}"))
    assert culprits(assert_problem(refused, 400)) == {"cursor"}


def test_fifty_equal_requests_at_once_record_one_event(account: Account, contact: Any) -> None:
    path = path_of(contact["id"], "/events")
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(
            clients.map(lambda _: account.api.post(path, ORDER, Idempotency_Key="once"), range(50))
        )
    assert {answer.status_code for answer in answers} == {202}
    (entry,) = events_of(account, contact["id"], "?type=contact.event")["data"]
    assert all(answer.json() == entry for answer in answers)


def test_who_is_erased_while_events_are_recorded_leaves_nothing(account: Account, contact: Any) -> None:
    path = path_of(contact["id"])

    def act(number: int) -> requests.Response:
        if number == 20:
            return account.api.delete(f"{path}?permanent=true")
        return account.api.post(f"{path}/events", ORDER, Idempotency_Key=f"zuzanna-{number}")

    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(clients.map(act, range(60)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.pop(20) == 200
    assert set(statuses) == {202, 404}
    assert until(lambda: not traces(account), 60), traces(account)
    time.sleep(1)  # for a late dispatcher
    assert traces(account) == []


def test_what_is_wrong_is_named_at_once_and_nothing_is_written(account: Account, contact: Any) -> None:
    until(lambda: events_of(account, contact["id"])["data"])
    before = events_of(account, contact["id"])
    path = path_of(contact["id"], "/events")
    wrong = {"name": "", "data": {"n": 1e200}, "occurred_at": "yesterday", "kind": "x"}
    refused = account.api.post(f"{path}?from=me", wrong)
    assert culprits(assert_problem(refused, 400, "invalid_input")) == {
        *("name", "data.n", "occurred_at", "kind", "from")
    }
    for moment in ("2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"):
        refused = account.api.post(path, {"name": "seen", "occurred_at": moment})
        assert culprits(assert_problem(refused, 400, "invalid_input")) == {"occurred_at"}
    refused = account.api.post(path, {"name": "seen", "data": {"text": "x" * 33_000}})
    assert culprits(assert_problem(refused, 413, "event_too_large")) == {"data"}
    refused = account.api.get(f"{path}?type=contact.exploded")
    assert culprits(assert_problem(refused, 400, "invalid_input")) == {"type"}
    assert events_of(account, contact["id"]) == before


def test_a_test_key_has_no_timelines(account: Account, contact: Any) -> None:
    until(lambda: events_of(account, contact["id"])["data"])
    before = events_of(account, contact["id"])
    with account.api_with(account.key(mode="test")["key"]) as api:
        assert_problem(
            api.post(path_of(contact["id"], "/events"), {"name": "seen"}), 404, "contact_not_found"
        )
        assert_problem(api.get(path_of(contact["id"], "/events")), 404, "contact_not_found")
    assert events_of(account, contact["id"]) == before
