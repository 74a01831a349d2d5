"""Idempotency-Key: whatever function carries a request out, a repeated one is answered again and done once."""

from typing import Any

import pytest
import requests

from tests.support.accounts import Account

REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def contact(account: Account) -> Any:
    return account.api.created(email="ada@example.com", external_id="7", tags=["a"])


WRITES = {
    "create": ("POST", "/v1/contacts", {"email": "new@example.com", "custom_fields": {"n": 0.10}}, 201),
    "upsert": ("POST", "/v1/contacts?on_conflict=update", {"email": "ada@example.com", "name": "A"}, 200),
    "update": ("PATCH", "/v1/contacts/{id}", {"first_name": "Ada", "add_tags": ["b"]}, 200),
    "update with put": ("PUT", "/v1/contacts/ada@example.com", {"metadata": {"n": 1}}, 200),
    "update of nothing": ("PATCH", "/v1/contacts/{id}", {}, 200),
    "rename": ("PATCH", "/v1/contacts/ada@example.com", {"email": "b@example.com"}, 200),
    "delete": ("DELETE", "/v1/contacts/7", None, 200),
    "permanent delete": ("DELETE", "/v1/contacts/7?permanent=true", None, 200),
    "event": ("POST", "/v1/contacts/ada@example.com/events", {"name": "seen", "data": {"n": 0.10}}, 202),
    "revoke": ("DELETE", "/v1/api-keys/{key_id}", None, 200),
}


@pytest.mark.parametrize(("method", "path", "body", "status"), WRITES.values(), ids=list(WRITES))
def test_a_repeated_request_gets_the_first_answer(
    method: str, path: str, body: Any, status: int, account: Account, contact: Any
) -> None:
    """Also where the change itself would now be another: the name is taken, the contact gone."""
    path = path.format(id=contact["id"], key_id=account.key()["id"])

    def send() -> requests.Response:
        arguments = () if body is None else (body,)
        return account.api.send(method, path, *arguments, headers={"Idempotency-Key": "once"})

    first = send()
    after_first = account.items()
    assert first.status_code == status, first.text
    assert REPLAYED not in first.headers
    for _ in range(2):
        again = send()
        assert (again.status_code, again.json()) == (status, first.json())
        assert again.headers[REPLAYED] == "true"
        assert again.headers.get("ETag") == first.headers.get("ETag")
        assert again.headers.get("Location") == first.headers.get("Location")
    assert account.items() == after_first
