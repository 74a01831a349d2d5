"""One contact by each vendor's own routes, headers and words; row by row they are looked at in tests/contract."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from contacts.accounts.model import Dialect
from tests.contract.vendors import BASES, BEARERS
from tests.support.accounts import Account, Accounts
from tests.support.api import Api
from tests.support.waiting import until

EMAIL = "ada@example.com"


@pytest.fixture
def connect(accounts: Accounts, account: Account) -> Callable[[str], Api]:
    """The API as a vendor's client reaches it, with a key of the account's own."""

    def connected(dialect: str) -> Api:
        key = account.key(dialect=dialect)["key"]
        return Api(accounts.url + BASES[dialect], key, as_bearer=dialect in BEARERS)

    return connected


def answered(answer: requests.Response, status: int) -> Any:
    """The body of an answer; None: it has none."""
    assert answer.status_code == status, answer.text
    if not answer.content:
        return None
    assert answer.headers["Content-Type"] == "application/json"
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0
    return answer.json()


def test_sendmator(connect: Callable[[str], Api]) -> None:
    with connect("sendmator") as api:
        made = answered(api.post("/contacts", {"email": EMAIL, "external_id": "CRM-1", "tags": ["vip"]}), 201)
        path = f"/contacts/{made['id']}"
        assert answered(api.get("/contacts/CRM-1"), 200) == answered(api.get(path), 200)
        assert until(lambda: answered(api.get("/contacts?tag=vip&search=CRM-1"), 200)["data"])
        assert answered(api.put(path, {"is_unsubscribed": True}), 200)["is_unsubscribed"] is True
        assert answered(api.post(f"{path}/tags", {"tags": ["beta"]}), 200)["tags"] == ["vip", "beta"]
        assert answered(api.send("DELETE", f"{path}/tags", {"tags": ["vip"]}), 200)["tags"] == ["beta"]
        assert answered(api.get("/contacts/external/CRM-1"), 200)["tags"] == ["beta"]
        many = {"contacts": [{"email": "many@example.com"}, {"email": EMAIL}]}
        assert answered(api.post("/contacts/bulk", many), 201)["summary"]["created_count"] == 1
        answered(api.delete(path), 200)
        assert "message" in answered(api.get(path), 404)


def test_smashsend(connect: Callable[[str], Api]) -> None:
    with connect("smashsend") as api:
        made = answered(api.post("/contacts", {"email": EMAIL, "name": "Ada Lovelace"}), 201)
        path = f"/contacts/{made['contact']['id']}"
        assert answered(api.get(path), 200) == made
        assert until(lambda: answered(api.get("/contacts"), 200)["pagination"]["total"] == 1)
        answered(api.delete(path), 200)
        answered(api.get(path), 404)


def test_smashsend_v2(connect: Callable[[str], Api]) -> None:
    """Its two own paths lead to functions of other operations; one batch goes through IAM."""
    with connect("smashsend_v2") as api:
        assert answered(api.get("/api-keys/check"), 200)["status"] == "SUCCEED"
        body = {"contacts": [{"properties": {"email": EMAIL, "firstName": "Ada"}}]}
        (made,) = answered(api.post("/contacts/batch?allowPartialSuccess=true", body), 200)["contacts"]
        assert answered(api.get(f"/contacts/search?email={EMAIL}"), 200) == {"contact": made}
        assert until(lambda: answered(api.get("/contacts?search=ada"), 200)["contacts"]["items"]) == [made]
        plan = answered(api.post("/contact-properties", {"displayName": "Plan", "type": "STRING"}), 201)
        listed = answered(api.get("/contacts/properties?type=CUSTOM&limit=50"), 200)["properties"]
        assert listed == {"items": [plan["property"]], "hasMore": False}
        answered(api.delete(f"/contacts/by-email/{EMAIL}"), 200)
        answered(api.get(f"/contacts/{made['id']}"), 404)


def test_smartsender(connect: Callable[[str], Api], account: Account) -> None:
    channel = account.api.post("/v1/channels", {"type": "telegram", "name": "Bot"}).json()["id"]
    with connect("smartsender") as api:
        gate = {"identifier": "731905284", "firstName": "Ada", "lastName": "Lovelace"}
        answered(api.post(f"/channels/{channel}/gates", gate), 200)
        assert until(lambda: answered(api.get("/contacts"), 200)["cursor"]["elements"] == 1)
        (one,) = until(lambda: answered(api.get("/contacts/search?term=love"), 200)["collection"])
        path = f"/contacts/{one['id']}"
        for more in ("/info", "/chat", "/gates"):
            answered(api.get(f"{path}{more}"), 200)
        answered(api.post(f"{path}/fire", {"name": "called"}), 200)
        answered(api.put(path, {"values": {"tags": ["vip"]}}), 200)
        assert until(lambda: answered(api.get("/tags?term=vip"), 200)["collection"] != [])
        (tag,) = answered(api.get("/tags?term=vip"), 200)["collection"]
        for method in ("DELETE", "POST"):
            answered(api.send(method, f"{path}/tags/{tag['id']}"), 200)
        answered(api.get("/me"), 200)
        answered(api.delete(path), 200)
        answered(api.get(path), 404)


def test_the_demo_account_of_smartsender_has_three_channels(stack: dict[str, Any]) -> None:
    with Api(f"{stack['url']}/v1", stack["keys"]["smartsender"], as_bearer=True) as api:
        types = {one["type"] for one in api.get("/channels").json()["collection"]}
    assert types >= {"email", "whatsapp", "telegram"}


def test_artamail(connect: Callable[[str], Api], accounts: Accounts) -> None:
    """From there on an email is judged by itself."""
    with connect("artamail") as api, accounts.judging():
        for email, verdict in ((EMAIL, "valid"), ("someone@mailinator.com", "invalid")):
            made = answered(api.post("/contacts", {"email": email, "lists": ["newsletter"]}), 201)
            assert made["validation_status"] == "pending"
            path = f"/contacts/{email}"

            def judged(path: str = path) -> str:
                found = api.get(path)
                # The stack is busy with all the addresses that have waited until now.
                return (
                    "pending" if found.status_code == 503 else str(answered(found, 200)["validation_status"])
                )

            assert until(lambda: judged() != "pending")
            assert judged() == verdict
        assert answered(api.patch(path, {"subscribed": False}), 200)["subscribed"] is False
        answered(api.delete(path), 204)
        answered(api.get(path), 404)


def test_every_vendor_has_its_story() -> None:
    assert {f"test_{dialect}" for dialect in Dialect if dialect is not Dialect.NATIVE} <= globals().keys()
