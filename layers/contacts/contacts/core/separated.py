"""Several texts in one cell of a file: tags, lists, the elements of an array.

`joined` writes `;` between them, and a backslash before each character that would be taken for something else.
`separated` reads that, and what people and other products write: commas, quotes, JSON.
"""

import csv
import json
import re
from collections.abc import Iterable
from typing import Final

_SPECIAL: Final = re.compile(r'[\\;,"\[]|^\s|\s\Z|:(?=::)|^\*(?= )')
_TRIMMED: Final = re.compile(r"[\s\ufeff\u200b\u200e\u200f\u2060]")
"""At an end of a cell such a character is lost, also with a backslash before it."""
_GOOGLES: Final = " ::: "
"""Google Contacts writes it between several values of a cell, and `* ` before labels of its own."""


def joined(texts: Iterable[str]) -> str:
    """The cell of some texts, from which `separated` reads the same ones. (None of them is empty.)"""
    cell = ";".join(_SPECIAL.sub(lambda found: f"\\{found[0]}", text) for text in texts)
    before, after = (";" if one and _TRIMMED.fullmatch(one) else "" for one in (cell[:1], cell[-1:]))
    return f"{before}{cell}{after}"


def separated(cell: str) -> list[str]:
    """The texts in a cell, trimmed, the empty ones left out.

    They are separated by semicolons; without a semicolon by commas, where a text in double quotes may have commas. An
    array in JSON is read as one.
    """
    if cell.startswith("["):
        found = _of_json(cell)
        if found is not None:
            return found
    for separator in (_GOOGLES, ";", ","):
        parts = _split(cell, separator)
        if len(parts) > 1:
            break
    if '"' in cell and len(parts) > 1 and separator == "," and "\\" not in cell:
        parts = _of_csv(cell) or parts
    return [text for text in map(_plain, parts) if text]


def _of_json(cell: str) -> list[str] | None:
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(one, str | int) for one in found):
        return None
    return [text for text in (str(one).strip() for one in found) if text]


def _of_csv(cell: str) -> list[str] | None:
    try:
        rows = list(csv.reader([cell], skipinitialspace=True, strict=True))
    except csv.Error:
        return None
    return rows[0] if rows else None


def _split(cell: str, separator: str) -> list[str]:
    """The parts of a cell, with their backslashes, at each separator that has no backslash before it."""
    if separator not in cell:
        return [cell]
    parts, begin, at = [], 0, 0
    while at < len(cell):
        if cell[at] == "\\":
            at += 2
        elif cell.startswith(separator, at):
            parts.append(cell[begin:at])
            at += len(separator)
            begin = at
        else:
            at += 1
    return [*parts, cell[begin:]]


_ESCAPED: Final = re.compile(r'\\([\\;,"\[:*\s])')


def _plain(part: str) -> str:
    """A part without its backslashes and the white space around it, unless that has a backslash before it."""
    text = part.lstrip()
    ends = len(text.rstrip())
    backslashes = len(text[:ends]) - len(text[:ends].rstrip("\\"))
    # The backslash belongs to the white space behind it.
    if backslashes % 2 and ends < len(text):
        ends += 1
    text = text[:ends].removeprefix("* ")
    if len(text) > 1 and text[0] == text[-1] == '"' and "\\" not in text:
        text = text[1:-1].replace('""', '"').strip()
    return _ESCAPED.sub(r"\1", text)
