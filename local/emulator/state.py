"""What is kept on disk: the tables with their streams, and the queues.

- MiniStack writes to disk how many records of a table's stream a function has read, but not the records. After a
  restart the stream is empty, and the function leaves out as many new records as it had read before. Here the records
  that a function has not read yet are written, too.
- It knows its queues by the port it listened on when they were made. Here the port in their names stays the same,
  whatever the port of the day; a queue answers under any.
"""

import copy
import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import ministack.app as ministack
from ministack.core import persistence
from ministack.core.persistence import load_state
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, lambda_svc, sqs

from local.emulator import journal as journals

logger = logging.getLogger("local")

# The port in the names of queues: any number, and always the same.
QUEUE_NAME_PORT = "4566"


def write_queues_as_they_are() -> None:
    """Write the queues without a copy of them, and each state in one piece.

    `json.dumps` encodes in C, `json.dump` in Python. Nothing is added to a queue or taken from it while C encodes it.
    """

    def dump(state, file, **how):
        file.write(json.dumps(state, **how))

    persistence.json = SimpleNamespace(**{**vars(json), "dump": dump})
    sqs.get_state = lambda: {"queues": sqs._queues, "queue_name_to_url": sqs._queue_name_to_url}


def keep_queue_names() -> None:
    """Give queues the same names whatever the port."""
    sqs.DEFAULT_PORT = QUEUE_NAME_PORT
    sqs._CANONICAL_NETLOC = f"{sqs.DEFAULT_HOST}:{QUEUE_NAME_PORT}"


class KeptTables:
    """The tables and their streams, on disk: snapshots, which MiniStack takes, and the journal between them.

    MiniStack deletes an item whose time is over without a record. Such a one may be there again after a crash, and is
    deleted again within a minute.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.written: dict[tuple, int] = {}
        self.read: dict[tuple, int] = {}
        self.folding = None
        self.journal = journals.Journal(directory)
        self.take_state, self.load_everything = dynamodb.get_state, ministack._load_persisted_state
        self.save_states = ministack.save_all
        dynamodb.get_state = self.snapshot
        ministack._load_persisted_state = self.load
        # When the emulator ends in good order.
        ministack.save_all = self.save

    def load(self) -> None:
        """Go on where the last emulator in this directory ended."""
        journals.fold(self.directory)
        self.load_everything()
        kept = load_state("dynamodb") or {}
        if "streams" in kept:
            restore_streams(kept["streams"])
        self.journal = journals.Journal(self.directory, kept.get(journals.JOURNAL_NUMBER, 0))
        self.written = {scope: end_of_stream(scope) for scope in tables_with_journal()}

    def snapshot(self) -> dict:
        """All of it; what changes from now on is for the next file of the journal."""
        self.stop_folding()
        self.written = {scope: end_of_stream(scope) for scope in tables_with_journal()}
        number = self.journal.turn()
        return {**self.take_state(), "streams": stream_state(), journals.JOURNAL_NUMBER: number}

    def save(self, services: dict) -> None:
        """Write states, and remove the files of the journal that are in the tables' then."""
        before = journals.identity_of_snapshot(self.directory)
        self.save_states(services)
        # A state that cannot be written is logged by MiniStack, and no more.
        if journals.identity_of_snapshot(self.directory) != before:
            journals.forget(self.directory, self.journal.number)

    def write_changes(self) -> None:
        """Write what changed since the last time to the journal."""
        state = stream_positions()
        changes = {}
        for scope in tables_with_journal():
            account, region, table = scope
            first, end = (
                dynamodb.stream_start_position(table, account_id=account, region=region),
                end_of_stream(scope),
            )
            position = self.written.get(scope, 0)
            # A table of the same name may have been made anew, and records expire.
            position = first if position > end else max(position, first)
            records = dynamodb.stream_live_records(table, account_id=account, region=region)[
                position - first :
            ]
            changes[scope] = journals.Changes(records, position, state.first_unread.get(scope))
        if state.positions == self.read and not any(change.records for change in changes.values()):
            return
        try:
            self.journal.append(journals.line_of(changes, state.positions))
        except OSError:
            logger.exception("the journal cannot be written")
            return
        self.read = state.positions
        self.written = {scope: change.position + len(change.records) for scope, change in changes.items()}
        self.fold_in_time()

    def fold_in_time(self) -> None:
        """Start a process that folds, where it is time, and none runs."""
        if self.folding is not None and self.folding.poll() is None:
            return
        if self.journal.has_outgrown_its_snapshot():
            before = str(self.journal.turn())
            self.folding = subprocess.Popen(
                [sys.executable, "-I", journals.__file__, str(self.directory), before],
                stdin=subprocess.DEVNULL,
            )

    def stop_folding(self) -> None:
        """End the process that folds, if it runs. It would put an older snapshot in the place of the next."""
        if self.folding is not None:
            self.folding.kill()
            self.folding.wait()
            self.folding = None


def tables_with_journal() -> list[tuple]:
    """The tables whose streams have the whole new item."""
    return [
        scope
        for scope, table in dynamodb._tables.all_items()
        if (table.get("StreamSpecification") or {}).get("StreamViewType")
        in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
    ]


def end_of_stream(scope: tuple) -> int:
    """How many records a table's stream has had, since it began."""
    account, region, table = scope
    return dynamodb.stream_end_position(table, account_id=account, region=region)


class StreamPositions(NamedTuple):
    """How far each event source mapping has read, and, by table, from where on one of them has still to read."""

    positions: dict[tuple, int]
    first_unread: dict[tuple, int]


def stream_positions() -> StreamPositions:
    """How far the streams are read now."""
    with lambda_svc._dynamodb_stream_positions_lock:
        positions = dict(lambda_svc._dynamodb_stream_positions.all_items())
    first_unread: dict[tuple, int] = {}
    for (account, region, mapping), position in positions.items():
        source = lambda_svc._esms.get_scoped(account, region, mapping, {}).get("EventSourceArn", "")
        table = (account, region, source.split("/stream/")[0].rpartition("/")[2])
        first_unread[table] = min(position, first_unread.get(table, position))
    return StreamPositions(positions, first_unread)


def stream_state() -> dict:
    """How far each event source mapping has read its table's stream, and the records that one of them has yet to read.

    Read in this order, a position that moves meanwhile costs a repetition and never a record.
    """
    kept, first_unread = stream_positions()
    positions, streams = AccountRegionScopedDict(), AccountRegionScopedDict()
    for scope, position in kept.items():
        positions.set_scoped(*scope, position)
    for (account, region, table), first in first_unread.items():
        start = dynamodb.stream_start_position(table, account_id=account, region=region)
        records = dynamodb.stream_live_records(table, account_id=account, region=region)
        unread = copy.deepcopy(records[max(0, first - start) :])
        streams.set_scoped(account, region, table, {"first": max(first, start), "records": unread})
    return {"positions": positions, "unread": streams}


def restore_streams(state: dict) -> None:
    """Go on where `stream_state` was taken."""
    lambda_svc._dynamodb_stream_positions.clear()
    lambda_svc._dynamodb_stream_positions.update(state["positions"])
    for (account, region, table), stream in state["unread"].all_items():
        dynamodb._stream_trimmed.set_scoped(account, region, table, stream["first"])
        dynamodb._stream_records.set_scoped(account, region, table, stream["records"])
