"""Rows of XLSX: the first sheet that is visible, by calamine.

Calamine aborts the whole process where it gets no memory: a file of 1 KB can name a cell in the last row and column,
and calamine makes room for 17 billion; another can promise as many texts. So a workbook is unpacked and measured before
calamine sees it.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from posixpath import join, normpath
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree as ET

from contacts.imports.model import Row, RowError, Unreadable
from contacts.imports.reading.text_rows import column_names, fitted

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_WORKBOOK_BYTES: Final = 100 * 1024**2
"""Packed. It is read in one piece."""
MAX_UNPACKED_BYTES: Final = 400 * 1024**2
"""Of all that is in the archive: with what calamine makes of it, a third of the memory of `plan_import`."""
MAX_CELLS: Final = 20_000_000
"""Of the rectangle around all cells: calamine keeps 32 bytes for each, filled or not."""
MAX_ENTRIES: Final = 2000
_PIECE: Final = 1024 * 1024
_MAX_ROW_XML: Final = 16 * 1024**2
_LAST_COLUMN: Final = 16_384
_LAST_ROW: Final = 1_048_576

_ROW: Final = re.compile(rb"<(?:[\w.-]+:)?row\b")
_EMPTY_CELL: Final = re.compile(rb"<(?:[\w.-]+:)?c\b[^<>]*(?:/>|></)")
_END: Final = re.compile(rb"</(?:[\w.-]+:)?sheetData")
_REFERENCE: Final = re.compile(rb"""\sr\s*=\s*["']\s*([A-Za-z]*\d+)""")
_LETTERS: Final = ascii_letters.encode()
_DIGITS: Final = digits.encode()
_ERROR_CELL: Final = re.compile(
    rb"""<(?:[\w.-]+:)?c\b(?=[^<>]*\st\s*=\s*["']e["'])[^<>]*\sr\s*=\s*["']([A-Za-z]+)(\d+)"""
)
_PROMISED: Final = re.compile(rb"""uniqueCount\s*=\s*["']\s*(\d+)""")
_SHORTEST_STRING: Final = len("<si/>")
_OFFICE: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_OFFICE_STRICT: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

_Value = int | float | str | bool | time | date | datetime | timedelta


class Sheet(NamedTuple):
    """A sheet that can be read."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


def is_workbook(archive: bytes) -> bool:
    """Whether a ZIP archive is an XLSX file."""
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
    number, sheet = _first_sheet(workbook)
    rows = enumerate(sheet.iter_rows(), start=1)
    for _, values in rows:
        header = [_text(value) for value in values]
        if any(cell.strip() for cell in header):
            columns = column_names(header)
            left = sheet.start[1] if sheet.start else 0
            return Sheet(sheet.name, columns, _rows(rows, header, columns, errors.get(number, {}), left))
    # Not by its name, which may be a person's: events tell this text, too.
    raise Unreadable("no_rows", f"The first sheet that is not hidden (number {number + 1}) has no rows.")


def _first_sheet(workbook: bytes) -> "tuple[int, CalamineSheet]":
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        opened = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
        for number, sheet in enumerate(opened.sheets_metadata):
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
                return number, opened.get_sheet_by_index(number)
    except CalamineError:
        raise bad("is damaged") from None
    except BaseException as error:
        # What its authors did not foresee: a panic of Rust, which is no Exception.
        if type(error).__name__ == "PanicException":
            raise bad("is damaged") from None
        raise
    raise bad("has no sheet that is visible")


def _rows(
    rows: Iterator[tuple[int, list[_Value]]],
    header: list[str],
    columns: Sequence[str],
    errors: Mapping[int, Sequence[tuple[str, int]]],
    left: int,
) -> Iterator[Row]:
    for number, values in rows:
        cells = [_text(value) for value in values]
        if number in errors:
            letters, column = errors[number][0]
            name = columns[column - 1 - left] if column - 1 - left < len(columns) else None
            reason = f"the cell {letters}{number} holds an error of the spreadsheet, such as #N/A"
            yield Row(number, tuple(cells), RowError(name, reason))
        elif any(cell.strip() for cell in cells) and cells != header:
            error = fitted(cells, len(columns))
            yield Row(number, tuple(cells), error)


def _text(value: _Value) -> str:
    """A cell as a text: whole numbers without `.0`, moments as ISO 8601, booleans as in JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            if value.is_integer() and abs(value) < 1e15:
                return str(int(value))
            return repr(value)
        case datetime():
            is_day = not (value.hour or value.minute or value.second or value.microsecond)
            return value.date().isoformat() if is_day else value.isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


def _measured(workbook: bytes) -> dict[int, dict[int, list[tuple[str, int]]]]:
    """The cells that hold an error: by the number of the sheet, from 0 on, and of the row.

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
            left, found = MAX_UNPACKED_BYTES, {}
            for entry in entries:
                number = sheets.get(entry.filename.lower())
                measure = _Measure()
                for piece in _unpacked(workbook, entry):
                    left -= len(piece)
                    if left < 0:
                        raise _too_large()
                    _check_promise(piece, entry.file_size)
                    if number is not None:
                        measure.read(piece)
                if number is not None:
                    measure.finish()
                    found[number] = measure.errors if not measure.is_too_large else _exact(workbook, entry)
            return found
    except (zipfile.BadZipFile, zlib.error, ET.ParseError, KeyError, ValueError, OSError, EOFError):
        raise bad("is damaged") from None
    except (NotImplementedError, RuntimeError):
        raise bad("is protected by a password, or packed in an unusual way") from None


def _exact(workbook: bytes, entry: zipfile.ZipInfo) -> dict[int, list[tuple[str, int]]]:
    """The cells of a sheet that hold an error. Programs write cells without a value: for a border around the sheet.

    Raises:
        Unreadable: it is too large without these, too.
    """
    measure = _Measure(is_exact=True)
    for piece in _unpacked(workbook, entry):
        measure.read(piece)
    measure.finish()
    return measure.errors


def _check_promise(xml: bytes, size: int) -> None:
    """Raise Unreadable if a workbook promises more texts than it can hold: calamine makes room for all at once."""
    if any(int(promised) > size // _SHORTEST_STRING + 1 for promised in _PROMISED.findall(xml)):
        raise bad("is damaged")


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
        self.errors: dict[int, list[tuple[str, int]]] = {}
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
        self._has_hidden_text = self._has_hidden_text or b"<!" in piece
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
                self.errors.setdefault(int(number), []).append((letters.decode(), _column(letters)))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _too_large() -> Unreadable:
    detail = f"The spreadsheet unpacks to more than {MAX_UNPACKED_BYTES // 1024**2} MB. Save it as CSV."
    return Unreadable("unpacks_too_large", detail)


def bad(what: str) -> Unreadable:
    """The error for a workbook that cannot be read. `what`: after "The spreadsheet"."""
    return Unreadable("bad_spreadsheet", f"The spreadsheet {what}. Save it anew as XLSX, or as CSV.")
