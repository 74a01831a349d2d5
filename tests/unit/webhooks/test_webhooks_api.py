"""Endpoints of webhooks as the API takes and shows them; whether they are told of changes is in tests/e2e."""

from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.api import assert_problem, culprits
from tests.support.steps.webhooks import webhook

NOBODY = "http://127.0.0.1:9/"
"""An endpoint that nothing is sent to."""


GOOD = "https://hooks.example.com/contacts"
BAD = [
    ({}, "url"),
    ({"url": "hooks.example.com"}, "url"),
    ({"url": "ftp://hooks.example.com/"}, "url"),
    ({"url": "https://user:secret@hooks.example.com/"}, "url"),
    ({"url": "https://hooks.example.com/" + "x" * 3000}, "url"),
    ({"url": "https:///nowhere"}, "url"),
    ({"url": "https://hooks.example.com:99999/"}, "url"),
    ({"url": "https://hooks.example.com/ a"}, "url"),
    ({"url": 7}, "url"),
    ({"url": GOOD, "events": ["contact.created", "contact.exploded"]}, "events.1"),
    ({"url": GOOD, "events": ["webhook.test"]}, "events.0"),
    ({"url": GOOD, "events": []}, "events"),
    ({"url": GOOD, "events": "contact.created"}, "events"),
    ({"url": GOOD, "secret": "mine"}, "secret"),
    ({"url": GOOD, "is_active": "yes"}, "is_active"),
    ({"url": GOOD, "description": "x" * 501}, "description"),
]


@pytest.mark.parametrize(("body", "culprit"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_endpoint_is_refused_by_name(body: Any, culprit: str, shared_account: Account) -> None:
    answer = shared_account.api.post("/v1/webhooks", body)
    assert culprits(assert_problem(answer, 400)) == {culprit}
    assert shared_account.api.get("/v1/webhooks").json()["data"] == []


def test_a_key_needs_the_scope(account: Account) -> None:
    hook = webhook(account.api, NOBODY)
    reading = account.key(scopes=["webhooks:read", "contacts:read"])["key"]
    with account.api_with(reading) as api:
        assert api.get("/v1/webhooks").status_code == 200
        assert api.get("/v1/events").status_code == 200
        for answer in (
            api.post("/v1/webhooks", {"url": NOBODY}),
            api.delete(f"/v1/webhooks/{hook['id']}"),
            api.post(f"/v1/webhooks/{hook['id']}/test"),
            api.post(f"/v1/webhooks/{hook['id']}/rotate-secret"),
        ):
            assert "webhooks:write" in assert_problem(answer, 403)["detail"]


def test_an_idempotency_key_makes_one_endpoint_and_repeats_no_secret(account: Account) -> None:
    first = account.api.post("/v1/webhooks", {"url": NOBODY}, Idempotency_Key="hook")
    again = account.api.post("/v1/webhooks", {"url": NOBODY}, Idempotency_Key="hook")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {key: value for key, value in first.json().items() if key != "secret"}
    assert len(account.api.get("/v1/webhooks").json()["data"]) == 1


def test_a_test_key_keeps_no_endpoint(account: Account) -> None:
    with account.api_with(account.key(mode="test")["key"]) as api:
        made = api.post("/v1/webhooks", {"url": NOBODY})
        assert (made.status_code, made.json()["test_mode"]) == (201, True)
        assert api.get("/v1/webhooks").json()["data"] == []
        assert_problem(api.get(f"/v1/webhooks/{made.json()['id']}"), 404, "webhook_not_found")
        api.post("/v1/contacts", {"email": "ada@example.com"})
    assert account.api.get("/v1/webhooks").json()["data"] == []


def test_the_101st_endpoint_is_refused(account: Account) -> None:
    for number in range(100):
        webhook(account.api, f"{NOBODY}{number}", is_active=False)
    refused = account.api.post("/v1/webhooks", {"url": NOBODY})
    assert_problem(refused, 409, "too_many_webhooks")
    assert len(account.api.get("/v1/webhooks").json()["data"]) == 100
