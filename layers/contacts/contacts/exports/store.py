"""Exports in the table: one item each, changed only as it was read."""

from dataclasses import fields
from typing import Any, Final

from contacts.core.errors import ExportNotFound
from contacts.core.ids import uuid7
from contacts.core.time import DAY, parsed
from contacts.exports.model import FILES_GONE_DAYS, LISTED_DAYS, Export, ExportFormat, ExportState
from contacts.table import keys
from contacts.table.client import Table
from contacts.table.collection import Collection, CollectionSpec
from contacts.table.expressions import Expression, Item

_LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_TUPLES: Final = ("fields", "etags")


def _values(export: Export) -> dict[str, Any]:
    """The attributes of an export's item, without its key."""
    return {
        **{one.name: getattr(export, one.name) for one in fields(export)},
        "filter": {name: list(texts) for name, texts in export.filter.items()},
        **{name: list(getattr(export, name)) for name in _TUPLES},
        "kind": "export",
        "ttl": parsed(export.created_at) // 1000 + LISTED_DAYS * DAY,
    }


def _export_from(_account_id: str, item: Item) -> Export:
    # What a later release has added is left alone; what this one has added may be missing.
    values = {one.name: item[one.name] for one in fields(Export) if one.name in item}
    return Export(
        **{
            **values,
            "state": ExportState(item["state"]),
            "format": ExportFormat(item["format"]),
            **{name: tuple(item.get(name, ())) for name in _TUPLES},
        }
    )


EXPORTS: Final = CollectionSpec(
    name="export",
    key=keys.export,
    to_item=_values,
    from_item=_export_from,
    not_found=ExportNotFound,
)


class ExportStore(Collection[Export]):
    """The exports of one account. Those whose 30 days are over count as gone."""

    def __init__(self, table: Table, account_id: str) -> None:
        super().__init__(table, account_id, EXPORTS)

    def newest_first(
        self, after_id: str | None, at_most: int, now_ms: int
    ) -> tuple[list[Export], str | None]:
        """The next up to `at_most` exports, the newest first, and the id to go on after (None: those were the last).

        Queries, strongly consistent.

        Raises:
            TemporarilyUnavailable.
        """
        expression = self._partition()
        expression.keep(f"{expression.name('ttl')} > {expression.value(now_ms // 1000)}")
        start = None if after_id is None else self._key(after_id)
        found: list[Export] = []
        while True:
            items, start = self._table.query(expression, start=start, limit=at_most + 1, forward=False)
            found += map(self._from, items)
            if len(found) > at_most:
                return found[:at_most], found[at_most - 1].id
            if start is None:
                return found, None

    def with_files(self, now_ms: int) -> list[Export]:
        """The exports that may have a file, or parts of one, at a moment (ms since the epoch).

        One Query, strongly consistent, mostly of one read unit. A file that has expired may still be in the bucket.

        Raises:
            TemporarilyUnavailable.
        """
        since = uuid7(now_ms - FILES_GONE_DAYS * DAY * 1000, bytes(10))
        span = Expression.of_span(self._key(since), self._key(_LAST_ID))
        return list(map(self._from, self._table.all_of(span)))
