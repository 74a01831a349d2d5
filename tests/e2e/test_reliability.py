"""What must hold when many do the same at once, and over many contacts."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.support.accounts import Account, Accounts, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import MAX_THREADS, Api, path_of
from tests.support.people import person
from tests.support.steps.lists import walk
from tests.support.thorough import times
from tests.support.waiting import known_everywhere

AFTER_A_BREAK = frozenset({503})
"""What a client is to send again: others were in the way of all tries, and nothing was written."""
PATIENCE = 20
MANY = times(100, 40)
"""Requests for the same thing; each client sends several, one after the other."""


def at_once(send: Callable[[int], requests.Response], times: int) -> list[requests.Response]:
    """The answers to `send(0)` … `send(times - 1)`, sent by many clients at the same time."""
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        return list(clients.map(send, range(times)))


def patiently(send: Callable[[], requests.Response]) -> requests.Response:
    """An answer, asked for again after a pause where the service is busy, as Retry-After asks for."""
    for _ in range(PATIENCE):
        answer = send()
        if answer.status_code not in AFTER_A_BREAK:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


def statuses(answers: Iterable[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


def test_of_many_creates_of_one_email_one_makes_the_contact(account: Account) -> None:
    answers = at_once(
        lambda number: account.api.post(
            "/v1/contacts", {"email": "ada@example.com", "first_name": str(number)}
        ),
        MANY,
    )
    assert statuses(answers) == {201: 1, 409: MANY - 1}
    (created,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert {answer.json()["existing_id"] for answer in answers if answer.status_code == 409} == {
        created["id"]
    }
    assert account.api.get("/v1/contacts").json()["data"] == [created]


def test_many_upserts_of_one_email_make_one_contact_with_all_they_gave(account: Account) -> None:
    answers = at_once(
        lambda number: patiently(
            lambda: account.api.post(
                "/v1/contacts?on_conflict=update",
                {"email": "ada@example.com", "custom_fields": {f"from {number}": number}},
            )
        ),
        MANY,
    )
    assert statuses(answers) == {201: 1, 200: MANY - 1}
    contact = account.api.contact("ada@example.com")
    assert contact["version"] == MANY
    assert contact["custom_fields"] == {f"from {number}": number for number in range(MANY)}


UPDATES: dict[str, Callable[[int], tuple[Any, dict[str, str]]]] = {
    "in place": lambda number: ({"custom_fields": {f"from {number}": number}}, {}),
    "read before written": lambda number: (
        {"custom_fields": {f"from {number}": number}, "add_tags": [f"{number}"]},
        {},
    ),
    "each with a key": lambda number: (
        {"custom_fields": {f"from {number}": number}},
        {"Idempotency-Key": f"update {number}"},
    ),
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=list(UPDATES))
def test_none_of_many_updates_of_one_contact_is_lost(
    update: Callable[[int], tuple[Any, dict[str, str]]], account: Account
) -> None:
    contact = account.api.created(email="ada@example.com")

    def send(number: int) -> requests.Response:
        body, headers = update(number)
        return patiently(lambda: account.api.send("PATCH", path_of(contact["id"]), body, headers=headers))

    answers = at_once(send, MANY)
    assert statuses(answers) == {200: MANY}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, MANY + 2))
    after = account.api.contact(contact["id"])
    assert after["version"] == MANY + 1
    assert after["custom_fields"] == {f"from {number}": number for number in range(MANY)}
    if after["tags"]:
        assert sorted(after["tags"], key=int) == [str(number) for number in range(MANY)]


def test_of_many_updates_on_one_version_one_gets_through(account: Account) -> None:
    contact = account.api.created(email="ada@example.com")
    answers = at_once(
        lambda number: account.api.patch(
            path_of(contact["id"]), {"first_name": str(number)}, If_Match='"1-pending"'
        ),
        MANY,
    )
    assert statuses(answers) == {200: 1, 412: MANY - 1}
    (winner,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert account.api.contact(contact["id"]) == winner


def test_many_times_the_same_idempotency_key_make_one_contact(account: Account) -> None:
    answers = at_once(
        lambda _: account.api.post("/v1/contacts", {"email": "ada@example.com"}, Idempotency_Key="once"), MANY
    )
    assert statuses(answers) == {201: MANY}
    assert len({answer.text for answer in answers}) == 1
    assert Counter("Idempotent-Replayed" in answer.headers for answer in answers) == {
        False: 1,
        True: MANY - 1,
    }
    assert account.api.get("/v1/contacts").json()["data"] == [answers[0].json()]


def test_many_times_the_same_idempotency_key_change_a_contact_once(account: Account) -> None:
    contact = account.api.created(email="ada@example.com", tags=["a"])
    answers = at_once(
        lambda _: account.api.patch(path_of(contact["id"]), {"add_tags": ["b"]}, Idempotency_Key="once"), MANY
    )
    assert statuses(answers) == {200: MANY}
    assert len({answer.text for answer in answers}) == 1
    assert Counter("Idempotent-Replayed" in answer.headers for answer in answers) == {
        False: 1,
        True: MANY - 1,
    }
    assert account.api.contact(contact["id"])["version"] == 2


def test_of_many_deletes_one_deletes(account: Account) -> None:
    contact = account.api.created(email="ada@example.com", external_id="7")
    answers = at_once(
        lambda number: account.api.delete(path_of(contact[("id", "email", "external_id")[number % 3]])), MANY
    )
    assert statuses(answers) == {200: 1, 404: MANY - 1}
    assert account.api.post(path_of("7", "/restore")).json()["id"] == contact["id"]


def test_a_plan_of_a_hundred_an_hour_admits_exactly_a_hundred(accounts: Accounts) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(60)
    account = accounts.open(plan="free")
    answers = at_once(lambda _: account.api.get("/v1/account"), 150)
    assert statuses(answers) == {200: 100, 429: 50}
    admitted = [answer for answer in answers if answer.status_code == 200]
    assert sorted(answer.json()["used_this_hour"] for answer in admitted) == list(range(1, 101))
    assert {answer.headers["X-RateLimit-Remaining"] for answer in answers if answer.status_code == 429} == {
        "0"
    }


HOW_MANY = times(1000, 250)


@pytest.fixture(scope="module")
def posted(accounts: Accounts) -> tuple[Account, dict[str, Any]]:
    """An account with many contacts, posted by many clients at once; each by its id, as it was answered."""
    account = accounts.open()
    answers = at_once(lambda number: account.api.post("/v1/contacts", person(number)), HOW_MANY)
    assert statuses(answers) == {201: HOW_MANY}
    contacts = {answer.json()["id"]: answer.json() for answer in answers}
    assert len(contacts) == HOW_MANY
    return account, contacts


@pytest.mark.parametrize(("sort", "descending"), [("created_at", False), ("-created_at", True)])
def test_a_walk_through_many_contacts_meets_each_once(
    sort: str, descending: bool, posted: tuple[Account, dict[str, Any]]
) -> None:
    account, contacts = posted
    walked = [contact for page in walk(account.api, limit=100, sort=sort) for contact in page]
    assert [contact["id"] for contact in walked] == sorted(contacts, reverse=descending)
    assert {contact["id"]: contact for contact in walked} == contacts


def test_many_contacts_are_kept_as_they_were_given(posted: tuple[Account, dict[str, Any]]) -> None:
    account, contacts = posted
    kept = {contact["external_id"] or contact["email"]: contact for contact in contacts.values()}
    for number in range(HOW_MANY):
        given = person(number)
        contact = kept[given.get("external_id") or given["email"]]
        assert {field: contact[field] for field in given} == given
    assert account.contradictions() == []


def test_a_walk_by_a_flag_through_many_contacts(posted: tuple[Account, dict[str, Any]]) -> None:
    account, contacts = posted
    walked = [contact for page in walk(account.api, limit=7, is_unsubscribed="true") for contact in page]
    expected = [id_ for id_, contact in contacts.items() if contact["is_unsubscribed"]]
    assert [contact["id"] for contact in walked] == sorted(expected, reverse=True)
    assert len(expected) == HOW_MANY // 10


def test_a_walk_meets_each_once_while_others_write(accounts: Accounts) -> None:
    """Contacts made, changed and deleted meanwhile disturb neither the order nor the others."""
    account = accounts.open()
    some = times(60, 25)
    steady = {account.api.created(external_id=f"steady {number}")["id"] for number in range(some)}
    fleeting = [account.api.created(external_id=f"fleeting {number}")["id"] for number in range(some)]
    changes: list[Callable[[], requests.Response]] = []
    for number, contact_id in enumerate(fleeting):
        changes += [
            lambda ref=contact_id: account.api.delete(path_of(ref)),
            lambda ref=f"steady {number}": account.api.patch(path_of(ref), {"first_name": "x"}),
            lambda name=f"new {number}": account.api.post("/v1/contacts", {"external_id": name}),
        ]
    with ThreadPoolExecutor(MAX_THREADS) as clients:
        done = [clients.submit(change) for change in changes]
        for sort in ("created_at", "-created_at"):
            walked = [contact["id"] for page in walk(account.api, limit=5, sort=sort) for contact in page]
            assert walked == sorted(walked, reverse=sort.startswith("-"))
            assert len(walked) == len(set(walked))
            assert steady <= set(walked)
        assert {change.result().status_code for change in done} <= {200, 201}
    assert account.contradictions() == []


def test_a_revoked_key_works_nowhere_after_a_minute(revoked_key: tuple[Api, float]) -> None:
    api, revoked_at = revoked_key
    known_everywhere(revoked_at)
    answers = at_once(lambda _: api.get("/v1/account"), 2 * MAX_THREADS)
    assert statuses(answers) == {401: 2 * MAX_THREADS}
