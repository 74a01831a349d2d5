"""What the event source mappings of template.yaml let through, of everything that the stream tells."""

from typing import Any

import pytest

from contacts.book.store import QUIET
from contacts.table import keys
from contacts.table.expressions import to_item
from local import sample_account
from local.table import NAME
from tests.support import sample_events
from tests.support.event_filters import MAPPINGS, is_let_through
from tests.support.moto_table import MotoTable
from tests.support.streams import record

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


TRASH = item(keys.trash(ACCOUNT, CONTACT), snapshot={"version": 1}, deleted_at="2026-01-15T10:30:00.000Z")
TOMBSTONE = item(keys.tombstone(ACCOUNT, CONTACT), erased_at="2026-01-15T10:30:00.000Z", version=1)
ENTRY = item(keys.timeline_entry(ACCOUNT, CONTACT, "e"), type="contact.event", name="seen", data={})
APPENDED = {**ENTRY, "appended_at": {"S": "2026-01-15T10:30:00.000Z"}}
CHANGE = item(keys.timeline_entry(ACCOUNT, CONTACT, "e"), type="contact.updated")
LOGGED = item(keys.event(ACCOUNT, "2026-01-15T10:30:00.000Z", "e"), type="contact.event")
TOLD = {**TOMBSTONE, "event": {"M": {"event_id": {"S": "e"}}}}


@pytest.mark.parametrize(("old", "new", "is_expired", "followers"), [
    pytest.param(None, contact(1), False, BOTH, id="created"),
    pytest.param(contact(1), contact(2), False, BOTH, id="changed"),
    pytest.param(contact(1), quiet(1), False, NOBODY, id="changed quietly"),
    pytest.param(quiet(1), quiet(2), False, NOBODY, id="changed quietly again"),
    pytest.param(quiet(1), contact(2), False, BOTH, id="changed after a quiet change"),
    pytest.param(contact(1), None, False, PROJECTION, id="left"),
    pytest.param(quiet(1), None, False, PROJECTION, id="left after a quiet change"),
    pytest.param(None, {**TRASH, "snapshot": {"M": quiet(1)}}, False, EVENTS, id="put in the trash with a mark"),
    pytest.param(contact(1), {**contact(2), "custom_fields": {"M": {"quiet": {"BOOL": True}}}}, False, BOTH,
                 id="a field of the caller's of that name"),
    pytest.param(None, TRASH, False, EVENTS, id="put in the trash"),
    pytest.param(TRASH, None, False, NOBODY, id="taken out of the trash"),
    pytest.param(TRASH, None, True, PROJECTION, id="days in the trash are over"),
    pytest.param(None, TOMBSTONE, False, BOTH, id="erased"),
    pytest.param(TOMBSTONE, TOLD, False, NOBODY, id="erasure was told"),
    pytest.param(TOMBSTONE, None, True, NOBODY, id="tombstone expires"),
    pytest.param(None, ENTRY, False, EVENTS, id="custom event recorded"),
    pytest.param(ENTRY, APPENDED, False, NOBODY, id="custom event appended to the log"),
    pytest.param(APPENDED, None, False, NOBODY, id="custom event erased"),
    pytest.param(APPENDED, None, True, NOBODY, id="custom event expires"),
    pytest.param(None, CHANGE, False, NOBODY, id="change noted in the timeline"),
    pytest.param(None, LOGGED, False, NOBODY, id="custom event in the log"),
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
        if "kind" not in there and "deleted_at" not in there and there["SK"]["S"] != recorded
    ]
    assert len(others) > 30
    for there in others:
        for old, new, is_expired in ((None, there, False), (there, None, False), (there, None, True)):
            told = record(1, old, new, AT_S, is_expired=is_expired)
            assert not any(is_let_through(function, told) for function in MAPPINGS), there["PK"]["S"]


@pytest.mark.parametrize("function", MAPPINGS)
def test_the_sample_batch_is(function: str) -> None:
    for told in sample_events.event(function)["Records"]:
        assert is_let_through(function, told)
