"""What an export writes: cells that other programs read as they are, and that an import reads as the same contact."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.book.model import Contact, contact_out, new_contact
from contacts.core.json import from_json
from contacts.core.spreadsheets import unescaped
from contacts.exports.model import FIELDS, ExportFormat
from contacts.exports.rows import row_writer
from contacts.properties.model import Property, PropertyType
from tests.support.hypothesis_profiles import examples

AT = "2026-01-15T10:30:00.000Z"
ID = "019bc134-7840-7001-a5a0-000000000000"


def property_of(name: str, kind: PropertyType, **more: Any) -> Property:
    return Property(id=ID, name=name, label=name, type=kind, created_at=AT, updated_at=AT, **more)


PROPERTIES = [
    property_of("city", PropertyType.STRING),
    property_of("age", PropertyType.NUMBER),
    property_of("is_vip", PropertyType.BOOLEAN),
    property_of("born", PropertyType.DATE),
    property_of("address", PropertyType.OBJECT),
    property_of("sizes", PropertyType.ARRAY, archived=True),
]


def contact(**fields: Any) -> Contact:
    return new_contact(ID, {"email": "ada@example.com", **fields}, AT)


def cells(one: Contact, *fields: str, properties: list[Property] = PROPERTIES) -> dict[str, str]:
    writer = row_writer(ExportFormat.CSV, fields, properties)
    text = (writer.head() + writer.rows([one])).encode().decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return dict(row)


def test_a_csv_file_has_a_mark_a_header_and_crlf() -> None:
    writer = row_writer(ExportFormat.CSV, ("email", "first_name", "custom_fields"), PROPERTIES[:2])
    written = (writer.head() + writer.rows([contact(first_name="Ada")])).encode()
    assert written == (
        b"\xef\xbb\xbfemail,first_name,custom_fields.city,custom_fields.age:number,custom_fields\r\n"
        b"ada@example.com,Ada,,,\r\n"
    )


def test_all_fields_are_there_under_the_names_of_the_api() -> None:
    row = cells(contact(), properties=[])
    assert tuple(row) == FIELDS
    assert row["is_unsubscribed"] == "false"
    assert (row["version"], row["created_at"], row["unsubscribed_at"]) == ("1", AT, "")


@pytest.mark.parametrize(
    ("tags", "cell"),
    [
        ([], ""),
        (["a", "b c"], "a;b c"),
        (["a;b", "c\\"], "a\\;b;c\\\\"),
        (["a,b", "[x]"], "a\\,b;\\[x]"),
        (["=1+1"], "'=1+1"),
    ],
)
def test_tags_stand_in_one_cell(tags: list[str], cell: str) -> None:
    assert cells(contact(tags=tags), "tags") == {"tags": cell}


@pytest.mark.parametrize(
    ("custom_fields", "expected"),
    [
        ({}, {}),
        ({"city": "Paris", "age": 36}, {"city": "Paris", "age:number": "36"}),
        ({"age": -1.5}, {"age:number": "-1.5"}),
        ({"age": Decimal("12345678901234567890.5")}, {"age:number": "12345678901234567890.5"}),
        ({"is_vip": True}, {"is_vip:boolean": "true"}),
        (
            {"address": {"zip": "01099"}, "sizes": [1, None]},
            {"address:json": '{"zip":"01099"}', "sizes:json": "[1,null]"},
        ),
        ({"city": "=cmd"}, {"city": "'=cmd"}),
        # What no cell tells exactly stands in the column of the others.
        ({"city": ""}, {"": {"city": ""}}),
        ({"city": " Paris"}, {"": {"city": " Paris"}}),
        (
            {"city": 7, "age": "7", "is_vip": 1, "born": 5},
            {"": {"city": 7, "age": "7", "is_vip": 1, "born": 5}},
        ),
        (
            {"Shoe size": 43, "a.b": [1], "age:number": 3},
            {"": {"Shoe size": 43, "a.b": [1], "age:number": 3}},
        ),
    ],
)
def test_custom_fields_have_columns_and_the_others_one(
    custom_fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = cells(contact(custom_fields=custom_fields), "custom_fields")
    others = row.pop("custom_fields")
    found = {name.removeprefix("custom_fields."): cell for name, cell in row.items() if cell}
    if others:
        found[""] = json.loads(others)
    assert found == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "Ada Lovelace"}, ("Ada Lovelace", "Ada", "Lovelace")),
        ({"first_name": "Ada", "last_name": "Lovelace"}, ("Ada Lovelace", "Ada", "Lovelace")),
        ({"name": "Ada"}, ("Ada", "Ada", "")),
        ({"name": "Dr.  Ada"}, ("Dr.  Ada", "", "")),
        ({}, ("", "", "")),
    ],
)
def test_a_name_that_its_parts_do_not_tell_stands_alone(
    given: dict[str, str], expected: tuple[str, ...]
) -> None:
    row = cells(contact(**given), "name", "first_name", "last_name")
    assert (row["name"], row["first_name"], row["last_name"]) == expected


def test_without_name_the_parts_are_there() -> None:
    assert cells(contact(name="Dr.  Ada"), "first_name") == {"first_name": "Dr."}


@given(
    first_name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    tags=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), max_size=3
    ),
)
@settings(max_examples=examples(100))
def test_any_text_comes_back_from_a_cell(first_name: str, tags: list[str]) -> None:
    row = cells(contact(first_name=first_name, tags=tags), "email", "first_name", "tags")
    assert unescaped(row["first_name"]) == first_name
    assert row["email"] == "ada@example.com"
    assert not row["first_name"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_ndjson_is_the_contact_as_the_api_shows_it() -> None:
    one = contact(custom_fields={"n": Decimal("0.12345678901234567890123"), "a": "=1"}, tags=["é"])
    writer = row_writer(ExportFormat.NDJSON, (), PROPERTIES)
    text = writer.head() + writer.rows([one, one])
    assert [from_json(line) for line in text.splitlines()] == [contact_out(one)] * 2
    assert "é" in text
    some = row_writer(ExportFormat.NDJSON, ("email", "is_active"), ()).rows([one])
    assert some == '{"email":"ada@example.com","is_active":true}\n'
