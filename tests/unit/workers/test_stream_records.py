"""Records of the stream, read into what they mean; and the event source mappings, which must let all those through."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from contacts.core.time import parsed
from contacts.events.changes import ChangeKind, StreamChange, events_of_change
from contacts.table import keys
from contacts.table.expressions import to_attribute
from contacts.workers.stream import identified, stream_change
from local.template import template
from tests.support.counting import calls_made
from tests.support.moto_table import TypedItem
from tests.support.projection_harness import History, ordinary_history
from tests.support.scenarios import ACCOUNT_ID, BEGAN_MS
from tests.support.streams import Record, Tape, key_of, record, records_between, unreadable

MEANT_FOR = {
    "ProjectChangesSource": {ChangeKind.CHANGED, ChangeKind.ERASED, ChangeKind.EXPIRED},
    "DispatchWebhooksSource": {
        ChangeKind.CHANGED,
        ChangeKind.TRASHED,
        ChangeKind.ERASED,
        ChangeKind.RECORDED,
    },
}
"""What each mapping's function has to be told of; a contact that is removed is nothing to tell anybody else."""


def meanings(records: list[Record]) -> list[StreamChange]:
    return [change for each in records if (change := stream_change(each)) is not None]


def happened(history: History) -> list[tuple[ChangeKind, bool, bool]]:
    """What happened, and whether there was and is a contact."""
    return [
        (change.kind, change.before is not None, change.after is not None)
        for change in meanings(history.records)
    ]


CREATED = (ChangeKind.CHANGED, False, True)
CHANGED = (ChangeKind.CHANGED, True, True)
REMOVED = (ChangeKind.CHANGED, True, False)
TRASHED = (ChangeKind.TRASHED, False, True)
ERASED = (ChangeKind.ERASED, False, False)
EXPIRED = (ChangeKind.EXPIRED, True, False)


def test_a_contact_is_created_and_changed() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com", custom_fields={"n": 10**37 + 1, "x": [None]})
    history.change(ada, name="Ada")
    assert happened(history) == [CREATED, CHANGED]
    created, changed = meanings(history.records)
    assert created.after == changed.before
    assert (created.version, changed.version) == (1, 2)
    assert {created.account_id, changed.account_id} == {ACCOUNT_ID}
    assert {created.contact_id, changed.contact_id} == {ada}
    assert created.after is not None
    assert created.after.custom_fields == {"n": 10**37 + 1, "x": [None]}
    assert created.record_id != changed.record_id
    assert created.at_ms == BEGAN_MS + 1000


def test_a_contact_goes_to_the_trash_and_comes_back() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.restore(ada)
    assert happened(history) == [CREATED, REMOVED, TRASHED, CREATED]
    created, removed, trashed, restored = meanings(history.records)
    assert created.after == removed.before == trashed.after
    assert (trashed.version, restored.version) == (1, 2)


def test_a_contact_is_erased() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.change(ada, name="Ada")
    history.delete(ada, permanent=True)
    assert happened(history) == [CREATED, CHANGED, REMOVED, ERASED]
    *_, removed, erased = meanings(history.records)
    assert (erased.contact_id, erased.version) == (ada, removed.version)


def test_a_contact_is_erased_from_the_trash() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.delete(ada, permanent=True)
    assert happened(history) == [CREATED, REMOVED, TRASHED, ERASED]


def test_the_days_in_the_trash_end() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.expire(ada)
    assert happened(history) == [CREATED, REMOVED, TRASHED, EXPIRED]
    created, *_, expired = meanings(history.records)
    assert expired.before == created.after
    assert (expired.contact_id, expired.version) == (ada, 1)


def test_a_tombstone_that_goes_tells_nothing() -> None:
    history = History()
    history.delete(history.create("ada"), permanent=True)
    tombstone = next(item for item in history.table.items() if "erased_at" in item)
    assert stream_change(record(1, tombstone, None, 0, is_expired=True)) is None
    stripped = {**tombstone, "event": {"S": "done"}}
    assert stream_change(record(2, tombstone, stripped, 0)) is None


def test_what_the_items_tell_to_the_millisecond_the_stream_does_not() -> None:
    history = History()
    ada = history.create("ada")
    history.delete(ada)
    bea = history.create("bea")
    history.delete(bea, permanent=True)
    for change in meanings([{**each, **_later(each)} for each in history.records]):
        if change.kind in (ChangeKind.TRASHED, ChangeKind.ERASED):
            assert change.at_ms in (BEGAN_MS + 2000, BEGAN_MS + 4000)
        else:
            assert change.at_ms == 1_900_000_000_000
    trashed = next(item for item in history.table.items() if "deleted_at" in item)
    assert parsed(trashed["deleted_at"]["S"]) == BEGAN_MS + 2000


def _later(each: Record) -> dict[str, Any]:
    return {"dynamodb": {**each["dynamodb"], "ApproximateCreationDateTime": 1_900_000_000.0}}


# What nobody understands


def _broken(breaking: Callable[[Record], object]) -> Record:
    history = History()
    history.create("ada", email="ada@example.com")
    (created,) = json.loads(json.dumps(history.records))
    breaking(created)
    made: Record = created
    return made


BROKEN: dict[str, Callable[[Record], object]] = {
    "no images": lambda each: each["dynamodb"].pop("NewImage"),
    "no keys": lambda each: each["dynamodb"].pop("Keys"),
    "nothing of DynamoDB": lambda each: each.pop("dynamodb"),
    "no event": lambda each: each.pop("eventName"),
    "another kind of item": lambda each: each["dynamodb"]["NewImage"].update(kind={"S": "gate"}),
    "another item's key": lambda each: each["dynamodb"]["Keys"].update(SK={"S": "CLAIM"}),
    "no id": lambda each: each["dynamodb"]["NewImage"].pop("id"),
    "an unknown status": lambda each: each["dynamodb"]["NewImage"].update(validation_status={"S": "?"}),
    "an unknown type": lambda each: each["dynamodb"]["NewImage"].update(metadata={"X": 1}),
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN.keys())
def test_a_record_that_makes_no_sense_is_refused(breaking: Callable[[Record], object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        stream_change(_broken(breaking))


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN.keys())
def test_and_can_be_told_without_its_content(breaking: Callable[[Record], object]) -> None:
    told = json.dumps(identified(_broken(breaking)))
    assert "ada@" not in told
    assert set(json.loads(told)) == {"event_id", "event_name", "keys"}


def test_one_for_tests_makes_none() -> None:
    with pytest.raises(KeyError):
        stream_change(unreadable())


# The filters of the event source mappings


@cache
def patterns(mapping: str) -> list[Any]:
    filters = template()["Resources"][mapping]["Properties"]["FilterCriteria"]["Filters"]
    return [json.loads(each["Pattern"]) for each in filters]


def matches(pattern: Any, value: Any) -> bool:
    """Whether a record, or a part of it, passes a filter ("Filter rule syntax", Lambda developer guide)."""
    if isinstance(pattern, dict):
        return all(
            matches(rule, value.get(name) if isinstance(value, dict) else None)
            for name, rule in pattern.items()
        )
    return any(_rule_holds(rule, value) for rule in pattern)


def _rule_holds(rule: Any, value: Any) -> bool:
    if isinstance(rule, str):
        return bool(value == rule)
    ((kind, argument),) = rule.items()
    if kind == "exists":
        return (value is not None) is argument
    assert kind == "prefix", f"a filter of the kind {kind}"
    return isinstance(value, str) and value.startswith(argument)


def everything_told() -> list[Record]:
    """Of a history with claims, records and derived items: a record for each item that was ever written."""
    history = ordinary_history()
    items = history.table.items()
    derived: list[TypedItem] = [
        {"PK": {"S": key.PK}, "SK": {"S": key.SK}}
        for key in (
            *(keys.word_posting(ACCOUNT_ID, "ada", "c"), keys.first_character(ACCOUNT_ID, "a")),
            *(keys.usage(ACCOUNT_ID, "2026-01-15T10"), keys.account(ACCOUNT_ID)),
        )
    ]
    return [
        *history.records,
        *records_between([], [*items, *derived], 1_768_471_200),
        *records_between([*items, *derived], [], 1_768_471_200, [key_of(item) for item in items]),
    ]


@pytest.mark.parametrize("mapping", MEANT_FOR)
def test_a_mapping_lets_through_what_its_function_has_to_do(mapping: str) -> None:
    for each in everything_told():
        try:
            change = stream_change(each)
        except ValueError:
            continue
        if change is None or change.kind not in MEANT_FOR[mapping]:
            continue
        if mapping == "DispatchWebhooksSource" and each["eventName"] == "REMOVE":
            continue
        assert any(matches(pattern, each) for pattern in patterns(mapping)), each


@pytest.mark.parametrize("mapping", MEANT_FOR)
def test_and_nothing_that_nobody_would_understand(mapping: str) -> None:
    for each in everything_told():
        if any(matches(pattern, each) for pattern in patterns(mapping)):
            change = stream_change(each)
            assert change is not None
            assert change.kind in MEANT_FOR[mapping]


# The records that tests make


def test_a_tape_takes_down_each_write_once() -> None:
    history = History()
    tape = Tape(history.table)
    history.create("ada", email="ada@example.com")
    taken = tape.taken(1_768_471_200)
    assert sorted(each["eventName"] for each in taken) == ["INSERT"] * 3
    assert tape.taken(1_768_471_200) == []


def test_records_have_the_shape_of_those_of_aws() -> None:
    """ "Using AWS Lambda with Amazon DynamoDB", Lambda developer guide."""
    history = History()
    ada = history.create("ada")
    history.delete(ada)
    history.expire(ada)
    first, *_, last = history.records
    assert first.keys() == {
        *("eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN")
    }
    assert last.keys() == {*first.keys(), "userIdentity"}
    assert last["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert first["dynamodb"].keys() == {
        *("ApproximateCreationDateTime", "Keys", "NewImage", "SequenceNumber", "SizeBytes", "StreamViewType")
    }
    assert last["dynamodb"].keys() - first["dynamodb"].keys() == {"OldImage"}
    numbers = [int(each["dynamodb"]["SequenceNumber"]) for each in history.records]
    assert numbers == sorted(set(numbers))
    assert len({each["eventID"] for each in history.records}) == len(history.records)


def test_the_same_numbers_make_the_same_records() -> None:
    history = History()
    before: Mapping[str, Any] = {}
    history.create("ada")
    items = history.table.items()
    one, another = (records_between(before, items, 1.5, numbers=iter(range(9))) for _ in range(2))
    assert one == another


def test_what_a_change_takes_does_not_grow_with_the_values_of_its_contact() -> None:
    """So nobody waits behind a contact of nested empties: neither for its postings nor for its event."""

    def told(values: int) -> Record:
        history = History()
        history.create("ada", custom_fields={"of": [{}] * values})
        (created,) = (one for one in history.records if one["dynamodb"]["NewImage"].get("kind"))
        old = created["dynamodb"]["NewImage"]
        return record(1, old, {**old, "version": {"N": "2"}, "tags": {"L": [{"S": "new"}]}}, BEGAN_MS / 1000)

    def follow(one: Record) -> None:
        change = stream_change(one)
        assert change is not None
        assert change.after is not None
        (event,) = events_of_change("e", 0, ACCOUNT_ID, change.before, change.after)
        to_attribute(event.data)

    few, many = told(10), told(9_000)
    follow(few)
    assert calls_made(lambda: follow(many)) == calls_made(lambda: follow(few))
