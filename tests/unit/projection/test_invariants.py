"""The check of the table's invariants finds what it is there to find."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contacts.core.ids import Name, NameKind
from contacts.table import keys
from tests.support.invariants import violations
from tests.support.moto_table import MotoTable, TypedItem
from tests.support.scenarios import ACCOUNT_ID, ADA, BEA, EMAIL, EXTERNAL_ID, STARTS, Start, begun

Items = dict[keys.Key, TypedItem]

LIVE = keys.contact(ACCOUNT_ID, BEA)
TRASHED = keys.trash(ACCOUNT_ID, ADA)
LIVE_CLAIM = keys.claim(ACCOUNT_ID, Name(NameKind.EMAIL, EMAIL))
DELETED_CLAIM = keys.claim(ACCOUNT_ID, Name(NameKind.EXTERNAL_ID, EXTERNAL_ID))


def items_of(start: Start) -> list[TypedItem]:
    table = MotoTable()
    table.bring_back(begun(start))
    return table.items()


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_a_sound_table_breaks_none(start: Start) -> None:
    assert violations(items_of(start), ACCOUNT_ID, start.at_ms // 1000) == []


def setting(key: keys.Key, attribute: str, value: dict[str, Any]) -> Callable[[Items], object]:
    return lambda items: items[key].update({attribute: value})


def dropping(key: keys.Key, attribute: str | None = None) -> Callable[[Items], object]:
    if attribute is None:
        return lambda items: items.pop(key)
    return lambda items: items[key].pop(attribute)


def copying_to_life(items: Items) -> None:
    live = keys.contact(ACCOUNT_ID, ADA)
    snapshot = items[TRASHED]["snapshot"]["M"]
    items[live] = {**snapshot, "PK": {"S": live.PK}, "SK": {"S": live.SK}, "kind": {"S": "contact"}}


def erasing_besides(items: Items) -> None:
    tombstone = keys.tombstone(ACCOUNT_ID, BEA)
    items[tombstone] = {"PK": {"S": tombstone.PK}, "SK": {"S": tombstone.SK}, "ttl": {"N": "1"}}


def pointing_nowhere(items: Items) -> None:
    pointer = keys.idempotency_pointer(ACCOUNT_ID, BEA, "k-1")
    items[pointer] = {"PK": {"S": pointer.PK}, "SK": {"S": pointer.SK}, "ttl": {"N": "1"}}


def recording_without_a_pointer(items: Items) -> None:
    record = keys.idempotency(ACCOUNT_ID, "k-1")
    details = {"M": {"id": {"S": BEA}, "permanent": {"BOOL": False}}}
    items[record] = {"PK": {"S": record.PK}, "SK": {"S": record.SK}, "details": details}


BROKEN: dict[str, Callable[[Items], object]] = {
    "a live name without a claim": dropping(LIVE_CLAIM),
    "a live name claimed by another": setting(LIVE_CLAIM, "contact_id", {"S": ADA}),
    "a live claim that will end": setting(LIVE_CLAIM, "ttl", {"N": "9999999999"}),
    "a live claim without its contact": dropping(LIVE),
    "a live claim on a name given up": dropping(LIVE, "email"),
    "a deleted claim without its contact": dropping(TRASHED),
    "a deleted claim that never ends": dropping(DELETED_CLAIM, "ttl"),
    "a deleted claim that ends at another time": setting(DELETED_CLAIM, "ttl", {"N": "9999999999"}),
    "a deleted claim on a live contact": setting(DELETED_CLAIM, "contact_id", {"S": BEA}),
    "live and in the trash": copying_to_life,
    "live and erased": erasing_besides,
    "a contact under another's key": setting(LIVE, "id", {"S": ADA}),
    "an index attribute that is NULL": setting(LIVE, "external_id", {"NULL": True}),
    "an index attribute that is empty": setting(LIVE, "updated_at", {"S": ""}),
    "no custom_fields": dropping(LIVE, "custom_fields"),
    "metadata that is no map": setting(LIVE, "metadata", {"S": "{}"}),
    "a tag twice": setting(LIVE, "tags", {"L": [{"S": "a"}, {"S": "a"}]}),
    "version 0": setting(LIVE, "version", {"N": "0"}),
    "unsubscribed at no time": setting(LIVE, "is_unsubscribed", {"BOOL": True}),
    "a contact larger than its bound": setting(LIVE, "size_bound", {"N": "100"}),
    "a contact of another kind": setting(LIVE, "kind", {"S": "gate"}),
    "a trashed contact an index sees": setting(TRASHED, "email", {"S": EMAIL}),
    "a pointer to no record": pointing_nowhere,
    "a record nothing points to": recording_without_a_pointer,
}


@pytest.mark.parametrize("corrupt", BROKEN.values(), ids=BROKEN.keys())
def test_each_broken_rule_is_told(corrupt: Callable[[Items], object]) -> None:
    start = next(start for start in STARTS if start.name == "in the trash, email taken")
    items = {keys.Key(item["PK"]["S"], item["SK"]["S"]): copy.deepcopy(item) for item in items_of(start)}
    corrupt(items)
    assert violations(items.values(), ACCOUNT_ID, start.at_ms // 1000) != []
