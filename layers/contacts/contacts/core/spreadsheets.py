"""Texts in CSV files that spreadsheets open: none of them is taken for a formula (OWASP, "CSV Injection").

Where the list separator of a computer is `;`, its spreadsheet splits our files there, also within a cell: a quote that
does not stand at a separator quotes nothing. So what follows a `;`, a `|`, a tab or a line break within a text may
become a cell of its own.
"""

import re
from typing import Final

_BEGINS: Final = re.compile(r"(?='*[=+\-@\t\r])")
_BEGINS_ESCAPED: Final = re.compile(r"'+[=+\-@\t\r]")
_INSIDE: Final = re.compile(r"""([;|\t\r\n]"*)(?='*[=+\-@])""")
_INSIDE_ESCAPED: Final = re.compile(r"""([;|\t\r\n]"*)'(?='*[=+\-@])""")
_IN_JSON: Final = re.compile(r"""([;|]'*)([=+\-@])""")


def escaped(text: str) -> str:
    """A text as our files have it: with a `'` before each sign by which a spreadsheet would know a formula.

    A text that looks escaped gets one more, so that `unescaped` gives back any text.
    """
    # Nearly every cell of a large file is as it is, which a search tells sooner.
    inside = _INSIDE.sub(r"\1'", text) if _INSIDE.search(text) else text
    return f"'{inside}" if _BEGINS.match(text) else inside


def unescaped(text: str) -> str:
    """The text that `escaped` was given."""
    if "'" not in text:
        return text
    inside = _INSIDE_ESCAPED.sub(r"\1", text)
    return inside[1:] if _BEGINS_ESCAPED.match(text) else inside


def escaped_json(text: str) -> str:
    """A JSON text, without white space between its parts, as our files have it: it says the same, and no cell that may
    be split off it begins as a formula. `unescaped` leaves it as it is.
    """
    if not _IN_JSON.search(text):
        return text
    return _IN_JSON.sub(lambda found: f"{found[1]}\\u{ord(found[2]):04x}", text)
