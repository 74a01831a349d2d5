"""How the file of the rows that failed is written: as they came, and beside each what is wrong with it.

The rows of each part are written when the part is done. So ten million of them are one file in a minute or two, as its
bytes are only copied.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from contacts.core.json import to_json
from contacts.core.spreadsheets import escaped, unescaped
from contacts.imports.model import ERROR_COLUMNS, ERROR_TEXT, Row, RowError

FailedRow = tuple[Row, Sequence[RowError]]
"""A row and what is wrong with it."""


def csv_head(columns: Sequence[str]) -> bytes:
    """The header line. The three `import_` columns come first, so that they stay aligned in rows with too many cells.

    Excel takes a CSV for UTF-8 only where it begins with the mark.
    """
    return b"\xef\xbb\xbf" + _csv([[*ERROR_COLUMNS, *map(escaped, _own(columns, columns))]])


def csv_rows(columns: Sequence[str], rows: Iterable[FailedRow]) -> bytes:
    """The lines of a CSV, after the first."""
    return _csv(
        [str(row.line), *map(escaped, _joined(errors)), *map(_as_it_came, _own(columns, tuple(row.cells)))]
        for row, errors in rows
    )


def ndjson_rows(rows: Iterable[FailedRow]) -> bytes:
    """NDJSON: each object with what was wrong; a line that was none as the text `import_text`."""
    lines = []
    for row, errors in rows:
        said = dict(zip(ERROR_COLUMNS, (row.line, *_joined(errors)), strict=True))
        members = {ERROR_TEXT: "".join(row.cells)} if isinstance(row.cells, tuple) else dict(row.cells)
        lines.append(f"{to_json(members | said)}\n")
    return "".join(lines).encode("utf-8", "backslashreplace")


def _csv(lines: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _as_it_came(cell: str) -> str:
    """A cell that is read as that of the file was. What is escaped there, as in our own exports, stays so."""
    return escaped(unescaped(cell))


def _own(columns: Sequence[str], cells: Sequence[str]) -> Iterable[str]:
    """Cells without those of our columns, which an error file has that was sent again."""
    ours = {number for number, column in enumerate(columns) if column in ERROR_COLUMNS}
    # A row that could not be read is its whole line, in one cell.
    if not ours or len(cells) == 1:
        return cells
    return (cell for number, cell in enumerate(cells) if number not in ours)


def _joined(errors: Iterable[RowError]) -> tuple[str, str]:
    """The fields of a row's errors, and its reasons: one line a row, so that the file can be sent again.

    A reason that several fields share is told once.
    """
    fields = "; ".join(error.field or "" for error in errors)
    return fields.strip("; "), "; ".join(dict.fromkeys(error.reason or "" for error in errors))
