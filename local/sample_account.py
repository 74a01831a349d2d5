"""The account that the events in events/ are of: one API key, a contact that is there and another that is the same
person, one in the trash, what is left of one that was erased, a typed custom field, a channel, a webhook, events and a
delivery.

The local stack has it, so that every event works there; tests and benchmarks put it into tables of their own.
"""

import secrets
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from contacts.accounts.model import Account, AccountSecret, ApiKey, Dialect, Mode, Plan, Scope
from contacts.accounts.store import AccountStore
from contacts.book.model import (
    Action,
    Contact,
    ContactState,
    Gate,
    Outcome,
    Transition,
    ValidationStatus,
    contact_out,
)
from contacts.book.store import ContactStore, OptOuts
from contacts.channels.model import Channel, ChannelType
from contacts.channels.store import ChannelStore
from contacts.core.idempotency import IdempotencyKey
from contacts.core.time import DAY, HOUR, iso, parsed
from contacts.events.model import IN_TIMELINE_DAYS, KEPT_DAYS, CustomEvent, Event, EventType
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.exports.store import ExportStore
from contacts.imports.model import Counts, FileFormat, Import, ImportFile, ImportOptions, ImportState
from contacts.imports.store import ImportStore
from contacts.projection.store import UNLISTED, Posting, ProjectionStore, WordPosting
from contacts.properties.model import Property, PropertyType
from contacts.properties.store import PropertyStore
from contacts.search.query import posting_lists
from contacts.search.words import words_of
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.records import write_recorded
from contacts.webhooks.model import (
    DELIVERIES_KEPT_DAYS,
    Attempt,
    DeliveryRef,
    DeliveryStatus,
    Webhook,
    delivery_id,
)
from contacts.webhooks.store import WebhookStore

KEY = "sk_live_ExampleExampleExampleExampleExampleExample1"
FIRST_SCOPES = tuple(scope for scope in Scope if scope not in (Scope.API_USER, Scope.USER))

ACCOUNT = Account(
    id="019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61",
    name="Example Söhne GmbH",
    plan=Plan.PRO,
    hourly_limit=10_000,
    created_at="2026-01-13T10:30:00.000Z",
    secret=AccountSecret(sha256(b"the secret of the sample account").digest()),
)
API_KEY = ApiKey(
    id="key_19bb6e7c0407e1d4a90",
    account_id=ACCOUNT.id,
    key_hash=sha256(KEY.encode()).hexdigest(),
    name="first key",
    scopes=FIRST_SCOPES,
    mode=Mode.LIVE,
    dialect=Dialect.NATIVE,
    last_four=KEY[-4:],
    created_at="2026-01-13T10:30:00.000Z",
)
SPARE_KEY = ApiKey(
    id="key_19bbc0e1c405f2c9d1e",
    account_id=ACCOUNT.id,
    key_hash=sha256(b"a key that nobody sends").hexdigest(),
    name="former intern",
    scopes=(Scope.CONTACTS_READ,),
    mode=Mode.LIVE,
    dialect=Dialect.NATIVE,
    last_four="wxyz",
    created_at="2026-01-14T10:30:00.000Z",
    made_by=API_KEY.id,
)
CHANNEL = Channel(
    id="019bbc0e-1c40-7f0a-9b35-6e8d1c2a7f49",
    type=ChannelType.TELEGRAM,
    name="Support bot",
    created_at="2026-01-14T10:30:00.000Z",
    updated_at="2026-01-14T10:30:00.000Z",
)
GATE = Gate("019bbc0e-1c40-7b91-a26d-3f5087c4e1d2", CHANNEL.id, "731905284")
LIVE = Contact(
    id="019bbc0e-1c40-7a3e-8f21-5d3c8b6e4a01",
    version=3,
    created_at="2026-01-14T10:30:00.000Z",
    updated_at="2026-01-14T11:00:00.000Z",
    email="olena.kovalenko@example.com",
    external_id="crm-31337",
    first_name="Olena",
    last_name="Коваленко",
    phone="+380501234567",
    tags=("vip", "beta, second wave"),
    lists=("newsletter",),
    custom_fields={"city": "Львів", "newsletter_frequency": "weekly", "employees": 12},
    metadata={"source": "import"},
    validation_status=ValidationStatus.VALID,
    gates=(GATE,),
)
DUPLICATE = Contact(
    id="019bbc0e-e0d7-7a64-b1f8-62c09d4e7a13",
    version=2,
    created_at="2026-01-14T10:30:50.327Z",
    updated_at="2026-01-14T10:41:00.000Z",
    email="o.kovalenko@example.net",
    last_name="Коваленко",
    custom_fields={"city": "Kyiv", "shop_visits": 3},
    is_unsubscribed=True,
    unsubscribed_at="2026-01-14T10:41:00.000Z",
)
"""The same person once more, from a web form: to be merged."""
TRASHED = Contact(
    id="019bb6e7-c040-7c51-9b07-2e9f6a1d8c02",
    version=2,
    created_at="2026-01-13T10:30:00.000Z",
    updated_at="2026-01-13T11:00:00.000Z",
    email="mehmet.oz@example.org",
    external_id="crm-27182",
    name="Mehmet Öz",
    first_name="Mehmet",
    last_name="Öz",
    tags=("trial",),
    is_unsubscribed=True,
    unsubscribed_at="2026-01-13T11:00:00.000Z",
)


ERASED = Contact(
    id="019bb712-75d8-7b0f-8c44-1d7a90e3f526",
    version=1,
    created_at="2026-01-13T11:16:39.000Z",
    updated_at="2026-01-13T11:16:39.000Z",
    email="ines.duarte@example.net",
    first_name="Inês",
    last_name="Duarte",
    lists=("newsletter",),
    validation_status=ValidationStatus.VALID,
)
"""Gone, but not yet what was kept about it: its timeline, its event and the record of a request."""

PROPERTY = Property(
    id="019bbc0e-1c40-7e52-a7d9-41c6f0b83d27",
    name="newsletter_frequency",
    label="Newsletter frequency",
    type=PropertyType.ENUM,
    options=("weekly", "monthly"),
    created_at="2026-01-14T10:30:00.000Z",
    updated_at="2026-01-14T10:30:00.000Z",
)

WEBHOOK = Webhook(
    id="wh_19bbc0e1c40b7e21d94",
    account_id=ACCOUNT.id,
    url="http://127.0.0.1:9000/contacts",
    # None that the sample contacts give rise to: nobody listens there.
    events=(EventType.UNSUBSCRIBED, EventType.RESUBSCRIBED),
    description="CRM sync",
    is_active=True,
    disabled_reason=None,
    created_at="2026-01-14T10:30:00.000Z",
    secret="whsec_" + b64encode(b"32 bytes that everybody may know").decode(),
)
UNSUBSCRIBED = Event(
    id="019bbc29-9380-7c1e-9d52-80f7a3b64e15",
    type=EventType.UNSUBSCRIBED,
    timestamp=LIVE.updated_at,
    account_id=ACCOUNT.id,
    contact_id=LIVE.id,
    data={"contact": contact_out(LIVE)},
)
"""On its way to the webhook: one attempt has failed."""
CREATED = Event(
    id="019bb712-75d8-7d49-a1b3-5c0e92d8f761",
    type=EventType.CREATED,
    timestamp=ERASED.created_at,
    account_id=ACCOUNT.id,
    contact_id=ERASED.id,
    data={"contact": contact_out(ERASED)},
)
UPDATED = Event(
    id="019bbc29-9380-7f33-b6c8-2a19d47e0b58",
    type=EventType.UPDATED,
    timestamp=LIVE.updated_at,
    account_id=ACCOUNT.id,
    contact_id=LIVE.id,
    data={"contact": contact_out(LIVE), "changed": ["lists"], "previous": {"lists": []}},
)
"""Appended to the log an hour ago, whenever that is: the one that is listed."""
RECORDED = CustomEvent(
    id="019bbc30-8e7d-7b26-a14f-93d05c7e8b41",
    name="newsletter opened",
    data={"issue": 12, "subject": "Новини зі Львова"},
    recorded_at="2026-01-14T11:07:37.469Z",
    occurred_at=None,
)
"""Of the contact that is there; in its timeline and not yet in the log."""
APPENDED_AFTER_MS = 412
"""When the other two were appended, from the moment they happened."""
DELIVERY = DeliveryRef(
    account_id=ACCOUNT.id,
    webhook_id=WEBHOOK.id,
    delivery_id=delivery_id(UNSUBSCRIBED.id, WEBHOOK.id, parsed(UNSUBSCRIBED.timestamp)),
    event_id=UNSUBSCRIBED.id,
    event_type=UNSUBSCRIBED.type,
    appended_at=iso(parsed(UNSUBSCRIBED.timestamp) + APPENDED_AFTER_MS),
)
FIRST_ATTEMPT = Attempt(
    at="2026-01-14T11:00:00.873Z", status_code=500, error=None, duration_ms=214, response="out of order"
)


def fill(client: Any, table_name: str) -> None:
    """Put into an empty table what the events expect to find."""
    now_ms = time.time_ns() // 1_000_000
    table = Table(client, table_name)
    accounts = AccountStore(table)
    accounts.open_account(ACCOUNT, [API_KEY])
    accounts.add_api_key(SPARE_KEY, Outcome(action=Action.CREATED), None, now_ms)
    PropertyStore(table, ACCOUNT.id).add(PROPERTY, Outcome(action=Action.CREATED), None, now_ms)
    ChannelStore(table, ACCOUNT.id).add(CHANNEL, Outcome(action=Action.CREATED), None, now_ms)
    _put_contacts(table, now_ms)
    _put_projection(table)
    _put_events(table, now_ms)
    _put_delivery(table, now_ms)
    ExportStore(table, ACCOUNT.id).add(export(now_ms), Outcome(action=Action.CREATED), None, now_ms)
    for job in imports(now_ms):
        ImportStore(table, ACCOUNT.id).add(job, Outcome(action=Action.CREATED), None, now_ms)


def export(now_ms: int) -> Export:
    """An export that was completed an hour ago. (There is no file.)"""
    return Export(
        id="019bbc41-2d51-7b4f-9032-6e4d9c7f5b01",
        state=ExportState.COMPLETED,
        format=ExportFormat.CSV,
        rows=2,
        bytes=1234,
        created_at=iso(now_ms - HOUR * 1001),
        finished_at=iso(now_ms - HOUR * 1000),
        key_id=API_KEY.id,
    )


def imports(now_ms: int) -> list[Import]:
    """An import that is ready, one that runs, one that has ended, and one that awaits its file; all made an hour ago.

    Their times are those of the clock: without a file an import expires, and it can be undone for some days only.
    """
    made, read = iso(now_ms - HOUR * 1000), iso(now_ms - HOUR * 999)
    columns = ("E-Mail", "Vorname", "Notiz")
    mapping = {"E-Mail": "email", "Vorname": "first_name", "Notiz": "custom_fields.notiz"}
    awaiting = Import(
        id="019bbc40-1c40-7a3e-8f21-5d3c8b6e4a04",
        state=ImportState.AWAITING_UPLOAD,
        options=ImportOptions(default_country="DE"),
        file=ImportFile(name="Kontakte März.csv", size=174),
        created_at=made,
        key_id=API_KEY.id,
    )
    file = ImportFile(
        name="Kontakte März.csv",
        size=48_213,
        etag="0cc175b9c0f1b6a831c399e269772661",
        format=FileFormat.CSV,
        encoding="utf-8",
        delimiter=";",
        columns=columns,
    )
    ready = awaiting.changed(
        id="019bbc40-1c40-7a3e-8f21-5d3c8b6e4a01",
        state=ImportState.READY,
        options=ImportOptions(dry_run=True),
        file=file,
        mapping=mapping,
        counts=Counts(rows=1200, created=1190, failed=10),
        parts=2,
        next_part=3,
        read_bytes=file.size,
    )
    running = ready.changed(
        id="019bbc40-1c40-7a3e-8f21-5d3c8b6e4a02",
        state=ImportState.RUNNING,
        options=ImportOptions(),
        counts=Counts(rows=1200, created=990, failed=10),
        next_part=2,
        started_at=read,
    )
    ended = running.changed(
        id="019bbc40-1c40-7a3e-8f21-5d3c8b6e4a03",
        state=ImportState.COMPLETED_WITH_ERRORS,
        counts=Counts(rows=1200, created=1190, failed=10),
        next_part=3,
        finished_at=read,
    )
    return [ready, running, ended, awaiting]


def _put_contacts(table: Table, now_ms: int) -> None:
    opt_outs = OptOuts(table, ACCOUNT.id, ACCOUNT.secret)
    contacts = ContactStore(table, ACCOUNT.id, opt_outs, secrets.token_bytes, now_ms // 1000)
    for contact in (LIVE, DUPLICATE, TRASHED):
        created = Outcome(action=Action.CREATED, contact=contact)
        contacts.apply(
            Transition(
                before=None, was=None, after=contact, becomes=ContactState.LIVE, at_ms=now_ms, outcome=created
            )
        )
    contacts.apply(
        Transition(
            before=TRASHED,
            was=ContactState.LIVE,
            after=TRASHED,
            becomes=ContactState.DELETED,
            at_ms=now_ms,
            outcome=Outcome(action=Action.DELETED),
        )
    )


def _put_projection(table: Table) -> None:
    """What `project_changes` derives of the contacts that are there."""
    derived = ProjectionStore(table)
    for contact in (LIVE, DUPLICATE):
        words, lists = words_of(contact), posting_lists(contact)
        derived.post(ACCOUNT.id, {Posting(posting_list, contact.id): True for posting_list in lists})
        derived.list_characters({(ACCOUNT.id, word[0]) for word in words if word[0] not in UNLISTED})
        derived.post_words({(ACCOUNT.id, WordPosting(word, contact.id)): True for word in words})


def _put_events(table: Table, now_ms: int) -> None:
    """The events, kept as if they were of today, and a request about the contact that is gone."""
    items: dict[keys.Key, dict[str, object]] = {}
    items.update(_logged(UPDATED, iso(now_ms - HOUR * 1000), now_ms))
    for event in (UNSUBSCRIBED, CREATED):
        items.update(_logged(event, iso(parsed(event.timestamp) + APPENDED_AFTER_MS), now_ms))
    items[keys.timeline_entry(ACCOUNT.id, LIVE.id, RECORDED.id)] = {
        "type": EventType.CUSTOM,
        "timestamp": RECORDED.recorded_at,
        "name": RECORDED.name,
        "data": RECORDED.data,
        "ttl": now_ms // 1000 + IN_TIMELINE_DAYS * DAY,
    }
    table.write_many(items)
    idempotency_key = IdempotencyKey("signup-31007", sha256(b"a request").hexdigest())
    outcome = Outcome(action=Action.CREATED, contact=ERASED)
    write_recorded(table, (), ACCOUNT.id, idempotency_key, outcome, ERASED.id, now_ms)


def _logged(event: Event, appended_at: str, now_ms: int) -> Iterator[tuple[keys.Key, dict[str, object]]]:
    """An event in the log and in its contact's timeline, as `dispatch_webhooks` puts them there."""
    assert event.contact_id is not None
    contact = event.data["contact"]
    assert isinstance(contact, dict)
    about = {"type": event.type, "timestamp": event.timestamp}
    kept, in_timeline = now_ms // 1000 + KEPT_DAYS * DAY, now_ms // 1000 + IN_TIMELINE_DAYS * DAY
    yield (
        keys.event(ACCOUNT.id, appended_at, event.id),
        {**about, "id": event.id, "contact_id": event.contact_id, "data": event.data, "ttl": kept},
    )
    yield (
        keys.timeline_entry(ACCOUNT.id, event.contact_id, event.id),
        {
            **about,
            "version": contact["version"],
            "changed": event.data.get("changed"),
            "appended_at": appended_at,
            "webhooks": [WEBHOOK.id],
            "shards": keys.LOG_SHARDS,
            "ttl": in_timeline,
        },
    )


def _put_delivery(table: Table, now_ms: int) -> None:
    """The webhook, and a delivery whose first attempt has failed, as `deliver_webhook` leaves it.

    Not through its store, which needs packages that are not installed where the local stack runs.
    """
    WebhookStore(table).add(WEBHOOK, Outcome(action=Action.CREATED), None, now_ms)
    attempt = {name: value for name, value in asdict(FIRST_ATTEMPT).items() if value is not None}
    delivery = {
        "event_id": DELIVERY.event_id,
        "event_type": DELIVERY.event_type,
        "appended_at": DELIVERY.appended_at,
        "status": DeliveryStatus.PENDING,
        "begun": 1,
        "done": 1,
        "round_began_after": 0,
        "next_attempt_at": iso(now_ms),
        "attempts": [attempt],
        "ttl": now_ms // 1000 + DELIVERIES_KEPT_DAYS * DAY,
    }
    table.write_many({keys.delivery(ACCOUNT.id, WEBHOOK.id, DELIVERY.delivery_id): delivery})
