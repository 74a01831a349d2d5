"""Records of the table's stream as Lambda hands them over, made from what is in a table before and after.

    before = table.items()
    ...                                             # one write, or one transaction
    records = records_between(before, table.items(), at_s=clock.now_ms() // 1000)
    entrypoint(stream_event(records), context)

MiniStack writes none when a TTL runs out, and repeats none; here all of it can be had: `expired` names what DynamoDB
itself removed, `delivered` cuts records into batches as a stream may, and delivers some of them again.

One call for each write: of two writes to one item the second would swallow the first. `Tape` does that for a table.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import count
from random import Random
from typing import Any

from contacts.events.model import ENTERED
from contacts.table import keys
from contacts.workers.stream import TTL_PRINCIPAL
from tests.support.moto_table import MotoTable, TypedItem

Record = dict[str, Any]
"""A record of a stream, as in a Lambda event."""
ItemKey = tuple[str, str]
"""PK and SK."""

_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/contacts/stream/2026-01-15T10:30:00.000"
_numbers = count(1)


def records_between(
    before_items: Iterable[TypedItem],
    after_items: Iterable[TypedItem],
    at_s: float,
    expired: Collection[ItemKey] = (),
    *,
    numbers: Iterator[int] = _numbers,
) -> list[Record]:
    """What a stream tells of one write: a record for each item that is another afterwards, in the order of their keys.

    Of every item there is, not only of contacts: `about_contacts` is what the event source mappings let through.
    `at_s`: when, in seconds since the epoch; `expired`: the keys of those that a TTL removed; `numbers`: where the
    records' own numbers are from (another iterator makes the same records twice).
    """
    before, after = by_key(before_items), by_key(after_items)
    records = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is not new and old != new:
            records.append(record(next(numbers), old, new, at_s, is_expired=key in expired))
    return records


def record(
    number: int, old: TypedItem | None, new: TypedItem | None, at_s: float, *, is_expired: bool = False
) -> Record:
    """The record of one item's change."""
    some = new or old
    assert some is not None, "neither an item before nor after"
    body: dict[str, Any] = {
        "ApproximateCreationDateTime": float(int(at_s)),
        "Keys": {name: some[name] for name in ("PK", "SK")},
        "SequenceNumber": f"{100_000_000_000_000_000_000 + number}",
        "SizeBytes": 59,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        body["OldImage"] = old
    if new is not None:
        body["NewImage"] = new
    made: Record = {
        "eventID": sha256(f"{number}".encode()).hexdigest()[:32],
        "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": body,
        "eventSourceARN": _ARN,
    }
    if is_expired:
        assert new is None, "a TTL only removes"
        made["userIdentity"] = {"type": "Service", "principalId": TTL_PRINCIPAL}
    return made


def unreadable(number: int | None = None) -> Record:
    """A record that nobody understands: of a contact that has lost its version."""
    item = {
        "PK": {"S": "ACCOUNT#0198f3a0-0000-7000-8000-000000000001#0"},
        "SK": {"S": "CONTACT#0198f3a0-0000-7000-8000-0000000000ee"},
        "kind": {"S": "contact"},
    }
    return record(next(_numbers) if number is None else number, None, item, 1_768_471_200)


def about_contacts(records: Iterable[Record]) -> list[Record]:
    """Those of contacts, of trash, of tombstones and of events that somebody put in a timeline: what the event source
    mappings let through."""
    return [record for record in records if _is_about_contact(record["dynamodb"]) or _is_recorded(record)]


def stream_event(records: Sequence[Record]) -> dict[str, Any]:
    """A batch, as a function is called with it."""
    return {"Records": list(records)}


def delivered(records: Sequence[Record], random: Random, *, at_most: int = 5) -> Iterator[list[Record]]:
    """Batches in which a stream may deliver records, together all of them, some more than once.

    A batch comes again as it was, in halves, or longer than before, as after a failure or a lost answer.
    """
    start = 0
    while start < len(records):
        end = min(len(records), start + random.randint(1, at_most))
        batch = list(records[start:end])
        shape = random.randrange(5)
        if shape == 0:
            yield batch
        elif shape == 1:
            yield batch[: random.randint(0, len(batch))] or batch
        elif shape == 2:
            half = len(batch) // 2
            yield batch
            yield batch[:half] or batch
        elif shape == 3:
            end = min(len(records), end + random.randint(0, at_most))
            yield batch
            batch = list(records[start:end])
        yield batch
        start = end


class Tape:
    """Takes down what a table's stream tells, write by write."""

    def __init__(self, table: MotoTable) -> None:
        self._table = table
        self._seen = by_key(table.items())

    def taken(self, at_s: float, expired: Collection[ItemKey] = ()) -> list[Record]:
        """The records of what was written since the last call."""
        items = by_key(self._table.items())
        seen, self._seen = self._seen, items
        return records_between(seen.values(), items.values(), at_s, expired)


def by_key(items: Iterable[TypedItem]) -> dict[ItemKey, TypedItem]:
    """Items by PK and SK."""
    return {key_of(item): item for item in items}


def key_of(item: TypedItem) -> ItemKey:
    """An item's PK and SK."""
    return item["PK"]["S"], item["SK"]["S"]


def _is_recorded(record: Record) -> bool:
    image = record["dynamodb"].get("NewImage", {})
    is_entry = keys.timeline_event_id(keys.Key(*key_of(record["dynamodb"]["Keys"]))) is not None
    return record["eventName"] == "INSERT" and is_entry and image["type"]["S"] in ENTERED


def _is_about_contact(body: Mapping[str, Any]) -> bool:
    images = [body[name] for name in ("OldImage", "NewImage") if name in body]
    return any(
        image.get("kind") == {"S": "contact"} or "snapshot" in image or "erased_at" in image
        for image in images
    )
