"""`make demo` fills an account with what the console's pictures and tests show, and each of it is what it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.demo_shop import endpoints, shop
from local.load import Bar
from local.smoke import Api

SIZE = 100


class Steps:
    """A bar that nobody sees: it keeps what it is told."""

    def __init__(self) -> None:
        self.done = 0.0
        self.told: list[str] = []

    def update(self, n: float) -> None:
        self.done += n

    def set_postfix_str(self, s: str) -> None:
        self.told.append(s)


@pytest.fixture(scope="module")
def made(stack: dict[str, Any]) -> dict[str, Any]:
    """A small shop, where no delivery takes three attempts: that would be half a minute."""
    steps = Steps()

    @contextmanager
    def bars(_title: str, _size: int | None) -> Iterator[Bar]:
        yield steps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(endpoints, "FAILS_TWICE", None)
        account = shop.make(stack, SIZE, bars)
    assert steps.done == pytest.approx(1.0)
    assert len(steps.told) == 6
    return account


def test_each_thing_is_what_it_is_called(made: dict[str, Any]) -> None:
    api = Api(made["url"], made["keys"]["native"])

    def get(path: str) -> dict[str, Any]:
        return api.expect(200, "GET", f"/v1/{path}").body

    jobs = {what: get(f"imports/{one}") for what, one in made["imports"].items()}
    assert jobs["customers"]["counts"]["created"] == SIZE
    assert get("account")["counts"]["contacts"] == made["contacts_in_all"]
    assert jobs["half wrong"]["counts"]["failed"] == 100
    assert get(f"imports/{made['imports']['half wrong']}/errors")["rows"] == 100
    assert jobs["to be undone"]["counts"]["updated"] > 50
    assert jobs["waits for its start"]["state"] == "ready"
    assert {get(f"exports/{one}")["state"] for one in made["exports"]} == {"completed"}

    people = dict(made["contacts"])
    api.expect(404, "GET", f"/v1/contacts/{people.pop('in the trash')}")
    contacts = {what: get(f"contacts/{one}") for what, one in people.items()}
    assert contacts["markup"]["name"] == "<img src=x onerror=alert(1)>"
    assert len(contacts["long name"]["name"]) == 255
    assert len(contacts["a hundred tags"]["tags"]) == 100
    assert contacts["large field"]["custom_fields"]["notes"]
    assert contacts["unsubscribed"]["is_unsubscribed"]
    for channel in ("WhatsApp", "Telegram"):
        gates = get(f"contacts/{people[f'reached by {channel}']}/gates")["data"]
        assert channel.lower() in {gate["channel"]["type"] for gate in gates}
    happened = get(f"contacts/{people['rich history']}/events?limit=50")["data"]
    assert {"order_placed", "email_opened", "ticket_closed"} <= {one.get("name") for one in happened}

    webhooks = {path: get(f"webhooks/{one}") for path, one in made["webhooks"].items()}
    assert webhooks["crm"]["is_active"]
    assert webhooks["old-shop"]["disabled_reason"] == "gone"
    sent = get(f"webhooks/{made['webhooks']['warehouse']}/deliveries?limit=100")["data"]
    assert {attempt["status_code"] for one in sent for attempt in one["attempts"]} >= {200, 422, 503}


def test_each_key_may_what_it_is_there_for(made: dict[str, Any]) -> None:
    keys = made["keys"]
    body = {"email": "new.customer@example.com"}
    api = Api(made["url"], "")
    api.expect(200, "GET", "/v1/contacts?limit=1", key=keys["contacts_read"])
    api.expect(403, "POST", "/v1/contacts", body, key=keys["contacts_read"])
    assert api.expect(201, "POST", "/v1/contacts", body, key=keys["test"]).body["test_mode"] is True
    api.expect(401, "GET", "/v1/contacts", key=keys["revoked"])
    api.expect(200, "GET", "/api/v1/contacts", key=keys["sendmator"])
