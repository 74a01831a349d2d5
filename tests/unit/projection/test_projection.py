"""The projection: postings, words and counts are what the contacts say, however the stream delivers its records."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.capacity import CONTACT
from contacts.book.model import Contact, ValidationStatus
from contacts.core.errors import Contention, TemporarilyUnavailable
from contacts.core.ids import Name, NameKind
from contacts.core.queue import Outgoing
from contacts.events.changes import ChangeKind, PartlyHandled, StreamChange
from contacts.projection.service import STEPS_AT_ONCE, Projector, transactions
from contacts.projection.store import Derived, Posting, ProjectionStore
from contacts.search.earlier_words import earlier_words_of
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList, posting_lists
from contacts.search.words import words_of
from contacts.table import keys
from contacts.table.client import MAX_STEPS, Table
from contacts.workers.stream import stream_change
from local.table import NAME
from tests.support.fakes import CountingBytes, FakeClock
from tests.support.faulty_wire import FAULTS, Wire
from tests.support.hypothesis_profiles import examples
from tests.support.invariants import counted_in, derived_violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import (
    History,
    Killed,
    ListedQueue,
    Meter,
    Mortal,
    Projection,
    Throttled,
    ordinary_history,
)
from tests.support.scenarios import ACCOUNT_ID
from tests.support.streams import Record, delivered, key_of, unreadable

pytestmark = pytest.mark.usefixtures("is_lean")

OTHER_ACCOUNT = "0198f3a0-0000-7000-8000-000000000002"
AT = "2026-01-15T10:30:00.000Z"


def counts(table: MotoTable, account_id: str = ACCOUNT_ID) -> dict[str, int]:
    counted = counted_in(table.items(), account_id)
    return {keys.count(account_id, one).SK: n for one, n in counted.items()}


def changed(before: Contact | None, after: Contact | None, account_id: str = ACCOUNT_ID) -> StreamChange:
    contact = after or before
    assert contact is not None
    return StreamChange(
        record_id=f"{account_id} {contact.id} {contact.version}",
        kind=ChangeKind.CHANGED,
        account_id=account_id,
        contact_id=contact.id,
        at_ms=0,
        before=before,
        after=after,
        version=contact.version,
    )


def contact(number: int = 1, **given: Any) -> Contact:
    contact_id = f"0198f3a0-0000-7000-8000-{number:012x}"
    return Contact(id=contact_id, version=1, created_at=AT, updated_at=AT, **given)


def projected(records: list[Record], dynamodb: Any) -> Projection:
    projection = Projection(dynamodb)
    assert projection.take(records) is None
    return projection


# However it is delivered


def test_everything_that_can_happen_to_contacts() -> None:
    history = ordinary_history()
    projected(history.records, history.table.client())
    assert history.violations() == []
    assert {name: n for name, n in counts(history.table).items() if n} == {
        "ALL": 1,
        "TAG#vip": 1,
        "TAG#beta": 1,
        "TAG#new": 1,
        "LIST#news": 1,
    }


def test_record_by_record() -> None:
    history = ordinary_history()
    projection = Projection(history.table.client())
    projection.take_all([record] for record in history.records)
    assert history.violations() == []


def test_a_batch_that_comes_again_counts_once() -> None:
    history = ordinary_history()
    projection = Projection(history.table.client())
    for _ in range(3):
        projection.take(history.records)
        assert history.violations() == []


def test_a_batch_that_comes_in_halves_after_it_came_whole() -> None:
    history = ordinary_history()
    records, untouched = history.records, history.table.snapshot()
    for half in range(1, len(records)):
        history.table.bring_back(untouched)
        projection = Projection(history.table.client())
        projection.take_all([records[:half], records, records[:half], records[half:]])
        assert history.violations() == [], half


def test_a_projection_killed_after_any_call_is_completed_by_the_next() -> None:
    history = ordinary_history()
    untouched = history.table.snapshot()
    whole = Mortal(history.table.client())
    projected(history.records, whole)
    for call in range(1, len(whole.calls) + 1):
        history.table.bring_back(untouched)
        with pytest.raises(Killed):
            Projection(Mortal(history.table.client(), call)).take(history.records)
        projection = projected(history.records, history.table.client())
        assert history.violations() == [], call
        assert len(projection.to_erase.sent) == 2, call


@pytest.mark.parametrize("carried_bytes", [700, 60])
def test_two_projections_of_different_contacts_interleaved_at_every_call(
    carried_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of one item come in order; those of several may be projected side by side.

    `carried_bytes`: room for the counts of all lists, or of three.
    """
    monkeypatch.setattr("contacts.projection.count_places.CARRIED_BYTES", carried_bytes)
    history = ordinary_history()
    records = history.records
    of_ada = [record for record in records if record["dynamodb"]["Keys"] == records[0]["dynamodb"]["Keys"]]
    of_others = [record for record in records if record not in of_ada]
    untouched = history.table.snapshot()
    alone = Mortal(history.table.client())
    Projection(alone).take(of_ada)
    for gap in range(1, len(alone.calls) + 1):
        history.table.bring_back(untouched)
        first = Mortal(history.table.client(), gap)
        first.dies = lambda: projected(of_others, history.table.client())
        projected(of_ada, first)
        assert history.violations() == [], gap
        carried = [name for item in history.table.items() for name in item if keys.carried(name)]
        assert len(carried) == (3 if carried_bytes < 700 else 4)


steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "change", "delete", "erase", "restore", "expire"]),
        st.integers(0, 2),
        st.sets(st.sampled_from(["vip", "beta", "a#b", "ß"])),
        st.sets(st.sampled_from(["news", "offers"])),
        st.sampled_from(["Ada", "ada lovelace", "Zoë", "", "x-y z"]),
    ),
    min_size=1,
    max_size=14,
)


@given(steps=steps, seed=st.integers(0, 2**32))
@settings(max_examples=examples(60))
def test_any_history_in_any_batches(steps: list[Any], seed: int) -> None:
    history, choice = written(steps), Random(seed)
    projection = Projection(history.table.client())
    projection.take_all(delivered(history.records, choice))
    assert history.violations() == []
    assert projection.unreadable.sent == []


def written(steps: list[Any]) -> History:
    """Carry out what can be carried out."""
    history = History()
    live: dict[int, str] = {}
    trash: dict[int, str] = {}
    for number, (what, who, tags, lists, name) in enumerate(steps):
        given = {"tags": sorted(tags), "lists": sorted(lists), "name": name}
        if what == "create" and who not in live and who not in trash:
            live[who] = history.create(f"{who} {number}", email=f"who{who}@example.com", **given)
        elif what == "change" and who in live:
            history.change(live[who], **given)
        elif what == "delete" and who in live:
            trash[who] = live.pop(who)
            history.delete(trash[who])
        elif what == "erase" and who in live:
            history.delete(live.pop(who), permanent=True)
        elif what == "restore" and who in trash:
            live[who] = trash.pop(who)
            history.restore(live[who])
        elif what == "expire" and who in trash:
            history.expire(trash.pop(who))
    return history


# What goes wrong on the way


def test_a_record_that_nobody_understands_is_set_aside_and_the_others_go_on() -> None:
    history = ordinary_history()
    projection = Projection(history.table.client())
    batch = list(history.records)
    batch.insert(4, unreadable(7))
    batch.insert(9, unreadable(8))
    assert projection.take(batch) is None
    assert history.violations() == []
    assert [body["event_id"] for body in projection.unreadable.bodies] == [
        unreadable(7)["eventID"],
        unreadable(8)["eventID"],
    ]
    assert "ada" not in json.dumps(list(projection.unreadable.bodies)).lower()


class Broken(ProjectionStore):
    """Fails for a contact's own sake, and that after an answer that did not come."""

    def post(
        self, account_id: str, wanted: Mapping[Derived, bool], uncounted: Iterable[Posting] = ()
    ) -> None:
        if any(posting.contact_id.endswith("1") for posting in wanted):
            raise ValueError("Ada") from ReadTimeoutError(endpoint_url="https://example.com")
        super().post(account_id, wanted, uncounted)


def test_so_is_one_that_cannot_be_projected() -> None:
    history = History()
    ids = [history.create(f"ada{number}", tags=["vip"]) for number in range(20)]
    projection = Projection(history.table.client())
    projection.projector._store = Broken(Table(history.table.client(), NAME))
    assert projection.take(history.records) is None
    broken = {contact_id for contact_id in ids if contact_id.endswith("1")}
    assert broken
    assert {body["error"] for body in projection.unreadable.bodies} == {"ValueError"}
    assert len(projection.unreadable.sent) == len(broken)
    assert counts(history.table)["ALL"] == len(ids) - len(broken)


def test_what_a_table_does_not_take_now_is_delivered_again() -> None:
    history = ordinary_history()
    untouched = history.table.snapshot()
    calls = Mortal(history.table.client())
    projected(history.records, calls)
    for call in range(1, len(calls.calls) + 1):
        history.table.bring_back(untouched)
        client = Mortal(history.table.client(), call)
        client.dies = _throttled
        projection = Projection(client)
        undone = projection.take(history.records)
        assert undone is not None
        assert projection.take(history.records[undone:]) is None
        assert history.violations() == []


def _throttled() -> None:
    raise TemporarilyUnavailable


@pytest.fixture(scope="module")
def busy_history() -> tuple[History, Any, int]:
    """Contacts that come, change and go, more than one transaction takes; how the table stands before anything follows
    of it, and the write units that it costs.
    """
    history = History()
    ids = [
        history.create(
            str(number), email=f"{number}@example.com", name=f"Ada {number}", tags=["a", f"t{number % 3}"]
        )
        for number in range(50)
    ]
    for number in range(0, 50, 5):
        history.change(ids[number], add_tags=["vip"], first_name="Bea")
        history.delete(ids[number + 1])
    untouched, undisturbed = history.table.snapshot(), Meter(history.table.client())
    projected(history.records, undisturbed)
    return history, untouched, undisturbed.units


@pytest.mark.parametrize("calls", [4, 5])
def test_a_throttled_projection_gets_further_each_time(
    calls: int, busy_history: tuple[History, Any, int]
) -> None:
    history, untouched, units = busy_history
    projection, meter = projected_with(calls, history, untouched, lambda _: None)
    assert history.violations() == []
    assert len(projection.to_validate.sent) == 50
    assert meter.units <= 1.2 * units


def test_so_does_one_that_always_starts_again(busy_history: tuple[History, Any, int]) -> None:
    """What it costs then is bounded by the slices."""
    history, untouched, units = busy_history
    _, meter = projected_with(5, history, untouched, Projection.start_again)
    assert history.violations() == []
    assert meter.units <= 3 * units


def projected_with(
    calls: int, history: History, untouched: Any, between: Callable[[Projection], None]
) -> tuple[Projection, Meter]:
    """Take a batch at a table that throttles after so many calls of each try."""
    history.table.bring_back(untouched)
    meter, records = Meter(history.table.client()), history.records
    # A lean one looks first at whether contacts are posted, and puts their postings in a call of its own.
    table = Throttled(meter, calls + 2 if Projection.is_lean else calls)
    projection, tries = Projection(table), 0
    while (undone := projection.take(records)) is not None:
        assert undone > 0
        records, tries = records[undone:], tries + 1
        table.recovered()
        between(projection)
    assert tries > 2
    return projection, meter


@pytest.mark.parametrize("queue", ["to_validate", "to_erase"])
def test_so_is_what_a_queue_does_not_take(queue: str) -> None:
    history = ordinary_history()
    projection = Projection(history.table.client())
    getattr(projection, queue).fails = True
    assert projection.take(history.records) == 0
    getattr(projection, queue).fails = False
    assert projection.take(history.records) is None
    assert {body["contact_id"] for body in getattr(projection, queue).bodies}
    assert history.violations() == []


class Contended(ProjectionStore):
    """Others hold the items for a while."""

    def __init__(self, table: Table, times: int) -> None:
        super().__init__(table)
        self.times = times

    def post(
        self, account_id: str, wanted: Mapping[Derived, bool], uncounted: Iterable[Posting] = ()
    ) -> None:
        self._busy()
        super().post(account_id, wanted, uncounted)

    def release_claim(self, account_id: str, contact_id: str, name: Name) -> None:
        self._busy()
        super().release_claim(account_id, contact_id, name)

    def _busy(self) -> None:
        if self.times:
            self.times -= 1
            raise Contention


def contended_projector(table: MotoTable, times: int) -> tuple[Projector, FakeClock]:
    clock = FakeClock()
    store = Contended(Table(table.client(), NAME), times)
    return Projector(store, ListedQueue(), ListedQueue(), clock, CountingBytes()), clock


def read(records: list[Record]) -> list[StreamChange]:
    return [change for record in records if (change := stream_change(record)) is not None]


def test_whoever_holds_the_same_count_is_waited_for() -> None:
    history = ordinary_history()
    projector, clock = contended_projector(history.table, 5)
    projector.handle(read(history.records))
    assert history.violations() == []
    assert len(clock.slept) == 5


def test_but_not_for_ever() -> None:
    history = ordinary_history()
    projector, _ = contended_projector(history.table, 1000)
    with pytest.raises(TemporarilyUnavailable):
        projector.handle(read(history.records))


def test_an_expired_contact_whose_claim_others_hold_is_waited_for() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.expire(ada)
    projector, clock = contended_projector(history.table, 0)
    projector.handle(read(history.records[:-1]))
    projector._store.times = 3  # type: ignore[attr-defined]
    projector.handle(read(history.records[-1:]))
    assert claims(history.table) == {}
    assert len(clock.slept) == 3


# The SDK between it and the table


@pytest.fixture
def sound_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Its pauses pass at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    return Wire(MotoTable())


def test_every_fault_at_every_call_ends_well(sound_wire: Wire) -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com", tags=["vip"])
    history.change(ada, tags=["beta"], name="Ada")
    history.delete(ada)
    history.expire(ada)
    history.create("bea", tags=["vip"])
    sound_wire.table.bring_back(history.table.snapshot())
    untouched, dynamodb = sound_wire.table.snapshot(), sound_wire.client()
    projected(history.records, dynamodb)
    methods = tuple(sound_wire.methods)
    for number, method in enumerate(methods, start=1):
        for fault in (fault for fault in FAULTS if fault.strikes(method)):
            for times in (1, 1000):
                sound_wire.be_sound()
                sound_wire.table.bring_back(untouched)
                sound_wire.strike(fault, number, times)
                projection = Projection(dynamodb)
                if projection.take(history.records) is not None:
                    sound_wire.be_sound()
                    assert projection.take(history.records) is None
                assert derived_violations(sound_wire.table.items(), ACCOUNT_ID) == [], (fault, number)
                assert claims(sound_wire.table).keys() == {"crm-bea"}, (fault, number)
                assert projection.unreadable.sent == [], (fault, number)


# Transactions


def test_a_contact_with_as_much_as_it_can_have() -> None:
    history = History()
    tags = [f"{number:02}" + "𝄞" * 98 for number in range(100)]
    lists = [f"list-{number}" for number in range(100)]
    letters = " ".join(chr(code) for code in range(ord("一"), ord("一") + 127))
    ada = history.create("ada", tags=tags, lists=lists, name=letters, email="ada@example.com")
    calls = Mortal(history.table.client())
    projected(history.records, calls)
    history.change(ada, tags=tags[:50], lists=[])
    projected(history.records, calls)
    assert history.violations() == []
    for items in (
        request["TransactItems"] for method, request in calls.calls if method.startswith("transact")
    ):
        touched = [_key_in(step) for step in items]
        assert len(touched) == len(set(touched)) <= MAX_STEPS
    assert max(len(key[1].encode()) for key in map(key_of, history.table.items())) <= 1024
    assert max(len(key[0].encode()) for key in map(key_of, history.table.items())) <= 2048


def _key_in(step: dict[str, Any]) -> tuple[str, str]:
    ((_, request),) = step.items()
    return key_of(request.get("Key") or request["Item"])


postings = st.builds(
    Posting,
    st.builds(PostingList, st.just(PostingKind.TAG), st.sampled_from("abcdefgh")) | st.just(ALL_CONTACTS),
    st.integers(0, 60).map(str),
)


@given(wanted=st.dictionaries(postings, st.booleans(), max_size=300), steps=st.integers(2, STEPS_AT_ONCE))
def test_transactions_hold_everything_once_and_fit(wanted: dict[Derived, bool], steps: int) -> None:
    groups = list(transactions(wanted, steps))
    assert {posting: is_wanted for group in groups for posting, is_wanted in group.items()} == wanted
    assert sum(map(len, groups)) == len(wanted)
    for group in groups:
        assert len(group) + len({posting.posting_list for posting in group}) <= steps


def test_of_many_changes_in_a_batch_only_the_last_is_written() -> None:
    history = History()
    ada = history.create("ada")
    for _ in range(20):
        history.change(ada, tags=["vip"], name="Ada")
        history.change(ada, tags=["beta"], name="Bea")
    calls = Mortal(history.table.client())
    projected(history.records, calls)
    assert history.violations() == []
    # The first assumes that the tag vip was there in between, the second knows better. A lean one created her before.
    assert [method for method, _ in calls.calls].count("transact_write_items") == 2 + Projection.is_lean


def test_what_it_costs_to_project_a_new_contact() -> None:
    """words + 2 × (postings + the item that carries all their counts).

    Lean: words + postings + 2 × (the posting of all + the item that carries all counts).
    """
    history = History()
    history.create("first", **CONTACT)
    meter = Meter(history.table.client())
    projection = Projection(meter)
    projection.take(history.records)
    cold = meter.units
    twin = {**CONTACT, "email": "ada@example.co", "external_id": "crm-4712"}
    history.create("second", **twin)
    projection.take(history.records[-1:])
    (second,) = read(history.records[-1:])
    assert second.after is not None
    lists, words = posting_lists(second.after), words_of(second.after)
    assert (len(lists), len(words)) == (4, 6)
    if Projection.is_lean:
        assert meter.units - cold == cold == len(words) + (len(lists) - 1) + 2 * 2 == 13
    else:
        assert meter.units - cold == cold == len(words) + 2 * (len(lists) + 1) == 16


def test_a_change_that_touches_nothing_derived_costs_nothing() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com", tags=["vip"])
    projection = projected(history.records, history.table.client())
    meter = Meter(history.table.client())
    projection = Projection(meter)
    history.change(ada, custom_fields={"plan": "pro"}, is_active=False, metadata={"x": 1})
    projection.take(history.records[-1:])
    assert meter.units == 0
    assert projection.to_validate.sent == []


# Words


def test_first_characters_are_listed_before_their_words_and_once_a_process() -> None:
    """But those that any account may have: the letters and digits of ASCII, and what phones begin with."""
    history = History()
    history.create("ada", name="Ада", phone="+380501234567")
    history.create("bea", name="Беа Ада", email="7@bea.example")
    calls = Mortal(history.table.client())
    projection = projected(history.records[:1], calls)
    written = [
        [_key_in({"Put": put["PutRequest"]}) for put in request["RequestItems"][NAME]]
        for method, request in calls.calls
        if method == "batch_write_item"
    ]
    assert [{key[0] for key in batch} for batch in written] == [
        {keys.counts(ACCOUNT_ID)},
        {keys.word_partition(ACCOUNT_ID, character) for character in "аc+"},
    ]
    calls.calls.clear()
    assert projection.take(history.records[1:]) is None
    listed = [
        key
        for method, request in calls.calls
        if method == "batch_write_item"
        for key in (_key_in({"Put": put["PutRequest"]}) for put in request["RequestItems"][NAME])
        if key[0] == keys.counts(ACCOUNT_ID)
    ]
    assert listed == [keys.first_character(ACCOUNT_ID, "б")]


def test_words_of_an_earlier_release_go_with_what_they_came_from() -> None:
    history = History()
    of_earlier_releases = patch("contacts.projection.service.words_of", earlier_words_of)
    names = {"ada": "Łady O’Lace", "bea": "Bea (Sr.)", "cid": "Сід", "dan": "O-Dan"}
    ids = {
        label: history.create(label, email=f"{label}@x.example", name=name) for label, name in names.items()
    }
    projection = Projection(history.table.client())
    with of_earlier_releases:
        projection.take(history.records)
    history.records = []
    history.change(ids["ada"], email="ada@other.example")
    history.change(ids["bea"], name="Łara", phone="+380501234567")
    history.change(ids["cid"], tags=["vip"])
    history.delete(ids["dan"])
    meter = Meter(history.table.client())
    Projection(meter).take(history.records)
    found = words_in(history.table)
    assert {word for word, contact_id in found if contact_id == ids["dan"]} == set()
    assert {word for word, contact_id in found if contact_id == ids["ada"]} == {
        *("ada", "ada@other.example", "other.example", "crm-ada"),
        *("łady", "o'lace", "o", "lace", "example"),  # What has not changed waits for a reindexing.
    }
    assert not {"(sr.)", "sr"} & {word for word, _ in found}
    for label in ("ada", "bea", "cid"):
        history.delete(ids[label])
    projected(history.records, history.table.client())
    assert words_in(history.table) == set()


def test_a_change_takes_no_more_writes_than_with_the_words_of_earlier_releases() -> None:
    history = History()
    ada = history.create("kay", email="ada@x.example", first_name="Ada", last_name="Lovelace")
    meter = Meter(history.table.client())
    projection = projected(history.records, meter)
    for fields in ({"last_name": "Clay"}, {"email": "ada@a.example"}, {"name": "A.", "external_id": "c2"}):
        units = meter.units
        history.change(ada, **fields)
        projection.take(history.records[-1:])
        (change,) = read(history.records[-1:])
        assert change.before is not None
        assert change.after is not None
        before, after = earlier_words_of(change.before), earlier_words_of(change.after)
        assert meter.units - units <= len(before ^ after)


def words_in(table: MotoTable) -> set[tuple[str, str]]:
    """Words in the table, each with its contact."""
    beginning = keys.word_partition(ACCOUNT_ID, "")
    found = (keys.Key(item["PK"]["S"], item["SK"]["S"]) for item in table.items())
    return {keys.posted_word(key) for key in found if key.PK.startswith(beginning)}


def test_a_process_does_not_remember_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.projection.service._REMEMBERED", 10)
    table = MotoTable()
    projection = Projection(table.client())
    projection.projector.handle(
        [changed(None, contact(number, name=chr(ord("一") + number))) for number in range(50)]
    )
    projection.projector.handle([changed(None, contact(99, name="x"))])
    projection.projector.handle([changed(None, contact(100, name="y"))])
    assert len(projection.projector._listed) <= 51


# Accounts


def test_a_batch_of_several_accounts() -> None:
    table = MotoTable()
    projection = Projection(table.client())
    changes = [
        changed(None, contact(number, name="Ada", tags=("vip",)), account_id)
        for number in range(3)
        for account_id in (ACCOUNT_ID, OTHER_ACCOUNT)
    ]
    projection.projector.handle(changes)
    assert counts(table) == counts(table, OTHER_ACCOUNT) == {"ALL": 3, "TAG#vip": 3}


class Held:
    """A client of which every write of some keys is refused, as if others held them or their partition throttled."""

    def __init__(self, client: Any, beginning: str, refusal: Callable[[], object]) -> None:
        self._client = client
        self._beginning = beginning
        self._refusal = refusal

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, **request: Any) -> Any:
        may_be_refused = method == "transact_write_items" or self._refusal is not _conflict
        if may_be_refused and self._beginning and f'"{self._beginning}' in json.dumps(request):
            self._refusal()
        return getattr(self._client, method)(**request)


def _conflict() -> None:
    error = {"Code": "TransactionCanceledException", "Message": "x"}
    reasons = [{"Code": "TransactionConflict"}]
    response: Any = {"Error": error, "CancellationReasons": reasons}
    raise ClientError(response, "TransactWriteItems")


@pytest.mark.parametrize(
    ("room", "refusal"),
    [
        ("#COUNTS", _throttled),
        ("#COUNTS", _conflict),
        ("#ALL", _throttled),
        ("#ALL", _conflict),
        ("#WORD#a", _throttled),
    ],
)
def test_an_account_that_is_held_up_holds_up_no_other_one(room: str, refusal: Callable[[], object]) -> None:
    table = MotoTable()
    meter = Meter(table.client())
    held = Held(meter, f"ACCOUNT#{ACCOUNT_ID}{room}", refusal)
    projection = Projection(held)
    changes = [
        replace(
            changed(None, contact(number, name=f"Ada {number}", email=f"{number}@x.example"), account_id),
            record_id=f"{number}",
        )
        for number, account_id in enumerate((OTHER_ACCOUNT, ACCOUNT_ID) * 20)
    ]
    with pytest.raises(PartlyHandled) as partly:
        projection.projector.handle(changes)
    assert partly.value.handled == 1
    assert counts(table, OTHER_ACCOUNT) == {"ALL": 20}
    told = len(projection.to_validate.sent)
    assert told >= 20
    held._beginning, units = "", meter.units
    projection.projector.handle(changes[1:])
    assert counts(table) == counts(table, OTHER_ACCOUNT) == {"ALL": 20}
    assert len(projection.to_validate.sent) == 40
    # Of the other account nothing is written again.
    assert meter.units - units <= 20 * (2 + 4) + 2 + 11


def test_what_was_done_ahead_is_done_again_behind_what_comes_again() -> None:
    """Lambda may begin earlier than at the record that was reported."""
    history = History()
    ada = history.create("ada", tags=["vip"])
    history.change(ada, tags=["beta"])
    other = changed(None, contact(1, name="Bea"), OTHER_ACCOUNT)
    held = Held(history.table.client(), f"ACCOUNT#{OTHER_ACCOUNT}", _throttled)
    projector = Projection(held).projector
    first, second = read(history.records)
    projector.handle([first])
    with pytest.raises(PartlyHandled):
        projector.handle([other, second])
    held._beginning = ""
    projector.handle([first, other, second])
    assert history.violations() == []


def test_words_of_a_batch_are_written_side_by_side_and_the_first_alone() -> None:
    table = MotoTable()
    calls = Mortal(table.client())
    Projection(calls).projector.handle(
        [changed(None, contact(number, name=f"Ada {number} Bea Cid Dan")) for number in range(40)]
    )
    assert (
        len({key for key in map(key_of, table.items()) if key[0].startswith(f"ACCOUNT#{ACCOUNT_ID}#WORD#")})
        == 200
    )
    assert [method for method, _ in calls.calls].count("batch_write_item") == 8


# What is to be validated


PENDING, VALID = ValidationStatus.PENDING, ValidationStatus.VALID
ADA = contact(email="ada@example.com", external_id="x")

VALIDATIONS: dict[str, tuple[Contact | None, Contact | None, bool]] = {
    "a new email": (None, ADA, True),
    "another email": (ADA, replace(ADA, email="ada@example.org", version=2), True),
    "an email where there was none": (replace(ADA, email=None), ADA, True),
    "no email": (None, replace(ADA, email=None), False),
    "no email any more": (ADA, replace(ADA, email=None), False),
    "the same email": (ADA, replace(ADA, first_name="Ada"), False),
    "a verdict": (ADA, replace(ADA, validation_status=VALID), False),
    "restored, never judged": (None, replace(ADA, version=3), True),
    "restored, judged before": (None, replace(ADA, version=3, validation_status=VALID), False),
    "deleted": (ADA, None, False),
}


@pytest.mark.parametrize(("before", "after", "is_asked"), VALIDATIONS.values(), ids=VALIDATIONS.keys())
def test_which_contacts_are_to_be_validated(
    before: Contact | None, after: Contact | None, is_asked: bool
) -> None:
    projection = Projection(MotoTable().client())
    projection.projector.handle([changed(before, after)])
    body = {"account_id": ACCOUNT_ID, "contact_id": ADA.id}
    assert projection.to_validate.sent == ([Outgoing(body=body, group=ACCOUNT_ID)] if is_asked else [])
    assert projection.to_erase.sent == []


def test_a_contact_is_asked_about_once_a_batch() -> None:
    projection = Projection(MotoTable().client())
    other = replace(ADA, email="ada@example.org")
    projection.projector.handle([changed(None, ADA), changed(ADA, other), changed(other, ADA)])
    assert len(projection.to_validate.sent) == 1


# What is to be erased


def test_a_tombstone_has_its_contact_erased() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.change(ada, name="Ada")
    history.delete(ada, permanent=True)
    projection = projected(history.records, history.table.client())
    body = {"account_id": ACCOUNT_ID, "contact_id": ada, "version": 2}
    assert projection.to_erase.sent == [Outgoing(body=body, group=ACCOUNT_ID)]


def test_so_has_the_end_of_its_days_in_the_trash() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.expire(ada)
    projection = projected(history.records, history.table.client())
    body = {"account_id": ACCOUNT_ID, "contact_id": ada, "version": 1}
    assert projection.to_erase.sent == [Outgoing(body=body, group=ACCOUNT_ID)]


def test_neither_the_trash_nor_a_restore_has() -> None:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    history.delete(ada)
    history.restore(ada)
    projection = projected(history.records, history.table.client())
    assert projection.to_erase.sent == []


# Claims of contacts whose days in the trash are over


def claims(table: MotoTable) -> dict[str, str]:
    """By name, whose they are and whether they are live."""
    rooms = {kind: keys.claim(ACCOUNT_ID, Name(kind, "")).PK for kind in NameKind}
    return {
        item["PK"]["S"].removeprefix(room): f"{item['contact_id']['S']} {item['state']['S']}"
        for item in table.items()
        for room in rooms.values()
        if item["PK"]["S"].startswith(room)
    }


def expiring() -> tuple[History, str]:
    history = History()
    ada = history.create("ada", email="ada@example.com")
    return history, ada


def absorb(history: History, contact_id: str, *names: Name) -> None:
    """Give a contact the names of others, as a merge does."""
    key = {name: {"S": part} for name, part in keys.contact(ACCOUNT_ID, contact_id)._asdict().items()}
    merged_names = {"L": [{"S": f"{name.kind}:{name.value}"} for name in names]}
    history.write(
        "update_item",
        Key=key,
        UpdateExpression="SET absorbed = :a",
        ExpressionAttributeValues={":a": merged_names},
    )
    for name in names:
        claim = keys.claim(ACCOUNT_ID, name)
        item = {"PK": {"S": claim.PK}, "SK": {"S": claim.SK}, "contact_id": {"S": contact_id}}
        history.write("put_item", Item={**item, "state": {"S": "live"}})


def test_its_names_are_free_again() -> None:
    history, ada = expiring()
    absorb(history, ada, Name(NameKind.EMAIL, "old@example.com"), Name(NameKind.ALIAS, "0-0"))
    history.delete(ada)
    assert len(claims(history.table)) == 4
    history.expire(ada)
    projected(history.records, history.table.client())
    assert claims(history.table) == {}


def test_but_not_those_that_others_have_taken() -> None:
    history, ada = expiring()
    history.delete(ada)
    bea = history.create("bea")
    history.change(bea, email="ada@example.com")
    history.expire(ada)
    projection = projected(history.records, history.table.client())
    assert claims(history.table) == {"ada@example.com": f"{bea} live", "crm-bea": f"{bea} live"}
    projection.take(history.records)
    assert claims(history.table) == {"ada@example.com": f"{bea} live", "crm-bea": f"{bea} live"}


def test_nor_those_of_another_in_the_trash() -> None:
    history, ada = expiring()
    history.delete(ada)
    bea = history.create("bea")
    history.change(bea, email="ada@example.com")
    history.delete(bea)
    history.expire(ada)
    projected(history.records, history.table.client())
    assert claims(history.table) == {"ada@example.com": f"{bea} deleted", "crm-bea": f"{bea} deleted"}


def test_nor_those_of_a_live_contact_whatever_the_stream_says() -> None:
    history, ada = expiring()
    (created,) = read(history.records)
    projection = Projection(history.table.client())
    expired = replace(created, kind=ChangeKind.EXPIRED, before=created.after, after=None)
    projection.projector.handle([expired])
    assert claims(history.table) == {"ada@example.com": f"{ada} live", "crm-ada": f"{ada} live"}


# Names that look like something else


@pytest.mark.parametrize("tag", ["#", "a#b", "ALL", "TAG#vip", "vip#0198f3a0", " ", "\n", "🎉" * 100, "\x01"])
def test_a_tag_may_be_anything(tag: str) -> None:
    history = History()
    ada = history.create("ada", tags=[tag, "vip"], name=tag)
    projected(history.records, history.table.client())
    assert history.violations() == []
    assert counts(history.table)[keys.count(ACCOUNT_ID, PostingList(PostingKind.TAG, tag)).SK] == 1
    history.delete(ada)
    projected(history.records, history.table.client())
    assert history.violations() == []
    assert set(counts(history.table).values()) == {0}


# The check itself


def _lost(room: Callable[[str], str]) -> Callable[[History], None]:
    def lose(history: History) -> None:
        item = next(item for item in history.table.items() if item["PK"]["S"] == room(ACCOUNT_ID))
        history.table.remove(item)

    return lose


@pytest.mark.parametrize(
    "room",
    [
        lambda account_id: keys.posting(account_id, ALL_CONTACTS, "").PK,
        lambda account_id: keys.posting(account_id, PostingList(PostingKind.TAG, "vip"), "").PK,
        lambda account_id: keys.word_partition(account_id, "a"),
        keys.counts,
    ],
)
def test_the_check_of_what_is_derived_finds_what_is_lost(room: Callable[[str], str]) -> None:
    history = ordinary_history()
    projected(history.records, history.table.client())
    assert derived_violations(history.table.items(), ACCOUNT_ID) == []
    _lost(room)(history)
    assert history.violations() != []
