"""The reindexer: finds all that is derived wrongly and puts it right, beside the projection, and nothing else."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.core.errors import Contention, InvalidInput, TemporarilyUnavailable
from contacts.core.idempotency import ConcurrentModification
from contacts.projection import reindex as reindexing
from contacts.projection import store as reindex_store
from contacts.projection.reindex import Pass, ResumePoint
from contacts.projection.store import ReindexStore
from contacts.search import count_items
from contacts.search.count_items import Count
from contacts.search.query import ALL_CONTACTS, PostingKind, PostingList
from contacts.table import keys
from contacts.table.client import MAX_STEPS, Table
from contacts.table.expressions import Expression
from local.table import NAME
from tests.support.app import App
from tests.support.fakes import FakeClock
from tests.support.faulty_wire import FAULTS, Wire
from tests.support.hypothesis_profiles import examples, is_thorough
from tests.support.invariants import counted_in, derived_violations
from tests.support.moto_table import MotoTable
from tests.support.projection_harness import (
    History,
    Killed,
    Mortal,
    Projection,
    account_item,
    differences,
    ordinary_history,
    reindexer,
)
from tests.support.scenarios import ACCOUNT_ID

VIP, NEWS = PostingList(PostingKind.TAG, "vip"), PostingList(PostingKind.LIST, "news")
NOBODY = "0198f3a0-0000-7000-8000-0000000000ff"
Json = dict[str, Any]


@pytest.fixture(params=["carried", "of their own"])
def where_counts_lie(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In items of their own: what earlier releases wrote, and what does not fit into the item that carries counts."""
    if request.param == "of their own":
        monkeypatch.setattr("contacts.projection.count_places.CARRIED_BYTES", 0)


class Account(History):
    """Some contacts, all of them projected."""

    def __init__(self) -> None:
        super().__init__()
        self.ada = self.create("ada", email="ada@example.com", tags=["vip", "beta"], lists=["news"])
        self.bea = self.create("bea", email="bea@example.com", tags=["vip"], name="Bea")
        self.cid = self.create("cid", tags=["vip", "x#y"], name="Сід")
        self.dan = self.create("dan", email="dan@example.com", tags=["gone"])
        self.projection = Projection(self.table.client())
        self.project()
        self.delete(self.dan)
        self.project()

    def project(self) -> None:
        """Have the projection catch up."""
        self.projection.take(self.records)
        self.records = []

    def report(self, **command: Any) -> Json:
        return reindexer(self.table.client()).reindex(ACCOUNT_ID, **command).as_json()

    def lose(self, key: keys.Key) -> None:
        self.table.remove(typed(key))

    def put(self, key: keys.Key, **attributes: Any) -> None:
        self.table.call("put_item", {"TableName": NAME, "Item": typed(key) | attributes})

    def set_count(self, posting_list: PostingList, n: int) -> None:
        """Have a count say `n`, after seven changes, whether it is carried or not."""
        if posting_list == ALL_CONTACTS or not self.lose_carried(posting_list):
            self.update(keys.count(ACCOUNT_ID, posting_list), "SET n = :n, changes = :seven", n, 7)
        else:
            number = 7 * count_items._ONE_CHANGE + n
            self.update(keys.count(ACCOUNT_ID, ALL_CONTACTS), "SET #name = :n", number, name=posting_list)

    def lose_count(self, posting_list: PostingList) -> None:
        """Lose a count, whether it is carried or not."""
        if not self.lose_carried(posting_list):
            self.lose(keys.count(ACCOUNT_ID, posting_list))

    def lose_carried(self, posting_list: PostingList) -> bool:
        """Lose a count that is carried. Returns whether it was."""
        of_all = keys.count(ACCOUNT_ID, ALL_CONTACTS)
        items = [item for item in self.table.items() if typed(of_all).items() <= item.items()]
        name = keys.carried_name(posting_list)
        if not any(name in item for item in items):
            return False
        self.update(of_all, "REMOVE #name", name=posting_list)
        return True

    def update(self, key: keys.Key, expression: str, *values: int, name: PostingList | None = None) -> None:
        """Update an item. The values stand for `:n` and `:seven`, the list for `#name`."""
        request: Json = {"TableName": NAME, "Key": typed(key), "UpdateExpression": expression}
        if values:
            placeholders = zip((":n", ":seven"), values, strict=False)
            request["ExpressionAttributeValues"] = {one: {"N": str(value)} for one, value in placeholders}
        if name is not None:
            request["ExpressionAttributeNames"] = {"#name": keys.carried_name(name)}
        self.table.call("update_item", request)

    def contents(self) -> Any:
        """All of the table, but for counts of nothing, which are cleared away."""
        items = sorted(self.table.items(), key=lambda item: (item["PK"]["S"], item["SK"]["S"]))
        lists = counted_in(items, ACCOUNT_ID)
        of_nothing = {keys.carried_name(one) for one, n in lists.items() if n == 0}
        return [
            {name: value for name, value in item.items() if name not in {*of_nothing, "room_taken"}}
            for item in items
            if item.get("n") != {"N": "0"}
        ]


def typed(key: keys.Key) -> Json:
    return {name: {"S": part} for name, part in key._asdict().items()}


def posting(posting_list: PostingList, contact_id: str) -> keys.Key:
    return keys.posting(ACCOUNT_ID, posting_list, contact_id)


def word(text: str, contact_id: str) -> keys.Key:
    return keys.word_posting(ACCOUNT_ID, text, contact_id)


# Finding and repairing


def test_where_nothing_is_wrong_nothing_is_found_and_nothing_changed() -> None:
    account = Account()
    before = account.contents()
    clock = FakeClock()
    report = reindexer(account.table.client(), clock).reindex(ACCOUNT_ID).as_json()
    assert report == {
        "account_id": ACCOUNT_ID,
        "contacts": 3,
        "missing": {"postings": 0, "words": 0, "counts": 0, "first_characters": 0},
        "orphaned": {"postings": 0, "words": 0},
        "miscounted": [],
        "uncounted": 0,
        "finished": True,
    }
    assert account.contents() == before
    assert clock.slept == []


def test_an_account_without_contacts() -> None:
    table = MotoTable()
    table.call("put_item", {"TableName": NAME, "Item": account_item(ACCOUNT_ID)})
    report = reindexer(table.client()).reindex(ACCOUNT_ID).as_json()
    assert (differences(report), report["contacts"], report["finished"]) == (0, 0, True)


@pytest.mark.usefixtures("where_counts_lie")
def test_counts_of_nothing_are_cleared_away() -> None:
    account = Account()
    gone = PostingList(PostingKind.TAG, "gone")
    assert gone in counted_in(account.table.items(), ACCOUNT_ID)
    assert differences(account.report(dry_run=True)) == 0
    assert gone in counted_in(account.table.items(), ACCOUNT_ID)
    assert differences(account.report()) == 0
    assert gone not in counted_in(account.table.items(), ACCOUNT_ID)


Damage = Callable[[Account], object]
Found = dict[str, Any]


def _lose_everything(account: Account) -> None:
    for item in account.table.items():
        room = item["PK"]["S"].removeprefix(f"ACCOUNT#{ACCOUNT_ID}").lstrip("#").partition("#")[0]
        if room in ("ALL", "TAG", "LIST", "WORD", "COUNTS"):
            account.table.remove(item)


def _orphans(account: Account) -> None:
    account.put(posting(ALL_CONTACTS, NOBODY))
    account.put(posting(VIP, account.dan))
    account.put(posting(NEWS, account.bea))
    account.put(word("ghost", NOBODY))
    account.put(word("bea", account.ada))
    account.put(word("dan@example.com", account.dan))


DAMAGES: dict[str, tuple[Damage, Found]] = {
    "a posting": (
        lambda account: account.lose(posting(VIP, account.ada)),
        {"missing": {"postings": 1}},
    ),
    "a posting of all": (
        lambda account: account.lose(posting(ALL_CONTACTS, account.cid)),
        {"missing": {"postings": 1}},
    ),
    "a word": (lambda account: account.lose(word("ada", account.ada)), {"missing": {"words": 1}}),
    "a count": (
        lambda account: account.lose_count(VIP),
        {"missing": {"counts": 1}, "miscounted": ["tag"]},
    ),
    "a wrong count": (
        lambda account: account.set_count(ALL_CONTACTS, 12),
        {"miscounted": ["all"]},
    ),
    "a negative count": (
        lambda account: account.set_count(NEWS, -1),
        {"miscounted": ["list"]},
    ),
    "a count of what nobody has": (
        lambda account: account.set_count(PostingList(PostingKind.TAG, "none"), 3),
        {"miscounted": ["tag"]},
    ),
    "a count that counts nothing": (
        lambda account: account.put(keys.count(ACCOUNT_ID, VIP)),
        {"miscounted": ["tag"]},
    ),
    "a first character": (
        lambda account: account.lose(keys.first_character(ACCOUNT_ID, "с")),
        {"missing": {"first_characters": 1}},
    ),
    "a first character with its words": (
        lambda account: [
            account.lose(keys.first_character(ACCOUNT_ID, "с")),
            account.lose(word("сід", account.cid)),
        ],
        {"missing": {"words": 1}},
    ),
    "orphans": (_orphans, {"orphaned": {"postings": 3, "words": 3}}),
    "everything": (_lose_everything, {"missing": {"postings": 9, "words": 10}}),
}


@pytest.fixture(params=DAMAGES.items(), ids=DAMAGES.keys())
def damaged(request: pytest.FixtureRequest, where_counts_lie: None) -> tuple[Account, Found]:
    _, (damage, found) = request.param
    account = Account()
    damage(account)
    return account, found


def told_of(report: Json) -> Found:
    """What a report tells that is not nothing."""
    kinds = {kind: {name: n for name, n in report[kind].items() if n} for kind in ("missing", "orphaned")}
    kinds["miscounted"] = report["miscounted"]
    return {kind: found for kind, found in kinds.items() if found}


def without_counts(found: Found) -> Found:
    return {kind: value for kind, value in found.items() if kind != "miscounted"}


def test_each_damage_is_found_and_repaired(damaged: tuple[Account, Found]) -> None:
    account, found = damaged
    report = account.report()
    # What a posting without its count does to the count comes on top.
    assert told_of(report) | found == told_of(report)
    assert without_counts(told_of(report)) == without_counts(found)
    assert account.violations() == []
    assert differences(account.report()) == 0


def test_a_dry_run_tells_the_same_and_changes_nothing(damaged: tuple[Account, Found]) -> None:
    account, found = damaged
    before = account.table.items()
    report = account.report(dry_run=True)
    assert account.table.items() == before
    assert without_counts(told_of(report)) == without_counts(found)
    if "miscounted" in found:
        assert set(report["miscounted"]) >= set(found["miscounted"])


def test_a_report_tells_nothing_of_anybody(damaged: tuple[Account, Found]) -> None:
    account, _ = damaged
    text = json.dumps(account.report())
    assert not any(name in text for name in ("ada", "vip", "news", "example", account.ada))


def test_a_contact_with_as_much_as_it_can_have_is_rebuilt() -> None:
    account = Account()
    letters = " ".join(chr(code) for code in range(ord("一"), ord("一") + 127))
    tags, lists = [f"tag {number}" for number in range(100)], [f"list-{number}" for number in range(100)]
    account.change(account.ada, tags=tags, lists=lists, name=letters)
    account.project()
    _lose_everything(account)
    calls = Mortal(account.table.client())
    report = reindexer(calls).reindex(ACCOUNT_ID).as_json()
    assert account.violations() == []
    assert report["missing"]["postings"] == 201 + 5
    transactions = [request["TransactItems"] for method, request in calls.calls if method.startswith("trans")]
    assert max(map(len, transactions)) <= MAX_STEPS


def test_other_accounts_are_let_alone() -> None:
    account = Account()
    _lose_everything(account)
    other = ACCOUNT_ID[:-1] + "2"
    account.put(keys.posting(other, ALL_CONTACTS, NOBODY))
    account.put(keys.word_posting(other, "ghost", NOBODY))
    account.report()
    mine = f"ACCOUNT#{ACCOUNT_ID}"
    others = [item for item in account.table.items() if not item["PK"]["S"].startswith(mine)]
    assert {item["PK"]["S"].partition("#")[2] for item in others} == {f"{other}#ALL", f"{other}#WORD#g"}


# Beside the projection


def change_everything(account: Account) -> None:
    """A change of each kind, not projected yet."""
    account.change(account.ada, remove_tags=["vip"], add_tags=["new"], name="Ἀδα")
    account.change(account.bea, email=None, lists=["news"])
    account.delete(account.cid)
    account.restore(account.dan)
    account.create("eve", email="eve@example.com", tags=["vip"])


def test_what_the_projection_does_within_seconds_is_no_difference() -> None:
    account = Account()
    change_everything(account)
    clock = FakeClock()
    clock.sleep = lambda seconds: account.project()  # type: ignore[method-assign]
    report = reindexer(account.table.client(), clock).reindex(ACCOUNT_ID).as_json()
    assert differences(report) == 0
    assert account.violations() == []
    assert account.records == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_nor_is_it_to_a_dry_run(dry_run: bool) -> None:
    account = Account()
    change_everything(account)
    clock = FakeClock()
    clock.sleep = lambda seconds: account.project()  # type: ignore[method-assign]
    report = reindexer(account.table.client(), clock).reindex(ACCOUNT_ID, dry_run=dry_run).as_json()
    assert differences(report) == 0


def test_what_it_does_after_that_is_done_before_it_and_counts_once() -> None:
    account = Account()
    change_everything(account)
    assert differences(account.report()) > 0
    assert account.violations() == []
    account.project()
    assert account.violations() == []
    assert differences(account.report()) == 0


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_contact_that_changes_while_it_is_looked_at_is_left_to_the_projection(dry_run: bool) -> None:
    account = Account()
    account.lose(posting(VIP, account.ada))
    account.put(word("ghost", account.bea))
    account.put(word("ghost", NOBODY))
    account.put(keys.first_character(ACCOUNT_ID, "g"))
    clock = FakeClock()

    def meanwhile(_: float) -> None:
        account.change(account.ada, name="Ada")
        account.delete(account.bea)

    clock.sleep = meanwhile  # type: ignore[method-assign]
    report = reindexer(account.table.client(), clock).reindex(ACCOUNT_ID, dry_run=dry_run).as_json()
    assert told_of(report) == {"orphaned": {"words": 1}, "miscounted": ["tag"]}
    account.project()
    again = told_of(account.report())
    assert again["missing"] == {"postings": 1}
    assert again["orphaned"] == {"words": 2 if dry_run else 1}
    assert account.violations() == []


MEANWHILE: dict[str, Callable[[Account], object]] = {
    "the projection catches up": lambda account: account.project(),
    "a contact changes": lambda account: account.change(account.ada, tags=["new"], name="Zoë"),
    "a contact changes and is projected": lambda account: [
        account.change(account.ada, tags=["vip"], lists=[], name="Zoë"),
        account.project(),
    ],
    "a contact goes and comes back": lambda account: [
        account.delete(account.bea),
        account.project(),
        account.restore(account.bea),
    ],
    "a contact comes": lambda account: [account.create("eve", tags=["vip", "eve"]), account.project()],
    "a contact is erased": lambda account: account.delete(account.ada, permanent=True),
    "another rebuild": lambda account: account.report(),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE.keys())
def test_whatever_happens_between_its_calls_all_is_right_in_the_end(
    meanwhile: Callable[[Account], object],
) -> None:
    account = damaged_and_changed()
    kept, alone = account.kept(), Mortal(account.table.client())
    reindexer(alone).reindex(ACCOUNT_ID)
    for call in range(1, len(alone.calls) + 1, 2 if is_thorough() else 5):
        account.bring_back(kept)
        account.projection.start_again()
        client = Mortal(account.table.client(), call)
        client.dies = partial(meanwhile, account)
        assert reindexer(client).reindex(ACCOUNT_ID).as_json()["finished"]
        account.project()
        # What changed as it was being looked at was left; another run finds what this one did not.
        if account.violations():
            account.report()
        assert account.violations() == [], call


def damaged_and_changed() -> Account:
    account = Account()
    _orphans(account)
    account.lose(posting(VIP, account.cid))
    account.lose(word("cid", account.cid))
    account.set_count(NEWS, 5)
    account.change(account.bea, tags=["late"], email="b.ea@example.org")
    return account


@pytest.mark.usefixtures("where_counts_lie")
def test_killed_after_any_call_it_is_completed_by_the_next() -> None:
    account = Account()
    _orphans(account)
    account.lose(posting(VIP, account.cid))
    account.lose_count(NEWS)
    account.lose(word("cid", account.cid))
    damaged, alone = account.table.snapshot(), Mortal(account.table.client())
    reindexer(alone).reindex(ACCOUNT_ID)
    for call in range(1, len(alone.calls) + 1):
        account.table.bring_back(damaged)
        with pytest.raises(Killed):
            reindexer(Mortal(account.table.client(), call)).reindex(ACCOUNT_ID)
        account.report()
        assert account.violations() == [], call


# Counting


class Restless(ReindexStore):
    """A list that changes so many times while it is being counted."""

    def __init__(self, table: Table, times: int) -> None:
        super().__init__(table)
        self.times = times

    def length(self, account_id: str, posting_list: PostingList) -> int:
        found = super().length(account_id, posting_list)
        if self.times and posting_list == VIP:
            self.times -= 1
            expression, key = Expression(), keys.count(account_id, posting_list)
            if self._table.get(key):
                expression.add("changes", 1)
            else:
                key = keys.count(account_id, ALL_CONTACTS)
                expression.add(keys.carried_name(posting_list), count_items.carried_change(0))
            self._table.update("count", key, expression)
        return found


@pytest.mark.usefixtures("where_counts_lie")
@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(("times", "miscounted", "uncounted"), [(4, 1, 0), (5, 0, 1)])
def test_a_list_that_changes_while_it_is_counted_is_counted_again(
    times: int, miscounted: int, uncounted: int, dry_run: bool
) -> None:
    account = Account()
    account.set_count(VIP, 12)
    running = reindexer(account.table.client())
    running._store = Restless(Table(account.table.client(), NAME), times)
    report = running.reindex(ACCOUNT_ID, dry_run=dry_run).as_json()
    assert report["miscounted"] == ["tag"] * miscounted
    assert report["uncounted"] == uncounted
    assert report["finished"]
    assert (account.violations() == []) is (miscounted == 1 and not dry_run)


def test_a_right_count_is_right_however_it_changes() -> None:
    account = Account()
    running = reindexer(account.table.client())
    running._store = Restless(Table(account.table.client(), NAME), 1000)
    assert told_of(running.reindex(ACCOUNT_ID).as_json()) == {}


@pytest.mark.parametrize("seen", [None, Count(1, 7), Count(3, 6), Count(None, None)])
def test_a_count_that_is_not_as_it_was_seen_is_let_alone(seen: Count | None) -> None:
    account = Account()
    account.set_count(VIP, 3)
    store = ReindexStore(Table(account.table.client(), NAME))
    with pytest.raises(ConcurrentModification):
        store.set_count(ACCOUNT_ID, VIP, seen, 12)
    if seen is not None:
        with pytest.raises(ConcurrentModification):
            store.drop_count(ACCOUNT_ID, VIP, seen)
    assert store.count(ACCOUNT_ID, VIP) == (3, 7)


def test_a_count_that_was_set_has_changed_for_others_who_count() -> None:
    account = Account()
    account.set_count(VIP, 12)
    store = ReindexStore(Table(account.table.client(), NAME))
    store.set_count(ACCOUNT_ID, VIP, Count(12, 7), 3)
    assert store.count(ACCOUNT_ID, VIP) == (3, 8)


# Where others hold the items, or the table is busy


class Uncountable(ReindexStore):
    """Lists too long to be counted."""

    def length(self, account_id: str, posting_list: PostingList) -> int:
        raise TemporarilyUnavailable


def test_what_comes_before_the_counts_is_done_whatever_becomes_of_them() -> None:
    account = Account()
    account.lose(posting(VIP, account.ada))
    running = reindexer(account.table.client())
    running._store = Uncountable(Table(account.table.client(), NAME))
    report = running.reindex(ACCOUNT_ID).as_json()
    assert (differences(report), report["finished"], report["resume"]) == (1, False, "counts..")


class Contended(ReindexStore):
    def __init__(self, table: Table, times: int) -> None:
        super().__init__(table)
        self.times = times

    def repair(self, *arguments: Any) -> None:
        if self.times:
            self.times -= 1
            raise Contention
        super().repair(*arguments)


@pytest.mark.parametrize(("times", "is_finished"), [(3, True), (1000, False)])
def test_whoever_holds_the_same_items_is_waited_for(times: int, is_finished: bool) -> None:
    account = Account()
    account.lose(posting(VIP, account.ada))
    account.set_count(VIP, 2)
    running = reindexer(account.table.client())
    running._store = Contended(Table(account.table.client(), NAME), times)
    report = running.reindex(ACCOUNT_ID).as_json()
    assert report["finished"] is is_finished
    assert (account.violations() == []) is is_finished
    if not is_finished:
        assert differences(report) == 0
        assert differences(account.report(resume=report["resume"])) == 1


@pytest.fixture
def sound_wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Its pauses pass at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", lambda *_: True)
    return Wire(MotoTable())


def test_where_the_table_fails_for_long_it_tells_where_to_go_on(sound_wire: Wire) -> None:
    account = Account()
    account.lose(posting(VIP, account.ada))
    account.put(word("ghost", NOBODY))
    account.put(keys.first_character(ACCOUNT_ID, "g"))
    sound_wire.table.bring_back(account.table.snapshot())
    damaged, dynamodb = sound_wire.table.snapshot(), sound_wire.client()
    assert reindexer(dynamodb).reindex(ACCOUNT_ID).as_json()["finished"]
    methods = tuple(sound_wire.methods)
    for number, method in enumerate(methods, start=1):
        possible = [fault for fault in FAULTS if fault.strikes(method)]
        fault = possible[number % len(possible)]
        sound_wire.be_sound()
        sound_wire.table.bring_back(damaged)
        sound_wire.strike(fault, number, times=1000)
        with suppress(TemporarilyUnavailable):
            report = reindexer(dynamodb).reindex(ACCOUNT_ID).as_json()
            sound_wire.be_sound()
            if not report["finished"]:
                assert reindexer(dynamodb).reindex(ACCOUNT_ID, resume=report["resume"]).as_json()["finished"]
            assert derived_violations(sound_wire.table.items(), ACCOUNT_ID) == [], (fault, number)
            continue
        assert number == 1, "only before anything was done"


# Time


class Countdown:
    """Has time for so many looks at the clock."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reindex_store, "_CONTACTS_PAGE", 2)
    monkeypatch.setattr(reindex_store, "_KEYS_PAGE", 2)
    monkeypatch.setattr(reindexing, "_CONTACTS_AT_ONCE", 1)


@pytest.mark.parametrize("looks", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("enough", [1, 3, 200])
def test_time_may_run_out_anywhere(
    looks: int, enough: int, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "_ENOUGH", enough)
    account = Account()
    _orphans(account)
    account.lose(posting(VIP, account.cid))
    account.lose_count(NEWS)
    account.lose(word("cid", account.cid))
    dry = reindexer(account.table.client()).reindex(ACCOUNT_ID, dry_run=True).as_json()
    # What a dry run finds miscounted may be right once the postings are.
    whole = differences({**dry, "miscounted": []})
    found, resume = 0, None
    for _ in range(200):
        running = reindexer(account.table.client(), has_time=Countdown(looks + 1))
        report = running.reindex(ACCOUNT_ID, resume=resume).as_json()
        found += differences(report)
        if report["finished"]:
            break
        assert report["resume"] != resume, "no further than before"
        resume = report["resume"]
        assert not any(name in str(resume) for name in ("ada", "vip", "example", "ghost"))
    else:
        raise AssertionError("never finished")
    assert found >= whole
    assert account.violations() == []
    assert differences(account.report()) == 0


def test_without_any_time_nothing_is_done() -> None:
    account = Account()
    _orphans(account)
    before = account.table.items()
    report = reindexer(account.table.client(), has_time=lambda: False).reindex(ACCOUNT_ID).as_json()
    assert (report["finished"], report["resume"], differences(report)) == (False, "contacts..", 0)
    assert account.table.items() == before


def test_a_word_to_go_on_after_may_be_gone(small_pages: None) -> None:
    """Then its whole partition is gone through again."""
    account = Account()
    for number in range(9):
        account.put(word(f"ghost{number}", NOBODY))
    account.put(keys.first_character(ACCOUNT_ID, "g"))
    point = ResumePoint(Pass.WORDS, reindexing._digest("g"), reindexing._digest("ghost77", NOBODY))
    report = account.report(resume=str(point))
    assert report["orphaned"]["words"] == 9


def test_a_word_to_go_on_after_is_gone_on_after(small_pages: None) -> None:
    account = Account()
    for number in range(9):
        account.put(word(f"ghost{number}", NOBODY))
    account.put(keys.first_character(ACCOUNT_ID, "g"))
    point = ResumePoint(Pass.WORDS, reindexing._digest("g"), reindexing._digest("ghost4", NOBODY))
    assert account.report(resume=str(point))["orphaned"]["words"] == 4


digests = st.one_of(st.just(""), st.text("0123456789abcdef", min_size=32, max_size=32))


@given(
    point=st.one_of(
        st.builds(ResumePoint, st.just(Pass.CONTACTS), st.just(""), st.sampled_from(["", NOBODY])),
        st.builds(ResumePoint, st.just(Pass.POSTINGS), digests.filter(bool), st.sampled_from(["", NOBODY])),
        st.builds(ResumePoint, st.just(Pass.WORDS), digests.filter(bool), digests),
        st.builds(ResumePoint, st.sampled_from([Pass.POSTINGS, Pass.WORDS, Pass.COUNTS])),
        st.builds(ResumePoint, st.just(Pass.COUNTS), digests),
    )
)
def test_a_place_is_read_as_it_was_written(point: ResumePoint) -> None:
    assert ResumePoint.parsed(str(point)) == point


@given(text=st.one_of(st.text(), st.from_regex(r"(contacts|postings|words|counts)(\.[0-9a-g-]*){0,4}")))
@settings(max_examples=examples(300))
def test_what_is_no_place_is_refused(text: str) -> None:
    refused = []
    try:
        point = ResumePoint.parsed(text)
    except InvalidInput as error:
        refused = [error.field]
    if refused:
        assert refused == ["resume"]
    else:
        assert str(point) == text + "." * (2 - text.count("."))


# How it is invoked


def invoked(table: MotoTable, payload: Any) -> Any:
    """What the function answers."""
    context = SimpleNamespace(aws_request_id="l-1", get_remaining_time_in_millis=lambda: 900_000)
    return App(table.client()).handler("reindex_account")(payload, context)


def test_it_is_invoked_with_an_account() -> None:
    account = Account()
    _orphans(account)
    dry = invoked(account.table, {"account_id": ACCOUNT_ID.upper(), "dry_run": True})
    assert (dry["account_id"], dry["finished"], dry["orphaned"]["words"]) == (ACCOUNT_ID, True, 3)
    assert invoked(account.table, {"account_id": ACCOUNT_ID})["orphaned"]["words"] == 3
    resumed = invoked(account.table, {"account_id": ACCOUNT_ID, "resume": "words.."})
    assert (resumed["contacts"], differences(resumed)) == (0, 0)


PAYLOADS: list[tuple[Any, str]] = [
    ({}, "account_id"),
    ({"account_id": 7}, "account_id"),
    ({"account_id": ""}, "account_id"),
    ({"account_id": "ada@example.com"}, "account_id"),
    ({"account_id": NOBODY}, "account_id"),
    ({"account_id": f"{ACCOUNT_ID}\n"}, "account_id"),
    ({"account_id": ACCOUNT_ID, "dry_run": "yes"}, "dry_run"),
    ({"account_id": ACCOUNT_ID, "dry_run": None}, "dry_run"),
    ({"account_id": ACCOUNT_ID, "resume": 3}, "resume"),
    ({"account_id": ACCOUNT_ID, "resume": "nowhere"}, "resume"),
    ({"account_id": ACCOUNT_ID, "resume": "x" * 10_000}, "resume"),
    ({"account_id": ACCOUNT_ID, "resume": "\0"}, "resume"),
    ({"account_id": ACCOUNT_ID, "dryrun": True}, "dryrun"),
    ([], "body"),
    (None, "body"),
]


@pytest.mark.parametrize(("payload", "culprit"), PAYLOADS, ids=lambda value: str(value)[:60])
def test_a_wrong_payload_is_refused_by_name(payload: Any, culprit: str) -> None:
    table = MotoTable()
    table.call("put_item", {"TableName": NAME, "Item": account_item(ACCOUNT_ID)})
    with pytest.raises(InvalidInput) as refused:
        invoked(table, payload)
    assert refused.value.field == culprit
    assert str(refused.value).startswith(culprit)


def test_of_an_ordinary_history_nothing_is_left_over() -> None:
    history = ordinary_history()
    Projection(history.table.client()).take(history.records)
    assert differences(reindexer(history.table.client()).reindex(ACCOUNT_ID).as_json()) == 0
