"""What an export writes gives the same contacts when it is imported, in each format."""

import csv
import gzip
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.book.model import Contact, contact_out, new_contact
from contacts.book.schemas import NewContact
from contacts.core.json import from_json, is_storable, same_json, to_json
from contacts.core.spreadsheets import unescaped
from contacts.exports.model import Export, ExportFormat, ExportState
from contacts.exports.rows import row_writer
from contacts.imports.error_files import csv_head, csv_rows, ndjson_rows
from contacts.imports.mapping.columns import complete_mapping
from contacts.imports.mapping.values import ReadRow, RowReader
from contacts.imports.model import ERROR_COLUMNS, FileFormat, ImportOptions, RowError
from contacts.imports.reading.opening import open_file
from contacts.properties.model import Property, PropertyType, ValueRule, objection
from tests.support.hypothesis_profiles import examples

AT = "2026-01-15T10:30:00.000Z"
ID = "019bc134-7840-7001-a5a0-000000000000"
GUESSED = ImportOptions()
NOT_IMPORTED = ("id", "version", "created_at", "updated_at", "unsubscribed_at")
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=12
) | st.text(alphabet="'=+-@;|\t\n\r\",\\[{a1", max_size=8)
"""No control characters: a file with many of them is taken for no text."""
NUMBERS = st.one_of(
    st.integers(-(10**37), 10**37),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=25, min_value=-1000, max_value=1000),
).filter(is_storable)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3),
    max_leaves=5,
)
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans(), JSON.filter(lambda one: one is not None))
PROPERTIES = {
    "city": PropertyType.STRING,
    "age": PropertyType.NUMBER,
    "vip": PropertyType.BOOLEAN,
    "born": PropertyType.DATE,
    "home": PropertyType.OBJECT,
    "sizes": PropertyType.ARRAY,
}
NAMES = st.one_of(
    st.sampled_from([*PROPERTIES, "Shoe size", "a.b", "age:number", "email"]), TEXTS.filter(bool)
)
CUSTOM = st.dictionaries(NAMES, VALUES, max_size=5)
OF_THE_ACCOUNT = [
    Property(id=ID, name=name, label=name, type=type_, created_at=AT, updated_at=AT)
    for name, type_ in PROPERTIES.items()
]


def trimmed(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Texts without what an import of CSV trims."""
    marks = "\ufeff\u200b\u200e\u200f\u2060"
    return texts.map(lambda one: one.strip().strip(marks).strip()).filter(
        lambda one: bool(one) and one == one.strip().strip(marks).strip()
    )


BODIES = st.fixed_dictionaries(
    {"email": st.sampled_from(["ada@example.com", "o'neil+x@example.co.uk"])},
    optional={
        "external_id": st.sampled_from(["crm-1", "007", "=1+1", "1e5", "'x", "true", "a,b;c"]),
        "first_name": trimmed(TEXTS),
        "last_name": trimmed(TEXTS),
        "name": trimmed(TEXTS),
        "phone": st.just("+4915112345678"),
        "tags": st.lists(TEXTS.filter(bool), max_size=4),
        "lists": st.lists(st.sampled_from(["newsletter", "a-1"]), max_size=2),
        "is_active": st.booleans(),
        "is_unsubscribed": st.booleans(),
        "custom_fields": CUSTOM,
        "metadata": st.dictionaries(TEXTS.filter(bool), VALUES, max_size=4),
    },
)


def accepted(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """A body as the API takes it; None: it is refused."""
    draft = NewContact.checked(body)
    return None if draft.errors else dict(draft.to_input().accepted)


class Upload:
    """`imports.reading.opening.ByteSource` with a file in memory."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]


def imported(name: str, written: bytes, rules: Mapping[str, ValueRule]) -> list[Contact]:
    """The contacts that an import makes of a file, as the options are where nobody chooses any."""
    file = open_file(Upload(written), name, ImportOptions())
    has_objects = file.format is FileFormat.NDJSON
    mapping = complete_mapping(file.columns, {}, rules, may_have_more=has_objects)
    reader = RowReader(file.columns, mapping, ImportOptions(), rules)
    return [_made(reader.read(row)) for row in file.rows()]


def _made(result: ReadRow) -> Contact:
    assert result.errors == ()
    body = accepted(result.body)
    assert body is not None, result.body
    return new_contact(ID, body, AT)


@pytest.mark.parametrize("has_properties", [True, False], ids=["the same account", "an empty account"])
@pytest.mark.parametrize("kind", ExportFormat)
@given(bodies=st.lists(BODIES, min_size=1, max_size=3), is_gzipped=st.booleans())
@settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
def test_an_imported_export_gives_the_same_contacts(
    kind: ExportFormat, has_properties: bool, bodies: list[dict[str, Any]], is_gzipped: bool
) -> None:
    rules = {name: ValueRule(type_) for name, type_ in PROPERTIES.items()} if has_properties else {}
    before = [contact for body in bodies if (contact := possible(body, rules)) is not None]
    if not before:
        return
    writer = row_writer(kind, (), OF_THE_ACCOUNT)
    pieces = [writer.head(), *(writer.rows([contact]) for contact in before)]
    written = b"".join(
        gzip.compress(piece.encode()) if is_gzipped else piece.encode() for piece in pieces if piece
    )
    name = Export(
        id=ID, state=ExportState.COMPLETED, format=kind, is_gzipped=is_gzipped, created_at=AT
    ).file_name
    after = imported(name, written, rules)
    assert list(map(told, after)) == list(map(told, before))
    assert same_json(list(map(told, after)), list(map(told, before)))


def possible(body: Mapping[str, Any], rules: Mapping[str, ValueRule]) -> Contact | None:
    """The contact of a body; None: the API takes such a contact from nobody."""
    fields = accepted(from_json(to_json(body)))  # numbers as requests have them
    if fields is None:
        return None
    custom = fields.get("custom_fields") or {}
    if any(objection(value, rules[name]) for name, value in custom.items() if name in rules):
        return None
    return new_contact(ID, fields, AT)


def told(contact: Contact) -> dict[str, Any]:
    """What an import can give back of a contact."""
    return {name: value for name, value in contact_out(contact).items() if name not in NOT_IMPORTED}


@pytest.mark.parametrize("kind", ExportFormat)
@given(bodies=st.lists(BODIES, min_size=1, max_size=3))
@settings(max_examples=examples(50), suppress_health_check=list(HealthCheck))
def test_rows_that_failed_give_the_same_contacts_however_often_they_fail(
    kind: ExportFormat, bodies: list[dict[str, Any]]
) -> None:
    rules = {name: ValueRule(type_) for name, type_ in PROPERTIES.items()}
    before = [contact for body in bodies if (contact := possible(body, rules)) is not None]
    if not before:
        return
    writer = row_writer(kind, (), OF_THE_ACCOUNT)
    name = f"a.{kind}"
    written = (writer.head() + writer.rows(before)).encode()
    for _ in range(3):
        written = error_file(name, written)
        assert list(map(told, imported(name, written, rules))) == list(map(told, before))


@given(
    st.lists(TEXTS, min_size=1, max_size=4),
    st.lists(st.lists(TEXTS, min_size=4, max_size=4), min_size=1, max_size=4),
)
@settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
def test_rows_of_any_file_are_read_alike_from_its_error_file(
    names: list[str], cells: list[list[str]]
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["email", *names], *(["a@example.com", *row[: len(names)]] for row in cells)])
    options = ImportOptions(encoding="utf-8", delimiter=",")
    written = text.getvalue().encode()
    before = open_file(Upload(written), "a.csv", options)
    rows = list(before.rows())
    for _ in range(2):
        written = error_file("a.csv", written, options)
        after = open_file(Upload(written), "a.csv", options)
        assert after.columns == (*ERROR_COLUMNS, *before.columns)
        again = list(after.rows())
        assert [list(map(unescaped, row.cells[3:])) for row in again] == [
            list(map(unescaped, row.cells)) for row in rows
        ]


def error_file(name: str, written: bytes, options: ImportOptions = GUESSED) -> bytes:
    """The error file of a file in which every row fails."""
    file = open_file(Upload(written), name, options)
    failed = [(row, [RowError("phone", "is wrong")]) for row in file.rows()]
    if file.format is FileFormat.NDJSON:
        return ndjson_rows(failed)
    return csv_head(file.columns) + csv_rows(file.columns, failed)


def test_numbers_keep_their_digits() -> None:
    body = {"email": "ada@example.com", "custom_fields": {"age": Decimal("1.2345678901234567890123")}}
    writer = row_writer(ExportFormat.CSV, (), ())
    written = (writer.head() + writer.rows([new_contact(ID, body, AT)])).encode()
    assert imported("a.csv", written, {})[0].custom_fields == body["custom_fields"]
