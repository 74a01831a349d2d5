"""What keeps the local stack's tables between two snapshots: a journal of their changes, one line a second.

A snapshot (`dynamodb.json`, MiniStack's own) is as large as the tables; a line of the journal is as large as what
changed. So what a killed emulator loses does not grow with what it holds. A table's changes are the records of its
stream, which have the whole new item; a table without such a stream is kept by snapshots alone.

Each snapshot says which file of the journal goes on where it ends. `fold` puts the files before the newest one into
the snapshot: at every start, and in a process of its own (`python -I local/emulator/journal.py <directory> <number>`)
when the journal has outgrown the snapshot. Whenever that ends, by itself or by force, the directory means the same.

Only the standard library: the emulator's process imports this. Everything here is plain JSON, as on disk.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TextIO

SNAPSHOT = "dynamodb.json"
JOURNAL_NUMBER = "journal"
"""In the snapshot's payload: the first file of the journal that is not in it."""

_FILES = "dynamodb.journal."
_LOCK = "dynamodb.lock"
_SCOPED = "__account_region_scoped__"
_NO_SORT_KEY = "__no_sort__"
"""What MiniStack has in the place of a sort key."""
_ENOUGH_TO_FOLD = 16_000_000
"""Bytes: a journal that is smaller than this is quickly read, however small the snapshot is."""

Scope = tuple[str, str, str]
"""Account, region, and the name of a thing there."""


class Changes(NamedTuple):
    """What a table's stream has to tell since the line before.

    `position`: of the first of `records` in the stream, counted from its beginning. `first_unread`: from where on
    somebody has still to read; None: nobody reads it.
    """

    records: Sequence[Mapping[str, Any]]
    position: int
    first_unread: int | None


def line_of(tables: Mapping[Scope, Changes], positions: Mapping[Scope, int]) -> str:
    """A line of the journal: what changed, and how far each event source mapping has read its stream."""
    line = {
        "positions": {_key(scope): position for scope, position in positions.items()},
        "tables": {_key(scope): changes._asdict() for scope, changes in tables.items()},
    }
    return json.dumps(line, separators=(",", ":")) + "\n"


def _key(scope: Scope) -> str:
    """As MiniStack writes the keys of its states."""
    account, region, name = scope
    return f"{account}\0{region}\0{name!r}"


class Journal:
    """The journal of the emulator that runs, in the directory of its state."""

    def __init__(self, directory: Path, number: int = 0) -> None:
        """`number`: of the file it begins with, as the snapshot says."""
        self._directory = directory
        self.number = number
        self._file: TextIO | None = None

    def append(self, line: str) -> None:
        """Add a line; a process that is killed after this has not lost it.

        Raises:
            OSError: it is not in the journal (the disk is full, for instance).
        """
        if self._file is None:
            self._file = _file(self._directory, self.number).open("a", encoding="utf-8")
        try:
            self._file.write(line)
            self._file.flush()
        except OSError:
            # Nothing may come after half a line.
            self.turn()
            raise

    def turn(self) -> int:
        """Go on in another file, and give back its number: for a snapshot that is taken now, or a fold."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        self.number += 1
        return self.number

    def has_outgrown_its_snapshot(self) -> bool:
        """Whether it is time to fold."""
        written = sum(file.stat().st_size for _, file in _files(self._directory))
        snapshot = self._directory / SNAPSHOT
        return snapshot.exists() and written > max(_ENOUGH_TO_FOLD, snapshot.stat().st_size)


def fold(directory: Path, before: int | None = None) -> None:
    """Put the journal into the snapshot, all of it or the files before a number.

    Only one process at a time does this in a directory; others wait. A last line that was not written to its end,
    because the emulator was killed, is left out.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        files = [(number, file) for number, file in _files(directory) if before is None or number < before]
        snapshot = directory / SNAPSHOT
        if files and snapshot.exists():
            whole = json.loads(snapshot.read_text(encoding="utf-8"))
            payload = whole["payload"]
            begin = payload.get(JOURNAL_NUMBER, 0)
            for number, file in files:
                if number >= begin:
                    for line in _lines(file):
                        apply(payload, line)
                    payload[JOURNAL_NUMBER] = number + 1
            _count(payload)
            _replace(snapshot, whole)
        # Where there is no snapshot, nothing was deployed yet.
        for _, file in files:
            file.unlink()


def identity_of_snapshot(directory: Path) -> object:
    """Another one for each snapshot that is written; None: there is none yet."""
    try:
        status = (directory / SNAPSHOT).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def forget(directory: Path, before: int) -> None:
    """Remove the files of the journal before a number, which are in a snapshot."""
    for number, file in _files(directory):
        if number < before:
            file.unlink()


def apply(payload: dict[str, Any], line: Mapping[str, Any]) -> None:
    """Change a snapshot as a line of the journal says."""
    streams = payload.setdefault("streams", {"positions": {}, "unread": {_SCOPED: True, "data": {}}})
    streams["positions"] = {_SCOPED: True, "data": line["positions"]}
    for key, change in line["tables"].items():
        changes = Changes(**change)
        # A table that the snapshot does not know was being deployed.
        if (table := payload["tables"]["data"].get(key)) is not None:
            _apply_to_table(table, changes.records)
            _apply_to_stream(streams["unread"]["data"], key, changes)


def _apply_to_table(table: dict[str, Any], records: Sequence[Mapping[str, Any]]) -> None:
    items, sort_key = table["items"], table["sk_name"]
    for record in records:
        change = record["dynamodb"]
        partition = _text(change["Keys"][table["pk_name"]])
        sort = _text(change["Keys"][sort_key]) if sort_key else _NO_SORT_KEY
        if record["eventName"] != "REMOVE":
            items.setdefault(partition, {})[sort] = change["NewImage"]
        elif partition in items:
            items[partition].pop(sort, None)
            if not items[partition]:
                del items[partition]


def _count(payload: dict[str, Any]) -> None:
    """Have the tables say how many items they hold."""
    for table in payload["tables"]["data"].values():
        table["ItemCount"] = sum(map(len, table["items"].values()))


def _text(attribute: Mapping[str, str]) -> str:
    (text,) = attribute.values()
    return text


def _apply_to_stream(unread: dict[str, Any], key: str, changes: Changes) -> None:
    """Keep the records that somebody has still to read, once each."""
    if changes.first_unread is None:
        unread.pop(key, None)
        return
    stream = unread.setdefault(key, {"first": changes.position, "records": []})
    records, end = stream["records"], stream["first"] + len(stream["records"])
    if changes.position > end:
        # Those between expired unread.
        records.clear()
        stream["first"] = end = changes.position
    records += changes.records[end - changes.position :]
    read = min(max(0, changes.first_unread - stream["first"]), len(records))
    del records[:read]
    stream["first"] += read


def _file(directory: Path, number: int) -> Path:
    return directory / f"{_FILES}{number}"


def _files(directory: Path) -> list[tuple[int, Path]]:
    """The files of the journal, the oldest first."""
    return sorted((int(file.suffix[1:]), file) for file in directory.glob(f"{_FILES}*"))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines that were written to their end."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def _replace(file: Path, content: Any) -> None:
    unfinished = file.with_suffix(".folded")
    unfinished.write_text(json.dumps(content), encoding="utf-8")
    unfinished.replace(file)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    with (directory / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    os.nice(10)
    fold(Path(sys.argv[1]), int(sys.argv[2]))
