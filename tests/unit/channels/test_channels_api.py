"""Channels and the gates of contacts: pages, repeated requests, what is refused, and whose they are."""

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits, path_of
from tests.support.steps.channels import ADA, CHANNELS, arrive, arrived, made, of

NOBODYS = "01941f29-7c00-7ddd-8000-000000000005"


@pytest.fixture
def bot(account: Account) -> str:
    return made(account.api)


def test_channels_come_in_pages_and_by_page_number(account: Account) -> None:
    ids = [made(account.api, name=str(number)) for number in range(5)]
    found, query = [], "?limit=2"
    while query:
        page = account.api.get(f"{CHANNELS}{query}").json()
        found += [one["id"] for one in page["data"]]
        query = f"?limit=2&cursor={page['next_cursor']}" if page["has_more"] else ""
    assert found == ids
    second = account.api.get(f"{CHANNELS}?limit=2&offset=2&include_total=true").json()
    assert ([one["id"] for one in second["data"]], second["total"]) == (ids[2:4], 5)
    assert culprits(assert_problem(account.api.get(f"{CHANNELS}?limit=0&offset=-1"), 400)) == {
        "limit",
        "offset",
    }


def test_a_message_that_comes_twice_is_carried_out_once(account: Account, bot: str) -> None:
    api = account.api
    for identifier, status in (("1", 201), ("2", 200)):
        if status == 200:
            arrived(api, bot, identifier)
        body = {"identifier": identifier}
        first = api.post(of(bot, "gates"), body, Idempotency_Key=f"k-{identifier}")
        assert first.status_code == status
        api.put(of(bot), {"state": False})
        again = api.post(of(bot, "gates"), body, Idempotency_Key=f"k-{identifier}")
        assert (again.status_code, again.json()) == (status, first.json())
        assert again.headers["Idempotent-Replayed"] == "true"
        api.put(of(bot), {"state": True})
    assert_problem(api.post(of(bot, "gates"), {"identifier": "3"}, Idempotency_Key="k-1"), 422)


def test_what_is_wrong_is_named_at_once_and_nothing_is_written(account: Account, bot: str) -> None:
    api = account.api
    owner = api.created(email="ada@example.com")
    before = account.items()
    wrong = assert_problem(api.post(CHANNELS, {"type": "fax", "state": 1, "x": 1}), 400)
    assert culprits(wrong) == {"type", "name", "state", "x"}
    assert culprits(assert_problem(api.put(of(bot), {"type": "sms", "name": ""}), 400)) == {"type", "name"}
    wrong = assert_problem(arrive(api, bot, "", email="no", phone="12"), 400)
    assert culprits(wrong) == {"identifier", "email", "phone"}
    taken = assert_problem(arrive(api, bot, "1", email="Ada@example.com"), 409, "duplicate_contact")
    assert (taken["existing_id"], taken["field"]) == (owner["id"], "email")
    for channel_id in (NOBODYS, "telegram"):
        assert_problem(api.get(of(channel_id)), 404, "channel_not_found")
        assert_problem(api.put(of(channel_id), {"state": False}), 404, "channel_not_found")
        assert_problem(arrive(api, channel_id, "1"), 404, "channel_not_found")
    assert_problem(api.delete(of(bot)), 405, "method_not_allowed")
    assert_problem(api.get(of(bot, "gates")), 405, "method_not_allowed")
    for route in ("/gates", "/chat"):
        assert_problem(api.get(path_of("nobody", route)), 404, "contact_not_found")
    assert account.items() == before


def test_every_account_has_channels_and_identifiers_of_its_own(
    account: Account, other_account: Account
) -> None:
    theirs = made(other_account.api)
    gate = arrived(other_account.api, theirs, "1", email="ada@example.com")
    before = other_account.items()
    for answer in (
        account.api.get(of(theirs)),
        account.api.put(of(theirs), {"state": False}),
        arrive(account.api, theirs, "1"),
        account.api.get(path_of(gate["contact_id"], "/gates")),
        account.api.get(path_of("ada@example.com", "/chat")),
    ):
        assert_problem(answer, 404)
    assert account.api.get(CHANNELS).json()["data"] == []
    mine = arrived(account.api, made(account.api), "1", email="ada@example.com")
    assert mine["contact_id"] != gate["contact_id"]
    assert other_account.items() == before


def test_who_may_do_what(account: Account, bot: str) -> None:
    contact_id = arrived(account.api, bot, "1")["contact_id"]
    for scope, refused in (("contacts:read", "contacts:write"), ("contacts:write", "contacts:read")):
        with account.api_with(account.key(scopes=[scope])["key"]) as api:
            reading = [
                api.get(CHANNELS),
                api.get(of(bot)),
                api.get(path_of(contact_id, "/gates")),
                api.get(path_of(contact_id, "/chat")),
            ]
            writing = [
                api.post(CHANNELS, {"type": "sms", "name": "SMS"}),
                api.put(of(bot), {"name": "x"}),
                arrive(api, bot, "1"),
            ]
        allowed, others = (reading, writing) if scope == "contacts:read" else (writing, reading)
        assert all(answer.ok for answer in allowed)
        assert {assert_problem(answer, 403, "scope_missing")["scope"] for answer in others} == {refused}


def test_a_test_key_leaves_nothing(account: Account, bot: str) -> None:
    gate = arrived(account.api, bot, "1")
    key = account.key(mode="test")["key"]
    before = account.items()
    with account.api_with(key) as api:
        shown = api.post(CHANNELS, {"type": "sms", "name": "SMS"}).json()
        assert (shown["test_mode"], shown["type"]) == (True, "sms")
        assert api.get(CHANNELS).json()["data"] == []
        answer = arrive(api, bot, "1", **ADA)
        assert (answer.status_code, answer.json()["test_mode"]) == (201, True)
        for problem in (
            api.get(of(bot)),
            api.put(of(bot), {"state": False}),
            api.get(path_of(gate["contact_id"], "/gates")),
            api.get(path_of(answer.json()["contact_id"], "/chat")),
        ):
            assert_problem(problem, 404)
    assert account.items() == before
