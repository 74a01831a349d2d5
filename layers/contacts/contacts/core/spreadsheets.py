"""Texts in CSV files that spreadsheets open: none of them is taken for a formula (OWASP, "CSV Injection")."""

import re
from typing import Final

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")


def escaped(text: str) -> str:
    """A cell as our files have it: with a `'` in front, where a spreadsheet would take it for a formula.

    A text that looks escaped gets one more, so that `unescaped` gives back any text.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    """The text of a cell that `escaped` has made."""
    return text[1:] if _ESCAPED.match(text) else text
