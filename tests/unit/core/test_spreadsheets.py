"""Cells that no spreadsheet takes for a formula."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.core.json import to_json
from contacts.core.spreadsheets import escaped, escaped_json, unescaped

ODD = st.text(alphabet="'=+-@\t\r\n;|,\"\\a1 é") | st.text()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Ada", "Ada"),
        ("", ""),
        ("a=b", "a=b"),
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+4915112345678", "'+4915112345678"),
        ("-1", "'-1"),
        ("@ada", "'@ada"),
        ("\t1", "'\t1"),
        ("\r=1", "'\r'=1"),
        ("'=1", "''=1"),
        ("'t Hooft", "'t Hooft"),
        ("''", "''"),
        ("x;=cmd|'/C calc'!A0;y", "x;'=cmd|'/C calc'!A0;y"),
        ("x;'=1", "x;''=1"),
        ('x;"=1', "x;\"'=1"),
        ("a|-1", "a|'-1"),
        ("a\t@b", "a\t'@b"),
        ("- a\r\n- b", "'- a\r\n'- b"),
        ("\t=1;+2", "'\t'=1;'+2"),
        ("a;b = c", "a;b = c"),
    ],
)
def test_a_cell_is_escaped_and_read_back(text: str, cell: str) -> None:
    assert escaped(text) == cell
    assert unescaped(cell) == text


@given(ODD)
def test_any_text_comes_back_and_begins_as_no_formula_does(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.recursive(ODD, lambda inner: st.lists(inner) | st.dictionaries(ODD, inner), max_leaves=5))
def test_a_json_text_says_the_same_and_is_read_as_it_is(value: object) -> None:
    cell = escaped_json(to_json(value))
    assert json.loads(cell) == value
    if not isinstance(value, str):
        assert unescaped(cell) == cell


@given(st.lists(ODD.map(escaped) | st.lists(ODD).map(lambda texts: escaped_json(to_json(texts))), min_size=1))
def test_no_separator_splits_a_formula_off(cells: list[str]) -> None:
    """As a spreadsheet reads our files whose list separator is another."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    for delimiter in ",;|\t":
        for row in csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=delimiter):
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_escaping_takes_no_longer_than_a_text_is_long() -> None:
    for text in (";" * 200_000, ";" + "'" * 200_000, ';"' * 100_000, "'" * 200_000, ";" + '"' * 200_000):
        assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("cell", ["'Ada", "O'Neill", "'", "'' =1"])
def test_a_quote_that_escapes_nothing_stays(cell: str) -> None:
    assert unescaped(cell) == cell
