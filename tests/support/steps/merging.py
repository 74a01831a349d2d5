"""Two contacts, and their merge through the API."""

from typing import Any

from tests.support.accounts import Account
from tests.support.api import path_of

ADA = {"email": "ada@example.com", "first_name": "Ada", "tags": ["vip"], "custom_fields": {"plan": "pro"}}


BEA = {
    "email": "augusta@example.org",
    "external_id": "crm-2",
    "last_name": "Lovelace",
    "tags": ["trial", "vip"],
    "lists": ["newsletter"],
    "custom_fields": {"plan": "free", "city": "Ockham"},
    "is_unsubscribed": True,
}


def merged(account: Account, ref: str, source: str, **headers: str) -> Any:
    answer = account.api.post(path_of(ref, "/merge"), {"from": source}, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()
