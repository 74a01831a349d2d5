"""Rows of XLSX: the first sheet that is visible, by calamine.

Calamine aborts the whole process where it gets no memory: a file of 1 KB can name a cell in the last row and column,
and calamine makes room for 17 billion; another can promise as many texts. So a workbook is unpacked and measured first,
which tells what is wrong with it; and calamine reads it in a process of its own, which survives what the measuring
misses.
"""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from posixpath import join, normpath
from string import ascii_letters, ascii_uppercase, digits
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as ET

from contacts.imports.model import MAX_ROW_BYTES, Row, RowError, Unreadable
from contacts.imports.reading import calamine_rows
from contacts.imports.reading.text_rows import HEADER_TOO_LONG, TOO_LONG, column_names, fitted

MAX_WORKBOOK_BYTES: Final = 100 * 1024**2
"""Packed. It is read in one piece."""
MAX_UNPACKED_BYTES: Final = 400 * 1024**2
"""Of all that is in the archive: with what calamine makes of it, a third of the memory of `plan_import`."""
MAX_CELLS: Final = 20_000_000
"""Of the rectangle around all cells: calamine keeps 32 bytes for each, filled or not."""
MAX_ENTRIES: Final = 2000
MAX_ERROR_ROWS: Final = 2_000_000
"""Of all sheets: as many rows with an error as two full sheets have."""
MAX_MEMORY_BYTES: Final = 2600 * 1024**2
"""Address space of calamine's process. With what `plan_import` holds itself, its 3 GB."""
MAX_CPU_S: Final = 240
"""Of calamine's process."""
_PIECE: Final = 1024 * 1024
_MAX_ROW_XML: Final = 16 * 1024**2
_ENTRY: Final = b"PK\x01\x02"
_ENTRIES_BY_CHANCE: Final = 20
"""As often as `MAX_ENTRIES` may what an entry of the directory begins with be in an archive, that may hold archives."""

_ROW: Final = re.compile(rb"<(?:[\w.-]+:)?row\b")
_EMPTY_CELL: Final = re.compile(rb"<(?:[\w.-]+:)?c\b[^<>]*(?:/>|></)")
_END: Final = re.compile(rb"</(?:[\w.-]+:)?sheetData\b")
_REFERENCE: Final = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]*\d+)""")
_LETTERS: Final = ascii_letters.encode()
_DIGITS: Final = digits.encode()
_ERROR_CELL: Final = re.compile(
    rb"""<(?:[\w.-]+:)?c\b(?=[^<>]*\st\s*=\s*["']e["'])[^<>]*\sr\s*=\s*["']([A-Za-z]+)(\d+)"""
)
_PROMISE: Final = b"uniqueCount"
_PROMISED: Final = re.compile(rb"""uniqueCount ?= ?["'] ?(\d+)""")
_LONGEST_PROMISE: Final = 64
"""Bytes of it that are read, without white space; longer numbers are too large, whatever follows."""
_MOST_LETTERS: Final = len("XFD")
_SHORTEST_STRING: Final = len("<si/>")
_OFFICE: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_OFFICE_STRICT: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


class Sheet(NamedTuple):
    """A sheet that can be read."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


def is_workbook(archive: bytes) -> bool:
    """Whether a ZIP archive is an XLSX file."""
    if archive.count(_ENTRY) > _ENTRIES_BY_CHANCE * MAX_ENTRIES:
        # To read the directory takes 700 bytes for each.
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            return any(name.lower() == "xl/workbook.xml" for name in opened.namelist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return False


def kind_of_archive(archive: bytes) -> str:
    """What a ZIP archive that is no XLSX file seems to be."""
    if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in archive[:200]:
        return "an OpenDocument spreadsheet"
    if b"Index/Document.iwa" in archive:
        return "a Numbers spreadsheet"
    if b"xl/workbook.bin" in archive:
        return "a binary Excel workbook (.xlsb)"
    if b"word/document.xml" in archive:
        return "a Word document"
    return "a ZIP archive (to be unpacked first) or a damaged spreadsheet"


def sheet_of(workbook: bytes) -> Sheet:
    """The first visible sheet of an XLSX file.

    Raises:
        Unreadable: it is damaged or protected (`bad_spreadsheet`), too large (`unpacks_too_large`), or
            as `column_names`.
    """
    errors = _measured(workbook)
    lines = _lines_of(workbook)
    first = next(lines)
    if "refused" in first:
        raise bad(first["refused"])
    rows = enumerate(lines, start=1)
    for _, header in rows:
        if header is None:
            raise Unreadable("too_many_columns", HEADER_TOO_LONG)
        if header:
            columns = column_names(header)
            further = _rows(rows, header, columns, errors.get(first["number"], {}), first["left"])
            return Sheet(first["name"], columns, further)
    # Not by its name, which may be a person's: events tell this text, too.
    raise Unreadable(
        "no_rows", f"The first sheet that is not hidden (number {first['number'] + 1}) has no rows."
    )


def _lines_of(workbook: bytes) -> Iterator[Any]:
    """What `calamine_rows` writes about a workbook, without the line that says that all was given.

    Raises:
        Unreadable: reading it takes too much memory or time (`unpacks_too_large`).
    """
    limits = map(str, (MAX_MEMORY_BYTES, MAX_CPU_S, MAX_ROW_BYTES))
    with subprocess.Popen(  # noqa: S603 - a module of ours
        [sys.executable, "-m", calamine_rows.__name__, *limits],
        # Nothing else: who reads a stranger's file needs no credentials.
        env={"PYTHONPATH": os.pathsep.join(sys.path), "LD_LIBRARY_PATH": os.getenv("LD_LIBRARY_PATH", "")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            # It reads all before it writes. Why it did not, its status tells.
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(workbook)
            for line in process.stdout:
                if line == calamine_rows.END:
                    return
                if line.endswith(b"\n"):
                    yield json.loads(line)
            status = process.wait()
        finally:
            # Where not all rows are wanted.
            process.kill()
    if status < 0 or status == calamine_rows.NO_MEMORY:
        detail = "Reading the spreadsheet takes too much memory or time. Save it as CSV."
        raise Unreadable("unpacks_too_large", detail)
    raise RuntimeError(f"calamine's process exited with {status}")


def _rows(
    rows: Iterator[tuple[int, list[str] | None]],
    header: list[str],
    columns: Sequence[str],
    errors: Mapping[int, int],
    left: int,
) -> Iterator[Row]:
    for number, cells in rows:
        if cells is None:
            yield Row(number, (), TOO_LONG)
        elif number in errors:
            column = errors[number]
            name = columns[column - 1 - left] if column - 1 - left < len(columns) else None
            reason = f"the cell {_letters(column)}{number} holds an error of the spreadsheet, such as #N/A"
            yield Row(number, tuple(cells), RowError(name, reason))
        elif cells and cells != header:
            error = fitted(cells, len(columns))
            yield Row(number, tuple(cells), error)


def _measured(workbook: bytes) -> dict[int, dict[int, int]]:
    """The first column of each row that holds an error: by the number of the sheet, from 0 on, and of the row.

    Raises:
        Unreadable: the workbook is damaged or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES or len({entry.filename.lower() for entry in entries}) < len(
                entries
            ):
                raise bad("is damaged")
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise _too_large()
            by_name = {entry.filename.lower(): entry for entry in entries}
            sheets = _sheets(archive, by_name)
            left, found = MAX_UNPACKED_BYTES, dict[int, dict[int, int]]()
            for entry in entries:
                number = sheets.get(entry.filename.lower())
                measure, promise = _Measure(), _Promise(entry.file_size)
                for piece in _unpacked(workbook, entry):
                    left -= len(piece)
                    if left < 0:
                        raise _too_large()
                    promise.read(piece)
                    if number is not None:
                        measure.read(piece)
                if number is not None:
                    measure.finish()
                    found[number] = measure.errors if not measure.is_too_large else _exact(workbook, entry)
                    _check_errors(sum(map(len, found.values())))
            return found
    except (zipfile.BadZipFile, zlib.error, ET.ParseError, KeyError, ValueError, OSError, EOFError):
        raise bad("is damaged") from None
    except (NotImplementedError, RuntimeError):
        raise bad("is protected by a password, or packed in an unusual way") from None


def _check_errors(rows: int) -> None:
    if rows > MAX_ERROR_ROWS:
        detail = f"The spreadsheet has more than {MAX_ERROR_ROWS:,} rows with an error. Save it as CSV."
        raise Unreadable("unpacks_too_large", detail)


def _exact(workbook: bytes, entry: zipfile.ZipInfo) -> dict[int, int]:
    """The first column of each row of a sheet that holds an error.

    Raises:
        Unreadable: it is too large, also without the cells that have no value, as programs write them for a border
            around the sheet.
    """
    measure = _Measure(is_exact=True)
    for piece in _unpacked(workbook, entry):
        measure.read(piece)
    measure.finish()
    return measure.errors


class _Promise:
    """How many texts an entry promises, read in pieces: calamine makes room for all at once."""

    def __init__(self, size: int) -> None:
        """`size`: of the entry."""
        self._most = size // _SHORTEST_STRING + 1
        self._end = b""

    def read(self, piece: bytes) -> None:
        """A further piece of the entry's XML.

        Raises:
            Unreadable: it promises more than it can hold.
        """
        xml = self._end + piece
        if _PROMISE in xml:
            # Around `=` may be white space of any length.
            xml = b" ".join(xml.split())
            for digits_of_it in _PROMISED.findall(xml):
                if len(digits_of_it) > len(str(MAX_UNPACKED_BYTES)) or int(digits_of_it) > self._most:
                    raise bad("is damaged")
        self._end = xml[-_LONGEST_PROMISE:]


def _unpacked(workbook: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What an entry really holds. (The sizes in an archive's directory may lie, and `zipfile` stops where they say.)"""
    start = entry.header_offset
    if entry.flag_bits & 1:
        raise RuntimeError
    lengths = workbook[start + 26 : start + 30]
    start += 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    packed = memoryview(workbook)[start : start + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        for at in range(0, len(packed), _PIECE):
            yield bytes(packed[at : at + _PIECE])
        return
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        raise NotImplementedError
    inflated = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    for at in range(0, len(packed), _PIECE):
        to_unpack = bytes(packed[at : at + _PIECE])
        while to_unpack and not inflated.eof:
            if piece := inflated.decompress(to_unpack, _PIECE):
                yield piece
            to_unpack = inflated.unconsumed_tail


def _sheets(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> dict[str, int]:
    """The number of each sheet by the name of its entry, in lower case."""

    def parsed(name: str) -> ET.Element:
        entry = entries[name]
        if entry.file_size > _MAX_ROW_XML:
            raise _too_large()
        return ET.fromstring(archive.read(entry))  # noqa: S314 - expat bounds what entities expand to

    targets = {
        one.get("Id"): one.get("Target", "")
        for one in parsed("xl/_rels/workbook.xml.rels").iter()
        if one.get("Id")
    }
    sheets = [one for one in parsed("xl/workbook.xml").iter() if one.tag.rpartition("}")[2] == "sheet"]
    found = {}
    for number, sheet in enumerate(sheets):
        target = targets[sheet.get(_OFFICE) or sheet.get(_OFFICE_STRICT)]
        path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
        found[path.lower()] = number
    return found


class _Measure:
    """How far the cells of a sheet reach that hold something, read in pieces of its XML."""

    def __init__(self, *, is_exact: bool = False) -> None:
        """`is_exact`: whether cells without a value are told from others, which takes its time."""
        self._is_exact = is_exact
        self.is_too_large = False
        self.errors: dict[int, int] = {}
        self._rest = b""
        self._rows = 0
        self._last_row = 0
        self._last_column = 0
        self._has_ended = False
        self._has_hidden_text = False

    def read(self, piece: bytes) -> None:
        """A further piece of the sheet's XML.

        Raises:
            Unreadable: the sheet is too large (unless that may be for cells without a value), or no UTF-8.
        """
        if self._has_ended or self.is_too_large:
            return
        if b"\0" in piece:
            raise bad("is damaged")
        # In comments and CDATA tags are none.
        self._has_hidden_text |= b"<!" in piece or (self._rest[-1:] == b"<" and piece[:1] == b"!")
        *whole, self._rest = _ROW.split(self._rest + piece)
        for row in whole:
            self._measure(row)
            self._rows += 1
        if _END.search(self._rest) is not None and not self._has_hidden_text:
            self.finish()
        if len(self._rest) > _MAX_ROW_XML:
            raise bad("has a row that is too long")

    def finish(self) -> None:
        """There are no further rows."""
        if not self._has_ended:
            self._measure(_END.split(self._rest)[0] if not self._has_hidden_text else self._rest)
            self._rest, self._has_ended = b"", True

    def _measure(self, xml: bytes) -> None:
        """Take in the XML after the beginning of a row's tag, or all that is before the first row."""
        row = _EMPTY_CELL.sub(b"", xml) if self._is_exact else xml
        cells = row.count(b"<c") + row.count(b":c")
        if not self._rows or not cells:
            return
        references = b" ".join(_REFERENCE.findall(row))
        numbers = {*references.translate(None, _LETTERS).split()}
        columns = {*references.translate(None, _DIGITS).split()}
        if any(len(letters) > _MOST_LETTERS for letters in columns):
            raise bad("is damaged")
        # Rows and cells may be without a reference, and stand then after the one before.
        self._last_row = max(self._last_row, self._rows, *map(int, numbers))
        self._last_column = max(self._last_column, cells, *map(_column, columns))
        self.is_too_large = self._last_row * self._last_column > MAX_CELLS
        if self.is_too_large and self._is_exact:
            detail = (
                f"The sheet reaches to row {self._last_row:,} and column {self._last_column:,}: that is more than "
                f"{MAX_CELLS:,} cells. Delete what stands far from the table, or save it as CSV."
            )
            raise Unreadable("unpacks_too_large", detail)
        if b'"e"' in row or b"'e'" in row:
            for letters, number in _ERROR_CELL.findall(row):
                self.errors.setdefault(int(number), _column(letters))
            _check_errors(len(self.errors))


def _column(letters: bytes) -> int:
    """The number of a column: of the few letters that one may have."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _letters(column: int) -> str:
    """A column as spreadsheets show it: `AA` for the 27th."""
    letters = ""
    while column:
        column, place = divmod(column - 1, 26)
        letters = ascii_uppercase[place] + letters
    return letters


def _too_large() -> Unreadable:
    detail = f"The spreadsheet unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MB. Save it as CSV."
    return Unreadable("unpacks_too_large", detail)


def bad(what: str) -> Unreadable:
    """The error for a workbook that cannot be read. `what`: after "The spreadsheet"."""
    return Unreadable("bad_spreadsheet", f"The spreadsheet {what}. Save it anew as XLSX, or as CSV.")
