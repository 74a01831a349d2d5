"""How the file of the rows that failed is written: as they came, and beside each what is wrong with it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from contacts.core.json import to_json
from contacts.core.spreadsheets import escaped
from contacts.imports.model import ERROR_COLUMNS


def csv_lines(columns: Sequence[str], entries: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A CSV with what was wrong first, so that it also stands in its column where a row has too many cells."""
    line = io.StringIO()
    writer = csv.writer(line)

    def written(cells: Iterable[object]) -> bytes:
        writer.writerow([escaped(str(cell)) for cell in cells])
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text.encode("utf-8", "backslashreplace")

    # An error file that was sent again has these columns already.
    ours = {number for number, column in enumerate(columns) if column in ERROR_COLUMNS}

    def own(cells: Sequence[str]) -> list[str]:
        return [cell for number, cell in enumerate(cells) if number not in ours] if ours else list(cells)

    # Excel takes a CSV for UTF-8 only where it begins with the mark.
    yield b"\xef\xbb\xbf" + written([*ERROR_COLUMNS, *own(columns)])
    for number, cells, errors in entries:
        yield written([number, *_joined(errors), *own(cells)])


def ndjson_lines(_: Sequence[str], entries: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """NDJSON: each object with what was wrong; a line that was none as the text `import_text`."""
    for number, cells, errors in entries:
        said = dict(zip(ERROR_COLUMNS, (number, *_joined(errors)), strict=True))
        members = cells if isinstance(cells, dict) else {"import_text": "".join(cells)}
        yield f"{to_json(members | said)}\n".encode("utf-8", "backslashreplace")


def _joined(errors: Sequence[Sequence[str | None]]) -> tuple[str, str]:
    """The fields of a row's errors, and its reasons: one line a row, so that the file can be sent again."""
    fields = "; ".join(field or "" for field, _ in errors)
    return fields.strip("; "), "; ".join(reason or "" for _, reason in errors)
