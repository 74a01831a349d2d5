"""What the event source mappings of template.yaml let through, of everything that the stream tells."""

from typing import Any

import pytest

from contacts.book.model import merged_tombstone_item
from contacts.book.store import QUIET
from contacts.core.time import iso
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.expressions import from_item, to_item
from local import sample_account
from local.table import NAME
from tests.support import sample_events
from tests.support.app import App
from tests.support.event_filters import MAPPINGS, is_let_through
from tests.support.event_harness import ErasureDesk
from tests.support.fakes import FakeClock
from tests.support.long_timeline import fill
from tests.support.moto_table import MotoTable
from tests.support.streams import record, records_between

BOTH = frozenset(MAPPINGS)
PROJECTION = frozenset({"project_changes"})
EVENTS = frozenset({"dispatch_webhooks"})
NOBODY: frozenset[str] = frozenset()

ACCOUNT = sample_account.ACCOUNT.id
CONTACT = sample_account.LIVE.id
AT_S = 1_768_473_000


def item(key: keys.Key, **attributes: Any) -> Any:
    return to_item({**key._asdict(), **attributes})


def contact(version: int) -> Any:
    return item(keys.contact(ACCOUNT, CONTACT), kind="contact", version=version)


def quiet(version: int) -> Any:
    return {**contact(version), **to_item({QUIET: True})}


def imported(version: int) -> Any:
    """A contact that an import wrote which tells of itself once."""
    return {**contact(version), **to_item({QUIET: "events"})}


TRASH = item(keys.trash(ACCOUNT, CONTACT), snapshot={"version": 1}, deleted_at="2026-01-15T10:30:00.000Z")
TOMBSTONE = item(keys.tombstone(ACCOUNT, CONTACT), erased_at="2026-01-15T10:30:00.000Z", version=1)
MERGED = item(keys.tombstone(ACCOUNT, CONTACT), **merged_tombstone_item("c", AT_S * 1000))
ENTRY = item(keys.timeline_entry(ACCOUNT, CONTACT, "e"), type="contact.event", name="seen", data={})
APPENDED = {**ENTRY, "appended_at": {"S": "2026-01-15T10:30:00.000Z"}}
CHANGE = item(keys.timeline_entry(ACCOUNT, CONTACT, "e"), type="contact.updated")
ENDED = item(keys.timeline_entry(ACCOUNT, CONTACT, "e"), type="import.completed", data={})
LOGGED = item(keys.event(ACCOUNT, "2026-01-15T10:30:00.000Z", "e"), type="contact.event")
OPT_OUT = item(keys.opt_out(ACCOUNT, "0" * 64))
UNHEARD = item(keys.tombstone(ACCOUNT, CONTACT), erased_at="2026-01-15T10:30:00.000Z")
TOLD = {**TOMBSTONE, "event": {"M": {"event_id": {"S": "e"}}}}


@pytest.mark.parametrize(("old", "new", "is_expired", "followers"), [
    pytest.param(None, contact(1), False, BOTH, id="created"),
    pytest.param(contact(1), contact(2), False, BOTH, id="changed"),
    pytest.param(contact(1), quiet(1), False, NOBODY, id="changed quietly"),
    pytest.param(quiet(1), quiet(2), False, NOBODY, id="changed quietly again"),
    pytest.param(quiet(1), contact(2), False, BOTH, id="changed after a quiet change"),
    pytest.param(None, imported(1), False, PROJECTION, id="created by an import"),
    pytest.param(contact(1), imported(2), False, PROJECTION, id="changed by an import"),
    pytest.param(quiet(1), imported(2), False, PROJECTION, id="changed by an import after a quiet change"),
    pytest.param(imported(1), contact(2), False, BOTH, id="changed after an import"),
    pytest.param(imported(1), quiet(1), False, NOBODY, id="changed quietly after an import"),
    pytest.param(imported(1), None, False, PROJECTION, id="left after an import"),
    pytest.param(contact(1), None, False, PROJECTION, id="left"),
    pytest.param(quiet(1), None, False, PROJECTION, id="left after a quiet change"),
    pytest.param(None, {**TRASH, "snapshot": {"M": quiet(1)}}, False, EVENTS, id="put in the trash with a mark"),
    pytest.param(None, {**TRASH, **to_item({QUIET: "events"})}, False, NOBODY, id="put in the trash by an undo"),
    pytest.param(contact(1), {**contact(2), "custom_fields": {"M": {"quiet": {"BOOL": True}}}}, False, BOTH,
                 id="a field of the caller's of that name"),
    pytest.param(None, TRASH, False, EVENTS, id="put in the trash"),
    pytest.param(TRASH, None, False, NOBODY, id="taken out of the trash"),
    pytest.param(TRASH, None, True, PROJECTION, id="days in the trash are over"),
    pytest.param(None, TOMBSTONE, False, BOTH, id="erased"),
    pytest.param(TOMBSTONE, TOLD, False, NOBODY, id="erasure was told"),
    pytest.param(None, MERGED, False, NOBODY, id="erased with another"),
    pytest.param(TOMBSTONE, None, True, NOBODY, id="tombstone expires"),
    pytest.param(None, ENTRY, False, EVENTS, id="custom event recorded"),
    pytest.param(ENTRY, APPENDED, False, NOBODY, id="custom event appended to the log"),
    pytest.param(APPENDED, None, False, NOBODY, id="custom event erased"),
    pytest.param(APPENDED, None, True, NOBODY, id="custom event expires"),
    pytest.param(None, ENDED, False, EVENTS, id="an import has ended"),
    pytest.param(ENDED, {**ENDED, "appended_at": {"S": "2026-01-15T10:30:00.000Z"}}, False, NOBODY,
                 id="the end of an import appended to the log"),
    pytest.param(ENDED, None, True, NOBODY, id="the end of an import expires"),
    pytest.param(None, CHANGE, False, NOBODY, id="change noted in the timeline"),
    pytest.param(None, LOGGED, False, NOBODY, id="custom event in the log"),
    pytest.param(None, OPT_OUT, False, PROJECTION, id="an address opts out"),
    pytest.param(OPT_OUT, None, False, NOBODY, id="an address is subscribed again"),
    pytest.param(None, UNHEARD, False, NOBODY, id="erased again after a restore"),
    pytest.param(TRASH, {**TRASH, "snapshot": {"M": contact(1)}}, False, NOBODY, id="opted out in the trash"),
])  # fmt: skip
def test_what_happens_to_a_contact_is_let_through_to_those_who_follow_it(
    old: Any, new: Any, is_expired: bool, followers: frozenset[str]
) -> None:
    told = record(1, old, new, AT_S, is_expired=is_expired)
    assert {function for function in MAPPINGS if is_let_through(function, told)} == followers


def test_nothing_else_in_the_table_is() -> None:
    table = MotoTable()
    sample_account.fill(table.client(), NAME)
    recorded = keys.timeline_entry(ACCOUNT, CONTACT, sample_account.RECORDED.id).SK
    others = [
        there
        for there in table.items()
        if "kind" not in there and "deleted_at" not in there and there["SK"]["S"] not in (recorded, "OPT_OUT")
    ]
    assert len(others) > 30
    for there in others:
        for old, new, is_expired in ((None, there, False), (there, None, False), (there, None, True)):
            told = record(1, old, new, AT_S, is_expired=is_expired)
            assert not any(is_let_through(function, told) for function in MAPPINGS), there["PK"]["S"]


def test_what_an_erasure_writes_is_not() -> None:
    """Both of its passes, of a contact with a merged one, an event that is being appended and one that waits."""
    table, clock = MotoTable(), FakeClock()
    plain, merged = Table(table.client(), NAME), sample_account.TRASHED.id
    for contact_id in (CONTACT, merged):
        fill(plain, ACCOUNT, contact_id, 2, ["wh_1"], now_ms=clock.at_ms)
    fill(plain, ACCOUNT, CONTACT, 1, ["wh_2"], now_ms=clock.at_ms, age_ms=0)
    pointer = keys.idempotency_pointer(ACCOUNT, CONTACT, "0" * 64)
    record_of_request = {"did": "created", "contact": {}, "ttl": 5}
    plain.write_many(
        {
            keys.Key.of(from_item(TOMBSTONE)): {"erased_at": iso(clock.at_ms), "version": 1},
            keys.Key.of(from_item(ENTRY)): {"type": "contact.event", "name": "seen", "data": {}, "ttl": 5},
            keys.idempotency(ACCOUNT, "0" * 64): record_of_request,
            pointer: {"ttl": 5},
        }
    )
    desk = ErasureDesk(App(table.client(), clock=clock))
    erasures = (
        lambda: desk.handle({"account_id": ACCOUNT, "contact_id": CONTACT, "merged_ids": [merged]}),
        desk.second_passes,
    )
    for erase in erasures:
        before = table.items()
        erase()
        written = records_between(before, table.items(), AT_S)
        assert written
        for function in MAPPINGS:
            assert [told for told in written if is_let_through(function, told)] == []


@pytest.mark.parametrize("function", MAPPINGS)
def test_the_sample_batch_is(function: str) -> None:
    for told in sample_events.event(function)["Records"]:
        assert is_let_through(function, told)
