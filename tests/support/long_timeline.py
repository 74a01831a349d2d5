"""A contact with a long timeline: its events in the log, and their deliveries, all of them made and answered."""

from collections.abc import Mapping, Sequence

from contacts.core.ids import uuid7
from contacts.core.time import DAY, iso
from contacts.table import keys
from contacts.table.client import Table
from contacts.webhooks.model import delivery_id


def fill(
    table: Table,
    account_id: str,
    contact_id: str,
    events: int,
    webhook_ids: Sequence[str] = (),
    *,
    now_ms: int,
    age_ms: int = 20 * DAY * 1000,
) -> None:
    """Give a contact so many updates, each of which was delivered to every webhook. The oldest is of `age_ms` ago."""
    items: dict[keys.Key, Mapping[str, object]] = {}
    for number in range(events):
        at_ms = now_ms - age_ms + number
        event_id, at = uuid7(at_ms, number.to_bytes(10)), iso(at_ms)
        told = {"type": "contact.updated", "timestamp": at}
        items[keys.timeline_entry(account_id, contact_id, event_id)] = {
            **told,
            "version": number + 1,
            "changed": ["city"],
            "appended_at": at,
            "webhooks": list(webhook_ids),
            "ttl": at_ms // 1000 + 90 * DAY,
        }
        contact = {"id": contact_id, "version": number + 1, "email": "ada@example.com", "city": "x" * 300}
        items[keys.event(account_id, at, event_id)] = {
            **told,
            "id": event_id,
            "contact_id": contact_id,
            "data": {"contact": contact, "changed": ["city"], "previous": {"city": "y" * 300}},
            "ttl": at_ms // 1000 + 30 * DAY,
        }
        attempt = {"at": at, "status_code": 200, "duration_ms": 80, "response": "Hello, ada@example.com"}
        for webhook_id in webhook_ids:
            key = keys.delivery(account_id, webhook_id, delivery_id(event_id, webhook_id, at_ms))
            items[key] = {
                "event_id": event_id,
                "event_type": "contact.updated",
                "appended_at": at,
                "status": "delivered",
                "begun": 1,
                "done": 1,
                "round_began_after": 0,
                "attempts": [attempt],
                "ttl": at_ms // 1000 + 30 * DAY,
            }
    table.write_many(items)
