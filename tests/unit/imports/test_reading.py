"""Files as rows, whatever they are."""

import csv
import gzip
import io
import re
import subprocess
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.imports.model import FileFormat, FileReplaced, ImportOptions, Row, Unreadable
from contacts.imports.reading import json_rows, spreadsheets, streams, text_rows
from contacts.imports.reading import opening as reading
from contacts.imports.reading.opening import OpenFile, open_file
from tests.support.hypothesis_profiles import examples
from tests.support.workbooks import row, workbook

AS_GIVEN = ImportOptions()


class Held:
    """A file in memory. `most`: bytes that it gives at once."""

    def __init__(self, content: bytes, most: int | None = None) -> None:
        self._content = content
        self._most = most
        self.size = len(content)
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self._content[offset : offset + min(length, self._most or length)]


def opened(content: bytes | str, name: str = "people.csv", **options: Any) -> OpenFile:
    held = content.encode() if isinstance(content, str) else content
    return open_file(Held(held), name, ImportOptions(**options))


def rows_of(content: bytes | str, name: str = "people.csv", **options: Any) -> list[Row]:
    return list(opened(content, name, **options).rows())


def cells_of(content: bytes | str, name: str = "people.csv", **options: Any) -> list[Any]:
    return [row.cells for row in rows_of(content, name, **options)]


def refusal(content: bytes | str, name: str = "people.csv", **options: Any) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        rows_of(content, name, **options)
    return caught.value


def test_lines_are_counted_with_line_breaks_in_cells() -> None:
    rows = rows_of('email,note\r\na@x.org,"one\r\ntwo\nthree"\r\nb@x.org,\n')

    assert [(row.line, row.cells) for row in rows] == [
        (2, ("a@x.org", "one\r\ntwo\nthree")),
        (5, ("b@x.org", "")),
    ]


TEXTS = st.text(st.sampled_from('ab,;\t|"\n\r =@äß中😀\u2028\x0b\x85'), max_size=8)
LATIN = st.text(st.sampled_from('ab,;\t|"\n\r äß€'), max_size=8)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, list[list[str]], str, str]:
    """A CSV file in some encoding: its bytes, its rows, its encoding and delimiter."""
    encoding = draw(
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "cp1252", "gb18030"])
    )
    delimiter = draw(st.sampled_from(",;\t|"))
    width = draw(st.integers(2, 4))
    cell = LATIN if encoding == "cp1252" else TEXTS
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=8))
    text = io.StringIO(newline="")
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # Before Python 3.13, `csv` writes line ends of another kind than its own without quotes.
    quotes_all = draw(st.booleans()) or any(end in cell for row in rows for cell in row for end in "\r\n")
    quoting = csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerow([f"column {number}" for number in range(width)])
    writer.writerows(rows)
    return text.getvalue().encode(encoding), rows, encoding, delimiter


def blank(row: list[str]) -> bool:
    return not any(cell.strip(" \t\r\n") for cell in row)


@given(files())
@settings(max_examples=examples(400))
def test_what_pythons_csv_writes_is_read_as_the_same_cells(
    file: tuple[bytes, list[list[str]], str, str],
) -> None:
    content, rows, encoding, delimiter = file
    if all(map(blank, rows)):
        assert refusal(content, encoding=encoding, delimiter=delimiter).code == "no_rows"
        return

    read = cells_of(content, encoding=encoding, delimiter=delimiter)

    assert read == [tuple(row) for row in rows if not blank(row)]


@given(
    files(),
    st.booleans(),
    st.integers(1, 40),
    st.lists(st.integers(0, 3), max_size=10),
)
@settings(max_examples=examples(400))
def test_reading_with_stops_gives_the_same_as_reading_in_one_go(
    file: tuple[bytes, list[list[str]], str, str], is_gzipped: bool, most: int, stops: list[int]
) -> None:
    content, rows, encoding, delimiter = file
    if all(map(blank, rows)):
        return
    source = Held(gzip.compress(content) if is_gzipped else content, most)
    options = ImportOptions(encoding=encoding, delimiter=delimiter)
    at_once = list(open_file(source, "people.csv", options).rows())

    read: list[Row] = []
    checkpoint: list[int] | None = None
    for wanted in stops:
        part = open_file(source, "people.csv", options, checkpoint)
        given_rows = part.rows()
        read += [row for _, row in zip(range(wanted), given_rows, strict=False)]
        checkpoint = list(part.checkpoint())
    read += open_file(source, "people.csv", options, checkpoint).rows()

    assert read == at_once


def packed(*members: bytes) -> bytes:
    return b"".join(map(gzip.compress, members))


LONG_LINE = b"a@x.org," + b"x" * 1000 + b"\n"
ADA = ("ada@x.org", "Ada")

READ: list[tuple[str, bytes, dict[str, str], list[Any]]] = [
    ("2,000 empty lines before the header", b" \r\n" * 2000 + b'email, "name"\nada@x.org, "Ada"', {}, [ADA]),
    ("200 empty lines before an object", b"\n" * 200 + b'{"email": "a"}', {}, [{"email": "a"}]),
    ("200 empty lines before a document", b"\n" * 200 + b'[{"email": "a"}]', {}, [{"email": "a"}]),
    ("a byte-order mark before a quoted header", b'\xef\xbb\xbf"email","name"\nada@x.org,Ada\n', {}, [ADA]),
    (
        "UTF-16 as Excel's Unicode text",
        "email\tname\r\nada@x.org\tÄda\r\n".encode("utf-16"),
        {},
        [("ada@x.org", "Äda")],
    ),
    (
        "UTF-16 without a mark",
        "email,name\nada@x.org,Äda😀".encode("utf-16-be"),
        {},
        [("ada@x.org", "Äda😀")],
    ),
    ("cp1252", "email;name\nada@x.org;Adä €".encode("cp1252"), {}, [("ada@x.org", "Adä €")]),
    (
        "said to be Latin-1",
        "email,name\nada@x.org,€".encode("cp1252"),
        {"encoding": "latin-1"},
        [("ada@x.org", "€")],
    ),
    (
        "said to be Shift JIS",
        "email,name\nada@x.org,表".encode("shift_jis"),
        {"encoding": "sjis"},
        [("ada@x.org", "表")],
    ),
    (
        "said to be UTF-16, with a mark",
        "email,name\nada@x.org,Ada".encode("utf-16"),
        {"encoding": "UTF-16"},
        [ADA],
    ),
    ("Excel's first line", b"sep=;\r\nemail;a,b,c\r\nada@x.org;Ada", {}, [ADA]),
    (
        "Excel's first line, the delimiter is said",
        b"sep=;\r\nemail;name\r\nada@x.org;Ada",
        {"delimiter": ";"},
        [ADA],
    ),
    ("more commas than semicolons in the header", b"email;Name, first, last\nada@x.org;Ada", {}, [ADA]),
    ("semicolons in quotes", b'email,"a;b;c"\nada@x.org,Ada', {}, [ADA]),
    ("a delimiter that rows have, too", b"email|tags, all\nada@x.org|a, b", {}, [("ada@x.org", "a, b")]),
    (
        "line ends of all kinds",
        b"email,name\rada@x.org,Ada\r\nb@x.org,B\nc@x.org,C",
        {},
        [ADA, ("b@x.org", "B"), ("c@x.org", "C")],
    ),
    ("empty lines, and lines of nothing", b"\n\r\nemail,name\n\n , \nada@x.org,Ada\n,\n\n", {}, [ADA]),
    ("fewer cells", b"email,name\nada@x.org\nb@x.org,B", {}, [("ada@x.org",), ("b@x.org", "B")]),
    ("empty cells beyond the last column", b"email,name\nada@x.org,Ada,,,", {}, [ADA]),
    ("the header again", b"email,name\nada@x.org,Ada\nemail,name\n", {}, [ADA]),
    (
        "two files behind one another",
        b"\xef\xbb\xbfemail,name\nada@x.org,Ada\n\xef\xbb\xbfemail,name\nb@x.org,B",
        {},
        [ADA, ("b@x.org", "B")],
    ),
    ("zeros that a crash has left", b"email,name\nada@x.org,Ada\n" + b"\0" * 5000, {}, [ADA]),
    ("DOS's end of a file", b"email,name\r\nada@x.org,Ada\r\n\x1a", {}, [ADA]),
    ("one column", b"\xef\xbb\xbfemail\r\nada@x.org\r\n", {}, [("ada@x.org",)]),
    ("a column of quotes alone", b'email,name\nada@x.org,""', {}, [("ada@x.org", "")]),
    (
        "what Python takes for line ends",
        "email,name\nada@x.org,a\u2028b\x0bc\x85d\x1ee".encode(),
        {},
        [("ada@x.org", "a\u2028b\x0bc\x85d\x1ee")],
    ),
    ("several gzip members", packed(b"email,name\nada@x", b".org,Ada\n") + b"\0" * 512, {}, [ADA]),
    (
        "cp1252 after a megabyte of ASCII",
        b"email,name\n" + LONG_LINE * 1100 + b"ada@x.org,Ad\xe4",
        {},
        [*[("a@x.org", "x" * 1000)] * 1100, ("ada@x.org", "Adä")],
    ),
    # https://github.com/mholt/PapaParse/issues/112
    (
        "inches",
        b"email,size\nada@x.org,6'5\"\nb@x.org,2'8\"\n",
        {},
        [("ada@x.org", "6'5\""), ("b@x.org", "2'8\"")],
    ),
    # https://github.com/mholt/PapaParse/issues/99
    (
        "spaces before quotes",
        b'"email", "name"\n"ada@x.org", "Ada, Countess"',
        {},
        [("ada@x.org", "Ada, Countess")],
    ),
    # https://github.com/mholt/PapaParse/issues/344
    (
        "other line ends in cells",
        b'"email","name"\n"ada@x.org","A\r\nda"\n"b@x.org","B"',
        {},
        [("ada@x.org", "A\r\nda"), ("b@x.org", "B")],
    ),
    # https://github.com/TryGhost/Ghost/pull/29486
    (
        "a first row that is shorter than others",
        b"email,name,note\na@x.org\nada@x.org,Ada,a note",
        {},
        [("a@x.org",), (*ADA, "a note")],
    ),
    # https://github.com/mldbai/mldb/pull/365
    ("a comma at the end of each line", b"email,name,\nada@x.org,Ada,\n", {}, [(*ADA, "")]),
    (
        "NDJSON",
        b'{"email": "ada@x.org", "n": 12345678901234567890}\r\n\r\n{"email": null}',
        {},
        [{"email": "ada@x.org", "n": 12345678901234567890}, {"email": None}],
    ),
    (
        "NDJSON in UTF-16",
        '{"email": "ä"}\n{"email": "b"}'.encode("utf-16"),
        {},
        [{"email": "ä"}, {"email": "b"}],
    ),
    (
        "one line of NDJSON",
        b'{"email": "ada@x.org", "addresses": [{"city": "London"}]}',
        {},
        [{"email": "ada@x.org", "addresses": [{"city": "London"}]}],
    ),
    ("a JSON array in one line", b'[{"email": "a"},{"email": "b"}]', {}, [{"email": "a"}, {"email": "b"}]),
    (
        "what a vendor's list answers",
        b'\n{"success": true, "data": {"contacts": [{"email": "a", "tags": ["x"]}],\n"tags": []}}',
        {},
        [{"email": "a", "tags": ["x"]}],
    ),
]


@pytest.mark.parametrize(("content", "options", "cells"), [pytest.param(*row[1:], id=row[0]) for row in READ])
@pytest.mark.parametrize("is_gzipped", [False, True], ids=["plain", "gzipped"])
def test_a_file_is_read_as(
    content: bytes, options: dict[str, str], cells: list[Any], is_gzipped: bool
) -> None:
    if is_gzipped and content.startswith(b"\x1f\x8b"):
        return
    rows = rows_of(gzip.compress(content, 1) if is_gzipped else content, **options)

    assert [row.cells for row in rows] == cells
    assert [row.error for row in rows] == [None] * len(cells)
    assert len({row.line for row in rows}) == len(rows), "by its line, each row is carried out once"


PIECES = st.sampled_from(
    [b"email,name\n", b"a@x.org,", b'{"email": 1}', b"sep=|\n", b"\n", b"\r\n", b"\r", b'"', b'""', b";", b"{", b"[",
     b"]", b"\xe4", "ä".encode(), b"\0", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"\x1f\x8b\x08"]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=12).map(b"".join),
    st.booleans(),
    st.sampled_from([None, "utf-8", "utf-16", "cp1252"]),
)
@settings(max_examples=examples(400))
def test_whatever_bytes_come_they_are_rows_or_refused(
    content: bytes, is_gzipped: bool, encoding: str | None
) -> None:
    with suppress(Unreadable):
        rows = rows_of(gzip.compress(content) if is_gzipped else content, encoding=encoding)
        assert [one.line for one in rows] == sorted({one.line for one in rows})


XLSX = workbook(row(1, "email") + row(2, "a"))
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
REFUSED: list[tuple[str, bytes, dict[str, str], str, str]] = [
    ("nothing", b"", {}, "empty_file", "empty"),
    ("white space and a mark", b"\xef\xbb\xbf \r\n\n", {}, "empty_file", "empty"),
    ("nothing, gzipped", gzip.compress(b""), {}, "empty_file", "empty"),
    ("a header alone", b"email,name\n", {}, "no_rows", "no rows"),
    ("no header, with an email", b"ada@x.org,Ada\nb@x.org,B", {}, "header_missing", "email,first_name"),
    ("no header, with numbers", b"1,2,3\n4,5,6", {}, "header_missing", "no letters"),
    ("a header with a broken quote", b'"email"x,name\n', {}, "header_missing", "line 1"),
    (
        "a quote that stays open",
        b'email,name\nada@x.org,Ada\nb@x.org,"B\nc@x.org,C\n',
        {},
        "quote_not_closed",
        "line 3",
    ),
    (
        "a second quote that stays open",
        b'email,a,b\nada@x.org,"A\nda","B\nc@x.org,C\n',
        {},
        "quote_not_closed",
        "line 3",
    ),
    (
        "10,000 columns",
        b",".join(b"c%d" % n for n in range(10_000)) + b"\n1",
        {},
        "too_many_columns",
        "10,000",
    ),
    ("a header of two megabytes", b"x" * 2_000_000 + b"\na", {}, "too_many_columns", "header"),
    ("a PDF", b"%PDF-1.7\n1 0 obj", {}, "not_text", "a PDF document"),
    ("an image", JPEG, {}, "not_text", "an image"),
    ("an archive", b"PK\x03\x04" + b"\0" * 100, {}, "not_text", "ZIP archive"),
    ("a web page", b"\n<!DOCTYPE html><html>", {}, "not_text", "web page"),
    ("what S3 says", b'<?xml version="1.0"?><Error><Code>', {}, "not_text", "XML"),
    ("a program", b"\x7fELF\x02\x01\x01" + bytes(range(32)) * 4, {}, "not_text", "no text"),
    ("vCards", b"BEGIN:VCARD\nVERSION:3.0", {}, "not_text", "vCard"),
    ("gzip in gzip", packed(packed(b"email\na")), {}, "not_text", "gzipped twice"),
    (
        "gzip, cut off",
        gzip.compress(b"email,name\n" + b"a@x.org,A\n" * 100)[:-12],
        {},
        "bad_gzip",
        "too early",
    ),
    ("gzip, damaged", gzip.compress(b"email\na@x.org\n")[:-8] + b"12345678", {}, "bad_gzip", "damaged"),
    (
        "gzip and then something else",
        gzip.compress(b"email\na@x.org\n") + b"more",
        {},
        "bad_gzip",
        "something else",
    ),
    ("no such encoding", b"email\na", {"encoding": "utf8mb4"}, "unknown_encoding", "utf8mb4"),
    ("no encoding of texts", b"email\na", {"encoding": "base64"}, "unknown_encoding", "base64"),
    ("an encoding of domain names", b"email\na", {"encoding": "idna"}, "unknown_encoding", "idna"),
    (
        "one without line ends as ASCII has them",
        b"email\na",
        {"encoding": "cp037"},
        "unknown_encoding",
        "cp037",
    ),
    (
        "not the encoding that is said",
        "email\nä\nö".encode("cp1252"),
        {"encoding": "utf-8"},
        "wrong_encoding",
        "line 2",
    ),
    ("UTF-8, said to be UTF-16", b"email,name\na,b", {"encoding": "utf-16"}, "wrong_encoding", "utf-16"),
    (
        "UTF-16, said to be cp1252",
        "email\na".encode("utf-16-le"),
        {"encoding": "cp1252"},
        "wrong_encoding",
        "utf-16-le",
    ),
    (
        "a mark that says otherwise",
        b"\xef\xbb\xbfemail\na",
        {"encoding": "cp1252"},
        "wrong_encoding",
        "utf-8",
    ),
    ("Shift JIS", "email,name\na@x.org,ミー\n".encode("shift_jis"), {}, "wrong_encoding", "Line 2"),
    ("JSON that breaks off", b'[{"email": "a"},\n{"ema', {}, "bad_json", "line 2"),
    ("JSON with two arrays", b'{"a": [{"x": 1}],\n"b": [{"x": 1}]}', {}, "bad_json", "several"),
    ("JSON that goes down and down", b"[" * 100_000, {}, "bad_json", "nested"),
    ("JSON with NaN", b'[{"email": NaN}]', {}, "bad_json", "NaN"),
    ("JSON with a member twice", b'[{"email": "a", "email": "b"}]', {}, "bad_json", "twice"),
    ("JSON with a number that none is", b'[{"email": 1e-9999999999999999999}]', {}, "bad_json", "exponent"),
    ("JSON with nothing in it", b"[]", {}, "no_rows", "no objects"),
    ("a vendor's list of nothing", b'{"data": {"contacts": [], "total": 0}}', {}, "no_rows", "no objects"),
    ("an .xls file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, {}, "bad_spreadsheet", ".xls"),
    (
        "a protected .xlsx file",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        {},
        "bad_spreadsheet",
        "password",
    ),
    ("half of an .xlsx file", XLSX[: len(XLSX) // 2], {}, "not_text", "damaged spreadsheet"),
    (
        "an .xlsx file with zeros in it",
        XLSX[:300] + b"\0" * 200 + XLSX[500:],
        {},
        "bad_spreadsheet",
        "damaged",
    ),
    (
        "a sheet whose header is too long",
        workbook(row(1, "email", "x" * 2_000_000) + row(2, "a")),
        {},
        "too_many_columns",
        "1,048,576",
    ),
    ("a sheet of nothing", workbook(""), {}, "no_rows", "number 1"),
    ("hidden sheets", workbook(row(1, "email"), hidden=[0]), {}, "bad_spreadsheet", "visible"),
    (
        "two cells, far apart",
        workbook(row(1, "email") + "<row r=\"1048576\"><c r='XFD1048576'><v>1</v></c></row>"),
        {},
        "unpacks_too_large",
        "1,048,576",
    ),
    # https://github.com/tafia/calamine/issues/684
    (
        "four billion texts that are promised",
        workbook(row(1, "email"), shared='<sst uniqueCount="4000000000"/>'),
        {},
        "bad_spreadsheet",
        "damaged",
    ),
]


@pytest.mark.parametrize(
    ("content", "options", "code", "says"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED]
)
def test_a_file_is_refused(content: bytes, options: dict[str, str], code: str, says: str) -> None:
    refused = refusal(content, **options)

    assert refused.code == code
    assert says in refused.detail
    assert (
        refused.detail.endswith(".") or refused.detail.endswith("last_name") or refused.detail.endswith('""')
    )


def lying_about_sizes(archive: bytes, size: int) -> bytes:
    """A ZIP archive whose directory says of each entry that it unpacks to so many bytes."""
    lies, at = bytearray(archive), archive.index(b"PK\x01\x02")
    while lies[at : at + 4] == b"PK\x01\x02":
        lies[at + 24 : at + 28] = size.to_bytes(4, "little")
        lengths = [int.from_bytes(lies[at + place : at + place + 2], "little") for place in (28, 30, 32)]
        at += 46 + sum(lengths)
    return bytes(lies)


ZEROS = workbook(row(1, "email") + row(2, "a"), entries={"xl/media/image1.png": b"\0" * 2_000_000})


@pytest.mark.parametrize("content", [ZEROS, lying_about_sizes(ZEROS, 2500)], ids=["told", "concealed"])
def test_a_workbook_that_unpacks_to_too_much_never_reaches_calamine(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_UNPACKED_BYTES", 1_000_000)
    monkeypatch.delattr(spreadsheets, "_lines_of")

    assert refusal(content).code == "unpacks_too_large"


@pytest.mark.parametrize(("limit", "value"), [("MAX_RATIO", 50), ("MAX_UNPACKED_BYTES", 1_000_000)])
def test_gzip_that_unpacks_to_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(streams, "_RATIO_COUNTS_FROM", 1_000_000)
    monkeypatch.setattr(streams, limit, value)

    assert refusal(gzip.compress(b"email,name\n" + LONG_LINE * 3000)).code == "unpacks_too_large"


def test_a_file_has_no_more_rows_than_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ROWS", 2)

    assert len(rows_of("email\na@x.org\nb@x.org\n")) == 2
    assert refusal("email\na@x.org\nb@x.org\nc@x.org\n").code == "too_many_rows"


@pytest.mark.parametrize("first", ["email", '{"email": 1}'])
@pytest.mark.parametrize("limit", ["MAX_ROWS", "MAX_UNUSED_BYTES"])
def test_a_file_that_goes_on_without_rows_is_given_up(
    monkeypatch: pytest.MonkeyPatch, first: str, limit: str
) -> None:
    monkeypatch.setattr(text_rows, limit, 100)

    assert refusal(first + "\n" * 200).code == "too_many_rows"


def test_a_header_that_comes_again_and_again_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_rows, "MAX_ROWS", 100)

    assert refusal("email\n" * 102).code == "too_many_rows"


@pytest.mark.parametrize("first", [b"email\n", b'{"email": "a"}\n'])
def test_a_file_of_rows_that_are_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    content = first + (b"x" * 1_100_000 + b"\n") * 3
    assert [one.error for one in rows_of(content)[-3:]] == [text_rows.TOO_LONG] * 3

    monkeypatch.setattr(text_rows, "MAX_UNUSED_BYTES", 3_000_000)

    assert refusal(content).code == "row_too_long"


def test_a_large_json_document_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT_BYTES", 20)

    refused = refusal('[{"email": "a@x.org"}]')

    assert refused.code == "bad_json"
    assert "NDJSON" in refused.detail


# What a small file may do to the process that reads files for all accounts.

NOTHING = gzip.compress(b"", mtime=0)
HOSTILE: list[tuple[str, bytes, str | None]] = [
    ("a header like an email without an end", b"a@" + b"." * 1_000_000 + b"@\na@x.org\n", None),
    ("quotes after spaces in a header", b"x " + b'x "' * 300_000 + b"\na@x.org\n", None),
    ("quotes after spaces in a row", b"email\n" + b'x "' * 1_200_000 + b"\na@x.org\n", None),
    ("spaces before quotes", b"email\n" + b' "' * 400_000 + b'"\na@x.org\n', None),
    ("gzip members without anything", NOTHING * 40_000 + gzip.compress(b"email\na@x.org\n"), None),
    ("gzip members of a byte", b"".join(gzip.compress(bytes([n])) for n in b"email\na@x.org\n") * 3000, None),
    ("too many gzip members", NOTHING * 150_000 + gzip.compress(b"email\na@x.org\n"), "bad_gzip"),
    ("halves of characters of UTF-16", "\ufeffemail\n".encode("utf-16-le") + b"\x00\xd8" * 500_000, None),
    ("60,000 letters", workbook(row(1, "email") + f'<row><c r="{"A" * 60_000}2"/></row>'), "bad_spreadsheet"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"), [pytest.param(content, code, id=name) for name, content, code in HOSTILE]
)
def test_reading_takes_no_longer_than_the_length(content: bytes, code: str | None) -> None:
    """Each would take minutes where a time grows with the square of a length."""
    if code is not None:
        assert refusal(content).code == code
        return
    source = Held(content)
    with suppress(Unreadable):
        assert list(open_file(source, "people.csv", AS_GIVEN).rows())
    assert source.reads < 100


def promising(gap: str, digits: str) -> str:
    return f'<?xml version="1.0"?><sst count{gap}={gap}"1" uniqueCount{gap}={gap}"{digits}"></sst>'


@given(
    st.integers(1, 40),
    st.text(" \n\t", max_size=100),
    st.sampled_from(["4000000000", "0" * 100 + "4000000000", "1" * 5000]),
)
@settings(max_examples=examples(100))
def test_a_promise_is_found_wherever_the_text_is_cut(piece: int, gap: str, digits: str) -> None:
    xml = promising(gap, digits).encode()
    promise = spreadsheets._Promise(len(xml))

    def read() -> None:
        for at in range(0, len(xml), piece):
            promise.read(xml[at : at + piece])

    with pytest.raises(Unreadable):
        read()


def test_a_promise_that_can_be_kept_is_none() -> None:
    xml = promising(" ", "3").encode() + b"uniqueCount <si/><si/>"
    promise = spreadsheets._Promise(len(xml))

    for at in range(len(xml)):
        promise.read(xml[at : at + 1])


def shared_by(cells: int, text: str) -> bytes:
    """A workbook in which so many cells share one text."""
    shared = f'<sst count="1" uniqueCount="1"><si><t>{text}</t></si></sst>'
    named = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, cells + 2))
    return workbook(row(1, "email") + named, shared=shared)


FAR_AWAY = '<c r="XFD1048576"><v>1</v></c>'


@pytest.mark.parametrize(
    ("content", "memory"),
    [
        pytest.param(shared_by(300, "x" * 1_000_000), 200 * 1024**2, id="one text in 300 cells"),
        pytest.param(workbook(FAR_AWAY + row(1, "email")), None, id="a cell that is in no row"),
        pytest.param(workbook(row(1, "email") + f"<?x </sheetData>?>{FAR_AWAY}"), None, id="an end that is none"),
    ],
)  # fmt: skip
def test_calamine_takes_no_more_memory_than_it_may(
    monkeypatch: pytest.MonkeyPatch, content: bytes, memory: int | None
) -> None:
    """What the measuring misses ends a process of its own."""
    if memory is not None:
        monkeypatch.setattr(spreadsheets, "MAX_MEMORY_BYTES", memory)
    assert cells_of(XLSX) == [("a",)]

    refused = refusal(content)

    assert (refused.code, "memory" in refused.detail) == ("unpacks_too_large", True)


@given(st.integers(1, 20_000))
def test_a_column_is_named_by_letters_that_stand_for_it(column: int) -> None:
    assert spreadsheets._column(spreadsheets._letters(column).encode()) == column


def test_there_may_be_so_many_rows_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept in the planner's own memory, and 400 MB of them take a file of 400 KB."""
    monkeypatch.setattr(spreadsheets, "MAX_ERROR_ROWS", 3)
    sheets = [
        row(1, "email") + "".join(row(n, '<c t="e"><v>#N/A</v></c>') for n in numbers)
        for numbers in ([2, 3], [4, 5], [6, 7, 8, 9])
    ]

    assert len(rows_of(workbook(*sheets[:1], row(1, "a")))) == 2
    for many in (sheets[:2], sheets[2:]):
        assert refusal(workbook(*many)).code == "unpacks_too_large"


def test_an_archive_of_a_million_entries_is_no_spreadsheet() -> None:
    assert refusal(b"PK\x03\x04" + b"PK\x01\x02" * 50_000 + XLSX).code == "not_text"


def test_the_process_of_calamine_ends_with_the_rows_and_knows_no_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    given: dict[str, str] = {}

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            begun.append(self)
            given.update(options["env"])

    monkeypatch.setattr(subprocess, "Popen", Noted)
    rows = opened(
        workbook("".join(row(n, f"{n}@x.org") for n in range(1, 100)).replace("1@x.org", "email", 1))
    ).rows()
    next(rows)

    del rows

    assert begun[0].returncode is not None
    assert {*given} == {"PYTHONPATH", "LD_LIBRARY_PATH"}


def test_a_process_that_fails_for_another_reason_is_no_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_CPU_S", "no number")

    with pytest.raises(RuntimeError, match="exited with 1"):
        opened(workbook(row(1, "email") + row(2, "a@x.org")))


@pytest.mark.parametrize("unit", ["[],", "{},", "1,", '{"a":[]},'])
def test_a_document_of_too_many_values_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    monkeypatch.setattr(json_rows, "MAX_VALUES", 1000)
    monkeypatch.delattr(json_rows, "parsed_json")

    refused = json_rows_refusal(f"[{unit * 1000}1]")

    assert refused.code == "bad_json"
    assert "NDJSON" in refused.detail


def json_rows_refusal(document: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        json_rows.entries_of(document)
    return caught.value


HALF_OF_A_CHARACTER = "email,name\na,".encode("utf-16-le") + b"\x00\xd8" + "\nb@x.org,B".encode("utf-16-le")
JSON_LINE = b'{"email": "a"}\n'
BROKEN_ROWS = [
    ("a quote in a cell", b'email,name\na@x.org,"A"da"\nb@x.org,B\n', 2, "written twice"),
    # https://github.com/mailpoet/mailpoet/pull/7113
    ("quotes as MySQL writes them", b'email,name\na@x.org,"A \\"da\\""\nb@x.org,B\n', 2, "written twice"),
    ("more cells than columns", b"email,name\na@x.org,Ada,Countess\nb@x.org,B\n", 2, "3 cells, and the header 2"),
    ("a row of two megabytes", b"email,name\na@x.org," + b"x" * 2_000_000 + b"\nb@x.org,B\n", 2, "1,048,576"),
    (
        "two megabytes of lines in a cell",
        b'email,name\na@x.org,"' + (b'c@x.org,""C"",' + b"x" * 50 + b"\n") * 20_000 + b'"\nb@x.org,B\n',
        2,
        "1,048,576",
    ),
    ("a row of 3,000 cells", b"email,name\n" + b"," * 2999 + b"x\nb@x.org,B\n", 2, "3,000 cells"),
    ("bytes that are not UTF-8", "email,name\nä,ä\nö,ö\n".encode() + b"\xe4,x\nb@x.org,B\n", 4, "utf-8"),
    ("half of a character of UTF-16", HALF_OF_A_CHARACTER, 2, "utf-16-le"),
    ("a line that is no JSON", b'{"email": "a"}\n{"email": \nb@x.org\n{"email": "b"}\n', 2, "not a JSON object"),
    ("an array in a line", b'{"email": "a"}\n["a"]\n{"email": "b"}\n', 2, "not a JSON object"),
    ("NaN", b'{"email": "a"}\n{"n": NaN}\n{"email": "b"}\n', 2, "not a JSON object"),
    ("a member twice", b'{"email": "a"}\n{"n": 1, "n": 2}\n{"email": "b"}\n', 2, "twice"),
    ("a line of two megabytes", JSON_LINE + b'{"n": "' + b"x" * 2_000_000 + b'"}\n{"email": "b"}\n', 2, "1,048,576"),
    ("objects in objects", JSON_LINE + b'{"n": ' * 101 + b"1" + b"}" * 101 + b'\n{"email": "b"}\n', 2, "nested"),
    ("half of a character in a name", JSON_LINE + b'{"\\ud800": 1}\n{"email": "b"}\n', 2, "whose name"),
    ("half of a character in a document", b'[{"email": "a"}, {"\\ud800": 1}, {"email": "b"}]', 2, "whose name"),
    ("a number in a document", b'[{"email": "a"}, 1.5, {"email": "b"}]', 2, "not an object"),
    ("an exponent that no number holds", JSON_LINE + b'{"n": 1e9999999999999999999}\n{"email": "b"}\n', 2, "exponent"),
    ("a fraction that no number holds", JSON_LINE + b'{"n": -1E-9999999999999999999}\n{"email": "b"}\n', 2, "exponent"),
    ("two megabytes in a document", b'[{"n": 1}, {"n": "' + b"x" * 2_000_000 + b'"}, {"email": "b"}]', 2, "1,048,576"),
    ("a text in a document", b'[{"n": 1}, "' + "中".encode() * 400_000 + b'", {"email": "b"}]', 2, "1,048,576"),
    (
        "a row of three megabytes in a sheet",
        workbook(row(1, "email", "name") + row(2, "a", "x" * 3_000_000) + row(3, "b@x.org", "B")),
        2,
        "1,048,576",
    ),
    ("arrays in arrays", b'{"email": "a"}\n{"n": ' + b"[" * 200_000 + b'\n{"email": "b"}\n', 2, "not a JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "line", "says"), [pytest.param(*case[1:], id=case[0]) for case in BROKEN_ROWS]
)
def test_a_row_that_cannot_be_read_does_not_stop_the_others(content: bytes, line: int, says: str) -> None:
    rows = rows_of(content)

    broken = next(row for row in rows if row.error is not None)
    assert (broken.line, rows[-1].error) == (line, None)
    assert broken.error is not None
    assert says in broken.error.reason
    assert rows[-1].cells in (("b@x.org", "B"), {"email": "b"})


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Email,,Name,", ("Email", "Column 2", "Name", "Column 4")),
        ("Email,email,Email,Email (2)", ("Email", "email", "Email (2)", "Email (2) (2)")),
        (' E-Mail\u00a0, "First\nname"', ("E-Mail", "First name")),
        ("Correo electrónico;Имя;名前", ("Correo electrónico", "Имя", "名前")),
        ("email" + "," * 3000, ("email",)),
    ],
)
def test_columns_have_names_and_each_its_own(header: str, columns: tuple[str, ...]) -> None:
    assert opened(f"{header}\na@x.org").columns == columns


def test_members_of_objects_are_columns_in_the_order_in_which_they_come() -> None:
    assert opened('{"b": 1}\n\n{"a": 1, "b": 2}\nno json\n').columns == ("b", "a")
    assert opened('[{"b": 1}, {"a": {"c": 1}}]').columns == ("b", "a")


@pytest.mark.parametrize(
    ("content", "name", "file_format", "delimiter", "encoding"),
    [
        (b"email,name\n1", "x.csv", FileFormat.CSV, ",", "utf-8"),
        (b"email\tname\n1", "x.csv", FileFormat.TSV, "\t", "utf-8"),
        (b"email\nada", "x.tsv", FileFormat.TSV, "\t", "utf-8"),
        (b"email|name\n\xe4", "x", FileFormat.CSV, "|", "cp1252"),
        (b'{"email": 1}', "x", FileFormat.NDJSON, None, "utf-8"),
        (b'{"email": \n{"email": 1}', "x.ndjson", FileFormat.NDJSON, None, "utf-8"),
        (b'[{"email": 1}]', "x.csv", FileFormat.JSON, None, "utf-8"),
        (XLSX, "x.csv", FileFormat.XLSX, None, None),
    ],
)
def test_what_a_file_is(
    content: bytes, name: str, file_format: FileFormat, delimiter: str | None, encoding: str | None
) -> None:
    for is_gzipped in (False, True):
        file = opened(gzip.compress(content) if is_gzipped else content, name)
        assert (file.format, file.delimiter, file.encoding) == (file_format, delimiter, encoding)
        assert file.is_gzipped is is_gzipped


@pytest.mark.parametrize("piece", [7, 1_000_000])
def test_cells_of_a_spreadsheet_are_texts(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(spreadsheets, "_PIECE", piece)
    content = workbook(
        "".join(
            [
                row(3, "email", "id", "Since", "vip", "n", "f", first="B"),
                row(
                    5,
                    "ada@x.org",
                    "<c><v>99999</v></c>",
                    '<c s="1"><v>45000</v></c>',
                    '<c t="b"><v>1</v></c>',
                    "<c><v>0.1</v></c>",
                    '<c t="str"><f>A1</f><v>cached</v></c>',
                    first="B",
                ),
                row(6),
                row(7, "", "", '<c s="1"><v>45000.5</v></c>', first="B"),
                row(9, "b@x.org", '<c t="e"><v>#N/A</v></c>', first="B"),
            ]
        )
    )
    rows = rows_of(content)

    assert [(one.line, one.cells) for one in rows] == [
        (5, ("ada@x.org", "99999", "2023-03-15", "true", "0.1", "cached")),
        (7, ("", "", "2023-03-15T12:00:00", "", "", "")),
        (9, ("b@x.org", "", "", "", "", "")),
    ]
    assert [one.error for one in rows[:2]] == [None, None]
    assert rows[2].error == ("id", "the cell C9 holds an error of the spreadsheet, such as #N/A")


def test_the_first_sheet_that_is_visible_is_read() -> None:
    content = workbook(
        row(1, "no") + row(2, "no"), row(1, "email") + row(2, "a@x.org"), row(1, "no"), hidden=[0]
    )
    file = opened(content)

    assert file.sheet == "Sheet 2"
    assert [one.cells for one in file.rows()] == [("a@x.org",)]


@pytest.mark.parametrize("piece", [7, 1_000_000])
def test_what_was_only_formatted_does_not_count(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """Programs write rows and cells without anything in them: a border around the whole sheet is one."""
    monkeypatch.setattr(spreadsheets, "_PIECE", piece)
    formatted = '<row r="1048576" s="1"><c r="A1048576" s="1"/><c r="XFD1048576" s="1"></c></row>'
    content = workbook(row(1, "email") + row(2, "a@x.org") + formatted)

    assert cells_of(content) == [("a@x.org",)]


def test_a_spreadsheet_goes_on_at_its_checkpoint() -> None:
    content = workbook(row(1, "email") + "".join(row(number, f"{number}@x.org") for number in range(2, 8)))
    file = opened(content)
    rows = file.rows()
    first = [next(rows), next(rows)]

    again = open_file(Held(content), "x", AS_GIVEN, list(file.checkpoint()))

    assert [one.line for one in (*first, *again.rows())] == [2, 3, 4, 5, 6, 7]


def test_a_line_end_between_two_reads_is_one() -> None:
    # https://github.com/mholt/PapaParse/issues/1103
    content = b'email,name\r\n"a@x.org","A"\r\n"b@x.org","B"\r\n'
    for most in range(1, len(content)):
        rows = list(open_file(Held(content, most), "x", AS_GIVEN).rows())
        assert [(one.line, one.cells) for one in rows] == [(2, ("a@x.org", "A")), (3, ("b@x.org", "B"))]


class Generated:
    """A file that nobody holds: the header, and then the same row again and again."""

    def __init__(self, row: bytes, size: int) -> None:
        self._row = row
        self.size = size // len(row) * len(row)
        self.most = 0

    def read(self, offset: int, length: int) -> bytes:
        self.most = max(self.most, length)
        start = offset % len(self._row)
        return (self._row * ((start + length) // len(self._row) + 1))[start : start + length]


def test_memory_does_not_grow_with_the_file() -> None:
    source = Generated(b"Email,Note\n".ljust(20_000, b"x") + b"\n", 48_000_000)
    tracemalloc.start()
    try:
        rows = sum(1 for _ in open_file(source, "x", AS_GIVEN).rows())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert rows > 2000
    assert peak < 24_000_000


def test_a_file_that_is_replaced_meanwhile_is_not_read_on() -> None:
    class Replaced(Held):
        def read(self, offset: int, length: int) -> bytes:
            if offset > 3_000_000:
                raise FileReplaced
            return super().read(offset, length)

    file = open_file(Replaced(b"email,name\n" + LONG_LINE * 5000), "x", AS_GIVEN)

    with pytest.raises(FileReplaced):
        list(file.rows())


def test_the_guide_tells_every_reason() -> None:
    guide = Path("docs/imports.md").read_text()
    sources = Path("layers/contacts/contacts/imports").rglob("*.py")
    codes = {
        code
        for one in sources
        for code in re.findall(r'(?:Unreadable|ImportProblem)\(\s*"(\w+)"', one.read_text())
    }

    assert {case[3] for case in REFUSED} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in guide) == []


def test_no_detail_holds_what_a_file_says() -> None:
    """Details are kept with the import, logged and sent in events; what a file holds is not."""
    for case in REFUSED:
        refused = refusal(case[1], **case[2])
        assert "x.org" not in refused.detail
