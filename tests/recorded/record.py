"""Records an account, and what requests, records and messages about it come to, for `test_recorded_account.py`:

    PYTHONPATH=layers/contacts .venv/dev/bin/python -m tests.recorded.record

A recording is what code that is in use has written. It is made anew only where a stored item, a cursor, a message or an
answer changes on purpose, and then both of its files are reviewed like code: whatever else differs, breaks somebody.
With `--answers` the items and what is asked stay as they are in the files, and only what comes of it is recorded anew.
For one more scenario, append a line with its `name` and `steps` to `scenarios.jsonl`, and record the answers.
"""

import argparse
import copy
import json
from collections.abc import Iterator
from itertools import count
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from tests.recorded import playing
from tests.recorded.playing import ITEMS, MAIL_EXCHANGERS, RECORDED_MS, SCENARIOS, compact, line, played
from tests.support import deployed
from tests.support.deployed import DeployedFunctions, forget_what_was_made_once
from tests.support.moto_table import MotoTable
from tests.support.streams import about_contacts, key_of, record, stream_event

Json = dict[str, Any]

_STEADY = {"duration_ms": {"N": "12"}, "change_id": {"S": "0123456789abcdef01"}}
"""Instead of what a clock that cannot be set has measured, and of what several threads have drawn."""
BEGAN_MS = 1_768_300_200_000
"""2026-01-13T10:30:00Z."""
ENDPOINT, BROKEN_ENDPOINT = "http://127.0.0.1:9000/contacts", "http://127.0.0.1:9001/broken"
SORTS = (
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "email",
    "-email",
    "external_id",
    "-external_id",
)


class Recorder:
    """An account that lives for two days."""

    def __init__(self) -> None:
        self.table = MotoTable()
        self.functions = DeployedFunctions(self.table, BEGAN_MS, "recorded", mail_exchangers=MAIL_EXCHANGERS)
        self.seen = self.table.snapshot()
        self.numbers = count(1)
        self.is_dispatched = True
        """Whether changes become events: those of some contacts do not, to keep the recording short."""
        self.keys: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.records: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {
            "DeliveryQueue": [],
            "ValidationQueue": [],
            "ErasureQueue": [],
        }
        self.schedules: list[Json] = []
        self.requests: dict[str, Json] = {}
        """Those with an Idempotency-Key."""

    # Requests

    def ask(self, method: str, target: str, body: Any = None, *, key: str = "native", **headers: str) -> Any:
        """The body of an answer that is none of an error."""
        self.functions.at_ms += 1_503
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.functions.request(method, target, body, key=self.keys[key], headers=sent)
        assert reply["statusCode"] < 400, (method, target, reply)
        if "idempotency_key" in headers:
            asked = {"method": method, "target": target, "key": self.keys[key], "headers": sent}
            self.requests[headers["idempotency_key"]] = asked if body is None else {**asked, "body": body}
        self.follow()
        return json.loads(reply["body"]) if reply["body"] else None

    def contact(self, name: str, /, **fields: Any) -> str:
        """The id of a new contact that the recorder knows by a name."""
        self.ids[name] = self.ask("POST", "/v1/contacts", fields)["id"]
        return self.ids[name]

    # What follows

    def follow(self, expired: Any = ()) -> None:
        """Have the stream tell what was written, and keep what goes to queues."""
        at_s = self.functions.at_ms / 1000
        told = [
            record(next(self.numbers), old, new, at_s, is_expired=key_of(old or new or {}) in expired)
            for old, new in self.table.changes_since(self.seen)
        ]
        for one in about_contacts(told):
            self.records[_kind(one)] = one
            is_custom = "custom" in _kind(one)
            functions = [] if is_custom else ["project_changes"]
            functions += ["dispatch_webhooks"] if self.is_dispatched else []
            for function in functions:
                answer = self.functions.invoke(function, stream_event([one]))
                assert answer == {"batchItemFailures": []}, (function, one)
        self.seen = self.table.snapshot()
        self.take_messages()

    def take_messages(self) -> None:
        for call in self.functions.sent:
            if call["method"] == "create_schedule":
                self.schedules.append(call)
            for entry in call.get("Entries", ()):
                name = call["QueueUrl"].rpartition("/")[2]
                self.messages.setdefault(name, []).append(json.loads(entry["MessageBody"]))
        self.functions.sent.clear()

    def work_off(self, queue: str, function: str, at_most: int = 1_000, **body: Any) -> None:
        """Have a function take messages of a queue, those of which a member is as given."""
        waiting = self.messages[queue]
        wanted = [one for one in waiting if all(one.get(name) == value for name, value in body.items())]
        for message in wanted[:at_most]:
            waiting.remove(message)
            self.functions.at_ms += 7
            self.functions.invoke(function, queue_event(queue, message))
            self.follow()


def queue_event(queue: str, *bodies: Json, times_received: int = 1) -> Json:
    """A batch of messages, as a function is called with it."""
    return {
        "Records": [
            {
                "messageId": f"b7d3c8e1-92f4-4a6b-8f0d-3e5a1c7b9d4{number}",
                "receiptHandle": f"AQEBqT8nVdLk2xWm{number}",
                "body": json.dumps(body, separators=(",", ":")),
                "attributes": {
                    "ApproximateReceiveCount": str(times_received),
                    "SentTimestamp": "1768388405118",
                    "ApproximateFirstReceiveTimestamp": "1768388410131",
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def bounce_event(account_id: str, email: str, *, kind: str = "Permanent") -> Json:
    """A notification of Amazon SES, as a function is called with it."""
    message = {
        "eventType": "Bounce",
        "bounce": {"bounceType": kind, "bouncedRecipients": [{"emailAddress": email}]},
        "mail": {"messageId": "0100019bc133b2c8", "tags": {"account_id": [account_id]}},
    }
    topic = "arn:aws:sns:us-east-1:123456789012:contacts-Bounces"
    sns = {"Type": "Notification", "MessageId": "7d3e0a61", "TopicArn": topic, "Message": json.dumps(message)}
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def _kind(record: Json) -> str:
    """What a record of the stream is about, in words of the items."""
    image = record["dynamodb"].get("NewImage") or record["dynamodb"].get("OldImage")
    what = (
        "contact"
        if "kind" in image
        else "trash"
        if "snapshot" in image
        else "tombstone"
        if "erased_at" in image
        else "custom event"
    )
    by_ttl = ", by its ttl" if "userIdentity" in record else ""
    merged = ", with merged names" if "absorbed" in image else ""
    return f"{record['eventName']} of a {what}{by_ttl}{merged}"


# The account


def recorded_account() -> Recorder:
    """What is recorded of."""
    recorder = Recorder()
    forget_what_was_made_once()
    _open_accounts(recorder)
    _make_keys(recorder)
    _define(recorder)
    _register_webhooks(recorder)
    _make_contacts(recorder)
    _change_contacts(recorder)
    _merge_contacts(recorder)
    _use_dialects(recorder)
    _delete_contacts(recorder)
    _work_off_queues(recorder)
    recorder.functions.at_ms = RECORDED_MS - 60_000
    _leave_bookmarks_and_cursors(recorder)
    return recorder


def _open_accounts(recorder: Recorder) -> None:
    opened = recorder.functions.invoke("provision_account", {"name": "Example Söhne GmbH", "plan": "pro"})
    recorder.keys["native"], recorder.ids["account"] = opened["key"], opened["account_id"]
    other = {"name": "Other", "plan": "enterprise", "hourly_limit": 123_456, "dialect": "artamail"}
    opened = recorder.functions.invoke("provision_account", other)
    recorder.ids["other account"] = opened["account_id"]
    recorder.keys["other artamail"], recorder.keys["other native"] = opened["key"], opened["native_key"]
    for name in ("suspended", "of old"):
        opened = recorder.functions.invoke("provision_account", {"name": name, "plan": "free"})
        recorder.ids[f"{name} account"], recorder.keys[name] = opened["account_id"], opened["key"]
    suspension = {"account_id": recorder.ids["suspended account"], "suspended": True, "reason": "unpaid"}
    recorder.functions.invoke("suspend_account", suspension)


def _make_keys(recorder: Recorder) -> None:
    wishes: dict[str, Json] = {
        "test": {"mode": "test"},
        "reader": {"scopes": ["contacts:read"]},
        "writer": {"scopes": ["contacts:write"]},
        "revoked": {},
        "revoked artamail": {"dialect": "artamail"},
    } | {dialect: {"dialect": dialect} for dialect in ("sendmator", "smashsend", "smartsender", "artamail")}
    for name, command in wishes.items():
        made = recorder.ask("POST", "/v1/api-keys", {"name": name, **command}, idempotency_key=f"key {name}")
        recorder.keys[name], recorder.ids[f"key {name}"] = made["key"], made["id"]
    for name in ("revoked", "revoked artamail"):
        recorder.ask(
            "DELETE", f"/v1/api-keys/{recorder.ids[f'key {name}']}", idempotency_key=f"revoke {name}"
        )


def _define(recorder: Recorder) -> None:
    properties: list[Json] = [
        {"name": "city", "type": "string", "label": "City", "description": "Where they live"},
        {"name": "frequency", "type": "enum", "options": ["weekly", "monthly"]},
        {"name": "employees", "type": "number"},
        {"name": "birthday", "type": "date"},
        {"name": "legacy", "type": "boolean"},
    ]
    for command in properties:
        made = recorder.ask(
            "POST", "/v1/contact-properties", command, idempotency_key=f"property {command['name']}"
        )
        recorder.ids[command["name"]] = made["id"]
    legacy = f"/v1/contact-properties/{recorder.ids['legacy']}"
    recorder.ask("DELETE", legacy, idempotency_key="archive legacy")
    channels = [("bot", "telegram"), ("line", "sms"), ("shop", "web")]
    for name, kind in channels:
        command = {"type": kind, "name": name}
        recorder.ids[name] = recorder.ask("POST", "/v1/channels", command, idempotency_key=f"channel {name}")[
            "id"
        ]
    recorder.ask("PUT", f"/v1/channels/{recorder.ids['line']}", {"state": False}, idempotency_key="line off")


def _register_webhooks(recorder: Recorder) -> None:
    wishes: dict[str, Json] = {
        "hook": {"url": ENDPOINT, "events": ["*"], "description": "CRM sync"},
        "broken hook": {"url": BROKEN_ENDPOINT, "events": ["contact.created", "contact.deleted"]},
        "gone hook": {"url": BROKEN_ENDPOINT, "events": ["contact.unsubscribed"]},
        "idle hook": {"url": ENDPOINT, "is_active": False},
    }
    for name, command in wishes.items():
        made = recorder.ask("POST", "/v1/webhooks", command, idempotency_key=name)
        recorder.ids[name] = made["id"]
    rotate = f"/v1/webhooks/{recorder.ids['idle hook']}/rotate-secret"
    recorder.ask("POST", rotate, {}, idempotency_key="rotate")
    change = {"description": None}
    recorder.ask("PATCH", f"/v1/webhooks/{recorder.ids['idle hook']}", change, idempotency_key="change hook")


FULL: Json = {
    "email": "Olena.Kovalenko@Example.com",
    "external_id": "crm-31337",
    "first_name": "Olena",
    "last_name": "Коваленко",
    "name": "Olena Коваленко",
    "phone": "+380501234567",
    "tags": ["vip", "beta, second wave", "展示会"],
    "lists": ["newsletter", "offers"],
    "custom_fields": {
        "city": "Львів",
        "frequency": "weekly",
        "employees": 12,
        "birthday": "1990-02-28",
        "free": {"deep": [1, 2.5, -1e-7, True, None, {"x y": ""}]},
    },
    "metadata": {"source": "import", "score": 0.1},
    "is_active": True,
    "is_unsubscribed": False,
}


def _make_contacts(recorder: Recorder) -> None:
    created = recorder.ask("POST", "/v1/contacts", FULL, idempotency_key="create full")
    recorder.ids["full"] = created["id"]
    recorder.contact("plain", email="plain@example.com")
    recorder.contact("nameless", external_id="nameless", tags=["a", "b"])
    numbers = {f"field_{number:03}": "x" * 20 for number in range(30)}
    recorder.contact("big", external_id="big", custom_fields=numbers, tags=["vip"])
    for number, name in enumerate(
        ["search", "a/events", "50% off", "ä ö+ü", "a@b", "019bb6e7", "😀", "batch", "a/restore"]
    ):
        recorder.contact(name, external_id=name, last_name=f"Odd {number}", tags=["odd"])
    recorder.contact("address", external_id="address@example.org", name="No Address")
    for number in range(10):
        recorder.is_dispatched = number < 2
        recorder.contact(
            f"one of many {number}",
            email=f"many-{number}@example.com",
            external_id=f"many-{9 - number}",
            name=f"Many {'Ada' if number % 2 else 'Grace'}",
            tags=["many", "even"] if number % 2 == 0 else ["many"],
            lists=["newsletter"] if number % 3 == 0 else [],
            custom_fields={"city": "Kyiv"},
            is_active=number != 5,
        )
    recorder.is_dispatched = True
    operations: list[Json] = [
        {"op": "create", "contact": {"email": "batch@example.com", "lists": ["imported"]}},
        {"op": "upsert", "contact": {"email": "many-3@example.com", "add_tags": ["2026"]}},
        {"op": "update", "ref": "many-4@example.com", "contact": {"first_name": "Kofi"}, "if_match": 1},
        {"op": "update", "ref": "many-5@example.com", "contact": {"first_name": "Kofi"}, "if_match": 9},
        {"op": "create", "contact": {"email": "no address", "phone": "1"}},
        {"op": "delete", "ref": "many-6@example.com", "by": "email"},
    ]
    results = recorder.ask("POST", "/v1/contacts/batch", {"operations": operations}, idempotency_key="batch")
    recorder.ids["batch contact"] = results["results"][0]["contact"]["id"]


def _change_contacts(recorder: Recorder) -> None:
    full, many = f"/v1/contacts/{recorder.ids['full']}", "/v1/contacts/many-1%40example.com"
    change = {"custom_fields": {"city": "Київ", "employees": None}, "add_tags": ["2026"]}
    recorder.ask("PATCH", full, change, idempotency_key="change full")
    recorder.ask("PATCH", "/v1/contacts/many-2%40example.com", {"phone": "+4915112345678"})
    recorder.ask("PATCH", many, {"is_unsubscribed": True}, idempotency_key="opt out")
    recorder.ask("PATCH", many, {"email": "renamed@example.com"}, idempotency_key="rename")
    recorder.ask("PATCH", "/v1/contacts/many-7%40example.com", {"is_unsubscribed": True})
    recorder.ask("PATCH", "/v1/contacts/many-7%40example.com", {"is_unsubscribed": False})
    event = {"name": "newsletter opened", "data": {"issue": 12, "subject": "Новини"}}
    recorder.ask("POST", f"{full}/events", event, idempotency_key="event")
    old = {"name": "shop visited", "occurred_at": "2026-01-12T08:00:00+01:00"}
    recorder.ask("POST", f"{full}/events", old)
    recorder.ask("POST", "/v1/contacts/big/events", {"name": "called"})
    gate = {"identifier": "731905284", "first_name": "Ines", "custom_fields": {"city": "Porto"}}
    bot, shop = (f"/v1/channels/{recorder.ids[name]}/gates" for name in ("bot", "shop"))
    made = recorder.ask("POST", bot, gate, idempotency_key="gate")
    recorder.ids["gate"] = made["id"]
    recorder.ask(
        "POST", shop, {"identifier": "visitor: 7", "email": "duarte@example.com", "first_name": "Inês"}
    )
    upsert = {"email": "many-8@example.com", "add_lists": ["offers"]}
    recorder.ask("POST", "/v1/contacts?on_conflict=update", upsert, idempotency_key="upsert")


def _merge_contacts(recorder: Recorder) -> None:
    recorder.contact(
        "twin", email="twin@example.com", external_id="twin", tags=["twin"], is_unsubscribed=True
    )
    recorder.contact("triplet", email="triplet@example.org", custom_fields={"shop": 3})
    recorder.ask("POST", "/v1/contacts/twin/events", {"name": "of the twin"})
    into = "/v1/contacts/olena.kovalenko%40example.com/merge"
    recorder.ask("POST", into, {"from": "twin@example.com"}, idempotency_key="merge")
    recorder.ask("POST", into, {"from": recorder.ids["triplet"], "by": "id"})
    recorder.contact("visitor", email="visitor@example.com")
    recorder.ask("POST", "/v1/contacts/visitor%40example.com/merge", {"from": "duarte@example.com"})
    recorder.contact("kept", email="kept@example.com")
    recorder.contact("given up", email="given-up@example.com", external_id="given-up")
    recorder.ask("POST", "/v1/contacts/kept%40example.com/merge", {"from": "given-up@example.com"})


def _use_dialects(recorder: Recorder) -> None:
    bearer = {
        key: {"Authorization": f"Bearer {recorder.keys[key]}"}
        for key in ("smashsend", "smartsender", "artamail")
    }

    def ask(key: str, method: str, target: str, body: Any, once: str) -> Any:
        """As `Recorder.ask`, with the key where the vendor's clients send it."""
        sent = {**bearer.get(key, {"X-API-Key": recorder.keys[key]}), "Idempotency-Key": once}
        recorder.functions.at_ms += 1_503
        reply = recorder.functions.request(method, target, body, headers=sent)
        assert reply["statusCode"] < 400, reply
        recorder.requests[once] = {"method": method, "target": target, "body": body, "headers": sent}
        recorder.follow()
        return json.loads(reply["body"])

    written = {"email": "sendmator@example.com", "external_id": "CRM-001", "tags": ["lead"]}
    ask("sendmator", "POST", "/api/v1/contacts", written, "sendmator create")
    written = {"email": "smashsend@example.com", "firstName": "Sam", "properties": {"city": "Rome"}}
    recorder.ids["smashsend contact"] = ask("smashsend", "POST", "/v1/contacts", written, "smashsend create")[
        "contact"
    ]["id"]
    gate = {"identifier": "+391234567", "firstName": "Ugo", "email": "ugo@example.com"}
    channel = recorder.ids["bot"]
    ask("smartsender", "POST", f"/v1/channels/{channel}/gates", gate, "smartsender gate")
    written = {"email": "artamail@example.com", "name": "Arta", "data": {"city": "Oslo"}, "lists": ["news"]}
    ask("artamail", "POST", "/api/v1/contacts", written, "artamail create")


def _delete_contacts(recorder: Recorder) -> None:
    recorder.contact(
        "trashed",
        email="mehmet.oz@example.org",
        external_id="crm-27182",
        name="Mehmet Öz",
        is_unsubscribed=True,
    )
    recorder.contact("trashed anew", email="anew@example.com")
    recorder.contact("erased", email="ines@example.net", external_id="ines")
    recorder.contact("expired", email="expired@example.com")
    recorder.contact("erased later", external_id="erased-later", tags=["gone"])
    recorder.ask("DELETE", "/v1/contacts/crm-27182", idempotency_key="delete")
    recorder.ask("DELETE", "/v1/contacts/anew%40example.com")
    recorder.ids["new owner"] = recorder.contact("new owner", external_id="new-owner")
    recorder.ask("DELETE", "/v1/contacts/kept%40example.com", idempotency_key="delete merged")
    recorder.ask("DELETE", "/v1/contacts/ines?permanent=true", idempotency_key="erase")
    recorder.ask("DELETE", "/v1/contacts/expired%40example.com")
    trash = {
        name: item
        for item in recorder.table.items()
        for name in [item["SK"]["S"]]
        if item["PK"]["S"].endswith("#TRASH") and recorder.ids["expired"] in name
    }
    for item in trash.values():
        recorder.table.remove(item)
        recorder.follow([(item["PK"]["S"], item["SK"]["S"])])
    restored = recorder.contact("restored", email="restored@example.com")
    recorder.ask("DELETE", f"/v1/contacts/{restored}")
    recorder.ask("POST", f"/v1/contacts/{restored}/restore", idempotency_key="restore")


def _work_off_queues(recorder: Recorder) -> None:
    ids, waiting = recorder.ids, recorder.messages
    recorder.work_off("ErasureQueue", "erase_contact", contact_id=ids["erased"])
    recorder.work_off("ErasureQueue", "erase_contact", contact_id=ids["expired"])
    recorder.ask("DELETE", "/v1/contacts/erased-later?permanent=true")  # Its message waits.
    kept = [waiting["ValidationQueue"].pop() for _ in range(2)]
    recorder.work_off("ValidationQueue", "validate_contact")
    waiting["ValidationQueue"] += kept
    recorder.functions.endpoint_answer = deployed.BROKEN
    first, second = [
        one["delivery_id"] for one in waiting["DeliveryQueue"] if one["webhook_id"] == ids["broken hook"]
    ][:2]
    _attempt(recorder, first, attempts=99)
    _attempt(recorder, second, attempts=2)
    recorder.functions.endpoint_answer = deployed.GONE
    recorder.work_off("DeliveryQueue", "deliver_webhook", at_most=1, webhook_id=ids["gone hook"])
    recorder.functions.endpoint_answer = deployed.OK
    recorder.work_off("DeliveryQueue", "deliver_webhook", at_most=12, webhook_id=ids["hook"])
    recorder.ask("POST", f"/v1/webhooks/{ids['hook']}/test", {}, idempotency_key="test hook")
    recorder.work_off("DeliveryQueue", "deliver_webhook", event_type="webhook.test")
    page = recorder.ask("GET", f"/v1/webhooks/{ids['hook']}/deliveries?status=delivered&limit=1")
    ids["delivery"] = page["data"][0]["id"]
    again = f"/v1/webhooks/{ids['hook']}/deliveries/{ids['delivery']}/redeliver"
    recorder.ask("POST", again, {}, idempotency_key="redeliver")
    recorder.ask("POST", "/v1/contacts", {"email": "other@example.com", "name": "Other"}, key="other native")
    recorder.functions.at_ms += 60_000
    recorder.functions.invoke("record_bounce", bounce_event(ids["account"], "many-9@example.com"))
    recorder.follow()
    recorder.is_dispatched = False
    recorder.ask("POST", "/v1/contacts/big/events", {"name": "not yet in the log", "data": {"n": 1}})


def _attempt(recorder: Recorder, delivery_id: str, attempts: int) -> None:
    """Make attempts at a delivery, each as soon as its message comes, an hour after the one before."""
    for attempt in range(1, attempts + 1):
        asked = [json.loads(schedule["Target"]["Input"]) for schedule in recorder.schedules]
        asked += recorder.messages["DeliveryQueue"]
        found = [one for one in asked if (one["delivery_id"], one["attempt"]) == (delivery_id, attempt)]
        if not found:
            return
        recorder.functions.at_ms += 3_600_000
        answer = recorder.functions.invoke("deliver_webhook", queue_event("DeliveryQueue", found[0]))
        assert answer == {"batchItemFailures": []}
        if found[0] in recorder.messages["DeliveryQueue"]:
            recorder.messages["DeliveryQueue"].remove(found[0])
        recorder.follow()


def _leave_bookmarks_and_cursors(recorder: Recorder) -> None:
    for target in ("/v1/contacts?limit=7&offset=7&sort=email", "/v1/contacts?limit=5&offset=10&tag=many"):
        recorder.ask("GET", target)


# What is played to it


def scenarios(recorder: Recorder) -> Iterator[Json]:
    """What is asked, without what comes of it."""
    yield from _replays(recorder)
    yield from _reads(recorder)
    yield from _walks(recorder)
    yield from _changes(recorder)
    yield from _dialects(recorder)
    yield from _keys(recorder)
    yield from _records_and_messages(recorder)
    yield from _by_name(recorder)


def scenario(name: str, *steps: Json) -> Json:
    return {"name": name, "steps": list(steps)}


def _replays(recorder: Recorder) -> Iterator[Json]:
    for once, asked in recorder.requests.items():
        yield scenario(f"replay: {once}", asked)
    created = recorder.requests["create full"]
    yield scenario("replay with another body", {**created, "body": {"email": "else@example.com"}})
    batch = recorder.requests["batch"]
    yield scenario(
        "replay of a batch with another body",
        {**batch, "body": {"operations": batch["body"]["operations"][:1]}},
    )
    yield scenario("replay of the creation of who was erased", _erased_replay(recorder))


def _erased_replay(recorder: Recorder) -> Json:
    asked = recorder.requests["erase"]
    return {**asked, "target": "/v1/contacts/ines?permanent=true&by=external_id"}


def get(recorder: Recorder, target: str, key: str = "native") -> Json:
    return {"method": "GET", "target": target, "key": recorder.keys[key]}


def _reads(recorder: Recorder) -> Iterator[Json]:
    ids = recorder.ids
    refs = {
        "id": ids["full"],
        "email": "OLENA.kovalenko@example.com",
        "external id": "crm-31337",
        "merged email": "twin@example.com",
        "merged external id": "twin",
        "merged id": ids["twin"],
        "merged id of the third": ids["triplet"],
        "id of who came through a gate": ids["visitor"],
        "big": "big",
        "renamed": "renamed@example.com",
        "name before": "many-1@example.com",
        "trashed": "crm-27182",
        "erased": ids["erased"],
        "expired": ids["expired"],
        "search": "search",
        "a/events": "a/events",
        "a/restore": "a/restore",
        "batch": "batch",
        "percent": "50% off",
        "umlaut": "ä ö+ü",
        "emoji": "😀",
    }
    for name, ref in refs.items():
        yield scenario(f"read: {name}", get(recorder, f"/v1/contacts/{quote(ref, safe='')}"))
    for name in ("search", "a%2Fevents"):
        yield scenario(f"read: {name} by external id", get(recorder, f"/v1/contacts/{name}?by=external_id"))
    full = f"/v1/contacts/{ids['full']}"
    unmodified = {**get(recorder, full), "headers": {"If-None-Match": '"4"'}}
    yield scenario("read unless changed", unmodified)
    gate_owner = f"/v1/contacts/{ids['visitor']}"
    account = ("/v1/account", "/v1/account/usage", "/v1/tags", "/v1/lists")
    for path in (f"{gate_owner}/gates", f"{gate_owner}/chat", *account):
        yield scenario(f"read: {path.replace(gate_owner, 'visitor')}", get(recorder, path))
    for path in ("api-keys", "channels", "contact-properties", "webhooks"):
        yield scenario(f"read: {path}", get(recorder, f"/v1/{path}"))
    for kind, name in (
        ("webhooks", "broken hook"),
        ("webhooks", "idle hook"),
        ("contact-properties", "legacy"),
        ("channels", "line"),
    ):
        yield scenario(f"read: {name}", get(recorder, f"/v1/{kind}/{ids[name]}"))


def _walks(recorder: Recorder) -> Iterator[Json]:
    """Pages that go on from cursors that were given out when the account was recorded."""
    ids = recorder.ids
    lists = {f"sort {sort}": f"/v1/contacts?limit=4&sort={sort}" for sort in SORTS}
    lists |= {
        f"filter {query}": f"/v1/contacts?limit=2&{query}"
        for query in (
            "tag=many&tag=even",
            "list=newsletter&sort=email",
            "is_active=true&is_unsubscribed=false",
            "validation_status=valid&sort=-updated_at",
            "created_after=2026-01-13T00:00:00Z&created_before=2026-02-01T00:00:00Z",
            "updated_after=2026-01-13T00:00:00Z&tag=odd",
            "search=many ada".replace(" ", "%20"),
        )
    }
    lists |= {
        "search": "/v1/contacts/search?q=many&limit=3",
        "events": "/v1/events?limit=3",
        "events of a type": "/v1/events?limit=2&type=contact.deleted",
        "timeline": f"/v1/contacts/{ids['full']}/events?limit=3",
        "deliveries": f"/v1/webhooks/{ids['hook']}/deliveries?limit=4",
        "deliveries about a contact": "/v1/contacts/crm-31337/deliveries?limit=2",
        "failed deliveries": f"/v1/webhooks/{ids['broken hook']}/deliveries?limit=1",
        "tags": "/v1/tags?limit=2",
        "lists": "/v1/lists?limit=1",
        "channels": "/v1/channels?limit=1",
        "properties": "/v1/contact-properties?limit=2",
        "gates": f"/v1/contacts/{ids['visitor']}/gates?limit=1",
    }
    for name, target in lists.items():
        reply = recorder.functions.request("GET", target, key=recorder.keys["native"])
        page = json.loads(reply["body"])
        cursor = page.get("next_cursor")
        further = [] if cursor is None else [get(recorder, f"{target}&cursor={cursor}")]
        yield scenario(f"page: {name}", get(recorder, target.replace("limit=4", "limit=1")), *further)
    for target in (
        "/v1/contacts?limit=7&offset=14&sort=email",
        "/v1/contacts?limit=5&offset=15&tag=many&include_total=true",
    ):
        yield scenario(f"page by offset: {target}", get(recorder, target))
    cursor = _cursor(recorder, "/v1/contacts?limit=7&sort=email")
    yield scenario(
        "cursor of another list", get(recorder, f"/v1/contacts?limit=7&sort=-email&cursor={cursor}")
    )
    yield scenario(
        "cursor of another account",
        get(recorder, f"/v1/contacts?limit=7&sort=email&cursor={cursor}", "other native"),
    )


def _cursor(recorder: Recorder, target: str) -> str:
    reply = recorder.functions.request("GET", target, key=recorder.keys["native"])
    cursor: str = json.loads(reply["body"])["next_cursor"]
    return cursor


def _changes(recorder: Recorder) -> Iterator[Json]:
    ids, key = recorder.ids, recorder.keys["native"]

    def ask(method: str, target: str, body: Any = None, **headers: str) -> Json:
        asked: Json = {"method": method, "target": target, "key": key}
        if body is not None:
            asked["body"] = body
        return {**asked, "headers": headers} if headers else asked

    full = f"/v1/contacts/{ids['full']}"
    yield scenario(
        "create",
        ask(
            "POST",
            "/v1/contacts",
            {**FULL, "email": "new@example.com", "external_id": "new"},
            **{"Idempotency-Key": "new"},
        ),
    )
    yield scenario(
        "create: duplicate of a merged name", ask("POST", "/v1/contacts", {"email": "twin@example.com"})
    )
    yield scenario(
        "create: address that has opted out", ask("POST", "/v1/contacts", {"email": "many-1@example.com"})
    )
    yield scenario(
        "create: external id of the trash", ask("POST", "/v1/contacts", {"external_id": "crm-27182"})
    )
    yield scenario(
        "create: email of the trash", ask("POST", "/v1/contacts", {"email": "mehmet.oz@example.org"})
    )
    wrong = {
        "email": "no address",
        "phone": "1",
        "tags": [1],
        "custom_fields": {"frequency": "daily"},
        "unknown": 1,
    }
    yield scenario("create: everything wrong", ask("POST", "/v1/contacts", wrong))
    yield scenario(
        "create: what is wrong is skipped",
        ask("POST", "/v1/contacts?on_invalid=skip", {**wrong, "email": "s@example.com"}),
    )
    yield scenario(
        "upsert", ask("POST", "/v1/contacts?on_conflict=update", {"email": "many-9@example.com", "name": "M"})
    )
    yield scenario(
        "change in place", ask("PATCH", full, {"last_name": "K", "custom_fields": {"city": None, "x": 1.50}})
    )
    yield scenario(
        "change by a name", ask("PATCH", "/v1/contacts/crm-31337", {"metadata": {"source": "form"}})
    )
    yield scenario(
        "change by a merged name", ask("PATCH", "/v1/contacts/twin%40example.com", {"last_name": "K"})
    )
    yield scenario("change that reads", ask("PATCH", full, {"add_tags": ["new"], "add_lists": ["more"]}))
    yield scenario("change: version of before", ask("PATCH", full, {"last_name": "K"}, **{"If-Match": '"1"'}))
    yield scenario("rename", ask("PATCH", full, {"email": "olena@example.com", "external_id": None}))
    yield scenario("rename to a name that is taken", ask("PATCH", full, {"email": "plain@example.com"}))
    yield scenario("opt out", ask("PATCH", "/v1/contacts/plain%40example.com", {"is_unsubscribed": True}))
    yield scenario(
        "subscribe again", ask("PATCH", "/v1/contacts/renamed%40example.com", {"is_unsubscribed": False})
    )
    yield scenario("delete", ask("DELETE", full), ask("GET", full), ask("POST", f"{full}/restore"))
    yield scenario("delete for good", ask("DELETE", f"{full}?permanent=true"), ask("GET", full))
    yield scenario("delete from the trash for good", ask("DELETE", "/v1/contacts/crm-27182?permanent=true"))
    trashed = f"/v1/contacts/{ids['trashed']}"
    yield scenario("restore", ask("POST", f"{trashed}/restore"), ask("GET", "/v1/contacts/crm-27182"))
    yield scenario("restore by name", ask("POST", "/v1/contacts/mehmet.oz%40example.org/restore"))
    yield scenario(
        "restore who had merged",
        ask("POST", "/v1/contacts/kept%40example.com/restore"),
        ask("GET", "/v1/contacts/given-up"),
    )
    yield scenario("restore: nobody", ask("POST", f"/v1/contacts/{ids['erased']}/restore"))
    yield scenario(
        "merge",
        ask("POST", f"{full}/merge", {"from": ids["visitor"]}),
        ask("GET", "/v1/contacts/duarte%40example.com"),
    )
    yield scenario(
        "merge of who has merged",
        ask("POST", "/v1/contacts/big/merge", {"from": "crm-31337"}),
        ask("GET", "/v1/contacts/twin"),
    )
    yield scenario("merge: dry run", ask("POST", f"{full}/merge?dry_run=true", {"from": ids["visitor"]}))
    yield scenario("merge with itself", ask("POST", f"{full}/merge", {"from": "twin"}))
    yield scenario(
        "record an event", ask("POST", f"{full}/events", {"name": "bought", "data": {"sum": 9.90}})
    )
    gate = {"identifier": "731905284", "first_name": "Ines"}
    yield scenario("gate that is known", ask("POST", f"/v1/channels/{ids['bot']}/gates", gate))
    yield scenario(
        "gate that is new",
        ask("POST", f"/v1/channels/{ids['shop']}/gates", {"identifier": "v:8", "name": "V"}),
    )
    yield scenario(
        "gate of a channel that is off", ask("POST", f"/v1/channels/{ids['line']}/gates", {"identifier": "1"})
    )
    yield scenario(
        "change a channel", ask("PUT", f"/v1/channels/{ids['line']}", {"state": True, "name": "Line"})
    )
    yield scenario(
        "change a property",
        ask("PUT", f"/v1/contact-properties/{ids['frequency']}", {"options": ["weekly", "daily"]}),
    )
    yield scenario(
        "take a property back", ask("PUT", f"/v1/contact-properties/{ids['legacy']}", {"archived": False})
    )
    yield scenario(
        "property of a name that is taken",
        ask("POST", "/v1/contact-properties", {"name": "city", "type": "string"}),
    )
    yield scenario(
        "new property",
        ask("POST", "/v1/contact-properties", {"name": "size", "type": "enum", "options": ["S"]}),
    )
    for name, method, suffix, body in (
        ("change", "PATCH", "", {"is_active": True}),
        ("rotate the secret of", "POST", "/rotate-secret", {}),
        ("delete", "DELETE", "", None),
        ("test", "POST", "/test", {}),
    ):
        yield scenario(f"{name} a webhook", ask(method, f"/v1/webhooks/{ids['broken hook']}{suffix}", body))
    again = f"/v1/webhooks/{ids['hook']}/deliveries/{ids['delivery']}/redeliver"
    yield scenario("deliver again", ask("POST", again, {}))
    yield scenario(
        "new webhook", ask("POST", "/v1/webhooks", {"url": ENDPOINT, "events": ["contact.merged"]})
    )
    operations: list[Json] = [
        {"op": "upsert", "contact": {"email": "twin@example.com", "add_tags": ["batch"]}},
        {"op": "create", "contact": {"email": "plain@example.com"}},
        {"op": "update", "ref": "nobody", "contact": {"name": "N"}},
        {"op": "delete", "ref": "big"},
        {"op": "fly"},
    ]
    yield scenario(
        "batch",
        ask("POST", "/v1/contacts/batch", {"operations": operations}, **{"Idempotency-Key": "another"}),
    )


def _dialects(recorder: Recorder) -> Iterator[Json]:
    ids, keys = recorder.ids, recorder.keys

    def ask(key: str, method: str, target: str, body: Any = None) -> Json:
        asked: Json = {"method": method, "target": target}
        asked |= {} if body is None else {"body": body}
        if key == "sendmator":
            return {**asked, "key": keys[key]}
        return {**asked, "headers": {"Authorization": f"Bearer {keys[key]}"}}

    smash = f"/v1/contacts/{ids['smashsend contact']}"
    full = f"/v1/contacts/{ids['full']}"
    asked: list[tuple[str, str, str, Any]] = [
        ("sendmator", "GET", "/api/v1/contacts?page=2&limit=5&tag=many", None),
        ("sendmator", "GET", "/api/v1/contacts/CRM-001", None),
        ("sendmator", "GET", "/api/v1/contacts/twin", None),
        ("sendmator", "GET", "/api/v1/contacts?limit=many&page=0", None),
        ("sendmator", "POST", "/api/v1/contacts", {"email": "sendmator@example.com"}),
        ("sendmator", "POST", "/api/v1/contacts", {"email": "no address", "tags": "lead"}),
        ("sendmator", "PUT", "/api/v1/contacts/CRM-001", {"custom_fields": {"seats": 5}}),
        ("sendmator", "DELETE", "/api/v1/contacts/CRM-001", None),
        ("sendmator", "GET", "/api/v1/contacts/nobody", None),
        ("smashsend", "GET", "/v1/contacts?limit=3&offset=6", None),
        ("smashsend", "GET", "/v1/contacts?status=UNSUBSCRIBED", None),
        ("smashsend", "GET", smash, None),
        ("smashsend", "GET", "/v1/contacts/nobody", None),
        ("smashsend", "POST", "/v1/contacts", {"email": "smashsend@example.com"}),
        ("smashsend", "PUT", smash, {"properties": {"city": None, "frequency": "daily"}}),
        ("smashsend", "PUT", smash, {"firstName": "Samuel", "properties": {"city": None}}),
        ("smashsend", "DELETE", smash, None),
        ("smashsend", "GET", "/v1/contact-properties", None),
        ("smashsend", "POST", "/v1/contact-properties", {"name": "city", "type": "STRING"}),
        ("smartsender", "GET", "/v1/contacts?page=2&limitation=5", None),
        ("smartsender", "GET", "/v1/contacts/search?term=many&page=2&limitation=3", None),
        ("smartsender", "GET", full, None),
        ("smartsender", "GET", f"{full}/info", None),
        ("smartsender", "GET", f"/v1/contacts/{ids['visitor']}/chat", None),
        ("smartsender", "GET", f"/v1/contacts/{ids['visitor']}/gates?limitation=1", None),
        ("smartsender", "GET", "/v1/channels?page=2&limitation=1", None),
        ("smartsender", "GET", f"/v1/channels/{ids['bot']}", None),
        ("smartsender", "PUT", f"/v1/channels/{ids['bot']}", {"state": False}),
        ("smartsender", "PUT", full, {"values": {"fullName": "Olena K", "phone": "nonsense", "plan": "max"}}),
        ("smartsender", "POST", f"{full}/fire", {"name": "Order paid"}),
        ("smartsender", "POST", f"{full}/merge/{ids['visitor']}", None),
        ("smartsender", "DELETE", full, None),
        ("smartsender", "GET", "/v1/contacts?limitation=100&page=x", None),
        ("smartsender", "GET", f"/v1/contacts/{ids['erased']}", None),
        ("artamail", "GET", "/api/v1/contacts/twin%40example.com", None),
        ("artamail", "GET", "/api/v1/contacts/nobody%40example.com", None),
        ("artamail", "POST", "/api/v1/contacts", {"email": "artamail@example.com", "subscribed": False}),
        ("artamail", "PATCH", "/api/v1/contacts/artamail%40example.com", {"name": None, "data": {"city": 1}}),
        ("artamail", "PATCH", "/api/v1/contacts/artamail%40example.com", {"name": "A", "subscribed": True}),
        ("artamail", "DELETE", "/api/v1/contacts/artamail%40example.com", None),
        ("artamail", "GET", "/api/v1/contacts", None),
    ]
    wrong_in_artamail: list[tuple[str, Any]] = [
        ("email", "no address"),
        ("email", 1),
        ("email", None),
        ("name", 1),
        ("name", "x" * 256),
        ("name", "\x00"),
        ("lists", "news"),
        ("lists", ["No Slug"]),
        ("lists", [f"list-{number}" for number in range(101)]),
        ("data", []),
        ("data", {"frequency": "daily"}),
        ("data", {"employees": "many"}),
        ("data", {"birthday": "1990-02-30"}),
        ("data", {"employees": 10**40}),
        ("subscribed", "yes"),
    ]
    written = {"email": "wrong@example.com"}
    asked += [
        ("artamail", "POST", "/api/v1/contacts", {**written, name: value})
        for name, value in wrong_in_artamail
    ]
    seen: dict[str, int] = {}
    for key, method, target, body in asked:
        name = f"{key}: {method} {target.partition('?')[0]}"
        for known, contact_id in ids.items():
            name = name.replace(contact_id, known)
        if body and body.get("email") == "wrong@example.com":
            name = f"{key}: wrong {' '.join(body.keys() - {'email'}) or 'email'}"
        seen[name] = seen.get(name, 0) + 1
        yield scenario(name if seen[name] == 1 else f"{name}, {seen[name]}", ask(key, method, target, body))


def _keys(recorder: Recorder) -> Iterator[Json]:
    body = {"email": "key@example.com", "name": "K"}
    for name in ("test", "reader", "writer", "revoked", "suspended", "of old", "other native"):
        key = recorder.keys[name]
        created = {"method": "POST", "target": "/v1/contacts", "key": key, "body": body}
        yield scenario(f"key: {name}", created, get(recorder, "/v1/contacts/plain%40example.com", name))
    bearer = {"Authorization": f"Bearer {recorder.keys['revoked artamail']}"}
    yield scenario(
        "key: revoked artamail", {"method": "GET", "target": "/api/v1/contacts/a", "headers": bearer}
    )
    yield scenario("key: none", {"method": "GET", "target": "/v1/contacts"})
    later = {**get(recorder, "/v1/account"), "at_ms": RECORDED_MS + 3_600_000}
    yield scenario("key: the next hour", later)
    made = {
        "method": "POST",
        "target": "/v1/api-keys",
        "key": recorder.keys["native"],
        "body": {"name": "new"},
    }
    yield scenario("key: new", made)
    made = {
        **made,
        "body": {"name": "new", "dialect": "artamail", "mode": "test", "scopes": ["contacts:read"]},
    }
    yield scenario("key: new artamail", made)
    key_id = recorder.ids["key writer"]
    revoked = {"method": "DELETE", "target": f"/v1/api-keys/{key_id}", "key": recorder.keys["native"]}
    yield scenario("key: revoke", revoked, get(recorder, "/v1/account", "writer"))


def _records_and_messages(recorder: Recorder) -> Iterator[Json]:
    for kind, told in recorder.records.items():
        for function in (
            ("dispatch_webhooks",) if "custom" in kind else ("project_changes", "dispatch_webhooks")
        ):
            step = {"function": function, "event": stream_event([told])}
            yield scenario(
                f"{function}: {kind}" if "custom" in kind else f"{function}: {kind} once more", step
            )
            anew = copy.deepcopy(told)
            anew["eventID"] = anew["eventID"][::-1]
            if "custom" not in kind:
                yield scenario(f"{function}: {kind}", {"function": function, "event": stream_event([anew])})
    unreadable = copy.deepcopy(next(iter(recorder.records.values())))
    unreadable["dynamodb"]["NewImage"] = {"PK": {"S": "?"}}
    yield scenario(
        "record that nobody reads", {"function": "project_changes", "event": stream_event([unreadable])}
    )
    for queue, function in (
        ("DeliveryQueue", "deliver_webhook"),
        ("ValidationQueue", "validate_contact"),
        ("ErasureQueue", "erase_contact"),
    ):
        messages = recorder.messages[queue]
        assert messages, queue
        if queue == "ErasureQueue":
            messages.sort(key=lambda one: one["contact_id"] != recorder.ids["erased later"])
        for endpoint in ("OK", "BROKEN", "GONE") if queue == "DeliveryQueue" else ("OK",):
            step = {"function": function, "event": queue_event(queue, messages[0]), "endpoint": endpoint}
            yield scenario(f"{function}: {endpoint}", step)
    by_webhook = {one["webhook_id"]: one for one in recorder.messages["DeliveryQueue"]}
    for number, message in enumerate(by_webhook.values()):
        yield scenario(
            f"deliver_webhook: of hook {number}",
            {"function": "deliver_webhook", "event": queue_event("DeliveryQueue", message)},
        )
    scheduled = [json.loads(schedule["Target"]["Input"]) for schedule in recorder.schedules]
    by_delivery = {one["delivery_id"]: one for one in scheduled}
    without_group = [{name: one[name] for name in one if name != "ungrouped"} for one in by_delivery.values()]
    for number, message in enumerate([*by_delivery.values(), *without_group]):
        step = {
            "function": "deliver_webhook",
            "event": queue_event("DeliveryQueue", message),
            "endpoint": "BROKEN",
        }
        yield scenario(f"deliver_webhook: of a schedule, {number}", step)
    ids = recorder.ids
    erasure = {
        "account_id": ids["account"],
        "contact_id": ids["full"],
        "version": 5,
        "merged_ids": [ids["twin"], ids["triplet"]],
    }
    # The first run writes the tombstone, whose record brings the second.
    run = {"function": "erase_contact", "event": queue_event("ErasureQueue", erasure)}
    yield scenario("erase_contact: with what had been merged", run, run)
    for kind in ("Permanent", "Transient"):
        step = {
            "function": "record_bounce",
            "event": bounce_event(ids["account"], "plain@example.com", kind=kind),
        }
        yield scenario(f"record_bounce: {kind}", step)


def _by_name(recorder: Recorder) -> Iterator[Json]:
    account_id = recorder.ids["account"]

    def invoke(function: str, **payload: Any) -> Json:
        return {"function": function, "event": payload}

    yield scenario("reindex_account", invoke("reindex_account", account_id=account_id))
    yield scenario("reindex_account: dry run", invoke("reindex_account", account_id=account_id, dry_run=True))
    for number, resume in enumerate(_resume_tokens(recorder)):
        yield scenario(
            f"reindex_account: resumed, {number}",
            invoke("reindex_account", account_id=account_id, resume=resume),
        )
    yield scenario(
        "reindex_account: resumed anywhere",
        invoke("reindex_account", account_id=account_id, resume="nowhere"),
    )
    yield scenario("reindex_account: nobody", invoke("reindex_account", account_id=recorder.ids["full"]))
    yield scenario(
        "suspend_account",
        invoke("suspend_account", account_id=account_id, suspended=True, reason="abuse"),
        get(recorder, "/v1/account"),
    )
    suspended = recorder.ids["suspended account"]
    yield scenario(
        "resume an account",
        invoke("suspend_account", account_id=suspended, suspended=False),
        get(recorder, "/v1/account", "suspended"),
    )
    yield scenario(
        "set_switches",
        invoke("set_switches", writes="off", reason="the table is moved"),
        invoke("set_switches"),
        invoke("set_switches", account_id=account_id, deliveries="off", reason="a loop"),
        invoke("set_switches", account_id=account_id, deliveries="on"),
        invoke("set_switches", writes="on"),
    )
    yield scenario("set_switches: wrong", invoke("set_switches", writes="no", dn="off"))
    yield scenario(
        "provision_account", invoke("provision_account", name="New", plan="free", dialect="smashsend")
    )
    yield scenario("provision_account: wrong", invoke("provision_account", name="", plan="gold"))


def _resume_tokens(recorder: Recorder) -> list[str]:
    """Two of each pass, as invocations report them that run out of time after so many looks at it."""
    tokens: dict[str, list[str]] = {}
    for looks in (*range(4, 10), *range(68, 80)):
        left = iter(range(looks))
        with patch("contacts.core.time.Deadline.has_time_left", lambda *_: next(left, None) is not None):  # noqa: B023
            report = recorder.functions.invoke("reindex_account", {"account_id": recorder.ids["account"]})
        if report["finished"]:
            break
        of_pass = tokens.setdefault(report["resume"].partition(".")[0], [])
        if report["resume"] not in of_pass:
            of_pass.append(report["resume"])
    tokens["contacts"] = ["contacts..", f"contacts..{recorder.ids['big']}"]
    tokens["counts"] = ["counts.."]
    assert tokens.keys() == {"contacts", "postings", "words", "counts"}, tokens
    return [token for of_pass in tokens.values() for token in {of_pass[0]: 1, of_pass[-1]: 1}]


# The files


def main() -> None:
    """Record an account and what its requests come to, over the files in this folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorded.record", description=main.__doc__)
    parser.add_argument(
        "--answers", action="store_true", help="only the answers: to the requests that are recorded"
    )
    if not parser.parse_args().answers:
        recorder = recorded_account()
        asked = list(scenarios(recorder))
        items = sorted(recorder.table.items(), key=lambda item: (item["PK"]["S"], item["SK"]["S"]))
        _let_age(recorder, items)
        ITEMS.write_text("".join(f"{line(_steady(item))}\n" for item in items), encoding="utf-8")
    else:
        asked = list(playing.recorded_scenarios().values())
    names = [one["name"] for one in asked]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    with SCENARIOS.open("w", encoding="utf-8") as file:
        for one in asked:
            file.write(f"{compact(played(one))}\n")


def _let_age(recorder: Recorder, items: list[Json]) -> None:
    """Have one account as it was opened before accounts had secrets."""
    for item in items:
        if item["PK"]["S"] == f"ACCOUNT#{recorder.ids['of old account']}" and item["SK"]["S"] == "ACCOUNT":
            del item["secret"]


def _steady(value: Any) -> Any:
    """An item of which nothing differs from recording to recording."""
    match value:
        case dict():
            return {name: _STEADY.get(name, _steady(member)) for name, member in value.items()}
        case list():
            return [_steady(member) for member in value]
    return value


if __name__ == "__main__":
    main()
