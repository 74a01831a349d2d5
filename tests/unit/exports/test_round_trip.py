"""What an export writes gives the same contacts when it is imported, in each format."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.book.model import Contact, contact_out, new_contact
from contacts.book.schemas import NewContact
from contacts.core.json import from_json, is_storable, same_json, to_json
from contacts.exports.model import ExportFormat
from contacts.exports.rows import row_writer
from contacts.imports.columns import complete_mapping
from contacts.imports.model import ImportOptions, Row
from contacts.imports.values import RowReader
from contacts.properties.model import Property, PropertyType, ValueRule, objection
from tests.support.hypothesis_profiles import examples

AT = "2026-01-15T10:30:00.000Z"
ID = "019bc134-7840-7001-a5a0-000000000000"
NOT_IMPORTED = ("id", "version", "created_at", "updated_at", "unsubscribed_at")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
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


def imported(written: bytes, kind: ExportFormat, rules: Mapping[str, ValueRule]) -> Contact:
    columns, row = read(written, kind)
    mapping = complete_mapping(columns, {}, rules, may_have_more=kind is ExportFormat.NDJSON)
    result = RowReader(columns, mapping, ImportOptions(), rules).read(row)
    assert result.errors == ()
    body = accepted(result.body)
    assert body is not None, result.body
    return new_contact(ID, body, AT)


def read(written: bytes, kind: ExportFormat) -> tuple[Sequence[str], Row]:
    """The columns and the only row of a file."""
    if kind is ExportFormat.NDJSON:
        line = written.decode().removesuffix("\n")
        return tuple(from_json(line)), Row(1, from_json(line))
    lines: Iterator[list[str]] = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), strict=True)
    header, cells = lines
    return tuple(header), Row(2, tuple(cells))


@pytest.mark.parametrize("has_properties", [True, False], ids=["the same account", "an empty account"])
@pytest.mark.parametrize("kind", ExportFormat)
@given(body=BODIES)
@settings(
    max_examples=examples(400), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
def test_an_imported_export_gives_the_same_contact(
    kind: ExportFormat, has_properties: bool, body: dict[str, Any]
) -> None:
    given_fields = accepted(from_json(to_json(body)))  # numbers as requests have them
    if given_fields is None:
        return
    rules = {name: ValueRule(type_) for name, type_ in PROPERTIES.items()} if has_properties else {}
    custom = given_fields.get("custom_fields") or {}
    if any(objection(value, rules[name]) for name, value in custom.items() if name in rules):
        return  # The API takes such a contact from nobody.
    before = new_contact(ID, given_fields, AT)
    properties = [
        Property(id=ID, name=name, label=name, type=type_, created_at=AT, updated_at=AT)
        for name, type_ in PROPERTIES.items()
    ]
    writer = row_writer(kind, (), properties)
    written = (writer.head() + writer.rows([before])).encode()
    after = imported(written, kind, rules)
    shown, expected = ({**contact_out(one)} for one in (after, before))
    for name in NOT_IMPORTED:
        shown.pop(name), expected.pop(name)
    assert shown == expected
    assert same_json(shown, expected)


def test_numbers_keep_their_digits() -> None:
    body = {"email": "ada@example.com", "custom_fields": {"age": Decimal("1.2345678901234567890123")}}
    writer = row_writer(ExportFormat.CSV, (), ())
    written = (writer.head() + writer.rows([new_contact(ID, body, AT)])).encode()
    assert imported(written, ExportFormat.CSV, {}).custom_fields == body["custom_fields"]
