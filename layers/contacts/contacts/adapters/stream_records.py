"""Records of the table's stream, read into what they mean.

At least once, in the order of each item; a batch that is delivered again may have another shape. Which records
arrive at all is up to the filters of the event source mappings in template.yaml.
"""

from collections.abc import Mapping
from typing import Any, Final

from contacts.adapters import keys
from contacts.adapters.attribute_values import Item, from_item
from contacts.adapters.contact_items import KIND, contact_from
from contacts.domain.contact import Contact
from contacts.domain.events import EventType
from contacts.domain.timeline import CustomEvent
from contacts.domain.timestamps import parsed
from contacts.services.streamed import Happened, StreamedChange

TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
"""Who removes items whose `ttl` is over ("Working with expired items", DynamoDB developer guide)."""
_GONE: Final = (Happened.ERASED, Happened.EXPIRED)


def streamed_change(record: Mapping[str, Any]) -> StreamedChange | None:
    """What a record means; None where it is of no consequence (a restored contact leaving the trash, for instance).

    Raises:
        KeyError, TypeError, ValueError: nobody understands it.
    """
    body = record["dynamodb"]
    key = keys.Key(body["Keys"]["PK"]["S"], body["Keys"]["SK"]["S"])
    old, new = _image(body, "OldImage"), _image(body, "NewImage")
    happened = _happened(record, old, new)
    if happened is None:
        return None
    account_id, contact_id = keys.owner(key)
    before, after = _contact(old), _contact(new)
    contact = after or before
    return StreamedChange(
        record_id=record["eventID"],
        happened=happened,
        account_id=account_id,
        contact_id=contact_id,
        at_ms=_moment(body, new),
        before=before,
        after=after,
        version=(new or {}).get("version", 0) if contact is None else contact.version,
        recorded=_recorded(key, new) if happened is Happened.RECORDED else None,
        merged_ids=_merged_ids(contact, new) if happened in _GONE else (),
    )


def identified(record: Mapping[str, Any]) -> dict[str, object]:
    """What a record can be told by without its content: for those that nobody understands."""
    body = record.get("dynamodb", {})
    return {
        "event_id": record.get("eventID"),
        "event_name": record.get("eventName"),
        "keys": body.get("Keys"),
    }


def _happened(record: Mapping[str, Any], old: Item | None, new: Item | None) -> Happened | None:
    """
    Raises:
        ValueError: it is nothing we write.
    """
    name, some = record["eventName"], new or old or {}
    if some.get("kind") == KIND:
        return Happened.CHANGED
    if "snapshot" in some:
        by_ttl = record.get("userIdentity", {}).get("principalId") == TTL_PRINCIPAL
        return {"INSERT": Happened.TRASHED, "REMOVE": Happened.EXPIRED if by_ttl else None}.get(name)
    if "erased_at" in some:
        is_own = "merged_into" not in some  # Else it is the other's erasure that is told.
        return Happened.ERASED if name == "INSERT" and is_own else None
    if some.get("type") == EventType.CUSTOM:
        return Happened.RECORDED if name == "INSERT" else None
    raise ValueError("neither a contact, nor its trash, nor its tombstone, nor a custom event")


def _image(body: Mapping[str, Any], name: str) -> Item | None:
    return from_item(body[name]) if name in body else None


def _contact(image: Item | None) -> Contact | None:
    if image is None:
        return None
    if "snapshot" in image:
        return contact_from(image["snapshot"])
    return contact_from(image) if image.get("kind") == KIND else None


def _recorded(key: keys.Key, entry: Item | None) -> CustomEvent:
    event_id = keys.timeline_event_id(key)
    assert event_id is not None, "its owner was found by it"
    assert entry is not None, "it was put"
    return CustomEvent(
        id=event_id,
        name=entry["name"],
        data=entry["data"],
        recorded_at=entry["timestamp"],
        occurred_at=entry.get("occurred_at"),
    )


def _merged_ids(contact: Contact | None, new: Item | None) -> tuple[str, ...]:
    return tuple((new or {}).get("merged_ids", ())) if contact is None else contact.merged_ids


def _moment(body: Mapping[str, Any], new: Item | None) -> int:
    """The moment the item tells, which is exact to the millisecond, or else the stream, which is to the second."""
    if new is not None:
        for attribute in ("erased_at", "deleted_at", "timestamp"):
            if attribute in new:
                return parsed(new[attribute])
    return int(float(body["ApproximateCreationDateTime"]) * 1000)
