"""Two contacts made one, as its users see it: by every name, in the timeline, told once, and erased with the person."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.support.accounts import Account
from tests.support.api import MAX_THREADS, assert_problem, path_of
from tests.support.receiver import Receiver
from tests.support.steps.merging import ADA, BEA, merged
from tests.support.waiting import until

TRACES = ("ada@", "augusta", "Lovelace", "Ockham", "crm-2", "gift")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


def timeline(account: Account, ref: str, query: str = "") -> Any:
    answer = account.api.get(path_of(ref, f"/events{query}"))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def traces(account: Account) -> list[str]:
    """Items that know something of the person."""
    items = [json.dumps(item, ensure_ascii=False) for item in account.everything().values()]
    return [item for item in items if any(trace in item for trace in TRACES)]


def test_from_two_contacts_to_none(account: Account, receiver: Receiver) -> None:
    hook = account.api.post("/v1/webhooks", {"url": receiver.url, "events": ["contact.merged"]}).json()
    ada, bea = account.api.created(**ADA), account.api.created(**BEA)
    path = path_of("crm-2", "/events")
    gift = account.api.post(path, {"name": "gift ordered"}, Idempotency_Key="gift").json()

    preview = account.api.post(path_of(ada["id"], "/merge?dry_run=true"), {"from": "crm-2"}).json()
    assert (account.api.contact(ada["id"]), account.api.contact(bea["id"])) == (ada, bea)
    after = merged(account, ada["id"], "crm-2", Idempotency_Key="one person")
    assert {**preview, "updated_at": after["updated_at"]} == after
    assert after == {
        **ada,
        "external_id": "crm-2",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "tags": ["vip", "trial"],
        "lists": ["newsletter"],
        "custom_fields": {"plan": "pro", "city": "Ockham"},
        "is_unsubscribed": True,
        "unsubscribed_at": bea["unsubscribed_at"],
        "version": 2,
        "updated_at": after["updated_at"],
    }
    again = account.api.post(path_of(ada["id"], "/merge"), {"from": "crm-2"}, Idempotency_Key="one person")
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (after, "true")

    # By every name, at once.
    for ref in (ada["id"], bea["id"], "ada@example.com", "Augusta@example.org", "crm-2"):
        assert account.api.contact(ref) == after
    changed = account.api.patch(path_of("augusta@example.org"), {"first_name": "Augusta"}).json()
    assert (changed["id"], changed["version"]) == (ada["id"], 3)
    for ref in (bea["id"], "augusta@example.org"):
        problem = assert_problem(account.api.delete(path_of(ref)), 409, "merged_away")
        assert problem["existing_id"] == ada["id"]
    problem = assert_problem(account.api.post("/v1/contacts", {"email": "augusta@example.org"}), 409)
    assert problem["existing_id"] == ada["id"]

    # Told, once.
    (received,) = until(lambda: list(receiver.requests))
    event = Webhook(hook["secret"]).verify(received.body, dict(received.headers))
    assert (event["type"], event["data"]) == ("contact.merged", {"contact": after, "merged_id": bea["id"]})
    logged = until(
        lambda: [
            one
            for one in account.api.get("/v1/events?limit=100").json()["data"]
            if one["type"] in ("contact.merged", "contact.deleted")
        ],
        30,
    )
    assert logged == [event]

    # One timeline, in pages.
    entries = until(lambda: (found := timeline(account, bea["id"])) and len(found) >= 7 and found)
    kinds = [entry["type"] for entry in entries]
    assert (kinds.count("contact.created"), kinds.count("contact.merged")) == (2, 1)
    assert gift in entries
    cursor, walked = "", []
    while True:
        page = account.api.get(path_of(ada["id"], f"/events?limit=2{cursor}")).json()
        walked += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == entries

    # What is derived: of two there is one.
    until(lambda: account.api.get("/v1/account").json()["counts"] == {"contacts": 1})
    tags = until(lambda: account.api.get("/v1/tags").json()["data"])
    assert tags == [{"tag": "trial", "count": 1}, {"tag": "vip", "count": 1}]
    found = account.api.get("/v1/contacts?tag=trial&search=lovelace").json()["data"]
    assert [one["id"] for one in found] == [ada["id"]]

    # Erased with the person, what was kept under the other id too.
    gone = account.api.delete(path_of(ada["id"], "?permanent=true"))
    assert gone.status_code == 200, gone.text
    for ref in (ada["id"], bea["id"], "augusta@example.org", "crm-2"):
        assert account.api.get(path_of(ref)).status_code == 404
    assert until(lambda: not traces(account), 60), traces(account)
    time.sleep(1)  # for a late dispatcher
    assert traces(account) == []


def test_of_many_merges_at_once_each_contact_goes_once(account: Account) -> None:
    """Six contacts, each merged into each at the same moment: in the end there is one, which every name leads to."""
    contacts = [account.api.created(email=f"{n}@example.com", external_id=f"crm-{n}") for n in range(6)]
    pairs = [(one, other) for one in range(6) for other in range(6) if one != other]

    def act(pair: tuple[int, int]) -> requests.Response:
        winner, loser = pair
        path = path_of(f"crm-{winner}", "/merge")
        for _ in range(20):
            answer = account.api.post(path, {"from": f"{loser}@example.com"}, Idempotency_Key=f"{pair}")
            if answer.status_code != 503:
                break
        return answer

    with ThreadPoolExecutor(MAX_THREADS) as clients:
        answers = list(clients.map(act, pairs))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert sum(answer.status_code == 200 for answer in answers) == 5
    (left,) = account.api.get("/v1/contacts").json()["data"]
    for number, contact in enumerate(contacts):
        for ref in (contact["id"], f"{number}@example.com", f"crm-{number}"):
            assert account.api.contact(ref) == left
    assert left["version"] == 1 + sum(
        answer.status_code == 200 and answer.json()["id"] == left["id"] for answer in answers
    )
