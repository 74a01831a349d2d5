"""Imports in the table: one item each, changed only as it was read."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from contacts.core.errors import ImportNotFound
from contacts.core.time import DAY, parsed
from contacts.imports.model import (
    KEPT_DAYS,
    Blanks,
    Counts,
    FileFormat,
    Import,
    ImportEvents,
    ImportFile,
    ImportMode,
    ImportOptions,
    ImportProblem,
    ImportState,
    Undo,
    UndoState,
)
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.collection import Collection, CollectionSpec
from contacts.table.expressions import Item


def _values(job: Import) -> dict[str, object]:
    """The attributes of an import's item, without its key."""
    return {
        **{one.name: getattr(job, one.name) for one in fields(job)},
        "options": _stored(asdict(job.options)),
        "file": _stored(asdict(job.file)),
        "mapping": [[column, target] for column, target in job.mapping.items()],
        "counts": list(job.counts),
        "checkpoint": None if job.checkpoint is None else list(job.checkpoint),
        "problem": None if job.problem is None else list(job.problem),
        "undo": None if job.undo is None else _stored(asdict(job.undo)),
        "kind": "import",
        "ttl": parsed(job.created_at) // 1000 + KEPT_DAYS * DAY,
    }


def _stored(values: Mapping[str, Any]) -> dict[str, object]:
    """Attributes without those that are None; tuples as lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that this release knows: what a later one has added is left alone."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _import_from(account_id: str, item: Item) -> Import:
    options, file = _known(ImportOptions, item["options"]), _known(ImportFile, item["file"])
    undo, problem = item.get("undo"), item.get("problem")
    return Import(
        id=item["id"],
        state=ImportState(item["state"]),
        options=ImportOptions(
            **{
                **options,
                "mode": ImportMode(options["mode"]),
                "blanks": Blanks(options["blanks"]),
                "events": ImportEvents(options["events"]),
                "add_tags": tuple(options.get("add_tags", ())),
                "add_lists": tuple(options.get("add_lists", ())),
            }
        ),
        file=ImportFile(
            **{
                **file,
                "format": FileFormat(file["format"]) if "format" in file else None,
                "columns": tuple(file.get("columns", ())),
            }
        ),
        mapping=dict(item["mapping"]),
        counts=Counts(*item["counts"][: len(Counts._fields)]),
        problem=None if problem is None else ImportProblem(*problem),
        undo=None if undo is None else Undo(**{**_known(Undo, undo), "state": UndoState(undo["state"])}),
        parts=item["parts"],
        next_part=item["next_part"],
        read_bytes=item["read_bytes"],
        checkpoint=tuple(item["checkpoint"]) if "checkpoint" in item else None,
        created_at=item["created_at"],
        started_at=item.get("started_at"),
        finished_at=item.get("finished_at"),
        key_id=item.get("key_id"),
        version=item["version"],
        unwritten=item.get("unwritten", ""),
        unwritten_of=item.get("unwritten_of", 0),
    )


IMPORTS: Final = CollectionSpec(
    name="import",
    key=keys.import_,
    to_item=_values,
    from_item=_import_from,
    not_found=ImportNotFound,
)


class ImportStore(Collection[Import]):
    """The imports of one account."""

    def __init__(self, table: Table, account_id: str) -> None:
        super().__init__(table, account_id, IMPORTS)

    def newest(self, after_id: str | None, at_most: int) -> tuple[list[Import], str | None]:
        """Up to `at_most` imports, the newest first, and the id to go on after (None: that was all).

        Queries, strongly consistent, of which a page may end after 1 MB: an import with a thousand columns is long.

        Raises:
            TemporarilyUnavailable.
        """
        start = None if after_id is None else self._key(after_id)
        items, further = self._table.newest_of(
            self._partition(), start, at_most=at_most, evaluate=at_most + 1, are_few=False
        )
        return [self._from(item) for item in items], None if further is None else further.SK
