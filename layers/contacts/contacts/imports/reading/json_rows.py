"""Rows of NDJSON, and of one JSON document."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from contacts.core.json import Number, exact_number, to_json
from contacts.core.violations import text_violation
from contacts.imports.model import MAX_COLUMNS, MAX_ROW_BYTES, Row, RowError, Unreadable
from contacts.imports.reading.lines import Lines, RecordTooLong
from contacts.imports.reading.text_rows import BLANK, TOO_LONG, Unused

MAX_DOCUMENT_BYTES: Final = 50 * 1024**2
"""A document is read in one piece, and takes ten times as much memory."""
MAX_VALUES: Final = 5_000_000
"""Of a document, as `,` `[` and `{` tell: of `[[],[],…]` a value takes three bytes there, and 90 in memory."""
_SAMPLE: Final = 1000
"""Rows whose members are the columns."""
_NAMES: Final = frozenset({"email", "external_id"})
"""An object with one of these is a contact."""
_LISTS_WITHIN: Final = 3
"""Levels: `{"data": {"contacts": […]}}` has two."""
_MAX_LEVELS: Final = 100
"""What a contact may have is a fifth of that; how deep Python can write and read again depends on who calls it."""
_NO_JSON: Final = RowError(None, "the line is not a JSON object")
_NO_OBJECT: Final = RowError(None, "the entry of the array is not an object")
_NO_SUCH_NUMBER: Final = RowError(None, "the object holds a number whose exponent is too long")


class _NoNumber(ValueError):
    """Raised at NaN and Infinity, which are no JSON."""


class _NumberTooLong(ValueError):
    """Raised at a number that not even Decimal holds: its exponent has 19 digits. What stands for it is no JSON."""


class _NameTwice(ValueError):
    """Raised where an object has two members of one name: it means two things."""


def _refused(constant: str) -> object:
    raise _NoNumber(constant)


def _number(literal: str) -> Number:
    found = exact_number(literal)
    if isinstance(found, Decimal) and not found.is_finite():
        raise _NumberTooLong
    return found


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise _NameTwice
    return found


def parsed_json(text: str) -> Any:
    """The value of a JSON text, every number with its value.

    Raises:
        ValueError: it is no JSON, says something twice, or holds a number that cannot be kept.
        RecursionError: it is nested too deeply.
    """
    return json.loads(
        text,
        parse_int=_number,
        parse_float=_number,
        parse_constant=_refused,
        object_pairs_hook=_object,
    )


def is_ndjson(first_lines: list[str]) -> bool:
    """Whether a text that begins with these whole lines is NDJSON, and not one document."""
    filled = [line for line in first_lines if line.strip(BLANK)]
    try:
        first = parsed_json(filled[0].strip(BLANK))
        return isinstance(first, dict) and (len(filled) > 1 or _only_list(first) is None)
    except (ValueError, RecursionError, IndexError, Unreadable):
        return False


def _only_list(document: Mapping[str, Any]) -> list[Any] | None:
    """The one array of objects in an object, or in the objects within it; None: it has none, or is a contact itself.

    Raises:
        Unreadable: it has several.
    """
    if not _NAMES.isdisjoint(document):
        return None
    lists = list(_lists_in(document, _LISTS_WITHIN))
    filled = [one for one in lists if one]
    if len(filled) > 1:
        raise _bad_json("it has several arrays of objects; send the one with the contacts")
    return next(iter(filled or lists), None)


def _lists_in(document: Mapping[str, Any], levels: int) -> Iterator[list[Any]]:
    for value in document.values():
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            yield value
        elif isinstance(value, dict) and levels > 1:
            yield from _lists_in(value, levels - 1)


def ndjson_rows(lines: Lines) -> Iterator[Row]:
    """The rows: an object a line. Empty lines are none.

    Raises:
        Unreadable: there are too many empty lines, or lines that are too long.
    """
    unused = Unused()
    while True:
        lines.begin_record()
        try:
            text = next(lines).strip(BLANK)
        except StopIteration:
            return
        except RecordTooLong:
            unused.count_long(_skip_line(lines))
            yield Row(lines.record_line, {}, TOO_LONG)
            continue
        if text:
            yield _row(text, lines)
        else:
            unused.count_blank(lines.record_bytes)


def _row(text: str, lines: Lines) -> Row:
    line = lines.record_line
    if lines.is_garbled:
        return Row(line, (text,), RowError(None, f"the row holds bytes that are not {lines.encoding.name}"))
    try:
        found = parsed_json(text)
    except _NameTwice:
        return Row(line, (text,), RowError(None, "the object has a member twice"))
    except _NumberTooLong:
        return Row(line, (text,), _NO_SUCH_NUMBER)
    except (ValueError, RecursionError):
        return Row(line, (text,), _NO_JSON)
    if not isinstance(found, dict):
        return Row(line, (text,), _NO_JSON)
    error = _objection(found) if text.count("[") + text.count("{") > _MAX_LEVELS or "\\u" in text else None
    return Row(line, found) if error is None else Row(line, (text,), error)


def _objection(found: dict[str, Any]) -> RowError | None:
    """Why an object cannot be kept until it is carried out."""
    if any(text_violation(name) is not None for name in found):
        return RowError(None, "the object has a member whose name holds NUL or half of a surrogate pair")
    level: list[Any] = [found]
    for _ in range(_MAX_LEVELS):
        entries = (
            entry
            for container in level
            for entry in (container.values() if isinstance(container, dict) else container)
        )
        level = [entry for entry in entries if isinstance(entry, dict | list)]
        if not level:
            return None
    return RowError(None, f"the object is nested more than {_MAX_LEVELS} levels deep")


def _skip_line(lines: Lines) -> int:
    """Read to the end of a line that is too long. Returns how many bytes it has."""
    first, piece, skipped = lines.record_line, lines.record[-1], lines.record_bytes
    while not piece.endswith(("\n", "\r")):
        lines.begin_record()
        try:
            piece = next(lines)
        except RecordTooLong:
            piece = lines.record[-1]
        except StopIteration:
            break
        skipped += lines.record_bytes
    lines.record_line = first
    return skipped


def entries_of(document: str) -> list[Any]:
    """The entries of one document: an array of objects, or an object with one such array, as list operations answer.

    Raises:
        Unreadable: it is neither, or holds too much (`bad_json`).
    """
    if sum(map(document.count, ",[{")) > MAX_VALUES:
        raise _bad_json(f"it holds more than {MAX_VALUES:,} values; send it as NDJSON, an object a line")
    try:
        found = parsed_json(document.strip(BLANK))
    except json.JSONDecodeError as error:
        raise _bad_json(
            f"it breaks off or is wrong in line {error.lineno:,}, column {error.colno:,}"
        ) from None
    except _NameTwice:
        raise _bad_json("an object in it has a member twice") from None
    except _NumberTooLong:
        raise _bad_json("it holds a number whose exponent is too long") from None
    except ValueError:
        raise _bad_json("NaN and Infinity are no JSON") from None
    except RecursionError:
        raise _bad_json("it is nested too deeply") from None
    entries = found
    if isinstance(found, dict):
        listed = _only_list(found)
        entries = [found] if listed is None else listed
    if not isinstance(entries, list):
        raise _bad_json("it is no array of objects")
    return entries


def document_rows(entries: Iterable[Any]) -> Iterator[Row]:
    """The rows of a document, one by one: all at once take ten times as much memory as its entries.

    In the place of a line they have their number: all may be in one line.
    """
    return (_row_of(number, entry) for number, entry in enumerate(entries, start=1))


def _row_of(number: int, entry: Any) -> Row:
    error = _objection(entry) if isinstance(entry, dict) else _NO_OBJECT
    shown = _shown(entry)
    if len(shown) > MAX_ROW_BYTES:
        return Row(number, {}, TOO_LONG)
    return Row(number, entry) if error is None else Row(number, (shown.decode(),), error)


def _shown(entry: Any) -> bytes:
    """An entry of a document as JSON, half of a surrogate pair as an escape."""
    try:
        return to_json(entry).encode("utf-8", "backslashreplace")
    except (RecursionError, ValueError):
        return b""


def _bad_json(why: str) -> Unreadable:
    return Unreadable("bad_json", f"The JSON document cannot be read: {why}.")


def columns_of(rows: Iterator[Row], most: int = _SAMPLE) -> tuple[str, ...]:
    """The names of the members of the first objects, `most` of them, in the order in which they come.

    Raises:
        Unreadable: there are more than may be.
    """
    names: dict[str, None] = {}
    for number, row in enumerate(rows):
        if number == most:
            break
        if isinstance(row.cells, Mapping):
            names.update(dict.fromkeys(row.cells))
        if len(names) > MAX_COLUMNS:
            raise Unreadable(
                "too_many_columns", f"The objects have more than {MAX_COLUMNS:,} different members."
            )
    return tuple(names)
