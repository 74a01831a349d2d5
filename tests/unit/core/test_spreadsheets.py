"""Cells that no spreadsheet takes for a formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.core.spreadsheets import escaped, unescaped


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
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("'t Hooft", "'t Hooft"),
        ("''", "''"),
    ],
)
def test_a_cell_is_escaped_and_read_back(text: str, cell: str) -> None:
    assert escaped(text) == cell
    assert unescaped(cell) == text


@given(st.text(alphabet="'=+-@\t\r\na1 é") | st.text())
def test_any_text_comes_back_and_begins_as_no_formula_does(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("cell", ["'Ada", "O'Neill", "'", "'' =1"])
def test_a_quote_that_escapes_nothing_stays(cell: str) -> None:
    assert unescaped(cell) == cell
