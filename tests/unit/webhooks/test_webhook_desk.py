"""The webhook operations as callers see them: what is answered, what is refused, and who ever sees a secret."""

import base64
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from standardwebhooks import Webhook as PublicVerifier

from contacts.book.model import Action, Outcome
from contacts.core.observability import logger
from contacts.events.model import EventType
from contacts.webhooks.model import MAX_WEBHOOKS, Webhook
from contacts.webhooks.service import WebhookService
from contacts.webhooks.store import WebhookStore
from tests.support.front_door import ACCOUNT_ID, OTHER_ACCOUNT_ID, Reply, caller_of
from tests.support.hypothesis_profiles import examples
from tests.support.webhook_house import COLLECTION, ENDPOINT, ONE, PUBLIC, ROTATE, WebhookHouse

NOBODYS = "wh_19bc0cd0a4000000000"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def house() -> WebhookHouse:
    return WebhookHouse()


def kept(house: WebhookHouse, webhook_id: str) -> Webhook:
    found = house.store.webhook(ACCOUNT_ID, webhook_id)
    assert found is not None
    return found


def wrong(reply: Reply, status: int = 400) -> dict[str, str]:
    """The fields a refusal names, with what it says of them."""
    assert reply.status == status, reply
    assert "secret" not in reply.body
    return {error["field"]: error["message"] for error in reply.body["errors"]}


# A life


def test_a_webhook_from_its_making_to_its_end(house: WebhookHouse) -> None:
    created = house.created(events=["contact.created"], description="CRM")
    secret = created.pop("secret")
    assert created == {
        "id": created["id"],
        "url": ENDPOINT,
        "events": ["contact.created"],
        "description": "CRM",
        "is_active": True,
        "disabled_reason": None,
        "created_at": "2026-01-15T10:30:00.000Z",
    }
    assert secret.startswith("whsec_")
    assert house.request("GET", ONE, created["id"]).body == created
    listed = house.request("GET").body
    assert listed == {"data": [created], "has_more": False, "next_cursor": None}
    changed = house.request("PATCH", ONE, created["id"], body={"description": None, "events": ["*"]})
    assert changed.body == {**created, "description": None, "events": ["*"]}
    assert house.request("GET", ONE, created["id"]).body == changed.body
    deleted = house.request("DELETE", ONE, created["id"])
    assert (deleted.status, deleted.body) == (200, {"deleted": True, "id": created["id"]})
    assert house.request("DELETE", ONE, created["id"]).status == 404
    assert house.request("GET").body["data"] == []
    assert house.moto.items() == []


def test_webhooks_are_listed_in_the_order_of_their_making(house: WebhookHouse) -> None:
    made = []
    for number in range(5):
        house.clock.at_ms += 1
        made.append(house.created(description=str(number))["id"])
    assert [webhook["id"] for webhook in house.request("GET").body["data"]] == made


@pytest.mark.parametrize(
    ("method", "route"), [("GET", ONE), ("PATCH", ONE), ("DELETE", ONE), ("POST", ROTATE)]
)
@pytest.mark.parametrize("webhook_id", [NOBODYS, "x", "x" * 3000, "wh_", "CONTACT"])
def test_what_is_not_there_is_not_found(
    method: str, route: str, webhook_id: str, house: WebhookHouse
) -> None:
    reply = house.request(method, route, webhook_id, body={"url": "https://nowhere.example/"})
    assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert house.resolver.asked == []


@pytest.mark.parametrize(
    ("method", "route"), [("GET", ONE), ("PATCH", ONE), ("DELETE", ONE), ("POST", ROTATE)]
)
def test_another_account_has_no_such_webhook(method: str, route: str, house: WebhookHouse) -> None:
    made = house.created()
    before = house.moto.items()
    house.caller = caller_of(OTHER_ACCOUNT_ID)
    assert house.request(method, route, made["id"], body={}).status == 404
    assert house.request("GET").body["data"] == []
    assert house.moto.items() == before


# What may be sent


def test_an_endpoint_is_told_of_everything_unless_it_says_of_what(house: WebhookHouse) -> None:
    assert house.created()["events"] == ["*"]
    assert house.created(events="*")["events"] == ["*"]
    assert house.created(events=["contact.created", "*"])["events"] == ["*"]
    twice = ["contact.deleted", "contact.created", "contact.deleted"]
    assert house.created(events=twice)["events"] == ["contact.deleted", "contact.created"]
    every = [str(kind) for kind in EventType if kind is not EventType.TEST]
    assert house.created(events=every)["events"] == every


FIELDS = {
    "no such event": ({"events": ["contact.created", "contact.exploded"]}, "events.1", "contact.validated"),
    "a test is nothing to subscribe to": ({"events": ["webhook.test"]}, "events.0", "is no event"),
    "part of a name": ({"events": ["contact.*"]}, "events.0", "is no event"),
    "no events": ({"events": []}, "events", "at least 1 entry"),
    "events that are no list": ({"events": "contact.created"}, "events", "must be an array"),
    "an event that is no string": ({"events": [5]}, "events.0", "must be a string"),
    "events that are null": ({"events": None}, "events", "must be an array"),
    "a long description": ({"description": "x" * 501}, "description", "at most 500 characters"),
    "NUL in a description": ({"description": "\0"}, "description", "NUL"),
    "a description that is no string": ({"description": 5}, "description", "must be a string"),
    "is_active that is no boolean": ({"is_active": "yes"}, "is_active", "must be true or false"),
    "is_active that is null": ({"is_active": None}, "is_active", "must be true or false"),
    "a url that is null": ({"url": None}, "url", "must be a string"),
    "a url that is no string": ({"url": ["https://example.com"]}, "url", "must be a string"),
    "half a character": ({"url": "https://example.com/\ud800"}, "url", "must be valid Unicode"),
    "a secret of one's own": ({"secret": "whsec_c2VjcmV0"}, "secret", "is no field"),
    "an id": ({"id": NOBODYS}, "id", "is no field"),
    "a reason": ({"disabled_reason": "gone"}, "disabled_reason", "is no field"),
}
URLS = {
    "plain http": ("http://hooks.example.com/contacts", "must begin with https://"),
    "no scheme": ("hooks.example.com/contacts", "absolute URL"),
    "localhost": ("https://localhost/contacts", "reached from the internet"),
    "a private address": ("https://10.1.2.3/contacts", "not public"),
    "loopback": ("https://127.0.0.1:8443/", "not public"),
    "metadata": ("https://169.254.169.254/latest/meta-data/iam/", "not public"),
    "IPv4 in IPv6": ("https://[::ffff:169.254.169.254]/", "not public"),
    "a public IPv4 in IPv6": ("https://[::ffff:8.8.8.8]/", "not public"),
    "unique local": ("https://[fd00:ec2::254]/", "not public"),
    "a number": ("https://2130706433/", "usual form"),
    "credentials": ("https://user:secret@hooks.example.com/", "credentials"),
    "3,000 characters": (f"https://hooks.example.com/{'x' * 2974}", "at most 2048 characters"),
    "no such host": ("https://nowhere.example/", "does not exist"),
    "a host with a private address": ("https://inside.example/", "not public"),
    "a host with one private address": ("https://both.example/", "not public"),
    "a fragment": ("https://hooks.example.com/#a", "fragment"),
    "a line feed": ("https://hooks.example.com/\r\nX: y", "control characters"),
}


def house_with_a_zone() -> WebhookHouse:
    house = WebhookHouse()
    house.resolver.zone |= {"inside.example": ("10.0.0.7",), "both.example": (PUBLIC, "::ffff:10.0.0.7")}
    return house


@pytest.mark.parametrize(("fields", "field", "says"), FIELDS.values(), ids=FIELDS.keys())
def test_a_wrong_field_is_named_and_nothing_is_written(fields: Any, field: str, says: str) -> None:
    house = WebhookHouse()
    made = house.created()
    before = house.moto.items()
    for reply in (
        house.request("POST", body={"url": ENDPOINT, **fields}),
        house.request("PATCH", ONE, made["id"], body=fields),
    ):
        found = wrong(reply)
        assert list(found) == [field]
        assert says in found[field]
    assert house.moto.items() == before


@pytest.mark.parametrize(("url", "says"), URLS.values(), ids=URLS.keys())
def test_a_url_that_must_not_be_called_is_refused_and_nothing_is_written(url: str, says: str) -> None:
    house = house_with_a_zone()
    made = house.created()
    before = house.moto.items()
    for reply in (
        house.request("POST", body={"url": url}),
        house.request("PATCH", ONE, made["id"], body={"url": url}),
    ):
        found = wrong(reply)
        assert list(found) == ["url"]
        assert says in found["url"]
        assert reply.body["field"] == "url"
    assert house.moto.items() == before


def test_all_wrong_fields_are_named_at_once(house: WebhookHouse) -> None:
    body = {"url": "https://u:p@example.com", "events": ["x", 5], "description": 1, "is_active": 1, "more": 1}
    assert set(wrong(house.request("POST", body=body))) == {
        *("url", "events.0", "events.1", "description", "is_active", "more")
    }
    assert list(wrong(house.request("POST", body={}))) == ["url"]


def test_a_refusal_tells_nothing_of_the_network_it_was_made_in() -> None:
    reply = house_with_a_zone().request("POST", body={"url": "https://inside.example/"})
    assert "10.0.0.7" not in json.dumps(reply.body)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "later"), TimeoutError()])
def test_a_resolver_that_does_not_answer_refuses_nothing(error: Exception, house: WebhookHouse) -> None:
    house.resolver.zone["later.example"] = error
    assert house.created(url="https://later.example/")["url"] == "https://later.example/"


def test_a_url_is_shown_as_it_is_kept(house: WebhookHouse) -> None:
    house.resolver.zone["xn--bcher-kva.example"] = (PUBLIC,)
    shown = house.created(url="https://Bücher.example/ü")
    assert shown["url"] == "https://xn--bcher-kva.example/%C3%BC"
    assert house.resolver.asked == ["xn--bcher-kva.example"]
    assert house.request("PATCH", ONE, shown["id"], body={"url": shown["url"]}).body["url"] == shown["url"]


def test_where_it_is_allowed_an_endpoint_may_be_in_a_private_network() -> None:
    house = WebhookHouse(private_allowed=True)
    house.resolver.zone["localhost"] = ("127.0.0.1",)
    for url in ("http://127.0.0.1:8787/contacts", "http://localhost:8787/", "https://10.0.0.1/"):
        assert house.created(url=url)["url"] == url
    assert list(wrong(house.request("POST", body={"url": "http://nowhere.example/"}))) == ["url"]


def test_the_101st_endpoint_is_one_too_many(house: WebhookHouse) -> None:
    made = [house.created()["id"] for _ in range(MAX_WEBHOOKS)]
    reply = house.request("POST", body={"url": ENDPOINT})
    assert (reply.status, reply.body["code"]) == (409, "too_many_webhooks")
    assert "100" in reply.body["detail"]
    assert len(house.request("GET").body["data"]) == MAX_WEBHOOKS
    house.request("DELETE", ONE, made[50])
    house.created()


# Switching off and on


def test_switching_it_on_clears_why_it_was_off(house: WebhookHouse) -> None:
    made = house.created()
    webhook = kept(house, made["id"])
    off = replace(
        webhook, is_active=False, disabled_reason="failing", failing_since="2026-01-10T10:00:00.000Z"
    )
    house.store.change(webhook, off, Outcome(action=Action.UPDATED), None, 0)
    shown = house.request("PATCH", ONE, made["id"], body={"description": "still off"}).body
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "failing")
    shown = house.request("PATCH", ONE, made["id"], body={"is_active": False}).body
    assert shown["disabled_reason"] == "failing"
    shown = house.request("PATCH", ONE, made["id"], body={"is_active": True}).body
    assert (shown["is_active"], shown["disabled_reason"]) == (True, None)
    assert kept(house, made["id"]).failing_since is None


def test_another_url_has_no_past(house: WebhookHouse) -> None:
    made = house.created()
    house.store.note_failure(kept(house, made["id"]), "2026-01-10T10:00:00.000Z")
    house.request("PATCH", ONE, made["id"], body={"url": ENDPOINT, "description": "the same"})
    assert kept(house, made["id"]).failing_since is not None
    house.request("PATCH", ONE, made["id"], body={"url": f"{ENDPOINT}/v2"})
    assert kept(house, made["id"]).failing_since is None


# Secrets


def signs(secret: str) -> bool:
    """Whether the public package of Standard Webhooks takes a secret, and what it verifies with it is genuine."""
    now = datetime.now(tz=UTC)
    signature = PublicVerifier(secret).sign("msg_1", now, '{"a": 1}')
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return PublicVerifier(secret).verify(b'{"a": 1}', headers) == {"a": 1}


def test_a_secret_has_32_random_bytes_and_the_form_of_standard_webhooks(house: WebhookHouse) -> None:
    secrets = [house.created()["secret"] for _ in range(3)]
    assert len(set(secrets)) == 3
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        assert signs(secret)


def test_a_rotated_secret_is_shown_and_the_one_before_signs_for_a_day(house: WebhookHouse) -> None:
    made = house.created()
    first = made.pop("secret")
    rotated = house.request("POST", ROTATE, made["id"])
    second = rotated.body.pop("secret")
    assert (rotated.status, rotated.body) == (200, made)
    assert second != first
    now_s = house.clock.now_ms() // 1000
    webhook = kept(house, made["id"])
    assert webhook.secrets_at(now_s) == webhook.secrets_at(now_s + 86_399) == (second, first)
    assert webhook.secrets_at(now_s + 86_400) == (second,)


def test_of_several_secrets_the_last_two_sign(house: WebhookHouse) -> None:
    made = house.created()
    shown = [made["secret"]]
    for _ in range(3):
        house.clock.at_ms += 60_000
        shown.append(house.request("POST", ROTATE, made["id"]).body["secret"])
    now_s = house.clock.now_ms() // 1000
    assert kept(house, made["id"]).secrets_at(now_s) == (shown[3], shown[2])


@settings(max_examples=examples(50))
@given(hours=some.lists(some.integers(1, 40), min_size=1, max_size=6))
def test_the_secret_that_was_current_before_a_rotation_signs_for_a_day_unless_it_is_rotated_again(
    hours: list[int],
) -> None:
    house = WebhookHouse()
    made = house.created()
    shown = [made["secret"]]
    for pause in hours:
        house.clock.at_ms += pause * 3_600_000
        shown.append(house.request("POST", ROTATE, made["id"]).body["secret"])
        webhook, now_s = kept(house, made["id"]), house.clock.now_ms() // 1000
        assert webhook.secrets_at(now_s) == (shown[-1], shown[-2])
        assert webhook.secrets_at(now_s + 86_400) == (shown[-1],)


def test_a_secret_is_shown_where_it_is_made_and_nowhere_else(
    house: WebhookHouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_handler = logger.registered_handler
    monkeypatch.setattr(kept_handler, "emit", lambda record: print(kept_handler.format(record)))
    body = {"url": ENDPOINT}
    made = house.request("POST", body=body, key="k-1")
    webhook_id = made.body["id"]
    rotated = house.request("POST", ROTATE, webhook_id, key="k-2")
    shown = [made.body["secret"], rotated.body["secret"]]
    others = [
        house.request("POST", body=body, key="k-1"),
        house.request("POST", ROTATE, webhook_id, key="k-2"),
        house.request("GET"),
        house.request("GET", ONE, webhook_id),
        house.request("PATCH", ONE, webhook_id, body={"description": "x"}, key="k-3"),
        house.request("PATCH", ONE, webhook_id, body={"url": "https://nowhere.example/"}),
        house.request("DELETE", ONE, webhook_id, key="k-4"),
        house.request("DELETE", ONE, webhook_id, key="k-4"),
        house.request("GET", ONE, webhook_id),
    ]
    seen = [json.dumps([reply.body, dict(reply.headers)]) for reply in others]
    seen += [capsys.readouterr().out, repr(kept_of(house)), repr(house.moto.items())]
    for text in seen:
        assert not any(secret in text or secret.removeprefix("whsec_") in text for secret in shown)
    assert all("secret" not in reply.body for reply in others)


def kept_of(house: WebhookHouse) -> Webhook:
    """Another webhook, as a programmer might print it."""
    made = house.created(description="another")
    return replace(kept(house, made["id"]), previous_secret=made["secret"])


# Requests that come twice


REPEATED: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", COLLECTION, {"url": ENDPOINT}),
    "change": ("PATCH", ONE, {"description": "mine"}),
    "rotate": ("POST", ROTATE, None),
    "delete": ("DELETE", ONE, None),
}


@pytest.mark.parametrize(("method", "route", "body"), REPEATED.values(), ids=REPEATED.keys())
def test_a_request_that_comes_twice_is_carried_out_once(
    method: str, route: str, body: Any, house: WebhookHouse
) -> None:
    made = house.created()
    webhook_id = None if route == COLLECTION else made["id"]
    first = house.request(method, route, webhook_id, body=body, key="k-1")
    after = house.moto.items()
    house.resolver.zone.clear()  # the host is gone meanwhile
    again = house.request(method, route, webhook_id, body=body, key="k-1")
    without_secret = {name: value for name, value in first.body.items() if name != "secret"}
    assert (again.status, again.body) == (first.status, without_secret)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert house.moto.items() == after
    reused = house.request(method, route, webhook_id, body={"url": f"{ENDPOINT}/x"}, key="k-1")
    assert (reused.status, reused.body["code"]) == (422, "idempotency_key_reused")


def test_a_create_is_replayed_where_there_would_be_no_room_now(house: WebhookHouse) -> None:
    first = house.request("POST", body={"url": ENDPOINT}, key="k-1")
    for _ in range(MAX_WEBHOOKS - 1):
        house.created()
    again = house.request("POST", body={"url": ENDPOINT}, key="k-1")
    assert (again.status, again.body["id"]) == (201, first.body["id"])


# Writers at the same moment


class Interrupted(WebhookStore):
    """A store in which something happens between the reading and the writing of a change."""

    def __init__(self, house: WebhookHouse, *happens: Callable[[WebhookService], object]) -> None:
        super().__init__(house.table)
        self._others = WebhookService(house.store, house.addresses, house.clock, house.randomness)
        self._happens = list(happens)

    def change(self, *arguments: Any) -> Outcome:
        if self._happens:
            self._happens.pop(0)(self._others)
        return super().change(*arguments)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_changes_at_the_same_moment_none_is_lost(key: str | None, house: WebhookHouse) -> None:
    made, caller = house.created(), house.caller
    theirs = {"events": ["contact.created"]}
    house.desk._store = Interrupted(house, lambda desk: desk.change(caller, made["id"], theirs, None))
    reply = house.request("PATCH", ONE, made["id"], body={"description": "mine"}, key=key)
    assert (reply.body["events"], reply.body["description"]) == (["contact.created"], "mine")
    assert house.request("GET", ONE, made["id"]).body == reply.body


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_rotations_at_the_same_moment_both_secrets_sign(key: str | None, house: WebhookHouse) -> None:
    made, caller = house.created(), house.caller
    theirs: list[object] = []
    house.desk._store = Interrupted(
        house, lambda desk: theirs.append(desk.rotate(caller, made["id"], None).secrets["secret"])
    )
    mine = house.request("POST", ROTATE, made["id"], key=key).body["secret"]
    assert kept(house, made["id"]).secrets_at(house.clock.now_ms() // 1000) == (mine, *theirs)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_what_is_deleted_while_it_is_changed_stays_deleted(key: str | None, house: WebhookHouse) -> None:
    made, caller = house.created(), house.caller
    house.desk._store = Interrupted(house, lambda desk: desk.remove(caller, made["id"], None))
    reply = house.request("PATCH", ONE, made["id"], body={"is_active": False}, key=key)
    assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert house.moto.items() == []


def test_who_never_gets_through_is_told_to_try_again(house: WebhookHouse) -> None:
    made, caller = house.created(), house.caller
    numbers = iter(range(100))

    def theirs(desk: WebhookService) -> None:
        desk.change(caller, made["id"], {"description": f"theirs {next(numbers)}"}, None)

    house.desk._store = Interrupted(house, *[theirs] * 100)
    reply = house.request("PATCH", ONE, made["id"], body={"description": "mine"})
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert kept(house, made["id"]).description == "theirs 7"


# Test keys


def test_a_test_key_makes_webhooks_that_do_not_exist(house: WebhookHouse) -> None:
    made = house.created()
    before = house.moto.items()
    test = house.as_test()
    reply = test.request("POST", body={"url": ENDPOINT}, key="k-1")
    assert reply.status == 201
    assert reply.body["test_mode"] is True
    assert signs(reply.body["secret"])
    assert list(wrong(test.request("POST", body={"url": "https://nowhere.example/"}))) == ["url"]
    assert test.request("GET").body["data"] == []
    for webhook_id in (made["id"], reply.body["id"]):
        assert test.request("GET", ONE, webhook_id).status == 404
        assert test.request("PATCH", ONE, webhook_id, body={"is_active": False}).status == 404
        assert test.request("DELETE", ONE, webhook_id).status == 404
        assert test.request("POST", ROTATE, webhook_id).status == 404
    assert house.moto.items() == before
