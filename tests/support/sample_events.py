"""The events in events/ and the answers they get from the sample account.

An answer's moments, and ids made for it, stand here as ANY.
"""

import json
from dataclasses import asdict, dataclass, field
from time import time_ns
from typing import Any
from unittest.mock import ANY

from contacts.channels.model import channel_out, gate_out
from contacts.core.time import parsed
from contacts.events.model import entry_of, event_out, timeline_entry_out
from contacts.imports.model import import_out
from contacts.properties.model import property_out
from contacts.webhooks.model import webhook_out
from local.sample_account import (
    ACCOUNT,
    API_KEY,
    CHANNEL,
    DELIVERY,
    DUPLICATE,
    FIRST_ATTEMPT,
    FIRST_SCOPES,
    GATE,
    KEY,
    LIVE,
    PROPERTY,
    RECORDED,
    SPARE_KEY,
    TRASHED,
    UNSUBSCRIBED,
    WEBHOOK,
)
from local.sample_account import UPDATED as CHANGE
from local.sample_account import export as sample_export
from local.sample_account import imports as sample_imports
from local.stack import ROOT
from local.template import functions
from tests.support.documented import document

EVENTS = ROOT / "events"

PERSONAL = (
    *("olena", "Olena", "Олена", "Коваленко", "crm-31337", "+380", "Київ", "Львів", "kovalenko", "Kyiv"),
    *("mehmet", "Mehmet", "Öz", "crm-27182", "newsletter opened", "Новини", "order placed", "2026-000417"),
    *("sakura", "さくら", "田中", "crm-48213", "+8190", "Example 株式会社"),
    *("ines", "Inês", "Duarte", "kofi", "Kofi", "Mensah"),
    *("731905284", "582914467"),
    *(KEY, "Söhne", "example.com", "example.org", "example.net", "whsec_", "127.0.0.1:9000"),
)
"""What stands in the events or in the table and must not stand in a log."""


@dataclass(frozen=True)
class Expected:
    """An HTTP answer."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def event(operation: str) -> Any:
    """The sample event of an operation."""
    return json.loads((EVENTS / f"{operation}.json").read_text(encoding="utf-8"))


def names() -> list[str]:
    """The operations that have an event."""
    return sorted(path.stem for path in EVENTS.glob("*.json"))


IMPORTS = sample_imports(time_ns() // 1_000_000)
SCOPES_SHOWN = [str(scope) for scope in FIRST_SCOPES]

CREATED = {
    "id": ANY,
    "external_id": "crm-48213",
    "email": "sakura.tanaka@example.com",
    "first_name": "さくら",
    "last_name": "田中",
    "name": "さくら 田中",
    "phone": "+819012345678",
    "tags": ["vip", "展示会 2026", "early, very early"],
    "lists": ["newsletter", "product-updates"],
    "custom_fields": {
        "company": "Example 株式会社",
        "employees": 250,
        "score": 87.5,
        "plan": {"name": "Pro", "seats": 12},
        "languages": ["ja", "en"],
    },
    "metadata": {"source": "landing page", "utm_campaign": "spring-2026"},
    "is_active": True,
    "is_unsubscribed": False,
    "unsubscribed_at": None,
    "validation_status": "pending",
    "validation_reason": None,
    "version": 1,
    "created_at": ANY,
    "updated_at": ANY,
}
LIVE_SHOWN = {
    "id": LIVE.id,
    "external_id": "crm-31337",
    "email": "olena.kovalenko@example.com",
    "first_name": "Olena",
    "last_name": "Коваленко",
    "name": "Olena Коваленко",
    "phone": "+380501234567",
    "tags": ["vip", "beta, second wave"],
    "lists": ["newsletter"],
    "custom_fields": {"city": "Львів", "newsletter_frequency": "weekly", "employees": 12},
    "metadata": {"source": "import"},
    "is_active": True,
    "is_unsubscribed": False,
    "unsubscribed_at": None,
    "validation_status": "valid",
    "validation_reason": None,
    "version": 3,
    "created_at": LIVE.created_at,
    "updated_at": LIVE.updated_at,
}
UPDATED = {
    **LIVE_SHOWN,
    "first_name": "Олена",
    "name": "Олена Коваленко",
    "phone": "+380441234567",
    "custom_fields": {"city": "Київ", "lifetime_value": 1499.9, "employees": 12},
    "version": 4,
    "updated_at": ANY,
}
MERGED = {
    **LIVE_SHOWN,
    "custom_fields": {**LIVE_SHOWN["custom_fields"], "shop_visits": 3},
    "is_unsubscribed": True,
    "unsubscribed_at": DUPLICATE.unsubscribed_at,
    "version": 4,
    "updated_at": ANY,
}
RESTORED = {
    "id": TRASHED.id,
    "external_id": "crm-27182",
    "email": "mehmet.oz@example.org",
    "first_name": "Mehmet",
    "last_name": "Öz",
    "name": "Mehmet Öz",
    "phone": None,
    "tags": ["trial"],
    "lists": [],
    "custom_fields": {},
    "metadata": {},
    "is_active": True,
    "is_unsubscribed": True,
    "unsubscribed_at": "2026-01-13T11:00:00.000Z",
    "validation_status": "pending",
    "validation_reason": None,
    "version": 3,
    "created_at": TRASHED.created_at,
    "updated_at": ANY,
}
NEW_KEY = {
    "id": ANY,
    "name": "CRM sync",
    "scopes": ["contacts:read", "contacts:write"],
    "mode": "live",
    "dialect": "native",
    "last_four": ANY,
    "created_at": ANY,
    "made_by": API_KEY.id,
    "key": ANY,
}
LISTED_KEYS = [
    {
        "id": API_KEY.id,
        "name": "first key",
        "scopes": SCOPES_SHOWN,
        "mode": "live",
        "dialect": "native",
        "last_four": "ple1",
        "created_at": API_KEY.created_at,
        "made_by": None,
        "last_used_hour": ANY,
    },
    {
        "id": SPARE_KEY.id,
        "name": "former intern",
        "scopes": ["contacts:read"],
        "mode": "live",
        "dialect": "native",
        "last_four": "wxyz",
        "created_at": SPARE_KEY.created_at,
        "made_by": API_KEY.id,
    },
]
ACCOUNT_SHOWN = {
    "id": ACCOUNT.id,
    "name": "Example Söhne GmbH",
    "plan": "pro",
    "hourly_limit": 10_000,
    "used_this_hour": 1,
    "hourly_written_limit": 100_000,
    "written_this_hour": 0,
    "webhook_limit": 25,
    "resets_at": ANY,
    "counts": {"contacts": 2},
    "key": {"id": API_KEY.id, "name": "first key", "mode": "live", "scopes": SCOPES_SHOWN},
}
BATCH_DONE = [
    {
        "index": 0,
        "status": 201,
        "contact": {
            **CREATED,
            "external_id": None,
            "email": "kofi.mensah@example.com",
            "first_name": "Kofi",
            "last_name": "Mensah",
            "name": "Kofi Mensah",
            "phone": None,
            "tags": ["early, very early"],
            "lists": [],
            "custom_fields": {},
            "metadata": {},
        },
    },
    {
        "index": 1,
        "status": 200,
        "contact": {
            **LIVE_SHOWN,
            "tags": ["vip", "beta, second wave", "展示会 2026"],
            "custom_fields": {**LIVE_SHOWN["custom_fields"], "city": "Київ"},
            "version": 4,
            "updated_at": ANY,
        },
    },
    {
        "index": 2,
        "status": 200,
        "contact": {
            **LIVE_SHOWN,
            "first_name": "Олена",
            "name": "Олена Коваленко",
            "tags": ["vip", "beta, second wave", "展示会 2026"],
            "custom_fields": {**LIVE_SHOWN["custom_fields"], "city": "Київ"},
            "version": 5,
            "updated_at": ANY,
        },
    },
    {"index": 3, "status": 409, "problem": ANY},
    {"index": 4, "status": 404, "problem": ANY},
]
NOT_SERVED = {
    "type": "urn:contacts:problem:route_not_found",
    "title": "Not Found",
    "status": 404,
    "code": "route_not_found",
    "detail": "Nothing is served at this path.",
    "request_id": event("refuse_request")["requestContext"]["requestId"],
}

WEBHOOK_SHOWN = webhook_out(WEBHOOK)
DELIVERY_SHOWN = {
    "id": DELIVERY.delivery_id,
    "webhook_id": WEBHOOK.id,
    "event_id": DELIVERY.event_id,
    "event_type": "contact.unsubscribed",
    "status": "pending",
    "created_at": LIVE.updated_at,
    "next_attempt_at": ANY,
    "attempts": [asdict(FIRST_ATTEMPT)],
}
SENT_AGAIN = {**DELIVERY_SHOWN, "attempts": [asdict(FIRST_ATTEMPT) | {"response": None}]}
TEST_SENT = {
    "id": ANY,
    "webhook_id": WEBHOOK.id,
    "event_id": ANY,
    "event_type": "webhook.test",
    "status": "pending",
    "created_at": ANY,
    "next_attempt_at": ANY,
    "attempts": [],
}
NEW_WEBHOOK = {
    "id": ANY,
    "url": "http://127.0.0.1:9000/contacts",
    "events": ["contact.created", "contact.updated", "contact.deleted"],
    "description": "CRM sync",
    "is_active": True,
    "disabled_reason": None,
    "created_at": ANY,
    "secret": ANY,
}
ORDER_PLACED = {
    "id": ANY,
    "type": "contact.event",
    "timestamp": ANY,
    "name": "order placed",
    "data": {
        "order": "2026-000417",
        "total": 149.9,
        "currency": "EUR",
        "items": [{"sku": "A-17", "quantity": 2}],
        "note": "Klingel: Öz",
    },
}
TIMELINE = [
    timeline_entry_out(entry_of(RECORDED)),
    {"id": CHANGE.id, "type": "contact.updated", "timestamp": LIVE.updated_at, "changed": ["lists"]},
    {"id": UNSUBSCRIBED.id, "type": "contact.unsubscribed", "timestamp": LIVE.updated_at},
]

PROPERTY_SHOWN = property_out(PROPERTY)
NEW_PROPERTY = {
    "id": ANY,
    "name": "birthday",
    "label": "Birthday",
    "type": "date",
    "description": "For the card we send",
    "archived": False,
    "created_at": ANY,
    "updated_at": ANY,
}
CHANGED_PROPERTY = {
    **PROPERTY_SHOWN,
    "label": "How often we write",
    "options": ["daily", "weekly", "monthly"],
    "updated_at": ANY,
}

CHANNEL_SHOWN = channel_out(CHANNEL)
NEW_CHANNEL = {
    "id": ANY,
    "type": "whatsapp",
    "name": "Support Київ",
    "state": True,
    "created_at": ANY,
    "updated_at": ANY,
}
NEW_GATE = {
    "id": ANY,
    "channel": {"id": CHANNEL.id, "type": "telegram", "name": "Support bot"},
    "identifier": "582914467",
    "contact_id": ANY,
    "created_at": ANY,
}
GATES = [
    gate_out(GATE, CHANNEL, LIVE.id),
    {
        "id": ANY,
        "channel": {"id": None, "type": "email", "name": "Email"},
        "identifier": "olena.kovalenko@example.com",
        "contact_id": LIVE.id,
        "created_at": LIVE.created_at,
    },
    {
        "id": ANY,
        "channel": {"id": None, "type": "sms", "name": "SMS"},
        "identifier": "+380501234567",
        "contact_id": LIVE.id,
        "created_at": LIVE.created_at,
    },
]
CHAT = {
    "id": ANY,
    "name": "Olena Коваленко",
    "image": None,
    "contact": LIVE_SHOWN,
    "gates": GATES,
    "created_at": LIVE.created_at,
    "updated_at": LIVE.updated_at,
}


def _shown_import(number: int, **changes: Any) -> dict[str, Any]:
    """One of the sample account's imports as it is shown, whenever that is."""
    times = ("created_at", "started_at", "finished_at", "expected_end", "rows_per_second")
    shown = import_out(IMPORTS[number], parsed(IMPORTS[number].created_at) + 3_600_000)
    return {**shown, **{time: shown[time] and ANY for time in times}, **changes}  # type: ignore[literal-required]


NEW_IMPORT = {
    **_shown_import(3),
    "id": ANY,
    "file": {**_shown_import(3)["file"], "size": 48_213},
    "options": {**_shown_import(3)["options"], "add_tags": ["messe 2026"]},
    "mapping": {"Stadt": "custom_fields.city"},
}
PERSON = {
    "contact": LIVE_SHOWN,
    "deleted_at": None,
    "timeline": TIMELINE,
    "events": [event_out(CHANGE), event_out(UNSUBSCRIBED)],
    "deliveries": [DELIVERY_SHOWN],
    "gates": [gate_out(GATE, CHANNEL, LIVE.id)],
    "consent": {
        "is_unsubscribed": False,
        "unsubscribed_at": None,
        "addresses": [{"email": "olena.kovalenko@example.com", "opted_out": False}],
    },
    "truncated": [],
    "timeline_cursor": None,
    "exported_at": ANY,
}
EXPORT_SHOWN = {
    "id": sample_export(0).id,
    "state": "completed",
    "format": "csv",
    "gzip": False,
    "rows": 2,
    "bytes": 1234,
    "progress": 1,
    "created_at": ANY,
    "finished_at": ANY,
    "expires_at": ANY,
}
NEW_EXPORT = {
    **EXPORT_SHOWN,
    "id": ANY,
    "state": "running",
    "gzip": True,
    "rows": 0,
    "bytes": 0,
    "progress": None,
    "finished_at": None,
    "expires_at": None,
}
UNDONE = {"state": "running", "trashed": 0, "restored": 0, "kept": 0, "started_at": ANY, "finished_at": None}

EXPECTED = {
    "create_export": Expected(202, NEW_EXPORT),
    "get_export": Expected(200, {**EXPORT_SHOWN, "url": ANY, "url_expires_at": ANY}),
    "list_exports": Expected(200, {"data": [EXPORT_SHOWN], "has_more": False, "next_cursor": None}),
    "export_contact": Expected(200, PERSON),
    "create_import": Expected(201, {**NEW_IMPORT, "upload": ANY}),
    "get_import": Expected(200, _shown_import(0)),
    "list_imports": Expected(
        200,
        {
            "data": [_shown_import(number) for number in (3, 2, 1, 0)],
            "has_more": False,
            "next_cursor": None,
        },
    ),
    "start_import": Expected(
        202,
        {
            **_shown_import(1),
            "id": IMPORTS[0].id,
            "options": {**_shown_import(1)["options"], "dry_run": True},
            "mapping": {"E-Mail": "email", "Vorname": "first_name", "Notiz": None},
            "counts": {**dict.fromkeys(_shown_import(1)["counts"], 0), "rows": 1200},
            "progress": 0.1,
            "rows_per_second": 0.0,
            "expected_end": None,
        },
    ),
    "cancel_import": Expected(
        202, {**_shown_import(1), "state": "cancelled", "expected_end": None, "finished_at": ANY}
    ),
    "undo_import": Expected(202, {**_shown_import(2), "undo": UNDONE}),
    "get_import_errors": Expected(200, {"url": None, "expires_at": None, "rows": 10}),
    "add_gate": Expected(201, NEW_GATE),
    "create_channel": Expected(201, NEW_CHANNEL),
    "get_channel": Expected(200, CHANNEL_SHOWN),
    "get_chat": Expected(200, CHAT),
    "list_channels": Expected(
        200, {"data": [CHANNEL_SHOWN], "has_more": False, "next_cursor": None, "total": 1}
    ),
    "list_gates": Expected(200, {"data": GATES, "has_more": False, "next_cursor": None, "total": 3}),
    "update_channel": Expected(200, {**CHANNEL_SHOWN, "state": False, "updated_at": ANY}),
    "batch_contacts": Expected(207, {"results": BATCH_DONE}),
    "create_api_key": Expected(201, NEW_KEY),
    "create_webhook": Expected(201, NEW_WEBHOOK),
    "create_contact": Expected(201, CREATED, {"ETag": '"1-pending"'}),
    "delete_contact": Expected(200, {"deleted": True, "id": LIVE.id, "permanent": False}),
    "create_property": Expected(201, NEW_PROPERTY),
    "delete_property": Expected(200, {"deleted": True, "id": PROPERTY.id, "archived": True}),
    "get_property": Expected(200, PROPERTY_SHOWN),
    "list_properties": Expected(200, {"data": [PROPERTY_SHOWN], "has_more": False, "next_cursor": None}),
    "update_property": Expected(200, CHANGED_PROPERTY),
    "delete_webhook": Expected(200, {"deleted": True, "id": WEBHOOK.id}),
    "get_account": Expected(200, ACCOUNT_SHOWN),
    "get_account_usage": Expected(
        200,
        {
            "data": [{"hour": ANY, "requests": 1, "written": 0}],
            "hourly_limit": 10_000,
            "hourly_written_limit": 100_000,
        },
    ),
    "get_contact": Expected(200, LIVE_SHOWN, {"ETag": '"3-valid"'}),
    "get_webhook": Expected(200, WEBHOOK_SHOWN),
    "list_api_keys": Expected(200, {"data": LISTED_KEYS, "has_more": False, "next_cursor": None}),
    "list_contact_events": Expected(200, {"data": TIMELINE, "has_more": False, "next_cursor": None}),
    "list_contacts": Expected(200, {"data": [LIVE_SHOWN], "has_more": False, "next_cursor": None}),
    "list_deliveries": Expected(200, {"data": [DELIVERY_SHOWN], "has_more": False, "next_cursor": None}),
    "list_events": Expected(200, {"data": [event_out(CHANGE)], "has_more": False, "next_cursor": ANY}),
    "list_lists": Expected(
        200, {"data": [{"list": "newsletter", "count": 1}], "has_more": False, "next_cursor": None}
    ),
    "list_tags": Expected(
        200,
        {
            "data": [{"tag": "beta, second wave", "count": 1}, {"tag": "vip", "count": 1}],
            "has_more": False,
            "next_cursor": None,
        },
    ),
    "list_webhooks": Expected(200, {"data": [WEBHOOK_SHOWN], "has_more": False, "next_cursor": None}),
    "search_contacts": Expected(200, {"data": [LIVE_SHOWN], "has_more": False, "next_cursor": None}),
    "merge_contacts": Expected(200, MERGED, {"ETag": '"4-valid"'}),
    "record_event": Expected(202, ORDER_PLACED),
    "redeliver_delivery": Expected(202, SENT_AGAIN),
    "show_console": Expected(200, ANY, {"Content-Type": "text/html; charset=utf-8"}),
    "show_docs": Expected(200, document(), {"Content-Type": "application/json"}),
    "refuse_request": Expected(404, NOT_SERVED, {"Content-Type": "application/problem+json"}),
    "restore_contact": Expected(200, RESTORED, {"ETag": '"3-pending"'}),
    "revoke_api_key": Expected(200, {"deleted": True, "id": SPARE_KEY.id, "also_revoked": []}),
    "rotate_webhook_secret": Expected(200, WEBHOOK_SHOWN | {"secret": ANY}),
    "test_webhook": Expected(202, TEST_SENT),
    "update_contact": Expected(200, UPDATED, {"ETag": '"4-valid"'}),
    "update_webhook": Expected(
        200, WEBHOOK_SHOWN | {"events": ["*"], "description": "CRM sync, all changes"}
    ),
}
"""By operation, what requests are answered."""

ALL_DONE = {"batchItemFailures": []}
NOTHING_DIFFERS = {
    "account_id": ACCOUNT.id,
    "contacts": 2,
    "missing": {"postings": 0, "words": 0, "counts": 0, "first_characters": 0},
    "orphaned": {"postings": 0, "words": 0},
    "miscounted": [],
    "uncounted": 0,
    "finished": True,
}
NOTHING_TO_RESTORE = {
    "account_id": ACCOUNT.id,
    "dry_run": True,
    "contacts": 2,
    "same": 2,
    **dict.fromkeys(("lost", "deleted", "overwritten", "changed", "deleted_later"), 0),
    **dict.fromkeys(("erased", "merged", "nameless", "too_large", "busy"), 0),
    "ids": {},
    "names_taken": [],
    "stay_opted_out": [],
    "finished": True,
}
NOTHING_TO_REPLAY = {
    "dry_run": True,
    **dict.fromkeys(("accounts", "unknown_accounts"), 0),
    **dict.fromkeys(("erasures", "erased_again", "opt_outs", "opted_out_again"), 0),
    "finished": True,
}
RETURNED: dict[str, Any] = {
    "deliver_webhook": ALL_DONE,
    "dispatch_webhooks": ALL_DONE,
    "carry_out_import": ALL_DONE,
    "erase_contact": ALL_DONE,
    "write_export": ALL_DONE,
    "plan_import": ALL_DONE,
    "project_changes": ALL_DONE,
    "provision_account": {
        "account_id": ANY,
        "key": ANY,
        "plan": "pro",
        "hourly_limit": 10_000,
        "hourly_written_limit": 100_000,
        "dialect": "native",
    },
    "record_bounce": None,
    "reindex_account": NOTHING_DIFFERS,
    "replay_journal": NOTHING_TO_REPLAY,
    "restore_account": NOTHING_TO_RESTORE,
    "suspend_account": {
        "account_id": ACCOUNT.id,
        "suspended_at": ANY,
        "reason": "invoice 2026-0117 is unpaid",
    },
    "set_switches": {
        "deliveries": "off",
        "writes": "on",
        "dns": "on",
        "imports": "on",
        "log_level": "INFO",
        "changed_at": ANY,
        "reason": "a receiver's network is down",
    },
    "validate_contact": ALL_DONE,
}
"""By operation, what those return that do not speak HTTP."""
REQUESTS = frozenset(function.name for function in functions() if function.routes)
"""The operations that speak HTTP."""
KEYLESS = frozenset({"show_console", "show_docs"})
"""Those that look at no key."""


def assert_answered(operation: str, answer: Any) -> None:
    """Hold an answer of a function against the expected one."""
    if operation not in REQUESTS:
        assert answer == RETURNED[operation]
        return
    expected = EXPECTED[operation]
    is_json = "json" in answer["headers"]["Content-Type"]
    body = json.loads(answer["body"]) if is_json else answer["body"]
    assert (answer["statusCode"], body) == (expected.status, expected.body)
    assert answer["headers"] == {**answer["headers"], **expected.headers}
    assert answer["headers"].get("X-RateLimit-Remaining") == (None if operation in KEYLESS else "9999")
