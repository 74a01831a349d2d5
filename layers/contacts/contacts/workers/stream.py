"""Records of the table's stream, read into what they mean.

At least once, in the order of each item; a batch that is delivered again may have another shape. Which records
arrive at all is up to the filters of the event source mappings in template.yaml.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Final

from contacts.book.model import KIND, Contact, contact_from
from contacts.core import observability
from contacts.core.errors import TemporarilyUnavailable
from contacts.core.queue import MessageQueue, Outgoing
from contacts.core.time import parsed
from contacts.events.changes import ChangeKind, StreamChange
from contacts.events.model import CustomEvent, EventType
from contacts.table import keys
from contacts.table.expressions import Item, from_item

Begin = Callable[[float], None]
"""Is told at the beginning of an invocation how many seconds it has."""
Event = Mapping[str, Any]
Failures = dict[str, list[dict[str, str]]]
"""Lambda's `batchItemFailures`: what is to be delivered again."""


class StreamEntrypoint:
    """The Lambda handler around a service that takes changes from the stream.

    What passes by itself (a table that throttles) is asked for again, from the first record on: the order of each
    contact is kept. A record that cannot be handled for its own sake is set aside on a queue of its own, by its keys
    and ids alone, and the others go on: Lambda would else repeat the whole batch, and in the end discard it.
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
        """Handle a batch; gives back from where on it is to be delivered again, if at all."""
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
        """How many records, from the first on, are dealt with."""
        try:
            changes = [change for record in records if (change := self._read(record)) is not None]
            if changes:
                self._handle(changes)
        except TemporarilyUnavailable:
            return 0
        except Exception as error:  # noqa: BLE001 (one of them is to blame: each for itself shows which)
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
        """Set a record aside; gives back how many are dealt with by that, one or none."""
        identified = self._identified(record)
        observability.record_failure(error, {**fields, "event_id": identified.get("event_id")})
        body = {"function": self._name, "error": type(error).__name__, **identified}
        try:
            self._set_aside.send([Outgoing(body=body)])
        except TemporarilyUnavailable:
            return 0
        return 1


TTL_PRINCIPAL: Final = "dynamodb.amazonaws.com"
"""Who removes items whose `ttl` is over ("Working with expired items", DynamoDB developer guide)."""
_GONE: Final = (ChangeKind.ERASED, ChangeKind.EXPIRED)


def stream_change(record: Mapping[str, Any]) -> StreamChange | None:
    """What a record means; None where it is of no consequence (a restored contact leaving the trash, for instance).

    Raises:
        KeyError, TypeError, ValueError: nobody understands it.
    """
    body = record["dynamodb"]
    key = keys.Key(body["Keys"]["PK"]["S"], body["Keys"]["SK"]["S"])
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
        merged_ids=_merged_ids(contact, new) if kind in _GONE else (),
    )


def identified(record: Mapping[str, Any]) -> dict[str, object]:
    """What a record can be told by without its content: for those that nobody understands."""
    body = record.get("dynamodb", {})
    return {
        "event_id": record.get("eventID"),
        "event_name": record.get("eventName"),
        "keys": body.get("Keys"),
    }


def _kind_of(record: Mapping[str, Any], old: Item | None, new: Item | None) -> ChangeKind | None:
    """
    Raises:
        ValueError: it is nothing we write.
    """
    name, some = record["eventName"], new or old or {}
    if some.get("kind") == KIND:
        return ChangeKind.CHANGED
    if "snapshot" in some:
        by_ttl = record.get("userIdentity", {}).get("principalId") == TTL_PRINCIPAL
        return {"INSERT": ChangeKind.TRASHED, "REMOVE": ChangeKind.EXPIRED if by_ttl else None}.get(name)
    if "erased_at" in some:
        is_own = "merged_into" not in some  # Else it is the other's erasure that is told.
        return ChangeKind.ERASED if name == "INSERT" and is_own else None
    if some.get("type") == EventType.CUSTOM:
        return ChangeKind.RECORDED if name == "INSERT" else None
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
