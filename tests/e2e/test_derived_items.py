"""What is derived from contacts: right by itself, rebuilt when it is not, and gone with the person."""

import json
from typing import Any

from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.table import keys
from tests.support.accounts import Account, Accounts
from tests.support.api import assert_problem, path_of
from tests.support.invariants import counted_in
from tests.support.receiver import Receiver
from tests.support.waiting import until

PERSON = {
    "email": "zuzanna.wisniewska@example.com",
    "external_id": "customer-zw-77",
    "first_name": "Zuzanna",
    "last_name": "Wiśniewska",
    "phone": "+48221234567",
    "tags": ["vip"],
    "lists": ["newsletter"],
    "custom_fields": {"nickname": "Zuzia"},
}
TRACES = ("zuzanna", "wisniewska", "Wiśniewska", "customer-zw-77", "48221234567", "Zuzia")


def counts(account: Account) -> dict[str, int]:
    """By what is counted; what nobody has is not there."""
    found = {
        keys.count(account.id, one).SK: n
        for one, n in counted_in(account.derived().values(), account.id).items()
    }
    return {name: n for name, n in found.items() if n}


def test_postings_and_counts_follow_what_happens(account: Account) -> None:
    ids = [
        account.api.created(email=f"ada+{n}@example.com", tags=["vip"], lists=["news"])["id"]
        for n in range(5)
    ]
    account.api.patch(path_of(ids[0]), {"tags": [], "add_lists": ["beta"]})
    account.api.delete(path_of(ids[1]))
    account.api.delete(path_of(ids[2], "?permanent=true"))
    account.api.delete(path_of(ids[3]))
    account.api.post(path_of(ids[3], "/restore"))
    expected = {"ALL": 3, "TAG#vip": 2, "LIST#news": 3, "LIST#beta": 1}
    assert until(lambda: counts(account) == expected), counts(account)
    assert until(lambda: account.derived_contradictions() == []), account.derived_contradictions()


def test_a_rebuild_finds_and_repairs_what_is_wrong(account: Account, accounts: Accounts) -> None:
    ids = [account.api.created(email=f"ada+{n}@example.com", tags=["vip"])["id"] for n in range(3)]
    assert until(lambda: counts(account) == {"ALL": 3, "TAG#vip": 3})
    assert until(lambda: account.derived_contradictions() == [])
    report = accounts.invoke("ReindexAccount", {"account_id": account.id})
    assert report["finished"] is True
    assert report["contacts"] == 3
    assert differences(report) == 0

    vip = PostingList(PostingKind.TAG, "vip")
    account.remove_item(keys.posting(account.id, vip, ids[0]))
    account.remove_item(keys.word_posting(account.id, "ada", ids[1]))
    nobody = "0198f3a0-0000-7000-8000-0000000000ff"
    account.put_item(keys.posting(account.id, ALL_CONTACTS, nobody), {})
    account.put_item(keys.word_posting(account.id, "ghost", nobody), {})
    account.put_item(keys.count(account.id, PostingList(PostingKind.LIST, "none")), {"n": {"N": "4"}})
    account.put_item(keys.first_character(account.id, "g"), {})
    before = account.derived_contradictions()
    assert before
    dry = accounts.invoke("ReindexAccount", {"account_id": account.id, "dry_run": True})
    assert differences(dry) > 0
    assert account.derived_contradictions() == before
    repaired = accounts.invoke("ReindexAccount", {"account_id": account.id})
    assert differences(repaired) > 0
    assert account.derived_contradictions() == []
    assert counts(account) == {"ALL": 3, "TAG#vip": 3}
    assert differences(accounts.invoke("ReindexAccount", {"account_id": account.id})) == 0


def differences(report: dict[str, Any]) -> int:
    """How many a report tells of."""

    def total(value: Any) -> int:
        if isinstance(value, dict):
            return sum(map(total, value.values()))
        if isinstance(value, list):
            return len(value)
        return int(value)

    return sum(total(report[kind]) for kind in ("missing", "orphaned", "miscounted"))


def test_a_rebuild_of_no_account_is_refused(accounts: Accounts) -> None:
    for payload in ({"account_id": "0198f3a0-0000-7000-8000-0000000000ff"}, {"account_id": 7}, {}):
        assert "account_id" in accounts.invoke("ReindexAccount", payload)["errorMessage"]


def test_a_minute_after_an_erasure_nothing_knows_the_person(account: Account) -> None:
    with (
        Receiver((200, json.dumps(PERSON).encode())) as echo,
        Receiver((500, json.dumps(PERSON).encode())) as failing,
    ):
        for receiver in (echo, failing):
            assert account.api.post("/v1/webhooks", {"url": receiver.url}).status_code == 201
        created = account.api.post(
            "/v1/contacts", PERSON, Idempotency_Key="import-zuzanna.wisniewska@example.com"
        )
        contact_id = created.json()["id"]
        path = path_of(contact_id)
        account.api.patch(path, {"last_name": "Wiśniewska-Nowak"}, Idempotency_Key="marriage-of-Zuzanna")
        until(lambda: len(echo.requests) >= 2 and len(failing.requests) >= 2)
        account.api.delete(path)
        account.api.post(f"{path}/restore")
        erased = account.api.delete(f"{path}?permanent=true", Idempotency_Key="erase-zuzanna")
        assert erased.json() == {"deleted": True, "id": contact_id, "permanent": True}

        def traces() -> list[str]:
            """Items that know something of the person."""
            items = [json.dumps(item, ensure_ascii=False) for item in account.everything().values()]
            return [item for item in items if any(trace.lower() in item.lower() for trace in TRACES)]

        assert until(lambda: not traces(), 60), traces()
        # What was still to be delivered comes to an end, too; a repetition brings nobody back.
        again = account.api.post(
            "/v1/contacts", PERSON, Idempotency_Key="import-zuzanna.wisniewska@example.com"
        )
        assert_problem(again, 404, "contact_not_found")
        repeated = account.api.delete(f"{path}?permanent=true", Idempotency_Key="erase-zuzanna")
        assert (repeated.status_code, repeated.json()) == (200, erased.json())
        events = until(
            lambda: [
                event
                for event in account.api.get("/v1/events").json()["data"]
                if event["type"] == "contact.deleted"
                and not event.get("erased")
                and event["data"]["permanent"]
            ],
            60,
        )
        assert events[0]["data"]["contact"]["id"] == contact_id
        others = [event for event in account.api.get("/v1/events").json()["data"] if event not in events]
        assert all(event.keys() == {"id", "type", "erased"} for event in others)
        assert traces() == []
