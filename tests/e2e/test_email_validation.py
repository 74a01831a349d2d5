"""What is known of an email settles by itself, and a bounce counts.

While other tests run nothing is judged, so that answers can be compared as a whole (`Accounts.judging`).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.accounts import Account, Accounts
from tests.support.api import path_of
from tests.support.waiting import until


@pytest.fixture(scope="module", autouse=True)
def judging(accounts: Accounts) -> Iterator[None]:
    """Emails are judged while these tests run."""
    with accounts.judging():
        yield


def retry_on_conflict(account: Account, ref: str) -> dict[str, Any]:
    """The contact, once its email is judged."""
    contact: dict[str, Any] = until(
        lambda: [found for found in [account.api.contact(ref)] if found["validation_status"] != "pending"]
    )[0]
    return contact


@pytest.mark.parametrize(
    ("email", "status", "reason"),
    [
        ("ada@example.com", "valid", None),
        ("max@bücher.example.com", "valid", None),
        ("someone@mailinator.com", "invalid", "disposable"),
        ("someone@inbox.mailinator.com", "invalid", "disposable"),
    ],
)
def test_an_email_is_judged_by_itself(email: str, status: str, reason: str | None, account: Account) -> None:
    created = account.api.created(email=email)
    assert (created["validation_status"], created["validation_reason"]) == ("pending", None)
    judged = retry_on_conflict(account, created["id"])
    assert (judged["validation_status"], judged["validation_reason"]) == (status, reason)
    # Nothing else has changed: no version, no time of change.
    unjudged = {"validation_status": "pending", "validation_reason": None}
    assert {**judged, **unjudged} == created


def test_a_changed_email_is_judged_anew(account: Account) -> None:
    created = account.api.created(email="someone@mailinator.com")
    assert retry_on_conflict(account, created["id"])["validation_status"] == "invalid"
    changed = account.api.patch(path_of(created["id"]), {"email": "ada@example.com"}).json()
    assert changed["validation_status"] == "pending"
    judged = retry_on_conflict(account, created["id"])
    assert (judged["validation_status"], judged["validation_reason"], judged["version"]) == ("valid", None, 2)
    assert account.api.get(path_of(created["id"])).headers["ETag"] == '"2-valid"'


def test_a_bounce_marks_the_address_in_the_account_it_names(
    account: Account, other_account: Account, accounts: Accounts
) -> None:
    endpoint = {"url": "http://127.0.0.1:9/", "events": ["contact.validated"], "is_active": False}
    assert account.api.post("/v1/webhooks", endpoint).status_code == 201
    for each in (account, other_account):
        retry_on_conflict(each, each.api.created(email="ada@example.com")["id"])
    accounts.publish_bounce(
        {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": "Permanent",
                "bounceSubType": "General",
                "bouncedRecipients": [{"emailAddress": "Ada@Example.com", "status": "5.1.1"}],
            },
            "mail": {"messageId": "m-1", "tags": {"account_id": [account.id]}},
        }
    )
    bounced = until(
        lambda: [
            found
            for found in [account.api.contact("ada@example.com")]
            if found["validation_status"] == "invalid"
        ]
    )
    assert (bounced[0]["validation_reason"], bounced[0]["version"]) == ("bounced", 1)
    assert other_account.api.contact("ada@example.com")["validation_status"] == "valid"
    events = until(
        lambda: [
            event
            for event in account.api.get("/v1/events").json()["data"]
            if event["type"] == "contact.validated"
            and event["data"]["contact"]["validation_reason"] == "bounced"
        ],
        60,
    )
    assert len(events) == 1, json.dumps(events)
