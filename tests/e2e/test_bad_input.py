"""Bad input as the gateway hands it over: each a 4xx that names the culprit, and nothing is written."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits, path_of


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """One account for the whole module, with one contact: nothing here may change either."""
    shared_account.api.created(email="ada@example.com", external_id="7", tags=["a"], metadata={"n": 1})
    return shared_account


@pytest.fixture(scope="module")
def before(account: Account) -> Any:
    """What is in the account, from the first of these tests to the last."""
    return account.items()


@pytest.fixture(autouse=True)
def nothing_is_written(account: Account, before: Any) -> Iterator[None]:
    yield
    assert account.items() == before


def test_a_body_in_another_encoding(account: Account) -> None:
    """Only as a binary type: of a body called JSON, API Gateway hands on text, with � for what was none."""
    latin = '{"email": "new@example.com", "first_name": "Zoë"}'.encode("latin-1")
    answer = account.api.send(
        "POST", "/v1/contacts", raw=latin, headers={"Content-Type": "application/octet-stream"}
    )
    assert culprits(assert_problem(answer, 400, "invalid_json")) == {"body"}


def test_every_wrong_field_is_named_at_once(account: Account) -> None:
    body = {
        "email": "a@b",
        "phone": "12",
        "tags": ["", 5],
        "custom_fields": {"a": {"b": "\0"}},
        "is_active": "yes",
        "nickname": "x",
    }
    answer = account.api.post("/v1/contacts?colour=red&on_conflict=merge", body)
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {
        *("email", "phone", "tags.0", "tags.1", "custom_fields.a.b", "is_active", "nickname"),
        *("colour", "on_conflict"),
    }


# Sizes


@pytest.mark.parametrize("size", [(1 << 20) + 1, 2_000_000], ids=["1 MB and a byte", "2 MB"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/7"), ("POST", "/v1/api-keys")],
)
def test_a_body_beyond_one_megabyte(method: str, path: str, size: int, account: Account) -> None:
    frame = '{"email": "new@example.com", "metadata": {"text": ""}}'
    raw = frame.replace('""', f'"{"x" * (size - len(frame))}"')
    problem = assert_problem(account.api.send(method, path, raw=raw), 413, "body_too_large")
    assert "1,048,576 bytes" in problem["detail"]


# Headers

HEADERS = {
    "If-Match a word": ("PATCH", "If-Match", "latest"),
    "If-Match empty": ("PATCH", "If-Match", ""),
    "If-Match negative": ("PATCH", "If-Match", '"-1"'),
    "If-Match of 16 digits": ("DELETE", "If-Match", '"1234567890123456"'),
    "If-Match with one wrong": ("DELETE", "If-Match", '"1-pending", oops'),
    "Idempotency-Key empty": ("PATCH", "Idempotency-Key", ""),
    "Idempotency-Key of 256": ("PATCH", "Idempotency-Key", "k" * 256),
    "Idempotency-Key beyond ASCII": ("DELETE", "Idempotency-Key", "schlüssel"),
    "Idempotency-Key with a tab": ("DELETE", "Idempotency-Key", "a\tb"),
}


@pytest.mark.parametrize(("method", "name", "value"), HEADERS.values(), ids=list(HEADERS))
def test_a_header_that_cannot_be_taken(method: str, name: str, value: str, account: Account) -> None:
    body = ({"first_name": "x"},) if method == "PATCH" else ()
    answer = account.api.send(method, path_of("7"), *body, headers={name: value.encode("latin-1")})
    assert culprits(assert_problem(answer, 400, "invalid_input")) == {name}
