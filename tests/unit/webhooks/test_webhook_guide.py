"""What docs/webhooks.md says is what the service does; and its rule for order needs no order."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from contacts.book.model import Contact, ValidationStatus
from contacts.core.ids import Name, NameKind, uuid7
from contacts.core.time import iso
from contacts.events.changes import event_of_erasure, event_of_recording, event_of_trashing, events_of_change
from contacts.events.jobs import ended_export, ended_import
from contacts.events.model import (
    Event,
    EventType,
    TimelineEntry,
    custom_event,
    entry_of,
    event_at,
    event_out,
    timeline_entry_out,
)
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.imports.model import Import, ImportFile, ImportOptions, ImportState
from contacts.webhooks.model import (
    RETRY_DELAYS,
    Attempt,
    Delivery,
    DeliveryRef,
    DeliveryStatus,
    Webhook,
    delivery_out,
    webhook_out,
)
from tests.support.guides import blocks, page, rows, section
from tests.support.hypothesis_profiles import examples

GUIDE = "webhooks.md"
AT_MS = 1_768_473_000_000
ACCOUNT_ID = "019bb6e7-c040-7d15-a3c4-0b8e5f7a2d61"
SECONDS = {"s": 1, "min": 60, "h": 3600}


def seconds(delay: str) -> int:
    if delay == "at once":
        return 0
    number, unit = delay.removesuffix(" each").split(" ")
    return int(number) * SECONDS[unit]


def test_the_retry_table_is_the_schedule() -> None:
    shown = []
    for attempt, delay in rows(section(GUIDE, "Retries")):
        first, _, last = attempt.partition("–")
        shown += [(number, seconds(delay)) for number in range(int(first), int(last or first) + 1)]
    assert shown == list(enumerate(RETRY_DELAYS, start=1))


def test_every_type_of_event_is_listed() -> None:
    first_cells = " ".join(cells[0] for cells in rows(section(GUIDE, "Events")))
    assert set(re.findall(r"`([a-z.]+)`", first_cells)) == set(EventType)


def a_contact(**fields: Any) -> Contact:
    made = {"id": uuid7(AT_MS, bytes(10)), "version": 1, "created_at": iso(AT_MS), "updated_at": iso(AT_MS)}
    return Contact(**{**made, "email": "ada@example.com", **fields})


ORDERED = custom_event(
    "order placed", {"order": "2026-000417", "total": 149.9}, AT_MS - 2000, AT_MS, bytes(10)
)


MERGED = Name(NameKind.ALIAS, uuid7(AT_MS, bytes(10)))


def produced() -> list[dict[str, Any]]:
    """Events as the service makes them, one of each form."""
    before = a_contact(last_name="Lovelace", tags=("vip",))
    after = a_contact(last_name="King", tags=("vip", "beta"), version=2)
    changes = [
        *events_of_change("r", AT_MS, ACCOUNT_ID, None, before),
        *events_of_change("r", AT_MS, ACCOUNT_ID, before, after),
        event_of_erasure("r", AT_MS, ACCOUNT_ID, before.id, 2),
        event_of_recording(ACCOUNT_ID, before.id, ORDERED, before),
        *events_of_change("r", AT_MS, ACCOUNT_ID, after, replace(after, version=3, merged_names=(MERGED,))),
    ]
    made = {"id": uuid7(AT_MS, bytes(10)), "created_at": iso(AT_MS), "finished_at": iso(AT_MS)}
    imported = Import(
        **made, state=ImportState.COMPLETED, options=ImportOptions(), file=ImportFile(name="a.csv", size=1)
    )
    exported = Export(**made, state=ExportState.COMPLETED, format=ExportFormat.CSV)
    ends = [
        event_at("r", kind, AT_MS, ACCOUNT_ID, job_id, data)
        for job_id, (kind, data) in (
            (imported.id, ended_import(imported)),
            (exported.id, ended_export(exported)),
        )
    ]
    test = Event(
        id=uuid7(AT_MS, bytes(10)),
        type=EventType.TEST,
        timestamp=iso(AT_MS),
        account_id=ACCOUNT_ID,
        contact_id=None,
        data={},
    )
    return [event_out(event) for event in (*changes, *ends, test)]


def form(value: Any) -> Any:
    """What a JSON document consists of, whatever stands in it."""
    if isinstance(value, dict):
        return {key: form(entry) for key, entry in value.items()}
    return type(value).__name__ if isinstance(value, list | bool | int) else "text"


def test_the_examples_have_the_form_of_what_is_sent() -> None:
    shown = [json.loads(block) for block in blocks(section(GUIDE, "Events"), "json")]
    assert [example["type"] for example in shown] == [event["type"] for event in produced()]
    for example, event in zip(shown, produced(), strict=True):
        example.get("data", {}).get("previous", {}).clear()
        event["data"].get("previous", {}).clear()
        assert form(example) == form(json.loads(json.dumps(event)))
        assert list(example) == list(event)


def test_the_timeline_is_shown_as_it_is() -> None:
    recorded, listed = map(json.loads, blocks(section(GUIDE, "Events of your own"), "json"))
    assert list(recorded) == list(timeline_entry_out(entry_of(ORDERED)))
    updated, created, ordered = listed["data"]
    at = {"id": "e", "timestamp": iso(AT_MS)}
    assert list(updated) == list(
        timeline_entry_out(TimelineEntry(**at, type=EventType.UPDATED, changed=["name"]))
    )
    assert list(created) == list(timeline_entry_out(TimelineEntry(**at, type=EventType.CREATED)))
    assert ordered == recorded
    moments = [entry["timestamp"] for entry in listed["data"]]
    assert moments == sorted(moments, reverse=True)
    assert [entry["id"] for entry in listed["data"]] == sorted(
        (entry["id"] for entry in listed["data"]), reverse=True
    )


def test_a_webhook_and_a_delivery_are_shown_as_they_are() -> None:
    (webhook,) = blocks(section(GUIDE, "A receiver in twenty lines"), "json")
    made = Webhook(
        id="wh_1", account_id=ACCOUNT_ID, url="https://example.com", events=("*",), description=None,
        is_active=True, disabled_reason=None, created_at=iso(AT_MS), secret="",
    )  # fmt: skip
    assert list(json.loads(webhook)) == [*webhook_out(made), "secret"]
    (delivery,) = blocks(section(GUIDE, "The log"), "json")
    ref = DeliveryRef(
        account_id=ACCOUNT_ID, webhook_id="wh_1", delivery_id=uuid7(AT_MS, bytes(10)), event_id="e",
        event_type="contact.created", appended_at=None,
    )  # fmt: skip
    attempt = Attempt(at=iso(AT_MS), status_code=204, error=None, duration_ms=1, response="")
    sent = Delivery(ref=ref, status=DeliveryStatus.DELIVERED, next_attempt_at=None, attempts=(attempt,))
    as_shown: Any = delivery_out(sent)
    example = json.loads(delivery)
    assert list(example) == list(as_shown)
    assert {tuple(shown) for shown in example["attempts"]} == {tuple(as_shown["attempts"][0])}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(#([a-z0-9-]+)\)", page(GUIDE)))))
def test_its_links_lead_somewhere(link: str) -> None:
    headings = re.findall(r"^#+ (.*)$", page(GUIDE), re.MULTILINE)
    assert link in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_receiver_has_twenty_lines_of_code() -> None:
    (receiver,) = blocks(section(GUIDE, "A receiver in twenty lines"), "python")
    assert len([line for line in receiver.splitlines() if line.strip()]) <= 20


# The rule for order


def take() -> Callable[[Any, Any], Any]:
    """The guide's own code."""
    (code,) = blocks(section(GUIDE, "Order"), "python")
    names: dict[str, Any] = {}
    exec(code, names)
    taken: Callable[[Any, Any], Any] = names["take"]
    return taken


TAKE = take()
STEPS = ("update", "unsubscribe", "judge", "record", "trash", "restore", "erase")


def test_what_is_not_about_a_contact_changes_no_contact() -> None:
    for event in produced():
        if not event["type"].startswith("contact."):
            assert TAKE(None, event) is None


@dataclass
class Life:
    """A contact and what is told of it, as long as it is not erased."""

    contact: Contact = field(default_factory=a_contact)
    is_trashed: bool = False
    is_erased: bool = False
    now_ms: int = AT_MS
    events: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tell(*events_of_change("r", self.now_ms, ACCOUNT_ID, None, self.contact))

    def go(self, step: str) -> None:
        """Take a step, if it can be taken now."""
        if self.is_erased or (step != "erase" and (step == "restore") != self.is_trashed):
            return
        self.now_ms += 2000
        newer = {"version": self.contact.version + 1, "updated_at": iso(self.now_ms)}
        match step:
            case "update":
                self._become(**newer, first_name=f"Ada {self.now_ms}")
            case "unsubscribe":
                self._become(**newer, is_unsubscribed=not self.contact.is_unsubscribed)
            case "judge":
                was_valid = self.contact.validation_status is ValidationStatus.VALID
                self._become(
                    validation_status=ValidationStatus.INVALID if was_valid else ValidationStatus.VALID
                )
            case "record":
                recorded = custom_event("seen", {}, None, self.now_ms, bytes(10))
                self._tell(event_of_recording(ACCOUNT_ID, self.contact.id, recorded, self.contact))
            case "trash":
                self.is_trashed = True
                self._tell(event_of_trashing("r", self.now_ms, ACCOUNT_ID, self.contact))
            case "restore":
                self.is_trashed = False
                self.contact = replace(self.contact, **newer)
                self._tell(*events_of_change("r", self.now_ms, ACCOUNT_ID, None, self.contact))
            case "erase":
                self.is_erased = True
                contact = self.contact
                self._tell(event_of_erasure("r", self.now_ms, ACCOUNT_ID, contact.id, contact.version))

    def _become(self, **fields: Any) -> None:
        before, self.contact = self.contact, replace(self.contact, **fields)
        self._tell(*events_of_change("r", self.now_ms, ACCOUNT_ID, before, self.contact))

    def _tell(self, *events: Event) -> None:
        self.events += [json.loads(json.dumps(event_out(event))) for event in events]


@settings(max_examples=examples(300))
@given(some.data())
def test_in_whatever_order_events_come_and_however_often_the_end_is_the_same(data: some.DataObject) -> None:
    life = Life()
    for step in data.draw(some.lists(some.sampled_from(STEPS), max_size=8)):
        life.go(step)
    doubles = data.draw(some.lists(some.sampled_from(life.events), max_size=5))
    mine = None
    for event in data.draw(some.permutations([*life.events, *doubles])):
        mine = TAKE(mine, event)
    assert mine is not None
    assert mine["version"] == life.contact.version
    assert mine["is_gone"] == (life.is_trashed or life.is_erased)
    if not mine["is_gone"]:
        latest = max(life.events, key=lambda event: (event["data"]["contact"]["version"], event["timestamp"]))
        assert mine["contact"] == latest["data"]["contact"]
        assert mine["contact"]["validation_status"] == life.contact.validation_status
        assert mine["contact"]["first_name"] == life.contact.first_name
