"""Files as rows: CSV, TSV, NDJSON, JSON and XLSX, each also gzipped, read as a stream.

Reading can stop after any row and go on in another process, by a checkpoint. See docs/decisions/0053.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

from contacts.imports.model import (
    MAX_ROWS,
    FileFormat,
    FileReplaced,
    ImportOptions,
    Row,
    Unreadable,
)
from contacts.imports.reading import json_rows, spreadsheets, text_rows
from contacts.imports.reading.encodings import CP1252, UTF8, Encoding, encoding_of
from contacts.imports.reading.json_rows import MAX_DOCUMENT_BYTES
from contacts.imports.reading.lines import Lines
from contacts.imports.reading.streams import GZIP_MAGIC, ByteSource, PlainStream, first_bytes, stream_of
from contacts.imports.reading.text_rows import BLANK

__all__ = ["ByteSource", "Checkpoint", "FileReplaced", "OpenFile", "Unreadable", "open_file"]

HEAD_BYTES: Final = 1024 * 1024
"""By which format, encoding, delimiter and columns are found out."""
_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"RIFF", "an image, a video or a sound"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ", "packed by xz"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "an RTF document"),
    (b"BEGIN:VCARD", "a vCard file"),
    (GZIP_MAGIC, "gzipped twice"),
)
_MARKUP: Final = re.compile(r"\s*<(!doctype|\?xml|html|head|body|table)\b", re.IGNORECASE)
_CONTROLS: Final = [chr(code) for code in range(32) if chr(code) not in "\t\n\v\f\r\x1a\x1b"]
_MOST_CONTROLS: Final = 5
_CONTROL_SHARE: Final = 0.01
"""Of a text's first characters. More of them, and it is none."""
_NDJSON_NAMES: Final = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_TSV_NAMES: Final = (".tsv", ".tab", ".tsv.gz", ".tab.gz")


class Checkpoint(NamedTuple):
    """Where reading goes on: whole numbers, that can be stored as a list. XLSX and JSON need `rows` alone."""

    offset: int
    """Bytes of the unpacked text before the next row."""
    line: int
    """The number of the line at which it begins."""
    rows: int
    """Rows that were given."""
    encoding: int = 0
    """What is known of a text that may be UTF-8: nothing (0), that it is (1), that it is cp1252 (2)."""


class OpenFile:
    """A file that is being read."""

    format: FileFormat
    delimiter: str | None = None
    columns: tuple[str, ...]
    """Their names, each once; of NDJSON the members of the first objects."""
    sheet: str | None = None
    """Of a spreadsheet: the name of the sheet that is read."""

    def __init__(self, source: ByteSource, *, is_gzipped: bool, rows: int) -> None:
        """`rows`: those that were given before."""
        self._source = source
        self.is_gzipped = is_gzipped
        self._rows_given = rows

    @property
    def encoding(self) -> str | None:
        """Python's name; None: it is a spreadsheet."""
        raise NotImplementedError

    @property
    def read_bytes(self) -> int:
        """Bytes of the file, packed as they are, that are read."""
        raise NotImplementedError

    def rows(self) -> Iterator[Row]:
        """The rows, from the checkpoint on at which the file was opened.

        Raises:
            Unreadable: the rest of the file cannot be read.
            FileReplaced, TemporarilyUnavailable.
        """
        for row in self._rows():
            self._rows_given += 1
            if self._rows_given > MAX_ROWS:
                detail = f"The file has more than {MAX_ROWS:,} rows. Send it in several files."
                raise Unreadable("too_many_rows", detail)
            yield row
        if not self._rows_given:
            has_header = self.format not in (FileFormat.NDJSON, FileFormat.JSON)
            detail = "The file has a header, but no rows." if has_header else "The file has no objects."
            raise Unreadable("no_rows", detail)

    def checkpoint(self) -> Checkpoint:
        """Where to go on after the last row that `rows` gave."""
        raise NotImplementedError

    def _rows(self) -> Iterator[Row]:
        raise NotImplementedError


class _OpenText(OpenFile):
    """CSV, TSV or NDJSON: goes on at a byte."""

    def __init__(
        self, source: ByteSource, text: "_Head", name: str, options: ImportOptions, start: Checkpoint | None
    ) -> None:
        super().__init__(source, is_gzipped=text.is_gzipped, rows=start.rows if start else 0)
        self._guessed = text.encoding
        self._of_text: text_rows.TextRows | None = None
        lines = self._lines_from(text.encoding, text.encoding.bom_bytes, 1)
        if text.is_ndjson(name):
            self.format = FileFormat.NDJSON
            self.columns = json_rows.columns_of(json_rows.ndjson_rows(text.anew()))
        else:
            preferred = "\t" if name.lower().endswith(_TSV_NAMES) else None
            self.delimiter = options.delimiter or text_rows.delimiter_of("".join(text.lines), preferred)
            self.format = FileFormat.TSV if self.delimiter == "\t" else FileFormat.CSV
            spaced = text_rows.has_spaced_quotes(text.lines, self.delimiter)
            self._of_text = text_rows.TextRows(self.delimiter, skips_spaces=spaced)
            self.columns = self._of_text.read_header(lines)
        if start is not None:
            lines = self._lines_from(self._as_of(start), start.offset, start.line)
        self._lines = lines

    def _lines_from(self, encoding: Encoding, offset: int, line: int) -> Lines:
        self._stream = stream_of(self._source, is_gzipped=self.is_gzipped)
        self._stream.skip_to(offset)
        self._began_at = offset
        return Lines(self._stream, encoding, line=line)

    @property
    def encoding(self) -> str:
        """Python's name. A text that is ASCII as far as it is read is UTF-8, and may turn out to be cp1252."""
        return self._lines.encoding.name

    @property
    def read_bytes(self) -> int:
        """Bytes of the file, packed as they are, that are read."""
        return self._stream.read_bytes

    def checkpoint(self) -> Checkpoint:
        """Where to go on after the last row that `rows` gave."""
        lines, found = self._lines, self._lines.encoding
        known = 0
        if self._guessed.is_guessed and self._guessed.name == UTF8:
            known = 2 if found.name == CP1252 else int(found.has_utf8)
        return Checkpoint(self._began_at + lines.read_bytes, lines.next_line, self._rows_given, known)

    def _as_of(self, start: Checkpoint) -> Encoding:
        if start.encoding == 2:
            return self._guessed._replace(name=CP1252)
        return self._guessed._replace(has_utf8=self._guessed.has_utf8 or start.encoding == 1)

    def _rows(self) -> Iterator[Row]:
        if self._of_text is None:
            return json_rows.ndjson_rows(self._lines)
        return self._of_text.read(self._lines, self.columns)


class _OpenWhole(OpenFile):
    """XLSX, or a JSON document: it is in memory, and goes on after as many rows as were given before."""

    def __init__(
        self,
        source: ByteSource,
        file_format: FileFormat,
        columns: tuple[str, ...],
        rows: Iterator[Row],
        start: Checkpoint | None,
        *,
        is_gzipped: bool,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> None:
        super().__init__(source, is_gzipped=is_gzipped, rows=start.rows if start else 0)
        self.format, self.columns, self.sheet = file_format, columns, sheet
        self._encoding = encoding
        self._all_rows = rows

    @property
    def encoding(self) -> str | None:
        """Python's name; None: it is a spreadsheet."""
        return self._encoding

    @property
    def read_bytes(self) -> int:
        """All of the file: its rows come after it is read."""
        return self._source.size

    def checkpoint(self) -> Checkpoint:
        """Where to go on after the last row that `rows` gave."""
        return Checkpoint(0, 0, self._rows_given)

    def _rows(self) -> Iterator[Row]:
        return islice(self._all_rows, self._rows_given, None)


class _Memory:
    """Bytes in memory, as a source."""

    def __init__(self, held: bytes) -> None:
        self._held = held
        self.size = len(held)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on."""
        return self._held[offset : offset + length]


class _Head:
    """The beginning of a text: its encoding, and its first whole lines."""

    def __init__(self, head: bytes, asked: str | None, *, is_whole: bool, is_gzipped: bool) -> None:
        self.is_gzipped = is_gzipped
        self._head = head
        self.encoding = encoding_of(head, asked, is_whole=is_whole)
        self.lines: list[str] = []
        lines = self.anew()
        for line in lines:
            self.lines.append(line)
            lines.begin_record()
        if len(self.lines) > 1 and not is_whole and not self.lines[-1].endswith(("\n", "\r")):
            self.lines.pop()

    def anew(self) -> Lines:
        """The lines, to be read again, with the one at the end that may be cut."""
        return Lines(PlainStream(_Memory(self._head[self.encoding.bom_bytes :])), self.encoding)

    @cached_property
    def first_characters(self) -> str:
        """Some characters of the first line that is not blank, from the first one on that is no white space."""
        return next((text[:100] for line in self.lines if (text := line.lstrip(BLANK))), "")

    def is_ndjson(self, name: str) -> bool:
        """Whether it is NDJSON: by its first lines, or by its name if these are broken."""
        is_named_so = name.lower().endswith(_NDJSON_NAMES)
        return self.first_characters.startswith("{") and (is_named_so or json_rows.is_ndjson(self.lines))

    @property
    def is_json(self) -> bool:
        """Whether it is some JSON, if it is anything."""
        return self.first_characters.startswith(("{", "["))


def open_file(
    source: ByteSource, name: str, options: ImportOptions, start: Sequence[int] | None = None
) -> OpenFile:
    """Find out what a file is, and open it for reading.

    `name`: it decides only what the bytes leave open. `options`: `encoding` and `delimiter` count, and win.
    `start`: a checkpoint of the same file with the same options; None: at the beginning.

    Raises:
        Unreadable: with a code and a sentence that says what to do.
        FileReplaced, TemporarilyUnavailable.
    """
    begun = None if start is None else Checkpoint(*start)
    is_gzipped = first_bytes(PlainStream(source), len(GZIP_MAGIC)) == GZIP_MAGIC
    head = first_bytes(stream_of(source, is_gzipped=is_gzipped), HEAD_BYTES)
    if not head.strip(b" \t\r\n\0"):
        raise Unreadable("empty_file", "The file is empty.")
    if head.startswith(_ZIP):
        return _workbook(source, begun, is_gzipped=is_gzipped)
    _refuse_others(head)
    text = _Head(head, options.encoding, is_whole=len(head) < HEAD_BYTES, is_gzipped=is_gzipped)
    _refuse_no_text("".join(text.lines[:1000]).rstrip(BLANK))
    if not text.first_characters:
        raise Unreadable("empty_file", "The file is empty.")
    if text.is_json and not text.is_ndjson(name):
        return _document(source, text, begun)
    return _OpenText(source, text, name, options, begun)


def _workbook(source: ByteSource, start: Checkpoint | None, *, is_gzipped: bool) -> OpenFile:
    archive = first_bytes(stream_of(source, is_gzipped=is_gzipped), spreadsheets.MAX_WORKBOOK_BYTES + 1)
    if len(archive) > spreadsheets.MAX_WORKBOOK_BYTES:
        detail = (
            f"The file is a spreadsheet or an archive of more than {spreadsheets.MAX_WORKBOOK_BYTES // 1024**2} MB. "
            "Save it as CSV; that may have 5 GB."
        )
        raise Unreadable("unpacks_too_large", detail)
    if not spreadsheets.is_workbook(archive):
        raise _not_text(spreadsheets.kind_of_archive(archive))
    sheet = spreadsheets.sheet_of(archive)
    return _OpenWhole(
        source, FileFormat.XLSX, sheet.columns, sheet.rows, start, is_gzipped=is_gzipped, sheet=sheet.name
    )


def _document(source: ByteSource, text: _Head, start: Checkpoint | None) -> OpenFile:
    stream = stream_of(source, is_gzipped=text.is_gzipped)
    held = first_bytes(stream, MAX_DOCUMENT_BYTES + 1)
    if len(held) > MAX_DOCUMENT_BYTES:
        detail = (
            f"A JSON document may have {MAX_DOCUMENT_BYTES // 1024**2} MB. Send it as NDJSON, an object a line: "
            "that may have 5 GB."
        )
        raise Unreadable("bad_json", detail)
    try:
        document = held[text.encoding.bom_bytes :].decode(text.encoding.name)
    except UnicodeDecodeError:
        detail = f"The JSON document is not in the encoding {text.encoding.name}."
        raise Unreadable("wrong_encoding", detail) from None
    del held
    entries = json_rows.entries_of(document)
    del document
    columns = json_rows.columns_of(json_rows.document_rows(entries), most=len(entries))
    return _OpenWhole(
        source,
        FileFormat.JSON,
        columns,
        json_rows.document_rows(entries),
        start,
        is_gzipped=text.is_gzipped,
        encoding=text.encoding.name,
    )


def _refuse_others(head: bytes) -> None:
    """Raise Unreadable if a file begins as formats do that are no text."""
    if head.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in head:
            raise spreadsheets.bad("is protected by a password. Remove that")
        raise spreadsheets.bad("has the format of Excel 97 to 2003 (.xls), or is protected by a password")
    found = next((what for magic, what in _OTHERS if head.startswith(magic)), None)
    if found is not None:
        raise _not_text(found)


def _refuse_no_text(text: str) -> None:
    """Raise Unreadable if characters are none of a table's."""
    if _MARKUP.match(text):
        raise _not_text("a web page or an XML document")
    if sum(map(text.count, _CONTROLS)) > max(_MOST_CONTROLS, _CONTROL_SHARE * len(text)):
        raise _not_text("no text")


def _not_text(what: str) -> Unreadable:
    detail = f"The file is {what}. Send CSV, TSV, NDJSON, JSON or XLSX; each may be gzipped."
    return Unreadable("not_text", detail)
