"""Idempotency-Key: what it stands for, and for whom."""

from hashlib import sha256
from typing import Any

import pytest

from contacts.table import keys
from tests.contract.vendors import BASES, BEARERS
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


# A key stands for what the body says

SPELLINGS = {
    "the order of keys": (
        '{"email": "ada@example.com", "custom_fields": {"a": 1, "b": 2}}',
        '{"custom_fields": {"b": 2, "a": 1}, "email": "ada@example.com"}',
    ),
    "white space": ('{"email":"ada@example.com"}', '\n{ "email" :\t"ada@example.com" }\n'),
    "escapes": (
        '{"email": "ada@example.com", "first_name": "Zoé"}',
        r'{"email": "\u0061da@example.com", "first_name": "Zo\u00e9"}',
    ),
    "numbers": (
        '{"email": "ada@example.com", "metadata": {"a": 10, "b": 0.5, "c": 0.1234567890123456789}}',
        '{"email": "ada@example.com", "metadata": {"a": 1e1, "b": 5.0E-1, "c": 0.12345678901234567890}}',
    ),
}


def sent(api: Api, raw: str, path: str = "/v1/contacts", **headers: str) -> Any:
    return api.send("POST", path, raw=raw.encode(), headers={"Idempotency-Key": "k", **headers})


@pytest.mark.parametrize(("body", "again"), SPELLINGS.values(), ids=list(SPELLINGS))
def test_the_same_body_in_another_spelling_is_replayed(body: str, again: str, account: Account) -> None:
    first, second = sent(account.api, body), sent(account.api, again)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.json(), second.headers[REPLAYED]) == (first.json(), "true")
    other = sent(account.api, body.replace("ada@", "eve@"))
    assert_problem(other, 422, "idempotency_key_reused")


def test_the_order_of_a_query_does_not_matter(account: Account) -> None:
    body = '{"email": "ada@example.com"}'
    sent(account.api, body, "/v1/contacts?on_conflict=update&on_invalid=skip")
    again = sent(account.api, body, "/api/v1/contacts?on_invalid=skip&on_conflict=%75pdate")
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    assert_problem(sent(account.api, body, "/v1/contacts?on_conflict=update"), 422)


def test_a_batch_in_another_spelling_completes_what_is_missing(account: Account) -> None:
    good = '{"op": "create", "contact": {"email": "ada@example.com", "name": "Ada"}}'
    path = "/v1/contacts/batch"
    first = sent(account.api, f'{{"operations": [{good}, {{"op": "delete", "ref": "7"}}]}}', path).json()
    assert [one["status"] for one in first["results"]] == [201, 404]
    account.api.created(external_id="7")
    again = '{"op": "create", "contact": {"name": "Ada", "email": "ada@example.com"}}'
    second = sent(account.api, f'{{ "operations":[{again},{{"ref":"7","op":"delete"}}] }}', path).json()
    assert second["results"][0] == first["results"][0]
    assert second["results"][1]["status"] == 200
    assert_problem(sent(account.api, f'{{"operations": [{good}]}}', path), 422, "idempotency_key_reused")


def test_an_event_in_another_spelling_is_recorded_once(account: Account, contact: Any) -> None:
    path = path_of("7", "/events")
    first = sent(account.api, '{"name": "seen", "data": {"a": 1, "b": 2}}', path)
    again = sent(account.api, '{"data": {"b": 2.0, "a": 1}, "name": "seen"}', path)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, first.json())
    assert len([item for item in account.everything().values() if item.get("name") == {"S": "seen"}]) == 1


VENDORS = {
    "sendmator": ('{"email": "ada@example.com", "tags": []}', '{"tags":[],"email":"ada@example.com"}'),
    "smashsend": ('{"email": "ada@example.com", "name": "A"}', '{"name":"A","email":"ada@example.com"}'),
    "artamail": ('{"email": "ada@example.com", "name": "A"}', '{"name":"\\u0041","email":"ada@example.com"}'),
}


@pytest.mark.parametrize("dialect", VENDORS)
def test_a_vendors_body_in_another_spelling_is_replayed(dialect: str, account: Account) -> None:
    key = account.key(dialect=dialect)["key"]
    with Api(account.api.url + BASES[dialect], key, as_bearer=dialect in BEARERS) as api:
        first, second = (sent(api, body, "/contacts") for body in VENDORS[dialect])
    assert first.status_code == 201, first.text
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers[REPLAYED] == "true"


# Beside code that knows the bytes only

BODY = '{"email": "ada@example.com", "name": "Ada"}'


def record_of(account: Account) -> tuple[keys.Key, dict[str, Any]]:
    ((key, item),) = ((key, item) for key, item in account.items().items() if "request_hash" in item)
    return keys.Key(*key), {name: value for name, value in item.items() if name not in ("PK", "SK")}


def test_a_record_of_an_earlier_release_answers_the_same_bytes(account: Account) -> None:
    first = sent(account.api, BODY)
    key, record = record_of(account)
    del record["meaning_hash"]
    account.put_item(key, record)
    again = sent(account.api, BODY)
    assert (again.status_code, again.json(), again.headers[REPLAYED]) == (201, first.json(), "true")
    assert_problem(sent(account.api, BODY.replace(": ", ":")), 422, "idempotency_key_reused")


def test_an_earlier_release_recognises_the_bytes_of_a_new_record(account: Account) -> None:
    sent(account.api, BODY)
    _, record = record_of(account)
    bytes_hash = sha256(b"POST /v1/contacts?\n" + BODY.encode()).hexdigest()
    assert record["request_hash"] == {"S": bytes_hash}


@pytest.mark.parametrize(
    "raw", ["{", '{"a": 1, "a": 1}', "[" * 5000, '{"a": NaN}', "\N{REPLACEMENT CHARACTER}"]
)
def test_what_is_no_json_is_refused_under_a_key_as_without(raw: str, account: Account) -> None:
    assert_problem(sent(account.api, raw), 400)
    sent(account.api, BODY)
    assert_problem(sent(account.api, raw), 422, "idempotency_key_reused")
