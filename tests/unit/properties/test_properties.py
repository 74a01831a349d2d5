"""Which values a property takes, and which names one may have."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from contacts.book.model import Contact, contact_out, contact_values
from contacts.core.json import exact_number
from contacts.core.violations import FieldErrorCode
from contacts.properties.model import (
    CORE_FIELDS,
    PropertyType,
    ValueRule,
    is_property_name,
    name_objection,
    objection,
)

T = PropertyType

TAKEN: list[tuple[PropertyType, Any]] = [
    *((T.STRING, value) for value in ("", "x", "2026-01-15", "5", "true", "ü" * 300)),
    *((T.NUMBER, value) for value in (0, -1, 2.5, 10**37, Decimal("0.1234567890123456789"), 1e-120)),
    *((T.BOOLEAN, value) for value in (True, False)),
    *((T.DATE, value) for value in ("2026-01-15", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31")),
    *((T.DATETIME, value) for value in (
        "2026-01-15T10:30:00Z", "2026-01-15T10:30Z", "2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00.123456+02:00",
        "1815-12-10T00:00:00-05:30", "2026-01-15T23:59:59+00:00",
    )),
    *((T.ENUM, value) for value in ("weekly", "monthly", "ganz selten, fast nie")),
    *((T.OBJECT, value) for value in ({}, {"a": [1, {"b": None}]})),
    *((T.ARRAY, value) for value in ([], [1, "two", {"three": 3}])),
]  # fmt: skip
REFUSED: list[tuple[PropertyType, Any]] = [
    *((T.STRING, value) for value in (5, 1.5, True, False, [], {}, ["x"])),
    *((T.NUMBER, value) for value in ("5", "", True, False, [], {}, [5])),
    *((T.BOOLEAN, value) for value in (0, 1, "true", "false", "", [], {})),
    *((T.DATE, value) for value in (
        "", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-5", "20260115", "2026-W03-4", "2026-015", "26-01-15",
        "2026-01-15T00:00:00Z", " 2026-01-15", "2026-01-15\n", "15.01.2026", "2026/01/15", "٢٠٢٦-٠١-١٥", "0000-01-01",
        20260115, True, ["2026-01-15"], {},
    )),
    *((T.DATETIME, value) for value in (
        "", "2026-01-15", "2026-01-15T10:30:00", "2026-01-15 10:30:00Z", "2026-01-15x10:30:00Z", "2026-02-30T10:30:00Z",
        "2026-01-15T24:00:00Z", "2026-01-15T25:00:00Z", "2026-01-15T10:60:00Z", "20260115T103000Z", "2026-W03-4T10:30Z",
        "2026-01-15T10:30:00Z\n", "2026-01-15T10:30:00 UTC", "now", 1768473000, 1768473000.5, True, [], {},
    )),
    *((T.ENUM, value) for value in ("Weekly", "weekly ", "", "week", 1, True, ["weekly"], {"weekly": 1})),
    *((T.OBJECT, value) for value in ([], "{}", 5, True, [{}])),
    *((T.ARRAY, value) for value in ({}, "[]", 5, True)),
]  # fmt: skip
OPTIONS = ("weekly", "monthly", "ganz selten, fast nie")


def rule(kind: PropertyType, *, is_archived: bool = False) -> ValueRule:
    return ValueRule(kind, OPTIONS if kind is T.ENUM else (), is_archived)


@pytest.mark.parametrize(("kind", "value"), TAKEN)
def test_a_value_of_its_type_is_taken(kind: PropertyType, value: Any) -> None:
    assert objection(value, rule(kind)) is None


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_a_value_of_another_type_is_refused(kind: PropertyType, value: Any) -> None:
    why = objection(value, rule(kind))
    assert why is not None
    assert why.message.startswith("must be ")


@pytest.mark.parametrize("kind", T)
def test_none_clears_whatever_the_type(kind: PropertyType) -> None:
    assert objection(None, rule(kind)) is None


def test_every_type_takes_and_refuses_something_here() -> None:
    assert {kind for kind, _ in TAKEN} == {kind for kind, _ in REFUSED} == set(T)


def test_an_archived_property_takes_anything() -> None:
    for kind, value in REFUSED:
        assert objection(value, rule(kind, is_archived=True)) is None


def test_a_refusal_names_the_options_while_they_are_few() -> None:
    few = objection("x", rule(T.ENUM))
    assert few == (FieldErrorCode.NOT_ALLOWED, "must be one of weekly, monthly, ganz selten, fast nie", None)
    many = ValueRule(T.ENUM, tuple(map(str, range(21))))
    assert objection("x", many) == (
        FieldErrorCode.NOT_ALLOWED,
        "must be one of the 21 options of this property",
        None,
    )
    assert objection("20", many) is None


@given(day=some.dates())
def test_every_day_is_a_date(day: date) -> None:
    assert objection(day.isoformat(), rule(T.DATE)) is None


@given(moment=some.datetimes(timezones=some.timezones() | some.just(UTC)))
def test_every_moment_in_a_zone_is_a_datetime_and_without_one_is_none(moment: datetime) -> None:
    assert objection(moment.replace(fold=0).isoformat(), rule(T.DATETIME)) is None
    assert objection(moment.replace(tzinfo=None).isoformat(), rule(T.DATETIME)) is not None


ANY_JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(10**37), 10**37)
    | some.floats(-1e100, 1e100)
    | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)


@given(value=ANY_JSON)
def test_json_that_went_over_the_wire_is_of_one_plain_type(value: Any) -> None:
    """Whatever is not None is a string, a number, a boolean, an object or an array, and never two of them."""
    read = json.loads(json.dumps(value), parse_int=exact_number, parse_float=exact_number)
    plain = (T.STRING, T.NUMBER, T.BOOLEAN, T.OBJECT, T.ARRAY)
    takers = [kind for kind in plain if objection(read, rule(kind)) is None]
    assert len(takers) == (len(plain) if value is None else 1)


# Names


@pytest.mark.parametrize(
    "name", ["a", "A", "birthday", "firstName", "job-title", "x_1", "a" * 64, "Tag", "size2"]
)
def test_a_name_may_be(name: str) -> None:
    assert is_property_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "1st", "_x", "-x", "a b", "a.b", "a#b", "größe", "a" * 65, "a\n", "a\0", "٣", "ａ", "a/b", "\ud800"],
)
def test_a_name_may_not_be(name: str) -> None:
    assert not is_property_name(name)


def test_no_property_is_named_like_what_every_contact_has() -> None:
    contact = Contact(id="c", version=1, created_at="", updated_at="")
    own = {*contact_values(contact), *contact_out(contact), "add_tags", "remove_lists"}
    assert own <= CORE_FIELDS
    assert {"id", "email", "tags", "custom_fields", "version", "absorbed", "validation_status"} <= CORE_FIELDS
    for name in (*own, "Email", "CUSTOM_FIELDS"):
        assert name_objection(name) is not None
    for name in ("birthday", "emails", "tag", "my_email"):
        assert name_objection(name) is None
