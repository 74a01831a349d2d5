"""Reads the table's stream: the Lambda handler of its functions, and what its records mean.

The stream delivers records at least once, in the order of each item. A repeated batch may have another extent. The
filters of the event source mappings in template.yaml select the records that arrive.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from contacts.book.model import KIND, MAPS, Contact, contact_from
from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import parsed
from contacts.events.changes import ChangeKind, PartlyHandled, StreamChange
from contacts.events.model import OF_JOBS, CustomEvent, EventType
from contacts.events.model import Event as ToldEvent
from contacts.table import keys
from contacts.table.expressions import Item, from_item

Begin = Callable[[float], None]
"""Called at the beginning of an invocation with the seconds that it has."""
Event = Mapping[str, Any]
Failures = dict[str, list[dict[str, str]]]
"""Lambda's `batchItemFailures`: what Lambda has to deliver again."""


class StreamEntrypoint:
    """The Lambda handler of a function that reads the stream.

    After a temporary failure (a table that throttles), Lambda delivers the batch again from the first record that was
    not handled, so the order of each contact is kept and each try gets further. A record that always fails goes to a
    queue, as its keys and ids only, and the others are handled: otherwise Lambda would repeat the whole batch and
    finally discard it.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[Event], StreamChange | None],
        identified: Callable[[Event], Mapping[str, object]],
        handle: Callable[[Sequence[StreamChange]], None],
        set_aside: MessageQueue,
        begin: Begin,
    ) -> None:
        self._name = name
        self._read = read
        self._identified = identified
        self._handle = handle
        self._set_aside = set_aside
        self._begin = begin

    def __call__(self, event: Event, context: Any) -> Failures:
        """Handle a batch. Returns the first record that has to be delivered again, if any."""
        began = perf_counter()
        self._begin(context.get_remaining_time_in_millis() / 1000)
        records: Sequence[Event] = event["Records"]
        done = self._done(records, {"lambda_request_id": context.aws_request_id})
        observability.record_batch(
            self._name,
            len(records),
            len(records) - done,
            (perf_counter() - began) * 1000,
            {"lambda_request_id": context.aws_request_id},
        )
        if done == len(records):
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": records[done]["dynamodb"]["SequenceNumber"]}]}

    def _done(self, records: Sequence[Event], fields: Mapping[str, object]) -> int:
        """Handle records. Returns how many are done, counted from the first."""
        try:
            changes = {
                number: change
                for number, record in enumerate(records)
                if (change := self._read(record)) is not None
            }
            if changes:
                self._handle(list(changes.values()))
        except PartlyHandled as partly:
            return list(changes)[partly.handled]
        except TemporarilyUnavailable:
            return 0
        except Exception as error:  # noqa: BLE001 (handling each record by itself shows which one fails)
            if len(records) == 1:
                return self._without(records[0], error, fields)
        else:
            return len(records)
        done = 0
        for record in records:
            if not self._done([record], fields):
                break
            done += 1
        return done

    def _without(self, record: Event, error: Exception, fields: Mapping[str, object]) -> int:
        """Send a record that fails to the queue for such records. Returns how many records are done: one or none."""
        identified = self._identified(record)
        observability.record_failure(error, {**fields, "event_id": identified.get("event_id")})
        body = {"function": self._name, "error": type(error).__name__, **identified}
        try:
            self._set_aside.send([Outgoing(body=body)])
        except TemporarilyUnavailable:
            return 0
        return 1


TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
"""The principal that deletes expired items ("Working with expired items", DynamoDB developer guide)."""
_GONE: Final = (ChangeKind.ERASED, ChangeKind.EXPIRED)


def stream_change(record: Mapping[str, Any]) -> StreamChange | None:
    """The change of a record; None: nothing follows from it (a restored contact leaves the trash, for instance).

    Raises:
        KeyError, TypeError, ValueError: the record is of no item that has changes.
    """
    body = record["dynamodb"]
    key = keys.Key(body["Keys"]["PK"]["S"], body["Keys"]["SK"]["S"])
    address = keys.opted_out_address(key)
    if address is not None:
        return _opt_out(record, *address)
    old, new = _image(body, "OldImage"), _image(body, "NewImage")
    kind = _kind_of(record, old, new)
    if kind is None:
        return None
    account_id, contact_id = keys.owner(key)
    before, after = _contact(old), _contact(new)
    contact = after or before
    return StreamChange(
        record_id=record["eventID"],
        kind=kind,
        account_id=account_id,
        contact_id=contact_id,
        at_ms=_moment(body, new),
        before=before,
        after=after,
        version=(new or {}).get("version", 0) if contact is None else contact.version,
        recorded=_recorded(key, new) if kind is ChangeKind.RECORDED else None,
        announced=_announced(key, new) if kind is ChangeKind.ANNOUNCED else None,
        merged_ids=_merged_ids(contact, new) if kind in _GONE else (),
    )


def _opt_out(record: Mapping[str, Any], account_id: str, email_hmac: str) -> StreamChange | None:
    """The change of an opt-out's record; None: the address has been subscribed again."""
    if record["eventName"] != "INSERT":
        return None
    return StreamChange(
        record_id=record["eventID"],
        kind=ChangeKind.OPTED_OUT,
        account_id=account_id,
        contact_id=email_hmac,
        at_ms=_moment(record["dynamodb"], None),
    )


def identified(record: Mapping[str, Any]) -> dict[str, object]:
    """What identifies a record, without its content: for records that fail."""
    body = record.get("dynamodb", {})
    return {
        "event_id": record.get("eventID"),
        "event_name": record.get("eventName"),
        "keys": body.get("Keys"),
    }


def _kind_of(record: Mapping[str, Any], old: Item | None, new: Item | None) -> ChangeKind | None:
    """The kind of change; None: nothing follows from it.

    Raises:
        ValueError: the record is of no item that has changes.
    """
    name, some = record["eventName"], new or old or {}
    if some.get("kind") == KIND:
        return ChangeKind.CHANGED
    if "snapshot" in some:
        by_ttl = record.get("userIdentity", {}).get("principalId") == TTL_PRINCIPAL
        return {"INSERT": ChangeKind.TRASHED, "REMOVE": ChangeKind.EXPIRED if by_ttl else None}.get(name)
    if "erased_at" in some:
        is_own = "merged_into" not in some  # A contact that was merged away is erased with the other.
        return ChangeKind.ERASED if name == "INSERT" and is_own else None
    if some.get("type") == EventType.CUSTOM:
        return ChangeKind.RECORDED if name == "INSERT" else None
    if some.get("type") in OF_JOBS:
        return ChangeKind.ANNOUNCED if name == "INSERT" else None
    raise ValueError(
        "neither a contact, its trash or tombstone, nor an event that somebody put in a timeline"
    )


def _image(body: Mapping[str, Any], name: str) -> Item | None:
    """An item of a record. The maps of a contact stay as they are stored: hardly anybody looks into them."""
    if name not in body:
        return None
    image = body[name]
    item = from_item({key: value for key, value in image.items() if key != "snapshot"}, MAPS)
    if "snapshot" in image:
        item["snapshot"] = from_item(image["snapshot"]["M"], MAPS)
    return item


def _contact(image: Item | None) -> Contact | None:
    if image is None:
        return None
    if "snapshot" in image:
        return contact_from(image["snapshot"])
    return contact_from(image) if image.get("kind") == KIND else None


def _recorded(key: keys.Key, entry: Item | None) -> CustomEvent:
    event_id = keys.timeline_event_id(key)
    assert event_id is not None, "the key is a timeline entry's"
    assert entry is not None, "the entry was put"
    return CustomEvent(
        id=event_id,
        name=entry["name"],
        data=entry["data"],
        recorded_at=entry["timestamp"],
        occurred_at=entry.get("occurred_at"),
    )


def _announced(key: keys.Key, entry: Item | None) -> ToldEvent:
    event_id = keys.timeline_event_id(key)
    assert event_id is not None, "the key is a timeline entry's"
    assert entry is not None, "the entry was put"
    account_id, job_id = keys.owner(key)
    return ToldEvent(
        id=event_id,
        type=entry["type"],
        timestamp=entry["timestamp"],
        account_id=account_id,
        contact_id=job_id,
        data=entry["data"],
    )


def _merged_ids(contact: Contact | None, new: Item | None) -> tuple[str, ...]:
    return tuple((new or {}).get("merged_ids", ())) if contact is None else contact.merged_ids


def _moment(body: Mapping[str, Any], new: Item | None) -> int:
    """When the item was written, in ms since the epoch: from the item, or else from the stream, exact to the second."""
    if new is not None:
        for attribute in ("erased_at", "deleted_at", "timestamp"):
            if attribute in new:
                return parsed(new[attribute])
    return int(float(body["ApproximateCreationDateTime"]) * 1000)
