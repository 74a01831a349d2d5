"""What a row says, as the body of a contact."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.book.schemas import NewContact
from contacts.core.errors import ContactsError
from contacts.imports.mapping.column_names import ENGLISH, OTHER_LANGUAGES
from contacts.imports.mapping.columns import CONSENT, FIELDS, complete_mapping, guessed_mapping, key_of
from contacts.imports.mapping.values import ReadRow, RowReader, typed_names
from contacts.imports.mapping.words import (
    MEANS_NO,
    MEANS_NOT_SUBSCRIBED,
    MEANS_SUBSCRIBED,
    MEANS_YES,
    Words,
)
from contacts.imports.model import Blanks, ImportOptions, Row, RowError
from contacts.properties.model import PropertyType, ValueRule, validate

KEEP = ImportOptions()
CLEAR = ImportOptions(blanks=Blanks.CLEAR)
GERMAN = ImportOptions(default_country="DE")
RULES = {
    "n": ValueRule(PropertyType.NUMBER),
    "b": ValueRule(PropertyType.BOOLEAN),
    "d": ValueRule(PropertyType.DATE),
    "m": ValueRule(PropertyType.DATETIME),
    "e": ValueRule(PropertyType.ENUM, ("Gold", "silver", "Silver", "Café")),
    "o": ValueRule(PropertyType.OBJECT),
    "a": ValueRule(PropertyType.ARRAY),
    "s": ValueRule(PropertyType.STRING),
    "old": ValueRule(PropertyType.NUMBER, is_archived=True),
}


def read(
    cells: dict[str, str], options: ImportOptions = KEEP, mapping: dict[str, str | None] | None = None
) -> ReadRow:
    columns = list(cells)
    complete = complete_mapping(columns, mapping or {})
    return RowReader(columns, complete, options, RULES).read(Row(2, tuple(cells.values())))


def read_object(
    members: dict[str, Any], options: ImportOptions = KEEP, columns: tuple[str, ...] = ()
) -> ReadRow:
    names = columns or tuple(members)
    return RowReader(names, guessed_mapping(names), options, RULES).read(Row(2, members))


def one(target: str, cell: str, options: ImportOptions = KEEP) -> Any:
    """What a cell of a column says, or why it says nothing."""
    found = read({"column": cell}, options, {"column": target})
    if found.errors:
        assert len(found.errors) == 1
        return found.errors[0].reason
    body = dict(found.body)
    for part in target.partition(":")[0].split("."):
        body = body[part]
    return body


@pytest.mark.parametrize(
    ("target", "cell", "value"),
    [
        ("email", "  Ada@Example.com ", "Ada@Example.com"),
        ("email", "Ada Lovelace <ada@example.com>", "ada@example.com"),
        ("email", "mailto:ada@example.com", "ada@example.com"),
        ("email", "ada@example.com ::: ada@home.example", "ada@example.com"),
        ("email", "\ufeff\u00a0ada@example.com\u200b", "ada@example.com"),
        ("external_id", "007", "007"),
        ("external_id", "99999.0", "99999.0"),
        ("external_id", "'=1+1", "=1+1"),
        # Shopify's ids.
        ("external_id", "'6543210", "6543210"),
        ("first_name", "'-", "-"),
        ("first_name", "O'Neill", "O'Neill"),
        ("tags", "vip; beta", ["vip", "beta"]),
        ("tags", "vip, beta, vip", ["vip", "beta"]),
        ("tags", "a\\;b", ["a;b"]),
        ("tags", '["a", "b"]', ["a", "b"]),
        ("lists", "News Letter; VIP-Kunden; Größe_1", ["news-letter", "vip-kunden", "grosse_1"]),
        ("is_active", "nein", False),
        ("is_active", "X", True),
        ("custom_fields.plz", "01099", "01099"),
        ("custom_fields.plz", "'01099", "01099"),
        ("custom_fields.n", "1234.50", 1234.5),
        ("custom_fields.n", "1.234,56", 1234.56),
        ("custom_fields.n", "1,234.56", 1234.56),
        ("custom_fields.n", "1 234,5", 1234.5),
        ("custom_fields.n", "1\u202f234", 1234),
        ("custom_fields.n", "1'234", 1234),
        ("custom_fields.n", "1.234.567", 1234567),
        ("custom_fields.n", "1,234,567", 1234567),
        ("custom_fields.n", "0,125", 0.125),
        ("custom_fields.n", "12,5", 12.5),
        ("custom_fields.n", "1.234", 1.234),
        ("custom_fields.n", "'-5", -5),
        ("custom_fields.n", "\u22125", -5),
        ("custom_fields.n", "+5", 5),
        ("custom_fields.n", "007", 7),
        ("custom_fields.n", ".5", 0.5),
        ("custom_fields.n", "1e3", 1000),
        ("custom_fields.b", "Ja", True),
        ("custom_fields.b", "НЕТ", False),
        ("custom_fields.b", "hayır", False),
        ("custom_fields.b", "1.0", True),
        ("custom_fields.d", "2026-01-15", "2026-01-15"),
        ("custom_fields.d", "2026/1/5", "2026-01-05"),
        ("custom_fields.d", "15.01.2026", "2026-01-15"),
        ("custom_fields.d", "1.2.2026", "2026-02-01"),
        ("custom_fields.d", "15/01/2026", "2026-01-15"),
        ("custom_fields.d", "01/15/2026", "2026-01-15"),
        ("custom_fields.d", "05/05/2026", "2026-05-05"),
        ("custom_fields.d", "2026-01-15 00:00:00", "2026-01-15"),
        ("custom_fields.d", "2026-01-15T00:00:00.000Z", "2026-01-15"),
        ("custom_fields.m", "2026-01-15T10:30:00Z", "2026-01-15T10:30:00Z"),
        ("custom_fields.m", "2026-01-15 10:30:00 UTC", "2026-01-15T10:30:00Z"),
        ("custom_fields.m", "2026-01-15 10:30:00 +0200", "2026-01-15T10:30:00+0200"),
        ("custom_fields.e", "gold", "Gold"),
        ("custom_fields.e", "silver", "silver"),
        ("custom_fields.e", "CAFE\u0301", "Café"),
        ("custom_fields.o", '{"a": 1.50}', {"a": 1.5}),
        ("custom_fields.a", "[1, 2]", [1, 2]),
        ("custom_fields.a", "red; blue", ["red", "blue"]),
        ("custom_fields.s", "7", "7"),
        ("custom_fields.old", "7", "7"),
        ("custom_fields.s:number", "7", 7),
        ("custom_fields.n:text", " 7 ", " 7 "),
        ("custom_fields.x:boolean", "no", False),
        ("metadata.x:json", "[null]", [None]),
        ("metadata.n", "7", "7"),
        ("custom_fields", '{"a": 1, "b": null}', {"a": 1}),
    ],
)
def test_a_cell_says(target: str, cell: str, value: object) -> None:
    assert one(target, cell) == value


@pytest.mark.parametrize(
    ("target", "cell", "reason"),
    [
        ("is_active", "maybe", "must be true or false"),
        ("is_active", "10", "must be true or false"),
        ("lists", "Новости", "must be a slug"),
        ("custom_fields.n", "1,234", "may be two numbers: write 1234 or 1.234"),
        ("custom_fields.n", "12 €", "must be a number"),
        ("custom_fields.n", "1.234.56", "must be a number"),
        ("custom_fields.n", "1,234,56", "must be a number"),
        ("custom_fields.n", "NaN", "must be a number"),
        ("custom_fields.n", "٣", "must be a number"),
        ("custom_fields.d", "01/02/2026", "may be two days: write 2026-02-01 or 2026-01-02"),
        ("custom_fields.d", "01.15.2026", "must be a day that exists"),
        ("custom_fields.d", "2026-02-30", "must be a day that exists"),
        ("custom_fields.d", "15.01.26", "must be a day such as 2026-01-15"),
        ("custom_fields.d", "46037", "must be a day such as 2026-01-15"),
        ("custom_fields.d", "2026-01-15T10:30:00Z", "must be a day such as 2026-01-15"),
        ("custom_fields.m", "2026-01-15 10:30:00", "has no time zone"),
        ("custom_fields.m", "yesterday", "must be a moment with its time zone"),
        ("custom_fields.e", "SILVER", "must be one of Gold, silver"),
        ("custom_fields.o", "[1]", "must be an object"),
        ("custom_fields.o", "{", "must be JSON"),
        ("custom_fields.x:json", "[NaN]", "must be JSON"),
        ("custom_fields.x:json", '{"a": 1, "a": 2}', "must be JSON"),
        ("custom_fields.x:json", "[" * 20_000, "must be JSON"),
        ("custom_fields.x:number", "seven", "must be a number"),
        ("phone", "030 1234567", "has no country code"),
        ("phone", "+1 415 555 26712", "is not a phone number"),
        ("phone", "+49 151 1234567 ext. 5", "has an extension"),
        ("phone", "+999 1234", "is not a phone number"),
        ("phone", "4.91511E+12", "has no country code"),
        ("status", "customer", "does not say whether the person is subscribed"),
        ("is_unsubscribed", "vielleicht", "does not say whether the person is subscribed"),
    ],
)
def test_a_cell_that_cannot_be_read_says_why(target: str, cell: str, reason: str) -> None:
    assert reason in one(target, cell)


@pytest.mark.parametrize(
    ("cell", "options", "phone"),
    [
        ("+4915112345678", KEEP, "+4915112345678"),
        ("'+4915112345678", KEEP, "+4915112345678"),
        ("0049 (0)151 / 1234-5678", KEEP, "+4915112345678"),
        ("tel:+49-151-12345678", KEEP, "+4915112345678"),
        ("0151 12345678", GERMAN, "+4915112345678"),
        ("4915112345678", GERMAN, "+4915112345678"),
        ("49 30 901820", GERMAN, "+4930901820"),
        ("15112345678", GERMAN, "+4915112345678"),
        ("(415) 555-2671", ImportOptions(default_country="US"), "+14155552671"),
        ("393331234567", ImportOptions(default_country="IT"), "+393331234567"),
        ("3933123456", ImportOptions(default_country="IT"), "+393933123456"),
        ("+1 (415) 555-2671", GERMAN, "+14155552671"),
        ("+49 151 12345678 ::: +49 30 1234567", KEEP, "+4915112345678"),
    ],
)
def test_a_phone_becomes_e164(cell: str, options: ImportOptions, phone: str) -> None:
    assert one("phone", cell, options) == phone


@pytest.mark.parametrize("cell", ["0123", "5551234567", "4.91511E+12", "911234567890", "see notes"])
def test_a_number_of_another_country_is_not_taken_for_one_of_the_default(cell: str) -> None:
    assert "is not a phone number" in one("phone", cell, ImportOptions(default_country="FR"))


OUT: dict[str, object] = {"is_unsubscribed": True}


@pytest.mark.parametrize(
    ("target", "cells", "body", "says_subscribed"),
    [
        ("status", "subscribed", {}, True),
        ("status", "Active", {}, True),
        ("status", "1", {}, True),
        ("status", "UNSUBSCRIBED", OUT, False),
        ("status", "Opted-out", OUT, False),
        ("status", "cleaned", OUT, False),
        ("status", "Hard Bounce", OUT, False),
        ("status", "Spam complaint", OUT, False),
        ("status", "blocklisted", OUT, False),
        ("status", "NEVER_SUBSCRIBED", OUT, False),
        ("status", "pending", OUT, False),
        ("status", "inactive", OUT, False),
        ("status", "3", OUT, False),
        ("status", "отписан", OUT, False),
        ("status", "désabonné", OUT, False),
        ("is_unsubscribed", "true", OUT, False),
        ("is_unsubscribed", "no", {}, True),
        ("is_unsubscribed", "2024-05-01 10:00:00", OUT, False),
        ("is_unsubscribed", "unsubscribed", OUT, False),
        ("is_unsubscribed", "Subscribed", {}, True),
        ("is_unsubscribed", "opted-in", {}, True),
        ("is_unsubscribed", "2024-05-01, by phone", OUT, False),
        ("is_unsubscribed", "0001-01-01, by phone", OUT, False),
        ("is_subscribed", "\u2705 Yes", {}, True),
        ("is_subscribed", "Opt\u2011in", {}, True),
        ("is_subscribed", "\u274c Unsubscribed", OUT, False),
        ("is_subscribed", "nein", OUT, False),
        ("is_subscribed", "yes", {}, True),
        ("is_subscribed", "NEVER_SUBSCRIBED", OUT, False),
        ("is_subscribed", "5/1/2024", {}, True),
        ("is_subscribed", "2024-05-01T10:00:00.000+02:00", {}, True),
        ("is_subscribed", "5/1/2024 3:04 PM", {}, True),
        ("is_subscribed", "2024-05-01 10:00:00.123456 +0000 UTC", {}, True),
        ("is_subscribed", "0000-00-00 00:00:00", {}, False),
        ("is_unsubscribed", "0001-01-01T00:00:00+00:00", {}, False),
        ("unsubscribed_at", "2024-05-01 10:00:00", OUT, False),
        ("unsubscribed_at", "yes", OUT, False),
        ("unsubscribed_at", "\u274c no", OUT, False),
        ("unsubscribed_at", "0000-00-00 (removed by hand)", OUT, False),
        ("status", "", {}, False),
        ("status", "NULL", {}, False),
        ("is_unsubscribed", "N/A", {}, False),
        ("is_unsubscribed", "0000-00-00 00:00:00", {}, False),
        ("unsubscribed_at", "0000-00-00", {}, False),
        ("unsubscribed_at", "never", {}, False),
        ("unsubscribed_at", "\\N", {}, False),
    ],
)
def test_who_has_opted_out(target: str, cells: str, body: dict[str, object], says_subscribed: bool) -> None:
    found = read({"Email": "a@example.com", "column": cells}, CLEAR, {"column": target})
    assert found.body == {"email": "a@example.com", **body}
    assert found.says_subscribed is says_subscribed
    assert not found.errors


UNCLEAR = "does not say whether the person is subscribed: write subscribed or unsubscribed"


@pytest.mark.parametrize(
    ("target", "cell"),
    [
        ("is_unsubscribed", "Confirmed"),
        ("is_unsubscribed", "aktiv"),
        ("is_unsubscribed", "eingetragen"),
        ("is_unsubscribed", "\u274c no"),
        ("is_subscribed", "\u274c Subscribed"),
        ("is_subscribed", "!yes"),
        ("is_subscribed", "-active"),
        ("is_subscribed", "2024-05-01 withdrawn"),
        ("is_subscribed", "2024-05-01 - 2024-06-01"),
        ("is_subscribed", "2024-05-01 NO"),
        ("status", "subscribed?"),
        ("status", "0000-00-00 active"),
    ],
)
def test_what_may_mean_the_opposite_is_refused(target: str, cell: str) -> None:
    found = read({"Email": "a@example.com", "column": cell}, KEEP, {"column": target})
    assert found == ReadRow({"email": "a@example.com"}, errors=(RowError(target, UNCLEAR),), is_refused=True)


NO_ID = "stands for no id, and would make one person of all who have it: leave the cell empty"


@pytest.mark.parametrize("cell", ["NULL", "\\N", "#N/A", "n/a", "-", "nan", "None", "undefined", "0", "0.0"])
def test_what_stands_for_no_id_is_none(cell: str) -> None:
    found = read({"Email": "a@example.com", "Customer": cell}, KEEP, {"Customer": "external_id"})
    assert found == ReadRow({"email": "a@example.com"}, errors=(RowError("external_id", NO_ID),))


def test_an_id_may_be_0_where_the_column_has_our_name() -> None:
    assert read_object({"external_id": 0}).body == {"external_id": "0"}
    assert [error.reason for error in read_object({"customer_id": 0}).errors] == [NO_ID]


def test_one_column_that_says_opted_out_wins() -> None:
    found = read({"email": "a@example.com", "status": "subscribed", "Unsubscribed": "yes", "Opted in": "yes"})
    assert found == ReadRow({"email": "a@example.com", "is_unsubscribed": True})


def test_a_row_whose_consent_is_unclear_is_refused_even_if_invalid_fields_are_skipped() -> None:
    found = read(
        {"email": "a@example.com", "status": "lead", "is_active": "lead"}, ImportOptions(skips_invalid=True)
    )
    assert [error.field for error in found.errors] == ["status", "is_active"]
    assert found.is_refused
    assert not read({"email": "a@example.com", "is_active": "lead"}).is_refused


def test_several_columns_of_tags_add_up_and_so_do_those_of_the_import() -> None:
    options = ImportOptions(add_tags=("2026",), add_lists=("news",), blanks=Blanks.CLEAR)
    found = read({"email": "a@example.com", "Tags": "a;b", "Labels": "b,c", "Lists": ""}, options)
    assert found.body == {
        "email": "a@example.com",
        "tags": ["a", "b", "c"],
        "lists": None,
        "add_tags": ["2026"],
        "add_lists": ["news"],
    }


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (KEEP, {"external_id": "1"}),
        (
            CLEAR,
            {"external_id": "1", "name": None, "phone": None, "tags": None, "custom_fields": {"city": None}},
        ),
    ],
)
def test_blank_cells_keep_or_clear(options: ImportOptions, body: dict[str, object]) -> None:
    cells = {
        "external_id": "1",
        "email": " ",
        "name": "",
        "phone": "",
        "tags": "",
        "city": "",
        "is_active": "",
    }
    assert read({**cells, "status": "", "custom_fields": "", "metadata": ""}, options).body == body


@pytest.mark.parametrize("options", [KEEP, CLEAR])
def test_a_row_of_blank_cells_is_blank(options: ImportOptions) -> None:
    found = read(
        {"import_line": "7", "id": "x", "email": "", "name": " ", "tags": ";", "city": "\u00a0"}, options
    )
    assert found == ReadRow({}, is_blank=True)


def test_a_row_with_fewer_cells_says_nothing_about_the_others() -> None:
    mapping = guessed_mapping(["email", "phone"])
    assert RowReader(["email", "phone"], mapping, CLEAR, {}).read(Row(2, ("a@b.cc",))).body == {
        "email": "a@b.cc"
    }


def test_a_row_that_the_reader_refused_stays_refused() -> None:
    error = RowError(None, "is too long")
    assert RowReader(["email"], {"email": "email"}, KEEP, {}).read(Row(2, (), error)) == ReadRow(
        {}, errors=(error,), is_refused=True
    )


def test_rules_are_needed_for_columns_without_a_type() -> None:
    mapping = guessed_mapping(["email", "Age", "size:number", "Größe", "metadata.x", "custom_fields"])
    assert typed_names(mapping) == ["age"]


def test_a_quote_before_digits_stays_in_columns_of_our_own() -> None:
    cells = {"external_id": "'007", "custom_fields.zip": "'01099", "Zip Code": "'01099"}
    assert read(cells).body == {
        "external_id": "'007",
        "custom_fields": {"zip": "'01099", "zip_code": "01099"},
    }


@pytest.mark.parametrize(
    ("cells", "body"),
    [
        # importcsv#15: columns whose names contain "email" were taken for the email.
        (
            {"Email consent": "no", "Email opt-in date": "2024", "Email": "a@b.cc"},
            {"is_unsubscribed": True, "custom_fields": {"email_opt_in_date": "2024"}, "email": "a@b.cc"},
        ),
        # mautic#1601, #9027: opt-outs were not read.
        ({"email": "a@b.cc", "Do Not Email": "TRUE"}, {"email": "a@b.cc", "is_unsubscribed": True}),
        ({"email": "a@b.cc", "donotContact": "yes"}, {"email": "a@b.cc", "is_unsubscribed": True}),
        # noptin#602: a postal code lost its zero.
        ({"email": "a@b.cc", "PLZ": "01099"}, {"email": "a@b.cc", "custom_fields": {"plz": "01099"}}),
        # notifuse#223: a no-break space became part of the address.
        ({"email": "a@b.cc\u00a0"}, {"email": "a@b.cc"}),
        # listmonk#2189: spaces before the names of columns and in cells.
        ({"email": "a@b.cc", " first name": " Ada"}, {"email": "a@b.cc", "first_name": "Ada"}),
        # odoo#99995: the quote before a plus stayed.
        ({"email": "a@b.cc", "Phone": "'+380 99 345-67-89"}, {"email": "a@b.cc", "phone": "+380993456789"}),
        # owncloud-archive/contacts#818: several numbers in one cell of Google's.
        (
            {"E-mail 1 - Value": "a@b.cc", "Phone 1 - Value": "+44 20 7123 4567 ::: +44 20 7123 0000"},
            {"email": "a@b.cc", "phone": "+442071234567"},
        ),
        # mautic#1932: rows of commas became contacts.
        ({"email": "", "name": "", "phone": ""}, {}),
    ],
)
def test_what_broke_other_importers(cells: dict[str, str], body: dict[str, Any]) -> None:
    found = read(cells)
    assert found.body == body
    assert not found.errors


# Objects

CONTACT = {
    "id": "019…",
    "email": "ada@example.com",
    "external_id": "007",
    "first_name": "Ada",
    "last_name": "",
    "name": "Ada",
    "phone": None,
    "tags": ["a;b", " c "],
    "lists": ["news"],
    "custom_fields": {"Any key": [1, {"x": None}], "gone": None},
    "metadata": {},
    "is_active": False,
    "is_unsubscribed": False,
    "unsubscribed_at": None,
    "version": 3,
}


def test_a_contact_of_the_api_passes_through() -> None:
    found = read_object(CONTACT)
    assert found.says_subscribed
    assert found.body == {
        "email": "ada@example.com",
        "external_id": "007",
        "first_name": "Ada",
        "last_name": "",
        "name": "Ada",
        "tags": ["a;b", " c "],
        "lists": ["news"],
        "custom_fields": {"Any key": [1, {"x": None}]},
        "is_active": False,
    }


@pytest.mark.parametrize(
    ("members", "body"),
    [
        ({"email": "a@b.cc", "age": 7, "Shoe Size": None}, {"email": "a@b.cc", "custom_fields": {"age": 7}}),
        ({"external_id": 99999.0, "email": ""}, {"external_id": "99999"}),
        ({"external_id": 7, "subscribed": False}, {"external_id": "7", "is_unsubscribed": True}),
        ({"email": "a@b.cc", "status": "UNSUBSCRIBED"}, {"email": "a@b.cc", "is_unsubscribed": True}),
        ({"email": ["a"], "tags": 5}, {"email": ["a"], "tags": 5}),
        ({"email": "a@b.cc", "tags": [{"id": 1, "name": "vip"}, 5]}, {"email": "a@b.cc", "tags": ["vip", 5]}),
        ({"email": "a@b.cc", "data": {"plan": "pro"}}, {"email": "a@b.cc", "custom_fields": {"plan": "pro"}}),
        ({"email": "a@b.cc", "data": "text"}, {"email": "a@b.cc", "custom_fields": {"data": "text"}}),
        ({"email": "a@b.cc", "attribs": '{"x": 1}'}, {"email": "a@b.cc", "custom_fields": {"x": 1}}),
        (
            {"properties": {"email": "a@b.cc", "firstName": "A", "My Field": 1, "version": 2}},
            {"email": "a@b.cc", "first_name": "A", "custom_fields": {"My Field": 1}},
        ),
        (
            {"email": "a@b.cc", "variables": [{"name": "plan", "value": "pro", "type": "string"}]},
            {"email": "a@b.cc", "custom_fields": {"plan": "pro"}},
        ),
        (
            {"email": "a@b.cc", "custom_fields": {"x": 1}, "list_ids": [3, 5]},
            {"email": "a@b.cc", "custom_fields": {"x": 1, "list_ids": [3, 5]}},
        ),
        # Klaviyo's API, and Brevo's.
        (
            {"id": "01", "attributes": {"email": "a@b.cc", "first_name": "A", "properties": {"vip": True}}},
            {"email": "a@b.cc", "first_name": "A", "custom_fields": {"vip": True}},
        ),
        (
            {
                "email": "a@b.cc",
                "emailBlacklisted": True,
                "attributes": {"VORNAME": "A", "SMS": "+4915112345678", "X": 1},
            },
            {
                "email": "a@b.cc",
                "is_unsubscribed": True,
                "first_name": "A",
                "phone": "+4915112345678",
                "custom_fields": {"X": 1},
            },
        ),
        # Mailchimp's API.
        (
            {
                "email_address": "a@b.cc",
                "status": "cleaned",
                "merge_fields": {"FNAME": "A"},
                "tags": [{"id": 1, "name": "x"}],
            },
            {"email": "a@b.cc", "is_unsubscribed": True, "first_name": "A", "tags": ["x"]},
        ),
        ({"email": "a@b.cc", "status": "", "is_unsubscribed": 0}, {"email": "a@b.cc"}),
        ({"email": None, "vip": True}, {"custom_fields": {"vip": True}}),
    ],
)
def test_objects_of_vendors(members: dict[str, Any], body: dict[str, Any]) -> None:
    assert read_object(members).body == body


def test_members_that_the_first_objects_lacked_are_read_alike() -> None:
    members = {"e-mail": "a@b.cc", "Vorname": "Ada", "mail": "x@y.zz", "Shoe size": 1, "shoe-size": 2}
    assert read_object(members, columns=("mail",)).body == {
        "email": "x@y.zz",
        "first_name": "Ada",
        "custom_fields": {"e_mail": "a@b.cc", "shoe_size": 1, "shoe_size_2": 2},
    }


def test_a_line_that_was_no_object_may_be_mended_where_it_stands_in_the_error_file() -> None:
    said = {"import_line": 2, "import_field": "", "import_reason": "the line is not a JSON object"}
    mended = read_object({"import_text": '{"email": "a@example.com", "tags": ["vip"]}', **said})
    assert mended == ReadRow({"email": "a@example.com", "tags": ["vip"]})
    # Sent again as it is, it says nothing that leads to a contact, and fails again.
    assert read_object({"import_text": '{"email"', **said}).body == {
        "custom_fields": {"import_text": '{"email"'}
    }


def test_a_number_of_names_that_look_alike_is_read_in_passing() -> None:
    members = {"-" * number: number for number in range(1, 3000)}
    custom_fields = read_object(members, columns=("email",)).body["custom_fields"]
    assert len(custom_fields) == len(members)
    assert list(custom_fields)[-1] == "column_2999"


@pytest.mark.parametrize("field", ["custom_fields", "metadata"])
def test_a_field_that_must_be_an_object_is_refused_as_a_text(field: str) -> None:
    expected = (RowError(field, "must be an object"),)
    assert read({"email": "a@b.cc", field: "x"}).errors == expected
    assert read_object({"email": "a@b.cc", field: 5}).errors == expected


def test_values_that_no_text_tells_break_nothing() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    members = {"email": 10**5000, "external_id": float("nan"), "phone": True, "status": deep}
    found = read_object(members)
    assert found.is_refused
    # A body with these is refused by their names.
    assert [found.body[name] for name in ("email", "external_id", "phone")] == [*members.values()][:3]


def test_null_clears_where_blanks_clear() -> None:
    members = {
        "email": "a@b.cc",
        "external_id": None,
        "phone": None,
        "custom_fields": {"x": None},
        "city": None,
    }
    assert read_object(members, CLEAR).body == {
        "email": "a@b.cc",
        "phone": None,
        "custom_fields": {"x": None, "city": None},
    }


@pytest.mark.parametrize("target", [*FIELDS, *(f"custom_fields.{name}" for name in RULES), "metadata.x:json"])
def test_long_cells_take_no_longer_than_their_length(target: str) -> None:
    """Each would take minutes, or for ever, where a time grows with the square of a cell's length."""
    for cell in (
        f"a{' ' * 20_000}b",
        "'" * 20_000,
        "1," * 20_000,
        ";" * 20_000,
        "\\" * 20_001,
        "9" * 20_000,
        f"2024-05-01{' ' * 20_000}x",
        f"2024-05-01 10:00{' Z' * 20_000}x",
        "- " * 20_000,
    ):
        found = read({"column": cell}, GERMAN, {"column": target})
        assert found.body or found.errors or found.is_blank
    assert not read({"column": f"yes{'-' * 300}no"}, mapping={"column": "is_active"}).body


# Consent: all words in all columns

NAMES_BY_TARGET = {
    target: [
        target,
        *(
            name.strip()
            for table in (ENGLISH, *OTHER_LANGUAGES)
            for name in table.get(target, target).split(",")
        ),
    ]
    for target in CONSENT
}
WORDS = (*MEANS_YES, *MEANS_NO, *MEANS_SUBSCRIBED, *MEANS_NOT_SUBSCRIBED)
DENIES_AN_OPT_OUT = frozenset(
    Words(
        """
        false, no, n, f, 0, off, nein, falsch, non, faux, falso, não, nee, onwaar, nie, fałsz, hayır, yanlış, нет, ні,
        ложь, хибність, unchecked, subscribed, subscribe, subscriber, opted in, opt in, optin, opted-in, single opt in,
        double opt in, abonniert, abonné, suscrito, abone, подписан, подписана, підписаний, підписана
        """
    )
)
"""Every word that may say "subscribed" in a column that tells who has opted out. The list is written out so that a new
word of the tables is none of them until somebody has thought of `Do not contact: <the word>`."""
SAY_SUBSCRIBED = {
    "is_unsubscribed": DENIES_AN_OPT_OUT,
    "is_subscribed": {*MEANS_YES, *MEANS_SUBSCRIBED},
    "status": {*MEANS_YES, *MEANS_SUBSCRIBED},
    "unsubscribed_at": set[str](),
}
OPTED_OUT_STEMS = Words(
    """
    unsub, opt out, optout, opted out, do not, block, blacklist, bounce, suppress, complain, excluded, clean time,
    abgemeldet, abmelde, abbestellt, ausgetragen, gesperrt, keine, désabonn, désinscri, baja, desuscrito, cancel,
    no suscrito, descadastr, não inscrito, disiscri, cancella, annulla, uitgeschr, uitschr, afgemeld, wypis, rezygna,
    abonelikten, iptal, çıkış, відпис, отпис
    """
)


def test_columns_that_tell_who_has_opted_out_are_read_as_such() -> None:
    stems = [key_of(stem) for stem in OPTED_OUT_STEMS]
    for table in (ENGLISH, *OTHER_LANGUAGES):
        for target, names in table.items():
            for name in names.split(","):
                tells = any(stem in key_of(name) for stem in stems)
                assert tells == (target in ("is_unsubscribed", "unsubscribed_at")), name


@pytest.mark.parametrize("target", CONSENT)
def test_only_words_that_surely_say_so_mean_subscribed(target: str) -> None:
    for name in NAMES_BY_TARGET[target]:
        columns = ("Email", name)
        mapping = guessed_mapping(columns)
        assert mapping[name] == target
        reader = RowReader(columns, mapping, KEEP, {})
        for word in WORDS:
            found = reader.read(Row(2, ("a@example.com", word)))
            assert found.says_subscribed == (word in SAY_SUBSCRIBED[target]), (name, word)
            if not found.says_subscribed:
                says_nothing = target == "unsubscribed_at" and word in {*MEANS_NO}
                assert found.is_refused or found.body.get("is_unsubscribed") or says_nothing, (name, word)


CONSENT_COLUMNS = st.sampled_from([(name, target) for target in CONSENT for name in NAMES_BY_TARGET[target]])
DRESSED_WORDS = st.tuples(
    st.sampled_from(["", "", " ", '"', "(", "❌ ", "!", "-", "¬", "🚫"]),
    st.sampled_from(WORDS),
    st.sampled_from(["", "", " ", '"', ")", ".", "?", " ❌"]),
    st.sampled_from([str, str.upper, str.title]),
)


@given(st.dictionaries(CONSENT_COLUMNS, DRESSED_WORDS, min_size=1, max_size=4))
def test_a_row_says_subscribed_only_where_no_column_may_mean_the_opposite(
    cells: dict[tuple[str, str], tuple[str, str, str, Any]],
) -> None:
    texts = {
        name: f"{before}{spelled(word)}{after}" for (name, _), (before, word, after, spelled) in cells.items()
    }
    if len({key_of(name) for name in texts}) < len(texts):
        return
    found = read({"email": "a@example.com", **texts})
    for (_, target), (before, word, after, _) in cells.items():
        may_say_nothing = target == "unsubscribed_at" and word in {*MEANS_NO}
        is_sure = word in SAY_SUBSCRIBED[target] and not {before, after} & {
            "❌ ",
            " ❌",
            "!",
            "-",
            "¬",
            "🚫",
            "?",
        }
        if not is_sure and not may_say_nothing:
            assert not found.says_subscribed
            assert found.is_refused or found.body.get("is_unsubscribed")


# Invariants

ODD = (
    st.text("a1,;=+-@'\\[]{}\":. <>%\u00a0\0\ud800é")
    | st.text()
    | st.sampled_from(["", " ", "yes", "no", "1", "unsubscribed"])
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=8,
)
OPTIONS = st.builds(
    ImportOptions,
    blanks=st.sampled_from(Blanks),
    default_country=st.sampled_from([None, "DE", "US", "XX"]),
    add_tags=st.just(()) | st.just(("x",)),
    skips_invalid=st.booleans(),
)
COLUMNS = st.sampled_from(
    [*FIELDS[:-1], "E-Mail 2", "properties", "Vorname", "id", "custom_fields.n", "custom_fields.d:text"]
    + [f"custom_fields.{name}" for name in RULES]
    + ["city", "custom_fields.x:json", "custom_fields.y:number", "metadata.z:boolean"]
)


@given(st.dictionaries(COLUMNS, ODD, min_size=1, max_size=8), OPTIONS)
def test_no_cells_break_it_nor_subscribe_anybody(cells: dict[str, str], options: ImportOptions) -> None:
    _check(read(cells, options))


@given(st.dictionaries(COLUMNS | ODD, JSON, max_size=8), OPTIONS)
def test_no_object_breaks_it_nor_subscribes_anybody(members: dict[str, Any], options: ImportOptions) -> None:
    _check(read_object(members, options))
    _check(read_object(members, options, ("email",)))


def _check(found: ReadRow) -> None:
    assert found.body.get("is_unsubscribed", True) is True
    assert not (found.says_subscribed and ("is_unsubscribed" in found.body or found.is_refused))
    assert not (found.is_blank and (found.body or found.errors))
    assert set(found.body) <= {*FIELDS} - {*CONSENT} | {"is_unsubscribed"}
    assert all(error.reason for error in found.errors)
    assert found.is_refused >= any(error.field in CONSENT for error in found.errors)
    with suppress(ContactsError):
        validate(NewContact.draft(dict(found.body)).to_input(), RULES)
