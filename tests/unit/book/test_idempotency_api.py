"""Idempotency-Key: what it stands for, and for whom."""

from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.api import Api, assert_problem, path_of

REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def contact(account: Account) -> Any:
    return account.api.created(email="ada@example.com", external_id="7", tags=["a"])


def test_a_repeated_restore_gets_the_first_answer(account: Account, contact: Any) -> None:
    account.api.delete(path_of(contact["id"]))
    first, again = (
        account.api.post(path_of("7", "/restore"), Idempotency_Key="back, please") for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert again.headers[REPLAYED] == "true"


def test_an_answer_is_repeated_even_after_the_contact_went_on(account: Account, contact: Any) -> None:
    change = {"first_name": "Ada"}
    first = account.api.patch(path_of("7"), change, Idempotency_Key="k", If_Match='"1"')
    account.api.patch(path_of("7"), {"first_name": "Augusta"})
    assert account.api.patch(path_of("7"), change, Idempotency_Key="k", If_Match='"1"').json() == first.json()
    account.api.delete(path_of("7"))
    assert account.api.patch(path_of("7"), change, Idempotency_Key="k", If_Match='"1"').json() == first.json()


def test_a_new_api_key_is_shown_once_and_not_in_a_replay(account: Account) -> None:
    first, again = (
        account.api.post("/v1/api-keys", {"name": "CRM"}, Idempotency_Key="key please") for _ in range(2)
    )
    shown = first.json()
    assert shown.pop("key").startswith("sk_live_")
    assert (again.status_code, again.json()) == (201, shown)
    assert again.headers[REPLAYED] == "true"
    assert len(account.api.get("/v1/api-keys").json()["data"]) == 2


OTHER_REQUESTS = {
    "another body": ("POST", "/v1/contacts", {"email": "other@example.com"}),
    "another query": ("POST", "/v1/contacts?on_conflict=update", {"email": "new@example.com"}),
    "another path": ("POST", "/v1/api-keys", {"name": "new@example.com"}),
    "another method": ("PATCH", "/v1/contacts/7", {"email": "new@example.com"}),
    "a request that would fail": ("POST", "/v1/contacts", {"email": "nonsense"}),
    "a contact that is not there": ("PATCH", "/v1/contacts/nobody", {"first_name": "x"}),
}


@pytest.mark.parametrize(("method", "path", "body"), OTHER_REQUESTS.values(), ids=list(OTHER_REQUESTS))
def test_a_key_that_stands_for_another_request_is_refused(
    method: str, path: str, body: Any, account: Account, contact: Any
) -> None:
    first = account.api.post("/v1/contacts", {"email": "new@example.com"}, Idempotency_Key="taken")
    before = account.items()
    answer = account.api.send(method, path, body, headers={"Idempotency-Key": "taken"})
    problem = assert_problem(answer, 422, "idempotency_key_reused")
    assert problem["field"] == "Idempotency-Key"
    assert account.items() == before
    again = account.api.post("/v1/contacts", {"email": "new@example.com"}, Idempotency_Key="taken")
    assert again.json() == first.json()


def test_a_refusal_leaves_no_record(account: Account, contact: Any) -> None:
    """So a request may be corrected, or come at a better time, and keep its key."""
    wrong = account.api.post("/v1/contacts", {"email": "nonsense"}, Idempotency_Key="k")
    taken = account.api.post("/v1/contacts", {"email": "ada@example.com"}, Idempotency_Key="k")
    right = account.api.post("/v1/contacts", {"email": "new@example.com"}, Idempotency_Key="k")
    assert [answer.status_code for answer in (wrong, taken, right)] == [400, 409, 201]


def test_a_read_takes_no_notice_of_a_key(account: Account, contact: Any) -> None:
    account.api.patch(path_of("7"), {"first_name": "Ada"}, Idempotency_Key="k")
    answer = account.api.get(path_of("7"), Idempotency_Key="k")
    assert (answer.status_code, REPLAYED in answer.headers) == (200, False)


def test_the_longest_key_is_taken(account: Account) -> None:
    for _ in range(2):
        answer = account.api.post("/v1/contacts", {"external_id": "x"}, Idempotency_Key="~ #" * 85)
        assert answer.status_code == 201
    assert answer.headers[REPLAYED] == "true"


def test_each_account_has_keys_of_its_own(account: Account, other_account: Account) -> None:
    answers = [
        api.post("/v1/contacts", {"email": "ada@example.com"}, Idempotency_Key="same")
        for api in (account.api, other_account.api)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert REPLAYED not in answers[1].headers
    assert answers[0].json()["id"] != answers[1].json()["id"]


def test_a_replay_needs_the_scope_of_the_request(account: Account) -> None:
    body = {"email": "ada@example.com"}
    account.api.post("/v1/contacts", body, Idempotency_Key="k")
    with Api(account.api.url, account.key(scopes=["contacts:read"])["key"]) as reader:
        assert_problem(reader.post("/v1/contacts", body, Idempotency_Key="k"), 403, "scope_missing")
