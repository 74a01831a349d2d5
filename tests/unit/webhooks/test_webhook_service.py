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

from contacts.accounts.model import PLAN_LIMITS, Plan
from contacts.book.model import Action, Outcome
from contacts.core.observability import logger
from contacts.events.model import EventType
from contacts.webhooks.model import Webhook
from contacts.webhooks.service import WebhookService
from contacts.webhooks.store import WebhookStore
from tests.support.app import ACCOUNT_ID, OTHER_ACCOUNT_ID, Reply, caller_of
from tests.support.hypothesis_profiles import examples
from tests.support.webhook_harness import COLLECTION, ENDPOINT, ONE, PUBLIC, ROTATE, WebhookHarness

NOBODYS = "wh_19bc0cd0a4000000000"
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def harness() -> WebhookHarness:
    return WebhookHarness()


def kept(harness: WebhookHarness, webhook_id: str) -> Webhook:
    found = harness.store.webhook(ACCOUNT_ID, webhook_id)
    assert found is not None
    return found


def wrong(reply: Reply, status: int = 400) -> dict[str, str]:
    """The fields a refusal names, with what it says of them."""
    assert reply.status == status, reply
    assert "secret" not in reply.body
    return {error["field"]: error["message"] for error in reply.body["errors"]}


# A life


def test_a_webhook_from_its_making_to_its_end(harness: WebhookHarness) -> None:
    created = harness.created(events=["contact.created"], description="CRM")
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
    assert harness.request("GET", ONE, created["id"]).body == created
    listed = harness.request("GET").body
    assert listed == {"data": [created], "has_more": False, "next_cursor": None}
    changed = harness.request("PATCH", ONE, created["id"], body={"description": None, "events": ["*"]})
    assert changed.body == {**created, "description": None, "events": ["*"]}
    assert harness.request("GET", ONE, created["id"]).body == changed.body
    deleted = harness.request("DELETE", ONE, created["id"])
    assert (deleted.status, deleted.body) == (200, {"deleted": True, "id": created["id"]})
    assert harness.request("DELETE", ONE, created["id"]).status == 404
    assert harness.request("GET").body["data"] == []
    assert harness.moto.items() == []


def test_webhooks_are_listed_in_the_order_of_their_making(harness: WebhookHarness) -> None:
    made = []
    for number in range(5):
        harness.clock.at_ms += 1
        made.append(harness.created(description=str(number))["id"])
    assert [webhook["id"] for webhook in harness.request("GET").body["data"]] == made


@pytest.mark.parametrize(
    ("method", "route"), [("GET", ONE), ("PATCH", ONE), ("DELETE", ONE), ("POST", ROTATE)]
)
@pytest.mark.parametrize("webhook_id", [NOBODYS, "x", "x" * 3000, "wh_", "CONTACT"])
def test_what_is_not_there_is_not_found(
    method: str, route: str, webhook_id: str, harness: WebhookHarness
) -> None:
    reply = harness.request(method, route, webhook_id, body={"url": "https://nowhere.example/"})
    assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert harness.resolver.asked == []


@pytest.mark.parametrize(
    ("method", "route"), [("GET", ONE), ("PATCH", ONE), ("DELETE", ONE), ("POST", ROTATE)]
)
def test_another_account_has_no_such_webhook(method: str, route: str, harness: WebhookHarness) -> None:
    made = harness.created()
    before = harness.moto.items()
    harness.caller = caller_of(OTHER_ACCOUNT_ID)
    assert harness.request(method, route, made["id"], body={}).status == 404
    assert harness.request("GET").body["data"] == []
    assert harness.moto.items() == before


# What may be sent


def test_an_endpoint_is_told_of_everything_unless_it_says_of_what(harness: WebhookHarness) -> None:
    assert harness.created()["events"] == ["*"]
    assert harness.created(events="*")["events"] == ["*"]
    assert harness.created(events=["contact.created", "*"])["events"] == ["*"]
    twice = ["contact.deleted", "contact.created", "contact.deleted"]
    assert harness.created(events=twice)["events"] == ["contact.deleted", "contact.created"]
    every = [str(kind) for kind in EventType if kind is not EventType.TEST]
    assert harness.created(events=every)["events"] == every


def test_verdicts_may_be_named_beside_all_else(harness: WebhookHarness) -> None:
    """`*` does not include them."""
    verdict = "contact.validated"
    assert harness.created(events=["contact.created", verdict, "*", verdict])["events"] == ["*", verdict]
    made = harness.created(events="*")
    changed = harness.request("PATCH", ONE, made["id"], body={"events": ["*", verdict]})
    assert changed.body["events"] == ["*", verdict]


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


def house_with_a_zone() -> WebhookHarness:
    harness = WebhookHarness()
    harness.resolver.zone |= {"inside.example": ("10.0.0.7",), "both.example": (PUBLIC, "::ffff:10.0.0.7")}
    return harness


@pytest.mark.parametrize(("fields", "field", "says"), FIELDS.values(), ids=FIELDS.keys())
def test_a_wrong_field_is_named_and_nothing_is_written(fields: Any, field: str, says: str) -> None:
    harness = WebhookHarness()
    made = harness.created()
    before = harness.moto.items()
    for reply in (
        harness.request("POST", body={"url": ENDPOINT, **fields}),
        harness.request("PATCH", ONE, made["id"], body=fields),
    ):
        found = wrong(reply)
        assert list(found) == [field]
        assert says in found[field]
    assert harness.moto.items() == before


@pytest.mark.parametrize(("url", "says"), URLS.values(), ids=URLS.keys())
def test_a_url_that_must_not_be_called_is_refused_and_nothing_is_written(url: str, says: str) -> None:
    harness = house_with_a_zone()
    made = harness.created()
    before = harness.moto.items()
    for reply in (
        harness.request("POST", body={"url": url}),
        harness.request("PATCH", ONE, made["id"], body={"url": url}),
    ):
        found = wrong(reply)
        assert list(found) == ["url"]
        assert says in found["url"]
        assert reply.body["field"] == "url"
    assert harness.moto.items() == before


def test_all_wrong_fields_are_named_at_once(harness: WebhookHarness) -> None:
    body = {"url": "https://u:p@example.com", "events": ["x", 5], "description": 1, "is_active": 1, "more": 1}
    assert set(wrong(harness.request("POST", body=body))) == {
        *("url", "events.0", "events.1", "description", "is_active", "more")
    }
    assert list(wrong(harness.request("POST", body={}))) == ["url"]


def test_a_refusal_tells_nothing_of_the_network_it_was_made_in() -> None:
    reply = house_with_a_zone().request("POST", body={"url": "https://inside.example/"})
    assert "10.0.0.7" not in json.dumps(reply.body)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "later"), TimeoutError()])
def test_a_resolver_that_does_not_answer_refuses_nothing(error: Exception, harness: WebhookHarness) -> None:
    harness.resolver.zone["later.example"] = error
    assert harness.created(url="https://later.example/")["url"] == "https://later.example/"


def test_a_url_is_shown_as_it_is_kept(harness: WebhookHarness) -> None:
    harness.resolver.zone["xn--bcher-kva.example"] = (PUBLIC,)
    shown = harness.created(url="https://Bücher.example/ü")
    assert shown["url"] == "https://xn--bcher-kva.example/%C3%BC"
    assert harness.resolver.asked == ["xn--bcher-kva.example"]
    assert harness.request("PATCH", ONE, shown["id"], body={"url": shown["url"]}).body["url"] == shown["url"]


def test_where_it_is_allowed_an_endpoint_may_be_in_a_private_network() -> None:
    harness = WebhookHarness(private_allowed=True)
    harness.resolver.zone["localhost"] = ("127.0.0.1",)
    for url in ("http://127.0.0.1:8787/contacts", "http://localhost:8787/", "https://10.0.0.1/"):
        assert harness.created(url=url)["url"] == url
    assert list(wrong(harness.request("POST", body={"url": "http://nowhere.example/"}))) == ["url"]


def on_plan(harness: WebhookHarness, plan: Plan) -> None:
    """From here on the account has another plan."""
    harness.caller = replace(harness.caller, account=replace(harness.caller.account, plan=plan))


@pytest.mark.parametrize(("plan", "most"), [(Plan.FREE, 5), (Plan.PRO, 25), (Plan.ENTERPRISE, 100)])
def test_a_plan_has_so_many_endpoints(plan: Plan, most: int, harness: WebhookHarness) -> None:
    on_plan(harness, plan)
    made = [harness.created()["id"] for _ in range(most)]
    reply = harness.request("POST", body={"url": ENDPOINT})
    assert (reply.status, reply.body["code"]) == (409, "too_many_webhooks")
    assert reply.body["detail"] == (
        f"An account of the plan {plan} has at most {most} webhooks, and this one has {most}; delete one first."
    )
    assert len(harness.request("GET").body["data"]) == most
    harness.request("DELETE", ONE, made[most // 2])
    harness.created()


def test_endpoints_beyond_those_of_the_plan_can_be_changed_and_deleted(harness: WebhookHarness) -> None:
    made = [harness.created()["id"] for _ in range(7)]
    on_plan(harness, Plan.FREE)
    assert harness.request("PATCH", ONE, made[6], body={"description": "still here"}).status == 200
    assert harness.request("POST", ROTATE, made[6]).status == 200
    for one in made[:3]:
        assert harness.request("POST", body={"url": ENDPOINT}).status == 409
        assert harness.request("DELETE", ONE, one).status == 200
    harness.created()


# Switching off and on


def test_switching_it_on_clears_why_it_was_off(harness: WebhookHarness) -> None:
    made = harness.created()
    webhook = kept(harness, made["id"])
    off = replace(
        webhook, is_active=False, disabled_reason="failing", failing_since="2026-01-10T10:00:00.000Z"
    )
    harness.store.change(webhook, off, Outcome(action=Action.UPDATED), None, 0)
    shown = harness.request("PATCH", ONE, made["id"], body={"description": "still off"}).body
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "failing")
    shown = harness.request("PATCH", ONE, made["id"], body={"is_active": False}).body
    assert shown["disabled_reason"] == "failing"
    shown = harness.request("PATCH", ONE, made["id"], body={"is_active": True}).body
    assert (shown["is_active"], shown["disabled_reason"]) == (True, None)
    assert kept(harness, made["id"]).failing_since is None


def test_another_url_has_no_past(harness: WebhookHarness) -> None:
    made = harness.created()
    harness.store.note_failure(kept(harness, made["id"]), "2026-01-10T10:00:00.000Z")
    harness.request("PATCH", ONE, made["id"], body={"url": ENDPOINT, "description": "the same"})
    assert kept(harness, made["id"]).failing_since is not None
    harness.request("PATCH", ONE, made["id"], body={"url": f"{ENDPOINT}/v2"})
    assert kept(harness, made["id"]).failing_since is None


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


def test_a_secret_has_32_random_bytes_and_the_form_of_standard_webhooks(harness: WebhookHarness) -> None:
    secrets = [harness.created()["secret"] for _ in range(3)]
    assert len(set(secrets)) == 3
    for secret in secrets:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
        assert signs(secret)


def test_a_rotated_secret_is_shown_and_the_one_before_signs_for_a_day(harness: WebhookHarness) -> None:
    made = harness.created()
    first = made.pop("secret")
    rotated = harness.request("POST", ROTATE, made["id"])
    second = rotated.body.pop("secret")
    assert (rotated.status, rotated.body) == (200, made)
    assert second != first
    now_s = harness.clock.now_ms() // 1000
    webhook = kept(harness, made["id"])
    assert webhook.secrets_at(now_s) == webhook.secrets_at(now_s + 86_399) == (second, first)
    assert webhook.secrets_at(now_s + 86_400) == (second,)


def test_of_several_secrets_the_last_two_sign(harness: WebhookHarness) -> None:
    made = harness.created()
    shown = [made["secret"]]
    for _ in range(3):
        harness.clock.at_ms += 60_000
        shown.append(harness.request("POST", ROTATE, made["id"]).body["secret"])
    now_s = harness.clock.now_ms() // 1000
    assert kept(harness, made["id"]).secrets_at(now_s) == (shown[3], shown[2])


@settings(max_examples=examples(50))
@given(hours=some.lists(some.integers(1, 40), min_size=1, max_size=6))
def test_the_secret_that_was_current_before_a_rotation_signs_for_a_day_unless_it_is_rotated_again(
    hours: list[int],
) -> None:
    harness = WebhookHarness()
    made = harness.created()
    shown = [made["secret"]]
    for pause in hours:
        harness.clock.at_ms += pause * 3_600_000
        shown.append(harness.request("POST", ROTATE, made["id"]).body["secret"])
        webhook, now_s = kept(harness, made["id"]), harness.clock.now_ms() // 1000
        assert webhook.secrets_at(now_s) == (shown[-1], shown[-2])
        assert webhook.secrets_at(now_s + 86_400) == (shown[-1],)


def test_a_secret_is_shown_where_it_is_made_and_nowhere_else(
    harness: WebhookHarness, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_handler = logger.registered_handler
    monkeypatch.setattr(kept_handler, "emit", lambda record: print(kept_handler.format(record)))
    body = {"url": ENDPOINT}
    made = harness.request("POST", body=body, key="k-1")
    webhook_id = made.body["id"]
    rotated = harness.request("POST", ROTATE, webhook_id, key="k-2")
    shown = [made.body["secret"], rotated.body["secret"]]
    others = [
        harness.request("POST", body=body, key="k-1"),
        harness.request("POST", ROTATE, webhook_id, key="k-2"),
        harness.request("GET"),
        harness.request("GET", ONE, webhook_id),
        harness.request("PATCH", ONE, webhook_id, body={"description": "x"}, key="k-3"),
        harness.request("PATCH", ONE, webhook_id, body={"url": "https://nowhere.example/"}),
        harness.request("DELETE", ONE, webhook_id, key="k-4"),
        harness.request("DELETE", ONE, webhook_id, key="k-4"),
        harness.request("GET", ONE, webhook_id),
    ]
    seen = [json.dumps([reply.body, dict(reply.headers)]) for reply in others]
    seen += [capsys.readouterr().out, repr(kept_of(harness)), repr(harness.moto.items())]
    for text in seen:
        assert not any(secret in text or secret.removeprefix("whsec_") in text for secret in shown)
    assert all("secret" not in reply.body for reply in others)


def kept_of(harness: WebhookHarness) -> Webhook:
    """Another webhook, as a programmer might print it."""
    made = harness.created(description="another")
    return replace(kept(harness, made["id"]), previous_secret=made["secret"])


# Requests that come twice


REPEATED: dict[str, tuple[str, str, Any]] = {
    "create": ("POST", COLLECTION, {"url": ENDPOINT}),
    "change": ("PATCH", ONE, {"description": "mine"}),
    "rotate": ("POST", ROTATE, None),
    "delete": ("DELETE", ONE, None),
}


@pytest.mark.parametrize(("method", "route", "body"), REPEATED.values(), ids=REPEATED.keys())
def test_a_request_that_comes_twice_is_carried_out_once(
    method: str, route: str, body: Any, harness: WebhookHarness
) -> None:
    made = harness.created()
    webhook_id = None if route == COLLECTION else made["id"]
    first = harness.request(method, route, webhook_id, body=body, key="k-1")
    after = harness.moto.items()
    harness.resolver.zone.clear()  # the host is gone meanwhile
    again = harness.request(method, route, webhook_id, body=body, key="k-1")
    without_secret = {name: value for name, value in first.body.items() if name != "secret"}
    assert (again.status, again.body) == (first.status, without_secret)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert harness.moto.items() == after
    reused = harness.request(method, route, webhook_id, body={"url": f"{ENDPOINT}/x"}, key="k-1")
    assert (reused.status, reused.body["code"]) == (422, "idempotency_key_reused")


def test_a_create_is_replayed_where_there_would_be_no_room_now(harness: WebhookHarness) -> None:
    first = harness.request("POST", body={"url": ENDPOINT}, key="k-1")
    for _ in range(PLAN_LIMITS[harness.caller.account.plan].endpoints - 1):
        harness.created()
    again = harness.request("POST", body={"url": ENDPOINT}, key="k-1")
    assert (again.status, again.body["id"]) == (201, first.body["id"])


# Writers at the same moment


class Interrupted(WebhookStore):
    """A store in which something happens between the reading and the writing of a change."""

    def __init__(self, harness: WebhookHarness, *happens: Callable[[WebhookService], object]) -> None:
        super().__init__(harness.table)
        self._others = WebhookService(harness.store, harness.addresses, harness.clock, harness.randomness)
        self._happens = list(happens)

    def change(self, *arguments: Any) -> Outcome:
        if self._happens:
            self._happens.pop(0)(self._others)
        return super().change(*arguments)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_changes_at_the_same_moment_none_is_lost(key: str | None, harness: WebhookHarness) -> None:
    made, caller = harness.created(), harness.caller
    theirs = {"events": ["contact.created"]}
    harness.service._store = Interrupted(
        harness, lambda service: service.change(caller, made["id"], theirs, None)
    )
    reply = harness.request("PATCH", ONE, made["id"], body={"description": "mine"}, key=key)
    assert (reply.body["events"], reply.body["description"]) == (["contact.created"], "mine")
    assert harness.request("GET", ONE, made["id"]).body == reply.body


@pytest.mark.parametrize("key", [None, "k-1"])
def test_of_two_rotations_at_the_same_moment_both_secrets_sign(
    key: str | None, harness: WebhookHarness
) -> None:
    made, caller = harness.created(), harness.caller
    theirs: list[object] = []
    harness.service._store = Interrupted(
        harness, lambda service: theirs.append(service.rotate(caller, made["id"], None).secrets["secret"])
    )
    mine = harness.request("POST", ROTATE, made["id"], key=key).body["secret"]
    assert kept(harness, made["id"]).secrets_at(harness.clock.now_ms() // 1000) == (mine, *theirs)


@pytest.mark.parametrize("key", [None, "k-1"])
def test_what_is_deleted_while_it_is_changed_stays_deleted(key: str | None, harness: WebhookHarness) -> None:
    made, caller = harness.created(), harness.caller
    harness.service._store = Interrupted(harness, lambda service: service.remove(caller, made["id"], None))
    reply = harness.request("PATCH", ONE, made["id"], body={"is_active": False}, key=key)
    assert (reply.status, reply.body["code"]) == (404, "webhook_not_found")
    assert harness.moto.items() == []


def test_who_never_gets_through_is_told_to_try_again(harness: WebhookHarness) -> None:
    made, caller = harness.created(), harness.caller
    numbers = iter(range(100))

    def theirs(service: WebhookService) -> None:
        service.change(caller, made["id"], {"description": f"theirs {next(numbers)}"}, None)

    harness.service._store = Interrupted(harness, *[theirs] * 100)
    reply = harness.request("PATCH", ONE, made["id"], body={"description": "mine"})
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert kept(harness, made["id"]).description == "theirs 7"


# Test keys


def test_a_test_key_makes_webhooks_that_do_not_exist(harness: WebhookHarness) -> None:
    made = harness.created()
    before = harness.moto.items()
    test = harness.as_test()
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
    assert harness.moto.items() == before
