"""Contacts as rows of a file that can be imported again, and gives the same contacts.

**CSV**: UTF-8 with a byte-order mark, without which Excel reads it as a legacy encoding; CRLF between rows (RFC 4180).
The columns have the names of the API's fields. `tags` and `lists` are joined by `;` (`core.separated`). Each property
of the account has a column: `custom_fields.<name>` for texts, with `:number`, `:boolean` or `:json` behind the name for
what is none. The column `custom_fields` has, as a JSON object, whatever no cell tells exactly: fields without a
property, values of another type than the property's, texts with white space at an end. `metadata` is one JSON object. A
cell that a spreadsheet would take for a formula begins with `'`, and so does what it may split off a cell
(`core.spreadsheets`).

**NDJSON**: each line is the contact as the API shows it.

An import reads `name` only where a row has no first or last name. So where the name is another than these two together,
the row has it alone; the import makes the two of it, as the API did.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

from contacts.book.model import Contact, contact_out
from contacts.core.json import to_json
from contacts.core.separated import joined
from contacts.core.spreadsheets import escaped, escaped_json
from contacts.exports.model import FIELDS, ExportFormat
from contacts.properties.model import Property, PropertyType

BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
_CUSTOM: Final = "custom_fields"
_ENDS: Final = re.compile(r"^[\s\ufeff\u200b\u200e\u200f\u2060]|[\s\ufeff\u200b\u200e\u200f\u2060]\Z")
"""What an import trims from the ends of a cell."""
_SUFFIXES: Final = {
    PropertyType.NUMBER: ":number",
    PropertyType.BOOLEAN: ":boolean",
    PropertyType.OBJECT: ":json",
    PropertyType.ARRAY: ":json",
}


class RowWriter(Protocol):
    """Writes contacts in one format."""

    def head(self) -> str:
        """What stands before all rows."""
        ...

    def rows(self, contacts: Iterable[Contact]) -> str:
        """The rows of some contacts."""
        ...


def row_writer(format_: ExportFormat, fields: Sequence[str], properties: Iterable[Property]) -> RowWriter:
    """The writer of a format. `fields`: those to write (none: all); `properties`: of the account, in any state."""
    chosen = tuple(fields) or FIELDS
    return CsvWriter(chosen, properties) if format_ is ExportFormat.CSV else NdjsonWriter(chosen)


class NdjsonWriter:
    """A JSON object in each line."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields

    def head(self) -> str:
        """Nothing."""
        return ""

    def rows(self, contacts: Iterable[Contact]) -> str:
        """The lines of some contacts."""
        shown = (_values(contact, self._fields) for contact in contacts)
        return "".join(f"{to_json({name: one[name] for name in self._fields})}\n" for one in shown)


class _Column(NamedTuple):
    header: str
    cell: Callable[[Mapping[str, Any]], str]
    """Makes the cell of a contact, as the API shows it."""


class CsvWriter:
    """Cells with commas between them."""

    def __init__(self, fields: Sequence[str], properties: Iterable[Property]) -> None:
        self._fields = fields
        self._types = {one.name: one.type for one in properties}
        self._columns = [column for name in fields for column in self._columns_of(name)]

    def head(self) -> str:
        """The byte-order mark and the header."""
        return BYTE_ORDER_MARK + _lines([[column.header for column in self._columns]])

    def rows(self, contacts: Iterable[Contact]) -> str:
        """The rows of some contacts."""
        shown = (_values(contact, self._fields) for contact in contacts)
        return _lines([column.cell(one) for column in self._columns] for one in shown)

    def _columns_of(self, name: str) -> Iterable[_Column]:
        if name != _CUSTOM:
            yield _Column(name, lambda shown: _cell(shown[name]))
            return
        for property_, kind in self._types.items():
            header = f"{_CUSTOM}.{property_}{_SUFFIXES.get(kind, '')}"
            yield _Column(header, _property_cell(property_, kind))
        yield _Column(_CUSTOM, self._others)

    def _others(self, shown: Mapping[str, Any]) -> str:
        others = {
            name: value
            for name, value in shown[_CUSTOM].items()
            if name not in self._types or _typed_cell(value, self._types[name]) is None
        }
        return _cell(others)


def _property_cell(name: str, kind: PropertyType) -> Callable[[Mapping[str, Any]], str]:
    def cell(shown: Mapping[str, Any]) -> str:
        return _typed_cell(shown[_CUSTOM].get(name), kind) or ""

    return cell


def _typed_cell(value: object, kind: PropertyType) -> str | None:
    """The cell that tells the value of a property; None: no cell of its column would be read as this value."""
    match kind:
        case PropertyType.NUMBER:
            is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
            return to_json(value) if is_number else None
        case PropertyType.BOOLEAN:
            return to_json(value) if isinstance(value, bool) else None
        case PropertyType.OBJECT | PropertyType.ARRAY:
            return escaped_json(to_json(value)) if isinstance(value, dict | list) else None
        case _:
            is_told = isinstance(value, str) and value and not _ENDS.search(value)
            return escaped(str(value)) if is_told else None


def _values(contact: Contact, fields: Sequence[str]) -> Mapping[str, Any]:
    """A contact as the API shows it, but that `name` stands alone where first and last name would win over it."""
    shown = contact_out(contact)
    together = " ".join(part for part in (contact.first_name, contact.last_name) if part)
    if "name" in fields and contact.name is not None and contact.name != together:
        return {**shown, "first_name": None, "last_name": None}
    return {**shown}


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return to_json(value)
        case str():
            return escaped(value)
        case list():
            return escaped(joined(value))
        case {}:
            return escaped_json(to_json(value)) if value else ""
        case _:
            return escaped_json(to_json(value))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
