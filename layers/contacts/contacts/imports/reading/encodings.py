"""How texts are written in bytes: found out from the first bytes of a file, unless its sender says it."""

import codecs
from typing import Final, NamedTuple

from contacts.imports.model import Unreadable

UTF8: Final = "utf-8"
CP1252: Final = "cp1252"
_WIDE: Final = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
"""Encodings whose line ends are longer than a byte."""
_BOMS: Final = (
    (codecs.BOM_UTF8, UTF8),
    # Before UTF-16, with whose mark it begins.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOKED_AT: Final = 512
"""Bytes that tell UTF-16 from others: the header is mostly ASCII, every other byte of which is zero."""
_STRUCTURE: Final = "\t\n\r,;|\"'{}[]:09azAZ@."


class Encoding(NamedTuple):
    """How a file's text is written."""

    name: str
    """Python's name, without a byte-order mark: `utf-8`, `utf-16-le`."""
    bom_bytes: int = 0
    is_guessed: bool = True
    has_utf8: bool = False
    """Whether the first bytes have characters beyond ASCII that are UTF-8."""

    @property
    def is_wide(self) -> bool:
        """Whether a line end is longer than a byte."""
        return self.name in _WIDE


def encoding_of(head: bytes, asked: str | None, *, is_whole: bool) -> Encoding:
    """The encoding of a file that begins with `head`. `asked`: what its sender says it is.
    `is_whole`: whether that is all of it, or a line may be cut.

    A byte-order mark tells it, or the zeros of UTF-16. What is left is UTF-8 if it can be, and else Windows' cp1252: a
    text of that is practically never UTF-8, too. A few broken lines do not make a UTF-8 file another one.

    Raises:
        Unreadable: there is no such encoding (`unknown_encoding`), the bytes are not of the one that was asked for, or
            they are of none that can be found out (`wrong_encoding`).
    """
    marked = next(((name, len(bom)) for bom, name in _BOMS if head.startswith(bom)), None)
    if asked is not None:
        return _asked_for(head, asked, marked, is_whole=is_whole)
    if marked is not None:
        return Encoding(marked[0], marked[1], is_guessed=True, has_utf8=True)
    if (wide := _utf16_by_zeros(head)) is not None:
        return Encoding(wide)
    good, bad = _lines_of(head, UTF8, is_whole=is_whole)
    # A line beyond ASCII that is UTF-8 by chance is rare; more of them than of others never are.
    if good >= len(bad):
        return Encoding(UTF8, has_utf8=good > 0)
    undefined = _lines_of(head, CP1252, is_whole=is_whole)[1]
    if undefined:
        detail = (
            f"Line {undefined[0]:,} is neither UTF-8 nor cp1252. Say which encoding the file has (`encoding`), "
            "or save it as UTF-8."
        )
        raise Unreadable("wrong_encoding", detail)
    return Encoding(CP1252)


def _asked_for(head: bytes, asked: str, marked: tuple[str, int] | None, *, is_whole: bool) -> Encoding:
    name = _known(asked)
    if marked is not None and (name == marked[0] or marked[0].startswith(f"{name}-")):
        return Encoding(marked[0], marked[1], is_guessed=False)
    if name in ("utf-16", "utf-32"):
        name = (_utf16_by_zeros(head) or "utf-16-le") if name == "utf-16" else "utf-32-le"
    looks_like = _utf16_by_zeros(head) if marked is None else marked[0]
    lacks_zeros = name in _WIDE and b"\0" not in head[:_LOOKED_AT]
    if marked is not None or lacks_zeros or (looks_like is not None and name not in _WIDE):
        seen = f"it is {looks_like}" if looks_like else "every other byte of that would be zero"
        raise Unreadable("wrong_encoding", f"The file is not in the encoding {name}: {seen}.")
    if name not in _WIDE:
        good, bad = _lines_of(head, name, is_whole=is_whole)
        if len(bad) > good:
            detail = f"The file is not in the encoding {name}: line {bad[0]:,} cannot be read so."
            raise Unreadable("wrong_encoding", detail)
    return Encoding(name, is_guessed=False)


def _known(asked: str) -> str:
    """Python's name of an encoding in which line ends are found: like ASCII, or UTF-16 or UTF-32.

    Raises:
        Unreadable.
    """
    try:
        name = codecs.lookup(asked).name
        # Who says Latin-1 means Windows' superset of it, as in all browsers (WHATWG's Encoding, section 4.2).
        name = {"utf-8-sig": UTF8, "iso8859-1": CP1252}.get(name, name)
        if name in ("utf-16", "utf-32", *_WIDE):
            return name
        # That of domain names reads nothing but whole ones.
        b"\xff".decode(name, "replace")
        is_like_ascii = _STRUCTURE.encode(name) == _STRUCTURE.encode() and name != "utf-7"
    except (LookupError, ValueError, AssertionError, TypeError):
        is_like_ascii = False
    if not is_like_ascii:
        detail = f"{asked!r} is no encoding that can be read. Examples: utf-8, cp1252, utf-16, shift_jis."
        raise Unreadable("unknown_encoding", detail)
    return name


def _utf16_by_zeros(head: bytes) -> str | None:
    looked_at = head[:_LOOKED_AT]
    units = len(looked_at) // 2
    if units == 0:
        return None
    high, low = looked_at[0::2].count(0) / units, looked_at[1::2].count(0) / units
    if low > 0.2 and high < low / 4:
        return "utf-16-le"
    if high > 0.2 and low < high / 4:
        return "utf-16-be"
    return None


def _lines_of(head: bytes, name: str, *, is_whole: bool) -> tuple[int, list[int]]:
    """How many lines with more than ASCII can be read, and the numbers of those that cannot."""
    good, bad = 0, []
    lines = head.splitlines(keepends=True)
    if not is_whole and len(lines) > 1:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line.isascii():
            try:
                line.decode(name)
            except UnicodeDecodeError as error:
                if is_whole or len(lines) > 1 or error.reason != "unexpected end of data":
                    bad.append(number)
            else:
                good += 1
    return good, bad
