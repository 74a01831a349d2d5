"""One account never sees, counts or names anything of another."""

from typing import Any

import pytest

from tests.support.accounts import Account, wait_for_a_fresh_hour_if_this_one_ends_within
from tests.support.api import assert_problem, culprits, path_of


@pytest.fixture
def theirs(other_account: Account) -> Any:
    """A contact of somebody else."""
    return other_account.api.created(email="ada@example.com", external_id="7", first_name="Ada")


NAMES = ["id", "email", "external_id"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by", [False, True], ids=["as it is", "by"])
def test_nothing_can_be_done_with_a_contact_of_another_account(
    name: str, by: bool, account: Account, other_account: Account, theirs: Any
) -> None:
    here, there = account.items(), other_account.items()
    query = f"?by={name}" if by else ""
    path = path_of(theirs[name], query)
    answers = [
        account.api.get(path),
        account.api.get(path, If_None_Match="*"),
        account.api.patch(path, {"first_name": "mine"}),
        account.api.patch(path, {"first_name": "mine"}, If_Match='"1"'),
        account.api.patch(path, {"add_tags": ["mine"]}, Idempotency_Key="k"),
        account.api.put(path, {"email": "mine@example.com"}),
        account.api.delete(path),
        account.api.delete(path_of(theirs[name], f"?permanent=true{query.replace('?', '&')}")),
        account.api.post(path_of(theirs[name], f"/restore{query}")),
        account.api.get(path_of(theirs[name], f"/events{query}")),
        account.api.post(path_of(theirs[name], f"/events{query}"), {"name": "seen"}, Idempotency_Key="k"),
    ]
    for answer in answers:
        problem = assert_problem(answer, 404, "contact_not_found")
        assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    # As if there were no such contact anywhere.
    nowhere = account.api.get(path_of("nobody")).json()
    assert {**answers[0].json(), "request_id": ""} == {**nowhere, "request_id": ""}
    assert (account.items(), other_account.items()) == (here, there)


def test_nothing_can_be_done_with_the_trash_of_another_account(
    account: Account, other_account: Account, theirs: Any
) -> None:
    other_account.api.delete(path_of(theirs["id"]))
    before = other_account.items()
    for name in NAMES:
        assert_problem(account.api.post(path_of(theirs[name], "/restore")), 404)
        assert_problem(account.api.delete(path_of(theirs[name], "?permanent=true")), 404)
    created = account.api.created(email=theirs["email"])
    assert (created["id"] != theirs["id"], created["first_name"]) == (True, None)
    assert other_account.items() == before
    assert other_account.api.post(path_of(theirs["id"], "/restore")).json()["first_name"] == "Ada"


def test_every_account_has_the_same_names_to_give(
    account: Account, other_account: Account, theirs: Any
) -> None:
    mine = account.api.created(email=theirs["email"], external_id=theirs["external_id"], first_name="Eve")
    assert mine["id"] != theirs["id"]
    upserted = account.api.post("/v1/contacts?on_conflict=update", {"external_id": "7", "last_name": "E."})
    assert upserted.json()["id"] == mine["id"]
    for name in ("email", "external_id"):
        assert account.api.contact(theirs[name])["first_name"] == "Eve"
        assert other_account.api.contact(theirs[name]) == theirs
    twice = assert_problem(account.api.post("/v1/contacts", {"email": theirs["email"]}), 409)
    assert twice["existing_id"] == mine["id"]
    # Another's id is no name of mine, so it may even be one.
    odd = account.api.created(external_id=theirs["id"])
    assert account.api.contact(theirs["id"])["id"] == odd["id"]


def test_lists_do_not_mix(account: Account, other_account: Account, theirs: Any) -> None:
    mine = account.api.created(email="eve@example.com")
    for sort in ("created_at", "-created_at"):
        assert account.api.get(f"/v1/contacts?sort={sort}").json()["data"] == [mine]
        assert other_account.api.get(f"/v1/contacts?sort={sort}").json()["data"] == [theirs]


def test_a_cursor_of_another_account_is_none(account: Account, other_account: Account, theirs: Any) -> None:
    other_account.api.created(email="second@example.com")
    account.api.created(email="mine@example.com")
    cursor = other_account.api.get("/v1/contacts?limit=1").json()["next_cursor"]
    problem = assert_problem(account.api.get(f"/v1/contacts?limit=1&cursor={cursor}"), 400, "invalid_input")
    assert culprits(problem) == {"cursor"}


def test_keys_and_usage_do_not_mix(account: Account, other_account: Account) -> None:
    wait_for_a_fresh_hour_if_this_one_ends_within(10)
    key = other_account.key()
    before = other_account.items()
    assert key["id"] not in account.api.get("/v1/api-keys").text
    assert_problem(account.api.delete(f"/v1/api-keys/{key['id']}"), 404, "api_key_not_found")
    assert other_account.items() == before
    mine, theirs = (api.get("/v1/account").json() for api in (account.api, other_account.api))
    assert (mine["id"], mine["used_this_hour"]) == (account.id, 3)
    assert (theirs["id"], theirs["used_this_hour"]) == (other_account.id, 2)
