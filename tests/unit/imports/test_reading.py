"""Files as rows, whatever they are."""

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.imports.model import ImportOptions, Row, Unreadable
from contacts.imports.reading import OpenFile, open_file
from tests.support.hypothesis_profiles import examples

AS_GIVEN = ImportOptions()


class Held:
    """A file in memory. `most`: bytes that it gives at once."""

    def __init__(self, content: bytes, most: int | None = None) -> None:
        self._content = content
        self._most = most
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
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


NAMES = st.lists(st.text("abcäé ß", min_size=1, max_size=4).filter(str.strip), min_size=2, max_size=4)
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
    writer = csv.writer(text, delimiter=delimiter, lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])))
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
