"""The journal of the local stack's tables: whenever the emulator is killed, what was written to its end is there."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator import journal
from local.emulator.journal import SNAPSHOT, Changes, Journal, Scope, fold, line_of

TABLE: Scope = ("000000000000", "us-east-1", "contacts-Table")
MAPPING: Scope = ("000000000000", "us-east-1", "a-mapping")
PARTITIONS, SORTS = ("a", "b"), ("x", "y", "ß\u2028")


class Emulator:
    """What the emulator holds, and what it writes."""

    def __init__(self, directory: Path, sort_key: str = "SK") -> None:
        self.directory = directory
        self.sort_key = sort_key
        self.items: dict[str, dict[str, Any]] = {}
        self.stream: list[dict[str, Any]] = []
        self.written = 0
        self.read = 0
        self.journal = Journal(directory)
        self.on_disk = self.state()

    def put(self, partition: str, sort: str, value: int) -> None:
        item = {**self.key(partition, sort), "n": {"N": str(value)}}
        self.items.setdefault(partition, {})[sort] = item
        self.tell("MODIFY", partition, sort, {"NewImage": item})

    def delete(self, partition: str, sort: str) -> None:
        if sort in self.items.get(partition, {}):
            del self.items[partition][sort]
            if not self.items[partition]:
                del self.items[partition]
            self.tell("REMOVE", partition, sort, {})

    def key(self, partition: str, sort: str) -> dict[str, Any]:
        return {"PK": {"S": partition}} | ({self.sort_key: {"S": sort}} if self.sort_key else {})

    def tell(self, name: str, partition: str, sort: str, change: dict[str, Any]) -> None:
        keys = {"Keys": self.key(partition, sort)}
        self.stream.append({"eventID": str(len(self.stream)), "eventName": name, "dynamodb": keys | change})

    def state(self) -> dict[str, Any]:
        """What can be read of it after a restart."""
        return deepcopy({"items": self.items, "read": self.read, "unread": self.stream[self.read :]})

    def write(self) -> None:
        changes = Changes(self.stream[self.written :], self.written, self.read)
        self.journal.append(line_of({TABLE: changes}, {MAPPING: self.read}))
        self.written = len(self.stream)
        self.on_disk = self.state()

    def save(self) -> None:
        """A snapshot, as MiniStack writes it."""
        scoped = {"__account_region_scoped__": True}
        unread = {"first": self.read, "records": self.stream[self.read :]}
        table = {"pk_name": "PK", "sk_name": self.sort_key, "items": self.items, "ItemCount": 0}
        payload = {
            "tables": scoped | {"data": {named(TABLE): table}},
            "streams": {
                "positions": scoped | {"data": {named(MAPPING): self.read}},
                "unread": scoped | {"data": {named(TABLE): unread}},
            },
            journal.JOURNAL_NUMBER: self.journal.turn(),
        }
        (self.directory / SNAPSHOT).write_text(json.dumps({"__ministack_format__": 2, "payload": payload}))
        self.written = len(self.stream)
        self.on_disk = self.state()

    def fold_beside(self) -> None:
        """As the process does that runs beside the emulator."""
        fold(self.directory, self.journal.turn())

    def read_on(self) -> None:
        self.read = len(self.stream)


def named(scope: Scope) -> str:
    account, region, name = scope
    return f"{account}\0{region}\0{name!r}"


def payload_in(directory: Path) -> Any:
    return json.loads((directory / SNAPSHOT).read_text())["payload"]


def restarted(directory: Path) -> Mapping[str, Any]:
    """What the next emulator finds."""
    fold(directory)
    payload = payload_in(directory)
    table = payload["tables"]["data"][named(TABLE)]
    assert table["ItemCount"] == sum(map(len, table["items"].values()))
    read = payload["streams"]["positions"]["data"][named(MAPPING)]
    stream = payload["streams"]["unread"]["data"][named(TABLE)]
    assert stream["first"] == read, "the positions of records are counted from the stream's beginning"
    return {"items": table["items"], "read": read, "unread": stream["records"]}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(PARTITIONS), st.sampled_from(SORTS), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.sampled_from(PARTITIONS), st.sampled_from(SORTS)),
        st.tuples(st.sampled_from(["write", "write", "save", "fold_beside", "read_on"])),
    ),
    max_size=30,
)


@given(steps, st.integers(0))
def test_whenever_it_is_killed_what_was_written_to_its_end_is_there(taken: list[Any], cut: int) -> None:
    with TemporaryDirectory() as name:
        emulator = Emulator(Path(name))
        emulator.save()
        for step, *arguments in taken:
            getattr(emulator, step)(*arguments)
        kept = emulator.on_disk
        # The last line is cut anywhere: at its very end it is whole but for what says so.
        emulator.put("a", "x", 10)
        number = emulator.journal.number
        file = Path(name) / f"dynamodb.journal.{number}"
        before = file.stat().st_size if file.exists() else 0
        emulator.write()
        with file.open("r+b") as written:
            written.truncate(before + cut % (file.stat().st_size - before))
        assert restarted(Path(name)) == kept
        assert restarted(Path(name)) == kept, "and at the start after that"
        assert not list(Path(name).glob("dynamodb.journal.*"))


@pytest.fixture
def emulator(tmp_path: Path) -> Emulator:
    started = Emulator(tmp_path)
    started.save()
    return started


def test_a_fold_that_is_ended_by_force_changes_nothing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.put("a", "x", 1)
    emulator.write()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="killed"):
            emulator.fold_beside()
    emulator.put("a", "y", 2)
    emulator.write()
    assert restarted(emulator.directory) == emulator.state()


def test_a_fold_that_ended_but_for_removing_what_it_folded(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.put("a", "x", 1)
    emulator.write()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", fail)
        with pytest.raises(OSError, match="killed"):
            emulator.fold_beside()
    emulator.delete("a", "x")
    emulator.write()
    assert restarted(emulator.directory) == emulator.state()


def fail(*_: object) -> None:
    raise OSError("killed")


def test_after_a_line_that_could_not_be_written_whole_the_journal_goes_on(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.put("a", "x", 1)
    emulator.write()
    with monkeypatch.context() as patched:
        patched.setattr(emulator.journal._file, "flush", fail)
        emulator.put("a", "y", 2)
        with pytest.raises(OSError, match="killed"):
            emulator.write()
    emulator.write()
    emulator.put("b", "x", 3)
    emulator.write()
    assert restarted(emulator.directory) == emulator.state()


def test_a_table_without_a_sort_key(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, sort_key="")
    emulator.save()
    emulator.put("a", "__no_sort__", 1)
    emulator.put("b", "__no_sort__", 1)
    emulator.delete("b", "__no_sort__")
    emulator.write()
    assert restarted(tmp_path) == emulator.state()


def test_records_that_nobody_reads_are_not_kept(emulator: Emulator) -> None:
    emulator.put("a", "x", 1)
    emulator.journal.append(line_of({TABLE: Changes(emulator.stream, 0, None)}, {}))
    fold(emulator.directory)
    assert payload_in(emulator.directory)["streams"]["unread"]["data"] == {}


def test_records_that_expired_unread_leave_the_positions_of_others_as_they_were(emulator: Emulator) -> None:
    for value in range(5):
        emulator.put("a", "x", value)
    emulator.journal.append(line_of({TABLE: Changes(emulator.stream[3:], 3, 0)}, {MAPPING: 0}))
    fold(emulator.directory)
    stream = payload_in(emulator.directory)["streams"]["unread"]["data"][named(TABLE)]
    assert stream == {"first": 3, "records": emulator.stream[3:]}


def test_a_table_that_was_being_deployed_is_left_out(emulator: Emulator) -> None:
    emulator.put("a", "x", 1)
    other = ("000000000000", "us-east-1", "another")
    emulator.journal.append(line_of({other: Changes(emulator.stream, 0, 0)}, {MAPPING: 0}))
    fold(emulator.directory)
    assert payload_in(emulator.directory)["tables"]["data"].keys() == {named(TABLE)}


def test_where_nothing_was_ever_saved_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    emulator.put("a", "x", 1)
    emulator.write()
    fold(tmp_path)
    assert not list(tmp_path.glob("dynamodb.j*"))
    fold(tmp_path / "not there yet")


def test_it_is_time_to_fold_when_the_journal_is_longer_than_the_snapshot(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.put("a", "x", 1)
    emulator.write()
    assert not emulator.journal.has_outgrown_its_snapshot(), "a short one is read quickly"
    monkeypatch.setattr(journal, "_ENOUGH_TO_FOLD", 100)
    while not emulator.journal.has_outgrown_its_snapshot():
        emulator.put("a", "x", 1)
        emulator.write()
    emulator.read_on()
    emulator.write()
    emulator.fold_beside()
    assert not emulator.journal.has_outgrown_its_snapshot()
    assert restarted(emulator.directory) == emulator.state()


def test_a_snapshot_forgets_what_is_in_it_and_no_more(emulator: Emulator) -> None:
    first = journal.identity_of_snapshot(emulator.directory)
    emulator.put("a", "x", 1)
    emulator.write()
    emulator.save()
    assert journal.identity_of_snapshot(emulator.directory) != first
    emulator.put("a", "y", 2)
    emulator.write()
    journal.forget(emulator.directory, emulator.journal.number)
    assert restarted(emulator.directory) == emulator.state()
