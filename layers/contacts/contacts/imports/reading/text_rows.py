"""Rows of CSV and TSV: records as RFC 4180 has them, cut where they end."""

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from contacts.core.spreadsheets import unescaped
from contacts.imports.model import MAX_COLUMNS, MAX_ROW_BYTES, MAX_ROWS, Row, RowError, Unreadable
from contacts.imports.reading.lines import Lines, RecordTooLong

DELIMITERS: Final = (",", ";", "\t", "|")
"""The likeliest first."""
MAX_SKIPPED_BYTES: Final = 16 * 1024**2
"""A record that is longer has a quote that nobody closed."""
MAX_UNUSED_BYTES: Final = 512 * 1024**2
"""Of what is no row, or of rows that are too long: mere commas, or quotes, take a minute or two."""
_COMPARED: Final = 50
"""Records at the beginning by which the delimiter is found out."""
_SEPARATOR: Final = re.compile(r'sep=([^\r\n"])\s*', re.IGNORECASE)
BLANK: Final = " \t\r\n\0\x1a\ufeff\xa0"
"""Also the zeros that a crash leaves at the end of a file, and DOS's end of a file."""

NOT_QUOTED: Final = RowError(
    None,
    'after a quote that ends a cell comes something else than the delimiter; a quote in a cell is written twice: ""',
)
TOO_LONG: Final = RowError(None, f"the row is longer than {MAX_ROW_BYTES:,} bytes")
HEADER_TOO_LONG: Final = f"The header is longer than {MAX_ROW_BYTES:,} bytes."


def delimiter_of(head: str, preferred: str | None = None) -> str:
    """The delimiter of a text that begins with `head`: the one that gives the first records equally many cells.

    Where several do, the one that gives the most. `preferred`: the one that the file's name speaks for.
    """
    first = head.lstrip("\ufeff\r\n")
    if (told := _SEPARATOR.match(first)) is not None and "\n" in first[: told.end()].replace("\r", "\n"):
        return told.group(1)
    candidates = sorted(DELIMITERS, key=lambda one: one != preferred)
    return max(candidates, key=lambda one: _fitness(first, one))


def _fitness(head: str, delimiter: str) -> tuple[bool, float, bool, int]:
    found: list[list[str]] = []
    records = csv.reader(_split(head), delimiter=delimiter, strict=True)
    # The last record may be cut.
    with suppress(csv.Error):
        found.extend(one for one in islice(records, _COMPARED) if any(cell.strip(BLANK) for cell in one))
    if not found or len(found[0]) == 1:
        return False, 0, False, 0
    header, others = found[0], found[1:]
    alike = sum(len(one) == len(header) for one in others) / len(others) if others else 1
    # After a comma in a text comes a space.
    is_tight = not any(cell.startswith(" ") for cell in header)
    return True, alike, is_tight, len(header)


def _split(text: str) -> list[str]:
    """The lines of a text. (`str.splitlines` takes more than line ends for them.)"""
    return [
        line.decode("utf-8", "surrogatepass")
        for line in text.encode("utf-8", "surrogatepass").splitlines(keepends=True)
    ]


def column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of columns, each once: a second `Email` is `Email (2)`, one without a name `Column 3`.

    Raises:
        Unreadable: there are more than may be (`too_many_columns`), or it is no header (`header_missing`).
    """
    given = [unescaped(" ".join(cell.strip(BLANK).split())) for cell in cells]
    if len(given) > MAX_COLUMNS:
        # Spreadsheets write what was once touched.
        while given and not given[-1]:
            given.pop()
    if len(given) > MAX_COLUMNS:
        detail = f"The file has {len(given):,} columns; at most {MAX_COLUMNS:,} are read."
        raise Unreadable("too_many_columns", detail)
    if any(map(_is_email, given)):
        detail = (
            "The first row holds an email address where the names of the columns are expected. "
            "Put a row of names before it, such as: email,first_name,last_name"
        )
        raise Unreadable("header_missing", detail)
    if not any(character.isalpha() for name in given for character in name):
        detail = (
            "The first row has no letters, so it does not name the columns. "
            "Put a row of names before it, such as: email,first_name,last_name"
        )
        raise Unreadable("header_missing", detail)
    return distinct_names(name or f"Column {number}" for number, name in enumerate(given, start=1))


def _is_email(name: str) -> bool:
    """Whether a name looks like an email address. (A regular expression for it takes the square of a name's length.)"""
    local, _, domain = name.partition("@")
    return bool(local) and "." in domain[1:-1] and "@" not in domain and not any(map(str.isspace, name))


def distinct_names(names: Iterator[str]) -> tuple[str, ...]:
    """Names, each once: a second `Email` is `Email (2)`."""
    distinct: dict[str, None] = {}
    for name in names:
        number, free = 1, name
        while free in distinct:
            number += 1
            free = f"{name} ({number})"
        distinct[free] = None
    return tuple(distinct)


class TextRows:
    """The rows of CSV. Reads the header first; `read` then gives the rows after it, or from a later line on."""

    def __init__(self, delimiter: str, *, skips_spaces: bool = False) -> None:
        """`skips_spaces`: whether spaces before a cell are none of it."""
        self._delimiter = delimiter
        self._skips_spaces = skips_spaces
        self._header: list[str] = []
        self._unused = Unused()
        # Characters; the limit that `csv` has by itself is 131,072. `Lines` sees to ours.
        csv.field_size_limit(MAX_ROW_BYTES + 1)

    def read_header(self, lines: Lines) -> tuple[str, ...]:
        """The names of the columns.

        Raises:
            Unreadable: `no_rows`, and as `column_names` and `read`.
        """
        for cells, error in self._records(lines):
            if error is TOO_LONG:
                raise Unreadable("too_many_columns", HEADER_TOO_LONG)
            if error is not None:
                detail = f"The header, in line {lines.record_line:,}, cannot be read: {error.reason}."
                raise Unreadable("header_missing", detail)
            if self._header or not _SEPARATOR.fullmatch("".join(lines.record)):
                self._header = cells
                return column_names(cells)
        raise Unreadable("no_rows", "The file has no rows.")

    def read(self, lines: Lines, columns: Sequence[str]) -> Iterator[Row]:
        """The rows. Those without any text in them are none, and neither is the header when it comes again.

        Raises:
            Unreadable: a quote is never closed (`quote_not_closed`).
        """
        width = len(columns)
        for cells, refusal in self._records(lines):
            error = refusal or fitted(cells, width)
            if error is not None or cells != self._header:
                yield Row(lines.record_line, tuple(cells), error)
            else:
                self._unused.count_blank(lines.record_bytes)

    def _records(self, lines: Lines) -> Iterator[tuple[list[str], RowError | None]]:
        """Records with a text in them: their cells, or what they have instead, and why they cannot be read."""
        reader = csv.reader(
            lines, delimiter=self._delimiter, skipinitialspace=self._skips_spaces, strict=True
        )
        while True:
            lines.begin_record()
            error: RowError | None = None
            try:
                cells = next(reader)
            except StopIteration:
                return
            except RecordTooLong:
                self._skip(lines)
                cells, error = [], TOO_LONG
            except csv.Error:
                self._check_quotes(lines)
                cells, error = ["".join(lines.record).rstrip("\r\n")], NOT_QUOTED
            if error is None:
                if not any(cell.strip(BLANK) for cell in cells):
                    self._unused.count_blank(lines.record_bytes)
                    continue
                if lines.is_garbled:
                    error = RowError(None, f"the row holds bytes that are not {lines.encoding.name}")
            yield cells, error

    def _check_quotes(self, lines: Lines) -> None:
        """Raise Unreadable if the text has ended within quotes."""
        quotes = Quotes(self._delimiter, skips_spaces=self._skips_spaces)
        for number, line in enumerate(lines.record):
            quotes.read(line, lines.record_line + number)
        if lines.has_ended and quotes.are_open:
            raise _not_closed(quotes.line)

    def _skip(self, lines: Lines) -> None:
        """Read to the end of a record that is too long.

        Raises:
            Unreadable: it does not end.
        """
        quotes = Quotes(self._delimiter, skips_spaces=self._skips_spaces)
        line = lines.record_line
        for piece in lines.record:
            quotes.read(piece, line)
            line += 1
        first, skipped = lines.record_line, lines.record_bytes
        piece = lines.record[-1]
        while quotes.are_open or not piece.endswith(("\n", "\r")):
            if skipped > MAX_SKIPPED_BYTES:
                if quotes.are_open:
                    raise _not_closed(quotes.line)
                raise Unreadable(
                    "row_too_long", f"Line {first:,} is longer than {MAX_SKIPPED_BYTES:,} bytes."
                )
            lines.begin_record()
            line = lines.next_line
            try:
                piece = next(lines)
            except RecordTooLong:
                piece = lines.record[-1]
            except StopIteration:
                if quotes.are_open:
                    raise _not_closed(quotes.line) from None
                break
            skipped += lines.record_bytes
            quotes.read(piece, line)
        lines.record_line = first
        self._unused.count_long(skipped)


def fitted(cells: list[str], columns: int) -> RowError | None:
    """What is wrong with a row that has more cells than there are columns. Empty ones at its end are taken off."""
    while len(cells) > columns and not cells[-1].strip(BLANK):
        cells.pop()
    if len(cells) <= columns:
        return None
    reason = f"the row has {len(cells):,} cells, and the header {columns:,}: is a delimiter in a cell?"
    return RowError(None, reason)


class Unused:
    """What of a file came to nothing: it may go on like that for hours, and nobody would wait for its end."""

    def __init__(self) -> None:
        self._blank = 0
        self._blank_bytes = 0
        self._long_bytes = 0

    def count_blank(self, size: int) -> None:
        """A record that is no row, of so many bytes.

        Raises:
            Unreadable: there are too many (`too_many_rows`).
        """
        self._blank += 1
        self._blank_bytes += size
        if self._blank > MAX_ROWS or self._blank_bytes > MAX_UNUSED_BYTES:
            detail = (
                f"The file has more than {MAX_ROWS:,} empty lines, or {MAX_UNUSED_BYTES:,} bytes of them."
            )
            raise Unreadable("too_many_rows", detail)

    def count_long(self, size: int) -> None:
        """A row that is too long, of so many bytes.

        Raises:
            Unreadable: there are too many (`row_too_long`).
        """
        self._long_bytes += size
        if self._long_bytes > MAX_UNUSED_BYTES:
            detail = (
                f"Rows that are longer than {MAX_ROW_BYTES:,} bytes make up more than {MAX_UNUSED_BYTES:,} bytes "
                "of the file."
            )
            raise Unreadable("row_too_long", detail)


def _not_closed(line: int) -> Unreadable:
    detail = f'The quote that opens in line {line:,} is never closed. Close it, or write a quote in a cell twice: ""'
    return Unreadable("quote_not_closed", detail)


def _is_filled(line: str) -> bool:
    return bool(line.strip(BLANK))


class Quotes:
    """Whether a text is within quotes, after the lines that were read."""

    def __init__(self, delimiter: str, *, skips_spaces: bool) -> None:
        self._openers = frozenset((delimiter, "\n", "\r"))
        self._skips_spaces = skips_spaces
        self._before = delimiter
        self.are_open = False
        self.line = 0
        """In which line they were opened."""
        self.follow_spaces = False
        """Whether a quote follows a delimiter and spaces."""

    def read(self, text: str, line: int) -> None:
        """A further line, or a piece of one."""
        last, at = 0, text.find('"')
        while at >= 0:
            before = text[at - 1] if at else self._before
            if self.are_open:
                self.are_open = False
            elif before in self._openers:
                self.are_open, self.line = True, line
            elif before == '"':
                # It was doubled, and has not closed them.
                self.are_open = True
            elif before == " " and (text[last:at].rstrip(" ")[-1:] or "\n") in self._openers:
                self.follow_spaces = True
                self.are_open, self.line = self._skips_spaces, line
            last, at = at, text.find('"', at + 1)
        self._before = text[-1:] or self._before


def has_spaced_quotes(first_lines: Sequence[str], delimiter: str) -> bool:
    """Whether a file writes a space between a delimiter and a quote, as people and some databases do: `"a", "b"`."""
    quotes = Quotes(delimiter, skips_spaces=True)
    for line in islice(filter(_is_filled, first_lines), _COMPARED):
        quotes.read(line, 0)
    return quotes.follow_spaces
